/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of pseudowires in the privileged process share. Not for others.
 *
 *   pw_devices.c   what is done when: the functions of private.h
 *   pw_door.c      the TAP device by which the worker reaches the circuits
 *   pw_index.c     which element of the map pws is whose
 *   pw_circuits.c  the maps circuits and pw_ids
 *   pw_create.c    devices that the configuration has us make: veth pairs and TAPs
 *   pw_netns.c     sockets in another network namespace; pw_address.c: addresses there
 *   pw_link.c      programs on the circuits' devices
 */
#ifndef L2XDP_DATAPATH_PW_PRIVATE_H
#define L2XDP_DATAPATH_PW_PRIVATE_H

#include "loader/datapath/program.h"

struct nl_sock;
struct rtnl_link;

#define PW_DOOR "l2tpw0"
#define PW_DOOR_ALIAS "l2xdp pseudowires"
#define PW_ALIAS "l2xdp pseudowire " /* that of a device that we made begins so */
#define PW_ALIAS_LEN 256
/* Of a device with an MTU above this, veth's driver takes no program natively. */
#define PW_VETH_MTU 3506u

/* Of the name; never 0. What a line of pws and a device's name are known by. */
uint64_t pw_name_hash(const char *name);

/* ---- pw_netns.c -------------------------------------------------------------------- */

/* Where a device is: sockets that were made there. */
struct pw_ns {
	struct nl_sock *nl;
	int fd; /* for ioctl */
	int ns; /* the namespace itself; -1: ours */
};
/* `name` as `ip netns` has it, or empty for ours. 0; -ENOENT: there is none; -EPERM and others. */
int pw_ns_open(const char *name, struct pw_ns *ret);
void pw_ns_close(struct pw_ns *ns);
/* The device of that name, or of that index with name NULL; rtnl_link_put it. NULL: none. */
struct rtnl_link *pw_ns_link(const struct pw_ns *ns, const char *name, unsigned int ifindex);
unsigned int pw_ns_index(const struct pw_ns *ns, const char *name); /* 0: none */
void pw_ns_delete(const struct pw_ns *ns, unsigned int ifindex);
int pw_ns_alias(const struct pw_ns *ns, unsigned int ifindex, const char *alias);
/* Up, with this MTU (0: as it is). quiet: no IPv6 address by itself, no solicitations. */
int pw_ns_up(const struct pw_ns *ns, unsigned int ifindex, unsigned int mtu, bool quiet);

/* ---- pw_address.c ------------------------------------------------------------------- */

/* Puts those of the circuit on the device, and takes away what we put there before and is not
 * among them. Addresses of others stay. */
int pw_addresses(const struct pw_ns *ns, unsigned int ifindex, const struct pw_circuit *c);

/* ---- pw_create.c ------------------------------------------------------------------- */

/* Finds or makes the device of a pseudowire. w->ifindex 0 and w->why: it cannot be had. */
void pw_device(struct datapath *dp, struct pw *w);
/* Only looks. */
void pw_device_find(struct datapath *dp, struct pw *w);
/* Devices that we made and that no pseudowire of the configuration has; all: every one, and
 * the door where nobody holds it. */
void pw_devices_sweep(const struct datapath *dp, bool all);
void pw_devices_undo(const struct datapath *dp); /* those that this process made */

/* ---- pw_index.c -------------------------------------------------------------------- */

int pw_indexes(struct datapath *dp, char *err, size_t errlen);
/* What pw_indexes has found out, written: lines of others end, new ones are empty. */
void pw_lines_commit(struct datapath *dp);

/* ---- pw_circuits.c ----------------------------------------------------------------- */

/* What is to stand in the maps; sweep: and nothing else. 0 or a negative errno. */
int pw_circuits_write(const struct datapath *dp, bool sweep);
int pw_ids_write(const struct datapath *dp, bool sweep);

/* ---- pw_link.c --------------------------------------------------------------------- */

/* A device with a program of pseudowires. */
struct circuit_link {
	char name[PW_DEVICE_LEN];
	unsigned int ifindex;
	int fd; /* -1: none */
	bool is_new; /* this process made it */
	bool current; /* it has our program, not an earlier daemon's */
	bool used; /* by a pseudowire, or the door */
	const char *mode;
	char why[160]; /* there is none: the reason */
};
/* Those of an earlier daemon, once. */
int pw_links_recall(struct datapath *dp, struct attach *a);
/* Program on the device, or in the place of an earlier one. NULL: no memory. */
struct circuit_link *pw_link(struct datapath *dp, struct attach *a, const char *name,
			     unsigned int ifindex, bool door);
/* An earlier daemon's, on a device that is an interface now. */
void pw_links_release(struct datapath *dp, unsigned int ifindex);
void pw_links_sweep(struct datapath *dp, bool all); /* those that are of no circuit */
void pw_links_free(struct attach *a, enum end end);

/* ---- pw_door.c --------------------------------------------------------------------- */

void pw_door_close(struct datapath *dp, enum end end);

#endif
