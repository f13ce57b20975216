/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What attach.c, program.c, share.c and pin.c know of the program. Not for others. */
#ifndef L2XDP_DATAPATH_PROGRAM_H
#define L2XDP_DATAPATH_PROGRAM_H

#include <bpf/libbpf.h>

#include "loader/datapath/private.h"

struct l2xdp_bpf;
struct l2xdp_tc_bpf;
struct xdp_program;
struct circuit_link;

struct attach {
	struct l2xdp_bpf *skel; /* loaded; its maps are the maps */
	struct l2xdp_bpf *copy; /* the same program on the same maps, as libxdp wants it */
	struct xdp_program
		*shared; /* of the copy; NULL: not tried, or this kernel does not share */
	bool no_sharing;
	int links[DP_MAX_INTERFACES]; /* -1: none */
	unsigned int ifindex[DP_MAX_INTERFACES]; /* of which the rest here tells */
	bool current[DP_MAX_INTERFACES]; /* our program, and not an earlier daemon's, is there */
	bool link_is_new[DP_MAX_INTERFACES];
	bool stuck[DP_MAX_INTERFACES]; /* an earlier daemon's stays: ours was refused */
	struct l2xdp_tc_bpf *tc; /* on the same maps; NULL: the slow path does without */
	bool tc_is_new[DP_MAX_INTERFACES]; /* a filter that was not there */
	bool host_warned;
	struct circuit_link *circuits; /* devices with a program of pseudowires (pw_link.c) */
	unsigned int n_circuits;
	bool circuits_recalled; /* an earlier daemon's are among them */
	struct map_array live;
	struct dp_maps maps;
};

/* program.c */
/* Opened, sized and configured, not yet loaded. 0 or a negative errno. */
int program_prepare(const struct datapath *dp, struct l2xdp_bpf **ret);
void program_free(struct l2xdp_bpf *p);
/* What any program of ours is to know before it is loaded. */
void program_config(const struct datapath *dp, struct l2x_config *ret);
struct bpf_object *program_object(struct l2xdp_bpf *p);
int program_fd(const struct l2xdp_bpf *p);
const char *program_name(const struct l2xdp_bpf *p);
/* Workers: their queues, what these run for ever, what that calls, and the map of that. */
int program_queues_fd(const struct l2xdp_bpf *p);
int program_enter_fd(const struct l2xdp_bpf *p);
int program_worker_fd(const struct l2xdp_bpf *p);
int program_worker_code_fd(const struct l2xdp_bpf *p);
/* For the devices of circuits, and for the door (pw_door.c). */
int program_circuit_fd(const struct l2xdp_bpf *p);
int program_door_fd(const struct l2xdp_bpf *p);
/* Of `p`, not yet loaded, only the program for the hook is wanted. */
int program_hook_only(struct l2xdp_bpf *p);
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

/* pin.c: what outlives the daemon, in a directory of a BPF file system */
#define PIN_DIR_LEN 256
#define PIN_PATH_LEN 384
#define PIN_SET "maps"
#define PIN_ABOUT "about"
struct pins {
	char dir[PIN_DIR_LEN];
	int fd; /* of it; holds the lock */
	bool dir_is_new;
	bool had; /* there were maps of an earlier daemon, of whatever kind */
	bool next; /* a new set stands beside, and takes its place when the program does */
	bool committed; /* it has */
};
/* about.c: do they fit? */
enum fate {
	FATE_NONE, /* nothing is pinned */
	FATE_SAME, /* taken over as they are */
	FATE_WINDOWS, /* but for pool4 and pool6 */
	FATE_OTHER, /* made anew; `note` says why */
	FATE_NEWER, /* refused */
};
enum fate about_judge(const struct l2x_about *have, const struct l2x_about *want, char *note,
		      size_t len);
struct l2x_about about_of(const struct dp_config *cfg);
/* What would become of the maps in `dir`; `note` as in dp_adoption. */
enum fate pins_look(const char *dir, const struct dp_config *cfg, struct l2xdp_bpf *p,
		    struct l2x_about *ret_about, char *note, size_t len);
bool pins_fits(int fd, const struct bpf_map *m);
bool pins_is_pool(const char *name);

/* pin.c again: dp->pins stays NULL, with a warning, where nothing can be pinned. */
int pins_open(struct datapath *dp, char *err, size_t errlen);
/* Gives `p`, not yet loaded, the maps that fit. */
int pins_take(struct datapath *dp, struct l2xdp_bpf *p, char *err, size_t errlen);
/* Of `p`, loaded: pins what is new beside what is there. */
int pins_make(struct datapath *dp, struct l2xdp_bpf *p);
int pins_commit(struct datapath *dp);
/* The data path has no maps any more. */
void pins_drop(struct datapath *dp);
void pins_close(struct datapath *dp, enum end end);
bool pins_possible(const char *dir);
int pins_mark(const struct datapath *dp, const char *kind, const char *name, bool yes);
/* Every NAME of KIND-NAME in the directory. */
void pins_visit(const struct datapath *dp, const char *kind,
		void (*fn)(struct datapath *dp, const char *name, void *arg), void *arg);
const char *pins_map_name(const struct bpf_map *m);
void pins_map_path(const char *dir, const char *set, const char *name, char ret[PIN_PATH_LEN]);
void pins_path(const struct datapath *dp, const char *kind, const char *name,
	       char ret[PIN_PATH_LEN]);

/* link.c: programs attached alone */
int link_find(struct datapath *dp, unsigned int ifindex); /* a pinned one's descriptor, or -1 */
bool link_is_of(int fd, unsigned int ifindex);
unsigned int link_ifindex(int fd); /* 0: its device is gone, or it is none at this hook */
/* On failure the program that stood there goes on. */
int link_attach(struct datapath *dp, struct attach *a, unsigned int i);
bool links_are_there(struct datapath *dp); /* of an earlier daemon, on whatever device */
void links_sweep(struct datapath *dp, bool all); /* those that are of no interface of ours */

/* tc.c: the hook of traffic control. Without `tc` of struct attach nothing is attached. */
int tc_load(struct datapath *dp, struct attach *a, char *err, size_t errlen);
void tc_free(struct attach *a);
/* Puts the program for interface i there, or in the place of an earlier one. */
int tc_attach(struct datapath *dp, struct attach *a, unsigned int i);
/* Writes why it failed. */
const char *tc_why(int rc, const char *name, char *buf, size_t len);
bool tc_is_current(const struct datapath *dp, const struct attach *a, unsigned int ifindex);
bool tc_is_there(const struct port *p); /* in the place of XDP, or an earlier daemon's */
bool tcs_are_there(struct datapath *dp); /* of an earlier daemon, on whatever device */
void tc_sweep(struct datapath *dp, bool all); /* those on no interface of ours */
void tc_undo(struct datapath *dp, struct attach *a); /* what was not there before */
/* On l2tp0 and all interfaces, for this host's own traffic; warns once where that fails. */
void tc_host(struct datapath *dp, struct attach *a);

/* hook.c: who stands there */
#define PROGRAM_NAME "l2xdp"
struct hook {
	uint32_t program, link; /* IDs; no link: 0 */
	char name[16]; /* of the program; empty: we may not look */
	char remedy[64]; /* the command that takes it away */
};
bool hook_look(const struct port *p, struct hook *ret); /* false: nobody */
bool hook_is_ours(const struct hook *h); /* or another l2xdpd's */
/* -EBUSY where a program of ours stands that we have no pin of. */
int hook_refuse_lost(struct datapath *dp, char *err, size_t errlen);

/* share.c: libxdp's dispatcher */
/* 0; -EOPNOTSUPP: sharing is not possible here; else why this interface does not take it. */
int share_attach(const struct datapath *dp, struct attach *a, const struct port *p);
/* Takes programs of our name out of the dispatcher, but for the one with this ID (0: all). */
void share_expel(const struct port *p, uint32_t keep_id);
void share_sweep(struct datapath *dp, bool all); /* on interfaces that are not ours any more */
bool shares_are_there(struct datapath *dp); /* of an earlier daemon, on whatever device */
/* Is a program of our name in a dispatcher there? */
bool share_is_there(const struct port *p);
void share_free(struct attach *a);

#endif
