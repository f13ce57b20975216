// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon rewrites a session while frames run. A writer thread flips one element
 * between two whole values, in the order of schema.h; nothing that comes out may mix them.
 */
#include "tests/bpf/packet.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define RUN_MS 1500
#define FRAMES_MIN 2000 /* also on a slow machine under emulation */

static struct rig rig;
static struct packet p;
static struct l2x_session values[2];
static atomic_bool stop;

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void *writer(void *arg)
{
	uint32_t gen = 10;
	unsigned int i;

	(void)arg;
	while (!atomic_load(&stop)) {
		struct l2x_session *v = &values[gen & 1];
		volatile unsigned int pause = 0;

		v->gen = v->tx_gen = ++gen;
		rig_session_write(rig.s, v);
		for (i = 0; i < gen % 97; i++)
			pause++;
	}
	return NULL;
}

/* Two peers that differ in every field that a frame shows. */
static void make_values(void)
{
	struct l2x_session *b = &values[1];

	values[0] = rig_session_make(false, 0);
	*b = values[0];
	b->peer = b->tx_peer = rig_addr("192.0.2.20");
	b->peer_port = b->tx_peer_port = htons(33412);
	b->ipv4 = rig_ip4("10.64.0.3");
	b->peer_tunnel_id = htons(0xf5f4);
	b->peer_session_id = htons(0xf3f2);
	b->nexthop = 9;
	b->ttl = 255;
	b->tx_flags |= L2X_S_TOS_FIXED;
	b->dscp = 46;
	b->pseudo_sum = rig_pseudo_sum(b);
	rig_sh("PATH=$PATH:/usr/sbin:/sbin; ip neigh replace 192.0.2.20 lladdr 02:00:00:00:00:20 "
	       "dev "
	       "acc nud permanent");
	rig.skel->bss->live.epoch++;
}

/* Runs `step` against the writer for a while; each returns which value was seen: 0, 1, or
 * 2 for neither. */
static void race(unsigned int (*step)(unsigned int i), unsigned int seen[3])
{
	uint64_t end = now_ms() + RUN_MS;
	pthread_t thread;
	unsigned int i;

	memset(seen, 0, 3 * sizeof(seen[0]));
	rig_reset(&rig, false, 0);
	make_values();
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, writer, NULL), 0);
	for (i = 0; i < FRAMES_MIN || now_ms() < end; i++)
		seen[step(i)]++;
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	print_message("  %u frames: %u of the one, %u of the other, %u of neither\n", i, seen[0],
		      seen[1], seen[2]);
	assert_true(seen[0] && seen[1]);
}

/* A frame to the peer is wholly of one value, its checksum included; else it went up. */
static unsigned int step_down(unsigned int i)
{
	static const uint8_t macs[2] = { 2, 0x20 };
	struct rig_result res;
	unsigned int k;

	(void)i;
	rig_run_only(&rig, rig.core, p.b, p.len, &res);
	if (res.action == XDP_PASS)
		return 2;
	assert_int_equal(res.action, XDP_REDIRECT);
	k = res.frame[5] == macs[1];
	assert_int_equal(res.frame[5], macs[k]);
	assert_int_equal(rig_sum(res.frame + 14, 20, 0), 0xffff);
	assert_int_equal(res.frame[15], k ? 46 << 2 : 0);
	assert_int_equal(res.frame[22], values[k].ttl);
	assert_memory_equal(res.frame + 30, &values[k].tx_peer.w[3], 4);
	assert_memory_equal(res.frame + 36, &values[k].tx_peer_port, 2);
	assert_memory_equal(res.frame + 44, &values[k].peer_tunnel_id, 2);
	assert_memory_equal(res.frame + 46, &values[k].peer_session_id, 2);
	assert_int_equal(
		transport_sum(res.frame + 14, false, 17, res.frame + 34, get16(res.frame + 38)), 0);
	return k;
}

static void test_downlink(void **state)
{
	unsigned int seen[3];

	(void)state;
	make_core(&p, &(struct inner_desc){ .down = true, .payload = 50 });
	race(step_down, seen);
}

/*
 * Frames that neither value forwards but a mixture of both would. Nothing becomes of
 * such a frame, so that the kernel can run it a hundred thousand times in one call, which
 * finds what single calls are too slow for.
 */
static void race_forbidden(unsigned int ifindex, enum l2x_verdict forwarded)
{
	struct xdp_md ctx = { .data_end = (uint32_t)p.len, .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = p.b, .data_size_in = (uint32_t)p.len,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = 100000);
	uint64_t counts[L2X_V_MAX], end = now_ms() + RUN_MS;
	pthread_t thread;

	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, writer, NULL), 0);
	do {
		assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(rig.skel->progs.l2xdp), &o),
				 0);
		rig.frames += 100000;
	} while (now_ms() < end);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	rig_counts(&rig, counts);
	print_message("  %llu frames in all\n", (unsigned long long)rig.frames);
	assert_int_equal(counts[forwarded], 0);
}

static void test_mixture_up(void **state)
{
	(void)state;
	rig_reset(&rig, false, 0);
	make_values();
	make_rx(&p, &(struct outer_desc){}, &(struct inner_desc){ .src = "10.64.0.3" });
	race_forbidden(rig.access, L2X_V_DECAP);
	make_rx(&p, &(struct outer_desc){ .src = "192.0.2.20", .sport = 33412 },
		&(struct inner_desc){});
	race_forbidden(rig.access, L2X_V_DECAP);
}

/* One value has a way but IPCP closed, the other is open but has no way. */
static void test_mixture_down(void **state)
{
	(void)state;
	rig_reset(&rig, false, 0);
	make_values();
	values[0].tx_flags &= (uint16_t)~L2X_S_IPV4;
	values[1].tx_peer = rig_addr("203.0.115.1");
	make_core(&p, &(struct inner_desc){ .down = true, .payload = 50 });
	race_forbidden(rig.core, L2X_V_ENCAP);
}

/* From either peer with either source address: only the pairs that belong together get
 * through, and no mixture makes a spoofer of an honest one. */
static unsigned int step_up(unsigned int i)
{
	static struct packet frames[4];
	struct rig_result res;
	unsigned int k = i % 4;

	if (!frames[k].len)
		make_rx(&frames[k],
			&(struct outer_desc){ .src = k & 1 ? "192.0.2.20" : NULL,
					      .sport = k & 1 ? 33412 : 0 },
			&(struct inner_desc){ .src = k & 2 ? "10.64.0.3" : NULL });
	rig_run(&rig, rig.access, frames[k].b, frames[k].len, &res);
	switch (res.verdict) {
	case L2X_V_DECAP:
		assert_true(k == 0 || k == 3);
		return k & 1;
	case L2X_V_SPOOFED:
		assert_true(k == 1 || k == 2);
		return 2;
	case L2X_V_PEER_MISMATCH:
	case L2X_V_SESSION_UNKNOWN:
	case L2X_V_CHANGING:
		return 2;
	}
	fail_msg("%s", rig_verdict_names[res.verdict]);
	return 2;
}

static void test_uplink(void **state)
{
	unsigned int seen[3];

	(void)state;
	race(step_up, seen);
}

static int setup(void **state)
{
	struct l2x_config cfg = rig_config();

	(void)state;
	rig_namespace();
	rig_open(&rig, &cfg);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mixture_up), /* these first: nothing was forwarded yet */
		cmocka_unit_test(test_mixture_down),
		cmocka_unit_test(test_downlink),
		cmocka_unit_test(test_uplink),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
