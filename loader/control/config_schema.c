/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of the configuration, as tables: name, how it is read, where it goes, range.
 * A value that is wrong by itself is found here; what concerns two values is found in
 * config_check.c. docs/configuration.md describes every key of these tables.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/base/log.h"
#include "loader/control/config_load.h"

struct key;
typedef void read_fn(struct load *ld, const struct key *k, yaml_node_t *n, void *at);

struct key {
	const char *name;
	read_fn *read;
	size_t offset;
	unsigned int min, max; /* of a number, or of a text's octets */
	const char *const *choices;
};

struct section {
	const char *name; /* for people */
	const struct key *keys;
	unsigned int n;
};

#define KEYS(array) (array), sizeof(array) / sizeof((array)[0])

/* ---- scalars ---- */

static bool is_null(const yaml_node_t *n)
{
	const char *v = (const char *)n->data.scalar.value;

	return n->type == YAML_SCALAR_NODE && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*v || !strcmp(v, "~") || !strcmp(v, "null"));
}

static bool is_quoted(const yaml_node_t *n)
{
	return n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

static const char *quote(const yaml_node_t *n, char buf[static LOG_QUOTE_LEN])
{
	if (n->type != YAML_SCALAR_NODE)
		return n->type == YAML_SEQUENCE_NODE ? "a list" : "a group of keys";
	return log_quote((const char *)n->data.scalar.value, n->data.scalar.length, buf,
			 LOG_QUOTE_LEN);
}

/* The text of a scalar, or NULL and a fault. */
static const char *text_of(struct load *ld, const struct key *k, const yaml_node_t *n)
{
	const char *v;

	if (n->type != YAML_SCALAR_NODE) {
		fault_add(&ld->faults, node_line(n),
			  "%s is one value, not %s; write it behind the colon", k->name,
			  n->type == YAML_SEQUENCE_NODE ? "a list" : "a group of keys");
		return NULL;
	}
	v = (const char *)n->data.scalar.value;
	if (strlen(v) != n->data.scalar.length) {
		fault_add(&ld->faults, node_line(n), "%s holds a NUL; remove it", k->name);
		return NULL;
	}
	return v;
}

static char *copy(struct load *ld, const char *text)
{
	char *p = strdup(text);

	if (!p)
		ld->faults.no_memory = true;
	return p;
}

static bool printable(const char *v)
{
	for (; *v; v++) {
		if ((unsigned char)*v < ' ' || *v == 0x7f)
			return false;
	}
	return true;
}

static bool length_ok(struct load *ld, const struct key *k, const yaml_node_t *n, const char *v)
{
	size_t len = strlen(v);

	if (len >= k->min && len <= k->max)
		return true;
	if (!len)
		fault_add(&ld->faults, node_line(n), "%s is empty; give it a value", k->name);
	else
		fault_add(&ld->faults, node_line(n),
			  "%s has %zu octets; it takes %u to %u, shorten it", k->name, len, k->min,
			  k->max);
	return false;
}

/* A name: printable. Into a char * that config_free frees. */
static void read_name(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);
	char **to = at;

	if (!v || !length_ok(ld, k, n, v))
		return;
	if (!printable(v)) {
		fault_add(&ld->faults, node_line(n),
			  "%s holds control characters; use printable ones", k->name);
		return;
	}
	free(*to);
	*to = copy(ld, v);
}

static void read_secret(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);

	if (v && !*v)
		fault_add(&ld->faults, node_line(n),
			  "the secret is empty; give one, or remove the key for none");
	else if (v && length_ok(ld, k, n, v))
		*(char **)at = copy(ld, v);
}

/* Text that stays in the document: a reference to something by name, a path. */
static void read_reference(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);

	if (v && length_ok(ld, k, n, v))
		*(const char **)at = v;
}

static bool parse_number(const char *v, unsigned int *ret)
{
	unsigned int value = 0;
	size_t i;

	for (i = 0; v[i]; i++) {
		if (v[i] < '0' || v[i] > '9' || i == 9)
			return false;
		value = value * 10 + (unsigned int)(v[i] - '0');
	}
	if (!i)
		return false;
	*ret = value;
	return true;
}

static void read_number(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);
	char q[LOG_QUOTE_LEN];
	unsigned int value;

	if (!v)
		return;
	if (is_quoted(n))
		fault_add(&ld->faults, node_line(n),
			  "%s is a number, not a text; remove the quotes", k->name);
	else if (!parse_number(v, &value))
		fault_add(&ld->faults, node_line(n), "%s is %s; write a whole number, %u to %u",
			  k->name, quote(n, q), k->min, k->max);
	else if (value < k->min || value > k->max)
		fault_add(&ld->faults, node_line(n), "%s is %u; it goes from %u to %u", k->name,
			  value, k->min, k->max);
	else
		*(unsigned int *)at = value;
}

/* 0 has a meaning of its own beside the range. */
static void read_number_or_0(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	if (n->type == YAML_SCALAR_NODE && !is_quoted(n) &&
	    !strcmp((const char *)n->data.scalar.value, "0"))
		*(unsigned int *)at = 0;
	else
		read_number(ld, k, n, at);
}

static bool parse_bool(const char *v, bool *ret)
{
	static const char *const on[] = { "true", "yes", "on" }, *const off[] = { "false", "no",
										  "off" };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (!strcmp(v, on[i]) || !strcmp(v, off[i])) {
			*ret = !strcmp(v, on[i]);
			return true;
		}
	}
	return false;
}

static void read_bool(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);
	char q[LOG_QUOTE_LEN];

	if (v && !parse_bool(v, at))
		fault_add(&ld->faults, node_line(n), "%s is %s; write true or false", k->name,
			  quote(n, q));
}

/* data-checksum: on | off, kept as data_checksum_off */
static void read_off(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	bool on = !*(bool *)at;

	read_bool(ld, k, n, &on);
	*(bool *)at = !on;
}

static void join(char *buf, size_t cap, const char *const *words)
{
	size_t used = 0;
	int n;

	buf[0] = '\0';
	for (; *words; words++) {
		n = snprintf(buf + used, cap - used, "%s%s", used ? ", " : "", *words);
		if (n < 0 || (size_t)n >= cap - used)
			return;
		used += (size_t)n;
	}
}

/* Into an enum whose values are the places in k->choices. */
static bool parse_choice(struct load *ld, const struct key *k, yaml_node_t *n, int *ret)
{
	const char *v = text_of(ld, k, n);
	char all[96], q[LOG_QUOTE_LEN];
	int i;

	if (!v)
		return false;
	for (i = 0; k->choices[i]; i++) {
		if (!strcmp(v, k->choices[i])) {
			*ret = i;
			return true;
		}
	}
	join(all, sizeof(all), k->choices);
	fault_add(&ld->faults, node_line(n), "%s is %s; write one of %s", k->name, quote(n, q),
		  all);
	return false;
}

static void read_choice(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	parse_choice(ld, k, n, at);
}

static void read_choice_bool(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	int value = 0;

	if (parse_choice(ld, k, n, &value))
		*(bool *)at = value != 0;
}

static void read_dscp(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);
	char q[LOG_QUOTE_LEN];
	unsigned int value;

	if (!v)
		return;
	if (!strcmp(v, "copy"))
		*(int *)at = -1;
	else if (!is_quoted(n) && parse_number(v, &value) && value <= 63)
		*(int *)at = (int)value;
	else
		fault_add(&ld->faults, node_line(n), "%s is %s; write copy, or 0 to 63", k->name,
			  quote(n, q));
}

/* ---- addresses ---- */

static bool unicast(const struct ipaddr *a)
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
			  k->name, quote(n, q));
		return false;
	}
	if (!unicast(&a)) {
		fault_add(&ld->faults, node_line(n),
			  "%s: %s is not the address of one host; write one of this host's own",
			  k->name, quote(n, q));
		return false;
	}
	*ret = a;
	return true;
}

static void read_address4(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	char q[LOG_QUOTE_LEN];
	struct ipaddr a;

	if (!parse_address(ld, k, n, &a))
		return;
	if (addr_is_v4(&a))
		*(struct ipaddr *)at = a;
	else
		fault_add(&ld->faults, node_line(n), "%s: %s is not IPv4; write an IPv4 address",
			  k->name, quote(n, q));
}

static bool parse_prefix(struct load *ld, const struct key *k, yaml_node_t *n, struct prefix *ret)
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
		  k->name, quote(n, q));
	return false;
}

static void read_prefix(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct prefix p;

	if (parse_prefix(ld, k, n, &p))
		*(struct prefix *)at = p;
}

/* ---- lists: [a, b], or one value alone ---- */

static unsigned int list_length(const yaml_node_t *n)
{
	if (n->type != YAML_SEQUENCE_NODE)
		return 1;
	return (unsigned int)(n->data.sequence.items.top - n->data.sequence.items.start);
}

static yaml_node_t *list_at(struct load *ld, yaml_node_t *n, unsigned int i)
{
	if (n->type != YAML_SEQUENCE_NODE)
		return n;
	return yaml_document_get_node(ld->doc, n->data.sequence.items.start[i]);
}

static bool list_fits(struct load *ld, const struct key *k, yaml_node_t *n)
{
	if (list_length(n) <= k->max)
		return true;
	fault_add(&ld->faults, node_line(n), "%s has %u entries; %u are possible, remove some",
		  k->name, list_length(n), k->max);
	return false;
}

static void read_listen(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
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
				  "%s: %s stands there twice; remove one", k->name, quote(item, q));
		else
			dp->listen[dp->n_listen++] = a;
	}
}

static bool interface_ok(const char *v)
{
	if (!*v || strlen(v) > 15 || !strcmp(v, ".") || !strcmp(v, ".."))
		return false;
	for (; *v; v++) {
		if ((unsigned char)*v <= ' ' || *v == '/' || *v == ':' || *v == 0x7f)
			return false;
	}
	return true;
}

static const char *interface_of(struct load *ld, const struct key *k, yaml_node_t *n)
{
	const char *v = text_of(ld, k, n);
	char q[LOG_QUOTE_LEN];

	if (!v || interface_ok(v))
		return v;
	fault_add(&ld->faults, node_line(n),
		  "%s: %s cannot be an interface; write a name as `ip link` shows it", k->name,
		  quote(n, q));
	return NULL;
}

static void read_interfaces(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
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
		cfg->interface_names[j] = copy(ld, v);
		if (!cfg->interface_names[j])
			return;
		dp->interfaces[j] = cfg->interface_names[j];
		dp->n_interfaces++;
	}
}

static void read_tun(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = interface_of(ld, k, n);
	const char **to = at;

	if (!v)
		return;
	free((char *)*to);
	*to = copy(ld, v);
}

static void read_auths(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
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

static void read_dns(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
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

static void read_nbns(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
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
			  k->name, quote(n, q), v4 ? "ipv6" : "ipv4");
	else if (!v4 && p->len > 64)
		fault_add(&ld->faults, node_line(n),
			  "%s: %s is longer than /64, and each session gets a /64; "
			  "give a /64 or shorter",
			  k->name, quote(n, q));
	else if (!unicast(&p->addr) || p->len < (v4 ? 8 : 16))
		fault_add(&ld->faults, node_line(n),
			  "%s: %s is no range for hosts; give one of /%u or longer", k->name,
			  quote(n, q), v4 ? 8 : 16);
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

static void read_pool4(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_pool *p = at;

	read_ranges(ld, k, n, true, &p->c.ipv4, &p->line4, &p->c.n_ipv4);
}

static void read_pool6(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_pool *p = at;

	read_ranges(ld, k, n, false, &p->c.ipv6, &p->line6, &p->c.n_ipv6);
}

/* ---- sections ---- */

/* Steps from one word to another: a letter more, less, other, or two swapped. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int rows[3][33], i, j, best;
	size_t la = strlen(a), lb = strlen(b);

	if (la > 32 || lb > 32)
		return UINT_MAX;
	for (j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (i = 1; i <= la; i++) {
		unsigned int *row = rows[i % 3], *up = rows[(i - 1) % 3];

		row[0] = i;
		for (j = 1; j <= lb; j++) {
			best = up[j - 1] + (a[i - 1] != b[j - 1]);
			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    rows[(i - 2) % 3][j - 2] + 1 < best)
				best = rows[(i - 2) % 3][j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[la % 3][lb];
}

static void unknown_key(struct load *ld, const struct section *sec, const yaml_node_t *n)
{
	const char *names[MAX_KEYS + 1] = { NULL }, *near = NULL;
	unsigned int i, d, best = 3;
	char q[LOG_QUOTE_LEN], all[220];

	if (n->type != YAML_SCALAR_NODE) {
		fault_add(&ld->faults, node_line(n), "a key is a word; write word: value");
		return;
	}
	for (i = 0; i < sec->n; i++) {
		names[i] = sec->keys[i].name;
		d = distance((const char *)n->data.scalar.value, names[i]);
		if (d < best) {
			best = d;
			near = names[i];
		}
	}
	join(all, sizeof(all), names);
	log_quote((const char *)n->data.scalar.value, n->data.scalar.length, q, 48);
	if (near)
		fault_add(&ld->faults, node_line(n), "%s has no key %s; did you mean %s?",
			  sec->name, q, near);
	else
		fault_add(&ld->faults, node_line(n), "%s has no key %s; it has %s", sec->name, q,
			  all);
}

static const struct key *key_of(const struct section *sec, const yaml_node_t *n)
{
	unsigned int i;

	for (i = 0; n->type == YAML_SCALAR_NODE && i < sec->n; i++) {
		if (!strcmp(sec->keys[i].name, (const char *)n->data.scalar.value) &&
		    strlen(sec->keys[i].name) == n->data.scalar.length)
			return &sec->keys[i];
	}
	return NULL;
}

static void read_section(struct load *ld, const struct section *sec, yaml_node_t *n,
			 struct said *said, void *at)
{
	yaml_node_pair_t *pair;

	said->line = node_line(n);
	if (n->type != YAML_MAPPING_NODE) {
		if (!is_null(n))
			fault_add(&ld->faults, node_line(n),
				  "%s is a group of keys; write key: value lines below it",
				  sec->name);
		return;
	}
	for (pair = n->data.mapping.pairs.start; pair < n->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = yaml_document_get_node(ld->doc, pair->key);
		yaml_node_t *value = yaml_document_get_node(ld->doc, pair->value);
		const struct key *k = key_of(sec, name);
		unsigned int *line;

		if (!k) {
			unknown_key(ld, sec, name);
			continue;
		}
		line = &said->key[k - sec->keys];
		if (*line) {
			fault_add(&ld->faults, node_line(name),
				  "%s stands here a second time; it is on line %u, remove one",
				  k->name, *line);
			continue;
		}
		*line = node_line(name);
		if (is_null(value))
			fault_add(&ld->faults, node_line(name),
				  "%s has no value; give one, or remove the key", k->name);
		else
			k->read(ld, k, value, (char *)at + k->offset);
	}
}

/* A list of groups: allocates one element for each. Returns their number. */
static unsigned int list_of_sections(struct load *ld, const struct key *k, yaml_node_t *n,
				     size_t size, void *ret)
{
	unsigned int count;
	void *list;

	if (n->type != YAML_SEQUENCE_NODE) {
		fault_add(&ld->faults, node_line(n),
			  "%s is a list; begin each entry with \"- name: ...\"", k->name);
		return 0;
	}
	count = list_length(n);
	if (!count)
		return 0;
	list = calloc(count, size);
	if (!list) {
		ld->faults.no_memory = true;
		return 0;
	}
	memcpy(ret, &list, sizeof(list));
	return count;
}

/* ---- the tables ---- */

static const char *const mode_names[] = { "auto", "native", "generic", "off", NULL };
static const char *const auth_names[] = { "none", "pap", "chap", "mschapv2", NULL };
static const char *const renegotiate_names[] = { "on-mismatch", "always", NULL };
static const char *const log_names[] = { "info", "debug", NULL };

#define AT(type, member) offsetof(struct type, member)

static const struct key datapath_keys[] = {
	[DATAPATH_INTERFACES] = { "interfaces", read_interfaces, 0, 0, DP_MAX_INTERFACES, NULL },
	[DATAPATH_MODE] = { "mode", read_choice, AT(config, datapath.mode), 0, 0, mode_names },
	[DATAPATH_SHARDS] = { "shards", read_number, AT(config, datapath.shards), 1, L2X_MAX_SHARDS,
			      NULL },
	[DATAPATH_EXCLUSIVE] = { "exclusive", read_bool, AT(config, datapath.exclusive), 0, 0,
				 NULL },
	[DATAPATH_TUN] = { "tun", read_tun, AT(config, datapath.tun_name), 0, 0, NULL },
	[DATAPATH_TUN_MTU] = { "tun-mtu", read_number, AT(config, datapath.tun_mtu), 1280, 65535,
			       NULL },
	[DATAPATH_VERIFY_CHECKSUM] = { "verify-checksum", read_bool,
				       AT(config, datapath.verify_checksum), 0, 0, NULL },
	[DATAPATH_ISOLATE] = { "isolate", read_bool, AT(config, datapath.isolate), 0, 0, NULL },
	[DATAPATH_DATA_CHECKSUM] = { "data-checksum", read_off,
				     AT(config, datapath.data_checksum_off), 0, 0, NULL },
	[DATAPATH_MTU] = { "mtu", read_number_or_0, AT(config, datapath.mtu_limit), 576, 9000,
			   NULL },
	[DATAPATH_DSCP] = { "dscp", read_dscp, AT(config, datapath.dscp), 0, 0, NULL },
};
static const struct section datapath_section = { "datapath", KEYS(datapath_keys) };

static const struct key peer_keys[] = {
	[PEER_NAME] = { "name", read_name, AT(raw_peer, c.name), 1, 63, NULL },
	[PEER_ADDRESS] = { "address", read_prefix, AT(raw_peer, c.address), 0, 0, NULL },
	[PEER_PROFILE] = { "profile", read_reference, AT(raw_peer, profile), 1, 63, NULL },
	[PEER_HOST_NAME] = { "host-name", read_name, AT(raw_peer, c.host_name), 1, 253, NULL },
	[PEER_EXPECT_HOST_NAME] = { "expect-host-name", read_name, AT(raw_peer, c.expect_host_name),
				    1, L2TP_MAX_NAME - 1, NULL },
	[PEER_SECRET] = { "secret", read_secret, AT(raw_peer, c.secret), 1, 255, NULL },
	[PEER_SECRET_FILE] = { "secret-file", read_reference, AT(raw_peer, secret_file), 1, 4095,
			       NULL },
	[PEER_HIDE_AVPS] = { "hide-avps", read_bool, AT(raw_peer, c.hide_avps), 0, 0, NULL },
	[PEER_PORT_FLOAT] = { "port-float", read_bool, AT(raw_peer, c.port_float), 0, 0, NULL },
	[PEER_SINGLE_TUNNEL] = { "single-tunnel", read_bool, AT(raw_peer, c.single_tunnel), 0, 0,
				 NULL },
	[PEER_HELLO] = { "hello", read_number, AT(raw_peer, c.hello), 0, 86400, NULL },
	[PEER_IDLE] = { "idle", read_number, AT(raw_peer, c.idle), 0, 86400, NULL },
	[PEER_WINDOW] = { "window", read_number, AT(raw_peer, c.window), 1, 1024, NULL },
	[PEER_MAX_SESSIONS] = { "max-sessions", read_number, AT(raw_peer, c.max_calls), 0, 65535,
				NULL },
};
static const struct section peer_section = { "a peer", KEYS(peer_keys) };

static const struct key profile_keys[] = {
	[PROFILE_NAME] = { "name", read_name, AT(raw_profile, c.name), 1, 63, NULL },
	[PROFILE_AUTHENTICATION] = { "authentication", read_auths, AT(raw_profile, c), 0,
				     PPP_MAX_AUTHS, auth_names },
	[PROFILE_LOCAL_ADDRESS] = { "local-address", read_address4,
				    AT(raw_profile, c.local_address), 0, 0, NULL },
	[PROFILE_DNS] = { "dns", read_dns, AT(raw_profile, c), 0, 2 * CONFIG_MAX_DNS, NULL },
	[PROFILE_NBNS] = { "nbns", read_nbns, AT(raw_profile, c.nbns), 0, CONFIG_MAX_DNS, NULL },
	[PROFILE_POOL] = { "pool", read_reference, AT(raw_profile, pool), 1, 63, NULL },
	[PROFILE_MRU] = { "mru", read_number_or_0, AT(raw_profile, c.mru), 128, 9000, NULL },
	[PROFILE_IPV4] = { "ipv4", read_bool, AT(raw_profile, c.ipv4), 0, 0, NULL },
	[PROFILE_IPV6] = { "ipv6", read_bool, AT(raw_profile, c.ipv6), 0, 0, NULL },
	[PROFILE_ECHO_INTERVAL] = { "echo-interval", read_number, AT(raw_profile, c.echo_interval),
				    0, 3600, NULL },
	[PROFILE_ECHO_FAILURES] = { "echo-failures", read_number, AT(raw_profile, c.echo_failures),
				    1, 100, NULL },
	[PROFILE_MSS_CLAMP] = { "mss-clamp", read_bool, AT(raw_profile, c.mss_clamp), 0, 0, NULL },
	[PROFILE_SEQUENCING] = { "sequencing", read_bool, AT(raw_profile, c.sequencing), 0, 0,
				 NULL },
	[PROFILE_LCP_RENEGOTIATE] = { "lcp-renegotiate", read_choice_bool,
				      AT(raw_profile, c.lcp_renegotiate_always), 0, 0,
				      renegotiate_names },
	[PROFILE_PROXY_AUTHENTICATION] = { "proxy-authentication", read_bool,
					   AT(raw_profile, c.proxy_authentication), 0, 0, NULL },
};
static const struct section profile_section = { "a profile", KEYS(profile_keys) };

static const struct key pool_keys[] = {
	[POOL_NAME] = { "name", read_name, AT(raw_pool, c.name), 1, 63, NULL },
	[POOL_IPV4] = { "ipv4", read_pool4, 0, 0, DP_MAX_POOLS, NULL },
	[POOL_IPV6] = { "ipv6", read_pool6, 0, 0, DP_MAX_POOLS, NULL },
};
static const struct section pool_section = { "a pool", KEYS(pool_keys) };

/* Kept in ms, written in s. */
static void read_seconds(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	unsigned int *ms = at, s = *ms / 1000;

	read_number(ld, k, n, &s);
	*ms = s * 1000;
}

static const struct key limits_keys[] = {
	{ "half-open", read_number, AT(l2tp_limits, half_open), 1, 65535, NULL },
	{ "half-open-per-source", read_number, AT(l2tp_limits, half_open_source), 1, 65535, NULL },
	{ "tunnels", read_number, AT(l2tp_limits, tunnels), 1, 65535, NULL },
	{ "retransmits", read_number, AT(l2tp_limits, retransmits), 1, 20, NULL },
	{ "retransmit-cap", read_seconds, AT(l2tp_limits, retransmit_cap_ms), 8, 600, NULL },
};
static const struct section limits_section = { "limits", KEYS(limits_keys) };

static void read_datapath(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	(void)k;
	read_section(ld, &datapath_section, n, &ld->datapath, at);
}

static void read_limits(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	(void)k;
	read_section(ld, &limits_section, n, &ld->limits, at);
}

static void read_peers(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	unsigned int i;

	(void)at;
	ld->n_peers = list_of_sections(ld, k, n, sizeof(*ld->peers), &ld->peers);
	for (i = 0; i < ld->n_peers; i++) {
		struct raw_peer *p = &ld->peers[i];

		p->c.hello = 60;
		p->c.window = 16;
		read_section(ld, &peer_section, list_at(ld, n, i), &p->said, p);
	}
}

static void read_profiles(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	unsigned int i;

	(void)at;
	ld->n_profiles = list_of_sections(ld, k, n, sizeof(*ld->profiles), &ld->profiles);
	for (i = 0; i < ld->n_profiles; i++) {
		struct raw_profile *p = &ld->profiles[i];

		p->c.auths[p->c.n_auths++] = PPP_AUTH_MSCHAPV2;
		p->c.auths[p->c.n_auths++] = PPP_AUTH_CHAP_MD5;
		p->c.pool = UINT_MAX;
		p->c.ipv4 = p->c.ipv6 = true;
		p->c.echo_interval = 30;
		p->c.echo_failures = 4;
		p->c.mss_clamp = true;
		p->c.proxy_authentication = true;
		read_section(ld, &profile_section, list_at(ld, n, i), &p->said, p);
	}
}

static void read_pools(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	unsigned int i;

	(void)at;
	ld->n_pools = list_of_sections(ld, k, n, sizeof(*ld->pools), &ld->pools);
	for (i = 0; i < ld->n_pools; i++)
		read_section(ld, &pool_section, list_at(ld, n, i), &ld->pools[i].said,
			     &ld->pools[i]);
}

static const struct key top_keys[] = {
	[TOP_HOSTNAME] = { "hostname", read_name, AT(config, hostname), 1, 253, NULL },
	[TOP_LISTEN] = { "listen", read_listen, AT(config, datapath), 0, L2X_MAX_LISTEN, NULL },
	[TOP_DATAPATH] = { "datapath", read_datapath, 0, 0, 0, NULL },
	[TOP_PEERS] = { "peers", read_peers, 0, 0, 0, NULL },
	[TOP_PROFILES] = { "profiles", read_profiles, 0, 0, 0, NULL },
	[TOP_POOLS] = { "pools", read_pools, 0, 0, 0, NULL },
	[TOP_USERS] = { "users", read_name, AT(config, users), 1, 4095, NULL },
	[TOP_CONTROL_SOCKET] = { "control-socket", read_name, AT(config, control_socket), 1, 107,
				 NULL },
	[TOP_LIMITS] = { "limits", read_limits, AT(config, limits), 0, 0, NULL },
	[TOP_LOG] = { "log", read_choice, AT(config, log), 0, 0, log_names },
};
static const struct section top_section = { "the configuration", KEYS(top_keys) };

void schema_read(struct load *ld, yaml_node_t *root)
{
	read_section(ld, &top_section, root, &ld->top, ld->cfg);
}
