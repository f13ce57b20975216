/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values that are addresses, ranges, interfaces, methods, and lists of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/control/config_values.h"

bool unicast(const struct ipaddr *a)
{
	uint32_t v4 = addr_v4(a);

	if (addr_is_v4(a))
		return v4 >> 24 && v4 >> 28 < 14;
	return addr_is_set(a) && a->b[0] != 0xff;
}

static bool parse_address(struct load *ld, const struct key *k, yaml_node_t *n, struct ipaddr *ret)
{
	const char *v = text_of(ld, k, n);
	char q[LOG_QUOTE_LEN];
	struct ipaddr a;

	if (!v)
		return false;
	if (addr_parse(v, &a)) {
		fault_add(&ld->faults, node_line(n),
			  "%s: %s is no address; write one as 192.0.2.1 or \"2001:db8::1\"",
			  k->name, node_quote(n, q));
		return false;
	}
	if (!unicast(&a)) {
		fault_add(&ld->faults, node_line(n),
			  "%s: %s is not the address of one host; write one that a host can have",
			  k->name, node_quote(n, q));
		return false;
	}
	*ret = a;
	return true;
}

void read_address(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct ipaddr a;

	if (parse_address(ld, k, n, &a))
		*(struct ipaddr *)at = a;
}

void read_address4(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	char q[LOG_QUOTE_LEN];
	struct ipaddr a;

	if (!parse_address(ld, k, n, &a))
		return;
	if (addr_is_v4(&a))
		*(struct ipaddr *)at = a;
	else
		fault_add(&ld->faults, node_line(n), "%s: %s is not IPv4; write an IPv4 address",
			  k->name, node_quote(n, q));
}

bool parse_prefix(struct load *ld, const struct key *k, yaml_node_t *n, struct prefix *ret)
{
	const char *v = text_of(ld, k, n);
	char q[LOG_QUOTE_LEN];
	int err;

	if (!v)
		return false;
	err = prefix_parse(v, ret);
	if (!err)
		return true;
	fault_add(&ld->faults, node_line(n),
		  err == -EDOM ? "%s: %s has bits set behind its length; set them to 0"
			       : "%s: %s is no prefix; write one as 192.0.2.0/24 or "
				 "\"2001:db8::/48\"",
		  k->name, node_quote(n, q));
	return false;
}

void read_prefix(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct prefix p;

	if (parse_prefix(ld, k, n, &p))
		*(struct prefix *)at = p;
}

/* ---- lists ---- */

void read_listen(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct dp_config *dp = at;
	char q[LOG_QUOTE_LEN];
	unsigned int i, j;

	if (!list_fits(ld, k, n))
		return;
	for (i = 0; i < list_length(n); i++) {
		yaml_node_t *item = list_at(ld, n, i);
		struct ipaddr a;

		if (!parse_address(ld, k, item, &a))
			continue;
		for (j = 0; j < dp->n_listen && !addr_eq(&dp->listen[j], &a); j++)
			;
		if (j < dp->n_listen)
			fault_add(&ld->faults, node_line(item),
				  "%s: %s stands there twice; remove one", k->name,
				  node_quote(item, q));
		else
			dp->listen[dp->n_listen++] = a;
	}
}

bool interface_ok(const char *v)
{
	if (!*v || strlen(v) > 15 || !strcmp(v, ".") || !strcmp(v, ".."))
		return false;
	for (; *v; v++) {
		if ((unsigned char)*v <= ' ' || *v == '/' || *v == ':' || *v == 0x7f)
			return false;
	}
	return true;
}

const char *interface_of(struct load *ld, const struct key *k, yaml_node_t *n)
{
	const char *v = text_of(ld, k, n);
	char q[LOG_QUOTE_LEN];

	if (!v || interface_ok(v))
		return v;
	fault_add(&ld->faults, node_line(n),
		  "%s: %s cannot be an interface; write a name as `ip link` shows it", k->name,
		  node_quote(n, q));
	return NULL;
}

void read_interfaces(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct config *cfg = at;
	struct dp_config *dp = &cfg->datapath;
	unsigned int i, j;

	if (!list_fits(ld, k, n))
		return;
	for (i = 0; i < list_length(n); i++) {
		yaml_node_t *item = list_at(ld, n, i);
		const char *v = interface_of(ld, k, item);

		if (!v)
			continue;
		for (j = 0; j < dp->n_interfaces && strcmp(cfg->interface_names[j], v); j++)
			;
		if (j < dp->n_interfaces) {
			fault_add(&ld->faults, node_line(item),
				  "%s: %s stands there twice; remove one", k->name, v);
			continue;
		}
		cfg->interface_names[j] = text_copy(ld, v);
		if (!cfg->interface_names[j])
			return;
		dp->interfaces[j] = cfg->interface_names[j];
		dp->n_interfaces++;
	}
}

void read_tun(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = interface_of(ld, k, n);
	const char **to = at;

	if (!v)
		return;
	free((char *)*to);
	*to = text_copy(ld, v);
}

void read_auths(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct config_profile *p = at;
	unsigned int i, j;
	bool none = false;
	int method;

	if (list_length(n) > PPP_MAX_AUTHS + 1 && !list_fits(ld, k, n))
		return;
	p->n_auths = 0;
	for (i = 0; i < list_length(n); i++) {
		yaml_node_t *item = list_at(ld, n, i);

		if (!parse_choice(ld, k, item, &method))
			continue;
		if (method == PPP_AUTH_NONE) {
			none = true;
			continue;
		}
		for (j = 0; j < p->n_auths && p->auths[j] != (enum ppp_auth)method; j++)
			;
		if (j < p->n_auths)
			fault_add(&ld->faults, node_line(item),
				  "%s: %s stands there twice; remove one", k->name,
				  k->choices[method]);
		else if (p->n_auths < PPP_MAX_AUTHS)
			p->auths[p->n_auths++] = (enum ppp_auth)method;
	}
	if (none && p->n_auths)
		fault_add(&ld->faults, node_line(n),
			  "%s: none beside other methods; remove none, or the others", k->name);
}

/* The first free of CONFIG_MAX_DNS places. */
static void add_server(struct load *ld, const struct key *k, const yaml_node_t *n,
		       struct ipaddr *list, const struct ipaddr *a)
{
	unsigned int i;

	for (i = 0; i < CONFIG_MAX_DNS; i++) {
		if (!addr_is_set(&list[i])) {
			list[i] = *a;
			return;
		}
	}
	fault_add(&ld->faults, node_line(n), "%s: more than %u servers of one family; remove one",
		  k->name, CONFIG_MAX_DNS);
}

void read_dns(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct config_profile *p = at;
	struct ipaddr a;
	unsigned int i;

	if (!list_fits(ld, k, n))
		return;
	for (i = 0; i < list_length(n); i++) {
		yaml_node_t *item = list_at(ld, n, i);

		if (parse_address(ld, k, item, &a))
			add_server(ld, k, item, addr_is_v4(&a) ? p->dns4 : p->dns6, &a);
	}
}

void read_nbns(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	unsigned int i;

	if (!list_fits(ld, k, n))
		return;
	for (i = 0; i < list_length(n); i++) {
		yaml_node_t *item = list_at(ld, n, i);
		struct ipaddr a = { 0 };

		read_address4(ld, k, item, &a);
		if (addr_is_set(&a))
			add_server(ld, k, item, at, &a);
	}
}

static bool range_ok(struct load *ld, const struct key *k, yaml_node_t *n, bool v4,
		     const struct prefix *p)
{
	char q[LOG_QUOTE_LEN];

	if (addr_is_v4(&p->addr) != v4)
		fault_add(&ld->faults, node_line(n), "%s: %s is of the other family; move it to %s",
			  k->name, node_quote(n, q), v4 ? "ipv6" : "ipv4");
	else if (!v4 && p->len > 64)
		fault_add(&ld->faults, node_line(n),
			  "%s: %s is longer than /64, and each session gets a /64; "
			  "give a /64 or shorter",
			  k->name, node_quote(n, q));
	else if (!unicast(&p->addr) || p->len < (v4 ? 8 : 16))
		fault_add(&ld->faults, node_line(n),
			  "%s: %s is no range for hosts; give one of /%u or longer", k->name,
			  node_quote(n, q), v4 ? 8 : 16);
	else
		return true;
	return false;
}

static void read_ranges(struct load *ld, const struct key *k, yaml_node_t *n, bool v4,
			struct prefix **ret, unsigned int **ret_lines, unsigned int *ret_n)
{
	unsigned int i, count = list_length(n);

	if (!list_fits(ld, k, n) || !count)
		return;
	*ret = calloc(count, sizeof(**ret));
	*ret_lines = calloc(count, sizeof(**ret_lines));
	if (!*ret || !*ret_lines) {
		ld->faults.no_memory = true;
		return;
	}
	for (i = 0; i < count; i++) {
		yaml_node_t *item = list_at(ld, n, i);
		struct prefix p;

		if (!parse_prefix(ld, k, item, &p) || !range_ok(ld, k, item, v4, &p))
			continue;
		(*ret_lines)[*ret_n] = node_line(item);
		(*ret)[(*ret_n)++] = p;
	}
}

void read_pool4(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_pool *p = at;

	read_ranges(ld, k, n, true, &p->c.ipv4, &p->line4, &p->c.n_ipv4);
}

void read_pool6(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_pool *p = at;

	read_ranges(ld, k, n, false, &p->c.ipv6, &p->line6, &p->c.n_ipv6);
}
