/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reliable delivery of control messages (RFC 2661 section 5.8 and appendix A).
 *
 * One `struct reliable` for each control connection. Messages go in by reliable_send and
 * leave by env->transmit as the window opens; what arrives is put in order by
 * reliable_receive, reliable_hold and reliable_next_held. Whoever processed an arrival
 * calls reliable_acknowledge at its end: a ZLB leaves unless something else carried the
 * acknowledgement (V2-REL-13).
 */
#ifndef L2XDP_L2TP_RELIABLE_H
#define L2XDP_L2TP_RELIABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/base/bytes.h"
#include "loader/base/list.h"
#include "loader/base/timers.h"

#define REL_DEFAULT_PEER_WINDOW 4 /* AVP 10 absent (V2-REL-9) */
#define REL_MAX_PEER_WINDOW 64 /* however much the peer offers (V2-QRK-5) */
#define REL_DEFAULT_WINDOW 16 /* ours (V2-REL-10) */
#define REL_MAX_WINDOW 256
#define REL_FIRST_MS 1000
#define REL_MIN_CAP_MS 8000
#define REL_MAX_HELD (4u << 20) /* octets waiting for their turn, all connections together */
#define REL_FAIR_HELD (16u << 10) /* of one, when more than half of that is in use */

struct reliable;

struct rel_message {
	struct rel_message *next;
	struct listnode dirty; /* in env->dirty: its record is older than it */
	struct reliable *owner;
	uint32_t serial; /* of ours, in the order of queuing; from 1 on */
	uint16_t ns; /* of one that was sent, or that waits for its turn */
	uint16_t len;
	uint32_t tunnel_id; /* of one that is gone */
	bool first; /* jumped the queue */
	bool sent; /* and has its Ns for ever */
	bool saved; /* there is a record */
	uint8_t data[]; /* from the header on */
};

/* What all control connections of an endpoint share. */
struct reliable_env {
	struct timers *timers;
	unsigned int retransmits, cap_ms; /* V2-REL-8, V2-REL-7 */
	size_t held;
	/* For the records of what outlives the process: to be written, to be deleted (only
	 * those of which there is one). */
	struct listnode *dirty; /* struct rel_message */
	struct rel_message *gone;
	uint64_t *counters; /* L2TP_C_* */
	void (*transmit)(struct reliable *r, const uint8_t *msg, size_t len);
	/* Sends the acknowledgement that is owed; NULL: a ZLB of version 2. */
	void (*acknowledge)(struct reliable *r);
	/* Nothing came back for `oldest` after all retransmissions. True: go on asking. On
	 * false the owner has cleared r. */
	bool (*give_up)(struct reliable *r, msec_t now, const struct rel_message *oldest);
	timer_fn *timer; /* the owner's: calls reliable_timeout with the timer's struct */
};

/* Not to be moved once initialised. */
struct reliable {
	struct reliable_env *env;
	struct rel_message *queue, **tail; /* from snd_una on */
	struct rel_message *unsent; /* the next to send, or to send again */
	struct rel_message *held; /* ahead of their turn, in order */
	struct timer timer;
	uint32_t queued, serial;
	uint32_t held_len; /* octets */
	uint32_t taken, done; /* ever queued, ever acknowledged, of those in their turn */
	uint16_t snd_una, snd_nxt, rcv_nxt;
	uint16_t in_flight; /* sent since the last timeout, and not acknowledged */
	uint16_t window, n_held; /* ours */
	uint16_t peer_window, cwnd, ssthresh, acked;
	uint32_t tunnel_id, peer_tunnel_id; /* 16 bits in version 2 */
	uint8_t tries;
	bool ack_owed, pumping;
	bool resuming; /* the timer is not for a missing answer, but for the first sending */
};

enum rel_verdict {
	REL_IN_ORDER, /* process it now */
	REL_DUPLICATE, /* acknowledge only (V2-REL-3) */
	REL_AHEAD, /* inside our window: reliable_hold */
	REL_OUTSIDE, /* beyond it: drop */
};

void reliable_init(struct reliable *r, struct reliable_env *env, uint16_t window);
/* Frees all queues and stops the timer; r may be initialised again. */
void reliable_clear(struct reliable *r);
/* From AVP 10. */
void reliable_set_peer_window(struct reliable *r, uint16_t window);

/* Takes a copy of a whole message; Ns and Nr are filled in as it leaves. -ENOMEM. */
int reliable_send(struct reliable *r, msec_t now, const uint8_t *msg, size_t len);
/* The same, ahead of all that has never left: for a message that another one's sender waits
 * for, while a long row of requests stands in the queue. */
int reliable_send_first(struct reliable *r, msec_t now, const uint8_t *msg, size_t len);
/* Has the peer acknowledged so many of reliable_send? After that, r->taken is the number
 * that holds its message. */
bool reliable_delivered(const struct reliable *r, uint32_t ticket);
/* Forgets what has never left: before StopCCN, which makes it void. */
void reliable_drop_unsent(struct reliable *r);
void reliable_timeout(struct reliable *r, msec_t now);
bool reliable_outstanding(const struct reliable *r);

/* Is this Nr one that the peer may send? (V2-REL-5) */
bool reliable_nr_valid(const struct reliable *r, uint16_t nr);
void reliable_acknowledged(struct reliable *r, msec_t now, uint16_t nr);

enum rel_verdict reliable_verdict(const struct reliable *r, uint16_t ns);
/* Books an arrival that is not a ZLB; REL_IN_ORDER advances the expected Ns. */
enum rel_verdict reliable_receive(struct reliable *r, uint16_t ns);
/* Keeps a copy for its turn. `most`: how many may wait, at most our window. */
void reliable_hold(struct reliable *r, uint16_t ns, const uint8_t *msg, size_t len,
		   unsigned int most);
/* The next one whose turn has come, for the caller to free; NULL: none. */
struct rel_message *reliable_next_held(struct reliable *r);
/* The record of m is up to date, or is gone and m with it. */
void reliable_saved(struct rel_message *m);
void reliable_free_gone(struct reliable_env *env);

/* The part of a connection's record that is about its numbers and windows. */
void reliable_save(const struct reliable *r, struct writer *w);
/* Its fields only; `rec` is bad when no connection could have left that. */
void reliable_read(struct reliable *ret, struct reader *rec);
/* As reliable_init, and what was read. */
void reliable_init_from(struct reliable *r, struct reliable_env *env, const struct reliable *read);

/* After a restart, before anything is sent: one message of the queue, fastest by rising serial. Its
 * Ns counts if it was `sent`; not `saved`: there is no record of it. -EBADMSG, -EEXIST,
 * -ENOMEM. */
int reliable_restore(struct reliable *r, const struct rel_message *like, const uint8_t *msg);
/* The Ns of a message that was sent and is not acknowledged, but is not there. */
bool reliable_missing(const struct reliable *r, uint16_t *ret_ns);
/* All are there; at `when` they are sent as the window allows. */
void reliable_resume(struct reliable *r, msec_t when);

/* Sends a ZLB (or what env->acknowledge makes of it) if an acknowledgement is still owed. */
void reliable_acknowledge(struct reliable *r);

#endif
