/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a peer: what arrives at the UDP sockets. The kernel has checked the outer headers,
 * put fragments together and summed the datagram; here it is judged as XDP would have
 * judged it, and an IP packet that passes goes into l2tp0, where the kernel routes it as it
 * would from any interface (TTL, ICMP, netfilter are its business).
 *
 * Nothing is ever sent back from here to whoever sent a datagram (DP-SLOW-21).
 */
#include <string.h>

#include "loader/datapath/private.h"
#include "loader/datapath/seq.h"
#include "loader/l2tp/header.h"
#include "loader/ppp/ppp.h"

#define ECN_MASK 3
#define ECN_LOG_MS 60000
#define ZEROS 4

/* The session that a data message belongs to; counted if there is none. */
static struct session *find(struct datapath *dp, const struct path *path,
			    const struct l2tp_header *h)
{
	struct session *s = NULL;

	/* DP-V2-3 */
	if (h->tunnel_id && h->session_id)
		s = session_by_index(dp, dp_index(dp->cfg->shards, h->tunnel_id, h->session_id));
	if (!s || s->s.tunnel_id != h->tunnel_id) {
		dp_count(dp, DP_SLOW_UNKNOWN_SESSION);
		return NULL;
	}
	if (!path_eq(&s->s.path, path)) { /* DP-SPOOF-3 */
		dp_count(dp, DP_SLOW_WRONG_PATH);
		return NULL;
	}
	return s;
}

/* DP-V2-7, DP-SEQ-3. strict: what is late is refused; PPP's own frames are not, they
 * survive being late better than being lost. */
static bool in_sequence(struct datapath *dp, struct session *s, const struct l2tp_header *h,
			bool strict)
{
	struct l2x_traffic *hook = maps_traffic(dp, s->index);
	uint64_t *word = hook ? (uint64_t *)&hook->rx_seq : &s->slow->own_seq;
	uint64_t *lost = hook ? (uint64_t *)&hook->rx_lost : &s->slow->rx.lost;

	if (!h->has_seq) {
		if (!s->s.seq_required || !strict)
			return true;
		dp_count(dp, DP_SLOW_SEQ_MISSING);
		return false;
	}
	if (!s->s.seq_receive)
		return true;
	if (seq_judge(word, lost, h->ns, hook != NULL) != SEQ_OLD || !strict)
		return true;
	dp_count(dp, DP_SLOW_SEQ_OLD);
	return false;
}

/* DP-SPOOF-1 */
static bool owns_source(const struct session *s, const struct inner *in)
{
	if (!in->v6)
		return addr_is_set(&s->s.ipv4) && addr_eq(&in->src, &s->s.ipv4);
	return s->s.ipv6.len && addr_v6_upper(&in->src) == addr_v6_upper(&s->s.ipv6.addr);
}

/* DP-ECN-2 */
static bool combine_ecn(struct datapath *dp, uint8_t *packet, struct inner *in, uint8_t tos)
{
	int ecn = inner_ecn(in->tos, tos);

	if (ecn < 0) {
		dp_count(dp, DP_SLOW_ECN_DROP);
		if (log_allowed(&dp->ecn_log, dp_now(), 1, ECN_LOG_MS))
			log_info(NULL, "congestion was marked (CE) around a packet without ECN: "
				       "dropped; a router on the way marks what it should not");
		return false;
	}
	if (ecn != (in->tos & ECN_MASK))
		inner_set_ecn(packet, in, (uint8_t)ecn);
	return true;
}

/* Everything that can speak against an IP packet, before anything is changed. */
static bool acceptable(struct datapath *dp, struct session *s, const struct inner *in)
{
	if (!owns_source(s, in)) {
		dp_count(dp, DP_SLOW_SPOOFED);
		return false;
	}
	if (dp->cfg->isolate && session_by_address(dp, &in->dst)) { /* DP-SPOOF-2 */
		dp_count(dp, DP_SLOW_ISOLATED);
		return false;
	}
	return true;
}

static bool to_host(struct datapath *dp, struct session *s, const struct l2tp_header *h,
		    uint8_t *packet, struct inner *in, uint8_t tos)
{
	if (!acceptable(dp, s, in) || !in_sequence(dp, s, h, true) ||
	    !combine_ecn(dp, packet, in, tos))
		return false;
	if (s->s.clamp_mss)
		inner_clamp_mss(packet, in, s->mtu);
	if (dp->io->to_host(dp, packet, in->len) < 0) {
		dp_count(dp, DP_SLOW_TUN_FAILED);
		return false;
	}
	dp_count(dp, DP_SLOW_RX_IP);
	s->slow->rx.packets++;
	s->slow->rx.bytes += in->len;
	return true;
}

static void ip_in(struct datapath *dp, struct session *s, const struct l2tp_header *h,
		  uint8_t *packet, size_t len, bool v6, uint8_t tos)
{
	struct inner in;

	if (v6 ? !s->s.ipv6_open : !s->s.ipv4_open) { /* DP-PPP-2 */
		dp_count(dp, DP_SLOW_NCP_CLOSED);
		s->slow->rx.drops++;
		return;
	}
	if (inner_parse(packet, len, v6, &in) < 0) {
		dp_count(dp, DP_SLOW_BAD_INNER);
		s->slow->rx.drops++;
		return;
	}
	if (v6 && inner_is_link_local(&in.src)) { /* DP-SLOW-6 */
		in_sequence(dp, s, h, false);
		dp_count(dp, DP_SLOW_RX_PPP);
		dp->turn_due = true;
		dp->ops->ipv6_local(dp->ctx, s->index, packet, in.len);
		return;
	}
	if (!to_host(dp, s, h, packet, &in, tos))
		s->slow->rx.drops++;
}

static void data_in(struct datapath *dp, const struct path *path, uint8_t tos, uint8_t *msg,
		    size_t len)
{
	struct l2tp_header h;
	struct session *s;
	uint16_t protocol;
	uint8_t *frame;
	size_t used;

	if (l2tp_header_parse(msg, len, &h) != L2TP_H_OK) {
		dp_count(dp, DP_SLOW_BAD_HEADER);
		return;
	}
	s = find(dp, path, &h);
	if (!s)
		return;
	used = ppp_header_parse(h.payload, h.payload_len, &protocol);
	if (!used) {
		dp_count(dp, DP_SLOW_BAD_PPP);
		s->slow->rx.drops++;
		return;
	}
	if (protocol != PPP_IP && protocol != PPP_IPV6) { /* DP-SLOW-4 */
		in_sequence(dp, s, &h, false);
		dp_count(dp, DP_SLOW_RX_PPP);
		dp->turn_due = true;
		dp->ops->ppp(dp->ctx, s->index, h.payload, h.payload_len);
		return;
	}
	/* The payload lies in the buffer that was given to us to change. */
	frame = msg + (h.payload - msg);
	ip_in(dp, s, &h, frame + used, h.payload_len - used, protocol == PPP_IPV6, tos);
}

/* A control message of version 3 behind 4 zero octets, as if it had come directly over IP: no message of
 * either version begins so. */
static bool has_zeros(const uint8_t *msg, size_t len)
{
	static const uint8_t zeros[ZEROS];

	return len > ZEROS + 2 && memcmp(msg, zeros, ZEROS) == 0 && msg[ZEROS] & 0x80 &&
	       (msg[ZEROS + 1] & 0x0f) == 3;
}

void slow_in(struct datapath *dp, const struct path *path, uint8_t tos, uint8_t *msg, size_t len)
{
	if (has_zeros(msg, len)) {
		msg += ZEROS;
		len -= ZEROS;
	}
	if (len >= 2 && (msg[1] & 0x0f) == 3) { /* V3-HDR-1: the version before any flag */
		slow_pw_in(dp, path, msg, len);
		return;
	}
	if (len && msg[0] & 0x80) {
		dp_count(dp, DP_SLOW_RX_CONTROL);
		dp->turn_due = true;
		dp->ops->control(dp->ctx, path, msg, len);
		return;
	}
	data_in(dp, path, tos, msg, len);
}

void dp_turn(struct datapath *dp)
{
	if (!dp->turn_due)
		return;
	dp->turn_due = false;
	if (dp->ops->turn)
		dp->ops->turn(dp->ctx);
}
