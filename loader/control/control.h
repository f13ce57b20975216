/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: SOCK_STREAM in the file system, one JSON object a line each way.
 *
 *   request   {"command": "show sessions", "arguments": ["..."], "options": {...}}
 *   answer    {"ok": true, "result": ...}  or  {"ok": false, "error": "...", "code": "..."}
 *
 * Codes: "usage", "not-found", "needs-force", "failed". A line of more than 64 KiB, or
 * what is not JSON, gets an error and the connection ends. At most 32 connections: one more
 * takes the place of that which has been idle longest; one ends that is silent for 60 s, or takes
 * nothing of its answer for 15 minutes. Commands are a table in control.c; what they show is
 * asked from `struct lns` (loader/lns.h). docs/control-socket.md documents the fields.
 */
#ifndef L2XDP_CONTROL_CONTROL_H
#define L2XDP_CONTROL_CONTROL_H

#include <stddef.h>
#include <sys/stat.h>

struct control;
struct event_base;
struct lns;

/* The socket file, and who listens there. */
struct control_file {
	int fd; /* -1: none */
	char path[108];
	dev_t dev; /* of the file, to remove no other */
	ino_t ino;
};

/* Makes the socket (mode 0600, replaces a dead one, refuses a live one: -EADDRINUSE). From here
 * on clients may connect; they wait until somebody serves them. */
int control_listen(const char *path, struct control_file *ret, char *err, size_t errlen);
/* Closes it and removes the file. */
void control_unlisten(struct control_file *f);
/* Serves clients at a socket that listens, and that stays the caller's: where one process may
 * make the file and another, that can do less and may be replaced, answers. */
int control_serve(int fd, struct event_base *base, struct lns *lns, struct control **ret);

/* control_listen and control_serve; control_close then removes the file too. */
int control_open(const char *path, struct event_base *base, struct lns *lns, struct control **ret,
		 char *err, size_t errlen);
/* Ends all connections; each gets first what it can take at once. */
void control_close(struct control *c);

#endif
