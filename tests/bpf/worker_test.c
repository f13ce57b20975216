// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which frames the hook hands to a worker, and that a worker makes of them what the hook would
 * have made. A test run hands nothing on: what the hook leaves of a frame is given to the
 * worker's program here.
 */
#include <time.h>

#include "tests/bpf/packet.h"

#define PLACE 1u /* CPU 0 */
#define OTHER (rig.cpus < 2 ? PLACE : PLACE + 1)

static struct rig rig;
static struct packet p;
static struct l2x_places *places;
static uint64_t *handed;

static uint8_t *place(void)
{
	return &places[RIG_INDEX / L2X_PLACES].at[RIG_INDEX % L2X_PLACES];
}

static uint64_t given(unsigned int to)
{
	uint64_t n = 0;

	for (unsigned int cpu = 0; cpu < rig.cpus; cpu++)
		n += handed[cpu * L2X_HANDED_COLUMNS + to];
	return n;
}

static void run(int fd, unsigned int ifindex, const void *frame, size_t len, struct rig_result *res)
{
	struct xdp_md ctx = { .data_end = (uint32_t)len, .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = (uint32_t)len,
		    .data_out = res->frame, .data_size_out = sizeof(res->frame), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx));

	if (bpf_prog_test_run_opts(fd, &o))
		fail_msg("test run of %zu octets: %s", len, strerror(errno));
	res->action = (int)o.retval;
	res->len = o.data_size_out;
}

static uint64_t all_verdicts(void)
{
	uint64_t counts[L2X_V_MAX], sum = 0;

	rig_counts(&rig, counts);
	for (unsigned int v = 0; v < L2X_V_MAX; v++)
		sum += counts[v];
	return sum;
}

/* At the hook. True: it went to a worker, and was not judged. */
static bool hook(unsigned int ifindex, struct rig_result *res)
{
	uint64_t before = all_verdicts(), given_before = 0, given_after = 0, judged;

	for (unsigned int to = 1; to < L2X_HANDED_TAKEN; to++)
		given_before += given(to);
	run(bpf_program__fd(rig.skel->progs.l2xdp), ifindex, p.b, p.len, res);
	for (unsigned int to = 1; to < L2X_HANDED_TAKEN; to++)
		given_after += given(to);
	judged = all_verdicts() - before;
	rig.frames += judged;
	assert_int_equal(judged + given_after - given_before, 1);
	if (!judged)
		assert_int_equal(res->action, XDP_REDIRECT);
	return !judged;
}

/* What the hook left of the frame, at a worker. */
static unsigned int worker(unsigned int ifindex, const struct rig_result *from,
			   struct rig_result *res)
{
	uint64_t before[L2X_V_MAX], after[L2X_V_MAX], taken = given(L2X_HANDED_TAKEN);
	unsigned int v, verdict = L2X_V_MAX;

	rig_counts(&rig, before);
	run(bpf_program__fd(rig.skel->progs.l2xdp_worker), ifindex, from->frame, from->len, res);
	rig.frames++;
	rig_counts(&rig, after);
	for (v = 0; v < L2X_V_MAX; v++)
		if (after[v] != before[v])
			verdict = v;
	assert_int_equal(given(L2X_HANDED_TAKEN) - taken, 1);
	assert_true(verdict < L2X_V_MAX);
	return verdict;
}

static void tunnel_is(const char *peer)
{
	rig.tunnels[RIG_TID] =
		(struct l2x_tunnel){ .gen = 1,
				     .peer = rig_addr(peer),
				     .local = rig_addr(strchr(peer, ':') ? RIG_LNS6 : RIG_LNS4),
				     .peer_port = htons(1701),
				     .local_port = htons(1701) };
}

static void reset(bool v6, uint16_t flags)
{
	rig_reset(&rig, v6, flags);
	tunnel_is(v6 ? RIG_LAC6 : RIG_LAC4);
	*place() = PLACE;
	rig.skel->bss->live.workers = 1;
}

/* What a worker makes of the frame is what the hook makes of it without workers. */
static void expect_the_same(unsigned int ifindex, const char *what)
{
	static struct rig_result alone, passed, done;
	unsigned int verdict;

	rig.skel->bss->live.workers = 0;
	rig_run(&rig, ifindex, p.b, p.len,
		&alone); /* where ways are kept, it is known from now on */
	rig.skel->bss->live.workers = 1;
	rig.t->rx_seq = rig.t->tx_ns = 0;
	if (!hook(ifindex, &passed))
		fail_msg("%s: not handed on", what);
	assert_int_equal(passed.len, p.len);
	assert_memory_equal(passed.frame, p.b, p.len);
	rig.t->rx_seq = rig.t->tx_ns = 0;
	verdict = worker(ifindex, &passed, &done);
	if (verdict != alone.verdict)
		fail_msg("%s: %s instead of %s", what, rig_verdict_names[verdict],
			 rig_verdict_names[alone.verdict]);
	/* there is no XDP_TX at a worker */
	assert_int_equal(done.action, alone.action == XDP_TX ? XDP_REDIRECT : alone.action);
	assert_int_equal(done.len, alone.len);
	assert_memory_equal(done.frame, alone.frame, alone.len);
}

static void does_the_same(void)
{
	for (int v6 = 0; v6 < 2; v6++) {
		for (int in6 = 0; in6 < 2; in6++) {
			reset(v6, 0);
			make_rx(&p, &(struct outer_desc){ .v6 = v6 },
				&(struct inner_desc){ .v6 = in6 });
			expect_the_same(rig.access, "uplink");
			make_rx(&p, &(struct outer_desc){ .v6 = v6 },
				&(struct inner_desc){ .v6 = in6, .ttl = 1 });
			expect_the_same(rig.access, "uplink, TTL");
			make_core(&p, &(struct inner_desc){ .v6 = in6,
							    .src = in6 ? RIG_SERVER6 : RIG_SERVER4,
							    .dst = in6 ? RIG_SUB6 : RIG_SUB4 });
			expect_the_same(rig.core, "downlink");
			memcpy(p.b, "\2\0\0\0\0\1", 6);
			expect_the_same(rig.access, "downlink that comes in where it goes out");
		}
	}
	reset(false, L2X_S_SEQ_RX | L2X_S_SEQ_TX);
	make_rx(&p, &(struct outer_desc){ .S = true, .ns = 7 }, &(struct inner_desc){});
	expect_the_same(rig.access, "numbered");
	make_rx(&p, &(struct outer_desc){}, &(struct inner_desc){ .src = "10.64.0.3" });
	expect_the_same(rig.access, "spoofed");
}

/* Also where the way is known, and hook and worker could each forward the frame by the short
 * way: it is handed on before that. */
static void a_worker_does_what_the_hook_does(void **state)
{
	(void)state;
	does_the_same();
	rig.skel->bss->live.routes4 = rig.skel->bss->live.routes6 = 1;
	does_the_same();
	rig.skel->bss->live.routes4 = rig.skel->bss->live.routes6 = 0;
}

static void expect_here(unsigned int ifindex, unsigned int verdict, const char *what)
{
	static struct rig_result res;
	uint64_t before[L2X_V_MAX], after[L2X_V_MAX];

	rig_counts(&rig, before);
	if (hook(ifindex, &res))
		fail_msg("%s: handed on", what);
	rig_counts(&rig, after);
	if (after[verdict] == before[verdict])
		fail_msg("%s: not %s", what, rig_verdict_names[verdict]);
}

static void what_has_no_worker_stays_where_it_arrives(void **state)
{
	static const uint8_t zlb[] = { 0xc8, 2, 0, 12, 0x12, 0x34, 0, 0, 0, 0, 0, 0 };
	struct inner_desc d = {};

	(void)state;
	reset(false, 0);
	make_rx(&p, &(struct outer_desc){}, &d);
	*place() = 0;
	expect_here(rig.access, L2X_V_DECAP, "no place");
	*place() = (uint8_t)(bpf_map__max_entries(rig.skel->maps.workers) + 1);
	expect_here(rig.access, L2X_V_DECAP, "no such CPU");
	*place() = PLACE;
	rig.skel->bss->live.workers = 0;
	expect_here(rig.access, L2X_V_DECAP, "workers are off");
	rig.skel->bss->live.workers = 1;

	make_rx(&p, &(struct outer_desc){ .sid = 9 }, &d);
	expect_here(rig.access, L2X_V_SESSION_UNKNOWN, "unknown session");
	make_rx(&p, &(struct outer_desc){ .frag = 0x2000 }, &d);
	expect_here(rig.access, L2X_V_FRAGMENT, "fragment");
	make_rx(&p, &(struct outer_desc){ .frag = 0x2001 }, &d);
	expect_here(rig.access, L2X_V_FRAGMENT, "later fragment");
	make_rx(&p, &(struct outer_desc){}, &d);
	p.len = 42;
	put(&p, zlb, sizeof(zlb));
	set16(p.b + 16, 40);
	set16(p.b + 38, 20);
	fix_outer(&p, 14, false, false);
	expect_here(rig.access, L2X_V_CONTROL, "control message");

	/* nobody but the peer fills a worker's queue */
	tunnel_is("192.0.2.11");
	make_rx(&p, &(struct outer_desc){}, &d);
	expect_here(rig.access, L2X_V_DECAP, "another tunnel's peer");
	make_core(&p, &(struct inner_desc){ .src = RIG_SERVER4, .dst = "10.64.0.3" });
	expect_here(rig.core, L2X_V_NO_SESSION, "an address that nobody holds");
}

/* ---- moves -------------------------------------------------------------------------------- */

union word {
	struct l2x_move m;
	uint64_t word;
};

static void move_begin(uint8_t from, uint8_t to)
{
	const union word v = { .m = { .from = from, .to = to } };

	rig.t->rx_done = rig.t->tx_done = 0;
	rig.t->rx_move = rig.t->tx_move = v.word;
	*place() = L2X_MOVING;
}

static struct l2x_move moved(bool uplink)
{
	union word v = { .word = uplink ? rig.t->rx_move : rig.t->tx_move };

	return v.m;
}

static void make(bool uplink)
{
	if (uplink)
		make_rx(&p, &(struct outer_desc){}, &(struct inner_desc){});
	else
		make_core(&p, &(struct inner_desc){ .src = RIG_SERVER4, .dst = RIG_SUB4 });
}

static void wait_quiet(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* A frame leaves with its number in front, and arrives as it was. */
static void with_ticket(bool uplink, uint16_t number, struct rig_result *res)
{
	const struct l2x_ticket want = {
		.mark = L2X_TICKET_MARK, .uplink = uplink, .number = number, .index = RIG_INDEX
	};

	make(uplink);
	assert_true(hook(uplink ? rig.access : rig.core, res));
	assert_int_equal(res->len, p.len + sizeof(want));
	assert_memory_equal(res->frame, &want, sizeof(want));
	assert_memory_equal(res->frame + sizeof(want), p.b, p.len);
}

static void without_ticket(bool uplink, unsigned int to, struct rig_result *res)
{
	uint64_t before = given(to);

	make(uplink);
	assert_true(hook(uplink ? rig.access : rig.core, res));
	assert_int_equal(res->len, p.len);
	assert_memory_equal(res->frame, p.b, p.len);
	assert_int_equal(given(to) - before, 1);
}

static void goes_when_nothing_is_under_way(bool uplink)
{
	static struct rig_result one, two, three, done;
	unsigned int port = uplink ? rig.access : rig.core,
		     forwarded = uplink ? L2X_V_DECAP : L2X_V_ENCAP;

	reset(false, 0);
	move_begin(PLACE, (uint8_t)OTHER);
	with_ticket(uplink, 1, &one);
	with_ticket(uplink, 2, &two);
	wait_quiet();
	with_ticket(uplink, 3, &three); /* neither is through: silence alone says nothing */
	assert_int_equal(worker(port, &one, &done), forwarded);
	assert_int_equal(worker(port, &two, &done), forwarded);
	wait_quiet();
	with_ticket(uplink, 4, &two); /* the third is not */
	assert_int_equal(worker(port, &three, &done), forwarded);
	assert_int_equal(worker(port, &two, &done), forwarded);
	wait_quiet();
	assert_int_equal(moved(uplink).gone, 0);
	without_ticket(uplink, OTHER, &one);
	assert_int_equal(moved(uplink).gone, 1);
	assert_int_equal(worker(port, &one, &done), forwarded);
	without_ticket(uplink, OTHER, &one);
	assert_int_equal(moved(!uplink).gone, 0); /* the other way has its own turn */
	assert_int_equal(moved(!uplink).sent, 0);
}

static void a_session_goes_when_nothing_of_it_is_under_way(void **state)
{
	(void)state;
	goes_when_nothing_is_under_way(true);
	goes_when_nothing_is_under_way(false);
}

/* What is lost on the way holds nobody up for longer than until the next one. */
static void a_lost_frame_does_not_hold_it(void **state)
{
	static struct rig_result res, done;

	(void)state;
	reset(false, 0);
	move_begin(PLACE, (uint8_t)OTHER);
	with_ticket(true, 1, &res);
	with_ticket(true, 2, &res);
	wait_quiet();
	with_ticket(true, 3, &res);
	worker(rig.access, &res, &done);
	wait_quiet();
	without_ticket(true, OTHER, &res);
}

/* It has just been dealt with, and may still wait for the other frames of its batch. */
static void not_at_once(void **state)
{
	static struct rig_result res, done;

	(void)state;
	reset(false, 0);
	move_begin(PLACE, (uint8_t)OTHER);
	with_ticket(true, 1, &res);
	worker(rig.access, &res, &done);
	rig.t->rx_done += (uint64_t)1000000 << 32; /* a second later, however slow this is */
	with_ticket(true, 2, &res);
	assert_int_equal(moved(true).gone, 0);
}

static void numbers_wrap(void **state)
{
	static struct rig_result res, done;
	union word v;

	(void)state;
	reset(false, 0);
	move_begin(PLACE, (uint8_t)OTHER);
	v.word = rig.t->rx_move;
	v.m.sent = 0xffff;
	rig.t->rx_move = v.word;
	with_ticket(true, 1, &res); /* 0 is none */
	worker(rig.access, &res, &done);
	wait_quiet();
	without_ticket(true, OTHER, &res);
}

static void from_and_to_where_frames_arrive(void **state)
{
	static struct rig_result res, done;

	(void)state;
	reset(false, 0);
	move_begin(0, PLACE);
	make(true);
	expect_here(rig.access, L2X_V_DECAP, "from here");
	assert_int_equal(moved(true).sent, 1);
	wait_quiet();
	without_ticket(true, PLACE, &res);

	reset(false, 0);
	move_begin(PLACE, 0);
	with_ticket(true, 1, &res);
	worker(rig.access, &res, &done);
	wait_quiet();
	make(true);
	expect_here(rig.access, L2X_V_DECAP, "to here");
	assert_int_equal(moved(true).gone, 1);
}

/* A slow frame is passed up without what stood before it. */
static void what_goes_up_is_as_it_came(void **state)
{
	static struct rig_result res, done;

	(void)state;
	reset(false, 0);
	move_begin(PLACE, (uint8_t)OTHER);
	make_rx(&p, &(struct outer_desc){}, &(struct inner_desc){ .ttl = 1 });
	assert_true(hook(rig.access, &res));
	assert_int_equal(res.len, p.len + sizeof(struct l2x_ticket));
	assert_int_equal(worker(rig.access, &res, &done), L2X_V_TTL);
	assert_int_equal(done.action, XDP_PASS);
	assert_int_equal(done.len, p.len);
	assert_memory_equal(done.frame, p.b, p.len);
}

/* The session has ended, and its frames are still in the queue. */
static void a_ticket_of_a_session_that_is_gone(void **state)
{
	static struct rig_result res, done;

	(void)state;
	reset(false, 0);
	move_begin(PLACE, (uint8_t)OTHER);
	with_ticket(true, 1, &res);
	rig.s->gen = rig.s->tx_gen = 0;
	assert_int_equal(worker(rig.access, &res, &done), L2X_V_SESSION_UNKNOWN);
	assert_int_equal(done.len, p.len);
}

/* ---- the ground ------------------------------------------------------------------------------ */

/* Queues behind which stands nothing that runs here: test runs hand nothing on. */
static void make_queues(void)
{
	struct {
		uint32_t size;
		int fd;
	} queue = { 64, 0 };
	int fd = bpf_map__fd(rig.skel->maps.workers);

	for (uint32_t cpu = 0; cpu < bpf_map__max_entries(rig.skel->maps.workers); cpu++)
		assert_int_equal(bpf_map_update_elem(fd, &cpu, &queue, 0), 0);
}

static int open_all(void **state)
{
	struct l2x_config cfg = rig_config();

	(void)state;
	rig_open(&rig, &cfg);
	places = rig_map(rig.skel->maps.places);
	handed = rig_map(rig.skel->maps.handed);
	make_queues();
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	rig_unmap(rig.skel->maps.places, places);
	rig_unmap(rig.skel->maps.handed, handed);
	rig_close(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_does_what_the_hook_does),
		cmocka_unit_test(what_has_no_worker_stays_where_it_arrives),
		cmocka_unit_test(a_session_goes_when_nothing_of_it_is_under_way),
		cmocka_unit_test(a_lost_frame_does_not_hold_it),
		cmocka_unit_test(not_at_once),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(from_and_to_where_frames_arrive),
		cmocka_unit_test(what_goes_up_is_as_it_came),
		cmocka_unit_test(a_ticket_of_a_session_that_is_gone),
	};

	rig_namespace();
	rig_stay(); /* the ways that one CPU keeps another does not know */
	return cmocka_run_group_tests(tests, open_all, close_all);
}
