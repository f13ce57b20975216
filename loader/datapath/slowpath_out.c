/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * To a peer: what the host routes into l2tp0, and the control and PPP messages of the
 * daemon. A packet that is larger than its session takes is answered by ICMP through a raw
 * socket, so that the kernel gives it a source address that its receiver can reach, or is
 * cut if it may be (DP-FRAG-3, DP-ICMP-1..4).
 */
#include <linux/icmp.h>
#include <string.h>

#include "loader/datapath/mtu.h"
#include "loader/datapath/private.h"
#include "loader/l2tp/header.h"
#include "loader/ppp/ppp.h"

#define TOS_CS6 (48 << 2) /* DP-DS-4 */
#define ECN_MASK 3
#define ICMP_BURST 10u /* DP-ICMP-3: B=10, N=10 a second, for each session */
#define ICMP_REFILL_MS 100
#define HEADER_MAX (10 + 4)

/* L2TP and PPP header; octets written. The Ns word is shared with the hook (DP-TX-2). */
static size_t put_header(struct datapath *dp, struct session *s, uint8_t *buf)
{
	struct l2x_traffic *hook = maps_traffic(dp, s->index);
	uint64_t *word = hook ? (uint64_t *)&hook->tx_ns : &s->slow->own_ns;
	uint16_t ns = 0;

	if (s->s.seq_send)
		ns = (uint16_t)__atomic_fetch_add(word, 1, __ATOMIC_RELAXED);
	l2tp_data_header_put(buf, s->s.peer_tunnel_id, s->s.peer_session_id, s->s.seq_send, ns);
	return l2tp_data_header_len(s->s.seq_send);
}

static size_t put_ip_header(struct datapath *dp, struct session *s, bool v6, uint8_t *buf)
{
	size_t n = put_header(dp, s, buf);

	if (!s->s.acfc) { /* DP-PPP-3 */
		buf[n++] = 0xff;
		buf[n++] = 0x03;
	}
	buf[n++] = 0x00;
	buf[n++] = v6 ? 0x57 : 0x21;
	return n;
}

/* DP-DS-1, DP-DS-2, DP-ECN-1 */
static uint8_t outer_tos(const struct datapath *dp, const struct session *s, uint8_t inner)
{
	uint8_t dscp = inner >> 2;

	if (dp->cfg->dscp >= 0)
		dscp = (uint8_t)dp->cfg->dscp;
	else if (s->s.seq_send)
		dscp = 0;
	return (uint8_t)(dscp << 2 | (s->s.ecn ? inner & ECN_MASK : 0));
}

static bool send_ip(struct datapath *dp, struct session *s, const struct inner *in,
		    const struct iovec *body, unsigned int n, bool fragment)
{
	struct send_how how = { .tos = outer_tos(dp, s, in->tos),
				.fragment = fragment,
				.checksum = !dp->cfg->data_checksum_off };
	uint8_t header[HEADER_MAX];
	struct iovec iov[3] = { { header, put_ip_header(dp, s, in->v6, header) } };

	memcpy(iov + 1, body, n * sizeof(*body));
	if (dp->io->to_peer(dp, &s->s.path, iov, n + 1, &how) == 0)
		return true;
	dp_count(dp, DP_SLOW_SEND_FAILED);
	return false;
}

bool icmp_bucket_take(struct icmp_bucket *b)
{
	uint32_t now = (uint32_t)dp_now(), refill = (now - b->stamp) / ICMP_REFILL_MS;

	if (refill) {
		b->tokens = (uint16_t)(refill >= ICMP_BURST - b->tokens ? ICMP_BURST
									: b->tokens + refill);
		b->stamp += refill * ICMP_REFILL_MS;
	}
	if (!b->tokens)
		return false;
	b->tokens--;
	return true;
}

static void tell_too_big(struct datapath *dp, struct session *s, const uint8_t *packet,
			 const struct inner *in, uint16_t mtu)
{
	uint8_t msg[INNER_ICMP_MAX];
	size_t len;

	dp_count(dp, DP_SLOW_TOO_BIG);
	if (!inner_icmp_allowed(packet, in))
		return;
	if (!icmp_bucket_take(&s->icmp)) {
		dp_count(dp, DP_SLOW_ICMP_LIMITED);
		return;
	}
	len = inner_icmp_build(packet, in, mtu, msg);
	if (dp->io->icmp(dp, in, msg, len) == 0)
		dp_count(dp, DP_SLOW_ICMP_SENT);
}

/* Each fragment in a message of its own. */
static bool send_cut(struct datapath *dp, struct session *s, const uint8_t *packet,
		     const struct inner *in)
{
	struct inner_fragment f = { 0 };
	bool ok = true;

	while (inner_fragment_next(packet, in, s->mtu, &f)) {
		struct iovec body[2] = { { f.header, f.hlen }, { (void *)f.data, f.len } };

		dp_count(dp, DP_SLOW_FRAGMENTED);
		ok &= send_ip(dp, s, in, body, 2, false);
	}
	return ok && f.done == in->len - in->hlen;
}

static bool forward(struct datapath *dp, struct session *s, uint8_t *packet, const struct inner *in)
{
	struct iovec body = { packet, in->len };
	/* DP-ICMP-4: IPv6 may rely on 1280; on a narrower way the outer packet is cut. */
	uint16_t limit = in->v6 && s->mtu < MTU_MIN6 ? MTU_MIN6 : s->mtu;

	if (s->s.clamp_mss)
		inner_clamp_mss(packet, in, s->mtu);
	if (in->len <= limit)
		return send_ip(dp, s, in, &body, 1, in->len > s->mtu);
	if (!in->df)
		return send_cut(dp, s, packet, in);
	tell_too_big(dp, s, packet, in, limit);
	return false;
}

/* The kernel, which sees subscribers behind one device, tells each of them of the shorter way
 * to the other. On a point-to-point link there is none. */
static bool is_redirect(const uint8_t *packet, const struct inner *in)
{
	return !in->v6 && in->proto == IPPROTO_ICMP && in->len > in->hlen &&
	       packet[in->hlen] == ICMP_REDIRECT;
}

void slow_out(struct datapath *dp, uint8_t *packet, size_t len)
{
	bool v6 = len && packet[0] >> 4 == 6;
	struct session *s;
	struct inner in;

	if (inner_parse(packet, len, v6, &in) < 0) {
		dp_count(dp, DP_SLOW_BAD_INNER);
		return;
	}
	/* The kernel's own listener reports and the like have nobody to go to. */
	if (inner_is_multicast(&in.dst) || is_redirect(packet, &in))
		return;
	s = session_by_address(dp, &in.dst);
	if (!s) {
		dp_count(dp, DP_SLOW_NO_SESSION);
		return;
	}
	if (v6 ? !s->s.ipv6_open : !s->s.ipv4_open) {
		dp_count(dp, DP_SLOW_NCP_CLOSED);
		s->slow->tx.drops++;
		return;
	}
	if (session_by_address(dp, &in.src) == s) { /* DP-SPOOF-4: not back where it came from */
		dp_count(dp, DP_SLOW_SPOOFED);
		s->slow->tx.drops++;
		return;
	}
	if (!forward(dp, s, packet, &in)) {
		s->slow->tx.drops++;
		return;
	}
	dp_count(dp, DP_SLOW_TX_IP);
	s->slow->tx.packets++;
	s->slow->tx.bytes += in.len;
}

void dp_send_control(struct datapath *dp, const struct path *path, const uint8_t *msg, size_t len)
{
	const struct send_how how = { .tos = TOS_CS6, .fragment = true, .checksum = true };
	static const uint8_t zeros[4]; /* V3-HDR-2 */
	const struct iovec iov[2] = { { (void *)zeros, sizeof(zeros) }, { (void *)msg, len } };
	unsigned int skip = pw_is_udp(path) ? 1 : 0;

	if (dp->io->to_peer(dp, path, iov + skip, 2 - skip, &how) == 0)
		dp_count(dp, DP_SLOW_TX_CONTROL);
	else
		dp_count(dp, DP_SLOW_SEND_FAILED);
}

void dp_send_ppp(struct datapath *dp, uint32_t index, const uint8_t *frame, size_t len)
{
	struct session *s = session_by_index(dp, index);
	/* DP-CK-5: what has no checksum of its own gets the outer one, always. */
	struct send_how how = {
		.session = index, .tos = TOS_CS6, .fragment = true, .checksum = true
	};
	uint8_t header[HEADER_MAX];
	struct iovec iov[2];

	if (!s)
		return;
	if (dp->cfg->dscp >= 0 || s->s.seq_send) /* DP-DS-2 */
		how.tos = outer_tos(dp, s, 0);
	iov[0] = (struct iovec){ header, put_header(dp, s, header) };
	iov[1] = (struct iovec){ (void *)frame, len };
	if (dp->io->to_peer(dp, &s->s.path, iov, 2, &how) == 0)
		dp_count(dp, DP_SLOW_TX_PPP);
	else
		dp_count(dp, DP_SLOW_SEND_FAILED);
}
