/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for the program tests, made from a description; and the same read back from
 * what the program sent. Written apart from the program: nothing of bpf/ is used.
 */
#ifndef L2XDP_TESTS_BPF_PACKET_H
#define L2XDP_TESTS_BPF_PACKET_H

#include "tests/bpf/rig.h"

enum packet_l4 { P_UDP, P_UDP0, P_TCP, P_SYN, P_ICMP, P_GRE };

/* The IP packet of a subscriber, or for one. Zeros are the usual. */
struct inner_desc {
	bool v6;
	const char *src, *dst; /* NULL: subscriber to server */
	bool down; /* NULL addresses: server to subscriber */
	enum packet_l4 l4;
	uint8_t tos, ttl; /* ttl 0: 64 */
	bool ttl_zero;
	uint16_t frag; /* IPv4 flags and offset, host order */
	uint8_t next; /* IPv6: this next header instead, 0: the transport's */
	bool hopopts; /* IPv6: hop-by-hop header */
	uint8_t options; /* IPv4: octets of options */
	const uint8_t *tcp_options;
	size_t tcp_options_len;
	size_t payload; /* octets after the transport header */
};

/* The outer headers. */
struct outer_desc {
	bool v6;
	const char *src, *dst; /* NULL: LAC to us */
	uint16_t sport, dport; /* 0: 1701 */
	uint8_t tos;
	bool nosum;
	uint16_t frag;
	uint16_t tag[2]; /* VLAN IDs, 0: none */
	bool L, S, O, P;
	uint16_t n; /* offset size */
	uint16_t tid, sid; /* 0: the session's */
	uint16_t ns;
	const char *ppp; /* NULL: "acf2"; "noacf2", "acf1", "noacf1" */
	size_t pad; /* octets after the datagram */
	size_t ppp_pad; /* octets after the inner packet, in the datagram */
};

struct packet {
	uint8_t b[RIG_FRAME];
	size_t len;
};

static inline void put(struct packet *p, const void *data, size_t len)
{
	assert_true(p->len + len <= sizeof(p->b));
	if (data)
		memcpy(p->b + p->len, data, len);
	else
		memset(p->b + p->len, 0, len);
	p->len += len;
}

static inline void put16(struct packet *p, unsigned int v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	put(p, b, 2);
}

static inline void put8(struct packet *p, unsigned int v)
{
	uint8_t b = (uint8_t)v;

	put(p, &b, 1);
}

static inline void set16(uint8_t *at, unsigned int v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline unsigned int get16(const uint8_t *p)
{
	return (unsigned int)(p[0] << 8 | p[1]);
}

static inline void set_sum(uint8_t *at, uint16_t sum)
{
	memcpy(at, &sum, 2);
}

/* Complement of the sum over pseudo header and segment. */
static inline uint16_t transport_sum(const uint8_t *ip, bool v6, uint8_t proto, const uint8_t *seg,
				     size_t len)
{
	uint16_t words[2] = { htons(proto), htons((uint16_t)len) };
	uint64_t sum = rig_sum(words, 4, 0);

	sum = v6 ? rig_sum(ip + 8, 32, sum) : rig_sum(ip + 12, 8, sum);
	return (uint16_t)~rig_sum(seg, len, sum);
}

static inline void put_ip(struct packet *p, const struct inner_desc *d, uint8_t proto, size_t len)
{
	const char *sub = d->v6 ? RIG_SUB6 : RIG_SUB4, *server = d->v6 ? RIG_SERVER6 : RIG_SERVER4;
	struct l2x_addr src = rig_addr(d->src ? d->src : d->down ? server : sub);
	struct l2x_addr dst = rig_addr(d->dst ? d->dst : d->down ? sub : server);
	uint8_t ttl = d->ttl_zero ? 0 : d->ttl ? d->ttl : 64;
	size_t at = p->len;

	if (d->v6) {
		put16(p, 0x6000 | (unsigned int)d->tos << 4);
		put16(p, 0);
		put16(p, (unsigned int)len + (d->hopopts ? 8 : 0));
		put8(p, d->hopopts ? 0 : d->next ? d->next : proto);
		put8(p, ttl);
		put(p, &src, 16);
		put(p, &dst, 16);
		if (d->hopopts) {
			put8(p, proto);
			put(p, "\0\1\4\0\0\0\0", 7);
		}
		return;
	}
	put8(p, 0x45 + d->options / 4);
	put8(p, d->tos);
	put16(p, 20u + d->options + (unsigned int)len);
	put16(p, 0x1234);
	put16(p, d->frag);
	put8(p, ttl);
	put8(p, proto);
	put16(p, 0);
	put(p, &src.w[3], 4);
	put(p, &dst.w[3], 4);
	if (d->options)
		memset(p->b + p->len, 1, d->options);
	p->len += d->options;
	set_sum(p->b + at + 10, (uint16_t)~rig_sum(p->b + at, 20u + d->options, 0));
}

/* Appends the packet. Returns its octets. */
static inline size_t put_inner(struct packet *p, const struct inner_desc *d)
{
	static const uint8_t protos[] = {
		[P_UDP] = 17, [P_UDP0] = 17, [P_TCP] = 6, [P_SYN] = 6, [P_ICMP] = 1, [P_GRE] = 47
	};
	size_t header, at = p->len, seg, sum_at = 0, i;
	uint8_t proto = protos[d->l4];

	if (d->l4 == P_ICMP && d->v6)
		proto = 58;
	header = proto == 6 ? 20 + d->tcp_options_len : proto == 47 ? 4 : 8;
	put_ip(p, d, proto, header + d->payload);
	seg = p->len;
	put(p, NULL, header);
	for (i = 0; i < d->payload; i++)
		put8(p, (unsigned int)(i * 7 + 3));
	switch (proto) {
	case 17:
		set16(p->b + seg, 40000);
		set16(p->b + seg + 2, 40001);
		set16(p->b + seg + 4, (unsigned int)(p->len - seg));
		sum_at = d->l4 == P_UDP0 ? 0 : 6;
		break;
	case 6:
		set16(p->b + seg, 50001);
		set16(p->b + seg + 2, 443);
		set16(p->b + seg + 4, 0x0102);
		p->b[seg + 12] = (uint8_t)(header / 4 << 4);
		p->b[seg + 13] = d->l4 == P_SYN ? 2 : 0x10;
		set16(p->b + seg + 14, 0xffff);
		if (d->tcp_options_len)
			memcpy(p->b + seg + 20, d->tcp_options, d->tcp_options_len);
		sum_at = 16;
		break;
	case 1:
	case 58:
		p->b[seg] = d->v6 ? 128 : 8;
		set16(p->b + seg + 4, 0x77);
		sum_at = 2;
		break;
	}
	if (sum_at && proto == 1)
		set_sum(p->b + seg + sum_at, (uint16_t)~rig_sum(p->b + seg, p->len - seg, 0));
	else if (sum_at)
		set_sum(p->b + seg + sum_at,
			transport_sum(p->b + at, d->v6, proto, p->b + seg, p->len - seg));
	return p->len - at;
}

static inline void put_link(struct packet *p, const char *dst, const char *src,
			    const uint16_t tag[2], bool v6)
{
	unsigned int m[12], i;

	assert_int_equal(sscanf(dst, "%x:%x:%x:%x:%x:%x", m, m + 1, m + 2, m + 3, m + 4, m + 5), 6);
	assert_int_equal(
		sscanf(src, "%x:%x:%x:%x:%x:%x", m + 6, m + 7, m + 8, m + 9, m + 10, m + 11), 6);
	for (i = 0; i < 12; i++)
		put8(p, m[i]);
	if (tag && tag[0]) {
		put16(p, tag[1] ? 0x88a8 : 0x8100);
		put16(p, tag[0]);
		if (tag[1]) {
			put16(p, 0x8100);
			put16(p, tag[1]);
		}
	}
	put16(p, v6 ? 0x86dd : 0x0800);
}

/* From the core: Ethernet and the packet. */
static inline void make_core(struct packet *p, const struct inner_desc *d)
{
	p->len = 0;
	put_link(p, RIG_MAC_CORE, RIG_MAC_SERVER, NULL, d->v6);
	put_inner(p, d);
}

static inline void put_l2tp(struct packet *p, const struct outer_desc *o, bool v6_inner,
			    size_t inner)
{
	const char *form = o->ppp ? o->ppp : "acf2";
	bool acf = form[0] == 'a', two = form[strlen(form) - 1] == '2';
	unsigned int ppp = (acf ? 2 : 0) + (two ? 2 : 1);
	unsigned int head = 6u + (o->L ? 2 : 0) + (o->S ? 4 : 0) + (o->O ? 2u + o->n : 0);

	put16(p, 2 | (o->L ? 0x4000 : 0) | (o->S ? 0x0800 : 0) | (o->O ? 0x0200 : 0) |
			 (o->P ? 0x0100 : 0));
	if (o->L)
		put16(p, head + ppp + (unsigned int)inner);
	put16(p, o->tid ? o->tid : RIG_TID);
	put16(p, o->sid ? o->sid : RIG_SID);
	if (o->S) {
		put16(p, o->ns);
		put16(p, 0xbeef); /* Nr means nothing */
	}
	if (o->O) {
		put16(p, o->n);
		memset(p->b + p->len, 0xa5, o->n);
		p->len += o->n;
	}
	if (acf)
		put16(p, 0xff03);
	if (two)
		put8(p, 0);
	put8(p, v6_inner ? 0x57 : 0x21);
}

/* Outer checksums, after a change inside. `ip`: offset of the outer header. */
static inline void fix_outer(struct packet *p, size_t ip, bool v6, bool nosum)
{
	size_t udp = ip + (v6 ? 40 : 20), len = get16(p->b + udp + 4);
	uint16_t sum;

	if (!v6) {
		set16(p->b + ip + 10, 0);
		set_sum(p->b + ip + 10, (uint16_t)~rig_sum(p->b + ip, 20, 0));
	}
	set16(p->b + udp + 6, 0);
	if (nosum)
		return;
	sum = transport_sum(p->b + ip, v6, 17, p->b + udp, len);
	set_sum(p->b + udp + 6, sum ? sum : 0xffff);
}

static inline size_t outer_ip(const struct outer_desc *o)
{
	return 14u + (o->tag[0] ? 4 : 0) + (o->tag[1] ? 4 : 0);
}

/* A data message of the LAC with this packet inside. Returns where the packet is. */
static inline size_t make_rx(struct packet *p, const struct outer_desc *o,
			     const struct inner_desc *d)
{
	struct l2x_addr src = rig_addr(o->src ? o->src : o->v6 ? RIG_LAC6 : RIG_LAC4);
	struct l2x_addr dst = rig_addr(o->dst ? o->dst : o->v6 ? RIG_LNS6 : RIG_LNS4);
	static struct packet in;
	size_t ip, udp, inner, len;

	in.len = 0;
	put_inner(&in, d);
	put(&in, NULL, o->ppp_pad);
	p->len = 0;
	put_link(p, RIG_MAC_US, RIG_MAC_PEER, o->tag, o->v6);
	ip = p->len;
	if (o->v6) {
		put16(p, 0x6000 | (unsigned int)o->tos << 4);
		put16(p, 0);
		put16(p, 0);
		put8(p, 17);
		put8(p, 64);
		put(p, &src, 16);
		put(p, &dst, 16);
	} else {
		put8(p, 0x45);
		put8(p, o->tos);
		put(p, NULL, 4);
		put16(p, o->frag ? o->frag : 0x4000);
		put8(p, 64);
		put8(p, 17);
		put16(p, 0);
		put(p, &src.w[3], 4);
		put(p, &dst.w[3], 4);
	}
	udp = p->len;
	put16(p, o->sport ? o->sport : 1701);
	put16(p, o->dport ? o->dport : 1701);
	put(p, NULL, 4);
	put_l2tp(p, o, d->v6, in.len);
	inner = p->len;
	put(p, in.b, in.len);
	len = p->len - udp;
	set16(p->b + udp + 4, (unsigned int)len);
	if (o->v6)
		set16(p->b + ip + 4, (unsigned int)len);
	else
		set16(p->b + ip + 2, (unsigned int)(p->len - ip));
	fix_outer(p, ip, o->v6, o->nosum);
	if (o->pad) {
		memset(p->b + p->len, 0x99, o->pad);
		p->len += o->pad;
	}
	return inner;
}

/* ---- LCP echoes ---- */

#define LCP_REQUEST 9
#define LCP_REPLY 10
#define LCP_ID 0xe7

struct lcp_desc {
	uint8_t code; /* 0: Echo-Request */
	uint32_t magic;
	size_t data; /* octets after the magic number */
	int length; /* what the length field says besides what is there */
	uint16_t protocol; /* 0: LCP */
};

static inline void put_lcp(struct packet *p, uint8_t code, uint32_t magic, size_t data, int length)
{
	put8(p, code);
	put8(p, LCP_ID);
	put16(p, (unsigned int)((int)data + 8 + length));
	put16(p, magic >> 16);
	put16(p, magic & 0xffff);
	for (size_t i = 0; i < data; i++)
		put8(p, (unsigned int)(i * 11 + 5));
}

/* A PPP frame of the LAC in place of the packet that make_rx puts there. */
static inline void make_lcp(struct packet *p, const struct outer_desc *o, const struct lcp_desc *d)
{
	size_t at = make_rx(p, o, &(struct inner_desc){}), ip = outer_ip(o);
	size_t udp = ip + (o->v6 ? 40 : 20);

	p->len = at;
	set16(p->b + at - 2, d->protocol ? d->protocol : 0xc021);
	put_lcp(p, d->code ? d->code : LCP_REQUEST, d->magic, d->data, d->length);
	put(p, NULL, o->ppp_pad);
	set16(p->b + udp + 4, (unsigned int)(p->len - udp));
	set16(p->b + ip + (o->v6 ? 4 : 2), (unsigned int)(p->len - (o->v6 ? udp : ip)));
	if (o->L)
		set16(p->b + udp + 10, (unsigned int)(p->len - udp - 8));
	fix_outer(p, ip, o->v6, o->nosum);
	memset(p->b + p->len, 0x99, o->pad);
	p->len += o->pad;
}

/* What a router makes of an inner packet: TTL one less, checksum right. In place. */
static inline void age(uint8_t *ip, bool v6)
{
	if (v6) {
		ip[7]--;
		return;
	}
	ip[8]--;
	set16(ip + 10, 0);
	set_sum(ip + 10, (uint16_t)~rig_sum(ip, 20, 0));
}

/* Asserts that `res` is the packet at `inner` of the frame p, as a router sends it on by the
 * core port; `link`: octets of its Ethernet header and tags. */
static inline void assert_forwarded(const struct packet *p, const struct rig_result *res,
				    size_t inner, size_t len, bool v6, size_t link)
{
	static uint8_t want[RIG_FRAME];

	memcpy(want, p->b + inner, len);
	age(want, v6);
	assert_int_equal(res->action, XDP_REDIRECT);
	assert_int_equal(res->len, link + len);
	assert_int_equal(get16(res->frame + link - 2), v6 ? 0x86dd : 0x0800);
	assert_memory_equal(res->frame + link, want, len);
}

#endif
