/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports that an outer packet was too big for the way (DP-ICMP-5): ICMP 3/4 and ICMPv6 2/0
 * come from a socket's error queue with the start of what we had sent. The kernel has found
 * the socket by the quoted addresses and ports; a report is believed only if the quoted
 * L2TP header names a live session of that very path, which an outsider does not know. It
 * then lowers every tunnel of the path, for they go the same way.
 */
#include <errno.h>
#include <time.h>

#include <linux/errqueue.h>

#include "loader/base/bytes.h"
#include "loader/datapath/mtu.h"
#include "loader/datapath/private.h"
#include "loader/l2tp/header.h"

#define ERRORS 32 /* taken in one turn of the event loop */
#define QUOTE_MAX 64 /* all that is needed is the L2TP header */
#define CMSG_ROOM 512
#define LOOKS 131072 /* tunnels and sessions, in the search for one that was quoted */

/* Our transmit form in a quote that may end anywhere after it: the IDs, and no more. */
static bool read_ids(const uint8_t *quoted, size_t len, uint16_t *ret_tunnel, uint16_t *ret_session)
{
	struct reader r = reader_of(quoted, len);
	uint16_t flags = reader_u16(&r), tunnel_id = reader_u16(&r), session_id = reader_u16(&r);

	/* What is sent with DF is data, and has neither T, L nor O (DP-TX-1). */
	if (r.bad || (flags & ~L2TP_F_S) != 2)
		return false;
	*ret_tunnel = tunnel_id;
	*ret_session = session_id;
	return true;
}

/* The tunnel of the path whose live session the quote names (V2-PORT-4: there may be many
 * tunnels), and what to believe of the report; NULL: none, or nothing. */
static struct tunnel *validate(struct tunnel *t, const uint8_t *quoted, size_t len, uint32_t mtu,
			       uint16_t *ret_believed)
{
	uint16_t tunnel_id, session_id, believed;
	int looks = LOOKS;

	if (!read_ids(quoted, len, &tunnel_id, &session_id))
		return NULL;
	for (; t && looks > 0; t = tunnel_next_on_path(t), looks--) {
		/* A control connection has one ID of the peer, so any session tells it. */
		if (!t->sessions || t->sessions->s.peer_tunnel_id != tunnel_id)
			continue;
		believed = mtu_believe(tunnel_mtu(t), mtu, !addr_is_v4(&t->path.local));
		if (!believed)
			continue;
		for (const struct session *s = t->sessions; s && looks > 0; s = s->next, looks--)
			if (s->s.peer_session_id == session_id) {
				*ret_believed = believed;
				return t;
			}
	}
	return NULL;
}

void pmtu_report(struct datapath *dp, const struct path *path, const uint8_t *quoted, size_t len,
		 uint32_t mtu)
{
	struct tunnel *first = tunnel_by_path(dp, path), *named;
	uint16_t believed;
	char at[PATH_STRLEN];

	/* The walk over tunnels and sessions is not for the asking. */
	if (!first || !dp->pmtu_tokens) {
		dp_count(dp, DP_SLOW_PMTU_REFUSED);
		return;
	}
	dp->pmtu_tokens--;
	named = validate(first, quoted, len, mtu, &believed);
	if (!named) {
		dp_count(dp, DP_SLOW_PMTU_REFUSED);
		return;
	}
	dp_count(dp, DP_SLOW_PMTU_LOWERED);
	log_info(&(struct log_who){ .tunnel = named->id }, "path MTU to %s lowered from %u to %u",
		 endpoint_str(&path->peer, path->peer_port, at), tunnel_mtu(named), believed);
	for (struct tunnel *t = first; t; t = tunnel_next_on_path(t))
		if (tunnel_mtu(t) > believed)
			tunnel_learn(dp, t, believed);
}

static bool is_too_big(const struct sock_extended_err *e)
{
	if (e->ee_errno != EMSGSIZE)
		return false;
	return e->ee_origin == SO_EE_ORIGIN_ICMP || e->ee_origin == SO_EE_ORIGIN_ICMP6;
}

static const struct sock_extended_err *error_of(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if ((c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR))
			return (const struct sock_extended_err *)CMSG_DATA(c);
	return NULL;
}

void pmtu_drain(struct listener *l)
{
	for (int i = 0; i < ERRORS; i++) {
		struct path path = { .local = l->addr, .local_port = l->dp->cfg->port };
		uint8_t quoted[QUOTE_MAX];
		union {
			struct cmsghdr align;
			uint8_t room[CMSG_ROOM];
		} control;
		struct sockaddr_storage to;
		struct iovec iov = { quoted, sizeof(quoted) };
		struct msghdr m = { .msg_name = &to,
				    .msg_namelen = sizeof(to),
				    .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = control.room,
				    .msg_controllen = sizeof(control.room) };
		ssize_t n = recvmsg(l->fd, &m, MSG_ERRQUEUE);
		const struct sock_extended_err *e;

		if (n < 0)
			return;
		e = error_of(&m);
		if (!e || !is_too_big(e) ||
		    addr_from_sockaddr((struct sockaddr *)&to, &path.peer, &path.peer_port) < 0)
			continue;
		pmtu_report(l->dp, &path, quoted, (size_t)n, e->ee_info);
	}
}
