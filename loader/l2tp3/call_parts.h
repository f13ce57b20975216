/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of sessions share among themselves.
 *
 *   call.c         how one comes and goes, what the cells of the automata do
 *   call_input.c   messages to events: which session, and is what it says acceptable?
 *   call_build.c   the messages that we send
 *   call_id.c      Session IDs
 *   call_query.c   what the caller may ask
 *   call_record.c  sessions to records and back
 *   call_table.c   the automata
 */
#ifndef L2XDP_L2TP3_CALL_PARTS_H
#define L2XDP_L2TP3_CALL_PARTS_H

#include "loader/l2tp3/engine.h"

#define CALL3_LOOK_MS 5000 /* has the peer got it, so that its time runs? */
#define CALL3_HALF_OPEN 4096 /* requests of one peer that it does not confirm */

/* ---- call.c ---- */
enum l2tp3_role call3_role(const struct l2tp3_call *c);
/* Is it what the tunnel counts? */
void call3_count_state(struct l2tp3_call *c, int by);
/* Into the tunnel's list and the tables of IDs. 0, -EEXIST, -ENOMEM (and in none of them). */
int call3_adopt(struct l2tp3_call *c);
/* m: the message; why: for what ends the session, NULL: the event itself is the fault. */
void call3_event(struct l2tp3_call *c, msec_t now, enum l2tp3_call_event event,
		 const struct l2tp3_message *m, const struct l2tp_reason *why);
/* A request that nothing stands against. */
void call3_accept(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m,
		  const struct l2tp3_end *peer);
/* CDN to a request of which nothing is kept. */
void call3_refuse(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m,
		  const struct l2tp_reason *why);
timer_fn call3_not_in_time;

/* ---- call_input.c ---- */
struct l2tp3_call *call3_find_by_peer(const struct l2tp3_tunnel *t, uint32_t peer_id);
uint64_t call3_hash_peer(const struct l2tp3_tunnel *t, uint32_t peer_id);
/* What the message says, added to *peer. False with the CDN in *ret_why. */
bool call3_learn(struct l2tp3_end *peer, const struct l2tp3_message *m,
		 struct l2tp_reason *ret_why);

/* ---- call_build.c ---- */
void call3_send_request(struct l2tp3_call *c, msec_t now); /* ICRQ, OCRQ */
void call3_send_reply(struct l2tp3_call *c, msec_t now); /* ICRP, OCRP */
void call3_send_connect(struct l2tp3_call *c, msec_t now); /* ICCN, OCCN */
void call3_send_circuit(struct l2tp3_call *c, msec_t now); /* SLI */
void call3_send_cdn(struct l2tp3_tunnel *t, msec_t now, uint32_t id, uint32_t peer_id,
		    const struct l2tp_reason *why);

/* ---- call_id.c ---- */
struct l2tp3_call *call3_by_id(const struct l2tp3_endpoint *ep, uint32_t id); /* ours */
/* One that is free; it is taken by call3_adopt. place_bits 0..31, place below 2^place_bits. 0: all that
 * could be are in use. */
uint32_t call3_new_id(struct l2tp3_endpoint *ep, msec_t now, uint32_t place,
		      unsigned int place_bits);

#endif
