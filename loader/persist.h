/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the writer (persist.c) and the readers (restore.c, check.c) of our records share. */
#ifndef L2XDP_PERSIST_H
#define L2XDP_PERSIST_H

#include "loader/base/bytes.h"
#include "loader/lns_internal.h"

#define PERSIST_VERSION 1 /* first octet of our records */
#define PERSIST_TEXT 256 /* room for a text */

/* Keys of STORE_MISC. */
enum { PERSIST_CLOCK = 1, PERSIST_DRAIN = 2, PERSIST_TOTALS = 3 };

/* And from here on, counters.c: a page for each PERSIST_PAGE session indices. */
#define PERSIST_PAGE 32u
#define PERSIST_COUNTERS(page) (1ull << 32 | (page))
#define PERSIST_IS_COUNTERS(key) ((key) >> 32 == 1)
/* And here, wires_store.c: what l2tp3/ keeps, by kind (enum l2tp3_record), ID and serial, in the order
 * in which it is to be read. */
#define PERSIST_L2TP3(kind, id, serial)                                                            \
	(1ull << 62 | (uint64_t)(kind) << 60 | (uint64_t)(id) << 24 | ((serial)&0xffffffu))
#define PERSIST_IS_L2TP3(key) ((key) >> 62 == 1)
#define PERSIST_L2TP3_KIND(key) ((unsigned int)((key) >> 60 & 3))
#define PERSIST_L2TP3_ID(key) ((uint32_t)((key) >> 24))
#define PERSIST_L2TP3_SERIAL(key) ((uint32_t)(key)&0xffffffu)
#define PERSIST_PAGES(lns) ((lns)->cfg->datapath.shards * L2X_SHARD_SESSIONS / PERSIST_PAGE)

/* What a start is at (loader/monitor/marks.h). The first ones are one of the tables each, in
 * their order; then parts of a session's record, with the record's key. */
enum persist_mark {
	MARK_NONE,
	MARK_TUNNEL,
	MARK_MESSAGE,
	MARK_SESSION,
	MARK_RESTING,
	MARK_MISC,
	MARK_LINK, /* its PPP */
	MARK_PLACE, /* its place in the data path, and what follows from it */
	MARK_RECORDS, /* from here on it is no record */
	MARK_RESUME = MARK_RECORDS, /* control connections go on */
	MARK_HOOK,
	MARK_COMMIT,
	MARKS,
};
#define MARK_OF(table) ((enum persist_mark)((table) + 1))
extern const struct marks_names persist_marks;

/* aside.c: is this record, or this part of it, one that has ended workers? Then that is said, and
 * its octets are kept. `s`: of a session, what is known of it, or NULL. */
struct persist_session;
bool aside_take(struct lns *lns, enum persist_mark what, uint64_t key, const uint8_t *rec,
		size_t len, const struct persist_session *s);

/* Of a session. */
enum persist_flag {
	PERSIST_POOL4 = 1 << 0, /* its addresses are a pool's */
	PERSIST_POOL6 = 1 << 1,
	PERSIST_STATIC = 1 << 2, /* the user's own */
	PERSIST_LINK = 1 << 3, /* established: PPP runs */
};
enum persist_dp_flag {
	PERSIST_SEQ_SEND = 1 << 0,
	PERSIST_SEQ_RECEIVE = 1 << 1,
	PERSIST_SEQ_REQUIRED = 1 << 2,
	PERSIST_ECN = 1 << 3,
	PERSIST_MSS = 1 << 4,
};

/* Keys of STORE_RESTING are in the order of time. */
#define PERSIST_REST_KEY(ms, serial) ((uint64_t)(ms) << 20 | ((serial)&0xfffff))
#define PERSIST_REST_TIME(key) ((msec_t)((key) >> 20))

void persist_put_number(struct writer *w, uint64_t v);
uint64_t persist_get_number(struct reader *r);
void persist_put_text(struct writer *w, const char *text); /* cut at 255 octets */
bool persist_get_text(struct reader *r, char ret[static PERSIST_TEXT]);
uint64_t persist_wall_ms(void);

/* A tunnel's record; rest: where that of l2tp/ begins. */
struct persist_tunnel {
	char peer[PERSIST_TEXT];
	struct path path;
	struct reader rest;
};
bool persist_read_tunnel(const uint8_t *rec, size_t len, struct persist_tunnel *ret);

/* What stands first in a session's record: whose it is. Needs nothing else of it to be sound. */
struct persist_head {
	uint16_t tunnel_id, session_id;
};
bool persist_read_head(const uint8_t *rec, size_t len, struct persist_head *ret);

struct persist_session {
	uint8_t flags, dp_flags;
	msec_t since;
	char profile[PERSIST_TEXT], user[PERSIST_TEXT];
	struct ipaddr ipv4;
	struct prefix ipv6;
	uint16_t peer_mru, mru;
	struct dp_traffic traffic;
	uint16_t tunnel_id, session_id; /* of the call */
	struct reader call, link;
};
/* Whose the tunnel is in this configuration: by name and address, or by address alone. NULL:
 * nobody's, or our end of it is not ours any more. */
const struct config_peer *restore_peer(const struct config *cfg, const struct persist_tunnel *t);
bool persist_read_session(const uint8_t *rec, size_t len, struct persist_session *ret);

/* counters.c */
struct counters_key { /* whose an entry is */
	uint16_t tunnel_id, session_id;
	uint32_t since;
};
void counters_put(struct writer *w, const struct counters_key *k, const struct dp_traffic *t);
bool counters_find(const uint8_t *rec, size_t len, const struct counters_key *k,
		   struct dp_traffic *ret);
/* A session's place in the data path begins, or ends: its counters are looked at meanwhile. */
void counters_begin(struct session *s);
void counters_end(struct session *s);
/* Into the batch what moved since it was last written, of as many sessions as take about half a
 * millisecond; the next one goes on from there. True: now every session was looked at. */
bool counters_slice(struct lns *lns);
void counters_all(struct lns *lns); /* a whole round at once */
/* How long after a round the next one begins; ms: where it is small. */
msec_t counters_pause(const struct lns *lns, msec_t ms);
/* Pages as they were read, by number. */
struct counters {
	struct counters_page {
		uint8_t *rec;
		uint16_t len;
	} * pages;
	uint32_t n;
};
bool counters_keep(struct counters *c, uint32_t page, const uint8_t *rec, size_t len);
/* What is known of the session whose record has this key. */
void counters_merge(const struct counters *c, uint32_t index, struct persist_session *p);
void counters_free(struct counters *c);

/* totals.c: one list of named counters among those of a record */
void totals_put(struct writer *w, uint8_t list, const uint64_t *counts, const char *const *names,
		unsigned int n);
void totals_get(struct reader r, uint8_t list, uint64_t *ret_counts, const char *const *names,
		unsigned int n);
/* Into the batch, if they have moved. */
void totals_sweep(struct lns *lns);
void totals_restore(struct lns *lns, const uint8_t *rec, size_t len);

#endif
