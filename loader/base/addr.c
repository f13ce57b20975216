/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool addr_is_v4(const struct ipaddr *a)
{
	return !memcmp(a->b, v4_mapped, sizeof(v4_mapped));
}

bool addr_is_set(const struct ipaddr *a)
{
	static const struct ipaddr none;

	return memcmp(a, &none, sizeof(none)) != 0;
}

bool addr_eq(const struct ipaddr *a, const struct ipaddr *b)
{
	return !memcmp(a->b, b->b, sizeof(a->b));
}

struct ipaddr addr_from_v4(uint32_t host_order)
{
	struct ipaddr a;

	memcpy(a.b, v4_mapped, sizeof(v4_mapped));
	a.b[12] = (uint8_t)(host_order >> 24);
	a.b[13] = (uint8_t)(host_order >> 16);
	a.b[14] = (uint8_t)(host_order >> 8);
	a.b[15] = (uint8_t)host_order;
	return a;
}

uint32_t addr_v4(const struct ipaddr *a)
{
	if (!addr_is_v4(a))
		return 0;
	return (uint32_t)a->b[12] << 24 | (uint32_t)a->b[13] << 16 | (uint32_t)a->b[14] << 8 |
	       a->b[15];
}

uint64_t addr_v6_upper(const struct ipaddr *a)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | a->b[i];
	return v;
}

int addr_parse(const char *text, struct ipaddr *ret)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*ret = addr_from_v4(ntohl(v4.s_addr));
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6) == 1) {
		memcpy(ret->b, &v6, sizeof(ret->b));
		return 0;
	}
	return -EINVAL;
}

/* Bits of the 16 octets that a prefix of this length covers. */
static unsigned int mapped_bits(const struct prefix *p)
{
	return addr_is_v4(&p->addr) ? 96u + p->len : p->len;
}

static bool same_bits(const struct ipaddr *a, const struct ipaddr *b, unsigned int bits)
{
	unsigned int whole = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	if (memcmp(a->b, b->b, whole) != 0)
		return false;
	return !rest || !((a->b[whole] ^ b->b[whole]) & mask);
}

static bool host_bits_clear(const struct prefix *p)
{
	unsigned int bits = mapped_bits(p);

	for (unsigned int i = bits; i < 128; i++)
		if (p->addr.b[i / 8] & (0x80u >> (i % 8)))
			return false;
	return true;
}

int prefix_parse(const char *text, struct prefix *ret)
{
	char addr[ADDR_STRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	struct prefix p;
	unsigned long len, most;
	char *end;

	if (!n || n >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (addr_parse(addr, &p.addr))
		return -EINVAL;
	most = addr_is_v4(&p.addr) ? 32 : 128;
	len = most;
	if (slash) {
		if (slash[1] < '0' || slash[1] > '9')
			return -EINVAL;
		len = strtoul(slash + 1, &end, 10);
		if (*end || len > most)
			return -EINVAL;
	}
	p.len = (uint8_t)len;
	if (!host_bits_clear(&p))
		return -EDOM;
	*ret = p;
	return 0;
}

bool prefix_contains(const struct prefix *p, const struct ipaddr *a)
{
	/* ::/0 must not take in IPv4 addresses, which are v4-mapped here */
	if (addr_is_v4(&p->addr) != addr_is_v4(a))
		return false;
	return same_bits(&p->addr, a, mapped_bits(p));
}

const char *addr_str(const struct ipaddr *a, char buf[static ADDR_STRLEN])
{
	if (addr_is_v4(a))
		inet_ntop(AF_INET, a->b + 12, buf, ADDR_STRLEN);
	else
		inet_ntop(AF_INET6, a->b, buf, ADDR_STRLEN);
	return buf;
}

const char *prefix_str(const struct prefix *p, char buf[static PREFIX_STRLEN])
{
	char addr[ADDR_STRLEN];

	snprintf(buf, PREFIX_STRLEN, "%s/%u", addr_str(&p->addr, addr), p->len);
	return buf;
}

const char *endpoint_str(const struct ipaddr *a, uint16_t port, char buf[static PATH_STRLEN])
{
	char addr[ADDR_STRLEN];

	if (!port) /* directly over IP */
		return addr_str(a, buf);
	snprintf(buf, PATH_STRLEN, addr_is_v4(a) ? "%s:%u" : "[%s]:%u", addr_str(a, addr), port);
	return buf;
}

socklen_t addr_to_sockaddr(const struct ipaddr *a, uint16_t port, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (addr_is_v4(a)) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, a->b + 12, 4);
		return sizeof(*in);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, a->b, 16);
		return sizeof(*in6);
	}
}

int addr_from_sockaddr(const struct sockaddr *sa, struct ipaddr *ret_addr, uint16_t *ret_port)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

		*ret_addr = addr_from_v4(ntohl(in->sin_addr.s_addr));
		*ret_port = ntohs(in->sin_port);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

		memcpy(ret_addr->b, &in6->sin6_addr, 16);
		*ret_port = ntohs(in6->sin6_port);
		return 0;
	}
	return -EAFNOSUPPORT;
}

bool path_eq(const struct path *a, const struct path *b)
{
	return addr_eq(&a->local, &b->local) && addr_eq(&a->peer, &b->peer) &&
	       a->local_port == b->local_port && a->peer_port == b->peer_port;
}
