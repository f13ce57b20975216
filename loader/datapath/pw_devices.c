/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pseudowires in the privileged process: what is done when. The files are told in pw_private.h.
 *
 * Nothing that an earlier daemon's program reads is changed before the programs of the interfaces
 * have been replaced. Then, in this order: lines of pseudowires that are gone end; devices; the maps get what
 * is missing; the programs of the circuits; what is left over goes. A pseudowire that was there and stays
 * is carried all the time.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "loader/datapath/pw_private.h"

int pws_assign(struct datapath *dp, char *err, size_t errlen)
{
	int rc = pw_indexes(dp, err, errlen);

	if (rc < 0 || !dp->n_pws)
		return rc;
	for (unsigned int i = 0; i < dp->n_pws; i++)
		pw_device_find(dp, &dp->pws[i]);
	return 0;
}

/* ---- attaching --------------------------------------------------------------------------------- */

/* The device of a circuit by tags may be an interface, whose program does it. */
static const struct port *port_of(const struct datapath *dp, const struct pw *w)
{
	for (unsigned int i = 0; i < dp->n_ports; i++)
		if (w->ifindex && dp->ports[i].ifindex == w->ifindex)
			return &dp->ports[i];
	return NULL;
}

static void by_port(struct pw *w, const struct port *p)
{
	w->attached = p->attached;
	w->mode = p->mode;
	snprintf(w->why, sizeof(w->why), "%s", p->attached ? "" : p->why);
}

static void by_link(struct pw *w, const struct circuit_link *c)
{
	w->attached = c && c->current;
	w->mode = w->attached ? c->mode : dp_mode_names[DP_OFF];
	snprintf(w->why, sizeof(w->why), "%s", c ? c->why : "no memory");
}

static void attach(struct datapath *dp, struct attach *a, struct pw *w)
{
	const struct port *p = port_of(dp, w);

	w->attached = false;
	w->mode = dp_mode_names[DP_OFF];
	if (!w->ifindex)
		return;
	if (p)
		by_port(w, p);
	else
		by_link(w, pw_link(dp, a, w->device, w->ifindex, false));
}

static void attach_door(struct datapath *dp, struct attach *a)
{
	const struct circuit_link *c;

	if (!dp->door_ifindex)
		return;
	c = pw_link(dp, a, PW_DOOR, dp->door_ifindex, true);
	if (c && !c->current)
		log_warn(NULL,
			 "pseudowires: %s: what the hook leaves of them is lost on its way to the "
			 "circuit",
			 c->why);
}

void pws_refuse(struct datapath *dp, const char *why)
{
	for (unsigned int i = 0; i < dp->n_pws; i++) {
		struct pw *w = &dp->pws[i];

		w->attached = false;
		w->mode = dp_mode_names[DP_OFF];
		snprintf(w->why, sizeof(w->why), "%s", why);
	}
}

/* To people the worker tells it, which knows the links too. */
static void say_changes(const struct pw *w, bool was_attached, const char *was_why)
{
	if (w->attached && !was_attached)
		log_debug(NULL, "pseudowire %s: device %s, XDP %s", w->cfg->name, w->device,
			  w->mode);
	else if (!w->attached && strcmp(w->why, was_why))
		log_debug(NULL, "pseudowire %s: %s", w->cfg->name, w->why);
}

static int write_maps(const struct datapath *dp, bool sweep)
{
	int rc = pw_ids_write(dp, sweep);

	return pw_circuits_write(dp, sweep) ?: rc;
}

/* Whoever is not used after all have been asked goes. */
static int attach_all(struct datapath *dp, struct attach *a)
{
	int rc = pw_links_recall(dp, a);

	for (unsigned int i = 0; i < dp->n_pws; i++)
		pw_device(dp, &dp->pws[i]);
	rc = rc ?: write_maps(dp, false);
	for (unsigned int i = 0; i < a->n_circuits; i++)
		a->circuits[i].used = false;
	for (unsigned int i = 0; i < dp->n_pws; i++) {
		struct pw *w = &dp->pws[i];
		bool was = w->attached;
		char why[sizeof(w->why)];

		snprintf(why, sizeof(why), "%s", was ? "" : w->why);
		attach(dp, a, w);
		say_changes(w, was, dp->attached ? why : "");
	}
	attach_door(dp, a);
	rc = write_maps(dp, true) ?: rc;
	pw_links_sweep(dp, false);
	pw_devices_sweep(dp, false);
	return rc;
}

int pws_attach(struct datapath *dp, struct attach *a, char *err, size_t errlen)
{
	int rc;

	if (dp->cfg->mode == DP_TC) {
		pws_refuse(dp, "`datapath: mode` is tc, where pseudowires have no place: set it to "
			       "auto, native or generic");
		return 0;
	}
	if (!dp->n_pws && dp->attached)
		return 0;
	if (!dp->attached)
		pw_lines_commit(dp);
	rc = attach_all(dp, a);
	return rc < 0 ? dp_fail(rc, err, errlen, "the maps of pseudowires: %s%s", strerror(-rc),
				rc == -E2BIG ? ": they are full" : "")
		      : 0;
}

/* One that is not attached is tried again whenever it is asked for. */
static void try_again(struct datapath *dp, struct pw *w)
{
	char why[sizeof(w->why)];

	snprintf(why, sizeof(why), "%s", w->why);
	w->attached = false;
	w->mode = dp_mode_names[DP_OFF];
	pw_device(dp, w);
	if (w->ifindex && write_maps(dp, false) == 0)
		attach(dp, dp->attach, w);
	say_changes(w, false, why);
}

/* Its device may have gone, and another come by its name, without anybody having told us. */
static bool is_there(const struct pw *w)
{
	return w->attached && w->ifindex && if_nametoindex(w->device) == w->ifindex;
}

void pw_answer(struct datapath *dp, unsigned int i, struct dp_answer *ret)
{
	struct pw *w = &dp->pws[i];

	if (!is_there(w) && dp->attach && dp->attached && dp->cfg->mode != DP_TC)
		try_again(dp, w);
	ret->rc = 0;
	ret->circuit.ifindex = w->ifindex;
	ret->circuit.attached = w->attached;
	snprintf(ret->circuit.device, sizeof(ret->circuit.device), "%s", w->device);
	snprintf(ret->circuit.mode, sizeof(ret->circuit.mode), "%s", w->mode);
	snprintf(ret->circuit.why, sizeof(ret->circuit.why), "%s", w->why);
}

/* ---- the end ----------------------------------------------------------------------------------- */

/* The programs go with the maps (attach_close, pins_close). */
void pws_close(struct datapath *dp, enum end end)
{
	pw_door_close(dp, end);
	if (end == END_REMOVE)
		pw_devices_sweep(dp, true);
	if (end == END_UNDO)
		pw_devices_undo(dp);
}
