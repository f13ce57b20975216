/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands of the control socket do: between control.c, which has the socket,
 * and show_*.c and maintenance.c, which have the commands.
 *
 * A command gives a whole answer at once, or, where the answer may be long, a producer
 * that is asked for one element after the other as the client takes them. It is asked as often
 * as fits into the time of a turn (control.c), so what it does at once takes microseconds: it
 * has an element, or it has looked for one long enough and is to be asked again.
 */
#ifndef L2XDP_CONTROL_SHOW_H
#define L2XDP_CONTROL_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "loader/base/addr.h"
#include "loader/control/text.h"

struct lns;

struct request {
	struct lns *lns;
	const json_t *arguments; /* an array, may be NULL */
	const json_t *options; /* an object, may be NULL */
};

#define ANSWER_ERROR 4096u

/* Of `next`. */
enum answer_step {
	ANSWER_END,
	ANSWER_ELEMENT, /* its text was written */
	ANSWER_LATER, /* nothing yet */
};

struct answer {
	json_t *result; /* owned; or */
	/* ... an array whose elements come from `next` */
	enum answer_step (*next)(struct answer *a, struct text *ret);
	void (*free)(struct answer *a); /* with next */
	void *state;
	struct lns *lns;
	/* on failure */
	const char *code; /* "usage", "not-found", "needs-force", "failed" */
	char error[ANSWER_ERROR]; /* one line, or more */
};

/* 0 with result or next set; else a negative errno with code and error. */
typedef int command_fn(const struct request *rq, struct answer *a);

command_fn show_tunnels, show_sessions, show_session, show_peers, show_verdicts, show_datapath,
	show_workers, show_state;
command_fn pseudowire_show, pseudowire_add, pseudowire_del;
command_fn clear_tunnel, clear_session, drain, undrain, reload, end_daemon, preflight;

/* Sets code and error. Returns -EINVAL, -ENOENT or -EIO for the three codes. */
int answer_usage(struct answer *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int answer_not_found(struct answer *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int answer_failed(struct answer *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The command's only parameter, a number up to `most`; as number or as text. */
int argument_id(const struct request *rq, struct answer *a, const char *what, unsigned int most,
		unsigned int *ret);
int no_parameters(const struct request *rq, struct answer *a);
/* No arguments, and no option but these (a list that ends with NULL). */
int only_options(const struct request *rq, struct answer *a, const char *const *names);
/* Options: -EINVAL with an error if one is there and of the wrong type. *ret is not
 * touched when it is absent. */
int option_text(const struct request *rq, struct answer *a, const char *name, const char **ret);
int option_switch(const struct request *rq, struct answer *a, const char *name, bool *ret);
int option_number(const struct request *rq, struct answer *a, const char *name, unsigned int *ret);
/* An option that is none of these (a list that ends with NULL) is an error. */
int options_known(const struct request *rq, struct answer *a, const char *const *names);

/* The whole answer; NULL: there was no memory for it. */
int answer_whole(struct answer *a, json_t *result);
/* What an LNS said no to: `a->error` holds its words, or nothing, and code and lines are made
 * of them. Returns err. */
int answer_refused(struct answer *a, const char *code, int err);
/* Without the ends of its last lines. */
void trim_lines(char *text);
/* A list that is being collected, *ret_list of *cap elements of `size` octets, has room for
 * one more behind n. False: no memory. */
bool list_room(void *ret_list, size_t *cap, size_t n, size_t size);

/* Text that a peer or a user chose: what is not UTF-8 becomes \xNN. Never NULL except on
 * lack of memory. */
json_t *json_text(const char *text);
json_t *json_text_or_null(const char *text); /* null: NULL or empty */
json_t *json_address(const struct ipaddr *a); /* null: not set */
json_t *json_prefix(const struct prefix *p); /* null: len 0 */

#endif
