/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: SOCK_STREAM in the file system, one JSON object a line each way.
 *
 *   request   {"command": "show sessions", "arguments": ["..."], "options": {...}}
 *   answer    {"ok": true, "result": ...}  or  {"ok": false, "error": "...", "code": "..."}
 *
 * Codes: "usage", "not-found", "failed", "permission". A line of more than 64 KiB, or
 * what is not JSON, gets an error and the connection ends. At most 32 connections; one
 * that is silent for 60 s ends. Commands are a table in control.c; what they show is
 * asked from `struct lns` (loader/lns.h). docs/control-socket.md documents the fields.
 */
#ifndef L2XDP_CONTROL_CONTROL_H
#define L2XDP_CONTROL_CONTROL_H

#include <stddef.h>

struct control;
struct event_base;
struct lns;

/* Opens the socket (mode 0600, replaces a dead one, refuses a live one: -EADDRINUSE). */
int control_open(const char *path, struct event_base *base, struct lns *lns, struct control **ret,
		 char *err, size_t errlen);
void control_close(struct control *c); /* removes the socket file */

#endif
