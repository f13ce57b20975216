/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An answer that is a list: {"ok":true,"result":[E,E,...]} and the end of the line. The daemon
 * makes it while we take it, so what is read is handed on element by element and forgotten.
 * Where an element ends is found by its brackets and quotes; whether it is JSON, who uses it sees.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"

#define ELEMENT_MOST (16u << 20) /* none is nearly as long: that is no l2xdpd */

struct list {
	struct reply r;
	int fd;
	size_t at; /* what is not read yet begins here */
};

/* How far the scan of an element has come. */
struct scan {
	size_t len; /* octets looked at */
	unsigned int depth;
	bool quoted, escaped;
};

/* 1: the element ends before this octet. -EBADMSG: this is none. */
static int scan_octet(struct scan *s, char c)
{
	if (c == '\n')
		return -EBADMSG; /* JSON writes it otherwise, and it ends the answer */
	if (s->escaped) {
		s->escaped = false;
	} else if (s->quoted) {
		s->escaped = c == '\\';
		s->quoted = c != '"';
	} else if (!s->depth && (c == ',' || c == ']')) {
		return 1;
	} else if (c == '"') {
		s->quoted = true;
	} else if (c == '{' || c == '[') {
		s->depth++;
	} else if (c == '}' || c == ']') {
		if (!s->depth--)
			return -EBADMSG;
	}
	return 0;
}

/* Forgets what was read, and waits for more. */
static int list_more(struct list *l)
{
	struct reply *r = &l->r;

	if (r->len - l->at > ELEMENT_MOST)
		return -EMSGSIZE;
	memmove(r->line, r->line + l->at, r->len - l->at);
	r->len -= l->at;
	l->at = 0;
	return reply_more(l->fd, r);
}

/* The octet behind what was read, which is then read. */
static int list_octet(struct list *l, char *ret)
{
	int err = l->at == l->r.len ? list_more(l) : 0;

	if (!err)
		*ret = l->r.line[l->at++];
	return err;
}

/* The next element: text that is good until the next call. */
static int list_element(struct list *l, const char **ret_text, size_t *ret_len)
{
	struct scan s = { 0 };

	for (int ends = 0; !ends; s.len++) {
		int err = l->at + s.len == l->r.len ? list_more(l) : 0;

		if (!err)
			ends = scan_octet(&s, l->r.line[l->at + s.len]);
		if (err || ends < 0)
			return err ?: ends;
	}
	s.len--; /* what ended it */
	*ret_text = l->r.line + l->at;
	*ret_len = s.len;
	l->at += s.len;
	return 0;
}

/* *ret_code: what `element` said, or that this is no list. 0 or a negative errno. */
static int each(struct list *l, int (*element)(void *arg, const char *text, size_t len), void *arg,
		int *ret_code)
{
	static const char tail[] = "}\n";
	const char *text;
	size_t len, i;
	char c = ',';
	int err;

	*ret_code = EXIT_OK;
	while (c == ',') {
		err = list_element(l, &text, &len);
		if (err)
			return err;
		if (len) /* else it is empty: [] */
			*ret_code = element(arg, text, len);
		if (*ret_code)
			return 0;
		err = list_octet(l, &c);
		if (err)
			return err;
	}
	for (i = 0; i < sizeof(tail) - 1; i++) {
		err = list_octet(l, &c);
		if (err)
			return err;
		if (c != tail[i])
			return -EBADMSG;
	}
	return 0;
}

int ask_each(const struct options *o, const char *command, json_t *options,
	     int (*element)(void *arg, const char *text, size_t len), void *arg)
{
	struct list l = { 0 };
	int code = ask_list(o, command, options, &l.r, &l.fd), err;

	if (code)
		return code;
	l.at = (size_t)(l.r.result - l.r.line) + 1;
	err = *l.r.result == '[' ? each(&l, element, arg, &code) : -EBADMSG;
	if (err == -EBADMSG || err == -EMSGSIZE) {
		complain("the answer is no list; is --socket right?");
		code = EXIT_REFUSED;
	} else if (err) {
		code = reply_broken(o, err);
	}
	close(l.fd);
	reply_free(&l.r);
	return code;
}
