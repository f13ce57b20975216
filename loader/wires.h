/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wires: the control connections of version 3 (l2tp3/) that the configuration asks for, and the
 * pseudowires of the data path that they signal, brought together. What lns.c is to subscribers.
 *
 *   datapath/ --control--> l2tp3/ --call_news--> wires.c --dp_pw_session_set--> datapath/
 *
 * A wire is dialled, or waited for; each of its pseudowires (a line) has one session at the most.
 */
#ifndef L2XDP_WIRES_H
#define L2XDP_WIRES_H

#include "loader/datapath/pseudowire.h"
#include "loader/l2tp3/l2tp3.h"
#include "loader/lns_internal.h"

#define WIRE_WHY PW_WHY_LEN /* room for a sentence with the peer's words in it */
#define WIRE_REASON 210 /* what wires_reason says at the most */
#define WIRE_END_ID (2 * L2TP3_MAX_END_ID + 8) /* a Remote End ID in words */
#define WIRE_END_TWIN 64
#define WIRE_FIRST_DELAY_MS 1000 /* before it is dialled, or a session asked for, again */
#define WIRE_LAST_DELAY_MS 60000
#define WIRE_GOOD_MS 10000 /* what held so long begins with the first delay again */
#define WIRE_DRAIN_WAIT_MS 5000
#define WIRE_RESTORED 2 /* sessions of one line in the store: the second one was taking its place */

struct wires;

struct wire {
	struct wires *all;
	const struct config_wire *cfg;
	struct l2tp3_tunnel *tunnel; /* the established one that calls are opened in; NULL: none */
	struct l2tp3_tunnel *dialled; /* ours, in set-up */
	struct timer dial; /* or, while `dialled`, that people are told that nobody answers */
	struct timer silence; /* since when nobody answers has to be told */
	msec_t up_at;
	unsigned int delay_ms; /* before it is dialled again */
	char why[WIRE_WHY]; /* it is down; empty: it is up, or there is nothing to tell */
	bool crossed; /* the last attempt gave way to one of the peer: not to be told of once */
	bool leaving; /* the next configuration has it not */
	bool farewell; /* the peer has closed it, and nothing has come since */
	int unsent; /* since it was dialled: negative errno, 0: all was sent */
	bool unproven; /* and the reason shown is a call that did not know the secret */
	struct log_limit log;
};

struct line {
	struct wire *wire; /* NULL: static without keepalive */
	unsigned int i; /* place in the configuration */
	struct l2tp3_call *call; /* NULL: none */
	struct timer open; /* the next try */
	struct timer circuit; /* the peer is to be told of our circuit */
	unsigned int delay_ms; /* before it is tried again */
	msec_t up_at;
	bool up; /* told to be */
	bool crossed; /* as of a wire */
	bool sends; /* frames, as far as the peer is concerned */
	uint8_t changes; /* of the circuit ... */
	msec_t changes_since; /* ... since then */
	uint32_t restored[WIRE_RESTORED]; /* Session IDs in the store under its name */
};

struct wires {
	struct lns *lns;
	struct l2tp3_endpoint *ep;
	struct wire *wire; /* as cfg->wires */
	struct line *line; /* as cfg->datapath.pseudowires */
	unsigned int n_lines;
	unsigned int *ends; /* lines with a Remote End ID, in the order of wires_find_end */
	unsigned int n_ends;
	unsigned int *by_index; /* line whose index in the maps it is; UINT_MAX: nobody's */
	unsigned int index_bits;
	bool begun, ended;
	uint64_t before[L2TP3_C_MAX]; /* counters of earlier processes */
	struct log_limit refuse_log, line_log;
};

/* After dp_start. 0 or -ENOMEM. */
int wires_new(struct lns *lns, struct wires **ret);
void wires_free(struct wires *w); /* without a word to anybody; NULL is nobody */
/* The data path is ready, and what the store held has been taken up. */
void wires_begin(struct wires *w);
/* StopCCN to every peer, and none is dialled any more. */
void wires_shutdown(struct wires *w);
/* StopCCN to the peers of those with a bit, and none of them is dialled or answered any more: who comes
 * after us does not know their secrets. Returns how many connections were closed. */
unsigned int wires_leave(struct wires *w, const uint8_t *leaving, size_t n);
/* Sets the bits of wires in `old` that do not go on with `new`; n: how many bits there are. */
void wires_leaving(const struct config *old, const struct config *new, uint8_t *ret, size_t n);
/* Those that were put off are tried at once: nothing is drained any more. */
void wires_undrained(struct wires *w);

/* Is it a control message that l2tp3/ has to judge? Then it has. */
bool wires_input(struct wires *w, const struct path *path, const uint8_t *msg, size_t len);
/* Whoever says to be calling from there; ctx: struct wires. NULL: a stranger. */
const struct l2tp3_peer *wires_find_peer(void *ctx, const struct path *path,
					 const struct l2tp3_who *who);
/* From the data path: a message to there could not be sent. */
void wires_unsent(struct wires *w, const struct path *path, int rc);
/* From the data path: sets a timer, and nothing else. */
void wires_circuit(struct wires *w, unsigned int i, bool up);

/* wires_calls.c: ops, and what a line does. */
int wires_call_request(void *ctx, struct l2tp3_call *c, const struct l2tp3_call_info *info,
		       struct l2tp3_call_config *ret, struct l2tp_reason *ret_why);
void wires_call_news(void *ctx, struct l2tp3_call *c);
void wires_call_down(void *ctx, struct l2tp3_call *c, const struct l2tp_reason *why);
/* Into the data path, as it is agreed by now. */
void wires_line_put(struct wires *w, struct line *l);
/* A session is asked for in so many ms, if it is ours to ask and there is none. */
void wires_line_try(struct wires *w, struct line *l, msec_t wait);
void wires_line_tell(struct wires *w, struct line *l, msec_t wait); /* of the circuit */
void wires_line_why(struct wires *w, struct line *l, const char *why);
const char *wires_reason(const struct l2tp_reason *why, char *buf, size_t len);
msec_t wires_jitter(struct wires *w, unsigned int ms); /* a quarter more or less */
void wires_lane(struct wires *w, const struct l2tp3_tunnel *t); /* at the hook, once it is up */
struct wire *wires_of(struct wires *w, const struct l2tp3_tunnel *t);

/* wires_ends.c. The order of Remote End IDs: `ends` has room for all pseudowires; returns how many have one. */
unsigned int wires_sort_ends(const struct config *cfg, unsigned int *ends);
/* The pseudowire of this wire with that Remote End ID; UINT_MAX: none. */
unsigned int wires_find_end(const struct config *cfg, const unsigned int *ends, unsigned int n,
			    unsigned int wire, const uint8_t *end_id, uint8_t len);
/* For people: number 77, "text"; what goes over the wire has no quotes. Never control characters. */
const char *wires_end_id(const uint8_t *b, unsigned int n, char ret[WIRE_END_ID]);
const char *wires_end_id_plain(const uint8_t *b, unsigned int n, char ret[WIRE_END_ID]);
uint32_t wires_end_number(const uint8_t *b, unsigned int n); /* 0: it is none, but text */
/* A hint when 77 is asked for and "77" is configured, or the other way; else empty. */
void wires_end_twin(const struct wires *w, const struct wire *wire,
		    const struct l2tp3_call_info *asked, char ret[WIRE_END_TWIN]);

/* wires_store.c */
void wires_commit(struct wires *w); /* into the batch: what has changed */
/* A record of STORE_MISC, PERSIST_IS_L2TP3; errors as of l2tp3_restore. */
int wires_read(struct wires *w, uint64_t key, const uint8_t *rec, size_t len);
/* All is read. Returns how many sessions go on; *ret_closed: how many do not. */
unsigned int wires_restored(struct wires *w, unsigned int *ret_closed);
/* Whose control connection it is, by its record. */
const struct config_wire *wires_named(const struct config *cfg, const char *name,
				      const struct path *path);
/* What a start with this configuration would do to pseudowires in the store: lines in `text`.
 * Returns -EBUSY if some would lose their session, but for the one of the name `ends` (NULL: none)
 * when it is not configured any more; -ENOMEM, or 0. */
struct checked_wires {
	unsigned int kept, anew, gone;
};
int wires_check(const struct config *cfg, struct store *store, const char *ends, char *text,
		size_t len, struct checked_wires *ret);

/* wires_show.c; wires_visit says nothing of those that have stopped */
void wires_visit(struct wires *w, bool (*fn)(void *arg, const struct lns_tunnel_info *t),
		 void *arg);
int wires_clear(struct wires *w, uint32_t id, const struct l2tp_reason *why); /* -ENOENT */
void wires_counters(const struct wires *w, uint64_t ret[L2TP3_C_MAX]);

#endif
