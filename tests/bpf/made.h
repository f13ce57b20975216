/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pseudowire in the rig's maps, made of few words. */
#ifndef L2XDP_TESTS_BPF_MADE_H
#define L2XDP_TESTS_BPF_MADE_H

#include "tests/bpf/rig.h"

#define PWS 1024u
#define ID 0x11223344u
#define INDEX (ID & (PWS - 1))
#define PEER_ID 0x55667788u

static const uint8_t made_cookie[8] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };

struct made {
	bool udp, outer6;
	unsigned int cookie; /* octets, both ways */
	uint16_t flags; /* more of them, both lines */
};

/* pseudo_sum of maps/pw.h. */
static inline uint32_t made_sum(const struct l2x_pw *w)
{
	uint16_t words[10] = { htons(17), w->tx_peer_port, w->tx_local_port, htons(3) };

	memcpy(words + 4, &w->peer_id, 4);
	memcpy(words + 6, &w->tx_cookie, 8);
	if (w->tx_flags & L2X_PW_OUTER6)
		return rig_sum(&w->tx_local, 16, rig_sum(&w->tx_peer, 16, rig_sum(words, 20, 0)));
	return rig_sum(&w->tx_local.w[3], 4, rig_sum(&w->tx_peer.w[3], 4, rig_sum(words, 20, 0)));
}

/* Of the one whose Session ID is ID; its circuit leaves by `core`, as it is. */
static inline struct l2x_pw made_pw(const struct rig *r, const struct made *m)
{
	struct l2x_pw w = { .gen = 1, .tx_gen = 1, .id = htonl(ID), .peer_id = htonl(PEER_ID) };
	uint64_t cookie = 0;

	memcpy(&cookie, made_cookie, m->cookie);
	w.flags = (uint16_t)(L2X_PW_UP | m->flags | (m->udp ? L2X_PW_UDP : 0) |
			     (m->outer6 ? L2X_PW_OUTER6 : 0) |
			     (m->cookie == 8   ? L2X_PW_COOKIE8
			      : m->cookie == 4 ? L2X_PW_COOKIE4
					       : 0));
	w.tx_flags = w.flags;
	w.peer = w.tx_peer = rig_addr(m->outer6 ? RIG_LAC6 : RIG_LAC4);
	w.local = w.tx_local = rig_addr(m->outer6 ? RIG_LNS6 : RIG_LNS4);
	if (m->udp)
		w.peer_port = w.local_port = w.tx_peer_port = w.tx_local_port = htons(1701);
	w.cookie[0] = w.cookie[1] = w.tx_cookie = cookie;
	w.mtu = 1450;
	w.ttl = 64;
	w.ifindex = r->core;
	w.tpid[0] = w.tpid[1] = htons(0x8100);
	w.room = 1518;
	w.mss_mtu = 1400;
	w.pseudo_sum = made_sum(&w);
	return w;
}

/* Index 0: there is none any more. */
static inline void made_circuit(struct rig *r, unsigned int ifindex, uint16_t outer, uint16_t inner,
				uint32_t index)
{
	struct l2x_vlan_key key = { .ifindex = ifindex, .tag = { htons(outer), htons(inner) } };
	int fd = bpf_map__fd(r->skel->maps.circuits);

	if (index)
		assert_int_equal(bpf_map_update_elem(fd, &key, &index, 0), 0);
	else
		assert_int_equal(bpf_map_delete_elem(fd, &key), 0);
}

/* What left for the peer, as if it came from there: link-layer addresses and outer ones are
 * exchanged. */
static inline void made_back(const uint8_t *frame, size_t len, uint8_t *ret)
{
	bool v6 = frame[12] == 0x86;
	size_t l3 = v6 ? 14 + 8 : 14 + 12, n = v6 ? 16 : 4;

	memcpy(ret, frame, len);
	memcpy(ret, frame + 6, 6);
	memcpy(ret + 6, frame, 6);
	memcpy(ret + l3, frame + l3 + n, n);
	memcpy(ret + l3 + n, frame + l3, n);
}

#endif
