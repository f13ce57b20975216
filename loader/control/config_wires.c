/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pseudowires of one peer share a control connection, a wire: those that have the peer's address (or
 * range of addresses) and Host Name, our address and the encapsulation in common. What concerns the
 * connection may be said by the first of them alone; those who say it too must agree.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/control/config_values.h"

/* Control connections that a peer may have: one address's, and of a range beyond one for each pseudowire. */
#define ONE_PEER 4u
#define SPARE 8u

/* ---- what they must agree in ---- */

enum shared {
	SHARED_SECRET,
	SHARED_SECRET_FILE,
	SHARED_PREVIOUS,
	SHARED_PREVIOUS_FILE,
	SHARED_HOST_NAME,
	SHARED_DIGEST,
	SHARED_HIDE,
	SHARED_DIAL,
	SHARED_HELLO,
	SHARED_V2,
	SHARED_CISCO,
	SHARED_YAMAHA,
	N_SHARED,
};

#define FIELD(member) offsetof(struct raw_signal, member), sizeof(((struct raw_signal *)0)->member)
static const struct {
	const char *name;
	size_t offset, size;
	enum pw_key key;
	bool text;
} shared[N_SHARED] = {
	[SHARED_SECRET] = { "secret", FIELD(secret), PW_SECRET, true },
	[SHARED_SECRET_FILE] = { "secret-file", FIELD(secret_file), PW_SECRET_FILE, true },
	[SHARED_PREVIOUS] = { "previous-secret", FIELD(previous_secret), PW_PREVIOUS_SECRET, true },
	[SHARED_PREVIOUS_FILE] = { "previous-secret-file", FIELD(previous_secret_file),
				   PW_PREVIOUS_SECRET_FILE, true },
	[SHARED_HOST_NAME] = { "host-name", FIELD(host_name), PW_HOST_NAME, true },
	[SHARED_DIGEST] = { "digest", FIELD(digest), PW_DIGEST, false },
	[SHARED_HIDE] = { "hide-avps", FIELD(hide_avps), PW_HIDE_AVPS, false },
	[SHARED_DIAL] = { "dial", FIELD(dial), PW_DIAL, false },
	[SHARED_HELLO] = { "hello", FIELD(hello), PW_HELLO, false },
	[SHARED_V2] = { "v2-fallback", FIELD(v2_fallback), PW_V2_FALLBACK, false },
	[SHARED_CISCO] = { "cisco-draft-avps", FIELD(cisco_draft_avps), PW_CISCO_DRAFT_AVPS,
			   false },
	[SHARED_YAMAHA] = { "yamaha-header", FIELD(yamaha_header), PW_YAMAHA_HEADER, false },
};

struct group {
	struct raw_pw **list; /* in the order of the files */
	unsigned int n;
	struct raw_signal s; /* what all of them say together */
	const struct raw_pw *by[N_SHARED]; /* who said it first; NULL: nobody */
};

static bool equal(unsigned int i, const struct raw_signal *a, const struct raw_signal *b)
{
	const char *x = (const char *)a + shared[i].offset, *y = (const char *)b + shared[i].offset;
	const char *text[2];

	if (!shared[i].text)
		return !memcmp(x, y, shared[i].size);
	memcpy(&text[0], x, sizeof(text[0]));
	memcpy(&text[1], y, sizeof(text[1]));
	return !text[0] || !text[1] || !strcmp(text[0], text[1]); /* a faulty one is told already */
}

static void join(struct load *ld, struct group *g, const struct raw_pw *p)
{
	char place[PW_PLACE_LEN];
	unsigned int i;

	for (i = 0; i < N_SHARED; i++) {
		if (!p->said.key[shared[i].key])
			continue;
		if (!g->by[i]) {
			g->by[i] = p;
			memcpy((char *)&g->s + shared[i].offset,
			       (const char *)&p->s + shared[i].offset, shared[i].size);
		} else if (!equal(i, &g->s, &p->s)) {
			pw_fault(ld, p, p->said.key[shared[i].key],
				 "%s is another than that of pseudowire %s, with which this one "
				 "shares a control connection, %s; say it once, or the same",
				 shared[i].name, pw_name_of(g->by[i]),
				 pw_place_of(ld, p, g->by[i], g->by[i]->said.key[shared[i].key],
					     place));
		}
	}
}

static unsigned int said_at(const struct group *g, enum shared i)
{
	return g->by[i]->said.key[shared[i].key];
}

/* By one as text, by another in a file. */
static void check_source(struct load *ld, const struct group *g, enum shared i, enum shared j)
{
	char place[PW_PLACE_LEN];

	if (!g->by[i] || !g->by[j] || g->by[i] == g->by[j])
		return;
	if (g->by[i]->place > g->by[j]->place) {
		check_source(ld, g, j, i);
		return;
	}
	pw_fault(ld, g->by[j], said_at(g, j),
		 "%s, and pseudowire %s of the same control connection has %s, %s; remove one",
		 shared[j].name, pw_name_of(g->by[i]), shared[i].name,
		 pw_place_of(ld, g->by[j], g->by[i], said_at(g, i), place));
}

static void check_group(struct load *ld, const struct group *g)
{
	bool secret = g->by[SHARED_SECRET] || g->by[SHARED_SECRET_FILE];
	enum shared previous = g->by[SHARED_PREVIOUS] ? SHARED_PREVIOUS : SHARED_PREVIOUS_FILE;
	const struct raw_pw *p = g->list[0];

	check_source(ld, g, SHARED_SECRET, SHARED_SECRET_FILE);
	check_source(ld, g, SHARED_PREVIOUS, SHARED_PREVIOUS_FILE);
	if (secret)
		return;
	if (g->by[previous])
		pw_fault(ld, g->by[previous], said_at(g, previous),
			 "%s is taken beside the new one while peers change it, and there is no "
			 "new one; add secret: or secret-file:",
			 shared[previous].name);
	if (g->s.hide_avps)
		pw_fault(ld, g->by[SHARED_HIDE], said_at(g, SHARED_HIDE),
			 "hide-avps needs a secret; add secret: or secret-file:");
	if (!pw_peer_is_one(p))
		pw_fault(ld, p, pw_line_of(p, PW_PEER),
			 "pseudowire %s waits for whoever of a range of addresses; add secret: or "
			 "secret-file:, by which its peer proves who it is",
			 pw_name_of(p));
}

/* ---- which of them it has ---- */

static int by_peer(const struct raw_pw *a, const struct raw_pw *b)
{
	int order = memcmp(&a->peer.addr, &b->peer.addr, sizeof(struct ipaddr));

	order = order ? order : (int)a->peer.len - (int)b->peer.len;
	order = order ? order : memcmp(&a->c.path.local, &b->c.path.local, sizeof(struct ipaddr));
	return order ? order : (int)a->c.path.peer_port - (int)b->c.path.peer_port;
}

static int by_wire(const struct raw_pw *a, const struct raw_pw *b)
{
	const char *x = a->s.peer_host_name, *y = b->s.peer_host_name;
	int order = by_peer(a, b);

	return order ? order : strcmp(x ? x : "", y ? y : "");
}

/* As they are told apart in requests; among those of one wire. */
static int by_end_id(const struct raw_pw *a, const struct raw_pw *b)
{
	int order = (int)a->s.end_id_len - (int)b->s.end_id_len;

	return order ? order : memcmp(a->s.end_id, b->s.end_id, a->s.end_id_len);
}

/* Behind those that are equal to the first. */
static unsigned int run_end(struct raw_pw **list, unsigned int i, unsigned int n,
			    pw_order_fn *order)
{
	unsigned int first = i;

	while (i < n && !order(list[first], list[i]))
		i++;
	return i;
}

/* Those of one peer's address. Without a Host Name: that of the others, if there is one alone. */
static void name_peer(struct load *ld, struct raw_pw **list, unsigned int n)
{
	const char *name = NULL, *other = NULL;
	unsigned int i;

	for (i = 0; i < n; i++) {
		const char *v = list[i]->s.peer_host_name;

		if (v && !name)
			name = v;
		else if (v && strcmp(v, name) != 0)
			other = v;
	}
	for (i = 0; i < n && name; i++) {
		struct raw_pw *p = list[i];

		if (!p->s.peer_host_name && other && !p->said.key[PW_PEER_HOST_NAME])
			pw_fault(ld, p, pw_line_of(p, PW_PEER),
				 "several peers have this address, told apart by their names; add "
				 "peer-host-name: to pseudowire %s",
				 pw_name_of(p));
		if (!p->s.peer_host_name)
			p->s.peer_host_name = name;
	}
}

static void same_end_id(struct load *ld, struct raw_pw **list, unsigned int n)
{
	char place[PW_PLACE_LEN];
	unsigned int i;

	pw_sort(list, n, by_end_id);
	for (i = 1; i < n; i++) {
		const struct raw_pw *p = list[i], *q = list[i - 1];

		if (!p->s.end_id_len || by_end_id(p, q))
			continue; /* static ones have none */
		pw_fault(ld, p, pw_line_of(p, PW_REMOTE_END_ID),
			 "pseudowire %s of the same peer has this remote-end-id already, %s; agree "
			 "with the peer on another",
			 pw_name_of(q),
			 pw_place_of(ld, p, q, pw_line_of(q, PW_REMOTE_END_ID), place));
	}
}

/* ---- what becomes of it ---- */

static char *secret_of(struct load *ld, const struct group *g, enum shared text,
		       enum shared in_file)
{
	const char *v = text == SHARED_SECRET ? g->s.secret : g->s.previous_secret;
	const char *file = text == SHARED_SECRET ? g->s.secret_file : g->s.previous_secret_file;

	if (v)
		return text_copy(ld, v);
	if (!file || g->by[in_file]->file)
		return NULL;
	return secret_from_file(ld, said_at(g, in_file), shared[in_file].name, file);
}

/* Ours is told by our first IPv4 address, as routers are; without one by our name. Not 0. */
static uint32_t router_id(const struct config *c, const char *hostname)
{
	uint32_t id = 2166136261u; /* FNV-1a */
	unsigned int i;

	for (i = 0; i < c->datapath.n_listen; i++) {
		if (addr_is_v4(&c->datapath.listen[i]))
			return addr_v4(&c->datapath.listen[i]);
	}
	for (; *hostname; hostname++)
		id = (id ^ (uint8_t)*hostname) * 16777619u;
	return id ? id : 1;
}

static void fill_l2tp(const struct config *c, struct config_wire *w, const struct raw_signal *s)
{
	unsigned int i;

	w->l2tp = (struct l2tp3_peer){
		.name = w->name,
		.hostname = w->hostname ? w->hostname : c->hostname,
		.expect_hostname = w->expect_hostname,
		.router_id = router_id(c, c->hostname),
		.digest = (enum l2tp3_digest)s->digest,
		.hide = s->hide_avps,
		.v2_fallback = s->v2_fallback,
		.cisco_drafts = s->cisco_draft_avps,
		.yamaha_header = s->yamaha_header,
		.hello_ms = s->hello * 1000,
		.max_tunnels = addr_is_set(&w->path.peer) ? ONE_PEER : w->n_pw + SPARE,
		.user = w,
	};
	for (i = 0; i < L2TP3_SECRETS && w->secret[i]; i++)
		w->l2tp.secret[i] = (struct l2tp3_secret){ (const uint8_t *)w->secret[i],
							   strlen(w->secret[i]) };
}

static void fill_signal(struct config_signal *to, const struct raw_pw *p, unsigned int wire)
{
	static const uint8_t octets[] = { 0, 4, 8 };

	to->wire = wire;
	to->keepalive = !p->c.signalled;
	if (to->keepalive)
		return; /* no session */
	memcpy(to->end_id, p->s.end_id, p->s.end_id_len);
	to->end_id_len = p->s.end_id_len;
	to->pw_type = p->s.vlan ? L2TP3_PW_VLAN : L2TP3_PW_ETHERNET;
	to->cookie_len = octets[p->s.cookie_words];
}

static void fill_wire(struct load *ld, struct config_wire *w, const struct group *g)
{
	struct config *c = ld->cfg;
	const struct raw_pw *p = g->list[0];
	unsigned int i;

	w->name = text_copy(ld, p->c.name);
	w->peer = p->peer;
	w->path = p->c.path;
	w->dial = g->s.dial && pw_peer_is_one(p);
	w->secret[0] = secret_of(ld, g, SHARED_SECRET, SHARED_SECRET_FILE);
	w->secret[1] = secret_of(ld, g, SHARED_PREVIOUS, SHARED_PREVIOUS_FILE);
	w->hostname = g->s.host_name ? text_copy(ld, g->s.host_name) : NULL;
	w->expect_hostname = p->s.peer_host_name ? text_copy(ld, p->s.peer_host_name) : NULL;
	w->pw = calloc(g->n, sizeof(*w->pw));
	if (!w->pw) {
		ld->faults.no_memory = true;
		return;
	}
	for (i = 0; i < g->n; i++) {
		w->pw[w->n_pw++] = g->list[i]->place;
		fill_signal(&c->signals[g->list[i]->place], g->list[i],
			    (unsigned int)(w - c->wires));
	}
	fill_l2tp(c, w, &g->s);
}

static void check_previous(struct load *ld, const struct config_wire *w, const struct group *g)
{
	enum shared i = g->by[SHARED_PREVIOUS] ? SHARED_PREVIOUS : SHARED_PREVIOUS_FILE;

	if (w->secret[0] && w->secret[1] && !strcmp(w->secret[0], w->secret[1]))
		pw_fault(ld, g->by[i], said_at(g, i),
			 "%s is the secret that there is; remove it, or write the one before",
			 shared[i].name);
}

/* Whoever answers at an address that is dialled has one name. */
static void check_dialled(struct load *ld, const struct config_wire *w, const struct group *g)
{
	const struct config_wire *before = w - 1;

	if (w == ld->cfg->wires || !w->dial || !before->dial || !path_eq(&w->path, &before->path))
		return;
	pw_fault(ld, g->list[0], pw_line_of(g->list[0], PW_PEER_HOST_NAME),
		 "pseudowires %s and %s dial one address, and expect peers of two names there; "
		 "write one peer-host-name, or dial: false",
		 before->name, pw_name_of(g->list[0]));
}

static void make_wire(struct load *ld, struct raw_pw **list, unsigned int n)
{
	struct group g = { .list = list, .n = n, .s = { .hello = 60, .dial = true } };
	struct config_wire *w = &ld->cfg->wires[ld->cfg->n_wires++];
	unsigned int i;

	for (i = 0; i < n; i++)
		join(ld, &g, list[i]);
	check_group(ld, &g);
	fill_wire(ld, w, &g);
	check_previous(ld, w, &g);
	check_dialled(ld, w, &g);
	same_end_id(ld, list, n);
}

/* The pseudowires that have one, to the front of the list. What is not where it could be told. */
static unsigned int pick(struct load *ld, struct raw_pw **list, unsigned int n)
{
	struct config_signal *signals = ld->cfg->signals;
	unsigned int i, kept = 0;

	for (i = 0; i < n; i++) {
		struct raw_pw *p = list[i];

		signals[p->place].wire = UINT_MAX;
		if (!(p->c.signalled || p->s.keepalive) || !p->peer_known ||
		    !addr_is_set(&p->c.path.local))
			continue;
		if (p->c.signalled && !p->s.end_id_len) {
			p->s.end_id_len = (uint8_t)strlen(p->c.name);
			memcpy(p->s.end_id, p->c.name, p->s.end_id_len);
		}
		list[kept++] = p;
	}
	return kept;
}

void check_wires(struct load *ld, struct raw_pw **list, unsigned int n)
{
	struct config *c = ld->cfg;
	unsigned int i, end, wires = 0;

	c->signals = calloc(n, sizeof(*c->signals));
	if (!c->signals) {
		ld->faults.no_memory = true;
		return;
	}
	n = pick(ld, list, n);
	pw_sort(list, n, by_peer);
	for (i = 0; i < n; i = end) {
		end = run_end(list, i, n, by_peer);
		name_peer(ld, list + i, end - i);
	}
	pw_sort(list, n, by_wire);
	for (i = 0; i < n; i = run_end(list, i, n, by_wire))
		wires++;
	c->wires = calloc(wires + 1, sizeof(*c->wires));
	if (!c->wires) {
		ld->faults.no_memory = true;
		return;
	}
	for (i = 0; i < n; i = end) {
		end = run_end(list, i, n, by_wire);
		make_wire(ld, list + i, end - i);
	}
}
