/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults for a build of l2xdpd that poison_test.sh makes (ld --wrap): it dies, as by a wild
 * pointer, wherever it takes up one record that $POISON names, as
 *
 *   tunnel:ID    reading that tunnel
 *   session:ID   reading that session, before anything of it is known
 *   link:ID      reading its PPP
 *   place:ID     when it has its place in the data path
 *   hook         before the maps are swept and the hook is changed
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "loader/persist.h"

static uint16_t session; /* that is read now */

static void die_if(const char *kind, unsigned int id)
{
	const char *poison = getenv("POISON");
	size_t len = strlen(kind);

	if (!poison || strncmp(poison, kind, len) != 0)
		return;
	if (poison[len] == ':' && strtoul(poison + len + 1, NULL, 10) != id)
		return;
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
	abort(); /* where a filter allows no raise() */
}

int __real_l2tp_tunnel_restore(struct l2tp_endpoint *ep, msec_t now, const struct l2tp_peer *peer,
			       const uint8_t *rec, size_t len, struct l2tp_tunnel **ret);
int __wrap_l2tp_tunnel_restore(struct l2tp_endpoint *ep, msec_t now, const struct l2tp_peer *peer,
			       const uint8_t *rec, size_t len, struct l2tp_tunnel **ret)
{
	struct reader r = reader_of(rec, len);

	reader_u8(&r); /* version */
	die_if("tunnel", reader_u16(&r));
	return __real_l2tp_tunnel_restore(ep, now, peer, rec, len, ret);
}

bool __real_persist_read_session(const uint8_t *rec, size_t len, struct persist_session *ret);
bool __wrap_persist_read_session(const uint8_t *rec, size_t len, struct persist_session *ret)
{
	struct persist_head head = { 0 };

	persist_read_head(rec, len, &head);
	session = head.session_id;
	die_if("session", session);
	return __real_persist_read_session(rec, len, ret);
}

int __real_ppp_link_restore(struct ppp_link *l, msec_t now, const uint8_t *rec, size_t len);
int __wrap_ppp_link_restore(struct ppp_link *l, msec_t now, const uint8_t *rec, size_t len)
{
	die_if("link", session);
	return __real_ppp_link_restore(l, now, rec, len);
}

void __real_dp_session_traffic_restore(struct datapath *dp, uint32_t index,
				       const struct dp_traffic *t);
void __wrap_dp_session_traffic_restore(struct datapath *dp, uint32_t index,
				       const struct dp_traffic *t)
{
	die_if("place", session);
	__real_dp_session_traffic_restore(dp, index, t);
}

int __real_dp_ready(struct datapath *dp, struct dp_adoption *ret, char *err, size_t errlen);
int __wrap_dp_ready(struct datapath *dp, struct dp_adoption *ret, char *err, size_t errlen)
{
	die_if("hook", 0);
	return __real_dp_ready(dp, ret, err, errlen);
}
