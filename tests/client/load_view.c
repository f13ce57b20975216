/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The LAC's view of its sessions, to be held against the LNS's. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tests/client/load.h"

static const char *const state_names[] = {
	[LINE_WAITING] = "waiting", [LINE_CONNECTING] = "connecting",
	[LINE_UP] = "up",           [LINE_FAILED] = "failed",
	[LINE_DOWN] = "down",
};

static const char *ipv6_text(const struct load_line *s, char text[static ADDR_STRLEN])
{
	return addr_is_set(&s->ipv6) ? addr_str(&s->ipv6, text) : "";
}

static json_t *view_line(const struct load *g, const struct load_line *s)
{
	struct ipaddr ipv4 = addr_from_v4(s->ipv4);
	const struct load_tunnel *lt = &g->tunnels[(s - g->lines) % g->opt->tunnels];
	char text4[ADDR_STRLEN], text6[ADDR_STRLEN];
	json_t *o = json_pack(
		"{s:I,s:s,s:s,s:s,s:I,s:I,s:I,s:I}", "who", (json_int_t)(s - g->lines), "state",
		state_names[s->state], "ipv4", s->ipv4 ? addr_str(&ipv4, text4) : "", "ipv6",
		ipv6_text(s, text6), "sent", (json_int_t)s->sent, "received",
		(json_int_t)s->numbers.received, "duplicates", (json_int_t)s->numbers.duplicates,
		"reordered", (json_int_t)s->numbers.reordered);

	if (o && s->line) {
		json_object_set_new(o, "tunnel", json_integer(line_tunnel_id(s->line)));
		json_object_set_new(o, "session", json_integer(line_session_id(s->line)));
		json_object_set_new(o, "peer_tunnel", json_integer(line_peer_tunnel_id(s->line)));
		json_object_set_new(o, "peer_session", json_integer(line_peer_session_id(s->line)));
		json_object_set_new(o, "port", json_integer(lt->path.local_port));
	}
	return o;
}

void load_view_write(const struct load *g)
{
	json_t *o, *list;
	char name[4096];

	if (!g->opt->view)
		return;
	list = json_array();
	for (uint32_t i = 0; i < g->next; i++)
		json_array_append_new(list, view_line(g, &g->lines[i]));
	o = json_pack("{s:o,s:I,s:I}", "sessions", list, "not_sent", (json_int_t)udp_lost(g->batch),
		      "misdelivered", (json_int_t)g->traffic_misdelivered);
	snprintf(name, sizeof(name), "%s.new", g->opt->view);
	if (!o || json_dump_file(o, name, JSON_COMPACT) < 0 || rename(name, g->opt->view) < 0)
		fprintf(stderr, "l2xdp-load: %s: %s\n", g->opt->view, strerror(errno));
	json_decref(o);
}
