/* SPDX-License-Identifier: GPL-2.0-or-later */
/* show state: what would be left of the sessions if the daemon, or the host, died now. */
#include "loader/control/show.h"
#include "loader/lns.h"

static const char *const origins[] = {
	[STORE_NEW] = "new",
	[STORE_HOT] = "runtime",
	[STORE_DURABLE] = "durable",
};

static json_t *json_start(const struct lns_state_info *s)
{
	const struct dp_adoption *d = &s->adoption;

	return json_pack(
		"{s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:o}",
		"origin", origins[s->store.origin], "behind",
		s->store.origin == STORE_DURABLE
			? json_integer((json_int_t)(s->store.age_ms / 1000))
			: json_null(),
		"note", json_text_or_null(s->store.note), "tunnels",
		(json_int_t)s->tunnels_restored, "sessions", (json_int_t)s->sessions_restored,
		"dropped", (json_int_t)s->sessions_dropped, "pseudowires",
		(json_int_t)s->wires_restored, "pseudowires_dropped", (json_int_t)s->wires_dropped,
		"set_aside", (json_int_t)s->set_aside, "ms", (json_int_t)s->restored_in_ms,
		"maps_adopted", d->maps, "kept", (json_int_t)d->kept, "put", (json_int_t)d->put,
		"removed", (json_int_t)d->removed, "maps_note", json_text_or_null(d->note));
}

static json_t *json_store(const struct store_health *h)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "records", (json_int_t)h->records,
			 "octets", (json_int_t)h->octets, "commits", (json_int_t)h->commits,
			 "failed_commits", (json_int_t)h->failed_commits, "durable_commits",
			 (json_int_t)h->durable_commits, "durable_behind_ms",
			 (json_int_t)h->durable_behind_ms, "error", json_text_or_null(h->error));
}

static json_t *json_sweep(const struct lns_sweep_info *s)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "sessions", (json_int_t)s->sessions, "pages",
			 (json_int_t)s->pages, "ms", (json_int_t)s->ms, "busy_us",
			 (json_int_t)s->busy_us, "slice_us", (json_int_t)s->slice_us);
}

int show_state(const struct request *rq, struct answer *a)
{
	const struct config *cfg = lns_config(rq->lns);
	struct lns_state_info s = { 0 };
	int err = no_parameters(rq, a);

	if (err)
		return err;
	lns_state(rq->lns, &s);
	return answer_whole(a, json_pack("{s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "runtime_directory",
					 json_text_or_null(cfg->run_dir), "state_directory",
					 json_text_or_null(cfg->state_dir), "bpf_directory",
					 json_text_or_null(cfg->bpf_dir), "draining", s.draining,
					 "start", json_start(&s), "store", json_store(&s.health),
					 "counters", json_sweep(&s.sweep)));
}
