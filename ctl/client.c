/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request to the daemon and its answer: a JSON object a line each way. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "loader/base/log.h"

#define PATIENCE_S 30
#define FIRST_CAP (1u << 16)
#define RENEWAL_TRIES 400 /* of 50 ms or more */

/* What every good answer begins with. */
static const char head[] = "{\"ok\":true,\"result\":";

static int no_daemon(const char *path, int err)
{
	if (err == EACCES || err == EPERM)
		complain("%s: permission denied; run it as root (sudo l2xdpctl ...)", safe(path));
	else if (err == ENOENT)
		complain("no l2xdpd at %s; start it (systemctl start l2xdpd, or l2xdpd --config "
			 "FILE), or name its control-socket with --socket PATH",
			 safe(path));
	else if (err == ECONNREFUSED)
		complain("l2xdpd has ended and left %s behind; start it again (systemctl start "
			 "l2xdpd, or l2xdpd --config FILE)",
			 safe(path));
	else
		complain("%s: %s; is this l2xdpd's control-socket?", safe(path), strerror(err));
	return EXIT_NO_DAEMON;
}

/* 0 or a negative errno. */
static int dial(const char *path, int *ret_fd)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, err;

	if (!*path || strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa))) {
		err = -errno;
		close(fd);
		return err;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	*ret_fd = fd;
	return 0;
}

static int send_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	for (; len; text += n, len -= (size_t)n) {
		n = send(fd, text, len, MSG_NOSIGNAL);
		if (n < 0)
			return -errno;
	}
	return 0;
}

int reply_more(int fd, struct reply *r)
{
	size_t cap = r->cap ? 2 * r->cap : FIRST_CAP;
	char *grown;
	ssize_t n;

	if (r->len + 1 >= r->cap) {
		grown = realloc(r->line, cap);
		if (!grown)
			return -ENOMEM;
		r->line = grown;
		r->cap = cap;
	}
	n = recv(fd, r->line + r->len, r->cap - r->len - 1, 0);
	if (n <= 0)
		return n ? -errno : -EPIPE;
	r->len += (size_t)n;
	r->line[r->len] = '\0';
	return 0;
}

static bool is_whole(const struct reply *r)
{
	return r->len && r->line[r->len - 1] == '\n';
}

static bool begins_list(const struct reply *r)
{
	return r->len > sizeof(head) && !memcmp(r->line, head, sizeof(head) - 1) &&
	       r->line[sizeof(head) - 1] == '[';
}

/* Up to the end of the line, or, of a list that is wanted piece by piece, a part of it. */
static int receive(int fd, bool list, struct reply *ret)
{
	struct reply r = { 0 };
	int err;

	do
		err = reply_more(fd, &r);
	while (!err && !is_whole(&r) && !(list && begins_list(&r)));
	if (err)
		reply_free(&r);
	else
		*ret = r;
	return err;
}

/* What the daemon said no to. */
static int refused(const json_t *v)
{
	const char *error = get_text(v, "error"), *code = get_text(v, "code");

	fputs("l2xdpctl: ", stderr);
	print_lines(stderr, "", *error ? error : "the daemon refused without a reason");
	if (!strcmp(code, "usage"))
		return EXIT_USAGE;
	return !strcmp(code, "needs-force") ? EXIT_FORCE : EXIT_REFUSED;
}

/* *r holds a whole line, or the beginning of a list. */
static int open_reply(struct reply *r, bool list)
{
	json_t *v;
	int code;

	if (list && begins_list(r)) {
		r->result = r->line + sizeof(head) - 1;
		return EXIT_OK;
	}
	if (r->len > sizeof(head) + 1 && !memcmp(r->line, head, sizeof(head) - 1) &&
	    !memcmp(r->line + r->len - 2, "}\n", 2)) {
		r->result = r->line + sizeof(head) - 1;
		r->result_len = r->len - (sizeof(head) - 1) - 2;
		return EXIT_OK;
	}
	v = json_loadb(r->line, r->len, 0, NULL);
	if (!v || !json_is_false(json_object_get(v, "ok"))) {
		complain("the answer is not that of l2xdpd; is --socket right?");
		code = EXIT_REFUSED;
	} else {
		code = refused(v);
	}
	json_decref(v);
	return code;
}

/* One line there, one line back. 0 or a negative errno. */
static int talk(int fd, const char *line, size_t len, bool list, struct reply *ret)
{
	int err = send_all(fd, line, len);

	/* a daemon that has no room says so at once, and may not read the request */
	return !err || err == -EPIPE ? receive(fd, list, ret) : err;
}

/* The request with the end of its line; NULL: told why. */
static char *request_line(const char *command, json_t *arguments, json_t *options)
{
	json_t *request = json_pack("{s:s, s:o*, s:o*}", "command", command, "arguments", arguments,
				    "options", options);
	char *line = request ? json_dumps(request, JSON_COMPACT) : NULL;

	json_decref(request);
	if (line)
		line[strlen(line)] = '\n'; /* in place of the NUL */
	else
		complain("an argument is not UTF-8; write it so");
	return line;
}

int reply_broken(const struct options *o, int err)
{
	complain("no answer from l2xdpd at %s: %s; look at its log", safe(o->socket),
		 err == -EAGAIN  ? "it takes too long"
		 : err == -EPIPE ? "it closed the connection"
				 : strerror(-err));
	return EXIT_NO_DAEMON;
}

/* *ret_fd is the connection, which stays open, when EXIT_OK is returned. `list`: if the result is
 * one, *ret is the beginning of it. */
static int ask_at(const struct options *o, const char *command, json_t *arguments, json_t *options,
		  bool list, struct reply *ret, int *ret_fd)
{
	char *line = request_line(command, arguments, options);
	struct reply r = { 0 };
	int fd, code, err;

	if (!line)
		return EXIT_USAGE;
	err = dial(o->socket, &fd);
	if (err) {
		free(line);
		return no_daemon(o->socket, -err);
	}
	err = talk(fd, line, strcspn(line, "\n") + 1, list, &r);
	free(line);
	code = err ? reply_broken(o, err) : open_reply(&r, list);
	if (code) {
		close(fd);
		reply_free(&r);
		return code;
	}
	*ret = r;
	*ret_fd = fd;
	return EXIT_OK;
}

int ask(const struct options *o, const char *command, json_t *arguments, json_t *options,
	struct reply *ret)
{
	int fd, code = ask_at(o, command, arguments, options, false, ret, &fd);

	if (!code)
		close(fd);
	return code;
}

int ask_list(const struct options *o, const char *command, json_t *options, struct reply *ret,
	     int *ret_fd)
{
	return ask_at(o, command, NULL, options, true, ret, ret_fd);
}

static bool answers(const char *path)
{
	static const char line[] = "{\"command\":\"show peers\"}\n";
	struct reply r = { 0 };
	int fd, err;

	if (dial(path, &fd))
		return false;
	err = talk(fd, line, sizeof(line) - 1, false, &r);
	reply_free(&r);
	close(fd);
	return !err;
}

int ask_renewed(const struct options *o, const char *command, json_t *arguments, json_t *options,
		struct reply *ret)
{
	static const struct timespec pause = { .tv_nsec = 50000000 };
	int fd, tries, code = ask_at(o, command, arguments, options, false, ret, &fd);
	char c;

	if (code)
		return code;
	/* it ends, and with it this connection */
	while (recv(fd, &c, 1, 0) > 0)
		;
	close(fd);
	for (tries = 0; tries < RENEWAL_TRIES; tries++) {
		if (answers(o->socket))
			return EXIT_OK;
		nanosleep(&pause, NULL);
	}
	complain("l2xdpd does not answer again at %s; look at its log", safe(o->socket));
	reply_free(ret);
	return EXIT_NO_DAEMON;
}

void reply_free(struct reply *r)
{
	free(r->line);
	*r = (struct reply){ 0 };
}

int reply_print(const struct reply *r)
{
	fwrite(r->result, 1, r->result_len, stdout);
	putchar('\n');
	return EXIT_OK;
}

json_t *reply_json(const struct reply *r)
{
	json_t *v = json_loadb(r->result, r->result_len, JSON_DECODE_ANY, NULL);

	if (!v)
		complain("the answer is no JSON; is --socket right?");
	return v;
}

void print_lines(FILE *out, const char *indent, const char *text)
{
	char line[2048];
	size_t n;

	for (; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		fprintf(out, "%s%s\n", indent, log_quote(text, n, line, sizeof(line)));
	}
}

json_t *words_json(int argc, char **argv)
{
	json_t *list = json_array();
	int i;

	for (i = 0; i < argc; i++)
		json_array_append_new(list, json_string(argv[i]));
	return list;
}

const char *get_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

uint64_t get_number(const json_t *o, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return v < 0 ? 0 : (uint64_t)v;
}

bool get_bool(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}
