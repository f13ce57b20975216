/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request to the daemon and its answer: a JSON object a line each way. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "loader/base/log.h"

#define PATIENCE_S 30

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

static int dial(const char *path, int *ret_fd)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (!*path || strlen(path) >= sizeof(sa.sun_path))
		return no_daemon(path, ENAMETOOLONG);
	memcpy(sa.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&sa, sizeof(sa))) {
		int err = errno;

		if (fd >= 0)
			close(fd);
		return no_daemon(path, err);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	*ret_fd = fd;
	return EXIT_OK;
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

/* Up to the end of the line. */
static int receive(int fd, struct reply *ret)
{
	size_t cap = 1u << 16, len = 0;
	char *buf = malloc(cap), *grown;
	ssize_t n;

	while (buf) {
		if (len + 1 == cap) {
			grown = realloc(buf, cap *= 2);
			if (!grown)
				break;
			buf = grown;
		}
		n = recv(fd, buf + len, cap - len - 1, 0);
		if (n <= 0) {
			free(buf);
			return n ? -errno : -EPIPE;
		}
		len += (size_t)n;
		if (buf[len - 1] == '\n') {
			buf[len] = '\0';
			ret->line = buf;
			ret->len = len;
			return 0;
		}
	}
	free(buf);
	return -ENOMEM;
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

/* An answer that is long begins like this and is not parsed as a whole. */
static int open_reply(struct reply *r)
{
	static const char head[] = "{\"ok\":true,\"result\":";
	json_t *v;
	int code;

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

int ask(const struct options *o, const char *command, json_t *arguments, json_t *options,
	struct reply *ret)
{
	struct reply r = { 0 };
	json_t *request;
	char *line = NULL;
	size_t len;
	int fd = -1, code, err;

	request = json_pack("{s:s, s:o*, s:o*}", "command", command, "arguments", arguments,
			    "options", options);
	if (request)
		line = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (!line) {
		complain("an argument is not UTF-8; write it so");
		return EXIT_USAGE;
	}
	code = dial(o->socket, &fd);
	if (code)
		goto out;
	len = strlen(line);
	line[len] = '\n'; /* in place of the NUL */
	err = send_all(fd, line, len + 1);
	/* a daemon that has no room says so at once, and may not read the request */
	if (!err || err == -EPIPE)
		err = receive(fd, &r);
	close(fd);
	if (err) {
		complain("no answer from l2xdpd at %s: %s; look at its log", safe(o->socket),
			 err == -EAGAIN  ? "it takes too long"
			 : err == -EPIPE ? "it closed the connection"
					 : strerror(-err));
		code = EXIT_NO_DAEMON;
		goto out;
	}
	code = open_reply(&r);
	if (code)
		reply_free(&r);
	else
		*ret = r;
out:
	free(line);
	return code;
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

int reply_each(const struct reply *r, void (*fn)(struct table *t, const json_t *v), struct table *t)
{
	const char *p = r->result, *end = p + r->result_len;
	json_error_t at;
	json_t *v;

	if (p == end || *p != '[')
		goto bad;
	p++;
	while (p < end && *p != ']') {
		v = json_loadb(p, (size_t)(end - p), JSON_DISABLE_EOF_CHECK, &at);
		if (!v)
			goto bad;
		fn(t, v);
		json_decref(v);
		p += at.position;
		if (p < end && *p == ',')
			p++;
	}
	return EXIT_OK;
bad:
	complain("the answer is no list; is --socket right?");
	return EXIT_REFUSED;
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
