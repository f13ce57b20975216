/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a start would do with what is pinned, told before it: for --check. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loader/datapath/program.h"

static int tell(enum fate fate, const struct l2x_about *about, const char *note, char *text,
		size_t len)
{
	switch (fate) {
	case FATE_NONE:
		snprintf(text, len, "no maps are pinned: new ones are made");
		break;
	case FATE_SAME:
		snprintf(text, len,
			 "the maps of the running data path (made by l2xdp %.39s) are taken over "
			 "as they are",
			 about->version);
		break;
	case FATE_WINDOWS:
		snprintf(text, len,
			 "the maps of the running data path are taken over; the pools' slots are "
			 "laid out anew before the program is replaced");
		break;
	case FATE_OTHER:
		snprintf(text, len,
			 "the maps of the running data path cannot be taken over (%s): new ones "
			 "are filled from the store before the program is replaced; sessions stay",
			 note);
		break;
	case FATE_NEWER:
		snprintf(text, len,
			 "this version would not start: the maps are of a newer one (%s)", note);
		return -EPROTO;
	}
	return 0;
}

/* No pins: then a program of ours at a hook is one that a start refuses to leave behind. */
static int no_pins(struct datapath *dp, bool unpinned_ends, char *text, size_t len)
{
	if (unpinned_ends || geteuid()) /* who may not look cannot tell */
		return 0;
	for (; dp->n_ports < dp->cfg->n_interfaces; dp->n_ports++) {
		struct port *p = &dp->ports[dp->n_ports];

		snprintf(p->name, sizeof(p->name), "%s", dp->cfg->interfaces[dp->n_ports]);
		p->ifindex = if_nametoindex(p->name);
	}
	return hook_refuse_lost(dp, text, len);
}

int dp_foresee(const struct dp_config *cfg, bool unpinned_ends, char *text, size_t len)
{
	struct datapath dp = { .cfg = cfg };
	struct l2xdp_bpf *p = NULL;
	struct l2x_about about;
	enum fate fate;
	char note[160];

	if (cfg->mode == DP_OFF || !cfg->n_interfaces) {
		snprintf(text, len, "mode is off: nothing is at the hook, and what is there goes");
		return 0;
	}
	if (!cfg->bpf_dir) {
		snprintf(text, len, "bpf-directory is none: the data path ends with the daemon");
		return no_pins(&dp, unpinned_ends, text, len);
	}
	if (!pins_possible(cfg->bpf_dir)) {
		snprintf(text, len,
			 "%s is not on a BPF file system: the data path ends with the daemon",
			 cfg->bpf_dir);
		return no_pins(&dp, unpinned_ends, text, len);
	}
	if (geteuid()) {
		snprintf(text, len, "what is pinned in %s only root can see", cfg->bpf_dir);
		return 0;
	}
	program_listen();
	if (program_prepare(&dp, &p) < 0) {
		snprintf(text, len, "no memory to compare maps");
		return 0;
	}
	fate = pins_look(cfg->bpf_dir, cfg, p, &about, note, sizeof(note));
	program_free(p);
	return tell(fate, &about, note, text, len)
		       ?: fate == FATE_NONE ? no_pins(&dp, unpinned_ends, text, len)
					    : 0;
}
