/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the client tells programs: one JSON object a line, each flushed. */
#include <jansson.h>
#include <string.h>

#include "tests/client/client.h"

static void write_event(const struct client *c, json_t *event)
{
	char *text = event ? json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	if (text) {
		fprintf(c->events, "%s\n", text);
		fflush(c->events);
	}
	free(text);
	json_decref(event);
}

static void set_address(json_t *o, const char *key, const struct ipaddr *a)
{
	char buf[ADDR_STRLEN];

	json_object_set_new(o, key, addr_is_set(a) ? json_string(addr_str(a, buf)) : json_null());
}

static json_t *dns_list(const struct ipaddr dns[2])
{
	json_t *list = json_array();
	char buf[ADDR_STRLEN];

	for (int i = 0; i < 2; i++)
		if (addr_is_set(&dns[i]))
			json_array_append_new(list, json_string(addr_str(&dns[i], buf)));
	return list;
}

static json_t *about(const struct subscriber *s, const char *event)
{
	json_t *o = json_object();

	json_object_set_new(o, "event", json_string(event));
	/* A name that is not UTF-8 has no place in JSON and is left out. */
	json_object_set_new(o, "user", json_string(s->user));
	json_object_set_new(o, "device", json_string(s->tun.name));
	return o;
}

static json_t *about_up(const struct subscriber *s, const char *family)
{
	json_t *o = about(s, "up");

	json_object_set_new(o, "family", json_string(family));
	json_object_set_new(o, "tunnel", json_integer(line_tunnel_id(s->line)));
	json_object_set_new(o, "session", json_integer(line_session_id(s->line)));
	json_object_set_new(o, "mtu", json_integer(device_mtu(s)));
	json_object_set_new(o, "authentication", json_string(ppp_auth_names[line_auth(s->line)]));
	return o;
}

void event_up_ipv4(const struct subscriber *s, const struct ppp_network *net)
{
	json_t *o = about_up(s, "ipv4");

	set_address(o, "address", &net->ipv4);
	set_address(o, "peer_address", &net->local_ipv4);
	json_object_set_new(o, "dns", dns_list(net->dns4));
	write_event(s->client, o);
}

void event_up_ipv6(const struct subscriber *s, const struct ppp_network *net)
{
	json_t *o = about_up(s, "ipv6");
	char buf[PREFIX_STRLEN];

	json_object_set_new(o, "prefix", json_string(prefix_str(&net->ipv6, buf)));
	set_address(o, "address", &s->ipv6);
	json_object_set_new(o, "dns", dns_list(net->dns6));
	write_event(s->client, o);
}

void event_down(const struct subscriber *s, const struct line_end *end)
{
	json_t *o = about(s, "down");

	json_object_set_new(o, "reason", json_string(end->text));
	json_object_set_new(o, "asked", json_boolean(end->asked));
	json_object_set_new(o, "result", json_integer(end->result));
	json_object_set_new(o, "error", json_integer(end->error));
	write_event(s->client, o);
}
