/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is this SCCRQ, SCCRP acceptable? What is said to who is refused is for people. */
#include <string.h>

#include "loader/l2tp3/engine.h"

/* What is asked of both: `why` is filled on false. */
static bool judge(const struct l2tp3_peer *peer, const struct l2tp3_message *m,
		  struct l2tp_reason *ret_why)
{
	const struct reader *host = &m->host_name;
	char name[LOG_QUOTE_LEN];

	if (m->fault) { /* V3-AVP-2 */
		reason3_set(ret_why, L2TP_STOP_ERROR, m->fault, "%s", m->fault_text);
		return false;
	}
	if (!m->ccid) {
		reason3_set(ret_why, L2TP_STOP_ERROR, L2TP_ERR_RANGE,
			    "Assigned Control Connection ID is missing or 0");
		return false;
	}
	if (peer->expect_hostname && (host->left != strlen(peer->expect_hostname) ||
				      memcmp(host->p, peer->expect_hostname, host->left) != 0)) {
		reason3_set(ret_why, L2TP_STOP_NOT_AUTHORISED, 0,
			    "host name %.64s is not the one that is configured here",
			    log_quote(host->p, host->left, name, sizeof(name)));
		return false;
	}
	return true;
}

bool judge3_sccrq(const struct l2tp3_peer *peer, const struct l2tp3_message *m,
		  struct l2tp_reason *ret_why)
{
	return judge(peer, m, ret_why);
}

/* With a secret it has a digest already, or it would not come here (V3-AUTH-6). */
bool judge3_sccrp(const struct l2tp3_peer *peer, const struct l2tp3_message *m,
		  struct l2tp_reason *ret_why)
{
	if (peer->secret[0].len && !l2tp3_has(m, L2TP3_AVP_NONCE)) {
		reason3_set(ret_why, L2TP_STOP_NOT_AUTHORISED, 0,
			    "no nonce in SCCRP: set the same secret on both sides");
		return false;
	}
	return judge(peer, m, ret_why);
}

static bool has_our_nonce(const struct l2tp3_tunnel *t, const struct l2tp3_message *m)
{
	return t->auth.nonces && m->nonce.left == sizeof(t->auth.ours) &&
	       !memcmp(m->nonce.p, t->auth.ours, sizeof(t->auth.ours));
}

bool judge3_is_ours(const struct l2tp3_endpoint *ep, const struct l2tp3_peer *peer,
		    const struct l2tp3_message *m)
{
	const struct reader *host = &m->host_name;

	if (!peer->secret[0].len) /* that anybody could say anyway */
		return false;
	if (m->router_id == peer->router_id && host->left == strlen(peer->hostname) &&
	    !memcmp(host->p, peer->hostname, host->left))
		return true;
	for (const struct l2tp3_tunnel *t = ep->first; t; t = t->next)
		if ((t->half_open || t->state == L2TP3_T_WAIT_REPLY) && has_our_nonce(t, m))
			return true;
	return false;
}
