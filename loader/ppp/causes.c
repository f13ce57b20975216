/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a link ended: RFC 3145 section 3, and the CDN result for it (l2tpv2.md section 8). */
#include "loader/ppp/link.h"

enum { GLOBAL, PEER, LOCAL };
enum { CARRIER = 1, ADMINISTRATIVE = 3, TEMPORARY = 4 }; /* RFC 2661 section 4.4.2 */

#define CAUSE(name, ...) const struct ppp_cause ppp_cause_##name = { __VA_ARGS__ }

CAUSE(admin, 1, 0, GLOBAL, "closed by the operator", ADMINISTRATIVE);
CAUSE(peer, 3, 0, PEER, "terminated by the peer", CARRIER);
CAUSE(lcp_timeout, 5, PPP_LCP, GLOBAL, "LCP did not come up", CARRIER);
CAUSE(loop, 7, PPP_LCP, GLOBAL, "the link is looped back", CARRIER);
CAUSE(echo_timeout, 8, PPP_LCP, GLOBAL, "no answer to LCP echoes", CARRIER);
CAUSE(auth_timeout, 13, PPP_CHAP, GLOBAL, "no authentication in time", CARRIER);
CAUSE(auth_timeout_pap, 13, PPP_PAP, GLOBAL, "no authentication in time", CARRIER);
CAUSE(auth_refused, 15, PPP_LCP, PEER, "no authentication protocol in common", ADMINISTRATIVE);
CAUSE(auth_failed, 16, PPP_CHAP, PEER, "authentication failed", ADMINISTRATIVE);
CAUSE(auth_failed_pap, 16, PPP_PAP, PEER, "authentication failed", ADMINISTRATIVE);
CAUSE(ncp_timeout, 17, PPP_IPCP, GLOBAL, "no network protocol in time", CARRIER);
CAUSE(no_ncp, 18, PPP_IPCP, GLOBAL, "no network protocol open", CARRIER);
CAUSE(no_address, 20, PPP_IPCP, LOCAL, "no address for the subscriber", TEMPORARY);
