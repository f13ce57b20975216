/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions of pseudowires. A static one has its own from the configuration, for good; that of a
 * signalled one is what its control connection has agreed, and ends with it.
 *
 * Frames from the peer are taken while there is a session and the circuit is up; frames to it are
 * sent while its circuit is up, too (V3-CS-3, V3-CS-4). Until dp_ready the maps are not touched:
 * what stands there is what an earlier worker wrote, and the circuits are not known yet.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loader/datapath/private.h"

#define NO_SESSION "no session with its peer yet"

/* The largest headers that a session may come to have: no frame that fits them is ever too large. */
static void expect(struct pw *w)
{
	explicit_bzero(&w->s, sizeof(w->s));
	w->s.path = w->cfg->path;
	w->s.peer_cookie.len = PW_COOKIE_LEN;
	w->s.peer_sublayer = true;
	w->has_session = false;
}

void pw_session_begin(struct pw *w)
{
	const struct pw_config *c = w->cfg;

	w->dead = false;
	snprintf(w->no_session, sizeof(w->no_session), "%s", NO_SESSION);
	if (c->signalled) {
		expect(w);
		return;
	}
	w->s = (struct pw_session){ .path = c->path,
				    .id = c->id,
				    .peer_id = c->peer_id,
				    .cookie = c->cookie[0],
				    .peer_cookie = c->peer_cookie,
				    .sublayer = c->sublayer,
				    .peer_sublayer = c->peer_sublayer,
				    .seq_receive = c->seq_receive,
				    .seq_send = c->seq_send,
				    .send = true };
	w->has_session = true;
}

/* ---- up or down ------------------------------------------------------------------------------ */

bool pw_takes(const struct pw *w)
{
	return w->circuit_up && w->has_session;
}

bool pw_is_up(const struct pw *w)
{
	return pw_takes(w) && w->s.send && !w->dead;
}

const char *pw_why(const struct pw *w)
{
	if (!w->circuit_up)
		return w->down;
	if (!w->has_session || w->dead)
		return w->no_session;
	return w->s.send ? "" : "the peer says that its circuit is down: look there";
}

/* Something of it has changed. */
static void put(struct datapath *dp, struct pw *w, bool was_up)
{
	if (!dp->ready)
		return;
	pw_update(dp, w);
	pw_say(dp, w, was_up);
}

/* ---- sessions -------------------------------------------------------------------------------- */

static bool is_cookie(const struct pw_cookie *c)
{
	return c->len == 0 || c->len == 4 || c->len == PW_COOKIE_LEN;
}

static bool is_possible(const struct pw_session *s)
{
	const struct path *p = &s->path;

	return s->id && s->peer_id && is_cookie(&s->cookie) && is_cookie(&s->peer_cookie) &&
	       addr_is_set(&p->local) && addr_is_set(&p->peer) &&
	       addr_is_v4(&p->local) == addr_is_v4(&p->peer) && !p->local_port == !p->peer_port;
}

/* Index 0 is everybody's where there are no maps. */
static bool leads_to(const struct datapath *dp, const struct pw *w, uint32_t id)
{
	return !w->index || (id & ((1u << dp_pw_index_bits(dp)) - 1)) == w->index;
}

int dp_pw_session_set(struct datapath *dp, unsigned int i, const struct pw_session *s)
{
	struct pw *w = i < dp->n_pws ? &dp->pws[i] : NULL;
	bool was_up;

	if (!w || !w->cfg->signalled || !is_possible(s))
		return -EINVAL;
	if (dp_pw_id_is_static(dp, s->id))
		return -EEXIST;
	if (!leads_to(dp, w, s->id))
		return -ESTALE;
	was_up = pw_is_up(w);
	w->s = *s;
	w->has_session = true;
	put(dp, w, was_up);
	return 0;
}

void dp_pw_session_del(struct datapath *dp, unsigned int i, const char *why)
{
	struct pw *w = i < dp->n_pws ? &dp->pws[i] : NULL;
	bool was_up;

	if (!w || !w->cfg->signalled)
		return;
	was_up = pw_is_up(w);
	snprintf(w->no_session, sizeof(w->no_session), "%s", why ? why : NO_SESSION);
	if (!w->has_session)
		return;
	expect(w);
	put(dp, w, was_up);
}

void dp_pw_alive(struct datapath *dp, unsigned int i, bool alive, const char *why)
{
	struct pw *w = i < dp->n_pws ? &dp->pws[i] : NULL;
	bool was_up;

	if (!w || w->cfg->signalled)
		return;
	was_up = pw_is_up(w);
	snprintf(w->no_session, sizeof(w->no_session), "%s",
		 why ? why : "its peer does not answer");
	w->dead = !alive;
	put(dp, w, was_up);
}

/* ---- what is asked --------------------------------------------------------------------------- */

uint32_t dp_pw_index(const struct datapath *dp, unsigned int i)
{
	return i < dp->n_pws ? dp->pws[i].index : 0;
}

unsigned int dp_pw_index_bits(const struct datapath *dp)
{
	uint32_t n = dp->maps ? dp->maps->pws.n : maps_pw_elements(dp->cfg);
	unsigned int bits = 0;

	while (n >> (bits + 1))
		bits++;
	return bits;
}

bool dp_pw_circuit_is_up(const struct datapath *dp, unsigned int i)
{
	return i < dp->n_pws && dp->pws[i].circuit_up;
}

static uint64_t frames_in(const struct datapath *dp, const struct pw *w)
{
	const struct l2x_traffic *hook = pw_traffic(dp, w->index);

	return w->rx.packets + (hook ? __atomic_load_n(&hook->rx_packets, __ATOMIC_RELAXED) : 0);
}

void pw_heard_begin(struct datapath *dp, struct pw *w)
{
	w->heard = frames_in(dp, w);
}

bool dp_pw_heard(struct datapath *dp, unsigned int i)
{
	struct pw *w = i < dp->n_pws ? &dp->pws[i] : NULL;
	uint64_t now = w ? frames_in(dp, w) : 0, was;

	if (!w)
		return false;
	was = w->heard;
	w->heard = now;
	return now != was;
}
