/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * l2xdpctl: what its files share. It knows the control socket (docs/control-socket.md) and
 * nothing of maps.
 *
 *   main.c      options, the table of commands, help
 *   client.c    one request and its answer
 *   list.c      an answer that is a list, one element at a time
 *   table.c     tables for people; units; text that nobody here chose
 *   show.c      ask, and print what came: a table, an object, or JSON
 *   import.c    reads what `ip l2tp show` prints; import_print.c makes configuration of it
 *   show_*.c, pseudowire.c, clear.c, maintenance.c, preflight.c   one file for each group of commands
 */
#ifndef L2XDP_CTL_CTL_H
#define L2XDP_CTL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum exit_code {
	EXIT_OK = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_DAEMON = 3,
	EXIT_FORCE = 4, /* as l2xdpd --check has it */
};

struct column;
struct table;

struct options {
	const char *socket;
	const char *peer, *user, *ipv4, *after, *limit, *rate; /* NULL: not given */
	bool json, all, force, help;
};

/* Runs with the words behind the command's name. Returns an exit code. */
typedef int command_fn(const struct options *o, int argc, char **argv);
command_fn cmd_show_tunnels, cmd_show_sessions, cmd_show_session, cmd_show_peers, cmd_show_verdicts,
	cmd_show_workers, cmd_show_datapath, cmd_show_state, cmd_clear_tunnel, cmd_clear_session,
	cmd_drain, cmd_undrain, cmd_pseudowire_show, cmd_pseudowire_add, cmd_pseudowire_del,
	cmd_import_ip_l2tp, cmd_reload, cmd_shutdown, cmd_preflight;

void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "... takes ...; see --help" and EXIT_USAGE */
int usage(const char *command, const char *takes);

/* ---- client.c ---- */
struct reply {
	char *line; /* the answer, NUL behind it */
	size_t len, cap;
	const char *result; /* in it: the JSON text of "result" */
	size_t result_len;
};

/* Asks. options may be NULL; both are taken over. EXIT_OK with *ret filled, which
 * reply_free frees; else the reason has been told and the exit code is returned. */
int ask(const struct options *o, const char *command, json_t *arguments, json_t *options,
	struct reply *ret);
/* The same, for what makes the daemon start anew: waits until the new one answers. */
int ask_renewed(const struct options *o, const char *command, json_t *arguments, json_t *options,
		struct reply *ret);
void reply_free(struct reply *r);
/* The result as it came, for --json. */
int reply_print(const struct reply *r);
/* The result whole; NULL if it is no JSON, which is told. */
json_t *reply_json(const struct reply *r);
/* For list.c. EXIT_OK: *ret holds the beginning of the answer, up to "[" at least, and *ret_fd is
 * the connection by which the rest comes. */
int ask_list(const struct options *o, const char *command, json_t *options, struct reply *ret,
	     int *ret_fd);
/* Adds to r->line what has come, waiting for it. 0 or a negative errno: -EPIPE at the end. */
int reply_more(int fd, struct reply *r);
/* Tells it; the exit code. */
int reply_broken(const struct options *o, int err);

/* ---- list.c ---- */
/* Asks for a list. Each element's text goes to `element`, as it comes: a million need no more
 * memory than one. It returns an exit code, EXIT_OK to go on. */
int ask_each(const struct options *o, const char *command, json_t *options,
	     int (*element)(void *arg, const char *text, size_t len), void *arg);

/* Lines of text that the daemon made, each behind `indent`. */
void print_lines(FILE *out, const char *indent, const char *text);

json_t *words_json(int argc, char **argv);

/* ---- values ---- */
const char *get_text(const json_t *o, const char *key); /* "" if absent or null */
uint64_t get_number(const json_t *o, const char *key); /* 0 if absent */
bool get_bool(const json_t *o, const char *key);

/* ---- show.c ---- */
/* Ask, then print: as it came for --json, else for people. Arguments and options are taken
 * over, and NULL where there are none. A list becomes a table of a row for each element; */
int ask_table(const struct options *o, const char *command, json_t *options,
	      const struct column *columns, unsigned int n,
	      void (*row)(struct table *t, const json_t *v));
/* anything else is printed whole. */
int ask_whole(const struct options *o, const char *command, json_t *arguments, json_t *options,
	      void (*print)(const struct options *o, const json_t *v));
/* What ask_whole does with the answer, which is freed. */
int reply_show(const struct options *o, struct reply *r,
	       void (*print)(const struct options *o, const json_t *v));

/* ---- table.c ---- */
struct column {
	const char *title;
	bool right; /* numbers */
	bool cut; /* may be cut where the terminal is narrow */
};
#define COLUMNS(array) (sizeof(array) / sizeof((array)[0]))
struct table *table_new(const struct column *columns, unsigned int n);
/* The next cell, left to right, row by row. Text is escaped. A table of more than a thousand rows
 * is printed from then on row by row, with the widths that these need. */
void table_text(struct table *t, const char *text);
void table_number(struct table *t, uint64_t v);
/* Prints what is left, and frees. Columns are cut to the terminal's width, never in a pipe. */
void table_print(struct table *t);
void table_free(struct table *t); /* without a word */

#define CELL 24
const char *age_str(uint64_t seconds, char buf[static CELL]); /* "3h04m" */
const char *bytes_str(uint64_t bytes, char buf[static CELL]); /* "1.2 GB" */
const char *percent_str(uint64_t part, uint64_t whole, char buf[static CELL]);
/* "name  value" lines of one object */
void print_pair(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Printable form, in one of four buffers that take turns. */
const char *safe(const char *text);

#endif
