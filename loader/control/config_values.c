/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of one word, and what lists of them have in common. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/control/config_values.h"

/* ---- scalars ---- */

bool node_is_null(const yaml_node_t *n)
{
	const char *v = (const char *)n->data.scalar.value;

	return n->type == YAML_SCALAR_NODE && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*v || !strcmp(v, "~") || !strcmp(v, "null"));
}

bool node_is_quoted(const yaml_node_t *n)
{
	return n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

const char *node_quote(const yaml_node_t *n, char buf[static LOG_QUOTE_LEN])
{
	if (n->type != YAML_SCALAR_NODE)
		return n->type == YAML_SEQUENCE_NODE ? "a list" : "a group of keys";
	return log_quote((const char *)n->data.scalar.value, n->data.scalar.length, buf,
			 LOG_QUOTE_LEN);
}

/* The text of a scalar, or NULL and a fault. */
const char *text_of(struct load *ld, const struct key *k, const yaml_node_t *n)
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

char *text_copy(struct load *ld, const char *text)
{
	char *p = strdup(text);

	if (!p)
		ld->faults.no_memory = true;
	return p;
}

bool text_is_printable(const char *v)
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
void read_name(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);
	char **to = at;

	if (!v || !length_ok(ld, k, n, v))
		return;
	if (!text_is_printable(v)) {
		fault_add(&ld->faults, node_line(n),
			  "%s holds control characters; use printable ones", k->name);
		return;
	}
	free(*to);
	*to = text_copy(ld, v);
}

/* A path that means the same wherever a daemon is started; "/a//b/" is kept as "/a/b". */
static void path_tidy(char *path)
{
	char *to = path;
	const char *from;

	for (from = path; *from; from++) {
		if (*from != '/' || (from[1] != '/' && from[1]))
			*to++ = *from;
	}
	*to = '\0';
}

static bool climbs(const char *v)
{
	size_t len = strlen(v);

	return strstr(v, "/../") || strstr(v, "/./") || (len >= 3 && !strcmp(v + len - 3, "/..")) ||
	       (len >= 2 && !strcmp(v + len - 2, "/."));
}

void read_directory(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);
	char q[LOG_QUOTE_LEN], **to = at, *path;

	if (!v || !length_ok(ld, k, n, v))
		return;
	if (!text_is_printable(v)) {
		fault_add(&ld->faults, node_line(n),
			  "%s holds control characters; use printable ones", k->name);
		return;
	}
	path = text_copy(ld, v);
	if (!path)
		return;
	path_tidy(path);
	if (*path != '/' || climbs(path)) {
		fault_add(&ld->faults, node_line(n),
			  "%s is %s; write a directory of our own from the root on, without . "
			  "and ..: /var/lib/l2xdp",
			  k->name, node_quote(n, q));
		free(path);
		return;
	}
	free(*to);
	*to = path;
}

void read_directory_or_none(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	char **to = at;

	if (n->type == YAML_SCALAR_NODE && !strcmp((const char *)n->data.scalar.value, "none")) {
		free(*to);
		*to = NULL;
	} else {
		read_directory(ld, k, n, at);
	}
}

void read_secret(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);

	if (v && !*v)
		fault_add(&ld->faults, node_line(n),
			  "the secret is empty; give one, or remove the key for none");
	else if (v && length_ok(ld, k, n, v))
		*(char **)at = text_copy(ld, v);
}

/* Text that stays in the document: a reference to something by name, a path. */
void read_reference(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);

	if (v && length_ok(ld, k, n, v))
		*(const char **)at = v;
}

void read_reference_name(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = NULL;

	read_reference(ld, k, n, &v);
	if (v && text_is_printable(v))
		*(const char **)at = v;
	else if (v)
		fault_add(&ld->faults, node_line(n),
			  "%s holds control characters; use printable ones", k->name);
}

bool parse_number(const char *v, unsigned int *ret)
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

void read_number(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);
	char q[LOG_QUOTE_LEN];
	unsigned int value;

	if (!v)
		return;
	if (node_is_quoted(n))
		fault_add(&ld->faults, node_line(n),
			  "%s is a number, not a text; remove the quotes", k->name);
	else if (!parse_number(v, &value))
		fault_add(&ld->faults, node_line(n), "%s is %s; write a whole number, %u to %u",
			  k->name, node_quote(n, q), k->min, k->max);
	else if (value < k->min || value > k->max)
		fault_add(&ld->faults, node_line(n), "%s is %u; it goes from %u to %u", k->name,
			  value, k->min, k->max);
	else
		*(unsigned int *)at = value;
}

/* 0 has a meaning of its own beside the range. */
void read_number_or_0(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	if (n->type == YAML_SCALAR_NODE && !node_is_quoted(n) &&
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

void read_bool(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);
	char q[LOG_QUOTE_LEN];

	if (v && !parse_bool(v, at))
		fault_add(&ld->faults, node_line(n), "%s is %s; write true or false", k->name,
			  node_quote(n, q));
}

/* data-checksum: on | off, kept as data_checksum_off */
void read_off(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	bool on = !*(bool *)at;

	read_bool(ld, k, n, &on);
	*(bool *)at = !on;
}

bool words_join(char *buf, size_t cap, const char *const *words)
{
	size_t used = 0;
	int n;

	buf[0] = '\0';
	for (; *words; words++) {
		n = snprintf(buf + used, cap - used, "%s%s", used ? ", " : "", *words);
		if (n < 0 || (size_t)n >= cap - used) {
			buf[used] = '\0';
			return false;
		}
		used += (size_t)n;
	}
	return true;
}

/* Into an enum whose values are the places in k->choices. */
bool parse_choice(struct load *ld, const struct key *k, yaml_node_t *n, int *ret)
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
	words_join(all, sizeof(all), k->choices);
	fault_add(&ld->faults, node_line(n), "%s is %s; write one of %s", k->name, node_quote(n, q),
		  all);
	return false;
}

void read_choice(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	parse_choice(ld, k, n, at);
}

void read_choice_bool(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	int value = 0;

	if (parse_choice(ld, k, n, &value))
		*(bool *)at = value != 0;
}

void read_dscp(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);
	char q[LOG_QUOTE_LEN];
	unsigned int value;

	if (!v)
		return;
	if (!strcmp(v, "copy"))
		*(int *)at = -1;
	else if (!node_is_quoted(n) && parse_number(v, &value) && value <= 63)
		*(int *)at = (int)value;
	else
		fault_add(&ld->faults, node_line(n), "%s is %s; write copy, or 0 to 63", k->name,
			  node_quote(n, q));
}

/* ---- lists: [a, b], or one value alone ---- */

unsigned int list_length(const yaml_node_t *n)
{
	if (n->type != YAML_SEQUENCE_NODE)
		return 1;
	return (unsigned int)(n->data.sequence.items.top - n->data.sequence.items.start);
}

yaml_node_t *list_at(struct load *ld, yaml_node_t *n, unsigned int i)
{
	if (n->type != YAML_SEQUENCE_NODE)
		return n;
	return yaml_document_get_node(ld->doc, n->data.sequence.items.start[i]);
}

bool list_fits(struct load *ld, const struct key *k, yaml_node_t *n)
{
	if (list_length(n) <= k->max)
		return true;
	fault_add(&ld->faults, node_line(n), "%s has %u entries; %u are possible, remove some",
		  k->name, list_length(n), k->max);
	return false;
}

/* Kept in ms, written in s. */
void read_seconds(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	unsigned int *ms = at, s = *ms / 1000;

	read_number(ld, k, n, &s);
	*ms = s * 1000;
}

/* A list of CPUs, each once. */
static void read_cpus(struct load *ld, const struct key *k, yaml_node_t *n,
		      struct dp_workers_config *ret)
{
	struct dp_workers_config w = { .mode = DP_WORKERS_LIST };
	char q[LOG_QUOTE_LEN];
	unsigned int i, j, cpu;

	if (!list_fits(ld, k, n))
		return;
	for (i = 0; i < list_length(n); i++) {
		yaml_node_t *item = list_at(ld, n, i);
		const char *v = text_of(ld, k, item);

		if (!v)
			return;
		if (!parse_number(v, &cpu) || cpu >= L2X_MAX_WORKER_CPUS) {
			fault_add(&ld->faults, node_line(item),
				  "%s: CPU %s; write a number, 0 to %u, as lscpu has it", k->name,
				  node_quote(item, q), L2X_MAX_WORKER_CPUS - 1);
			return;
		}
		for (j = 0; j < w.n && w.cpu[j] != cpu; j++)
			;
		if (j < w.n) {
			fault_add(&ld->faults, node_line(item),
				  "%s: CPU %u stands there twice; remove one", k->name, cpu);
			return;
		}
		w.cpu[w.n++] = (uint16_t)cpu;
	}
	if (w.n)
		*ret = w;
	else
		fault_add(&ld->faults, node_line(n), "%s is an empty list; write off for none",
			  k->name);
}

void read_workers(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct dp_workers_config w = { .mode = DP_WORKERS_COUNT };
	char q[LOG_QUOTE_LEN];
	const char *v;
	bool on = true;

	if (n->type == YAML_SEQUENCE_NODE) {
		read_cpus(ld, k, n, at);
		return;
	}
	v = text_of(ld, k, n);
	if (!v)
		return;
	if (!strcmp(v, "auto"))
		w.mode = DP_WORKERS_AUTO;
	else if ((parse_bool(v, &on) && !on) || !strcmp(v, "0"))
		w.mode = DP_WORKERS_OFF;
	else if (node_is_quoted(n) || !parse_number(v, &w.n) || w.n > k->max) {
		fault_add(&ld->faults, node_line(n),
			  "%s is %s; write off, auto, how many (1 to %u, without quotes), or a "
			  "list of CPUs: [2, 3]",
			  k->name, node_quote(n, q), k->max);
		return;
	}
	*(struct dp_workers_config *)at = w;
}
