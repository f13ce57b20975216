/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/client/load.h"

void load_failures_add(struct load_failures *f, const char *reason)
{
	unsigned int i = 0;

	while (i < f->n && strncmp(f->text[i], reason, LOAD_REASON_LEN - 1) != 0)
		i++;
	if (i == f->n && f->n < LOAD_REASONS) {
		f->n++;
		snprintf(f->text[i], LOAD_REASON_LEN, "%s",
			 f->n == LOAD_REASONS ? "other reasons" : reason);
	}
	if (i == LOAD_REASONS)
		i = LOAD_REASONS - 1;
	f->count[i]++;
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The place of a percentile among n sorted values: nearest rank. */
static uint32_t rank(uint32_t n, unsigned int percent)
{
	return (uint32_t)(((uint64_t)n * percent + 99) / 100 - 1);
}

struct load_percentiles load_percentiles(uint32_t *us, uint32_t n)
{
	struct load_percentiles p = { 0 };

	if (!n)
		return p;
	qsort(us, n, sizeof(*us), compare_u32);
	p.p50 = us[rank(n, 50)] / 1000.0;
	p.p99 = us[rank(n, 99)] / 1000.0;
	p.max = us[n - 1] / 1000.0;
	return p;
}

uint32_t load_duplicates(uint64_t *v, uint32_t n)
{
	uint32_t found = 0;

	if (n)
		qsort(v, n, sizeof(*v), compare_u64);
	for (uint32_t i = 1; i < n; i++)
		found += v[i] == v[i - 1];
	return found;
}

/* Lines that came up, whatever became of them later. */
static bool was_up(const struct load_line *s)
{
	return s->latency_us != 0;
}

static json_t *latencies(const struct load *g)
{
	uint32_t *us = calloc(g->total, sizeof(*us)), n = 0;
	struct load_percentiles p;

	for (uint32_t i = 0; us && i < g->total; i++)
		if (was_up(&g->lines[i]))
			us[n++] = g->lines[i].latency_us;
	p = load_percentiles(us, n);
	free(us);
	return json_pack("{s:f,s:f,s:f}", "p50", p.p50, "p99", p.p99, "max", p.max);
}

static json_t *failures(const struct load *g)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < g->failures.n; i++)
		json_object_set_new(o, g->failures.text[i],
				    json_integer((json_int_t)g->failures.count[i]));
	return o;
}

/* --verify: *ret_ok becomes false if something is wrong. */
static json_t *verified(const struct load *g, bool *ret_ok)
{
	uint64_t *v = calloc(g->total, sizeof(*v));
	uint32_t n = 0, dup4, dup6, no_ipv4 = 0, no_ipv6 = 0, wrong_auth = 0;

	if (!v)
		return json_null();
	for (uint32_t i = 0; i < g->total; i++) {
		const struct load_line *s = &g->lines[i];

		if (!was_up(s))
			continue;
		v[n++] = s->ipv4;
		no_ipv4 += !s->ipv4;
		wrong_auth += !g->opt->any_auth && s->auth != g->opt->auth;
	}
	dup4 = load_duplicates(v, n);
	n = 0;
	for (uint32_t i = 0; i < g->total; i++) {
		const struct load_line *s = &g->lines[i];

		if (was_up(s) && addr_is_set(&s->ipv6))
			v[n++] = addr_v6_upper(&s->ipv6);
		else if (was_up(s))
			no_ipv6 += g->opt->ipv6;
	}
	dup6 = load_duplicates(v, n);
	free(v);
	if (dup4 || dup6 || no_ipv4 || no_ipv6 || wrong_auth || g->traffic_misdelivered)
		*ret_ok = false;
	return json_pack("{s:i,s:i,s:i,s:i,s:i}", "duplicate_ipv4", dup4, "duplicate_ipv6", dup6,
			 "without_ipv4", no_ipv4, "without_ipv6", no_ipv6, "other_authentication",
			 wrong_auth);
}

static double seconds(uint64_t from_us, uint64_t to_us)
{
	return to_us > from_us ? (double)(to_us - from_us) / 1e6 : 0;
}

static uint32_t count_up(const struct load *g)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->total; i++)
		n += was_up(&g->lines[i]);
	return n;
}

static json_t *summary(const struct load *g, bool *ret_ok)
{
	double setup = seconds(g->start_us, g->setup_us);
	uint32_t up = count_up(g);
	json_t *o = json_object();

	json_object_set_new(o, "tunnels", json_integer(g->opt->tunnels));
	json_object_set_new(o, "sessions", json_integer(g->total));
	json_object_set_new(o, "up", json_integer(up));
	json_object_set_new(o, "failed", json_integer(g->failed));
	json_object_set_new(o, "setup_seconds", json_real(setup));
	json_object_set_new(o, "per_second", json_real(setup > 0 ? up / setup : 0));
	json_object_set_new(o, "teardown_seconds", json_real(seconds(g->close_us, g->closed_us)));
	json_object_set_new(o, "clean", json_boolean(!g->unclean));
	json_object_set_new(o, "latency_ms", latencies(g));
	json_object_set_new(o, "failures", failures(g));
	if (g->opt->verify || !g->opt->any_auth)
		json_object_set_new(o, "verify", verified(g, ret_ok));
	if (g->opt->traffic)
		json_object_set_new(o, "traffic",
				    json_pack("{s:I,s:I,s:I,s:I,s:I}", "sent",
					      (json_int_t)g->traffic_sent, "received",
					      (json_int_t)g->traffic_received, "other",
					      (json_int_t)g->traffic_other, "misdelivered",
					      (json_int_t)g->traffic_misdelivered, "not_sent",
					      (json_int_t)udp_lost(g->batch)));
	*ret_ok = *ret_ok && up == g->total && !g->failed && !g->unclean && !g->interrupted;
	return o;
}

static void print_text(const struct load *g, json_t *o)
{
	json_t *latency = json_object_get(o, "latency_ms");
	double setup = json_real_value(json_object_get(o, "setup_seconds"));

	printf("%u of %u sessions up in %u tunnels, %u failed\n",
	       (unsigned int)json_integer_value(json_object_get(o, "up")), g->total,
	       g->opt->tunnels, g->failed);
	printf("set-up %.3f s, %.0f a second; p50 %.1f ms, p99 %.1f ms, max %.1f ms\n", setup,
	       json_real_value(json_object_get(o, "per_second")),
	       json_real_value(json_object_get(latency, "p50")),
	       json_real_value(json_object_get(latency, "p99")),
	       json_real_value(json_object_get(latency, "max")));
	printf("teardown %.3f s, %s\n", seconds(g->close_us, g->closed_us),
	       g->unclean ? "not acknowledged" : "clean");
	if (g->opt->traffic)
		printf("traffic: %llu sent, %llu received, %llu misdelivered\n",
		       (unsigned long long)g->traffic_sent, (unsigned long long)g->traffic_received,
		       (unsigned long long)g->traffic_misdelivered);
	for (unsigned int i = 0; i < g->failures.n; i++)
		printf("failed %llu times: %s\n", (unsigned long long)g->failures.count[i],
		       g->failures.text[i]);
}

bool load_report(struct load *g)
{
	bool ok = true;
	json_t *o = summary(g, &ok);
	json_t *verify = json_object_get(o, "verify");
	char *text = json_dumps(g->opt->json ? o : verify, JSON_COMPACT | JSON_REAL_PRECISION(6));

	if (!g->opt->json)
		print_text(g, o);
	if (text)
		printf("%s%s\n", g->opt->json ? "" : "verify: ", text);
	free(text);
	json_decref(o);
	return ok;
}
