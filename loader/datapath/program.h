/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What attach.c, program.c, share.c and pin.c know of the program. Not for others. */
#ifndef L2XDP_DATAPATH_PROGRAM_H
#define L2XDP_DATAPATH_PROGRAM_H

#include <bpf/libbpf.h>

#include "loader/datapath/private.h"

struct l2xdp_bpf;
struct xdp_program;

struct attach {
	struct l2xdp_bpf *skel; /* loaded; its maps are the maps */
	struct l2xdp_bpf *copy; /* the same program on the same maps, as libxdp wants it */
	struct xdp_program
		*shared; /* of the copy; NULL: not tried, or this kernel does not share */
	bool no_sharing;
	int links[DP_MAX_INTERFACES]; /* -1: none */
	bool current[DP_MAX_INTERFACES]; /* our program, and not an earlier daemon's, is there */
	bool link_is_new[DP_MAX_INTERFACES];
	bool done; /* attached once */
	struct map_array live;
	struct dp_maps maps;
};

/* program.c */
/* Opened, sized and configured, not yet loaded. 0 or a negative errno. */
int program_prepare(const struct datapath *dp, struct l2xdp_bpf **ret);
void program_free(struct l2xdp_bpf *p);
struct bpf_object *program_object(struct l2xdp_bpf *p);
int program_fd(const struct l2xdp_bpf *p);
const char *program_name(const struct l2xdp_bpf *p);
bool program_is_extension(const struct l2xdp_bpf *p);
/* Gives `to`, not yet loaded, the maps of `from`, which is. */
int program_same_maps(struct l2xdp_bpf *to, struct l2xdp_bpf *from);
int program_map_all(struct datapath *dp, struct attach *a, char *err, size_t errlen);
void program_unmap_all(struct datapath *dp, struct attach *a);
/* A map that is made for each program anew. */
bool program_map_is_own(const struct bpf_map *m);
/* What the kernel said last, a line; program_hush forgets it. */
void program_listen(void);
const char *program_kernel_text(void);
void program_hush(void);

/* share.c: libxdp's dispatcher */
/* 0; -EOPNOTSUPP: sharing is not possible here; else why this interface does not take it. */
int share_attach(const struct datapath *dp, struct attach *a, const struct port *p);
/* Takes programs of our name out of the dispatcher, but for the one with this ID (0: all). */
void share_expel(const struct port *p, uint32_t keep_id);
uint32_t share_id(const struct attach *a);
/* Is a program of our name in a dispatcher there? */
bool share_is_there(const struct port *p);
void share_free(struct attach *a);

#endif
