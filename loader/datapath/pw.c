/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pseudowires in the worker. The privileged process has given each its index, and attaches the
 * programs to the circuits' devices (pw_devices.c); here is known which of them carry frames, of
 * which size, and the maps are told (pw_lines.c). What the hook leaves is carried in pw_slow.c.
 *
 * A circuit is up while its device is there, with our program on it and a link; a pseudowire while it has
 * a session besides (pw_session.c). Devices
 * come, go and lose their link: the kernel tells (netlink.c), and what is new is attached to. A
 * device of another namespace tells nobody here, so what could not be made is tried again.
 *
 * The MTU is that of the way out of this host, or what the configuration says. Reports of routers on
 * the way are not for pseudowires: their outer packets leave without DF (V3-ETH-7), so that nobody
 * reports, and pmtu.c believes nothing that does not quote a message of version 2.
 */
#include <errno.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/private.h"

#define WAY_UNKNOWN 1500 /* no route yet: the size of nearly every way */
#define WAYS 256 /* peers whose way is remembered in a walk over all pseudowires */
#define SECOND_PWS 4096 /* looked at in a second when ways have changed */
#define RETRY_S 5
#define AT_ONCE 32 /* asked for again in one turn */
#define DEVICE_HEADER (PW_ETH_HEADER + 4) /* what a device takes beyond its MTU: a tag, too */
#define LOG_MS 10000
#define SAID_AT_START 16 /* of those that are down */
#define FLAG_LOWER_UP (1u << 16) /* IFF_LOWER_UP, which <net/if.h> has not */

struct way {
	struct path path;
	uint32_t serial; /* datapath.way_serial when it was asked for, and 1 */
	uint16_t mtu;
};

struct pw_finder {
	struct pw **by_id; /* static ones in the order of `order` */
	unsigned int n_ids;
	struct pw **by_index;
	uint32_t n_index;
	struct way ways[WAYS];
	uint32_t serial; /* datapath.way_serial that all pseudowires know */
	uint32_t walk_serial; /* the one that the walk began with */
	unsigned int cursor; /* of the walk */
	unsigned int waiting; /* of the walk over those that are not attached */
};

/* ---- life ------------------------------------------------------------------------------------ */

int pws_init(struct datapath *dp)
{
	unsigned int n = dp->cfg->n_pseudowires;

	if (!n)
		return 0;
	dp->pws = calloc(n, sizeof(*dp->pws));
	if (!dp->pws)
		return -ENOMEM;
	dp->n_pws = n;
	for (unsigned int i = 0; i < n; i++) {
		struct pw *w = &dp->pws[i];

		w->cfg = &dp->cfg->pseudowires[i];
		w->mode = dp_mode_names[DP_OFF];
		pw_session_begin(w);
		snprintf(w->device, sizeof(w->device), "%s", w->cfg->circuit.device);
		snprintf(w->down, sizeof(w->down), "it is not attached yet");
	}
	return 0;
}

void pws_free(struct datapath *dp)
{
	if (dp->pw_finder) {
		free(dp->pw_finder->by_id);
		free(dp->pw_finder->by_index);
	}
	free(dp->pw_finder);
	free(dp->pws);
	dp->pw_finder = NULL;
	dp->pws = NULL;
	dp->n_pws = 0;
}

int pws_start(struct datapath *dp)
{
	int rc = pws_index(dp);

	return rc ?: door_start(dp);
}

void pws_stop(struct datapath *dp)
{
	door_stop(dp);
}

/* ---- who is it? ------------------------------------------------------------------------------ */

static int order(uint32_t a_id, const struct path *a, uint32_t b_id, const struct path *b)
{
	int d;

	if (a_id != b_id)
		return a_id < b_id ? -1 : 1;
	d = memcmp(&a->peer, &b->peer, sizeof(a->peer));
	d = d ?: (int)a->peer_port - (int)b->peer_port;
	d = d ?: memcmp(&a->local, &b->local, sizeof(a->local));
	return d ?: (int)a->local_port - (int)b->local_port;
}

static int compare(const void *a, const void *b)
{
	const struct pw_config *x = (*(struct pw *const *)a)->cfg,
			       *y = (*(struct pw *const *)b)->cfg;

	return order(x->id, &x->path, y->id, &y->path);
}

static int fill_finder(struct datapath *dp, struct pw_finder *f)
{
	for (unsigned int i = 0; i < dp->n_pws; i++)
		if (dp->pws[i].index >= f->n_index)
			f->n_index = dp->pws[i].index + 1;
	f->by_id = calloc(dp->n_pws, sizeof(struct pw *));
	f->by_index = calloc(f->n_index, sizeof(struct pw *));
	if (!f->by_id || !f->by_index)
		return -ENOMEM;
	for (unsigned int i = 0; i < dp->n_pws; i++) {
		if (!dp->pws[i].cfg->signalled)
			f->by_id[f->n_ids++] = &dp->pws[i];
		f->by_index[dp->pws[i].index] = &dp->pws[i];
	}
	f->by_index[0] = NULL; /* index 0 is nobody's */
	qsort(f->by_id, f->n_ids, sizeof(struct pw *), compare);
	return 0;
}

int pws_index(struct datapath *dp)
{
	if (!dp->n_pws)
		return 0;
	dp->pw_finder = calloc(1, sizeof(*dp->pw_finder));
	return dp->pw_finder ? fill_finder(dp, dp->pw_finder) : -ENOMEM;
}

struct pw *pw_by_index(const struct datapath *dp, uint32_t index)
{
	const struct pw_finder *f = dp->pw_finder;

	return f && index < f->n_index ? f->by_index[index] : NULL;
}

/* V3-HDR-9: the ID and the path, whole. */
static struct pw *static_by_id(const struct pw_finder *f, uint32_t id, const struct path *path)
{
	unsigned int from = 0, to = f->n_ids;

	while (from < to) {
		unsigned int at = from + (to - from) / 2;
		struct pw *w = f->by_id[at];
		int d = order(id, path, w->cfg->id, &w->cfg->path);

		if (d == 0)
			return w;
		if (d < 0)
			to = at;
		else
			from = at + 1;
	}
	return NULL;
}

/* The same of a signalled one, whose index is in it. */
struct pw *pw_by_id(const struct datapath *dp, uint32_t id, const struct path *path)
{
	struct pw *w = pw_by_index(dp, id & ((1u << dp_pw_index_bits(dp)) - 1));

	if (w && w->cfg->signalled && w->has_session && w->s.id == id && path_eq(&w->s.path, path))
		return w;
	return dp->pw_finder ? static_by_id(dp->pw_finder, id, path) : NULL;
}

bool dp_pw_id_is_static(const struct datapath *dp, uint32_t id)
{
	const struct pw_finder *f = dp->pw_finder;
	unsigned int from = 0, to = f ? f->n_ids : 0;

	while (from < to) {
		unsigned int at = from + (to - from) / 2;
		uint32_t there = f->by_id[at]->cfg->id;

		if (there == id)
			return true;
		if (id < there)
			to = at;
		else
			from = at + 1;
	}
	return false;
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static struct way *way_slot(struct pw_finder *f, const struct path *path)
{
	uint32_t h = 0;

	for (size_t i = 0; i < sizeof(path->peer.b); i++)
		h = (h ^ path->peer.b[i] ^ path->local.b[i]) * 16777619u;
	return &f->ways[(h >> 8) % WAYS];
}

/* Of many pseudowires of one peer the kernel is asked once. */
static uint16_t way_mtu(struct datapath *dp, const struct path *path)
{
	struct way *way = dp->pw_finder ? way_slot(dp->pw_finder, path) : NULL;
	uint16_t mtu;

	if (!addr_is_set(&path->peer))
		return WAY_UNKNOWN; /* whoever it will be */
	if (way && way->serial == dp->way_serial + 1 && addr_eq(&way->path.peer, &path->peer) &&
	    addr_eq(&way->path.local, &path->local))
		return way->mtu;
	mtu = netlink_way_mtu(dp, &path->local, &path->peer);
	mtu = mtu ? mtu : WAY_UNKNOWN;
	if (way)
		*way = (struct way){ .path = *path, .serial = dp->way_serial + 1, .mtu = mtu };
	return mtu;
}

void pw_update(struct datapath *dp, struct pw *w)
{
	w->mtu = pw_frame_mtu(w, way_mtu(dp, &w->s.path));
	pw_put(dp, w);
}

/* ---- up or down ------------------------------------------------------------------------------ */

struct link {
	const char *name; /* of the cache */
	unsigned int ifindex, mtu;
	bool is_set_up, has_carrier;
};

/* The kernel's list has no index of its own. */
struct links {
	struct nl_cache *cache;
	struct link *of; /* in rising order */
	size_t n;
};

static int compare_links(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return x->ifindex < y->ifindex ? -1 : x->ifindex > y->ifindex;
}

static bool links_read(struct datapath *dp, struct links *ret)
{
	*ret = (struct links){ .cache = netlink_links(dp) };
	if (!ret->cache)
		return false;
	ret->of = calloc((size_t)nl_cache_nitems(ret->cache) + 1, sizeof(*ret->of));
	if (!ret->of) {
		nl_cache_free(ret->cache);
		ret->cache = NULL;
		return false;
	}
	for (struct nl_object *o = nl_cache_get_first(ret->cache); o; o = nl_cache_get_next(o)) {
		struct rtnl_link *l = (struct rtnl_link *)o;
		unsigned int flags = rtnl_link_get_flags(l);

		ret->of[ret->n++] =
			(struct link){ .name = rtnl_link_get_name(l),
				       .ifindex = (unsigned int)rtnl_link_get_ifindex(l),
				       .mtu = rtnl_link_get_mtu(l),
				       .is_set_up = flags & IFF_UP,
				       .has_carrier = flags & FLAG_LOWER_UP };
	}
	qsort(ret->of, ret->n, sizeof(*ret->of), compare_links);
	return true;
}

static void links_free(struct links *ls)
{
	if (ls->cache)
		nl_cache_free(ls->cache);
	free(ls->of);
}

static const struct link *links_find(const struct links *ls, unsigned int ifindex)
{
	const struct link key = { .ifindex = ifindex };

	return bsearch(&key, ls->of, ls->n, sizeof(*ls->of), compare_links);
}

static unsigned int links_named(const struct links *ls, const char *name)
{
	for (size_t i = 0; i < ls->n; i++)
		if (strcmp(ls->of[i].name, name) == 0)
			return ls->of[i].ifindex;
	return 0;
}

/* Writes what speaks against it; empty: nothing. */
static void judge(struct pw *w, const struct link *l)
{
	char *why = w->down;
	size_t len = sizeof(w->down);

	why[0] = '\0';
	if (!w->attached)
		snprintf(why, len, "%s",
			 w->why[0] ? w->why : "no program is on the circuit's device");
	else if (!l)
		snprintf(why, len, "device %s is gone; it is taken again when it is back",
			 w->device);
	else if (!l->is_set_up)
		snprintf(why, len, "device %s is down: ip link set dev %s up", w->device,
			 w->device);
	else if (!l->has_carrier && w->cfg->circuit.create)
		snprintf(why, len, "device %s has no carrier: nobody has its other end up",
			 w->device);
	else if (!l->has_carrier)
		snprintf(why, len, "device %s has no carrier: look at its cable", w->device);
}

static void say(const struct pw *w)
{
	if (pw_is_up(w))
		log_note(NULL, "pseudowire %s is up: frames of %u octets and less by device %s",
			 w->cfg->name, w->mtu, w->device);
	else
		log_warn(NULL, "pseudowire %s is down: %s", w->cfg->name, pw_why(w));
}

void pw_say(struct datapath *dp, struct pw *w, bool was_up)
{
	if (pw_is_up(w) != was_up && dp->ready && log_allowed(&w->log, dp_now(), 3, LOG_MS))
		say(w);
}

static uint16_t room_of(const struct link *l)
{
	unsigned int n = l ? l->mtu + DEVICE_HEADER : 0;

	return n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
}

/* To whoever answers for it to the peer. */
static void tell_circuit(struct datapath *dp, struct pw *w, bool was_up)
{
	if (w->circuit_up == was_up || !dp->ops || !dp->ops->circuit)
		return;
	dp->turn_due = true;
	dp->ops->circuit(dp->ctx, (unsigned int)(w - dp->pws), w->circuit_up);
}

/* Is it up? */
static bool refresh(struct datapath *dp, struct pw *w, const struct links *ls)
{
	const struct link *l = w->ifindex ? links_find(ls, w->ifindex) : NULL;
	bool was_up = w->circuit_up;

	judge(w, l);
	w->circuit_up = dp->maps && w->index && !w->down[0];
	w->room = room_of(l);
	if (!w->mtu)
		pw_update(dp, w);
	else
		pw_put(dp, w); /* ways are asked for in slices: walk() */
	tell_circuit(dp, w, was_up);
	return pw_is_up(w);
}

/* ---- circuits -------------------------------------------------------------------------------- */

/* What the privileged process has made of it. */
static void ask(struct datapath *dp, struct pw *w)
{
	const struct dp_request rq = { .act = DP_DO_CIRCUIT, .index = (uint32_t)(w - dp->pws) };
	struct dp_answer answer;

	if (request(dp, &rq, &answer) < 0)
		return;
	w->ifindex = answer.circuit.ifindex;
	w->attached = answer.circuit.attached;
	if (answer.circuit.device[0])
		snprintf(w->device, sizeof(w->device), "%.15s", answer.circuit.device);
	snprintf(w->why, sizeof(w->why), "%.159s", answer.circuit.why);
	for (int m = DP_AUTO; m <= DP_OFF; m++)
		if (strcmp(answer.circuit.mode, dp_mode_names[m]) == 0)
			w->mode = dp_mode_names[m];
}

void pws_ready(struct datapath *dp)
{
	struct log_limit down = { 0 };
	unsigned int up = 0;
	struct links ls;

	if (!dp->n_pws || !links_read(dp, &ls))
		return;
	for (unsigned int i = 0; i < dp->n_pws; i++) {
		struct pw *w = &dp->pws[i];

		pw_traffic_recall(dp, w);
		pw_heard_begin(dp, w);
		ask(dp, w);
		if (refresh(dp, w, &ls))
			up++;
		else if (w->attached && w->has_session &&
			 log_allowed(&down, dp_now(), SAID_AT_START, LOG_MS))
			say(w); /* else it has been said by whoever attaches */
	}
	links_free(&ls);
	if (dp->pw_finder)
		dp->pw_finder->serial = dp->way_serial;
	log_note(NULL, "%u of %u pseudowires are up", up, dp->n_pws);
	dp_turn(dp);
}

/* Has its device come or gone, or is it another one now? Then nothing of it is attached. */
static bool look(struct pw *w, const struct links *ls)
{
	const struct link *l = w->ifindex ? links_find(ls, w->ifindex) : NULL;
	unsigned int now;

	if (l && strcmp(l->name, w->device) == 0)
		return false;
	now = links_named(ls, w->device);
	/* One that is just made shows itself half done: who makes it attaches. */
	if (now == w->ifindex || (!w->ifindex && w->cfg->circuit.create))
		return false;
	w->ifindex = now;
	w->attached = false;
	return true;
}

/* Something to attach to has come or gone. */
static void attach_again(struct datapath *dp, struct links *ls)
{
	ports_attach(dp);
	for (unsigned int i = 0; i < dp->n_pws; i++)
		if (!dp->pws[i].attached)
			ask(dp, &dp->pws[i]);
	links_free(ls);
	links_read(dp, ls); /* devices that were made */
}

void pws_refresh(struct datapath *dp)
{
	struct links ls;
	bool due = false;

	if (!dp->n_pws || !dp->ready || !dp->maps)
		return;
	if (!links_read(dp, &ls))
		return;
	for (unsigned int i = 0; i < dp->n_pws; i++)
		due |= look(&dp->pws[i], &ls);
	if (due)
		attach_again(dp, &ls);
	for (unsigned int i = 0; ls.cache && i < dp->n_pws; i++) {
		struct pw *w = &dp->pws[i];
		bool was = pw_is_up(w);

		refresh(dp, w, &ls);
		pw_say(dp, w, was);
	}
	links_free(&ls);
	dp_turn(dp);
}

/* An index may come back with another device, before anybody has looked at names. */
void pws_gone(struct datapath *dp, unsigned int ifindex)
{
	for (unsigned int i = 0; i < dp->n_pws; i++) {
		struct pw *w = &dp->pws[i];

		if (w->ifindex == ifindex && !w->cfg->circuit.create) {
			w->attached = false;
			w->ifindex = 0;
			snprintf(w->why, sizeof(w->why), PW_NO_DEVICE, w->device);
		}
	}
}

/* ---- what nobody tells ----------------------------------------------------------------------- */

/* Routes have changed: as many as a turn of the event loop may take. */
static void walk(struct datapath *dp, struct pw_finder *f)
{
	if (f->cursor == 0)
		f->walk_serial = dp->way_serial;
	for (unsigned int n = 0; f->cursor < dp->n_pws && n < SECOND_PWS; n++)
		pw_update(dp, &dp->pws[f->cursor++]);
	if (f->cursor < dp->n_pws)
		return;
	f->cursor = 0;
	f->serial = f->walk_serial;
}

/* Those whose circuit may be had by now: a namespace has come, another program is gone. */
static void ask_waiting(struct datapath *dp, struct pw_finder *f)
{
	unsigned int asked = 0;
	bool come = false;

	for (unsigned int i = 0; i < dp->n_pws && asked < AT_ONCE; i++) {
		struct pw *w = &dp->pws[f->waiting++ % dp->n_pws];

		if (w->attached)
			continue;
		ask(dp, w);
		asked++;
		come |= w->attached;
	}
	if (come)
		pws_refresh(dp);
}

void pws_second(struct datapath *dp)
{
	struct pw_finder *f = dp->pw_finder;

	if (!f || !dp->ready || !dp->maps)
		return;
	if (f->cursor || f->serial != dp->way_serial)
		walk(dp, f);
	if (dp->seconds % RETRY_S == 0)
		ask_waiting(dp, f);
}

/* ---- what is shown --------------------------------------------------------------------------- */

unsigned int dp_pw_count(const struct datapath *dp)
{
	return dp->n_pws;
}

void dp_pw_info(struct datapath *dp, unsigned int i, struct pw_info *ret)
{
	const struct pw *w = &dp->pws[i];

	*ret = (struct pw_info){ .cfg = w->cfg,
				 .index = w->index,
				 .up = pw_is_up(w),
				 .why = pw_why(w),
				 .ifindex = w->attached ? w->ifindex : 0,
				 .device = w->device,
				 .mode = w->mode,
				 .mtu = w->mtu };
}

void dp_pw_traffic(const struct datapath *dp, unsigned int i, struct dp_traffic *ret)
{
	const struct pw *w = &dp->pws[i];
	const struct l2x_traffic *hook = pw_traffic(dp, w->index);

	memset(ret, 0, sizeof(*ret));
	memcpy(&ret->slow_rx, &w->rx, sizeof(ret->slow_rx));
	memcpy(&ret->slow_tx, &w->tx, sizeof(ret->slow_tx));
	if (!hook)
		return;
#define LOAD(field) __atomic_load_n(&hook->field, __ATOMIC_RELAXED)
	ret->hook_rx.packets = LOAD(rx_packets);
	ret->hook_rx.bytes = LOAD(rx_bytes);
	ret->hook_rx.drops = LOAD(rx_drops);
	ret->hook_rx.lost = LOAD(rx_lost);
	ret->hook_tx.packets = LOAD(tx_packets);
	ret->hook_tx.bytes = LOAD(tx_bytes);
	ret->hook_tx.drops = LOAD(tx_drops);
#undef LOAD
}
