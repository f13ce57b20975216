/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drain, undrain, show peers, reload, shutdown: what an operator does before, during and
 * after work on this host or at a peer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/control/show.h"
#include "loader/lns.h"

#define RATE_MOST 65535u

void trim_lines(char *text)
{
	size_t len = strlen(text);

	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
}

int answer_refused(struct answer *a, const char *code, int err)
{
	if (!a->error[0])
		answer_failed(a, "%s; look at the daemon's log", strerror(-err));
	trim_lines(a->error);
	a->code = code;
	return err;
}

/* ---- drain ---- */

int drain(const struct request *rq, struct answer *a)
{
	static const char *const known[] = { "peer", "rate", NULL };
	const char *peer = NULL;
	unsigned int rate = 0;
	int err;

	err = only_options(rq, a, known);
	if (!err)
		err = option_text(rq, a, "peer", &peer);
	if (!err)
		err = option_number(rq, a, "rate", &rate);
	if (err)
		return err;
	if (json_object_get(rq->options, "rate") && (!rate || rate > RATE_MOST))
		return answer_usage(
			a, "rate is sessions a second, 1 to %u; leave it out to close none",
			RATE_MOST);
	if (rate && !peer)
		return answer_usage(a, "rate needs a peer, whose sessions are closed; name it, or "
				       "leave rate out");
	err = lns_drain(rq->lns, peer, rate, a->error, sizeof(a->error));
	if (err)
		return answer_refused(a, err == -ENOENT ? "not-found" : "failed", err);
	return answer_whole(a, json_pack("{s:o, s:I}", "drained", json_text_or_null(peer), "rate",
					 (json_int_t)rate));
}

int undrain(const struct request *rq, struct answer *a)
{
	static const char *const known[] = { "peer", NULL };
	const char *peer = NULL;
	int err;

	err = only_options(rq, a, known);
	if (!err)
		err = option_text(rq, a, "peer", &peer);
	if (err)
		return err;
	err = lns_undrain(rq->lns, peer, a->error, sizeof(a->error));
	if (err)
		return answer_refused(a, err == -ENOENT ? "not-found" : "failed", err);
	return answer_whole(a, json_pack("{s:o}", "undrained", json_text_or_null(peer)));
}

/* ---- show peers ---- */

struct peers {
	json_t *list;
	bool no_memory;
};

static bool collect(void *arg, const struct lns_peer_info *p)
{
	struct peers *l = arg;
	json_t *v =
		json_pack("{s:o, s:I, s:I, s:I, s:I, s:b, s:I}", "name", json_text(p->name),
			  "tunnels", (json_int_t)p->tunnels, "sessions", (json_int_t)p->sessions,
			  "half_open", (json_int_t)p->half_open, "refused", (json_int_t)p->refused,
			  "draining", p->draining, "rate", (json_int_t)p->rate);

	l->no_memory = json_array_append_new(l->list, v) != 0;
	return !l->no_memory;
}

/* As many as the configuration has, so the answer is made at once. */
int show_peers(const struct request *rq, struct answer *a)
{
	struct peers l = { 0 };
	int err = no_parameters(rq, a);

	if (err)
		return err;
	l.list = json_array();
	if (l.list)
		lns_peers_visit(rq->lns, collect, &l);
	if (l.no_memory) {
		json_decref(l.list);
		l.list = NULL;
	}
	return answer_whole(a, l.list);
}

/* ---- reload, shutdown ---- */

int reload(const struct request *rq, struct answer *a)
{
	static const char *const known[] = { "force", NULL };
	bool force = false;
	int err;

	err = only_options(rq, a, known);
	if (!err)
		err = option_switch(rq, a, "force", &force);
	if (err)
		return err;
	/* what it says is the answer's text, or the reason why not */
	err = lns_reload(rq->lns, force, a->error, sizeof(a->error));
	if (err)
		return answer_refused(a, err == -EBUSY ? "needs-force" : "failed", err);
	trim_lines(a->error);
	return answer_whole(
		a, json_pack("{s:b, s:o}", "reloading", 1, "text", json_text_or_null(a->error)));
}

int end_daemon(const struct request *rq, struct answer *a)
{
	unsigned int sessions = lns_session_count(rq->lns), wires = lns_wire_count(rq->lns);
	int err = no_parameters(rq, a);

	if (err)
		return err;
	lns_end(rq->lns);
	return answer_whole(a, json_pack("{s:I, s:I}", "closing", (json_int_t)sessions,
					 "pseudowires", (json_int_t)wires));
}
