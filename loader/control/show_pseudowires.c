/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pseudowire show, add, del. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/control/show.h"
#include "loader/lns.h"

/* ---- show ---- */

static json_t *json_way(const struct dp_way_traffic *hook, const struct dp_way_traffic *slow)
{
	const json_int_t frames = (json_int_t)hook->packets + (json_int_t)slow->packets,
			 bytes = (json_int_t)hook->bytes + (json_int_t)slow->bytes,
			 drops = (json_int_t)hook->drops + (json_int_t)slow->drops,
			 lost = (json_int_t)hook->lost + (json_int_t)slow->lost;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "frames", frames, "bytes",
			 bytes, "hook_frames", (json_int_t)hook->packets, "hook_bytes",
			 (json_int_t)hook->bytes, "slow_frames", (json_int_t)slow->packets,
			 "slow_bytes", (json_int_t)slow->bytes, "drops", drops, "lost", lost);
}

static json_t *json_vlans(const uint16_t id[2])
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < 2 && id[i]; i++)
		json_array_append_new(list, json_integer(id[i]));
	return list;
}

static const char *tag_name(const struct pw_circuit *c)
{
	if (!c->vlan[0])
		return NULL;
	return c->tag == PW_TAG_KEEP ? "keep" : c->tag == PW_TAG_REMOVE ? "remove" : "rewrite";
}

static json_t *json_circuit(const struct pw_info *w)
{
	const struct pw_circuit *c = &w->cfg->circuit;
	json_t *addresses = json_array();

	for (unsigned int i = 0; i < c->n_addresses; i++)
		json_array_append_new(addresses, json_prefix(&c->address[i]));
	return json_pack("{s:s, s:s?, s:s?, s:o, s:o, s:o, s:s?, s:o, s:s, s:I, s:s}", "device",
			 c->device, "create", c->create ? c->tap ? "tap" : "veth" : NULL, "netns",
			 c->netns[0] ? c->netns : NULL, "addresses", addresses, "vlan",
			 json_vlans(c->vlan), "wire_vlan",
			 json_vlans(c->tag == PW_TAG_KEEP ? c->vlan : c->wire), "tag", tag_name(c),
			 "outer_tag",
			 c->vlan[1] ? json_string(c->dot1ad ? "dot1ad" : "dot1q") : json_null(),
			 "program_device", w->device ? w->device : "", "ifindex",
			 (json_int_t)w->ifindex, "mode", w->mode ? w->mode : "off");
}

/* What stands in front of frames: as configured, or as it has been agreed with the peer. */
struct header {
	uint32_t id, peer_id;
	int cookie, second_cookie, peer_cookie; /* octets */
	bool sublayer, peer_sublayer, seq_send, seq_receive;
};

static struct header header_of(const struct pw_config *p, const struct lns_signal_info *s)
{
	if (!p->signalled)
		return (struct header){ p->id,
					p->peer_id,
					p->cookie[0].len,
					p->cookie[1].len,
					p->peer_cookie.len,
					p->sublayer,
					p->peer_sublayer,
					p->seq_send,
					p->seq_receive };
	return (struct header){ .id = s->id,
				.peer_id = s->peer_id,
				.cookie = s->cookie_len,
				.peer_cookie = s->peer_cookie_len,
				.sublayer = s->sublayer,
				.peer_sublayer = s->peer_sublayer,
				.seq_send = s->seq_send,
				.seq_receive = s->seq_receive };
}

static const char *sequencing_name(const struct header *h)
{
	if (h->seq_send)
		return h->seq_receive ? "both" : "send";
	return h->seq_receive ? "receive" : "none";
}

/* A cookie is shown by its length: it keeps strangers out. */
static json_t *json_header(const struct pw_config *p, const struct lns_signal_info *s)
{
	struct header h = header_of(p, s);

	return json_pack(
		"{s:{s:I, s:I}, s:{s:i, s:i, s:i}, s:{s:s, s:s}, s:s, s:b, s:s, s:b, s:I, s:i, "
		"s:I}",
		"session", "local", (json_int_t)h.id, "remote", (json_int_t)h.peer_id,
		"cookie_octets", "local", h.cookie, "local_second", h.second_cookie, "remote",
		h.peer_cookie, "sublayer", "local", h.sublayer ? "default" : "none", "remote",
		h.peer_sublayer ? "default" : "none", "sequencing", sequencing_name(&h), "checksum",
		p->checksum, "too_large", p->large == PW_LARGE_ICMP ? "icmp" : "fragment",
		"mss_clamp", p->clamp_mss, "configured_mtu", (json_int_t)p->mtu, "dscp", p->dscp,
		"bum_limit", (json_int_t)p->bum_rate);
}

static json_t *json_session(const struct lns_signal_info *s)
{
	if (!s->session)
		return json_null();
	return json_pack("{s:s, s:s?}", "state", s->session_state, "peer_circuit",
			 !s->ready         ? NULL
			 : s->peer_circuit ? "up"
					   : "down");
}

/* What keeps it up, or looks whether its peer lives. */
static json_t *json_signal(const struct lns_signal_info *s)
{
	return json_pack(
		"{s:o, s:I, s:I, s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "name",
		json_text(s->connection), "tunnel", (json_int_t)s->tunnel_id, "peer_tunnel",
		(json_int_t)s->peer_tunnel_id, "state", s->state, "host_name",
		json_text_or_null(s->host_name), "why", json_text_or_null(s->why), "redial",
		s->retry_ms == TIMERS_NEVER ? json_null()
					    : json_integer((json_int_t)(s->retry_ms / 1000)),
		"keepalive", s->keepalive, "remote_end_id", json_text_or_null(s->end_id),
		"remote_end_number", s->end_number ? json_integer(s->end_number) : json_null(),
		"session", json_session(s));
}

static json_t *json_pseudowire(struct lns *lns, unsigned int i)
{
	struct datapath *dp = lns_datapath(lns);
	struct lns_signal_info s = { 0 };
	bool signal = lns_signal(lns, i, &s);
	const struct path *path;
	struct dp_traffic t;
	struct pw_info w;
	json_t *v, *header;

	dp_pw_info(dp, i, &w);
	dp_pw_traffic(dp, i, &t);
	path = signal && s.tunnel_id && !s.keepalive ? &s.path : &w.cfg->path;
	v = json_pack("{s:s, s:s, s:o, s:I, s:b, s:s, s:o, s:i, s:o, s:i, s:o, s:i, s:o, s:o, s:o}",
		      "name", w.cfg->name, "state", w.up ? "up" : "down", "why",
		      json_text_or_null(w.up ? NULL : w.why), "index", (json_int_t)w.index,
		      "signalled", w.cfg->signalled, "encapsulation",
		      path->peer_port || path->local_port ? "udp" : "ip", "peer",
		      json_address(&path->peer), "port", path->peer_port, "local_address",
		      json_address(&path->local), "local_port", path->local_port, "control",
		      signal ? json_signal(&s) : json_null(), "mtu", w.mtu, "attach",
		      json_circuit(&w), "rx", json_way(&t.hook_rx, &t.slow_rx), "tx",
		      json_way(&t.hook_tx, &t.slow_tx));
	header = json_header(w.cfg, &s);
	if (v && (!header || json_object_update_new(v, header))) {
		json_decref(v);
		return NULL;
	}
	return v;
}

static enum answer_step next_pseudowire(struct answer *a, struct text *ret)
{
	unsigned int *at = a->state;
	json_t *v;

	if (*at == dp_pw_count(lns_datapath(a->lns)))
		return ANSWER_END;
	v = json_pseudowire(a->lns, (*at)++);
	if (v)
		text_json(ret, v);
	else
		ret->failed = true;
	json_decref(v);
	return ANSWER_ELEMENT;
}

static void free_place(struct answer *a)
{
	free(a->state);
}

static int show_named(const struct request *rq, struct answer *a, const char *name)
{
	struct datapath *dp = lns_datapath(rq->lns);
	unsigned int n = dp_pw_count(dp);
	struct pw_info w;

	for (unsigned int i = 0; i < n; i++) {
		dp_pw_info(dp, i, &w);
		if (!strcmp(w.cfg->name, name))
			return answer_whole(a, json_pseudowire(rq->lns, i));
	}
	return answer_not_found(a, "there is none of that name; `pseudowire show` lists them");
}

/* The only argument, a name. NULL: there is none, or more, or no text. */
static const char *name_of(const struct request *rq)
{
	return json_array_size(rq->arguments) == 1
		       ? json_string_value(json_array_get(rq->arguments, 0))
		       : NULL;
}

int pseudowire_show(const struct request *rq, struct answer *a)
{
	static const char *const none[] = { NULL };
	const char *name = name_of(rq);

	if (options_known(rq, a, none))
		return -EINVAL;
	if (json_array_size(rq->arguments) && !name)
		return answer_usage(a, "takes one name, or nothing");
	if (name)
		return show_named(rq, a, name);
	a->state = calloc(1, sizeof(unsigned int));
	if (!a->state)
		return answer_whole(a, NULL);
	a->next = next_pseudowire;
	a->free = free_place;
	return 0;
}

/* ---- add, del ---- */

static int ask(const struct request *rq, struct answer *a, const char *what, const char *name,
	       const char *entry)
{
	int err = lns_pseudowire(rq->lns, name, entry, a->error, sizeof(a->error));

	if (err)
		return answer_refused(a, err == -ENOENT ? "not-found" : "failed", err);
	trim_lines(a->error);
	return answer_whole(
		a, json_pack("{s:s, s:o}", what, name, "text", json_text_or_null(a->error)));
}

/* A line that begins with the name, as the file has it. */
static char *entry_line(json_t *given, const char *name)
{
	json_t *entry = json_pack("{s:s}", "name", name);
	char *line = NULL;

	if (entry && !json_object_update_missing(entry, given))
		line = json_dumps(entry, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(entry);
	return line;
}

int pseudowire_add(const struct request *rq, struct answer *a)
{
	static const char *const known[] = { "entry", NULL };
	json_t *given = json_object_get(rq->options, "entry");
	const char *name = json_string_value(json_object_get(given, "name"));
	char *line;
	int err = only_options(rq, a, known);

	if (err)
		return err;
	if (!name)
		return answer_usage(a, "takes the option entry: the keys of a pseudowire as the "
				       "configuration has them, a name among them");
	line = entry_line(given, name);
	if (!line)
		return answer_failed(a, "no memory");
	err = ask(rq, a, "adding", name, line);
	explicit_bzero(line, strlen(line));
	free(line);
	return err;
}

int pseudowire_del(const struct request *rq, struct answer *a)
{
	static const char *const none[] = { NULL };
	const char *name = name_of(rq);

	if (options_known(rq, a, none))
		return -EINVAL;
	return name ? ask(rq, a, "deleting", name, NULL) : answer_usage(a, "takes one name");
}
