/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of a pseudowire, all but `attach` (config_circuit.c). "local" is what concerns the frames
 * that arrive, "remote" those that are sent: whose ID, cookie and sublayer it is there
 * (RFC 3931 section 5.4.4: each end says what it wants to get).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/control/config_values.h"

static const char *const encapsulation_names[] = { "udp", "ip", NULL };
static const char *const sublayer_names[] = { "none", "default", NULL };
static const char *const sequencing_names[] = { "none", "send", "receive", "both", NULL };
static const char *const type_names[] = { "ethernet", "vlan", NULL };
static const char *const digest_names[] = { "md5", "sha1", NULL };
static const char *const octets_names[] = { "0", "4", "8", NULL };
static const char *const large_names[] = { "fragment", "icmp", NULL };

/* ---- values ---- */

/* It stands in commands, file names and messages. */
static bool name_ok(const char *v)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	size_t len = strlen(v);

	return len && len < PW_NAME_LEN && strspn(v, letters) == len && v[0] != '-' && v[0] != '.';
}

static void read_pw_name(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);
	char q[LOG_QUOTE_LEN];

	if (v && name_ok(v))
		snprintf(at, PW_NAME_LEN, "%s", v);
	else if (v)
		fault_add(&ld->faults, node_line(n),
			  "%s is %s; write 1 to %u letters, digits, dots, _ and -, a letter, digit "
			  "or _ first",
			  k->name, node_quote(n, q), PW_NAME_LEN - 1);
}

/* As `ip l2tp` takes it: decimal, or hexadecimal behind 0x. */
static bool parse_id(const char *v, uint32_t *ret)
{
	bool hex = v[0] == '0' && (v[1] == 'x' || v[1] == 'X');
	const char *digits = hex ? v + 2 : v;
	size_t len = strlen(digits);
	unsigned long long value;

	if (!len || len > 10 ||
	    strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != len)
		return false;
	value = strtoull(digits, NULL, hex ? 16 : 10);
	if (!value || value > UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

static void read_session_id(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	const char *v = text_of(ld, k, n);
	char q[LOG_QUOTE_LEN];

	if (v && !parse_id(v, at))
		fault_add(&ld->faults, node_line(n),
			  "session.%s is %s; write 1 to 4294967295, or 0x1 to 0xffffffff", k->name,
			  node_quote(n, q));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_cookie(const char *v, struct pw_cookie *ret)
{
	struct pw_cookie c = { 0 };
	size_t i, len = strlen(v);

	if (len != 8 && len != 16)
		return false;
	for (i = 0; i < len; i++) {
		int d = hex_digit(v[i]);

		if (d < 0)
			return false;
		c.b[i / 2] = (uint8_t)(c.b[i / 2] << 4 | d);
	}
	c.len = (uint8_t)(len / 2);
	*ret = c;
	return true;
}

/* What it is stays unsaid: it is a secret of a kind. False: no cookie, or none that can be. */
static bool cookie_of(struct load *ld, const struct key *k, yaml_node_t *n, struct pw_cookie *ret)
{
	const char *v = text_of(ld, k, n);

	if (!v || !strcmp(v, "none"))
		return false;
	if (parse_cookie(v, ret))
		return true;
	fault_add(&ld->faults, node_line(n),
		  "cookie.%s is no cookie; write 8 or 16 hexadecimal digits, in the order in which "
		  "they are sent, or none",
		  k->name);
	return false;
}

static void read_cookie(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	cookie_of(ld, k, n, at);
}

/* One, or two of which either is taken. */
static void read_cookies(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct pw_cookie *list = at;
	unsigned int i, found = 0;

	if (!list_fits(ld, k, n))
		return;
	for (i = 0; i < list_length(n); i++)
		found += cookie_of(ld, k, list_at(ld, n, i), &list[found]);
	if (found < 2)
		return;
	if (list[0].len != list[1].len)
		fault_add(&ld->faults, node_line(n),
			  "cookie.%s: one of 4 octets beside one of 8; the two must have the same "
			  "length, since nothing in a packet tells them apart",
			  k->name);
	else if (!memcmp(list[0].b, list[1].b, list[0].len))
		fault_add(&ld->faults, node_line(n), "cookie.%s: the same twice; remove one",
			  k->name);
}

static void read_fixed_dscp(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	unsigned int value = 0;

	read_number(ld, k, n, &value);
	*(int *)at = (int)value;
}

static void read_sequencing(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_pw *p = at;
	int value = 0;

	parse_choice(ld, k, n, &value);
	p->c.seq_send = value & 1;
	p->c.seq_receive = value & 2;
}

/* An address, or, of signalled ones, a range of those who may be it. */
static void read_peer(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_pw *p = at;
	const char *v = text_of(ld, k, n);

	if (!v)
		return;
	if (!strcmp(v, "any")) {
		p->peer_any = true;
	} else if (strchr(v, '/')) {
		p->peer_known = parse_prefix(ld, k, n, &p->peer);
	} else {
		read_address(ld, k, n, &p->peer.addr);
		p->peer_known = addr_is_set(&p->peer.addr);
		p->peer.len = addr_is_v4(&p->peer.addr) ? 32 : 128;
	}
	if (p->peer_known && pw_peer_is_one(p))
		p->c.path.peer = p->peer.addr;
}

/* RFC 4719 section 2.2: a number is 4 octets. */
static bool end_id_of_number(const char *v, struct raw_signal *s)
{
	unsigned long long value;

	if (strlen(v) > 10 || v[0] == '0')
		return false;
	value = strtoull(v, NULL, 10);
	if (value > UINT32_MAX)
		return false;
	s->end_id_len = 4;
	s->end_id[0] = (uint8_t)(value >> 24);
	s->end_id[1] = (uint8_t)(value >> 16);
	s->end_id[2] = (uint8_t)(value >> 8);
	s->end_id[3] = (uint8_t)value;
	return true;
}

static void read_end_id(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_signal *s = at;
	char q[LOG_QUOTE_LEN];
	const char *v = NULL;

	read_reference_name(ld, k, n, &v);
	if (!v)
		return;
	if (!node_is_quoted(n) && strspn(v, "0123456789") == strlen(v)) {
		if (!end_id_of_number(v, s))
			fault_add(&ld->faults, node_line(n),
				  "%s is %s; write a number from 1 to 4294967295, or put a text "
				  "of digits in quotes",
				  k->name, node_quote(n, q));
		return;
	}
	s->end_id_len = (uint8_t)strlen(v);
	memcpy(s->end_id, v, s->end_id_len);
}

/* ---- both ends ---- */

static const struct key session_keys[] = {
	[PW_END_LOCAL] = { "local", read_session_id, AT(raw_pw, c.id), 0, 0, NULL },
	[PW_END_REMOTE] = { "remote", read_session_id, AT(raw_pw, c.peer_id), 0, 0, NULL },
};
static const struct section session_section = { "session", KEYS(session_keys) };

static const struct key cookie_keys[] = {
	[PW_END_LOCAL] = { "local", read_cookies, AT(raw_pw, c.cookie), 0, L2X_PW_COOKIES, NULL },
	[PW_END_REMOTE] = { "remote", read_cookie, AT(raw_pw, c.peer_cookie), 0, 0, NULL },
};
static const struct section cookie_section = { "cookie", KEYS(cookie_keys) };

static const struct key ports_keys[] = {
	[PW_END_LOCAL] = { "local", read_number, AT(raw_pw, local_port), 1, 65535, NULL },
	[PW_END_REMOTE] = { "remote", read_number, AT(raw_pw, peer_port), 1, 65535, NULL },
};
static const struct section ports_section = { "ports", KEYS(ports_keys) };

static const struct key sublayer_keys[] = {
	[PW_END_LOCAL] = { "local", read_choice_bool, AT(raw_pw, c.sublayer), 0, 0,
			   sublayer_names },
	[PW_END_REMOTE] = { "remote", read_choice_bool, AT(raw_pw, c.peer_sublayer), 0, 0,
			    sublayer_names },
};
static const struct section sublayer_section = { "sublayer", KEYS(sublayer_keys) };

static void read_session(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_pw *p = at;

	(void)k;
	read_few(ld, &session_section, n, &p->session, p);
}

static void read_cookie_ends(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_pw *p = at;

	(void)k;
	read_few(ld, &cookie_section, n, &p->cookie, p);
}

static void read_ports(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_pw *p = at;

	(void)k;
	read_few(ld, &ports_section, n, &p->ports, p);
}

/* One word for both directions, or one for each. */
static void read_sublayer(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	struct raw_pw *p = at;

	if (n->type == YAML_MAPPING_NODE) {
		read_few(ld, &sublayer_section, n, &p->sublayer, p);
		return;
	}
	read_choice_bool(ld, k, n, &p->c.sublayer);
	p->c.peer_sublayer = p->c.sublayer;
}

/* ---- the table ---- */

static const struct key pw_keys[] = {
	[PW_NAME] = { "name", read_pw_name, AT(raw_pw, c.name), 0, 0, NULL },
	[PW_PEER] = { "peer", read_peer, 0, 0, 0, NULL },
	[PW_LOCAL] = { "local", read_address, AT(raw_pw, c.path.local), 0, 0, NULL },
	[PW_ENCAPSULATION] = { "encapsulation", read_choice_bool, AT(raw_pw, over_ip), 0, 0,
			       encapsulation_names },
	[PW_PORTS] = { "ports", read_ports, 0, 0, 0, NULL },
	[PW_SIGNALLED] = { "signalled", read_bool, AT(raw_pw, c.signalled), 0, 0, NULL },
	[PW_SECRET] = { "secret", read_reference, AT(raw_pw, s.secret), 1, 255, NULL },
	[PW_SECRET_FILE] = { "secret-file", read_reference, AT(raw_pw, s.secret_file), 1, 4095,
			     NULL },
	[PW_PREVIOUS_SECRET] = { "previous-secret", read_reference, AT(raw_pw, s.previous_secret),
				 1, 255, NULL },
	[PW_PREVIOUS_SECRET_FILE] = { "previous-secret-file", read_reference,
				      AT(raw_pw, s.previous_secret_file), 1, 4095, NULL },
	[PW_REMOTE_END_ID] = { "remote-end-id", read_end_id, AT(raw_pw, s), 1, L2TP3_MAX_END_ID,
			       NULL },
	[PW_PEER_HOST_NAME] = { "peer-host-name", read_reference_name, AT(raw_pw, s.peer_host_name),
				1, L2TP_MAX_NAME - 1, NULL },
	[PW_HOST_NAME] = { "host-name", read_reference_name, AT(raw_pw, s.host_name), 1, 253,
			   NULL },
	[PW_COOKIE_OCTETS] = { "cookie-octets", read_choice, AT(raw_pw, s.cookie_words), 0, 0,
			       octets_names },
	[PW_TYPE] = { "type", read_choice_bool, AT(raw_pw, s.vlan), 0, 0, type_names },
	[PW_DIGEST] = { "digest", read_choice, AT(raw_pw, s.digest), 0, 0, digest_names },
	[PW_HIDE_AVPS] = { "hide-avps", read_bool, AT(raw_pw, s.hide_avps), 0, 0, NULL },
	[PW_DIAL] = { "dial", read_bool, AT(raw_pw, s.dial), 0, 0, NULL },
	[PW_HELLO] = { "hello", read_number, AT(raw_pw, s.hello), 0, 86400, NULL },
	[PW_KEEPALIVE] = { "keepalive", read_bool, AT(raw_pw, s.keepalive), 0, 0, NULL },
	[PW_V2_FALLBACK] = { "v2-fallback", read_bool, AT(raw_pw, s.v2_fallback), 0, 0, NULL },
	[PW_CISCO_DRAFT_AVPS] = { "cisco-draft-avps", read_bool, AT(raw_pw, s.cisco_draft_avps), 0,
				  0, NULL },
	[PW_YAMAHA_HEADER] = { "yamaha-header", read_bool, AT(raw_pw, s.yamaha_header), 0, 0,
			       NULL },
	[PW_SESSION] = { "session", read_session, 0, 0, 0, NULL },
	[PW_COOKIE] = { "cookie", read_cookie_ends, 0, 0, 0, NULL },
	[PW_SUBLAYER] = { "sublayer", read_sublayer, 0, 0, 0, sublayer_names },
	[PW_SEQUENCING] = { "sequencing", read_sequencing, 0, 0, 0, sequencing_names },
	[PW_CHECKSUM] = { "checksum", read_bool, AT(raw_pw, c.checksum), 0, 0, NULL },
	[PW_ATTACH] = { "attach", read_attach, 0, 0, 0, NULL },
	[PW_TOO_LARGE] = { "too-large", read_choice, AT(raw_pw, c.large), 0, 0, large_names },
	[PW_MSS_CLAMP] = { "mss-clamp", read_bool, AT(raw_pw, c.clamp_mss), 0, 0, NULL },
	[PW_MTU] = { "mtu", read_number_or_0, AT(raw_pw, c.mtu), 576, 65535, NULL },
	[PW_DSCP] = { "dscp", read_fixed_dscp, AT(raw_pw, c.dscp), 0, 63, NULL },
	[PW_BUM_LIMIT] = { "bum-limit", read_number, AT(raw_pw, c.bum_rate), 0, 10000000, NULL },
};
static const struct section pw_section = { "a pseudowire", KEYS(pw_keys) };

void read_pseudowires(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	unsigned int file = ld->faults.file, i;

	(void)at;
	ld->n_pws[file] = list_of_sections(ld, k, n, sizeof(*ld->pws[file]), &ld->pws[file]);
	for (i = 0; i < ld->n_pws[file]; i++) {
		struct raw_pw *p = &ld->pws[file][i];

		p->file = file;
		p->c.signalled = true;
		p->s.hello = 60;
		p->s.dial = true;
		p->s.cookie_words = 2;
		/* as a bare kernel peer has it (V3-LIN-3) */
		p->c.sublayer = p->c.peer_sublayer = true;
		read_section(ld, &pw_section, list_at(ld, n, i), &p->said, p);
	}
}

void read_circuit_devices(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	unsigned int i;

	(void)at;
	if (!list_fits(ld, k, n))
		return;
	for (i = 0; i < list_length(n); i++) {
		const char *v = interface_of(ld, k, list_at(ld, n, i));

		if (v)
			ld->circuit_devices[ld->n_circuit_devices++] = v;
	}
}
