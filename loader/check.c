/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a start with this configuration would do to the sessions that the store holds: for
 * `l2xdpd --check`, and so for every reload. The rules are those of restore.c.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/base/log.h"
#include "loader/persist.h"
#include "loader/wires.h"

#define MOST_LINES 20 /* tunnels named one by one */

struct checking {
	const struct config *cfg;
	const char *ends; /* the pseudowire that is to be closed, or NULL */
	char *text;
	size_t len, at;
	uint8_t *tunnels; /* by ID: 0 unknown, KEPT, LOST */
	uint8_t *taken; /* bit by index */
	unsigned int n_tunnels, n_sessions, lost_tunnels, lost_sessions, foreign, clash;
};
enum { KEPT = 1, LOST };

static void __attribute__((format(printf, 2, 3))) say(struct checking *c, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (c->at >= c->len)
		return;
	va_start(ap, fmt);
	n = vsnprintf(c->text + c->at, c->len - c->at, fmt, ap);
	va_end(ap);
	c->at += n > 0 ? (size_t)n : 0;
}

static bool check_tunnel(void *arg, uint64_t key, const uint8_t *rec, size_t len)
{
	struct checking *c = arg;
	struct persist_tunnel t;
	char peer[ADDR_STRLEN], local[ADDR_STRLEN], name[LOG_QUOTE_LEN];

	if (key >= L2X_MAX_TUNNELS || !persist_read_tunnel(rec, len, &t) ||
	    !l2tp_tunnel_record_lives(t.rest.p, t.rest.left))
		return true;
	c->n_tunnels++;
	c->tunnels[key] = KEPT;
	if (restore_peer(c->cfg, &t))
		return true;
	c->tunnels[key] = LOST;
	if (c->lost_tunnels++ < MOST_LINES)
		say(c,
		    "tunnel %u of peer %s (%s) would be closed: its peer or our address %s is "
		    "not in the configuration any more\n",
		    (unsigned int)key, log_quote(t.peer, strlen(t.peer), name, sizeof(name)),
		    addr_str(&t.path.peer, peer), addr_str(&t.path.local, local));
	return true;
}

static bool in_pools(const struct config *cfg, const struct ipaddr *a)
{
	for (unsigned int i = 0; i < cfg->datapath.n_pools; i++)
		if (prefix_contains(&cfg->datapath.pools[i], a))
			return true;
	return false;
}

static bool check_session(void *arg, uint64_t key, const uint8_t *rec, size_t len)
{
	struct checking *c = arg;
	struct persist_session s;
	uint32_t index;

	(void)key;
	if (!persist_read_session(rec, len, &s))
		return true;
	c->n_sessions++;
	index = dp_index(c->cfg->datapath.shards, s.tunnel_id, s.session_id);
	if (c->tunnels[s.tunnel_id] != KEPT) {
		c->lost_sessions++;
	} else if (c->taken[index / 8] >> index % 8 & 1) {
		c->lost_sessions++;
		c->clash++;
	} else {
		c->taken[index / 8] |= (uint8_t)(1u << index % 8);
		c->foreign += (s.flags & PERSIST_POOL4 && !in_pools(c->cfg, &s.ipv4)) ||
			      (s.flags & PERSIST_POOL6 && !in_pools(c->cfg, &s.ipv6.addr));
	}
	return true;
}

static void say_sessions(struct checking *c)
{
	say(c, "%u sessions in %u tunnels go on", c->n_sessions - c->lost_sessions,
	    c->n_tunnels - c->lost_tunnels);
	if (c->lost_tunnels || c->lost_sessions)
		say(c, ", %u sessions and %u tunnels would be closed", c->lost_sessions,
		    c->lost_tunnels);
	say(c, "\n");
}

/* Those of version 2, of signalled pseudowires, or both: whatever there is. */
static int check_wires(struct checking *c, struct store *store)
{
	size_t at = c->at < c->len ? c->at : c->len;
	struct checked_wires w;
	int rc = wires_check(c->cfg, store, c->ends, c->text + at, c->len - at, &w);
	unsigned int n = w.kept + w.anew + w.gone;

	c->at = at < c->len ? at + strlen(c->text + at) : at;
	if (!n || c->n_tunnels || c->n_sessions)
		say_sessions(c);
	if (n)
		say(c,
		    "%u sessions of pseudowires go on, %u will be set up anew, %u will be "
		    "closed\n",
		    w.kept, w.anew, w.gone);
	return rc;
}

int lns_check(const struct config *cfg, struct store *store, const char *ends, char *text,
	      size_t len)
{
	struct checking c = { .cfg = cfg, .ends = ends, .text = text, .len = len };
	int rc = -ENOMEM;

	if (len)
		*text = '\0';
	c.tunnels = calloc(L2X_MAX_TUNNELS, 1);
	c.taken = calloc(cfg->datapath.shards * L2X_SHARD_SESSIONS / 8, 1);
	if (!c.tunnels || !c.taken)
		goto out;
	store_visit(store, STORE_TUNNELS, check_tunnel, &c);
	store_visit(store, STORE_SESSIONS, check_session, &c);
	if (c.lost_tunnels > MOST_LINES)
		say(&c, "... and %u more tunnels\n", c.lost_tunnels - MOST_LINES);
	if (c.clash)
		say(&c,
		    "%u sessions would be closed: `datapath.shards` is lower, and others have "
		    "their places\n",
		    c.clash);
	if (c.foreign)
		say(&c, "%u sessions keep addresses that are in no pool any more\n", c.foreign);
	rc = check_wires(&c, store);
	if (!rc && (c.lost_tunnels || c.lost_sessions))
		rc = -EBUSY;
out:
	free(c.tunnels);
	free(c.taken);
	return rc;
}
