/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LCP echoes: is the peer there, and is it somebody else (PPP-ECHO-1 to 4)? */
#include "loader/ppp/link.h"

#define ECHO_MAX_LOOPS 3 /* PPP-ECHO-3 */
#define MAGIC_LEN 4

#define STEP_MS 100u /* a wake-up for all links whose time comes within it */

static void echo_tick(struct timer *t, msec_t now);

static void echo_wait_until(struct ppp_link *l, msec_t now, msec_t when)
{
	l->echo.since = now;
	l->echo.asked = false;
	link_timer(l, &l->echo_timer, when, echo_tick);
}

/* `ms`, or a little longer. */
static void echo_wait(struct ppp_link *l, msec_t now, unsigned int ms)
{
	msec_t when = now + ms + STEP_MS - 1;

	echo_wait_until(l, now, when - when % STEP_MS);
}

/* The first wait differs from link to link, or a million of them would ask at once. */
void link_echo_start(struct ppp_link *l, msec_t now)
{
	unsigned int ms = l->cfg->echo_ms;
	uint32_t spread;

	l->echo.missed = 0;
	l->lcp.echo_loops = 0;
	if (!ms)
		return;
	l->ops->random(l->ctx, &spread, sizeof(spread));
	echo_wait(l, now, ms / 2 + spread % (ms / 2 + 1));
}

void link_echo_resume(struct ppp_link *l, msec_t now, uint32_t spread)
{
	if (l->cfg->echo_ms)
		echo_wait_until(l, now, now + 1 + spread % l->cfg->echo_ms);
}

void link_echo_stop(struct ppp_link *l)
{
	timer_stop(l->timers, &l->echo_timer);
}

static void echo_send(struct ppp_link *l)
{
	uint8_t magic[MAGIC_LEN];
	struct writer w = writer_of(magic, sizeof(magic));

	writer_u32(&w, l->lcp.magic);
	link_send(l, PPP_LCP, CODE_ECHO_REQUEST, ++l->echo.id, magic, w.len);
}

/* PPP-ECHO-2: its data, or its own echoes, speak for it. What others have answered counts for
 * PPP-ECHO-3, too. A client asks though it was asked: of two that both keep silent then, the one
 * who began asks for ever, and should not be the one with a million links. */
static bool was_heard(struct ppp_link *l)
{
	bool heard = l->ops->alive && l->ops->alive(l->ctx, l->echo.since);

	if (!heard && (!l->echo.asked || l->cfg->client))
		return false;
	l->echo.missed = 0;
	l->lcp.echo_loops = 0;
	return true;
}

/* Of a million sessions 33 000 times a second: what is heard costs no more than the look, and
 * changes nothing that link_leave has to look for. */
static void echo_tick(struct timer *t, msec_t now)
{
	struct ppp_link *l = container_of(t, struct ppp_link, echo_timer);
	bool heard = was_heard(l);

	if (heard && l->lcp_fsm.state == FSM_OPENED)
		echo_wait(l, now, l->cfg->echo_ms);
	if (heard && !l->starved)
		return;
	link_enter(l);
	if (!heard && l->echo.missed >= l->cfg->echo_failures) {
		link_terminate(l, now, &ppp_cause_echo_timeout);
	} else if (!heard) {
		l->echo.missed++;
		echo_send(l);
		if (l->lcp_fsm.state == FSM_OPENED && !link_is_over(l))
			echo_wait(l, now, l->cfg->echo_ms);
	}
	link_leave(l);
}

/* PPP-ECHO-3. A peer that negotiated no magic number may send what it likes. */
static bool magic_good(struct ppp_link *l, msec_t now, const struct fsm_packet *p)
{
	struct reader r = reader_of(p->data, p->len);
	uint32_t magic = reader_u32(&r);

	if (r.bad)
		return false;
	if (magic && magic == l->lcp.magic) {
		if (++l->lcp.echo_loops >= ECHO_MAX_LOOPS)
			link_terminate(l, now, &ppp_cause_loop);
		return false;
	}
	if (magic && l->lcp.peer_magic && magic != l->lcp.peer_magic) {
		link_log(l, "LCP: echo with a strange magic number");
		return false;
	}
	l->lcp.echo_loops = 0;
	l->echo.missed = 0; /* its own question shows as well as an answer that it lives */
	return true;
}

void link_echo_request(struct ppp_link *l, msec_t now, struct fsm_packet *p)
{
	if (l->lcp_fsm.state != FSM_OPENED || !magic_good(l, now, p))
		return;
	l->echo.asked = true;
	fsm_event(&l->lcp_fsm, now, FSM_RXR, p);
}

void link_echo_reply(struct ppp_link *l, const struct fsm_packet *p)
{
	uint8_t data[PPP_MAX_FRAME];
	struct writer w = writer_of(data, link_room(l));

	writer_u32(&w, l->lcp.magic);
	writer_bytes(&w, p->data + MAGIC_LEN, p->len - MAGIC_LEN);
	if (!w.bad)
		link_send(l, PPP_LCP, CODE_ECHO_REPLY, p->id, data, w.len);
}

void link_echo_replied(struct ppp_link *l, msec_t now, const struct fsm_packet *p)
{
	if (l->lcp_fsm.state == FSM_OPENED)
		magic_good(l, now, p);
}
