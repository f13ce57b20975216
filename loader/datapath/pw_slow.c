/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of pseudowires the hook leaves to the daemon.
 *
 *   from the peer   UDP socket, raw socket (lanes.c) --> judged as at the hook --> door --> circuit
 *   to the peer     circuit --> door --> tags, headers --> UDP socket, raw socket (send.c)
 *
 * From a peer comes what the kernel had to put together, and what came by an interface without the
 * program. To a peer goes what is larger than the way, or has no next hop yet: the kernel parts the
 * outer packet (V3-ETH-7), and looks for the neighbour. The door is a TAP device (maps/pw.h,
 * l2x_pw_ticket); whatever the kernel itself says by it has no ticket, and is nobody's.
 *
 * With `large: icmp` the sender of an IP packet that is too large is told so, if it may not be cut;
 * what nobody can be told of is parted as everything else is.
 *
 * Nothing is ever sent back to a peer for what came from it (DP-SLOW-21).
 */
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "loader/base/bytes.h"
#include "loader/datapath/frame.h"
#include "loader/datapath/private.h"
#include "loader/datapath/seq.h"

#define FLAG_T 0x8000
#define VERSION 0x000f
#define FLAGS_DATA 0x0003 /* V3-LIN-2 */
#define SUB_VCCV 0x80000000u
#define SUB_S 0x40000000u
#define SUB_PART 0x30000000u /* B and E (RFC 4623) */
#define HEADER_MAX (4 + 4 + PW_COOKIE_LEN + 4)
#define BATCH 64 /* frames in one turn of the event loop */
#define FRAME_MAX 65536

/* ---- from the peer --------------------------------------------------------------------------- */

static bool refuse(struct datapath *dp, struct pw *w, enum dp_slow_counter why)
{
	dp_count(dp, why);
	if (w) {
		w->rx.drops++;
		pw_traffic_keep(dp, w);
	}
	return false;
}

/* Over IP nothing has looked at it yet: one of version 2 has no place there. */
static void control_in(struct datapath *dp, const struct path *path, const uint8_t *msg, size_t len)
{
	struct reader r = reader_of(msg, len);

	if ((reader_u16(&r) & (FLAG_T | VERSION)) != (FLAG_T | 3)) {
		dp_count(dp, DP_SLOW_PW_BAD);
		return;
	}
	dp_count(dp, DP_SLOW_PW_CONTROL);
	dp->turn_due = true;
	dp->ops->control(dp->ctx, path, msg, len);
}

/* V3-HDR-1, V3-HDR-2: is it a control message, and then it has been given away? */
static bool is_control(struct datapath *dp, const struct path *path, const uint8_t *msg, size_t len)
{
	struct reader r = reader_of(msg, len);

	if (pw_is_udp(path)) {
		if (!(reader_u16(&r) & FLAG_T))
			return false;
		control_in(dp, path, msg, len);
		return true;
	}
	if (reader_u32(&r) || r.bad)
		return false;
	control_in(dp, path, r.p, r.left);
	return true;
}

/* The Session ID; 0: there is none, and that is counted. */
static uint32_t read_id(struct datapath *dp, const struct path *path, struct reader *r)
{
	uint32_t id;

	if (pw_is_udp(path))
		reader_u32(r); /* V3-HDR-5 */
	id = reader_u32(r);
	if (r->bad)
		dp_count(dp, DP_SLOW_PW_BAD);
	else if (!id)
		dp_count(dp, DP_SLOW_PW_UNKNOWN); /* DP-V3-2 */
	return r->bad ? 0 : id;
}

/* V3-HDR-7, DP-V3-3. As long for a wrong cookie as for the right one. */
static bool is_cookie(const struct pw *w, const uint8_t *cookie)
{
	const struct pw_cookie *first = &w->s.cookie, *second = pw_second_cookie(w);
	uint8_t differs[L2X_PW_COOKIES] = { 0 };

	second = second ? second : first;
	for (unsigned int i = 0; i < first->len; i++) {
		differs[0] |= cookie[i] ^ first->b[i];
		differs[1] |= cookie[i] ^ second->b[i];
	}
	return !differs[0] || !differs[1];
}

/* V3-SUB-2: the last decision, for it moves the state that the hook shares. */
static bool in_sequence(struct datapath *dp, const struct pw *w, uint32_t sublayer)
{
	struct l2x_traffic *t = pw_traffic(dp, w->index);

	if (!(sublayer & SUB_S) || !w->s.seq_receive || !t)
		return true;
	return seq_judge24((uint64_t *)&t->rx_seq, (uint64_t *)&t->rx_lost, sublayer & SEQ24_MASK,
			   true) != SEQ_OLD;
}

/* Ticket and frame, as it is in the tunnel: its tags are the program's business. */
static bool to_door(struct datapath *dp, const struct pw *w, const uint8_t *frame, size_t len)
{
	struct l2x_pw_ticket ticket = { .mark = L2X_TICKET_MARK, .index = w->index };
	struct iovec iov[2] = { { &ticket, sizeof(ticket) }, { (void *)frame, len } };

	return dp->io->to_door(dp, iov, 2) == 0;
}

static void clamp(const struct pw *w, uint8_t *frame, size_t len)
{
	struct inner in;
	size_t ip = w->cfg->clamp_mss ? frame_ip(frame, len, &in) : 0;

	if (ip)
		inner_clamp_mss(frame + ip, &in, pw_packet_mtu(w));
}

static bool deliver(struct datapath *dp, struct pw *w, uint8_t *frame, size_t len)
{
	clamp(w, frame, len);
	if (!to_door(dp, w, frame, len))
		return refuse(dp, w, DP_SLOW_DOOR_FAILED);
	dp_count(dp, DP_SLOW_PW_IN);
	w->rx.packets++;
	w->rx.bytes += len;
	pw_traffic_keep(dp, w);
	return true;
}

/* Everything behind the Session ID (DP-V3-1). */
static bool session_in(struct datapath *dp, struct pw *w, struct reader *r)
{
	const uint8_t *cookie = reader_take(r, w->s.cookie.len);
	uint32_t sublayer = 0;

	if (!cookie)
		return refuse(dp, w, DP_SLOW_PW_BAD);
	if (!is_cookie(w, cookie))
		return refuse(dp, w, DP_SLOW_PW_COOKIE);
	if (!pw_takes(w))
		return refuse(dp, w, DP_SLOW_PW_DOWN);
	if (w->s.sublayer)
		sublayer = reader_u32(r);
	/* V3-SUB-6, DP-V3-5 */
	if (r->bad || sublayer & (SUB_VCCV | SUB_PART) || r->left < FRAME_HEADER)
		return refuse(dp, w, DP_SLOW_PW_BAD);
	if (!in_sequence(dp, w, sublayer))
		return refuse(dp, w, DP_SLOW_SEQ_OLD);
	return true;
}

void slow_pw_in(struct datapath *dp, const struct path *path, uint8_t *msg, size_t len)
{
	struct reader r = reader_of(msg, len);
	struct pw *w;
	uint32_t id;

	if (is_control(dp, path, msg, len))
		return;
	id = read_id(dp, path, &r);
	if (!id)
		return;
	w = pw_by_id(dp, id, path);
	if (!w)
		refuse(dp, NULL, DP_SLOW_PW_UNKNOWN);
	else if (session_in(dp, w, &r))
		deliver(dp, w, msg + (r.p - msg), r.left);
}

/* ---- to the peer ----------------------------------------------------------------------------- */

/* V3-LIN-2, V3-LIN-3; octets written. */
static size_t put_header(struct datapath *dp, const struct pw *w, uint8_t buf[HEADER_MAX])
{
	struct l2x_traffic *t = pw_traffic(dp, w->index);
	struct writer out = writer_of(buf, HEADER_MAX);
	const struct pw_session *c = &w->s;
	uint32_t sublayer = 0;

	if (pw_is_udp(&c->path))
		writer_u32(&out, (uint32_t)FLAGS_DATA << 16);
	writer_u32(&out, c->peer_id);
	writer_bytes(&out, c->peer_cookie.b, c->peer_cookie.len);
	if (c->seq_send && t)
		sublayer = SUB_S | (__atomic_fetch_add((uint64_t *)&t->tx_ns, 1, __ATOMIC_RELAXED) &
				    SEQ24_MASK);
	if (c->peer_sublayer)
		writer_u32(&out, sublayer);
	return out.len;
}

static bool drop(struct datapath *dp, struct pw *w, enum dp_slow_counter why)
{
	dp_count(dp, why);
	w->tx.drops++;
	pw_traffic_keep(dp, w);
	return false;
}

/* True: that was all there was to do. */
static bool tell_too_big(struct datapath *dp, struct pw *w, const uint8_t *frame, size_t len)
{
	uint8_t reply[FRAME_REPLY_MAX];
	uint16_t mtu = pw_packet_mtu(w);
	struct inner in;
	size_t ip;

	if (w->cfg->large != PW_LARGE_ICMP || len <= w->mtu)
		return false;
	ip = frame_ip(frame, len, &in);
	if (!ip || !frame_tells(frame, ip, &in, mtu))
		return false;
	drop(dp, w, DP_SLOW_TOO_BIG);
	if (!icmp_bucket_take(&w->icmp))
		dp_count(dp, DP_SLOW_ICMP_LIMITED);
	else if (to_door(dp, w, reply, frame_too_big(frame, ip, &in, mtu, reply)))
		dp_count(dp, DP_SLOW_ICMP_SENT);
	return true;
}

static void send_frame(struct datapath *dp, struct pw *w, uint8_t *frame, size_t len)
{
	const struct send_how how = { .tos = (uint8_t)(w->cfg->dscp << 2),
				      .fragment = true,
				      .checksum = pw_has_checksum(w) };
	uint8_t header[HEADER_MAX];
	struct iovec iov[2] = { { header, 0 }, { frame, len } };

	clamp(w, frame, len);
	iov[0].iov_len = put_header(dp, w, header);
	if (dp->io->to_peer(dp, &w->s.path, iov, 2, &how) < 0) {
		drop(dp, w, DP_SLOW_SEND_FAILED);
		return;
	}
	dp_count(dp, DP_SLOW_PW_OUT);
	w->tx.packets++;
	w->tx.bytes += len;
	pw_traffic_keep(dp, w);
}

/* A broadcast of the kernel begins with the mark too. */
static bool is_ticket(const struct l2x_pw_ticket *t)
{
	static const uint8_t none[sizeof(t->pad)];

	return t->mark == L2X_TICKET_MARK && t->verdict < L2X_V_MAX && !t->reserved &&
	       memcmp(t->pad, none, sizeof(none)) == 0;
}

void slow_pw_out(struct datapath *dp, uint8_t *msg, size_t len)
{
	struct l2x_pw_ticket ticket;
	uint8_t *frame = msg + sizeof(ticket);
	uint16_t wire[FRAME_TAGS];
	struct pw *w;

	if (len < sizeof(ticket) + FRAME_HEADER)
		return;
	memcpy(&ticket, msg, sizeof(ticket));
	w = is_ticket(&ticket) ? pw_by_index(dp, ticket.index) : NULL;
	if (!w)
		return;
	if (!pw_is_up(w)) {
		drop(dp, w, DP_SLOW_PW_DOWN);
		return;
	}
	len -= sizeof(ticket);
	pw_wire(&w->cfg->circuit, wire);
	frame = frame_retag(frame, &len, w->cfg->circuit.vlan, wire, w->cfg->circuit.dot1ad);
	if (!frame)
		drop(dp, w, DP_SLOW_PW_BAD);
	else if (!tell_too_big(dp, w, frame, len))
		send_frame(dp, w, frame, len);
}

/* ---- the door -------------------------------------------------------------------------------- */

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct datapath *dp = arg;

	(void)what;
	for (int i = 0; i < BATCH; i++) {
		ssize_t n = read(fd, dp->tun_buffer, FRAME_MAX);

		if (n <= 0)
			return;
		slow_pw_out(dp, dp->tun_buffer, (size_t)n);
	}
}

int door_start(struct datapath *dp)
{
	if (dp->door_fd < 0)
		return 0;
	dp->door_event = event_new(dp->base, dp->door_fd, EV_READ | EV_PERSIST, on_readable, dp);
	return dp->door_event && event_add(dp->door_event, NULL) == 0 ? 0 : -ENOMEM;
}

void door_stop(struct datapath *dp)
{
	if (dp->door_event)
		event_free(dp->door_event);
	dp->door_event = NULL;
}

int door_write(struct datapath *dp, const struct iovec *iov, unsigned int n)
{
	if (dp->door_fd < 0)
		return -ENODEV;
	return writev(dp->door_fd, iov, (int)n) < 0 ? -errno : 0;
}
