/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Users and addresses. Users come from a file in pppd's chap-secrets format; address
 * pools are ranges of IPv4 addresses and of IPv6 /64s.
 */
#ifndef L2XDP_AAA_AAA_H
#define L2XDP_AAA_AAA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/base/addr.h"
#include "loader/base/ids.h"
#include "loader/base/timers.h"

/* ---- users: client server secret addresses (pppd(8), AUTHENTICATION) ---- */
struct users;

/* Reads the file. On failure a negative errno and, in err, "file:line: what; remedy".
 * A file that others can read is a warning on the log. Quotes, escapes, comments,
 * "*" for client or server, and "@file" secrets as pppd has them; the fourth and
 * following columns: one IPv4 address is the static one, "*" or nothing: any, "-":
 * none. Options after "--" are ignored. */
int users_load(const char *path, struct users **ret, char *err, size_t errlen);
/* The same from memory: `file` is what messages call it. */
int users_parse(const char *file, const char *text, size_t len, struct users **ret, char *err,
		size_t errlen);
void users_free(struct users *u); /* wipes the secrets */

struct user_entry {
	const char *secret; /* the table's */
	size_t secret_len;
	struct ipaddr ipv4; /* static address, or not set */
	bool no_ipv4; /* "-" */
};
/* The entry for this client name at this server name (pppd's best-match rule: exact
 * names before "*"). -ENOENT if none. */
int users_find(const struct users *u, const char *client, const char *server,
	       struct user_entry *ret);
/* How many lines have a static address; the first `cap` of these go to ret. */
size_t users_addresses(const struct users *u, struct ipaddr *ret, size_t cap);
unsigned int users_count(const struct users *u);

/* ---- failed authentications ---- */
/* Lines (a LAC's address and the number that calls) whose last authentications have failed: `most` in
 * a row, none of them a minute after the one before, are too many, until a minute after the
 * last. The number comes from the LAC, so a subscriber cannot count for another's. */
struct failures;
#define FAILURES_KEY 128 /* octets of the longest key, with its NUL */

/* Of fixed size, about 0.6 MB. NULL on lack of memory. */
struct failures *failures_new(unsigned int most, random_fn *random, void *ctx);
void failures_free(struct failures *f);
/* One more. True: just now it has become too many. */
bool failures_add(struct failures *f, msec_t now, const char *key);
void failures_end(struct failures *f, const char *key); /* one that was right */
bool failures_too_many(struct failures *f, msec_t now, const char *key);

/* ---- pools ---- */
struct pool;

/* Ranges must be prefixes; at most L2X_MAX_WINDOW_SLOTS addresses of each are used.
 * Network and broadcast address of an IPv4 prefix shorter than /31 and everything in
 * `reserved` (our own addresses) are never handed out. */
int pool_new(const char *name, const struct prefix *v4, unsigned int n_v4, const struct prefix *v6,
	     unsigned int n_v6, const struct ipaddr *reserved, unsigned int n_reserved,
	     random_fn *random, void *ctx, struct pool **ret);
void pool_free(struct pool *p);
/* -ENOSPC when used up, -ENOENT when the pool has no range of that family. An address is
 * handed out again as late as possible. */
int pool_take4(struct pool *p, struct ipaddr *ret);
int pool_take6(struct pool *p, struct prefix *ret); /* a /64 */
/* A certain address (static users): -EBUSY if held, -ENOENT if outside the pool. */
int pool_claim4(struct pool *p, const struct ipaddr *a);
int pool_claim6(struct pool *p, const struct prefix *a); /* a /64, the same */
void pool_release4(struct pool *p, const struct ipaddr *a);
void pool_release6(struct pool *p, const struct prefix *a);
struct pool_use {
	uint64_t size4, used4, size6, used6;
};
void pool_usage(const struct pool *p, struct pool_use *ret);

#endif
