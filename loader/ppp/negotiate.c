/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of codes 1 to 7 for LCP and the NCPs: what comes in becomes an event of the
 * automaton, and a peer's Configure-Request is judged option by option (RFC 1661
 * section 5, PPP-FSM-3 to 11). What the automaton wants sent is built here.
 */
#include "loader/ppp/link.h"

#define PACKET_HEADER 4
/* Our own requests hold a handful of fixed options. */
#define MAX_REQUEST 64

/* ---- out ---- */

void fsm_send_request(struct fsm *f, msec_t now, bool again)
{
	uint8_t buf[MAX_REQUEST];
	struct writer w = writer_of(buf, sizeof(buf));

	(void)now;
	/* PPP-FSM-5: a mere repetition keeps its identifier. */
	if (!again || f->answered)
		f->request_id = ++f->last_id;
	f->answered = false;
	f->proto->request(f->link, &w);
	link_send(f->link, f->proto->protocol, CODE_CONFIGURE_REQUEST, f->request_id, buf, w.len);
}

void fsm_send_ack(struct fsm *f, const struct fsm_packet *p)
{
	struct reader r = reader_of(p->data, p->len);
	struct option o;

	f->naks = 0;
	link_send(f->link, f->proto->protocol, CODE_CONFIGURE_ACK, p->id, p->data, p->len);
	f->proto->forget(f->link);
	while (option_next(&r, &o))
		f->proto->adopt(f->link, &o);
}

void fsm_send_refusal(struct fsm *f, const struct fsm_packet *p)
{
	if (p->answer_code == CODE_CONFIGURE_NAK && f->naks < UINT8_MAX)
		f->naks++;
	link_send(f->link, f->proto->protocol, p->answer_code, p->id, p->answer, p->answer_len);
}

/* PPP-FSM-11: the packet that was not understood, cut to what the peer can take. */
void fsm_send_code_reject(struct fsm *f, const struct fsm_packet *p)
{
	link_send_reject(f->link, f->proto->protocol, CODE_CODE_REJECT, ++f->last_id,
			 p->data - PACKET_HEADER, p->len + PACKET_HEADER);
}

/* ---- in ---- */

/* Too many refusals on one side or the other: this does not converge. */
static bool too_many_refusals(struct fsm *f, msec_t now)
{
	if (++f->refusals <= FSM_MAX_REFUSALS)
		return false;
	link_give_up(f, now, &ppp_cause_lcp_timeout);
	return true;
}

/* PPP-FSM-4. Fills nak and reject; both empty: acceptable. */
static enum missing judge(struct fsm *f, const struct fsm_packet *p, struct writer *nak,
			  struct writer *reject)
{
	bool converging = f->naks < FSM_MAX_FAILURE, first = false;
	struct reader r = reader_of(p->data, p->len);
	struct option o;

	while (option_next(&r, &o)) {
		enum verdict v = f->proto->judge(f->link, &o, nak);

		if (v == VERDICT_NAK && !converging)
			v = VERDICT_REJECT; /* PPP-FSM-2 */
		first |= v == VERDICT_NAK_FIRST;
		if (v == VERDICT_REJECT)
			writer_bytes(reject, o.raw, o.len + 2);
	}
	if (first)
		reject->len = 0;
	if (reject->len || !f->proto->missing)
		return MISSING_NOTHING;
	return f->proto->missing(f->link, p->data, p->len, converging, nak);
}

static bool judges_requests(uint8_t state)
{
	return state == FSM_STOPPED || state >= FSM_REQ_SENT;
}

static void configure_request(struct fsm *f, msec_t now, const struct fsm_packet *p)
{
	struct fsm_packet answered = *p;
	uint8_t nak_buf[PPP_MAX_FRAME], reject_buf[PPP_MAX_FRAME];
	size_t room = link_room(f->link);
	struct writer nak = writer_of(nak_buf, room);
	struct writer reject = writer_of(reject_buf, room);

	if (!options_valid(p->data, p->len))
		return; /* PPP-FSM-7 */
	if (!judges_requests(f->state)) {
		fsm_event(f, now, FSM_RCR_PLUS, p);
		return;
	}
	if (judge(f, p, &nak, &reject) == MISSING_FATAL) {
		link_give_up(f, now, &ppp_cause_loop);
		return;
	}
	if (!reject.len && !nak.len) {
		fsm_event(f, now, FSM_RCR_PLUS, p);
		return;
	}
	if (too_many_refusals(f, now))
		return;
	answered.answer_code = reject.len ? CODE_CONFIGURE_REJECT : CODE_CONFIGURE_NAK;
	answered.answer = reject.len ? reject_buf : nak_buf;
	answered.answer_len = reject.len ? reject.len : nak.len;
	fsm_event(f, now, FSM_RCR_MINUS, &answered);
}

/* An answer to our last request, and not a second one (PPP-FSM-3). */
static bool answer_valid(struct fsm *f, const struct fsm_packet *p)
{
	uint8_t buf[MAX_REQUEST];
	struct writer w = writer_of(buf, sizeof(buf));

	if (f->answered || p->id != f->request_id)
		return false;
	f->proto->request(f->link, &w);
	switch (p->code) {
	case CODE_CONFIGURE_ACK:
		return p->len == w.len && !memcmp(p->data, buf, w.len);
	case CODE_CONFIGURE_REJECT:
		return p->len && options_subset(p->data, p->len, buf, w.len);
	default:
		return options_valid(p->data, p->len);
	}
}

static void configure_answer(struct fsm *f, msec_t now, struct fsm_packet *p)
{
	enum fsm_event event = p->code == CODE_CONFIGURE_ACK ? FSM_RCA : FSM_RCN;
	struct reader r = reader_of(p->data, p->len);
	uint8_t serial = f->serial;
	struct option o;

	if (f->state >= FSM_REQ_SENT) {
		if (!answer_valid(f, p))
			return;
		f->answered = true;
		if (event == FSM_RCN && too_many_refusals(f, now))
			return;
		while (event == FSM_RCN && option_next(&r, &o)) {
			if (p->code == CODE_CONFIGURE_NAK)
				f->proto->naked(f->link, now, &o);
			else
				f->proto->rejected(f->link, now, &o);
			if (f->serial != serial)
				return; /* without this option there is nothing to agree on */
		}
	}
	fsm_event(f, now, event, p);
}

static void code_reject(struct fsm *f, msec_t now, struct fsm_packet *p)
{
	uint8_t code = p->len ? p->data[0] : 0;

	if (!code)
		return;
	if (code >= CODE_CONFIGURE_REQUEST && code <= CODE_CODE_REJECT) {
		fsm_event(f, now, FSM_RXJ_MINUS, p);
		return;
	}
	if (f->proto->protocol == PPP_LCP && code == CODE_ECHO_REQUEST)
		link_echo_stop(f->link);
	fsm_event(f, now, FSM_RXJ_PLUS, p);
}

void fsm_input(struct fsm *f, msec_t now, const uint8_t *packet, size_t len)
{
	struct reader r = reader_of(packet, len);
	struct fsm_packet p = { .code = reader_u8(&r) };

	p.id = reader_u8(&r);
	len = reader_u16(&r);
	if (r.bad || len < PACKET_HEADER)
		return; /* PPP-FR-6; behind the length there is padding */
	p.len = len - PACKET_HEADER;
	p.data = reader_take(&r, p.len);
	if (!p.data || len > PPP_MAX_FRAME - PACKET_HEADER)
		return; /* what could not be acknowledged is no request */

	switch (p.code) {
	case CODE_CONFIGURE_REQUEST:
		configure_request(f, now, &p);
		break;
	case CODE_CONFIGURE_ACK:
	case CODE_CONFIGURE_NAK:
	case CODE_CONFIGURE_REJECT:
		configure_answer(f, now, &p);
		break;
	case CODE_TERMINATE_REQUEST:
		fsm_event(f, now, FSM_RTR, &p);
		break;
	case CODE_TERMINATE_ACK:
		fsm_event(f, now, FSM_RTA, &p);
		break;
	case CODE_CODE_REJECT:
		code_reject(f, now, &p);
		break;
	default:
		if (!f->proto->other || !f->proto->other(f->link, now, &p))
			fsm_event(f, now, FSM_RUC, &p);
	}
}
