/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of the store that have ended workers, one after the other, as they were taken up: a
 * fault of ours that is in every start. The next worker does without them (restore.c), at
 * the least loss that is safe without reading them: PPP begins anew, or the call is closed,
 * or the session or the tunnel is not taken up at all, and its peer finds that out by itself.
 * What the record holds is kept for whoever is to mend the fault.
 */
#include "loader/persist.h"

_Static_assert(MARK_OF(STORE_TUNNELS) == MARK_TUNNEL && MARK_OF(STORE_MISC) == MARK_MISC &&
		       STORE_TABLES == STORE_MISC + 1,
	       "a mark for each table");

static const char *const names[MARKS] = {
	[MARK_NONE] = "",
	[MARK_TUNNEL] = "the record of tunnel",
	[MARK_MESSAGE] = "the record of message",
	[MARK_SESSION] = "the record of session",
	[MARK_RESTING] = "the record of resting identifier",
	[MARK_MISC] = "the record of misc",
	[MARK_LINK] = "the PPP record of session",
	[MARK_PLACE] = "the data path of session",
	[MARK_RESUME] = "the control connections' going on",
	[MARK_HOOK] = "the maps and the hook",
	[MARK_COMMIT] = "the first commit",
};
const struct marks_names persist_marks = { names, MARKS, MARK_RECORDS };

static const char *const outcomes[MARK_RECORDS] = {
	[MARK_TUNNEL] = "it and its sessions are not taken up, its peer finds nobody answers",
	[MARK_MESSAGE] = "it is not sent again",
	[MARK_SESSION] = "it is not taken up, its subscriber finds nobody answers",
	[MARK_RESTING] = "it does not rest",
	[MARK_MISC] = "nothing is known of it",
	[MARK_LINK] = "its PPP begins anew",
	[MARK_PLACE] = "its call is closed",
};

/* Told without reading what may be the fault. */
static struct log_who who_of(enum persist_mark what, uint64_t key, const uint8_t *rec, size_t len,
			     const struct persist_session *s)
{
	struct log_who who = { 0 };
	struct persist_head head;

	if (s) {
		who.tunnel = s->tunnel_id;
		who.session = s->session_id;
		who.user = *s->user ? s->user : NULL;
	} else if (what == MARK_TUNNEL) {
		who.tunnel = (uint16_t)key;
	} else if (what == MARK_MESSAGE) {
		who.tunnel = (uint16_t)(key >> 32);
	} else if (what == MARK_SESSION && persist_read_head(rec, len, &head)) {
		who.tunnel = head.tunnel_id;
		who.session = head.session_id;
	}
	return who;
}

bool aside_take(struct lns *lns, enum persist_mark what, uint64_t key, const uint8_t *rec,
		size_t len, const struct persist_session *s)
{
	char path[PATH_MAX] = "";
	struct log_who who;
	bool kept;

	if (!marks_is_aside(lns->marks, what, key))
		return false;
	who = who_of(what, key, rec, len, s);
	kept = marks_keep(lns->marks, what, key, rec, len, path, sizeof(path));
	log_error(&who,
		  "%s %llu has ended %u workers: set aside; %s. This is a fault of l2xdpd: report "
		  "it, "
		  "with %s%s",
		  names[what], (unsigned long long)key, MARKS_DEATHS, outcomes[what],
		  kept ? path : "these lines of the log",
		  kept ? " (it may hold what identifies the subscriber)" : "");
	return true;
}
