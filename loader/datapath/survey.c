/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * May the programs keep the ways of inner packets by destination (live.routes4, routes6)? Only if
 * the kernel's FIB looks at nothing else of a packet than where it came in and where it goes:
 *
 *   rules      only what all packets have alike, the input interface and the destination
 *   routes     none by source or TOS, none over several ways at once
 *   next hops  no groups, whoever uses them
 *
 * At the start all of these are read, a few buffers in a turn of the event loop, for a host may
 * have a million routes; until that is done nothing is kept. From then on each change that the
 * kernel tells is looked at alone. What forbids takes effect at once. When something of the kind
 * has gone, or changes were lost, all is read again, but not more often than once a minute.
 */
#include <errno.h>
#include <event2/event.h>
#include <linux/fib_rules.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "loader/datapath/private.h"

#define BUFFER 65536
#define BUFFERS 8 /* in one turn */
#define PAUSE 60 /* s from the end of a reading to the next one */

struct survey {
	struct nl_sock *sock;
	struct event *readable, *again;
	unsigned int step; /* of steps[] that is being read; N_STEPS: none */
	bool special4, special6; /* found so far */
	bool known; /* a reading came to its end */
	bool stale; /* read again when it is time */
	uint8_t buffer[BUFFER];
};

static const struct {
	uint16_t type;
	uint8_t family;
} steps[] = {
	{ RTM_GETRULE, AF_INET },  { RTM_GETRULE, AF_INET6 },  { RTM_GETNEXTHOP, AF_UNSPEC },
	{ RTM_GETROUTE, AF_INET }, { RTM_GETROUTE, AF_INET6 },
};
#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

/* ---- what is special -------------------------------------------------------------------- */

/* Attributes of a rule that are the same for all packets, that the key of what is kept holds,
 * or that choose by the route found. */
static bool attribute_is_plain(int type)
{
	switch (type) {
	case FRA_DST:
	case FRA_IIFNAME:
	case FRA_OIFNAME:
	case FRA_GOTO:
	case FRA_PRIORITY:
	case FRA_FWMARK:
	case FRA_FWMASK:
	case FRA_TUN_ID:
	case FRA_SUPPRESS_IFGROUP:
	case FRA_SUPPRESS_PREFIXLEN:
	case FRA_TABLE:
	case FRA_PAD:
	case FRA_L3MDEV:
	case FRA_UID_RANGE:
	case FRA_PROTOCOL:
		return true;
	default:
		return false;
	}
}

static bool rule_is_special(struct nlmsghdr *h)
{
	const struct fib_rule_hdr *rule = nlmsg_data(h);
	struct nlattr *a;
	int left;

	if (rule->src_len || rule->tos)
		return true;
	nlmsg_for_each_attr(a, h, sizeof(*rule),
			    left) if (!attribute_is_plain(nla_type(a))) return true;
	return false;
}

static bool route_is_special(struct nlmsghdr *h)
{
	const struct rtmsg *rtm = nlmsg_data(h);
	struct nlattr *several;
	struct rtnexthop *first;

	if (rtm->rtm_src_len || rtm->rtm_tos)
		return true;
	/* IPv6: one more way of a route that is there */
	if (rtm->rtm_family == AF_INET6 && h->nlmsg_flags & NLM_F_APPEND)
		return true;
	several = nlmsg_find_attr(h, sizeof(*rtm), RTA_MULTIPATH);
	if (!several || nla_len(several) < (int)sizeof(*first))
		return false;
	first = nla_data(several);
	return RTNH_ALIGN(first->rtnh_len) < nla_len(several);
}

/* Does the FIB look at more because of what this message tells? *ret_family: of whose packets;
 * AF_UNSPEC: all. */
static bool is_special(struct nlmsghdr *h, int *ret_family)
{
	*ret_family = AF_UNSPEC;
	switch (h->nlmsg_type) {
	case RTM_NEWRULE:
	case RTM_DELRULE:
		if (!nlmsg_valid_hdr(h, sizeof(struct fib_rule_hdr)))
			return false;
		*ret_family = ((struct fib_rule_hdr *)nlmsg_data(h))->family;
		return rule_is_special(h);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (!nlmsg_valid_hdr(h, sizeof(struct rtmsg)))
			return false;
		*ret_family = ((struct rtmsg *)nlmsg_data(h))->rtm_family;
		return route_is_special(h);
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		return nlmsg_valid_hdr(h, sizeof(struct nhmsg)) &&
		       nlmsg_find_attr(h, sizeof(struct nhmsg), NHA_GROUP);
	default:
		return false;
	}
}

static void found(struct survey *s, int family)
{
	if (family != AF_INET6)
		s->special4 = true;
	if (family != AF_INET)
		s->special6 = true;
}

/* ---- what the programs are told ------------------------------------------------------------- */

void survey_tell(struct datapath *dp)
{
	const struct survey *s = dp->survey;
	struct l2x_live *live;
	uint32_t keep4, keep6;

	if (!s || !dp->maps)
		return;
	live = dp->maps->live;
	keep4 = s->known && !s->special4;
	keep6 = s->known && !s->special6;
	if (live->routes4 == keep4 && live->routes6 == keep6)
		return;
	__atomic_store_n(&live->routes4, keep4, __ATOMIC_RELEASE);
	__atomic_store_n(&live->routes6, keep6, __ATOMIC_RELEASE);
	maps_epoch_raise(dp);
}

/* ---- reading all of it ------------------------------------------------------------------ */

static int ask(struct survey *s)
{
	struct nhmsg nhm = { .nh_family = AF_UNSPEC };
	struct rtmsg rtm = { .rtm_family = steps[s->step].family }; /* begins as fib_rule_hdr */
	bool next_hops = steps[s->step].type == RTM_GETNEXTHOP;
	int rc = nl_send_simple(s->sock, steps[s->step].type, NLM_F_DUMP,
				next_hops ? (void *)&nhm : (void *)&rtm,
				next_hops ? sizeof(nhm) : sizeof(rtm));

	return rc < 0 ? -EIO : 0;
}

static void wait_again(struct survey *s)
{
	const struct timeval pause = { PAUSE, 0 };

	if (s->stale && s->step == N_STEPS && !evtimer_pending(s->again, NULL))
		evtimer_add(s->again, &pause);
}

/* Nothing is kept until a later reading succeeds. */
static void give_up(struct survey *s)
{
	s->step = N_STEPS;
	s->known = false;
	s->stale = true;
	wait_again(s);
}

static void step_done(struct survey *s)
{
	s->step++;
	if (s->step < N_STEPS) {
		if (ask(s))
			give_up(s);
		return;
	}
	s->known = true;
	wait_again(s);
}

/* 0, or the kernel's: an answer can fail at once or at its end. */
static int error_of(struct nlmsghdr *h)
{
	int error = 0;

	if (nlmsg_datalen(h) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(h), sizeof(error));
	/* no IPv6, no rules, or no next hop objects (before 5.3): there is nothing of them */
	return error == -EAFNOSUPPORT || error == -EOPNOTSUPP || error == -EPFNOSUPPORT ? 0 : error;
}

static void read_one(struct survey *s, struct nlmsghdr *h)
{
	int family;

	if (h->nlmsg_type != NLMSG_DONE && h->nlmsg_type != NLMSG_ERROR) {
		if (is_special(h, &family))
			found(s, family);
	} else if (error_of(h)) {
		give_up(s);
	} else {
		step_done(s);
	}
}

/* One buffer of an answer; false: no more now. */
static bool read_some(struct survey *s)
{
	ssize_t n = recv(nl_socket_get_fd(s->sock), s->buffer, sizeof(s->buffer),
			 MSG_DONTWAIT | MSG_TRUNC);
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)s->buffer;
	int left = (int)n;

	if ((n < 0 && errno != EAGAIN && errno != EINTR) || n > (ssize_t)sizeof(s->buffer))
		give_up(s);
	if (n <= 0 || n > (ssize_t)sizeof(s->buffer))
		return false;
	for (; nlmsg_ok(h, left) && s->step < N_STEPS; h = nlmsg_next(h, &left))
		read_one(s, h);
	return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct datapath *dp = arg;

	(void)fd;
	(void)what;
	for (int i = 0; i < BUFFERS && read_some(dp->survey); i++)
		;
	survey_tell(dp);
}

static void begin(struct survey *s)
{
	s->special4 = s->special6 = s->stale = false;
	s->step = 0;
	if (ask(s))
		give_up(s);
}

/* What was found before stands until this reading is done: nothing is kept meanwhile. */
static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct datapath *dp = arg;

	(void)fd;
	(void)what;
	dp->survey->known = false;
	survey_tell(dp);
	begin(dp->survey);
}

/* ---- changes -------------------------------------------------------------------------------- */

void survey_note(struct datapath *dp, struct nlmsghdr *h)
{
	bool gone = h->nlmsg_type == RTM_DELRULE || h->nlmsg_type == RTM_DELROUTE ||
		    h->nlmsg_type == RTM_DELNEXTHOP;
	struct survey *s = dp->survey;
	int family;

	if (!s || !is_special(h, &family))
		return;
	if (gone) {
		s->stale = true;
		wait_again(s);
	} else {
		found(s, family);
		survey_tell(dp);
	}
}

void survey_lost(struct datapath *dp)
{
	struct survey *s = dp->survey;

	if (!s)
		return;
	found(s, AF_UNSPEC);
	s->stale = true;
	wait_again(s);
	survey_tell(dp);
}

int survey_start(struct datapath *dp)
{
	struct survey *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	dp->survey = s;
	s->step = N_STEPS;
	s->sock = nl_socket_alloc();
	if (!s->sock || nl_connect(s->sock, NETLINK_ROUTE) < 0)
		return -EIO;
	s->readable = event_new(dp->base, nl_socket_get_fd(s->sock), EV_READ | EV_PERSIST,
				on_readable, dp);
	s->again = evtimer_new(dp->base, on_again, dp);
	if (!s->readable || !s->again || event_add(s->readable, NULL))
		return -ENOMEM;
	begin(s);
	survey_tell(dp); /* what an earlier daemon found is not ours to know */
	return 0;
}

void survey_close(struct datapath *dp)
{
	struct survey *s = dp->survey;

	if (!s)
		return;
	if (s->readable)
		event_free(s->readable);
	if (s->again)
		event_free(s->again);
	if (s->sock)
		nl_socket_free(s->sock);
	free(s);
	dp->survey = NULL;
}
