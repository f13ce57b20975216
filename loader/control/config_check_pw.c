/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What concerns more than one value of a pseudowire, and more than one pseudowire, be they in the
 * configuration or in the file that l2xdpctl adds them to. Lists are sorted and neighbours
 * compared: there may be tens of thousands.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/control/config_load.h"

void pw_fault(struct load *ld, const struct raw_pw *p, unsigned int line, const char *fmt, ...)
{
	char text[sizeof(((struct fault *)NULL)->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ld->faults.file = p->file;
	fault_add(&ld->faults, line, "%s", text);
	ld->faults.file = 0;
}

const char *pw_name_of(const struct raw_pw *p)
{
	return p->c.name[0] ? p->c.name : "without name";
}

unsigned int pw_line_of(const struct raw_pw *p, enum pw_key key)
{
	return p->said.key[key] ? p->said.key[key] : p->said.line;
}

const char *pw_place_of(const struct load *ld, const struct raw_pw *p, const struct raw_pw *of,
			unsigned int line, char buf[static PW_PLACE_LEN])
{
	snprintf(buf, PW_PLACE_LEN, "on line %u%s%s", line, p->file == of->file ? "" : " of ",
		 p->file == of->file ? "" : ld->faults.files[of->file]);
	return buf;
}

/* ---- one pseudowire ---- */

bool pw_peer_is_one(const struct raw_pw *p)
{
	return p->peer.len == (addr_is_v4(&p->peer.addr) ? 32 : 128);
}

/* Our only address of the peer's family, unless one is named. */
static void choose_local(struct load *ld, struct raw_pw *p)
{
	const struct dp_config *dp = &ld->cfg->datapath;
	bool v4 = addr_is_v4(&p->peer.addr);
	unsigned int i, found = 0;

	for (i = 0; i < dp->n_listen; i++) {
		if (addr_is_v4(&dp->listen[i]) != v4)
			continue;
		p->c.path.local = dp->listen[i];
		found++;
	}
	if (found == 1)
		return;
	pw_fault(ld, p, pw_line_of(p, PW_PEER), "pseudowire %s: listen has %u IPv%u addresses; %s",
		 pw_name_of(p), found, v4 ? 4 : 6,
		 found ? "name one with local:" : "add one to listen");
}

static bool is_listen(const struct load *ld, const struct ipaddr *a)
{
	const struct dp_config *dp = &ld->cfg->datapath;
	unsigned int i;

	for (i = 0; i < dp->n_listen; i++) {
		if (addr_eq(&dp->listen[i], a))
			return true;
	}
	return false;
}

/* `any` is everybody of the family that we have, or that `local` has. */
static void know_any(struct load *ld, struct raw_pw *p)
{
	const struct dp_config *dp = &ld->cfg->datapath;
	bool local = addr_is_set(&p->c.path.local);
	unsigned int i, v4 = local && addr_is_v4(&p->c.path.local), v6 = local && !v4;

	for (i = 0; i < dp->n_listen && !local; i++) {
		v4 |= addr_is_v4(&dp->listen[i]);
		v6 |= !addr_is_v4(&dp->listen[i]);
	}
	p->peer_known = v4 != v6;
	if (v4)
		p->peer.addr = addr_from_v4(0);
	if (v4 && v6)
		pw_fault(ld, p, p->said.key[PW_PEER],
			 "peer: any, and listen has addresses of both families; name one with "
			 "local:, or write 0.0.0.0/0 or ::/0");
}

static void check_local(struct load *ld, const struct raw_pw *p)
{
	const struct ipaddr *local = &p->c.path.local;
	bool v4 = addr_is_v4(&p->peer.addr);
	char text[ADDR_STRLEN];

	if (!is_listen(ld, local))
		pw_fault(ld, p, p->said.key[PW_LOCAL],
			 "local %s is not in listen; add it there, or name one that is",
			 addr_str(local, text));
	else if (addr_is_v4(local) != v4)
		pw_fault(ld, p, p->said.key[PW_LOCAL],
			 "local %s is not of the peer's family; name an IPv%u address",
			 addr_str(local, text), v4 ? 4 : 6);
}

static void check_addresses(struct load *ld, struct raw_pw *p)
{
	const struct ipaddr *peer = &p->c.path.peer;
	char text[ADDR_STRLEN];

	if (!p->said.key[PW_PEER])
		pw_fault(ld, p, p->said.line, "pseudowire %s has no peer; add peer: ADDRESS",
			 pw_name_of(p));
	if (p->peer_any)
		know_any(ld, p);
	if (!p->peer_known || (p->said.key[PW_LOCAL] && !addr_is_set(&p->c.path.local)))
		return;
	if (addr_is_set(peer) && is_listen(ld, peer))
		pw_fault(ld, p, p->said.key[PW_PEER],
			 "peer %s is one of our own addresses (listen); name the other end's",
			 addr_str(peer, text));
	else if (p->said.key[PW_LOCAL])
		check_local(ld, p);
	else
		choose_local(ld, p);
}

static void check_ports(struct load *ld, struct raw_pw *p)
{
	unsigned int ours = ld->cfg->datapath.port;

	if (p->over_ip && p->said.key[PW_PORTS])
		pw_fault(ld, p, p->said.key[PW_PORTS],
			 "ports are those of UDP; remove them, or write encapsulation: udp");
	else if (p->local_port && p->local_port != ours)
		pw_fault(ld, p, p->ports.key[PW_END_LOCAL],
			 "ports.local is %u; l2xdpd listens at %u alone: remove the key, and let "
			 "the peer send there",
			 p->local_port, ours);
	if (p->over_ip)
		return;
	p->c.path.local_port = (uint16_t)ours;
	p->c.path.peer_port = (uint16_t)(p->peer_port ? p->peer_port : ours);
}

/* V3-SUB-5: numbers stand in the sublayer. V3-LIN-6: over IPv6 UDP has a checksum always. */
static void check_header(struct load *ld, const struct raw_pw *p)
{
	unsigned int at = p->said.key[PW_SEQUENCING];

	if (p->c.seq_receive && !p->c.sublayer)
		pw_fault(ld, p, at,
			 "sequencing of what arrives needs its sublayer; write sublayer: default, "
			 "or "
			 "sequencing: %s",
			 p->c.seq_send && !p->c.signalled ? "send" : "none");
	if (p->c.seq_send && !p->c.peer_sublayer && !p->c.signalled)
		pw_fault(ld, p, at,
			 "sequencing of what is sent needs its sublayer; write sublayer: default, "
			 "or "
			 "sequencing: %s",
			 p->c.seq_receive ? "receive" : "none");
	at = p->said.key[PW_CHECKSUM];
	if (at && p->over_ip)
		pw_fault(ld, p, at,
			 "checksum is that of UDP, and directly over IP there is none; remove it");
	else if (at && !p->c.checksum && p->peer_known && !addr_is_v4(&p->peer.addr))
		pw_fault(ld, p, at, "checksum: over IPv6 UDP has one always; remove the key");
}

/* ---- its circuit ---- */

static bool is_ours(const struct load *ld, const char *device)
{
	return !strcmp(device, ld->cfg->datapath.tun_name) || !strcmp(device, "l2tpw0") ||
	       !strcmp(device, "lo");
}

static bool is_port(const struct load *ld, const char *device)
{
	const struct dp_config *dp = &ld->cfg->datapath;
	unsigned int i;

	for (i = 0; i < dp->n_interfaces; i++) {
		if (!strcmp(dp->interfaces[i], device))
			return true;
	}
	return false;
}

static void check_created(struct load *ld, const struct raw_pw *p)
{
	static const struct {
		enum attach_key key;
		const char *name;
	} own[] = { { ATTACH_KIND, "kind" },
		    { ATTACH_NETNS, "netns" },
		    { ATTACH_ADDRESS, "address" },
		    { ATTACH_MTU, "mtu" } };
	unsigned int i;

	for (i = 0; i < sizeof(own) / sizeof(own[0]) && !p->c.circuit.create; i++) {
		if (p->attach.key[own[i].key])
			pw_fault(
				ld, p, p->attach.key[own[i].key],
				"attach.%s is for a device that is created; write create: in place "
				"of device:, or remove %s",
				own[i].name, own[i].name);
	}
}

static void check_tags(struct load *ld, struct raw_pw *p)
{
	struct pw_circuit *c = &p->c.circuit;

	if (p->attach.key[ATTACH_TAG] && !p->attach.key[ATTACH_VLAN])
		pw_fault(ld, p, p->attach.key[ATTACH_TAG],
			 "attach.tag says what becomes of the tags of a VLAN; add vlan:, or remove "
			 "tag");
	if (p->attach.key[ATTACH_OUTER_TAG] && p->n_vlan < 2)
		pw_fault(ld, p, p->attach.key[ATTACH_OUTER_TAG],
			 "attach.outer-tag is for circuits of two VLANs; write vlan: [OUTER, "
			 "INNER], "
			 "or remove it");
	if (p->n_vlan < 2)
		c->dot1ad = false;
}

/* Whoever may ask for pseudowires by the control socket gets no more devices than named. */
static bool may_be_added(const struct load *ld, const char *device)
{
	unsigned int i;

	for (i = 0; i < ld->n_circuit_devices; i++) {
		if (!strcmp(ld->circuit_devices[i], device))
			return true;
	}
	return false;
}

static void check_device(struct load *ld, const struct raw_pw *p)
{
	const char *device = p->c.circuit.device;
	unsigned int at = p->attach.key[p->c.circuit.create ? ATTACH_CREATE : ATTACH_DEVICE];

	if (p->c.circuit.netns[0])
		return; /* names there are others' */
	if (is_ours(ld, device))
		pw_fault(ld, p, at, "%s is l2xdpd's own, or the loopback; name another device",
			 device);
	else if (p->c.circuit.create && is_port(ld, device))
		pw_fault(
			ld, p, at,
			"%s is one of datapath.interfaces, so it is there already; create one with "
			"another name",
			device);
	else if (is_port(ld, device) && !p->attach.key[ATTACH_VLAN])
		pw_fault(ld, p, at,
			 "%s is one of datapath.interfaces: as a whole it would take the tunnels' "
			 "own packets; add vlan:, or name another device",
			 device);
	else if (p->file && !p->c.circuit.create && !may_be_added(ld, device))
		pw_fault(ld, p, at,
			 "%s is not in datapath.circuit-devices, to which l2xdpctl may attach; add "
			 "it "
			 "there, or write the pseudowire into the configuration",
			 device);
}

/* An address makes a route. In this host's own namespace it would draw what the host sends, which
 * is not for whoever may ask for pseudowires to do. */
static void check_added_address(struct load *ld, const struct raw_pw *p)
{
	if (p->file && p->c.circuit.n_addresses && !p->c.circuit.netns[0])
		pw_fault(
			ld, p, p->attach.key[ATTACH_ADDRESS],
			"an address on this host is not l2xdpctl's to give; set it with ip address "
			"add, or write the pseudowire into the configuration");
}

static void check_circuit(struct load *ld, struct raw_pw *p)
{
	bool device = p->attach.key[ATTACH_DEVICE], create = p->attach.key[ATTACH_CREATE];

	if (device && create) {
		pw_fault(ld, p, p->attach.key[ATTACH_CREATE],
			 "attach has device and create; remove one");
		return;
	}
	if (!device && !create) {
		pw_fault(ld, p, pw_line_of(p, PW_ATTACH),
			 "pseudowire %s is attached to nothing; add attach: { device: NAME }, or { "
			 "create: NAME }",
			 pw_name_of(p));
		return;
	}
	check_created(ld, p);
	check_tags(ld, p);
	if (p->c.circuit.device[0])
		check_device(ld, p);
	check_added_address(ld, p);
	if (p->c.circuit.tap && p->c.circuit.netns[0])
		pw_fault(
			ld, p, p->attach.key[ATTACH_NETNS],
			"attach.kind: tap cannot be in another namespace than l2xdpd; remove netns "
			"and give the device to what runs there, or write kind: veth");
}

/* ---- all of them ---- */

static int by_name(const struct raw_pw *a, const struct raw_pw *b)
{
	return strcmp(a->c.name, b->c.name);
}

/* As the hook tells them apart (maps/pw.h, l2x_pw_id). */
static int by_id(const struct raw_pw *a, const struct raw_pw *b)
{
	int order = memcmp(&a->c.path.peer, &b->c.path.peer, sizeof(struct ipaddr));

	if (order)
		return order;
	if (a->c.path.peer_port != b->c.path.peer_port)
		return a->c.path.peer_port < b->c.path.peer_port ? -1 : 1;
	return a->c.id < b->c.id ? -1 : a->c.id > b->c.id;
}

static int by_circuit(const struct raw_pw *a, const struct raw_pw *b)
{
	const struct pw_circuit *x = &a->c.circuit, *y = &b->c.circuit;
	int order = strcmp(x->device, y->device);

	order = order ? order : strcmp(x->netns, y->netns);
	return order ? order : memcmp(x->vlan, y->vlan, sizeof(x->vlan));
}

static int in_order(const void *a, const void *b, void *arg)
{
	const struct raw_pw *x = *(struct raw_pw *const *)a, *y = *(struct raw_pw *const *)b;
	pw_order_fn *const *order = arg;
	int first = (*order)(x, y);

	if (first)
		return first;
	return x->place < y->place ? -1 : x->place > y->place;
}

void pw_sort(struct raw_pw **list, unsigned int n, pw_order_fn *order)
{
	qsort_r(list, n, sizeof(struct raw_pw *), in_order, &order);
}

static void same_name(struct load *ld, const struct raw_pw *p, const struct raw_pw *q)
{
	char place[PW_PLACE_LEN];

	if (p->c.name[0])
		pw_fault(ld, p, p->said.key[PW_NAME],
			 "a pseudowire named %s is there already, %s; rename one", p->c.name,
			 pw_place_of(ld, p, q, q->said.key[PW_NAME], place));
}

static void same_id(struct load *ld, const struct raw_pw *p, const struct raw_pw *q)
{
	char place[PW_PLACE_LEN], peer[ADDR_STRLEN];

	if (p->c.id && addr_is_set(&p->c.path.peer))
		pw_fault(ld, p, pw_line_of(p, PW_SESSION),
			 "session.local %u is already that of pseudowire %s of the same peer %s "
			 "over "
			 "%s, %s; agree on another",
			 p->c.id, pw_name_of(q), addr_str(&p->c.path.peer, peer),
			 p->over_ip ? "IP" : "UDP",
			 pw_place_of(ld, p, q, pw_line_of(q, PW_SESSION), place));
}

static void same_circuit(struct load *ld, const struct raw_pw *p, const struct raw_pw *q)
{
	const struct pw_circuit *c = &p->c.circuit;
	char place[PW_PLACE_LEN], what[48] = "";

	if (!c->device[0])
		return;
	if (c->vlan[1])
		snprintf(what, sizeof(what), " with VLANs %u and %u", c->vlan[0], c->vlan[1]);
	else if (c->vlan[0])
		snprintf(what, sizeof(what), " with VLAN %u", c->vlan[0]);
	pw_fault(ld, p, pw_line_of(p, PW_ATTACH),
		 "%s%s is already the circuit of pseudowire %s, %s; a circuit has one pseudowire",
		 c->device, what, pw_name_of(q),
		 pw_place_of(ld, p, q, pw_line_of(q, PW_ATTACH), place));
}

/* The device that another one creates: its end for others is not there for us. */
static void created_twice(struct load *ld, const struct raw_pw *p, const struct raw_pw *q)
{
	const struct raw_pw *creator = q->c.circuit.create ? q : p;
	char place[PW_PLACE_LEN];

	if (p->c.circuit.device[0] && (p->c.circuit.create || q->c.circuit.create) &&
	    memcmp(p->c.circuit.vlan, q->c.circuit.vlan, sizeof(p->c.circuit.vlan)) != 0)
		pw_fault(
			ld, p, pw_line_of(p, PW_ATTACH),
			"%s is also the device of pseudowire %s, %s, and %s creates it for itself; "
			"name another",
			p->c.circuit.device, pw_name_of(q),
			pw_place_of(ld, p, q, pw_line_of(q, PW_ATTACH), place),
			pw_name_of(creator));
}

static int by_device(const struct raw_pw *a, const struct raw_pw *b)
{
	int order = strcmp(a->c.circuit.device, b->c.circuit.device);

	order = order ? order : strcmp(a->c.circuit.netns, b->c.circuit.netns);
	return order ? order : (int)b->c.circuit.create - (int)a->c.circuit.create;
}

static void compare(struct load *ld, struct raw_pw **list, unsigned int n, pw_order_fn *order,
		    bool (*same)(const struct raw_pw *p, const struct raw_pw *q),
		    void (*tell)(struct load *ld, const struct raw_pw *p, const struct raw_pw *q))
{
	unsigned int i;

	if (!n)
		return;
	pw_sort(list, n, order);
	for (i = 1; i < n; i++) {
		if (same ? same(list[i], list[i - 1]) : !order(list[i], list[i - 1]))
			tell(ld, list[i], list[i - 1]);
	}
}

static bool same_device(const struct raw_pw *p, const struct raw_pw *q)
{
	return !strcmp(p->c.circuit.device, q->c.circuit.device) &&
	       !strcmp(p->c.circuit.netns, q->c.circuit.netns);
}

static void check_one(struct load *ld, struct raw_pw *p)
{
	if (!p->said.key[PW_NAME])
		pw_fault(ld, p, p->said.line, "a pseudowire has no name; add name:");
	check_signalled(ld, p);
	check_addresses(ld, p);
	check_ports(ld, p);
	check_header(ld, p);
	check_circuit(ld, p);
}

static void check_hook(struct load *ld, const struct raw_pw *first)
{
	enum dp_mode mode = ld->cfg->datapath.mode;

	if (mode != DP_TC && mode != DP_OFF)
		return;
	fault_add(&ld->faults,
		  ld->datapath.key[DATAPATH_MODE] ? ld->datapath.key[DATAPATH_MODE] : 1,
		  "pseudowires (%s) are carried by XDP, and mode: %s has none; write mode: auto, "
		  "native or generic",
		  pw_name_of(first), mode == DP_TC ? "tc" : "off");
}

void check_pseudowires(struct load *ld)
{
	unsigned int all = ld->n_pws[0] + ld->n_pws[1], n = 0, file, i;
	struct raw_pw **list;

	if (!all)
		return;
	list = calloc(all, sizeof(struct raw_pw *));
	if (!list) {
		ld->faults.no_memory = true;
		return;
	}
	for (file = 0; file < CONFIG_MAX_FILES; file++) {
		for (i = 0; i < ld->n_pws[file]; i++) {
			ld->pws[file][i].place = n;
			list[n++] = &ld->pws[file][i];
			check_one(ld, &ld->pws[file][i]);
		}
	}
	check_hook(ld, list[0]);
	compare(ld, list, n, by_name, NULL, same_name);
	compare(ld, list, n, by_id, NULL, same_id);
	compare(ld, list, n, by_circuit, NULL, same_circuit);
	compare(ld, list, n, by_device, same_device, created_twice);
	check_wires(ld, list, n);
	free(list);
}
