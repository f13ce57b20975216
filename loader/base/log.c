/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The one piece of global state of the daemon: where its lines go. */
static struct {
	enum log_level most;
	bool journal;
} out = { .most = LOG_INFO, .journal = false };

void log_open(enum log_level most_verbose)
{
	out.most = most_verbose;
	out.journal = getenv("JOURNAL_STREAM") != NULL;
}

enum log_level log_level_now(void)
{
	return out.most;
}

/* Appends to line[0..cap), keeping its NUL; returns the new length. */
static size_t append(char *line, size_t at, size_t cap, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static size_t append(char *line, size_t at, size_t cap, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (at + 1 >= cap)
		return at;
	va_start(ap, fmt);
	n = vsnprintf(line + at, cap - at, fmt, ap);
	va_end(ap);
	if (n < 0)
		return at;
	return (size_t)n < cap - at ? at + (size_t)n : cap - 1;
}

static size_t put_prefix(char *line, size_t cap, enum log_level level)
{
	static const char *const names[] = { [LOG_ERROR] = "error: ",
					     [LOG_WARN] = "warning: ",
					     [LOG_NOTE] = "",
					     [LOG_INFO] = "",
					     [LOG_DEBUG] = "debug: " };
	struct timespec ts;
	struct tm tm;
	size_t at = 0;

	if (out.journal)
		return append(line, 0, cap, "<%d>%s", (int)level, names[level]);
	clock_gettime(CLOCK_REALTIME, &ts);
	if (gmtime_r(&ts.tv_sec, &tm))
		at = strftime(line, cap, "%Y-%m-%dT%H:%M:%S", &tm);
	return append(line, at, cap, ".%03ldZ %s", ts.tv_nsec / 1000000, names[level]);
}

static size_t put_who(char *line, size_t at, size_t cap, const struct log_who *who)
{
	char quoted[LOG_QUOTE_LEN];
	size_t from = at;

	if (!who)
		return at;
	if (who->tunnel)
		at = append(line, at, cap, "tunnel %u ", who->tunnel);
	if (who->peer)
		at = append(line, at, cap, "peer %s ", who->peer);
	if (who->session)
		at = append(line, at, cap, "session %u ", who->session);
	if (who->user && *who->user)
		at = append(line, at, cap, strchr(who->user, ' ') ? "user \"%s\" " : "user %s ",
			    log_quote(who->user, strlen(who->user), quoted, sizeof(quoted)));
	if (at > from) { /* "tunnel 7 " becomes "tunnel 7: " */
		at--;
		at = append(line, at, cap, ": ");
	}
	return at;
}

void log_msg(enum log_level level, const struct log_who *who, const char *fmt, ...)
{
	char line[1024];
	size_t at;
	va_list ap;
	int n;

	if (level > out.most)
		return;
	at = put_prefix(line, sizeof(line) - 1, level);
	at = put_who(line, at, sizeof(line) - 1, who);
	va_start(ap, fmt);
	n = vsnprintf(line + at, sizeof(line) - 1 - at, fmt, ap);
	va_end(ap);
	if (n > 0)
		at += (size_t)n < sizeof(line) - 1 - at ? (size_t)n : sizeof(line) - 2 - at;
	line[at++] = '\n';
	/* one write, so that lines of several processes do not mix; nothing to do if it fails */
	if (write(STDERR_FILENO, line, at) < 0)
		return;
}

bool log_allowed(struct log_limit *l, msec_t now, unsigned int burst, msec_t every)
{
	if (!l->used) {
		l->used = true;
		l->stamp = now;
		l->tokens = burst;
	}
	if (every && now - l->stamp >= every) {
		msec_t more = (now - l->stamp) / every;

		l->stamp += more * every;
		l->tokens = more + l->tokens > burst ? burst : l->tokens + (uint32_t)more;
	}
	if (!l->tokens) {
		l->suppressed++;
		return false;
	}
	l->tokens--;
	if (l->suppressed) {
		log_note(NULL, "%u more lines like the next one were left out", l->suppressed);
		l->suppressed = 0;
	}
	return true;
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 127 && c != '"' && c != '\\';
}

const char *log_quote(const void *in, size_t n, char *quoted, size_t cap)
{
	const unsigned char *p = in;
	size_t need = 1, at = 0, room;

	if (!cap)
		return quoted;
	for (size_t i = 0; i < n && need <= cap; i++)
		need += is_plain(p[i]) ? 1 : 4;
	room = need <= cap ? cap - 1 : cap > 4 ? cap - 4 : 0;
	for (size_t i = 0; i < n && at + (is_plain(p[i]) ? 1 : 4) <= room; i++) {
		if (is_plain(p[i]))
			quoted[at++] = (char)p[i];
		else
			at = append(quoted, at, cap, "\\x%02x", p[i]);
	}
	quoted[at] = '\0';
	if (need > cap)
		append(quoted, at, cap, "...");
	return quoted;
}
