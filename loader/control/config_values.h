/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the value of one key is read: what the tables of config_schema.c name. */
#ifndef L2XDP_CONTROL_CONFIG_VALUES_H
#define L2XDP_CONTROL_CONFIG_VALUES_H

#include "loader/base/log.h"
#include "loader/control/config_load.h"

struct key;
/* Reads `n` into `at`; a value that is wrong becomes a fault and leaves `at` alone. */
typedef void read_fn(struct load *ld, const struct key *k, yaml_node_t *n, void *at);

struct key {
	const char *name;
	read_fn *read;
	size_t offset; /* of `at` in what the section is read into */
	unsigned int min, max; /* of a number, of a text's octets, of a list's entries */
	const char *const *choices; /* NULL at the end */
};

/* A group of keys. */
struct section {
	const char *name; /* for people */
	const struct key *keys;
	unsigned int n;
};

#define KEYS(array) (array), sizeof(array) / sizeof((array)[0])
#define AT(type, member) offsetof(struct type, member)

/* Reads the keys of `sec` into `at`, and into `said` on which lines they stand. */
void read_section(struct load *ld, const struct section *sec, yaml_node_t *n, struct said *said,
		  void *at);
/* The same of a section with few keys. */
void read_few(struct load *ld, const struct section *sec, yaml_node_t *n, struct said_few *said,
	      void *at);
/* A list of groups: allocates one zeroed element of `size` octets for each, in *ret. Returns
 * their number. */
unsigned int list_of_sections(struct load *ld, const struct key *k, yaml_node_t *n, size_t size,
			      void *ret);

/* char *, freed by config_free: printable text; a secret */
read_fn read_name, read_secret;
/* the same: an absolute path without a slash at its end; none, which is NULL, or such a path */
read_fn read_directory, read_directory_or_none;
/* const char * into the document; printable */
read_fn read_reference, read_reference_name;
/* unsigned int: a number; a number or 0; seconds kept as ms */
read_fn read_number, read_number_or_0, read_seconds;
/* bool; bool that is kept turned round */
read_fn read_bool, read_off;
/* enum, or bool, by the place in choices */
read_fn read_choice, read_choice_bool;
/* int: -1 for copy */
read_fn read_dscp;
/* struct dp_workers_config: off, auto, a number, or a list of CPUs */
read_fn read_workers;
/* struct ipaddr, of either family or of one; struct prefix */
read_fn read_address, read_address4, read_prefix;
/* struct dp_config; struct config; const char * that config_free frees */
read_fn read_listen, read_interfaces, read_tun;
/* struct config_profile; for nbns its array */
read_fn read_auths, read_dns, read_nbns;
/* struct raw_pool */
read_fn read_pool4, read_pool6;
/* into struct load: config_pseudowire.c */
read_fn read_pseudowires, read_circuit_devices;
/* struct raw_pw: config_circuit.c */
read_fn read_attach;

/* "a.b.c.d/n" or "x::/n". False and a fault. */
bool parse_prefix(struct load *ld, const struct key *k, yaml_node_t *n, struct prefix *ret);
/* A scalar in quotes is a text, whatever it looks like. */
bool node_is_quoted(const yaml_node_t *n);
bool text_is_printable(const char *v);
/* A plain scalar without a value. */
bool node_is_null(const yaml_node_t *n);
/* What a message calls the value. */
const char *node_quote(const yaml_node_t *n, char buf[static LOG_QUOTE_LEN]);
/* Digits alone, up to nine. */
bool parse_number(const char *v, unsigned int *ret);
/* The address of one host. */
bool unicast(const struct ipaddr *a);
/* A name that a device can have. */
bool interface_ok(const char *v);
/* The same, read from a node: NULL and a fault. */
const char *interface_of(struct load *ld, const struct key *k, yaml_node_t *n);
/* The text of a scalar, or NULL and a fault. */
const char *text_of(struct load *ld, const struct key *k, const yaml_node_t *n);
char *text_copy(struct load *ld, const char *text);
bool parse_choice(struct load *ld, const struct key *k, yaml_node_t *n, int *ret);
/* "a, b, c" of a list that ends with NULL; as many as fit. False: not all. */
bool words_join(char *buf, size_t cap, const char *const *words);

/* A list [a, b], or one value alone. */
unsigned int list_length(const yaml_node_t *n);
yaml_node_t *list_at(struct load *ld, yaml_node_t *n, unsigned int i);
bool list_fits(struct load *ld, const struct key *k, yaml_node_t *n);

#endif
