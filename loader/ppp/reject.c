/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Protocols that one side does not speak: Protocol-Reject, sent and received (RFC 1661
 * section 5.7, PPP-REJ-1 to 4). CCP, ECP and the other NCPs that subscribers' routers try
 * all end here (PPP-CCP-1).
 */
#include "loader/ppp/link.h"

#define REJECT_EVERY_MS 1000 /* PPP-REJ-2 */
#define REJECT_SLOTS                                                                               \
	(sizeof(((struct ppp_link *)0)->rejected) / sizeof(((struct ppp_link *)0)->rejected[0]))

static bool rejected_lately(struct ppp_link *l, msec_t now, uint16_t protocol)
{
	for (unsigned int i = 0; i < REJECT_SLOTS; i++) {
		if (l->rejected[i].protocol != protocol)
			continue;
		if (now - l->rejected[i].when < REJECT_EVERY_MS)
			return true;
		l->rejected[i].when = now;
		return false;
	}
	l->rejected[l->rejected_next].protocol = protocol;
	l->rejected[l->rejected_next].when = now;
	l->rejected_next = (uint8_t)((l->rejected_next + 1) % REJECT_SLOTS);
	return false;
}

void link_protocol_reject(struct ppp_link *l, msec_t now, uint16_t protocol, const uint8_t *info,
			  size_t len)
{
	uint8_t data[PPP_MAX_FRAME];
	struct writer w = writer_of(data, sizeof(data));

	if (l->lcp_fsm.state != FSM_OPENED || rejected_lately(l, now, protocol))
		return;
	writer_u16(&w, protocol);
	writer_bytes(&w, info, len < w.cap - w.len ? len : w.cap - w.len);
	link_send_reject(l, PPP_LCP, CODE_PROTOCOL_REJECT, ++l->lcp_fsm.last_id, data, w.len);
}

/* Of an NCP: it ends, as the automaton has it. Of its data: we close it. Others that we
 * never speak have nothing to end. */
void link_protocol_rejected(struct ppp_link *l, msec_t now, const struct fsm_packet *p)
{
	struct reader r = reader_of(p->data, p->len);
	uint16_t protocol = reader_u16(&r);

	if (r.bad)
		return;
	switch (protocol) {
	case PPP_LCP:
		fsm_event(&l->lcp_fsm, now, FSM_RXJ_MINUS, p);
		break;
	case PPP_PAP:
	case PPP_CHAP:
		if (l->phase == PHASE_AUTHENTICATE)
			link_terminate(l, now, &ppp_cause_auth_refused);
		break;
	case PPP_IPCP:
	case PPP_IPV6CP:
		fsm_event(link_fsm(l, protocol), now, FSM_RXJ_MINUS, p);
		link_networks_check(l, now);
		break;
	case PPP_IP:
	case PPP_IPV6:
		fsm_event(link_fsm(l, protocol), now, FSM_CLOSE, NULL);
		link_networks_check(l, now);
		break;
	}
}
