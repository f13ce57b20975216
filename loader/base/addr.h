/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, prefixes and the pair of transport addresses that a datagram travels by. */
#ifndef L2XDP_BASE_ADDR_H
#define L2XDP_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* IPv4 is kept v4-mapped (::ffff:a.b.c.d); network order. All zeros: no address. */
struct ipaddr {
	uint8_t b[16];
};

struct prefix {
	struct ipaddr addr;
	uint8_t len; /* as written: 0..32 for IPv4, 0..128 for IPv6 */
};

/* Where a datagram comes from and goes to, seen from here. Ports in host order. */
struct path {
	struct ipaddr local, peer;
	uint16_t local_port, peer_port;
};

#define ADDR_STRLEN 46 /* an address as text, with NUL */
#define PREFIX_STRLEN 50
#define PATH_STRLEN 64 /* "192.0.2.1:1701", "[2001:db8::1]:1701" */

bool addr_is_v4(const struct ipaddr *a);
bool addr_is_set(const struct ipaddr *a);
bool addr_eq(const struct ipaddr *a, const struct ipaddr *b);
struct ipaddr addr_from_v4(uint32_t host_order);
uint32_t addr_v4(const struct ipaddr *a); /* host order; of an IPv6 address: 0 */
uint64_t addr_v6_upper(const struct ipaddr *a); /* upper 64 bits, host order */

/* Text to address. 0, or -EINVAL. `ret` is not touched on failure. */
int addr_parse(const char *text, struct ipaddr *ret);
/* "a.b.c.d/n", "x::/n"; host bits beyond n must be 0 (else -EDOM); without "/n": whole. */
int prefix_parse(const char *text, struct prefix *ret);
bool prefix_contains(const struct prefix *p, const struct ipaddr *a);
const char *addr_str(const struct ipaddr *a, char buf[static ADDR_STRLEN]);
const char *prefix_str(const struct prefix *p, char buf[static PREFIX_STRLEN]);
/* "address:port" of one end */
const char *endpoint_str(const struct ipaddr *a, uint16_t port, char buf[static PATH_STRLEN]);

socklen_t addr_to_sockaddr(const struct ipaddr *a, uint16_t port, struct sockaddr_storage *ret);
int addr_from_sockaddr(const struct sockaddr *sa, struct ipaddr *ret_addr, uint16_t *ret_port);

bool path_eq(const struct path *a, const struct path *b);

#endif
