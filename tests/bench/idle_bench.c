/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sessions cost the daemon that do nothing but live: their subscribers ask by an LCP echo
 * every 30 s, and the hook answers. The daemon's own code and its own clock, which this program
 * moves on; the maps are ordinary memory, and nothing is sent. What the system calls of a wake-up
 * cost is not in it: their number is told.
 *
 *   timers   each link's echo timer runs, looks at the counters, finds that the subscriber was
 *            heard, and waits again (loader/ppp/echo.c)
 *   hello    every tunnel asks once a minute whether its subscribers live
 *   sweep    counters are compared with those in the store (loader/counters.c)
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "loader/lns_internal.h"
#include "loader/persist.h"
#include "loader/ppp/link.h"
#include "tests/bench/idle_maps.h"
#include "tests/bench/report.h"

#define BEGIN 1000000 /* ms */
#define INTERVAL_MS 30000
#define HELLO_MS 60000
#define SWEEP_MS 900 /* as persist.c */
#define A_TURN 2000 /* as lns.c */
#define TUNNEL_SESSIONS 65535u

#define ROUNDS_MAX 99u
#define SESSIONS_MAX 4000000u

struct options {
	uint32_t sessions, seconds; /* of each round, on the daemon's clock */
	unsigned int rounds;
	const char *csv;
};

struct cost {
	double ns;
	uint64_t n;
};

static struct lns lns;
static struct config cfg;
static struct config_profile profile;
static struct config_peer peer = { .name = (char *)"lac" };
static uint8_t record[PPP_MAX_RECORD];
static size_t record_len;
static uint32_t *order; /* indices, shuffled */
static struct session **all;
static msec_t sweep_at;

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "idle_bench: %s\n", what);
	exit(1);
}

static void nothing(void *ctx, const uint8_t *frame, size_t len)
{
	(void)ctx;
	(void)frame;
	(void)len;
}

static void no_credentials(void *ctx, const struct ppp_credentials *cred)
{
	(void)ctx;
	(void)cred;
}

/* An open link, as a daemon would have kept it. */
static void make_record(void)
{
	static const struct ppp_ops ops = { .send = nothing,
					    .random = lns_random,
					    .authenticate = no_credentials };
	struct ppp_config c = { .mru = 1460, .ipv4 = true };
	struct timers timers;
	struct ppp_link *l;

	timers_init(&timers);
	l = ppp_link_new(&c, &ops, NULL, &timers);
	if (!l)
		die("out of memory");
	l->phase = PHASE_NETWORK;
	l->lcp_fsm.state = l->ipcp_fsm.state = FSM_OPENED;
	l->lcp.magic = 0x01020304;
	l->lcp.peer_magic = 0x05060708;
	l->lcp.peer_mru = 1460;
	l->auth.state = AUTH_DONE;
	l->auth.user = strdup("subscriber@example.net");
	l->net.ipv4 = addr_from_v4(0x0a400002);
	l->net.local_ipv4 = addr_from_v4(0x0a400001);
	l->ipcp.up = true;
	record_len = ppp_link_save(l, record, sizeof(record));
	ppp_link_free(l);
	timers_free(&timers);
	if (!record_len)
		die("no record");
}

/* Indices as they are handed out: in no order. */
static void shuffle(uint32_t n)
{
	uint32_t seed = 12345;

	for (uint32_t i = 0; i < n; i++)
		order[i] = (i / TUNNEL_SESSIONS) << 16 | (i % TUNNEL_SESSIONS + 1);
	for (uint32_t i = n - 1; i > 0; i--) {
		uint32_t k, t;

		seed = seed * 1664525 + 1013904223;
		k = (uint32_t)((uint64_t)seed * (i + 1) >> 32);
		t = order[i];
		order[i] = order[k];
		order[k] = t;
	}
}

static void set_up(uint32_t n)
{
	unsigned int shards = 1;

	while (shards * TUNNEL_SESSIONS < n)
		shards *= 2;
	profile.ipv4 = true;
	profile.echo_interval = INTERVAL_MS / 1000;
	profile.echo_failures = 4;
	cfg.datapath.shards = shards;
	cfg.hostname = (char *)"lns";
	lns.cfg = &cfg;
	lns.now = BEGIN;
	timers_init(&lns.timers);
	lns.dp = idle_datapath(shards);
	lns.table = calloc(shards, sizeof(*lns.table));
	lns.counter_pages = calloc(PERSIST_PAGES(&lns), sizeof(bool));
	order = calloc(n, sizeof(*order));
	all = calloc(n, sizeof(*all));
	lns.counted = calloc((size_t)PERSIST_PAGES(&lns) * PERSIST_PAGE, sizeof(*lns.counted));
	if (!lns.dp || !lns.table || !lns.counter_pages || !lns.counted || !order || !all)
		die("out of memory");
	shuffle(n);
}

static void add(uint32_t i)
{
	uint32_t index = order[i];
	struct session *s = session_new(&lns, (uint16_t)(0x4000 | index >> 16), (uint16_t)index);

	if (!s || session_table_put(s))
		die("a session");
	all[i] = s;
	s->peer = &peer;
	s->profile = &profile;
	s->dp.peer_tunnel_id = s->dp.tunnel_id;
	s->dp.peer_session_id = s->dp.session_id;
	s->dp.path = (struct path){ .local = addr_from_v4(0xc6336401),
				    .peer = addr_from_v4(0xc000020a),
				    .local_port = 1701,
				    .peer_port = 1701 };
	s->ppp_cfg = (struct ppp_config){
		.mru = 1460, .ipv4 = true, .echo_ms = INTERVAL_MS, .echo_failures = 4, .name = "lns"
	};
	s->ppp = session_new_link(s);
	/* the spread comes from the record: each has another one */
	record[3] = (uint8_t)(i >> 16);
	record[4] = (uint8_t)(i >> 8);
	record[5] = (uint8_t)i;
	for (unsigned int k = 0; k < 4; k++)
		record[record_len - 4 + k] =
			(uint8_t)(link_record_sum(record, record_len - 4) >> (24 - 8 * k));
	if (!s->ppp || ppp_link_restore(s->ppp, lns.now, record, record_len))
		die("a link");
	session_fill_echo(s);
	if (dp_session_set(lns.dp, &s->dp))
		die("the data path");
	s->in_dp = true;
	counters_begin(s);
	s->rx_seen = dp_session_rx(lns.dp, s->index);
}

/* The subscribers' echoes of one millisecond: all ask once in 30 s, each at its own time. */
static void echoes(uint32_t n, msec_t ms)
{
	uint32_t from = (uint32_t)((uint64_t)n * (ms % INTERVAL_MS) / INTERVAL_MS),
		 to = (uint32_t)((uint64_t)n * (ms % INTERVAL_MS + 1) / INTERVAL_MS);

	for (uint32_t i = from; i < to; i++)
		idle_echo(lns.dp, order[(uint64_t)i * 7919 % n]);
}

static void timers(struct cost *c)
{
	double begun;

	while (timers_next(&lns.timers) <= lns.now) {
		begun = now_ns();
		timers_run(&lns.timers, lns.now, A_TURN);
		c->ns += now_ns() - begun;
		c->n++;
	}
}

static void sweep(struct cost *c)
{
	double begun = now_ns();

	sweep_at = lns.now + (counters_slice(&lns) ? counters_pause(&lns, SWEEP_MS) : 1);
	c->ns += now_ns() - begun;
	c->n++;
}

/* Of all tunnels within a minute, a part of it each second. */
static void hello(uint32_t n, uint32_t second, struct cost *c)
{
	uint32_t parts = HELLO_MS / 1000, from = n / parts * (second % parts);
	double begun = now_ns();

	for (uint32_t i = from; i < from + n / parts; i++)
		if (!session_alive(all[i], lns.now - HELLO_MS))
			c->n++;
	c->ns += now_ns() - begun;
}

/* One second of CPU is a whole core. */
struct figures {
	double timers, hello, sweep, all; /* % of a core */
	double timer_ns, wakeups;
};

static struct figures round_of(uint32_t n, uint32_t seconds, msec_t *ms)
{
	struct cost run = { 0 }, look = { 0 }, count = { 0 };
	msec_t end = *ms + seconds * 1000;

	for (; *ms < end; ++*ms, lns.now++) {
		echoes(n, *ms);
		timers(&run);
		if (lns.now >= sweep_at)
			sweep(&count);
		if (*ms % 1000 == 0)
			hello(n, (uint32_t)(*ms / 1000), &look);
	}
	return (struct figures){ .timers = run.ns / 1e7 / seconds,
				 .hello = look.ns / 1e7 / seconds,
				 .sweep = count.ns / 1e7 / seconds,
				 .all = (run.ns + look.ns + count.ns) / 1e7 / seconds,
				 .timer_ns = run.ns / ((double)n * seconds * 1000 / INTERVAL_MS),
				 .wakeups = (double)run.n / seconds };
}

static void tell(FILE *csv, const struct options *o, const char *what, const char *unit,
		 const struct figures *f, size_t field)
{
	double v[ROUNDS_MAX];
	struct spread s;
	char row[32];

	for (unsigned int i = 0; i < o->rounds; i++)
		memcpy(&v[i], (const char *)&f[i] + field, sizeof(v[i]));
	s = spread_of(v, o->rounds);
	printf("%-22s %8.2f (%.2f to %.2f) %s\n", what, s.median, s.min, s.max, unit);
	snprintf(row, sizeof(row), "sessions=%u", o->sessions);
	csv_line(csv, "idle", "l2xdp", row, what, unit, &s);
}

static struct options parse(int argc, char **argv)
{
	struct options o = { .sessions = 1000000, .seconds = 10, .rounds = 7 };

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--full"))
			continue;
		if (!strcmp(argv[i], "--csv"))
			o.csv = value;
		else if (!strcmp(argv[i], "--sessions"))
			o.sessions = (uint32_t)strtoul(value, NULL, 10);
		else if (!strcmp(argv[i], "--seconds"))
			o.seconds = (uint32_t)strtoul(value, NULL, 10);
		else if (!strcmp(argv[i], "--rounds"))
			o.rounds = (unsigned int)strtoul(value, NULL, 10);
		else
			die("[--sessions N] [--seconds N] [--rounds N] [--csv FILE] [--full]");
		i++;
	}
	if (!o.sessions || o.sessions > SESSIONS_MAX || !o.seconds || !o.rounds ||
	    o.rounds > ROUNDS_MAX)
		die("sessions 1 to 4000000, seconds from 1, rounds 1 to 99");
	return o;
}

int main(int argc, char **argv)
{
	static struct figures f[ROUNDS_MAX];
	struct options o = parse(argc, argv);
	struct rusage use;
	msec_t ms = 0;
	FILE *csv;

	show_conditions();
	make_record();
	set_up(o.sessions);
	for (uint32_t i = 0; i < o.sessions; i++)
		add(i);
	for (; ms < INTERVAL_MS + 1; ms++, lns.now++) { /* all have begun */
		echoes(o.sessions, ms);
		timers(&(struct cost){ 0 });
	}
	lns.outbox.len = 0;
	for (unsigned int i = 0; i < o.rounds; i++)
		f[i] = round_of(o.sessions, o.seconds, &ms);
	if (lns.outbox.len)
		die("echoes of ours have left, though all were heard");
	getrusage(RUSAGE_SELF, &use);
	csv = o.csv ? csv_open(o.csv) : NULL;
	printf("\n%u sessions, an echo from each every %u s, answered at the hook\n\n", o.sessions,
	       INTERVAL_MS / 1000);
	tell(csv, &o, "timers", "% of a core", f, offsetof(struct figures, timers));
	tell(csv, &o, "hello", "% of a core", f, offsetof(struct figures, hello));
	tell(csv, &o, "sweep", "% of a core", f, offsetof(struct figures, sweep));
	tell(csv, &o, "all", "% of a core", f, offsetof(struct figures, all));
	tell(csv, &o, "a timer", "ns", f, offsetof(struct figures, timer_ns));
	tell(csv, &o, "wake-ups", "a second", f, offsetof(struct figures, wakeups));
	printf("memory of this process: %ld octets a session, maps and all\n",
	       use.ru_maxrss * 1024 / (long)o.sessions);
	if (csv)
		fclose(csv);
	return 0;
}
