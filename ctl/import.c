/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what `ip l2tp show tunnel` and `ip l2tp show session` of iproute2 print, as text or as JSON.
 * A session's cookies and its reorder timeout share a line, and lines without anything occur.
 *
 *   Tunnel 3001, encap UDP                    Session 11 in tunnel 3001
 *     From 192.0.2.1 to 192.0.2.10              Peer session 12, tunnel 4001
 *     Peer tunnel 4001                          interface name: ether1
 *     UDP source / dest ports: 5001/6001        offset 0, peer offset 0
 *     UDP checksum: enabled                     cookie 01234567  peer cookie fedcba9876543210
 *                                               sequence numbering: send recv
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/import.h"

#define INPUT_MOST (64u << 20)

/* ---- the lists ---- */

static void *room(void *list, size_t *cap, size_t n, size_t size)
{
	size_t more = *cap ? 2 * *cap : 64;
	void *grown;

	if (n < *cap)
		return list;
	grown = realloc(list, more * size);
	if (!grown) {
		complain("no memory");
		exit(EXIT_REFUSED);
	}
	*cap = more;
	return grown;
}

static struct import_tunnel *add_tunnel(struct import *im)
{
	im->tunnels = room(im->tunnels, &im->cap_tunnels, im->n_tunnels, sizeof(*im->tunnels));
	im->tunnels[im->n_tunnels] = (struct import_tunnel){ 0 };
	return &im->tunnels[im->n_tunnels++];
}

static struct import_session *add_session(struct import *im)
{
	im->sessions = room(im->sessions, &im->cap_sessions, im->n_sessions, sizeof(*im->sessions));
	im->sessions[im->n_sessions] = (struct import_session){ 0 };
	return &im->sessions[im->n_sessions++];
}

/* ---- text ---- */

/* Which group of lines the next one belongs to. */
struct lines {
	struct import *im;
	struct import_tunnel *tunnel;
	struct import_session *session;
};

static bool read_addresses(struct import_tunnel *t, const char *line)
{
	char from[64], to[64];
	int end = 0;

	return sscanf(line, "From %63s to %63s %n", from, to, &end) == 2 && !line[end] &&
	       !addr_parse(from, &t->local) && !addr_parse(to, &t->peer);
}

static bool read_checksum(struct import_tunnel *t, const char *line)
{
	const char *v = line + strlen("UDP checksum: ");

	t->checksum_tx = !strcmp(v, "enabled") || !strcmp(v, "tx");
	t->checksum_rx = !strcmp(v, "enabled") || !strcmp(v, "rx");
	return t->checksum_tx || t->checksum_rx || !strcmp(v, "disabled");
}

static bool starts(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

static bool read_tunnel_line(struct import_tunnel *t, const char *line)
{
	int end = 0;

	if (starts(line, "From "))
		return read_addresses(t, line);
	if (starts(line, "UDP checksum: "))
		return read_checksum(t, line);
	if (sscanf(line, "Peer tunnel %u%n", &t->peer_id, &end) == 1)
		return !line[end];
	return sscanf(line, "UDP source / dest ports: %hu/%hu%n", &t->local_port, &t->peer_port,
		      &end) == 2 &&
	       !line[end];
}

static bool take_cookie(char to[static 17], const char *from)
{
	size_t len = strlen(from);

	if ((len != 8 && len != 16) || strspn(from, "0123456789abcdefABCDEF") != len)
		return false;
	memcpy(to, from, len + 1);
	return true;
}

/* "cookie X  peer cookie Y  reorder timeout: N", any of them */
static bool read_cookies(struct import_session *s, const char *line)
{
	char value[32];
	int n = 0;

	for (; *line; line += n) {
		n = 0;
		if (sscanf(line, " reorder timeout: %u%n", &s->reorder_ms, &n) == 1 && n)
			continue;
		n = 0;
		if (sscanf(line, " peer cookie %31s%n", value, &n) == 1 && n) {
			if (!take_cookie(s->peer_cookie, value))
				return false;
			continue;
		}
		n = 0;
		if (sscanf(line, " cookie %31s%n", value, &n) != 1 || !n ||
		    !take_cookie(s->cookie, value))
			return false;
	}
	return true;
}

static bool read_numbering(struct import_session *s, const char *line)
{
	char word[8];
	int n = 0;

	for (line += strlen("sequence numbering:"); *line; line += n) {
		if (sscanf(line, " %7s%n", word, &n) != 1)
			return false;
		if (!strcmp(word, "send"))
			s->send_seq = true;
		else if (!strcmp(word, "recv"))
			s->recv_seq = true;
		else
			return false;
	}
	return s->send_seq || s->recv_seq;
}

static bool read_session_line(struct import_session *s, const char *line)
{
	unsigned int ignored;
	int end = 0;

	if (sscanf(line, "Peer session %u, tunnel %u%n", &s->peer_id, &ignored, &end) == 2)
		return !line[end];
	if (sscanf(line, "interface name: %15s%n", s->interface, &end) == 1)
		return !line[end];
	if (sscanf(line, "offset %u, peer offset %u%n", &ignored, &ignored, &end) == 2)
		return !line[end];
	if (starts(line, "sequence numbering:"))
		return read_numbering(s, line);
	return read_cookies(s, line);
}

/* Without the spaces around it. */
static bool read_line(struct lines *l, const char *line)
{
	char encap[8];
	uint32_t id, tunnel;
	int end = 0;

	if (!*line)
		return true;
	if (sscanf(line, "Tunnel %u, encap %7s%n", &id, encap, &end) == 2 && !line[end]) {
		l->session = NULL;
		l->tunnel = add_tunnel(l->im);
		l->tunnel->id = id;
		l->tunnel->udp = !strcmp(encap, "UDP");
		return l->tunnel->udp || !strcmp(encap, "IP");
	}
	end = 0;
	if (sscanf(line, "Session %u in tunnel %u%n", &id, &tunnel, &end) == 2 && !line[end]) {
		l->tunnel = NULL;
		l->session = add_session(l->im);
		l->session->id = id;
		l->session->tunnel = tunnel;
		return true;
	}
	if (l->tunnel)
		return read_tunnel_line(l->tunnel, line);
	return l->session && read_session_line(l->session, line);
}

static bool read_text(struct import *im, const char *file, char *text)
{
	struct lines l = { .im = im };
	unsigned int number = 0;
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n"))) {
		size_t len;

		number++;
		line += strspn(line, " \t");
		for (len = strlen(line); len && strchr(" \t\r", line[len - 1]);)
			line[--len] = '\0';
		if (read_line(&l, line))
			continue;
		complain(
			"%s:%u: \"%s\" is no line of `ip l2tp show tunnel` or `show session`; give "
			"their output as it comes",
			file, number, safe(line));
		return false;
	}
	return true;
}

/* ---- JSON ---- */

static bool json_cookie(const json_t *o, const char *key, char to[static 17])
{
	const json_t *v = json_object_get(o, key);

	return !v || (json_is_string(v) && take_cookie(to, json_string_value(v)));
}

static bool json_session(struct import *im, const json_t *o)
{
	struct import_session *s = add_session(im);

	s->id = (uint32_t)get_number(o, "session_id");
	s->peer_id = (uint32_t)get_number(o, "peer_session_id");
	s->tunnel = (uint32_t)get_number(o, "tunnel_id");
	s->reorder_ms = (unsigned int)get_number(o, "reorder_timeout");
	s->send_seq = json_object_get(o, "send_seq"); /* null, if it is */
	s->recv_seq = json_object_get(o, "recv_seq");
	snprintf(s->interface, sizeof(s->interface), "%s", get_text(o, "interface"));
	return s->id && s->peer_id && json_cookie(o, "cookie", s->cookie) &&
	       json_cookie(o, "peer_cookie", s->peer_cookie);
}

static bool json_tunnel(struct import *im, const json_t *o)
{
	struct import_tunnel *t = add_tunnel(im);

	t->id = (uint32_t)get_number(o, "tunnel_id");
	t->peer_id = (uint32_t)get_number(o, "peer_tunnel");
	t->udp = !strcmp(get_text(o, "encap"), "UDP");
	t->local_port = (uint16_t)get_number(o, "local_port");
	t->peer_port = (uint16_t)get_number(o, "peer_port");
	t->checksum_tx = get_bool(o, "checksum") || get_bool(o, "checksum_tx");
	t->checksum_rx = get_bool(o, "checksum") || get_bool(o, "checksum_rx");
	return t->id && (t->udp || !strcmp(get_text(o, "encap"), "IP")) &&
	       !addr_parse(get_text(o, "local"), &t->local) &&
	       !addr_parse(get_text(o, "peer"), &t->peer);
}

/* One array after the other. */
static bool read_json(struct import *im, const char *file, const char *text)
{
	json_error_t why = { .position = 0 };
	bool good = true;
	const json_t *o;
	json_t *list;
	size_t i;

	while (good && *(text += strspn(text, " \t\r\n"))) {
		list = json_loadb(text, strlen(text), JSON_DISABLE_EOF_CHECK, &why);
		if (!list) {
			complain("%s:%d: not JSON: %s", file, why.line, why.text);
			return false;
		}
		json_array_foreach(list, i, o)
		{
			good = json_object_get(o, "session_id") ? json_session(im, o)
								: json_tunnel(im, o);
			if (good)
				continue;
			complain("%s: element %zu is neither a tunnel nor a session of `ip -json "
				 "l2tp "
				 "show`; give its output as it comes",
				 file, i + 1);
			break;
		}
		json_decref(list);
		text += why.position;
	}
	return good;
}

/* ---- the command ---- */

/* NULL: told why; else to be freed, with a NUL behind it. */
static char *read_all(FILE *f, const char *name, size_t *ret_len)
{
	size_t len = 0, cap = 1u << 16, n;
	char *text = malloc(cap), *grown;

	while (text && (n = fread(text + len, 1, cap - len - 1, f)) > 0) {
		len += n;
		if (len + 1 < cap)
			continue;
		grown = cap < INPUT_MOST ? realloc(text, cap *= 2) : NULL;
		if (!grown)
			free(text);
		text = grown;
	}
	if (!text || ferror(f)) {
		complain("%s: cannot be read, or is larger than %u MiB", name, INPUT_MOST >> 20);
		free(text);
		return NULL;
	}
	text[len] = '\0';
	*ret_len = len;
	return text;
}

static bool read_file(struct import *im, const char *name)
{
	bool standard = !strcmp(name, "-"), good;
	FILE *f = standard ? stdin : fopen(name, "re");
	const char *called = standard ? "standard input" : safe(name);
	size_t len;
	char *text;

	if (!f) {
		complain("%s: cannot be read", called);
		return false;
	}
	text = read_all(f, called, &len);
	if (!standard)
		fclose(f);
	if (!text)
		return false;
	if (strlen(text) != len) {
		complain("%s: holds a NUL; is it the output of `ip l2tp show`?", called);
		good = false;
	} else if (text[strspn(text, " \t\r\n")] == '[') {
		good = read_json(im, called, text);
	} else {
		good = read_text(im, called, text);
	}
	explicit_bzero(text, len);
	free(text);
	return good;
}

int cmd_import_ip_l2tp(const struct options *o, int argc, char **argv)
{
	struct import im = { 0 };
	bool good = true;
	int i;

	(void)o;
	if (!argc)
		good = read_file(&im, "-");
	for (i = 0; good && i < argc; i++)
		good = read_file(&im, argv[i]);
	if (good && !im.n_sessions) {
		complain("there is no session in it; give the output of `ip l2tp show tunnel` and "
			 "of "
			 "`ip l2tp show session`");
		good = false;
	}
	good = good && import_print(&im);
	free(im.tunnels);
	free(im.sessions);
	return good ? EXIT_OK : EXIT_REFUSED;
}
