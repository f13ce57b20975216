/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of L2TPv3 as octets (RFC 3931 sections 3.2, 4.1, 5 and 6): header, AVPs, digests, hidden
 * values. Nothing here knows of states; engine.h is the other half of the room.
 *
 *   header.c   the 12 octets
 *   avps.c     what is known of each AVP, as data
 *   digest.c   keys and digests; hiding's key
 *   parse.c    a message that came; drafts.c: Cisco's AVPs of vendor 9 as those of the IETF
 *   build.c    a message to be sent
 */
#ifndef L2XDP_L2TP3_CODEC_H
#define L2XDP_L2TP3_CODEC_H

#include "loader/base/bytes.h"
#include "loader/l2tp/avp.h"
#include "loader/l2tp3/l2tp3.h"

#define L2TP3_ACK 20 /* Message Type of an explicit acknowledgement */
#define L2TP3_HEADER 12 /* octets from the flag word on */
#define L2TP3_NONCE 16 /* octets of ours */
#define L2TP3_MAX_NONCE 64 /* of a peer's; a longer one is a fault */
#define L2TP3_MAX_CAPS 32 /* PW types kept of a peer's list */
#define L2TP3_TIE 8
#define L2TP3_KEY 16 /* octets of a derived key */
#define L2TP3_HIDE_ROOM 16 /* octets that hiding adds to a value at the most, but for its 2 */

/* Types that version 2 has not. */
enum l2tp3_avp {
	L2TP3_AVP_EXTENDED_VENDOR = 58,
	L2TP3_AVP_DIGEST = 59,
	L2TP3_AVP_ROUTER_ID = 60,
	L2TP3_AVP_CCID = 61,
	L2TP3_AVP_PW_CAPS = 62,
	L2TP3_AVP_LOCAL_ID = 63,
	L2TP3_AVP_REMOTE_ID = 64,
	L2TP3_AVP_COOKIE = 65,
	L2TP3_AVP_END_ID = 66,
	L2TP3_AVP_PW_TYPE = 68,
	L2TP3_AVP_SUBLAYER = 69,
	L2TP3_AVP_SEQUENCING = 70,
	L2TP3_AVP_CIRCUIT = 71,
	L2TP3_AVP_LANGUAGE = 72,
	L2TP3_AVP_NONCE = 73,
	L2TP3_AVP_TX_SPEED = 74,
	L2TP3_AVP_RX_SPEED = 75,
	L2TP3_AVP_LIMIT = 104,
};

struct l2tp3_header {
	uint8_t version; /* 3, or 2 of a message in which version 3 is offered or refused */
	uint32_t ccid; /* version 2: tunnel ID << 16 | session ID */
	uint16_t ns, nr;
	bool zlb; /* nothing behind the header */
	size_t len; /* of the whole message, as the header says */
};
/* V3-HDR-4. 0 or -EBADMSG. */
int l2tp3_header_parse(const uint8_t *p, size_t len, struct l2tp3_header *ret);

/* Of one secret; wipe it (explicit_bzero). */
struct l2tp3_keys {
	uint8_t digest[L2TP3_KEY]; /* V3-AUTH-1 */
	uint8_t hide[L2TP3_KEY]; /* V3-HID-1 */
};
void l2tp3_keys_derive(const uint8_t *secret, size_t len, struct l2tp3_keys *ret);

/* What two ends have agreed for what they sign. */
struct l2tp3_auth {
	struct l2tp3_keys keys[L2TP3_SECRETS];
	unsigned int n_keys; /* 0: nothing is signed, nothing verified, nothing hidden */
	bool nonces; /* they have been exchanged, or are being; false: digests are checksums (V3-AUTH-7) */
	enum l2tp3_digest digest; /* with which we sign; either is verified */
	uint8_t ours[L2TP3_NONCE];
	bool ours_unknown; /* the peer never got ours (a StopCCN that crosses or stands for SCCRP): it
			    * counts as empty, in what is signed and in what is verified */
	uint8_t peer[L2TP3_MAX_NONCE];
	uint8_t peer_len; /* 0: not known yet */
	uint8_t hide_key; /* which one hides what we send: one that the peer is known to have */
};

/* AVPs that arrived; `has` says which. Pointers are into the message, or into `room` where it was
 * hidden. */
struct l2tp3_message {
	struct l2tp3_header h;
	uint16_t type; /* enum l2tp_message_type, L2TP3_ACK; 0: a ZLB */
	uint64_t has[2]; /* a bit for each type below 128: l2tp3_has */
	struct l2tp_reason reason; /* Result Code */
	uint8_t tie[L2TP3_TIE];
	struct reader host_name, vendor_name, end_id, nonce;
	uint16_t window;
	uint32_t serial, router_id, ccid, local_id, remote_id;
	uint16_t v2_tunnel_id; /* AVP 9 beside a header of version 2 */
	uint16_t caps[L2TP3_MAX_CAPS];
	unsigned int n_caps;
	uint8_t cookie[L2TP3_MAX_COOKIE];
	uint8_t cookie_len;
	uint16_t pw_type, sublayer, sequencing, circuit;
	uint64_t tx_speed, rx_speed;
	uint8_t verified; /* place of the key that the digest was of, in auth->keys; 0 without one */
	/* a fault that ends the call or connection (V3-AVP-2): */
	uint16_t fault; /* enum l2tp_error; 0: none */
	char fault_text[80];
	uint8_t room[1024];
};
static inline bool l2tp3_has(const struct l2tp3_message *m, unsigned int type)
{
	return type < 128 && (m->has[type / 64] >> (type % 64) & 1);
}

enum l2tp3_parsed {
	L2TP3_P_OK, /* perhaps with m->fault */
	L2TP3_P_HEADER, /* discard */
	L2TP3_P_AVPS, /* their structure is lost: discard, or a fault of the connection */
	L2TP3_P_NO_DIGEST, /* discard (V3-AUTH-6, V3-REL-7) */
	L2TP3_P_DIGEST, /* wrong: discard (V3-AUTH-5) */
};
/*
 * Verifies before anything else is believed. In SCCRQ and SCCRP the peer's nonce is taken of the
 * message itself; auth is not changed. auth NULL: only what is needed to choose a secret is read and
 * nothing is verified or unhidden (V3-AUTH-9): of an SCCRQ, host_name, router_id, ccid, v2_tunnel_id,
 * and in `has` everything. drafts: AVPs of vendor 9 count as well.
 * A ZLB: type 0; with auth->nonces L2TP3_P_NO_DIGEST. Required AVPs are checked as in the table.
 * Without nonces a digest is verified where there is one. A StopCCN before the peer's nonce is known
 * (peer_len 0) may also be signed without any: it tells who refuses an SCCRQ with no nonce of its own.
 * ret->h and ret->type are good with NO_DIGEST and DIGEST too, to tell a peer that knows version 2 alone.
 */
enum l2tp3_parsed l2tp3_parse(const uint8_t *p, size_t len, const struct l2tp3_auth *auth,
			      bool drafts, struct l2tp3_message *ret);

/* A message as it grows: header, Message Type, room for digests, then AVPs by rising call. What does
 * not fit sets w.bad. */
struct l2tp3_builder {
	struct writer w;
	const struct l2tp3_auth *auth;
	uint8_t version; /* 3, or 2 */
	bool hide, drafts; /* drafts: to be set behind l2tp3_build; those of vendor 9 beside ours */
	void (*random)(void *ctx, void *buf, size_t n);
	void *ctx;
	uint8_t vector[16]; /* of hiding; put before the first hidden AVP */
	bool has_vector;
	uint8_t buf[L2TP_MAX_MESSAGE];
};
/* version 2: of a fallback (V3-FB-1), everything with M=0 that version 2 does not know. random is for
 * hiding and may be NULL without it. auth may be NULL. */
void l2tp3_build(struct l2tp3_builder *b, uint8_t version, uint16_t type, uint32_t ccid,
		 const struct l2tp3_auth *auth);
/* To be called behind l2tp3_build, before any AVP. */
void l2tp3_build_hide(struct l2tp3_builder *b, void (*random)(void *, void *, size_t), void *ctx);
/* M, H and length as the table says; hidden where it may be and that was asked for. */
void l2tp3_put_u16(struct l2tp3_builder *b, uint16_t type, uint16_t v);
void l2tp3_put_u32(struct l2tp3_builder *b, uint16_t type, uint32_t v);
void l2tp3_put_u64(struct l2tp3_builder *b, uint16_t type, uint64_t v);
void l2tp3_put_bytes(struct l2tp3_builder *b, uint16_t type, const void *v, size_t len);
void l2tp3_put_result(struct l2tp3_builder *b, const struct l2tp_reason *why);
/* Length in the header. 0 or -EMSGSIZE. The message: b->buf, b->w.len octets. */
int l2tp3_build_end(struct l2tp3_builder *b);

/* Fills the digests of a message that has its Ns and Nr now, in place: before every transmission
 * (V3-AUTH-8). Nothing where there is no AVP 59. */
void l2tp3_sign(uint8_t *msg, size_t len, const struct l2tp3_auth *auth);

#endif
