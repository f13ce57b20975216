/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys that a signalled pseudowire has no use for, since it agrees on them with its peer, and keys
 * that a static one has none for, since it agrees on nothing.
 */
#include <stdio.h>

#include "loader/control/config_load.h"

struct key_of_kind {
	enum pw_key key;
	const char *name, *remedy;
};

/* ---- signalled ---- */

static const struct key_of_kind agreed[] = {
	{ PW_SESSION, "session", "remove it: Session IDs are agreed with the peer" },
	{ PW_COOKIE, "cookie", "remove it: cookies are random, cookie-octets is their length" },
	{ PW_PORTS, "ports", "remove it: signalled ones use port 1701 at both ends" },
	{ PW_KEEPALIVE, "keepalive", "remove it: hello is what sees whether the peer lives" },
};

/* V3-ETH-1: what carries VLANs has their tag in every frame. */
static void check_type(struct load *ld, const struct raw_pw *p)
{
	if (p->s.vlan && p->attach.key[ATTACH_VLAN] && p->c.circuit.tag == PW_TAG_REMOVE)
		pw_fault(ld, p, p->said.key[PW_TYPE],
			 "type: vlan carries frames with their tag, and attach removes it; write "
			 "tag: keep, or the ID that it has there, or type: ethernet");
}

static void check_dial(struct load *ld, const struct raw_pw *p)
{
	bool many = p->peer_any || (p->peer_known && !pw_peer_is_one(p));

	if (many && p->said.key[PW_DIAL] && p->s.dial)
		pw_fault(ld, p, p->said.key[PW_DIAL],
			 "a range of addresses cannot be dialled; write dial: false, or the peer's "
			 "address");
}

static void check_agreed(struct load *ld, const struct raw_pw *p)
{
	unsigned int i;

	for (i = 0; i < sizeof(agreed) / sizeof(agreed[0]); i++) {
		if (p->said.key[agreed[i].key])
			pw_fault(ld, p, p->said.key[agreed[i].key],
				 "%s is for static pseudowires (signalled: false); %s",
				 agreed[i].name, agreed[i].remedy);
	}
	if (p->sublayer.key[PW_END_REMOTE])
		pw_fault(ld, p, p->sublayer.key[PW_END_REMOTE],
			 "sublayer.remote is for static pseudowires; remove it: the peer says what "
			 "it wants to get");
	if (p->c.seq_send && !p->c.seq_receive)
		pw_fault(ld, p, p->said.key[PW_SEQUENCING],
			 "sequencing: send is for static pseudowires; remove it: what is sent is "
			 "numbered when the peer asks for that");
	check_type(ld, p);
	check_dial(ld, p);
}

/* ---- static ---- */

static const struct key_of_kind negotiated[] = {
	{ PW_REMOTE_END_ID, "remote-end-id", NULL },
	{ PW_COOKIE_OCTETS, "cookie-octets", NULL },
	{ PW_TYPE, "type", NULL },
};

static const struct key_of_kind of_connection[] = {
	{ PW_SECRET, "secret", NULL },
	{ PW_SECRET_FILE, "secret-file", NULL },
	{ PW_PREVIOUS_SECRET, "previous-secret", NULL },
	{ PW_PREVIOUS_SECRET_FILE, "previous-secret-file", NULL },
	{ PW_PEER_HOST_NAME, "peer-host-name", NULL },
	{ PW_HOST_NAME, "host-name", NULL },
	{ PW_DIGEST, "digest", NULL },
	{ PW_HIDE_AVPS, "hide-avps", NULL },
	{ PW_DIAL, "dial", NULL },
	{ PW_HELLO, "hello", NULL },
	{ PW_V2_FALLBACK, "v2-fallback", NULL },
	{ PW_CISCO_DRAFT_AVPS, "cisco-draft-avps", NULL },
	{ PW_YAMAHA_HEADER, "yamaha-header", NULL },
};

static void check_static(struct load *ld, const struct raw_pw *p)
{
	unsigned int i;

	for (i = 0; i < sizeof(negotiated) / sizeof(negotiated[0]); i++) {
		if (p->said.key[negotiated[i].key])
			pw_fault(ld, p, p->said.key[negotiated[i].key],
				 "%s is told to the peer of a signalled pseudowire, and this one "
				 "is static; remove it, or write signalled: true",
				 negotiated[i].name);
	}
	for (i = 0; i < sizeof(of_connection) / sizeof(of_connection[0]) && !p->s.keepalive; i++) {
		if (p->said.key[of_connection[i].key])
			pw_fault(ld, p, p->said.key[of_connection[i].key],
				 "%s, and a static pseudowire has no control connection unless "
				 "keepalive: true; remove it, or add that",
				 of_connection[i].name);
	}
	if (p->peer_any || (p->peer_known && !pw_peer_is_one(p)))
		pw_fault(ld, p, p->said.key[PW_PEER],
			 "a range of addresses is for signalled pseudowires, whose peer proves who "
			 "it is; write its address");
	if (!p->session.key[PW_END_LOCAL] || !p->session.key[PW_END_REMOTE])
		pw_fault(ld, p, pw_line_of(p, PW_SESSION),
			 "pseudowire %s lacks a session ID; add session: { local: OURS, remote: "
			 "THEIRS }",
			 pw_name_of(p));
}

/* ---- both ---- */

/* V3-FB-1 and Q-8 are of UDP alone. */
static void check_udp(struct load *ld, const struct raw_pw *p)
{
	if (p->over_ip && p->s.v2_fallback)
		pw_fault(ld, p, p->said.key[PW_V2_FALLBACK],
			 "v2-fallback is for UDP: version 2 is not spoken directly over IP; remove "
			 "it");
	if (p->over_ip && p->s.yamaha_header)
		pw_fault(ld, p, p->said.key[PW_YAMAHA_HEADER],
			 "yamaha-header is for UDP; remove it, or write encapsulation: udp");
}

static void check_secrets(struct load *ld, const struct raw_pw *p)
{
	static const struct {
		enum pw_key text, file;
		const char *name;
	} both[] = { { PW_SECRET, PW_SECRET_FILE, "secret" },
		     { PW_PREVIOUS_SECRET, PW_PREVIOUS_SECRET_FILE, "previous-secret" } };
	unsigned int i;

	for (i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		unsigned int line = p->said.key[both[i].file];

		if (line && p->said.key[both[i].text])
			pw_fault(ld, p, line, "%s-file beside %s on line %u; remove one",
				 both[i].name, both[i].name, p->said.key[both[i].text]);
		/* Whoever may ask for pseudowires would have any file read. */
		else if (line && p->file)
			pw_fault(ld, p, line,
				 "%s-file names files of the configuration alone; write %s, or the "
				 "pseudowire into the configuration",
				 both[i].name, both[i].name);
	}
}

void check_signalled(struct load *ld, const struct raw_pw *p)
{
	if (p->c.signalled)
		check_agreed(ld, p);
	else
		check_static(ld, p);
	check_udp(ld, p);
	check_secrets(ld, p);
}
