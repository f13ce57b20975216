/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line per event to stderr, with "<N>" priorities under systemd (JOURNAL_STREAM).
 * Identity first: "tunnel 7 peer 192.0.2.1 session 12 user joe: text". Whatever came
 * from the network goes through log_quote. Secrets are never an argument.
 */
#ifndef L2XDP_BASE_LOG_H
#define L2XDP_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/base/timers.h"

enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_NOTE = 5, LOG_INFO = 6, LOG_DEBUG = 7 };

/* What a line is about. Zero or NULL members are left out. */
struct log_who {
	uint32_t tunnel, session; /* our IDs */
	const char *peer; /* the peer's configured name or its address */
	const char *user; /* as the user sent it; quoted by the logger */
};

void log_open(enum log_level most_verbose); /* LOG_INFO unless told */
enum log_level log_level_now(void);
void log_msg(enum log_level level, const struct log_who *who, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Allows `burst` lines at once and then one per `every` ms; says how many were left out.
 * Zero-initialise; use one per kind of line that a stranger can cause. */
struct log_limit {
	msec_t stamp;
	uint32_t tokens, suppressed;
	bool used;
};
bool log_allowed(struct log_limit *l, msec_t now, unsigned int burst, msec_t every);

/* Printable form of n untrusted octets, on one line: control characters, quotes,
 * backslashes and bytes >= 127 as \xNN; cut with "..." when `out` is full. Returns out. */
const char *log_quote(const void *in, size_t n, char *out, size_t cap);
#define LOG_QUOTE_LEN 128

#define log_error(who, ...) log_msg(LOG_ERROR, who, __VA_ARGS__)
#define log_warn(who, ...) log_msg(LOG_WARN, who, __VA_ARGS__)
#define log_note(who, ...) log_msg(LOG_NOTE, who, __VA_ARGS__)
#define log_info(who, ...) log_msg(LOG_INFO, who, __VA_ARGS__)
#define log_debug(who, ...) log_msg(LOG_DEBUG, who, __VA_ARGS__)

#endif
