/* SPDX-License-Identifier: GPL-2.0-or-later */
/* show datapath, show verdicts, preflight: what the data path does, and what is in its way. */
#include <errno.h>
#include <string.h>

#include "loader/aaa/aaa.h"
#include "loader/control/show.h"
#include "loader/lns.h"

#define PREFLIGHT_MAX_DEVICES 16u

static const char *const no_options[] = { NULL };

int show_verdicts(const struct request *rq, struct answer *a)
{
	uint64_t counts[L2X_V_MAX] = { 0 };
	json_t *list;
	int i, err;

	err = no_parameters(rq, a);
	if (err)
		return err;
	list = json_array();
	dp_verdict_counts(lns_datapath(rq->lns), counts);
	for (i = 0; i < L2X_V_MAX; i++) {
		const struct dp_verdict_info *v = &dp_verdicts[i];

		if (v->name)
			json_array_append_new(list, json_pack("{s:i, s:s, s:s, s:I, s:s}", "number",
							      i, "verdict", v->name, "class",
							      v->class_name ? v->class_name : "",
							      "frames", (json_int_t)counts[i],
							      "text", v->text ? v->text : ""));
	}
	return answer_whole(a, list);
}

static json_t *json_interfaces(struct datapath *dp)
{
	struct dp_interface_info list[DP_MAX_INTERFACES];
	unsigned int i, n = dp_interfaces(dp, list, DP_MAX_INTERFACES);
	json_t *out = json_array();

	for (i = 0; i < n && i < DP_MAX_INTERFACES; i++) {
		const struct dp_interface_info *d = &list[i];

		json_array_append_new(out,
				      json_pack("{s:o, s:i, s:i, s:s, s:o, s:b}", "name",
						json_text(d->name), "ifindex", d->ifindex, "mtu",
						d->mtu, "mode", d->mode ? d->mode : "off", "why",
						json_text(d->why), "shared", d->shared));
	}
	return out;
}

static json_t *json_pools(const struct lns *lns)
{
	const struct config *cfg = lns_config(lns);
	json_t *out = json_array();
	unsigned int i;

	for (i = 0; i < cfg->n_pools; i++) {
		const struct pool *pool = lns_pool(lns, i);
		struct pool_use use = { 0 };

		if (pool)
			pool_usage(pool, &use);
		json_array_append_new(out, json_pack("{s:o, s:I, s:I, s:I, s:I}", "name",
						     json_text(cfg->pools[i].name), "ipv4_size",
						     (json_int_t)use.size4, "ipv4_used",
						     (json_int_t)use.used4, "ipv6_size",
						     (json_int_t)use.size6, "ipv6_used",
						     (json_int_t)use.used6));
	}
	return out;
}

static json_t *json_counters(const uint64_t *counts, const char *const *names, unsigned int n)
{
	json_t *out = json_object();
	unsigned int i;

	for (i = 0; counts && i < n; i++) {
		if (names[i])
			json_object_set_new(out, names[i], json_integer((json_int_t)counts[i]));
	}
	return out;
}

static json_t *json_listen(const struct dp_config *dp)
{
	json_t *out = json_array();
	unsigned int i;

	for (i = 0; i < dp->n_listen; i++)
		json_array_append_new(out, json_address(&dp->listen[i]));
	return out;
}

static json_t *json_l2tp3(const struct lns *lns)
{
	uint64_t counts[L2TP3_C_MAX] = { 0 };

	lns_l2tp3_counters(lns, counts);
	return json_counters(counts, l2tp3_counter_names, L2TP3_C_MAX);
}

int show_datapath(const struct request *rq, struct answer *a)
{
	struct datapath *dp = lns_datapath(rq->lns);
	const struct config *cfg = lns_config(rq->lns);
	int err;

	err = no_parameters(rq, a);
	if (err)
		return err;
	return answer_whole(
		a,
		json_pack("{s:s, s:o, s:I, s:s, s:o, s:i, s:o, s:i, s:o, s:o, s:I, s:I, s:o, s:o, "
			  "s:o, s:o}",
			  "version", L2XDP_VERSION, "hostname", json_text(cfg->hostname), "age",
			  (json_int_t)(lns_age_ms(rq->lns) / 1000), "mode",
			  dp_mode_names[cfg->datapath.mode], "listen", json_listen(&cfg->datapath),
			  "port", cfg->datapath.port, "tun", json_text(dp_tun_name(dp)), "shards",
			  cfg->datapath.shards, "bpf_directory",
			  json_text_or_null(cfg->datapath.bpf_dir), "interfaces",
			  json_interfaces(dp), "memory", (json_int_t)dp_memory(&cfg->datapath),
			  "sessions", (json_int_t)lns_session_count(rq->lns), "pools",
			  json_pools(rq->lns), "slow",
			  json_counters(dp_slow_counters(dp), dp_slow_counter_names, DP_SLOW_MAX),
			  "l2tp",
			  json_counters(l2tp_counters(lns_l2tp(rq->lns)), l2tp_counter_names,
					L2TP_C_MAX),
			  "l2tp3", json_l2tp3(rq->lns)));
}

static json_t *json_findings(const struct dp_finding *list, unsigned int n)
{
	static const char *const levels[] = { "ok", "note", "warning", "fatal" };
	json_t *out = json_array();
	unsigned int i;

	for (i = 0; i < n; i++)
		json_array_append_new(out, json_pack("{s:s, s:o, s:o}", "level",
						     levels[list[i].level & 3], "what",
						     json_text(list[i].what), "remedy",
						     json_text(list[i].remedy)));
	return out;
}

static int preflight_one(struct lns *lns, const char *name, json_t *out, struct answer *a)
{
	struct dp_finding list[DP_MAX_FINDINGS];
	bool fatal = false;
	int i, n;

	memset(list, 0, sizeof(list));
	n = lns_preflight(lns, name, list);
	if (n == -ENODEV)
		return answer_not_found(a, "no device %s; `ip link` lists them", name);
	if (n < 0)
		return answer_failed(a, "%s: %s", name, strerror(-n));
	for (i = 0; i < n; i++)
		fatal |= list[i].level == DP_FATAL;
	json_array_append_new(out, json_pack("{s:s, s:b, s:o}", "device", name, "ok", !fatal,
					     "findings", json_findings(list, (unsigned int)n)));
	return 0;
}

int preflight(const struct request *rq, struct answer *a)
{
	size_t i, n = json_array_size(rq->arguments);
	json_t *out;
	int err;

	err = options_known(rq, a, no_options);
	if (err)
		return err;
	if (!n || n > PREFLIGHT_MAX_DEVICES)
		return answer_usage(a, "takes 1 to %u devices", PREFLIGHT_MAX_DEVICES);
	out = json_array();
	for (i = 0; i < n && !err; i++) {
		const char *name = json_string_value(json_array_get(rq->arguments, i));

		if (!name || !*name || strlen(name) > 15 || strchr(name, '/'))
			err = answer_usage(a, "a device is a name as `ip link` shows it");
		else
			err = preflight_one(rq->lns, name, out, a);
	}
	if (err) {
		json_decref(out);
		return err;
	}
	return answer_whole(a, out);
}
