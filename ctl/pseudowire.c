/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pseudowire show, add, del. `add` takes the words of `ip l2tp add tunnel` and `add session`, and
 * those of the configuration for what `ip l2tp` does not know, and says them in the configuration's
 * (docs/configuration.md has the table).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

/* ---- add ---- */

enum kind {
	TEXT_VALUE,
	NUMBER, /* decimal */
	SWITCH, /* on, off */
	LIST, /* with commas; one alone stays one */
	COOKIE,
	COOKIES,
	SECRET, /* in a file */
	END_ID,
	SEQUENCING,
};

static const struct word {
	const char *word, *other; /* another name of it, or NULL */
	const char *section, *key; /* section NULL: the pseudowire itself */
	enum kind kind;
} words[] = {
	{ "peer", "remote", NULL, "peer", TEXT_VALUE },
	{ "local", NULL, NULL, "local", TEXT_VALUE },
	{ "encap", NULL, NULL, "encapsulation", TEXT_VALUE },
	{ "udp_sport", NULL, "ports", "local", NUMBER },
	{ "udp_dport", NULL, "ports", "remote", NUMBER },
	{ "udp_csum", NULL, NULL, "checksum", SWITCH },
	{ "session_id", "sid", "session", "local", TEXT_VALUE },
	{ "peer_session_id", "psid", "session", "remote", TEXT_VALUE },
	{ "cookie", NULL, "cookie", "remote", COOKIE },
	{ "peer_cookie", NULL, "cookie", "local", COOKIES },
	{ "l2spec_type", NULL, NULL, "sublayer", TEXT_VALUE },
	{ "seq", NULL, NULL, "sequencing", SEQUENCING },
	{ "too_large", NULL, NULL, "too-large", TEXT_VALUE },
	{ "mss_clamp", NULL, NULL, "mss-clamp", SWITCH },
	{ "outer_mtu", NULL, NULL, "mtu", NUMBER },
	{ "dscp", NULL, NULL, "dscp", NUMBER },
	{ "bum_limit", NULL, NULL, "bum-limit", NUMBER },
	{ "secret_file", NULL, NULL, "secret", SECRET },
	{ "previous_secret_file", NULL, NULL, "previous-secret", SECRET },
	{ "remote_end_id", NULL, NULL, "remote-end-id", END_ID },
	{ "peer_host_name", NULL, NULL, "peer-host-name", TEXT_VALUE },
	{ "host_name", NULL, NULL, "host-name", TEXT_VALUE },
	{ "cookie_octets", NULL, NULL, "cookie-octets", NUMBER },
	{ "type", NULL, NULL, "type", TEXT_VALUE },
	{ "digest", NULL, NULL, "digest", TEXT_VALUE },
	{ "hide_avps", NULL, NULL, "hide-avps", SWITCH },
	{ "dial", NULL, NULL, "dial", SWITCH },
	{ "hello", NULL, NULL, "hello", NUMBER },
	{ "keepalive", NULL, NULL, "keepalive", SWITCH },
	{ "v2_fallback", NULL, NULL, "v2-fallback", SWITCH },
	{ "cisco_draft_avps", NULL, NULL, "cisco-draft-avps", SWITCH },
	{ "yamaha_header", NULL, NULL, "yamaha-header", SWITCH },
	{ "device", "dev", "attach", "device", TEXT_VALUE },
	{ "create", NULL, "attach", "create", TEXT_VALUE },
	{ "kind", NULL, "attach", "kind", TEXT_VALUE },
	{ "netns", NULL, "attach", "netns", TEXT_VALUE },
	{ "address", NULL, "attach", "address", LIST },
	{ "vlan", NULL, "attach", "vlan", LIST },
	{ "tag", NULL, "attach", "tag", LIST },
	{ "outer_tag", NULL, "attach", "outer-tag", TEXT_VALUE },
	{ "mtu", NULL, "attach", "mtu", NUMBER },
};

/* The configuration's hyphens are as good as the underscores of `ip l2tp`. */
static bool is_word(const char *word, const char *text)
{
	for (; *word && (*word == *text || (*word == '_' && *text == '-')); word++)
		text++;
	return !*word && !*text;
}

static const struct word *find_word(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (is_word(words[i].word, text) ||
		    (words[i].other && !strcmp(words[i].other, text)))
			return &words[i];
	}
	return NULL;
}

static json_t *number_of(const struct word *w, const char *text)
{
	if (*text && strlen(text) < 10 && strspn(text, "0123456789") == strlen(text))
		return json_integer(strtol(text, NULL, 10));
	complain("%s takes a number, not %s", w->word, safe(text));
	return NULL;
}

static json_t *switch_of(const struct word *w, const char *text)
{
	if (!strcmp(text, "on") || !strcmp(text, "off"))
		return json_boolean(!strcmp(text, "on"));
	complain("%s takes on or off, not %s", w->word, safe(text));
	return NULL;
}

static json_t *list_of(const char *text)
{
	json_t *list = json_array();
	const char *p = text;
	size_t n;

	if (!strchr(text, ',')) {
		json_decref(list);
		return json_string(text);
	}
	for (;; p += n + 1) {
		n = strcspn(p, ",");
		json_array_append_new(list, json_stringn(p, n));
		if (!p[n])
			return list;
	}
}

/* The next line of a file, up to one of the octets in `ends`, or NULL and the reason was told. */
static char *line_from(FILE *f, const char *name, const char *what, const char *ends, char *buf,
		       int len)
{
	if (!fgets(buf, len, f)) {
		complain("%s: no line with a %s", name, what);
		return NULL;
	}
	buf[strcspn(buf, ends)] = '\0';
	return buf;
}

/* Of the file, or of standard input. */
static char *line_of(const struct word *w, const char *file, const char *what, const char *ends,
		     char *buf, int len)
{
	char *line;
	FILE *f;

	if (!strcmp(file, "-"))
		return line_from(stdin, "standard input", what, ends, buf, len);
	f = fopen(file, "re");
	if (!f) {
		complain("%s %s: cannot be read", w->word, safe(file));
		return NULL;
	}
	line = line_from(f, safe(file), what, ends, buf, len);
	fclose(f);
	return line;
}

/* It is read here, with the rights of whoever asks: the daemon reads no file for others. */
static json_t *secret_of(const struct word *w, const char *file)
{
	char buf[300], *line = line_of(w, file, "secret", "\r\n", buf, sizeof(buf));
	json_t *v = line ? json_string(line) : NULL;

	if (line && !v)
		complain("%s: the secret is not UTF-8; write it so", w->word);
	explicit_bzero(buf, sizeof(buf));
	return v;
}

/* Digits are a number, which is sent as 4 octets. */
static json_t *end_id_of(const struct word *w, const char *text)
{
	unsigned long long n;

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return json_string(text);
	n = strlen(text) > 10 || *text == '0' ? 0 : strtoull(text, NULL, 10);
	if (n && n <= UINT32_MAX)
		return json_integer((json_int_t)n);
	complain("%s is %s; write a number from 1 to 4294967295, or a text that is no number",
		 w->word, text);
	return NULL;
}

/* What stands in a command is seen by all users of the host. */
static json_t *cookie_of(const struct word *w, const char *text)
{
	char buf[64], *line;
	json_t *v;

	if (*text != '@' && strcmp(text, "-") != 0)
		return w->kind == COOKIES ? list_of(text) : json_string(text);
	line = line_of(w, *text == '@' ? text + 1 : text, "cookie", " \t\r\n", buf, sizeof(buf));
	v = !line ? NULL : w->kind == COOKIES ? list_of(line) : json_string(line);
	explicit_bzero(buf, sizeof(buf));
	return v;
}

/* NULL: told why. */
static json_t *value_of(const struct word *w, const char *text)
{
	json_t *v = NULL;

	switch (w->kind) {
	case NUMBER:
		return number_of(w, text);
	case SWITCH:
		return switch_of(w, text);
	case COOKIE:
	case COOKIES:
		return cookie_of(w, text);
	case SECRET:
		return secret_of(w, text);
	case END_ID:
		return end_id_of(w, text);
	case SEQUENCING:
		v = json_string(!strcmp(text, "recv") ? "receive" : text);
		break;
	case LIST:
		v = list_of(text);
		break;
	case TEXT_VALUE:
		v = json_string(text);
		break;
	}
	if (!v)
		complain("%s is not UTF-8; write it so", w->word);
	return v;
}

static bool put(json_t *entry, const struct word *w, const char *text)
{
	json_t *in = entry, *v;

	if (w->section) {
		in = json_object_get(entry, w->section);
		if (!in) {
			in = json_object();
			json_object_set_new(entry, w->section, in);
		}
	}
	if (json_object_get(in, w->key)) {
		complain("%s is there twice; remove one", w->word);
		return false;
	}
	v = value_of(w, text);
	return v && json_object_set_new(in, w->key, v) == 0;
}

/* Words and values behind the name; `signalled` alone has no value. NULL: told why. */
static json_t *entry_of(const char *name, int argc, char **argv)
{
	json_t *entry = json_pack("{s:s, s:b}", "name", name, "signalled", 0);
	int i;

	if (!entry)
		complain("the name is not UTF-8; write letters and digits");
	for (i = 0; entry && i < argc; i += 2) {
		const struct word *w = find_word(argv[i]);
		bool good = w && i + 1 < argc && put(entry, w, argv[i + 1]);

		if (!strcmp(argv[i], "signalled")) {
			json_object_set_new(entry, "signalled", json_true());
			i--;
			continue;
		}
		if (!w)
			complain("no word %s; see l2xdpctl pseudowire add --help", safe(argv[i]));
		else if (i + 1 == argc)
			complain("%s needs a value behind it", w->word);
		if (good)
			continue;
		json_decref(entry);
		return NULL;
	}
	return entry;
}

static void print_added(const struct options *o, const json_t *v)
{
	(void)o;
	print_lines(stdout, "", get_text(v, "text"));
	printf("pseudowire %s is there; l2xdpctl pseudowire show %s tells whether it is up\n",
	       safe(get_text(v, "adding")), safe(get_text(v, "adding")));
}

int cmd_pseudowire_add(const struct options *o, int argc, char **argv)
{
	struct reply r;
	json_t *entry;
	int code;

	if (argc > 1 && !strcmp(argv[0], "name")) {
		argc--;
		argv++;
	}
	if (argc < 2)
		return usage("pseudowire add", "a name, then words with values");
	entry = entry_of(argv[0], argc - 1, argv + 1);
	if (!entry)
		return EXIT_USAGE;
	code = ask_renewed(o, "pseudowire add", NULL, json_pack("{s:o}", "entry", entry), &r);
	return code ? code : reply_show(o, &r, print_added);
}

/* ---- del ---- */

static void print_deleted(const struct options *o, const json_t *v)
{
	(void)o;
	print_lines(stdout, "", get_text(v, "text"));
	printf("pseudowire %s is gone\n", safe(get_text(v, "deleting")));
}

int cmd_pseudowire_del(const struct options *o, int argc, char **argv)
{
	struct reply r;
	int code;

	if (argc > 1 && !strcmp(argv[0], "name")) {
		argc--;
		argv++;
	}
	if (argc != 1)
		return usage("pseudowire del", "one name");
	code = ask_renewed(o, "pseudowire del", words_json(argc, argv), NULL, &r);
	return code ? code : reply_show(o, &r, print_deleted);
}

/* ---- show ---- */

static const struct column columns[] = {
	{ "NAME", false, false },  { "STATE", false, false },    { "PEER", false, false },
	{ "ENCAP", false, false }, { "CIRCUIT", false, true },   { "RX-FRAMES", true, false },
	{ "RX", true, false },     { "TX-FRAMES", true, false }, { "TX", true, false },
	{ "DROPS", true, false },  { "HOOK", true, false },      { "WHY-DOWN", false, true },
};

/* "eth2 vlan 100.7", "l2tpeth3 in vm3" */
static const char *circuit_str(const json_t *attach, char *buf, size_t len)
{
	const json_t *vlan = json_object_get(attach, "vlan");
	const char *netns = get_text(attach, "netns");
	size_t used = (size_t)snprintf(buf, len, "%s", get_text(attach, "device")), i;

	for (i = 0; i < json_array_size(vlan) && used < len; i++)
		used += (size_t)snprintf(buf + used, len - used, "%s%" PRId64, i ? "." : " vlan ",
					 (int64_t)json_integer_value(json_array_get(vlan, i)));
	if (*netns && used < len)
		snprintf(buf + used, len - used, " in %s", netns);
	return buf;
}

static void row(struct table *t, const json_t *v)
{
	const json_t *rx = json_object_get(v, "rx"), *tx = json_object_get(v, "tx");
	uint64_t hook = get_number(rx, "hook_frames") + get_number(tx, "hook_frames");
	uint64_t all = get_number(rx, "frames") + get_number(tx, "frames");
	char circuit[128], cell[CELL];

	table_text(t, get_text(v, "name"));
	table_text(t, get_text(v, "state"));
	table_text(t, get_text(v, "peer"));
	table_text(t, get_text(v, "encapsulation"));
	table_text(t, circuit_str(json_object_get(v, "attach"), circuit, sizeof(circuit)));
	table_number(t, get_number(rx, "frames"));
	table_text(t, bytes_str(get_number(rx, "bytes"), cell));
	table_number(t, get_number(tx, "frames"));
	table_text(t, bytes_str(get_number(tx, "bytes"), cell));
	table_number(t, get_number(rx, "drops") + get_number(tx, "drops"));
	table_text(t, percent_str(hook, all, cell));
	table_text(t, get_text(v, "why"));
}

static void print_way(const char *title, const json_t *way)
{
	char hook[CELL], slow[CELL];

	print_pair(title,
		   "hook %" PRIu64 " frames, %s; slow path %" PRIu64 " frames, %s; dropped %" PRIu64
		   ", lost %" PRIu64,
		   get_number(way, "hook_frames"), bytes_str(get_number(way, "hook_bytes"), hook),
		   get_number(way, "slow_frames"), bytes_str(get_number(way, "slow_bytes"), slow),
		   get_number(way, "drops"), get_number(way, "lost"));
}

static void print_header(const json_t *v)
{
	const json_t *session = json_object_get(v, "session");
	const json_t *cookie = json_object_get(v, "cookie_octets");
	const json_t *sublayer = json_object_get(v, "sublayer");

	print_pair("session", "ours %" PRIu64 ", theirs %" PRIu64, get_number(session, "local"),
		   get_number(session, "remote"));
	print_pair("cookie", "%" PRIu64 " octets expected%s, %" PRIu64 " sent",
		   get_number(cookie, "local"),
		   get_number(cookie, "local_second") ? " (either of two)" : "",
		   get_number(cookie, "remote"));
	print_pair("sublayer", "%s expected, %s sent", safe(get_text(sublayer, "local")),
		   safe(get_text(sublayer, "remote")));
	print_pair("sequencing", "%s", safe(get_text(v, "sequencing")));
}

static void print_connection(const json_t *c)
{
	const json_t *session = json_object_get(c, "session");
	const char *host = get_text(c, "host_name");

	if (!json_is_object(c))
		return;
	if (get_number(c, "tunnel"))
		print_pair("control", "tunnel %" PRIu64 " of %s, theirs %" PRIu64 ", %s%s%s",
			   get_number(c, "tunnel"), safe(get_text(c, "name")),
			   get_number(c, "peer_tunnel"), safe(get_text(c, "state")),
			   *host ? ", host name " : "", *host ? safe(host) : "");
	else
		print_pair("control", "%s, of %s", safe(get_text(c, "state")),
			   safe(get_text(c, "name")));
	if (*get_text(c, "why"))
		print_pair("why", "%s", safe(get_text(c, "why")));
	if (json_is_integer(json_object_get(c, "redial")))
		print_pair("redial", "in %" PRIu64 " s", get_number(c, "redial"));
	if (!get_bool(c, "keepalive"))
		print_pair("end ID", "%s%s", get_number(c, "remote_end_number") ? "number " : "",
			   safe(get_text(c, "remote_end_id")));
	if (json_is_object(session))
		print_pair("setup", "%s%s%s", safe(get_text(session, "state")),
			   *get_text(session, "peer_circuit") ? ", the peer's circuit is " : "",
			   safe(get_text(session, "peer_circuit")));
}

/* Directly over IP there is no port. */
static void print_end(const char *what, const char *address, uint64_t port, const char *encap)
{
	char at[32] = "";

	if (port)
		snprintf(at, sizeof(at), " port %" PRIu64, port);
	print_pair(what, "%s%s%s%s", *address ? safe(address) : "whoever dials", at,
		   *encap ? ", over " : "", *encap ? safe(encap) : "");
}

static void print_one(const struct options *o, const json_t *v)
{
	const json_t *attach = json_object_get(v, "attach");
	char circuit[128];

	(void)o;
	print_pair("pseudowire", "%s", safe(get_text(v, "name")));
	if (*get_text(v, "why"))
		print_pair("state", "%s: %s", safe(get_text(v, "state")), safe(get_text(v, "why")));
	else
		print_pair("state", "%s", safe(get_text(v, "state")));
	print_end("peer", get_text(v, "peer"), get_number(v, "port"), get_text(v, "encapsulation"));
	print_end("here", get_text(v, "local_address"), get_number(v, "local_port"), "");
	print_connection(json_object_get(v, "control"));
	print_header(v);
	print_pair("circuit", "%s", safe(circuit_str(attach, circuit, sizeof(circuit))));
	if (*get_text(attach, "tag"))
		print_pair("tags", "%s", safe(get_text(attach, "tag")));
	print_pair("program", "%s on %s", safe(get_text(attach, "mode")),
		   safe(get_text(attach, "program_device")));
	print_pair("MTU", "%" PRIu64 " octets of frame; larger ones: %s", get_number(v, "mtu"),
		   safe(get_text(v, "too_large")));
	print_way("from the peer", json_object_get(v, "rx"));
	print_way("to the peer", json_object_get(v, "tx"));
}

int cmd_pseudowire_show(const struct options *o, int argc, char **argv)
{
	if (argc > 1)
		return usage("pseudowire show", "one name, or nothing");
	if (argc)
		return ask_whole(o, "pseudowire show", words_json(argc, argv), NULL, print_one);
	return ask_table(o, "pseudowire show", NULL, columns, COLUMNS(columns), row);
}
