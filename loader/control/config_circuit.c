/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `attach`: where the frames of a pseudowire come from and go to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/control/config_values.h"

static const char *const kind_names[] = { "veth", "tap", NULL };
static const char *const outer_tag_names[] = { "dot1q", "dot1ad", NULL };

static void read_device(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = interface_of(ld, k, n);

	if (v)
		snprintf(at, PW_DEVICE_LEN, "%s", v);
}

static void read_created(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_pw *p = at;

	read_device(ld, k, n, p->c.circuit.device);
	p->c.circuit.create = true;
}

/* It becomes a part of a path. */
static void read_netns(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);
	char q[LOG_QUOTE_LEN];
	size_t len = v ? strlen(v) : 0, i;

	if (!v)
		return;
	for (i = 0; i < len && v[i] > ' ' && v[i] < 0x7f && v[i] != '/'; i++)
		;
	if (len && i == len && len < PW_NAME_LEN && strcmp(v, ".") != 0 && strcmp(v, "..") != 0)
		memcpy(at, v, len + 1);
	else
		fault_add(&ld->faults, node_line(n),
			  "%s is %s; write a name as `ip netns` lists it, without a slash", k->name,
			  node_quote(n, q));
}

/* An address and the length of its link's prefix: what stands behind it belongs there. */
static bool parse_own_prefix(const char *v, struct prefix *ret)
{
	const char *slash = strchr(v, '/');
	char text[ADDR_STRLEN];
	size_t len = slash ? (size_t)(slash - v) : strlen(v);
	unsigned int bits, most;

	if (len >= sizeof(text))
		return false;
	memcpy(text, v, len);
	text[len] = '\0';
	if (addr_parse(text, &ret->addr) || !unicast(&ret->addr))
		return false;
	bits = most = addr_is_v4(&ret->addr) ? 32 : 128;
	if (slash && (!parse_number(slash + 1, &bits) || !bits || bits > most))
		return false;
	ret->len = (uint8_t)bits;
	return true;
}

static void read_own_addresses(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct pw_circuit *c = at;
	char q[LOG_QUOTE_LEN];
	unsigned int i;

	if (!list_fits(ld, k, n))
		return;
	for (i = 0; i < list_length(n); i++) {
		yaml_node_t *item = list_at(ld, n, i);
		const char *v = text_of(ld, k, item);

		if (v && parse_own_prefix(v, &c->address[c->n_addresses]))
			c->n_addresses++;
		else if (v)
			fault_add(&ld->faults, node_line(item),
				  "%s: %s is no address of a link; write one as 192.0.2.1/30 or "
				  "\"2001:db8::1/64\"",
				  k->name, node_quote(item, q));
	}
}

/* One or two VLAN IDs, the outer first. Their number, 0 with a fault. */
static unsigned int vlans_of(struct load *ld, const struct key *k, yaml_node_t *n, uint16_t ret[2])
{
	char q[LOG_QUOTE_LEN];
	unsigned int i, id, count = list_length(n);

	if (!list_fits(ld, k, n))
		return 0;
	for (i = 0; i < count; i++) {
		yaml_node_t *item = list_at(ld, n, i);
		const char *v = text_of(ld, k, item);

		if (v && parse_number(v, &id) && id >= 1 && id <= 4094) {
			ret[i] = (uint16_t)id;
			continue;
		}
		if (v)
			fault_add(&ld->faults, node_line(item),
				  "%s: %s is no VLAN; write %s1 to 4094, or two of them, the outer "
				  "first: [100, 7]",
				  k->name, node_quote(item, q), k->choices ? "remove, keep, " : "");
		return 0;
	}
	if (!count)
		fault_add(&ld->faults, node_line(n), "%s is an empty list; remove the key",
			  k->name);
	return count;
}

static void read_vlan(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_pw *p = at;

	p->n_vlan = vlans_of(ld, k, n, p->c.circuit.vlan);
}

static const char *const tag_names[] = { "remove", "keep", NULL };

static void read_tag(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_pw *p = at;
	unsigned int i;

	for (i = 0; n->type == YAML_SCALAR_NODE && tag_names[i]; i++) {
		if (strcmp((const char *)n->data.scalar.value, tag_names[i]) != 0)
			continue;
		p->c.circuit.tag = i ? PW_TAG_KEEP : PW_TAG_REMOVE;
		return;
	}
	p->n_wire = vlans_of(ld, k, n, p->c.circuit.wire);
	if (p->n_wire)
		p->c.circuit.tag = PW_TAG_REWRITE;
}

static const struct key attach_keys[] = {
	[ATTACH_DEVICE] = { "device", read_device, AT(raw_pw, c.circuit.device), 0, 0, NULL },
	[ATTACH_CREATE] = { "create", read_created, 0, 0, 0, NULL },
	[ATTACH_KIND] = { "kind", read_choice_bool, AT(raw_pw, c.circuit.tap), 0, 0, kind_names },
	[ATTACH_NETNS] = { "netns", read_netns, AT(raw_pw, c.circuit.netns), 0, 0, NULL },
	[ATTACH_ADDRESS] = { "address", read_own_addresses, AT(raw_pw, c.circuit), 0,
			     PW_MAX_ADDRESSES, NULL },
	[ATTACH_VLAN] = { "vlan", read_vlan, 0, 0, 2, NULL },
	[ATTACH_TAG] = { "tag", read_tag, 0, 0, 2, tag_names },
	[ATTACH_OUTER_TAG] = { "outer-tag", read_choice_bool, AT(raw_pw, c.circuit.dot1ad), 0, 0,
			       outer_tag_names },
	[ATTACH_MTU] = { "mtu", read_number, AT(raw_pw, c.circuit.mtu), 576, 65535, NULL },
};
static const struct section attach_section = { "attach", KEYS(attach_keys) };

void read_attach(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_pw *p = at;

	(void)k;
	p->c.circuit.dot1ad = true;
	read_few(ld, &attach_section, n, &p->attach, p);
}
