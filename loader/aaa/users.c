/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Users and addresses: this room.
 *
 *   file.c    small files with secrets
 *   users.c   who may come in: the table of users (this file)
 *   pool.c    what they get: IPv4 addresses and IPv6 /64s
 *
 * The table is a file in the format of pppd's chap-secrets (pppd(8), AUTHENTICATION), so
 * that an operator who comes from pppd keeps the file. It is read whole, decoded into one
 * arena that is wiped at the end, and found again by a hash over (client, server).
 *
 *   line    client server secret [address ...] [-- option ...]
 *   word    quotes "" and '' around any part of it; backslash escapes as in C, \s a space;
 *           backslash-newline is nothing; # begins a comment, except inside quotes
 *   "*"     any client, any server; the better match wins: server by name before client
 *           by name, the earlier line before the later
 *   @/path  the secret is the first word of that file
 *
 * Stricter than pppd: what pppd skips in silence (lines with fewer than three words, words
 * that are too long, quotes that run over the end of the line, an empty secret, which pppd
 * takes for "any password") is an error with its line here, because a subscriber who
 * cannot log in is found out too late.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/aaa/aaa.h"
#include "loader/aaa/file.h"
#include "loader/base/log.h"

#define USERS_MAX_FILE (256u << 20)
#define SECRET_MAX_FILE (64u << 10)
#define WORD_MAX 1023u /* pppd's MAXWORDLEN, less the NUL */
#define DUPLICATES_NAMED 5u /* so many are named on the log, the rest counted */

struct entry {
	const char *client, *server; /* in the arena */
	const char *secret; /* in the arena, or own */
	char *own; /* secret of an @file */
	size_t secret_len;
	struct ipaddr ipv4;
	unsigned int line;
	bool no_ipv4;
};

struct users {
	char *arena; /* decoded words, each with a NUL behind it */
	size_t arena_len;
	struct entry *entries;
	size_t n, cap;
	uint32_t *buckets; /* 1 + index of the entry, 0: free */
	uint32_t mask;
};

/* ---- words ---- */

enum token { TOKEN_WORD, TOKEN_NEWLINE, TOKEN_END, TOKEN_BAD };

struct scanner {
	const char *p, *end;
	char *out; /* room for all that is left, and a NUL */
	unsigned int line;
	const char *why; /* of TOKEN_BAD */
	const char *word; /* of TOKEN_WORD */
	size_t len;
};

static bool at(const struct scanner *s, char c)
{
	return s->p < s->end && *s->p == c;
}

/* White space and comments up to the next word or the end of the line. */
static void skip_blank(struct scanner *s)
{
	bool comment = false;

	for (; s->p < s->end && *s->p != '\n'; s->p++) {
		if (comment)
			continue;
		if (*s->p == '\\' && s->end - s->p > 1 && s->p[1] == '\n') {
			s->line++;
			s->p++;
		} else if (*s->p == '#') {
			comment = true;
		} else if (!isspace((unsigned char)*s->p)) {
			return;
		}
	}
}

static unsigned int digits(struct scanner *s, unsigned int base, unsigned int most)
{
	unsigned int value = 0, n, digit;

	for (n = 0; n < most && s->p < s->end; n++, s->p++) {
		unsigned char c = (unsigned char)*s->p;

		if (!isxdigit(c))
			break;
		digit = (unsigned int)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
		if (digit >= base)
			break;
		value = value * base + digit;
	}
	return value;
}

/* What stands behind a backslash; s->p is at it. */
static void unescape(struct scanner *s)
{
	static const char from[] = "abfnrst", to[] = "\a\b\f\n\r \t";
	const char *known;
	char c;

	if (s->p == s->end)
		return;
	c = *s->p;
	if (c == '\n') {
		s->line++;
		s->p++;
		return;
	}
	if (c >= '0' && c <= '7') {
		*s->out++ = (char)digits(s, 8, 3);
		return;
	}
	s->p++;
	known = c ? strchr(from, c) : NULL;
	if (known)
		*s->out++ = to[known - from];
	else if (c == 'x')
		*s->out++ = (char)digits(s, 16, 2);
	else
		*s->out++ = c;
}

static enum token bad(struct scanner *s, const char *why)
{
	s->why = why;
	return TOKEN_BAD;
}

static enum token next_word(struct scanner *s)
{
	char *start = s->out;
	char quote = 0;

	for (; s->p < s->end; s->p++) {
		char c = *s->p;

		if (c == '\\') {
			s->p++;
			unescape(s);
			s->p--;
		} else if (quote && c == quote) {
			quote = 0;
		} else if (quote && c == '\n') {
			break;
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
		} else if (!quote && (isspace((unsigned char)c) || c == '#')) {
			break;
		} else {
			*s->out++ = c;
		}
	}
	if (quote)
		return bad(s, "a quote is not closed on its line; close it, or write \\\" or \\'");
	s->word = start;
	s->len = (size_t)(s->out - start);
	*s->out++ = '\0';
	if (s->len > WORD_MAX)
		return bad(s, "a word is longer than 1023 octets; shorten it");
	return TOKEN_WORD;
}

static enum token next_token(struct scanner *s)
{
	skip_blank(s);
	if (s->p == s->end)
		return TOKEN_END;
	if (at(s, '\n')) {
		s->p++;
		s->line++;
		return TOKEN_NEWLINE;
	}
	return next_word(s);
}

/* ---- lines ---- */

struct load {
	struct users *users;
	struct scanner scan;
	const char *file;
	char *err;
	size_t errlen;
	unsigned int line; /* of the entry's first word */
};

__attribute__((format(printf, 2, 3))) static int fault(struct load *ld, const char *fmt, ...)
{
	va_list ap;
	int n;

	n = snprintf(ld->err, ld->errlen, "%s:%u: ", ld->file, ld->line);
	if (n < 0 || (size_t)n >= ld->errlen)
		return -EINVAL;
	va_start(ap, fmt);
	vsnprintf(ld->err + n, ld->errlen - (size_t)n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int no_memory(struct load *ld)
{
	fault(ld, "no memory for so many users; shorten the file");
	return -ENOMEM;
}

/* @/path: the first word of that file. */
static int secret_from_file(struct load *ld, struct entry *e, const char *path)
{
	struct scanner s = { .line = 1 };
	char quoted[LOG_QUOTE_LEN];
	struct file f = { 0 };
	char *own = NULL;
	enum token t;
	int err;

	log_quote(path, strlen(path), quoted, sizeof(quoted));
	err = file_read(path, SECRET_MAX_FILE, &f);
	if (err) {
		fault(ld, "secret file %s: %s; make it a readable file of one word", quoted,
		      strerror(-err));
		return err;
	}
	if (f.exposed)
		log_warn(NULL, "%s:%u: secret file %s can be read by others; chmod 600 it",
			 ld->file, ld->line, quoted);
	own = malloc(f.len + 1);
	if (!own) {
		file_wipe(&f);
		return no_memory(ld);
	}
	s.p = f.text;
	s.end = f.text + f.len;
	s.out = own;
	while ((t = next_token(&s)) == TOKEN_NEWLINE)
		;
	if (t == TOKEN_WORD && s.len) {
		e->own = own;
		e->secret = s.word;
		e->secret_len = s.len;
		file_wipe(&f);
		return 0;
	}
	explicit_bzero(own, f.len + 1);
	free(own);
	file_wipe(&f);
	return fault(ld, "secret file %s holds no word; write the secret into it", quoted);
}

/* The fourth column and those behind it, up to the end of the line. */
static enum token read_addresses(struct load *ld, struct entry *e)
{
	struct scanner *s = &ld->scan;
	unsigned int n = 0;
	bool options = false;
	struct prefix p;
	enum token t;

	while ((t = next_token(s)) == TOKEN_WORD) {
		char quoted[LOG_QUOTE_LEN];

		if (options)
			continue;
		if (!strcmp(s->word, "--")) {
			options = true;
			continue;
		}
		if (n++)
			return bad(s, "more than one address; give one IPv4 address, *, - or none");
		if (!strcmp(s->word, "*"))
			continue;
		if (!strcmp(s->word, "-")) {
			e->no_ipv4 = true;
			continue;
		}
		if (!prefix_parse(s->word, &p) && addr_is_v4(&p.addr) && p.len == 32 &&
		    addr_v4(&p.addr)) {
			e->ipv4 = p.addr;
			continue;
		}
		log_quote(s->word, s->len, quoted, sizeof(quoted));
		fault(ld, "%s is no single IPv4 address; write one as 192.0.2.7, *, - or nothing",
		      quoted);
		return bad(s, NULL);
	}
	return t;
}

/* A name with a NUL in it could never be asked for. */
static bool name_ok(const struct scanner *s)
{
	return !memchr(s->word, '\0', s->len);
}

static int entry_add(struct load *ld, const struct entry *e)
{
	struct users *u = ld->users;
	struct entry *grown;
	size_t cap;

	if (u->n == u->cap) {
		cap = u->cap ? u->cap * 2 : 64;
		grown = reallocarray(u->entries, cap, sizeof(*grown));
		if (!grown)
			return no_memory(ld);
		u->entries = grown;
		u->cap = cap;
	}
	u->entries[u->n++] = *e;
	return 0;
}

static void entry_wipe(struct entry *e)
{
	if (e->own)
		explicit_bzero(e->own, e->secret_len);
	free(e->own);
}

/* The line whose first word has just been read. TOKEN_BAD with ld->err filled, or how the
 * line ended. */
static enum token read_line(struct load *ld)
{
	struct scanner *s = &ld->scan;
	struct entry e = { .client = s->word, .line = ld->line };
	const char *few = "a line has client, server and secret, and this one has not; "
			  "write all three, * for any client or server";
	enum token t;

	if (!name_ok(s))
		return bad(s, "a client name holds a NUL; remove it");
	t = next_token(s);
	if (t != TOKEN_WORD)
		return t == TOKEN_BAD ? t : bad(s, few);
	if (!name_ok(s))
		return bad(s, "a server name holds a NUL; remove it");
	e.server = s->word;
	t = next_token(s);
	if (t != TOKEN_WORD)
		return t == TOKEN_BAD ? t : bad(s, few);
	e.secret = s->word;
	e.secret_len = s->len;
	if (!s->len)
		return bad(s, "the secret is empty; give one, or remove the line");
	if (s->len > 1 && s->word[0] == '@' && s->word[1] == '/' &&
	    secret_from_file(ld, &e, s->word + 1))
		t = bad(s, NULL);
	else
		t = read_addresses(ld, &e);
	if (t != TOKEN_BAD && entry_add(ld, &e))
		t = bad(s, NULL);
	if (t == TOKEN_BAD)
		entry_wipe(&e);
	return t;
}

static int read_lines(struct load *ld)
{
	struct scanner *s = &ld->scan;
	enum token t;

	do {
		t = next_token(s);
		ld->line = s->line;
		if (t == TOKEN_WORD)
			t = read_line(ld);
	} while (t == TOKEN_NEWLINE);
	if (t == TOKEN_END)
		return 0;
	return s->why ? fault(ld, "%s", s->why) : -EINVAL;
}

/* ---- the table ---- */

/* FNV-1a. Who asks cannot choose what is in the table, so it needs no key. */
static uint32_t hash(const char *client, const char *server)
{
	uint32_t h = 2166136261u;

	for (; *client; client++)
		h = (h ^ (uint8_t)*client) * 16777619u;
	h = (h ^ 0xff) * 16777619u;
	for (; *server; server++)
		h = (h ^ (uint8_t)*server) * 16777619u;
	return h ^ h >> 15;
}

/* The bucket of this pair, or the free one where it would stand. */
static uint32_t *bucket_of(const struct users *u, const char *client, const char *server)
{
	uint32_t i = hash(client, server) & u->mask;

	for (; u->buckets[i]; i = (i + 1) & u->mask) {
		const struct entry *e = &u->entries[u->buckets[i] - 1];

		if (!strcmp(e->client, client) && !strcmp(e->server, server))
			break;
	}
	return &u->buckets[i];
}

static int index_entries(struct load *ld)
{
	struct users *u = ld->users;
	uint32_t size = 16, *bucket;
	size_t i, duplicates = 0;

	while (size < u->n * 2)
		size *= 2;
	u->buckets = calloc(size, sizeof(*u->buckets));
	if (!u->buckets)
		return no_memory(ld);
	u->mask = size - 1;
	for (i = 0; i < u->n; i++) {
		bucket = bucket_of(u, u->entries[i].client, u->entries[i].server);
		if (!*bucket)
			*bucket = (uint32_t)i + 1;
		else if (duplicates++ < DUPLICATES_NAMED)
			log_warn(NULL,
				 "%s:%u: the same client and server as on line %u, which counts",
				 ld->file, u->entries[i].line, u->entries[*bucket - 1].line);
	}
	if (duplicates > DUPLICATES_NAMED)
		log_warn(NULL, "%s: %zu lines in all repeat an earlier client and server", ld->file,
			 duplicates);
	return 0;
}

static unsigned int lines_in(const char *text, size_t len)
{
	unsigned int n = 1;
	size_t i;

	for (i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

int users_parse(const char *file, const char *text, size_t len, struct users **ret, char *err,
		size_t errlen)
{
	struct load ld = { .file = file, .err = err, .errlen = errlen, .line = 1 };
	const char *nul = len ? memchr(text, '\0', len) : NULL;
	struct users *u;
	int r;

	if (errlen)
		err[0] = '\0';
	if (nul) {
		ld.line = lines_in(text, (size_t)(nul - text));
		return fault(&ld, "a NUL octet; this is not a text file, check the path");
	}
	u = ld.users = calloc(1, sizeof(*u));
	if (!u)
		return no_memory(&ld);
	/* a word grows by its NUL, and something stands between two words */
	u->arena_len = len + 1;
	u->arena = malloc(u->arena_len);
	r = u->arena ? 0 : no_memory(&ld);
	ld.scan = (struct scanner){ .p = text, .end = text + len, .out = u->arena, .line = 1 };
	if (!r)
		r = read_lines(&ld);
	if (!r)
		r = index_entries(&ld);
	if (r) {
		users_free(u);
		return r;
	}
	*ret = u;
	return 0;
}

int users_load(const char *path, struct users **ret, char *err, size_t errlen)
{
	struct file f = { 0 };
	int r;

	r = file_read(path, USERS_MAX_FILE, &f);
	if (r) {
		snprintf(err, errlen, "%s:1: %s; name a readable users file", path,
			 r == -EINVAL ? "not a regular file" : strerror(-r));
		return r;
	}
	if (f.exposed)
		log_warn(NULL, "%s:1: others than the owner can read the secrets; chmod 600 it",
			 path);
	r = users_parse(path, f.text, f.len, ret, err, errlen);
	file_wipe(&f);
	return r;
}

void users_free(struct users *u)
{
	size_t i;

	if (!u)
		return;
	for (i = 0; i < u->n; i++)
		entry_wipe(&u->entries[i]);
	if (u->arena)
		explicit_bzero(u->arena, u->arena_len);
	free(u->arena);
	free(u->entries);
	free(u->buckets);
	free(u);
}

int users_find(const struct users *u, const char *client, const char *server,
	       struct user_entry *ret)
{
	const char *const order[][2] = {
		{ client, server }, { "*", server }, { client, "*" }, { "*", "*" }
	};
	const struct entry *e;
	uint32_t found = 0;
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]) && !found; i++)
		found = *bucket_of(u, order[i][0], order[i][1]);
	if (!found)
		return -ENOENT;
	e = &u->entries[found - 1];
	*ret = (struct user_entry){ .secret = e->secret,
				    .secret_len = e->secret_len,
				    .ipv4 = e->ipv4,
				    .no_ipv4 = e->no_ipv4 };
	return 0;
}

size_t users_addresses(const struct users *u, struct ipaddr *ret, size_t cap)
{
	size_t i, n = 0;

	for (i = 0; i < u->n; i++) {
		if (!addr_is_set(&u->entries[i].ipv4))
			continue;
		if (n < cap)
			ret[n] = u->entries[i].ipv4;
		n++;
	}
	return n;
}

unsigned int users_count(const struct users *u)
{
	return (unsigned int)u->n;
}
