/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/l2tp/reliable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp/header.h"
#include "loader/l2tp/l2tp.h"

#define NS_OFFSET 8

static void count(struct reliable *r, enum l2tp_counter c)
{
	r->env->counters[c]++;
}

/* ---- records ---- */

static void mark(struct rel_message *m)
{
	list_add(&m->owner->env->dirty, &m->dirty);
}

/* It has left the queue. What there is a record of waits until that is deleted. */
static void retire(struct reliable *r, struct rel_message *m)
{
	list_del(&m->dirty);
	/* may carry a proxy password */
	explicit_bzero(m->data, m->len);
	if (!m->saved) {
		free(m);
		return;
	}
	m->tunnel_id = r->tunnel_id;
	m->owner = NULL;
	m->next = r->env->gone;
	r->env->gone = m;
}

static void retire_list(struct reliable *r, struct rel_message *m)
{
	while (m) {
		struct rel_message *next = m->next;

		retire(r, m);
		m = next;
	}
}

void reliable_saved(struct rel_message *m)
{
	if (!m->owner) {
		free(m);
		return;
	}
	list_del(&m->dirty);
	m->saved = true;
}

void reliable_free_gone(struct reliable_env *env)
{
	while (env->gone) {
		struct rel_message *m = env->gone;

		env->gone = m->next;
		free(m);
	}
}

/* ---- life ---- */

void reliable_init(struct reliable *r, struct reliable_env *env, uint16_t window)
{
	memset(r, 0, sizeof(*r));
	r->env = env;
	r->tail = &r->queue;
	r->window = window > REL_MAX_WINDOW ? REL_MAX_WINDOW : window;
	r->peer_window = REL_DEFAULT_PEER_WINDOW;
	r->ssthresh = r->peer_window;
	r->cwnd = 1;
}

static void drop_held(struct reliable *r)
{
	while (r->held) {
		struct rel_message *m = r->held;

		r->held = m->next;
		r->env->held -= m->len;
		r->held_len -= m->len;
		explicit_bzero(m->data, m->len);
		free(m);
	}
	r->n_held = 0;
}

void reliable_clear(struct reliable *r)
{
	timer_stop(r->env->timers, &r->timer);
	retire_list(r, r->queue);
	r->queue = r->unsent = NULL;
	r->tail = &r->queue;
	r->queued = 0;
	r->snd_nxt = r->snd_una;
	r->in_flight = 0;
	drop_held(r);
	r->ack_owed = r->resuming = false;
}

/* Not what is held out of its turn (the peer sends it again), nor what is in flight (all of it
 * is sent again). */
void reliable_save(const struct reliable *r, struct writer *w)
{
	writer_u16(w, r->snd_una);
	writer_u16(w, r->snd_nxt);
	writer_u16(w, r->rcv_nxt);
	writer_u16(w, r->window);
	writer_u16(w, r->peer_window);
	writer_u16(w, r->cwnd);
	writer_u16(w, r->ssthresh);
	writer_u16(w, r->acked);
	writer_u32(w, r->taken);
	writer_u32(w, r->done);
}

static bool in_range(uint16_t v, uint16_t low, uint16_t high)
{
	return v >= low && v <= high;
}

static bool is_sane(const struct reliable *r)
{
	return in_range(r->window, 1, REL_MAX_WINDOW) &&
	       in_range(r->peer_window, 1, REL_MAX_PEER_WINDOW) &&
	       in_range(r->cwnd, 1, r->peer_window) &&
	       in_range(r->ssthresh, 1, REL_MAX_PEER_WINDOW) && r->acked <= r->cwnd &&
	       (uint16_t)(r->snd_nxt - r->snd_una) <= REL_MAX_PEER_WINDOW;
}

void reliable_read(struct reliable *ret, struct reader *rec)
{
	ret->snd_una = reader_u16(rec);
	ret->snd_nxt = reader_u16(rec);
	ret->rcv_nxt = reader_u16(rec);
	ret->window = reader_u16(rec);
	ret->peer_window = reader_u16(rec);
	ret->cwnd = reader_u16(rec);
	ret->ssthresh = reader_u16(rec);
	ret->acked = reader_u16(rec);
	ret->taken = reader_u32(rec);
	ret->done = reader_u32(rec);
	rec->bad |= !is_sane(ret);
}

void reliable_init_from(struct reliable *r, struct reliable_env *env, const struct reliable *read)
{
	reliable_init(r, env, read->window);
	r->snd_una = read->snd_una;
	r->snd_nxt = read->snd_nxt;
	r->rcv_nxt = read->rcv_nxt;
	r->peer_window = read->peer_window;
	r->cwnd = read->cwnd;
	r->ssthresh = read->ssthresh;
	r->acked = read->acked;
	r->taken = read->taken;
	r->done = read->done;
}

void reliable_set_peer_window(struct reliable *r, uint16_t window)
{
	r->peer_window = window > REL_MAX_PEER_WINDOW ? REL_MAX_PEER_WINDOW : window;
	r->ssthresh = r->peer_window;
	if (r->cwnd > r->peer_window)
		r->cwnd = r->peer_window;
}

bool reliable_outstanding(const struct reliable *r)
{
	return r->queue;
}

bool reliable_delivered(const struct reliable *r, uint32_t ticket)
{
	return (int32_t)(r->done - ticket) >= 0;
}

/* ---- sending ---- */

/* The current Nr goes into every transmission (V2-REL-6). */
static void transmit(struct reliable *r, uint8_t *msg, size_t len, uint16_t ns)
{
	struct writer w = writer_of(msg, len);

	w.len = len;
	writer_patch_u16(&w, NS_OFFSET, ns);
	writer_patch_u16(&w, NS_OFFSET + 2, r->rcv_nxt);
	r->ack_owed = false;
	count(r, L2TP_C_TX);
	r->env->transmit(r, msg, len);
}

/* Seconds 1, 2, 4, ... up to the cap (V2-REL-7). */
static msec_t interval(const struct reliable *r)
{
	msec_t ms = (msec_t)REL_FIRST_MS << (r->tries < 16 ? r->tries : 16);

	return ms < r->env->cap_ms ? ms : r->env->cap_ms;
}

static uint16_t send_window(const struct reliable *r)
{
	return r->cwnd < r->peer_window ? r->cwnd : r->peer_window;
}

/* Sends what the window allows. State is advanced before each transmission, because its
 * op may come back into this room. */
static void pump(struct reliable *r, msec_t now)
{
	if (r->pumping || r->resuming)
		return;
	r->pumping = true;
	while (r->unsent && r->in_flight < send_window(r)) { /* V2-REL-9 */
		struct rel_message *m = r->unsent;
		uint16_t ns = (uint16_t)(r->snd_una + r->in_flight);

		r->unsent = m->next;
		r->in_flight++;
		if (ns == r->snd_nxt) {
			r->snd_nxt++;
			m->sent = true;
			m->ns = ns;
			mark(m);
		} else {
			count(r, L2TP_C_RETRANSMIT);
		}
		if (!timer_is_set(&r->timer))
			timer_set(r->env->timers, &r->timer, now + interval(r), r->env->timer);
		transmit(r, m->data, m->len, ns);
	}
	r->pumping = false;
}

/* The place behind all that has ever left. */
static struct rel_message **never_sent(struct reliable *r)
{
	uint16_t sent = (uint16_t)(r->snd_nxt - r->snd_una);
	struct rel_message **at = &r->queue;

	while (sent-- && *at)
		at = &(*at)->next;
	return at;
}

static int enqueue(struct reliable *r, msec_t now, const uint8_t *msg, size_t len, bool first)
{
	struct rel_message *m = malloc(sizeof(*m) + len), **at;

	if (!m)
		return -ENOMEM;
	at = first ? never_sent(r) : r->tail;
	*m = (struct rel_message){
		.next = *at, .owner = r, .serial = ++r->serial, .len = (uint16_t)len, .first = first
	};
	memcpy(m->data, msg, len);
	mark(m);
	if (!r->unsent || r->unsent == *at)
		r->unsent = m;
	if (!*at)
		r->tail = &m->next;
	*at = m;
	r->queued++;
	r->taken += !first;
	pump(r, now);
	return 0;
}

int reliable_send(struct reliable *r, msec_t now, const uint8_t *msg, size_t len)
{
	return enqueue(r, now, msg, len, false);
}

int reliable_send_first(struct reliable *r, msec_t now, const uint8_t *msg, size_t len)
{
	return enqueue(r, now, msg, len, true);
}

void reliable_drop_unsent(struct reliable *r)
{
	struct rel_message **at = never_sent(r), *m;

	for (m = *at; m; m = m->next) {
		r->queued--;
		if (m == r->unsent)
			r->unsent = NULL;
	}
	retire_list(r, *at);
	*at = NULL;
	r->tail = at;
}

/* Only the oldest is sent again; the others follow as the window opens (V2-REL-15). */
void reliable_timeout(struct reliable *r, msec_t now)
{
	struct rel_message *oldest = r->queue;

	if (!oldest)
		return;
	if (r->resuming) {
		r->resuming = false;
		pump(r, now);
		return;
	}
	if (r->tries < r->env->retransmits)
		r->tries++;
	else if (!r->env->give_up(r, now, oldest))
		return;
	r->ssthresh = r->cwnd / 2 ? r->cwnd / 2 : 1; /* V2-REL-11 */
	r->cwnd = 1;
	r->acked = 0;
	r->in_flight = 0;
	r->unsent = oldest;
	pump(r, now);
}

/* One acknowledgement more: slow start, then congestion avoidance (V2-REL-11). */
static void open_window(struct reliable *r)
{
	if (r->cwnd < r->ssthresh) {
		r->cwnd++;
	} else if (++r->acked >= r->cwnd) {
		r->acked = 0;
		r->cwnd++;
	}
	if (r->cwnd > r->peer_window)
		r->cwnd = r->peer_window;
}

bool reliable_nr_valid(const struct reliable *r, uint16_t nr)
{
	return (uint16_t)(nr - r->snd_una) <= (uint16_t)(r->snd_nxt - r->snd_una);
}

void reliable_acknowledged(struct reliable *r, msec_t now, uint16_t nr)
{
	uint16_t n = (uint16_t)(nr - r->snd_una);

	if (!n || !reliable_nr_valid(r, nr))
		return;
	r->snd_una = nr;
	for (uint16_t i = 0; i < n; i++) {
		struct rel_message *m = r->queue;

		r->queue = m->next;
		r->done += !m->first;
		/* sent before a timeout and not again since: the peer had it after all */
		if (r->unsent == m)
			r->unsent = m->next;
		retire(r, m);
		r->queued--;
	}
	if (!r->queue)
		r->tail = &r->queue;
	r->in_flight = r->in_flight > n ? (uint16_t)(r->in_flight - n) : 0;
	r->tries = 0;
	open_window(r);
	timer_stop(r->env->timers, &r->timer);
	r->resuming = false;
	if (r->in_flight)
		timer_set(r->env->timers, &r->timer, now + interval(r), r->env->timer);
	pump(r, now);
}

/* ---- receiving ---- */

enum rel_verdict reliable_verdict(const struct reliable *r, uint16_t ns)
{
	uint16_t ahead = (uint16_t)(ns - r->rcv_nxt); /* V2-REL-2 */

	if (!ahead)
		return REL_IN_ORDER;
	if (ahead >= 0x8000)
		return REL_DUPLICATE;
	return ahead < r->window ? REL_AHEAD : REL_OUTSIDE; /* V2-REL-4 */
}

enum rel_verdict reliable_receive(struct reliable *r, uint16_t ns)
{
	enum rel_verdict verdict = reliable_verdict(r, ns);

	if (verdict == REL_IN_ORDER)
		r->rcv_nxt++;
	r->ack_owed = true;
	return verdict;
}

void reliable_hold(struct reliable *r, uint16_t ns, const uint8_t *msg, size_t len,
		   unsigned int most)
{
	uint16_t ahead = (uint16_t)(ns - r->rcv_nxt);
	struct rel_message **at = &r->held, *m;

	while (*at && (uint16_t)((*at)->ns - r->rcv_nxt) < ahead)
		at = &(*at)->next;
	if (*at && (*at)->ns == ns)
		return;
	if (r->n_held >= most || r->n_held >= r->window || r->env->held + len > REL_MAX_HELD)
		return;
	/* who fills the common store leaves room for others, whose messages are few and small */
	if (r->env->held > REL_MAX_HELD / 2 && r->held_len + len > REL_FAIR_HELD)
		return;
	m = malloc(sizeof(*m) + len);
	if (!m)
		return;
	*m = (struct rel_message){ .next = *at, .ns = ns, .len = (uint16_t)len };
	memcpy(m->data, msg, len);
	*at = m;
	r->n_held++;
	r->env->held += len;
	r->held_len += (uint32_t)len;
}

struct rel_message *reliable_next_held(struct reliable *r)
{
	struct rel_message *m = r->held;

	if (!m || m->ns != r->rcv_nxt)
		return NULL;
	r->held = m->next;
	r->n_held--;
	r->env->held -= m->len;
	r->held_len -= m->len;
	r->rcv_nxt++;
	r->ack_owed = true;
	return m;
}

void reliable_acknowledge(struct reliable *r)
{
	uint8_t zlb[L2TP_CONTROL_HEADER];
	struct writer w = writer_of(zlb, sizeof(zlb));

	if (!r->ack_owed)
		return;
	if (r->env->acknowledge) {
		r->ack_owed = false;
		r->env->acknowledge(r);
		return;
	}
	writer_u16(&w, L2TP_F_T | L2TP_F_L | L2TP_F_S | 2);
	writer_u16(&w, sizeof(zlb));
	writer_u16(&w, (uint16_t)r->peer_tunnel_id);
	writer_u16(&w, 0);
	writer_u32(&w, 0);
	count(r, L2TP_C_TX_ZLB);
	transmit(r, zlb, sizeof(zlb), r->snd_nxt); /* V2-REL-1 */
}

/* ---- after a restart ---- */

/* Does m, of a queue, stand before `like`? What was sent is first, by Ns; then what jumped the queue,
 * the last one first; then the others. */
static bool stands_before(const struct reliable *r, const struct rel_message *m,
			  const struct rel_message *like)
{
	if (m->sent != like->sent)
		return m->sent;
	if (like->sent)
		return (uint16_t)(m->ns - r->snd_una) < (uint16_t)(like->ns - r->snd_una);
	if (m->first != like->first)
		return m->first;
	return like->first ? m->serial > like->serial : m->serial < like->serial;
}

static bool has_serial(const struct reliable *r, uint32_t serial)
{
	const struct rel_message *m = serial > r->serial ? NULL : r->queue;

	while (m && m->serial != serial)
		m = m->next;
	return m;
}

int reliable_restore(struct reliable *r, const struct rel_message *like, const uint8_t *msg)
{
	uint16_t row = (uint16_t)(like->ns - r->snd_una);
	struct rel_message **at = &r->queue, *m;

	if (like->sent && row >= (uint16_t)(r->snd_nxt - r->snd_una))
		return -EBADMSG;
	if (!like->serial)
		return -EBADMSG;
	if (has_serial(r, like->serial))
		return -EEXIST;
	if (!like->sent && !like->first && like->serial > r->serial)
		at = r->tail; /* the way of a long queue */
	while (*at && stands_before(r, *at, like))
		at = &(*at)->next;
	if (like->sent && *at && (*at)->sent && (*at)->ns == like->ns)
		return -EEXIST;
	m = malloc(sizeof(*m) + like->len);
	if (!m)
		return -ENOMEM;
	*m = (struct rel_message){ .next = *at,
				   .owner = r,
				   .serial = like->serial,
				   .ns = like->ns,
				   .len = like->len,
				   .first = like->first,
				   .sent = like->sent,
				   .saved = like->saved };
	memcpy(m->data, msg, like->len);
	if (!m->saved)
		mark(m);
	if (!*at)
		r->tail = &m->next;
	*at = m;
	r->queued++;
	if (r->serial < like->serial)
		r->serial = like->serial;
	return 0;
}

bool reliable_missing(const struct reliable *r, uint16_t *ret_ns)
{
	const struct rel_message *m = r->queue;

	for (uint16_t ns = r->snd_una; ns != r->snd_nxt; ns++) {
		if (!m || !m->sent || m->ns != ns) {
			*ret_ns = ns;
			return true;
		}
		m = m->next;
	}
	return false;
}

void reliable_resume(struct reliable *r, msec_t when)
{
	uint32_t in_turn = 0;

	for (const struct rel_message *m = r->queue; m; m = m->next)
		in_turn += !m->first;
	r->done = r->taken - in_turn;
	r->unsent = r->queue;
	r->in_flight = 0;
	if (!r->queue)
		return;
	r->resuming = true;
	timer_set(r->env->timers, &r->timer, when, r->env->timer);
}
