// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is for the daemon while it has no socket is dropped, for the kernel would answer "port
 * unreachable" and the LAC hang up; whatever needs no daemon goes on as before. A test run
 * looks for sockets in the namespace of the frame's interface, as a frame on the wire does.
 */
#include "tests/bpf/packet.h"

static struct rig rig;
static struct packet p;

static const uint8_t zlb[] = { 0xc8, 2, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0 };

static void make_control(bool v6)
{
	size_t udp = v6 ? 54 : 34;

	make_rx(&p, &(struct outer_desc){ .v6 = v6 }, &(struct inner_desc){});
	p.len = udp + 8;
	put(&p, zlb, sizeof(zlb));
	set16(p.b + (v6 ? 18 : 16), v6 ? 20 : 40);
	set16(p.b + udp + 4, 20);
	fix_outer(&p, 14, v6, false);
}

/* `verdict` while somebody listens, and no-daemon when not; runs the frame p in both cases. */
static void expect_both(bool away, unsigned int verdict, const char *what)
{
	rig_expect(&rig, rig.access, p.b, p.len, away ? L2X_V_NO_DAEMON : verdict, what, NULL);
}

/* An extension header of 8 octets before the UDP header. */
static void extend6(uint8_t kind, const uint8_t ext[8])
{
	make_control(true);
	memmove(p.b + 62, p.b + 54, p.len - 54);
	memcpy(p.b + 54, ext, 8);
	p.len += 8;
	p.b[20] = kind;
	set16(p.b + 18, 28);
}

static void all_that_goes_up(bool v6, bool away)
{
	static const uint8_t first[8] = { 17, 0, 0, 1 }, later[8] = { 17, 0, 0, 9 },
			     tcp[8] = { 6, 0, 0, 1 }, options[8] = { 17, 0, 1, 4 };
	struct outer_desc o = { .v6 = v6 };

	make_control(v6);
	expect_both(away, L2X_V_STRANGER, "SCCRQ");
	o.sid = 9;
	make_rx(&p, &o, &(struct inner_desc){});
	expect_both(away, L2X_V_SESSION_UNKNOWN, "unknown session");
	o.sid = 0;
	make_rx(&p, &o, &(struct inner_desc){ .ttl = 1 });
	expect_both(away, L2X_V_TTL, "TTL");
	if (!v6) {
		make_rx(&p, &(struct outer_desc){ .frag = 0x2000 }, &(struct inner_desc){});
		expect_both(away, L2X_V_FRAGMENT, "first fragment");
		make_rx(&p, &(struct outer_desc){ .frag = 0x2001 }, &(struct inner_desc){});
		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_FRAGMENT, "later fragment", NULL);
		make_control(false);
		memmove(p.b + 38, p.b + 34, p.len - 34);
		memset(p.b + 34, 1, 4);
		p.b[14] = 0x46;
		p.len += 4;
		set16(p.b + 16, 44);
		expect_both(away, L2X_V_OUTER_OPTIONS, "options");
		return;
	}
	extend6(44, first);
	expect_both(away, L2X_V_FRAGMENT, "first fragment");
	extend6(44, later);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_FRAGMENT, "later fragment", NULL);
	extend6(44, tcp);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_FRAGMENT, "TCP's", NULL);
	extend6(60, options);
	expect_both(away, L2X_V_OUTER_OPTIONS, "options");
	extend6(0, options);
	set16(p.b + 64, 53);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_OUTER_OPTIONS, "another port", NULL);
}

static void forwarded(bool v6)
{
	make_rx(&p, &(struct outer_desc){ .v6 = v6 }, &(struct inner_desc){});
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "uplink", NULL);
	make_core(&p, &(struct inner_desc){ .down = true });
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_ENCAP, "downlink", NULL);
	make_core(&p, &(struct inner_desc){ .down = true, .dst = "10.64.0.9" });
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_NO_SESSION, "for the kernel", NULL);
}

static void test_away(void **state)
{
	struct l2x_config cfg = rig_config();
	unsigned int v6;

	(void)state;
	rig_open(&rig, &cfg);
	for (v6 = 0; v6 < 2; v6++) {
		rig_reset(&rig, v6, 0);
		all_that_goes_up(v6, false);
		forwarded(v6);
	}
	rig_daemon_away(&rig);
	for (v6 = 0; v6 < 2; v6++) {
		rig_reset(&rig, v6, 0);
		all_that_goes_up(v6, true);
		forwarded(v6);
	}
	rig_close(&rig);
}

/* Neither a socket of another address, nor of another port, nor of the other family is the
 * daemon's; one of this very address is. */
static void test_which_socket(void **state)
{
	struct l2x_config cfg = rig_config();
	int fd;

	(void)state;
	rig_open(&rig, &cfg);
	rig_daemon_away(&rig);
	make_control(false);
	fd = rig_listen("203.0.113.1", cfg.port);
	expect_both(true, 0, "another address");
	close(fd);
	fd = rig_listen(RIG_LNS4, htons(1702));
	expect_both(true, 0, "another port");
	close(fd);
	fd = rig_listen("::", cfg.port);
	expect_both(true, 0, "another family");
	close(fd);
	fd = rig_listen(RIG_LNS4, cfg.port);
	expect_both(false, L2X_V_STRANGER, "this address");
	close(fd);
	make_control(true);
	fd = rig_listen(RIG_LNS6, cfg.port);
	expect_both(false, L2X_V_STRANGER, "this IPv6 address");
	close(fd);
	expect_both(true, 0, "nobody again");
	rig_close(&rig);
}

static int setup(void **state)
{
	(void)state;
	rig_namespace();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_away),
		cmocka_unit_test(test_which_socket),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
