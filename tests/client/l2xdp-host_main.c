/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * l2xdp-host: the host in the core that subscribers of l2xdp-load talk to. It takes their
 * numbered packets (numbers.h), and sends each sender it has heard numbered ones of its own
 * at a steady rate, whatever arrives. Both ends remember every number; what one has sent
 * and the other has not received was lost in that direction.
 */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/client/loop.h"
#include "tests/client/numbers.h"
#include "tests/client/options.h"
#include "tests/client/pace.h"
#include "tests/client/udp.h"

#define MAX_LISTEN 4
#define SOCKET_BUFFER (32 << 20)
#define TICK_US 5000
#define ROUNDS 16

struct sender {
	struct path path; /* from here to it */
	int fd;
	uint32_t who, sent;
	struct numbers numbers;
};

struct host;
struct port {
	struct host *host;
	struct path local;
	int fd;
	struct event *readable;
};

struct host {
	struct loop loop;
	struct udp_batch *batch;
	struct port ports[MAX_LISTEN];
	unsigned int n_ports, rate;
	const char *report;
	struct sender *senders;
	uint32_t n, cap, turn;
	uint32_t *slots, n_slots; /* by address: 1 + index of a sender, open addressing */
	struct pace pace;
	uint64_t sent, other;
	bool stopped;
	struct event *tick, *on_stop, *on_go_on, *on_term, *on_int;
};

static const char help[] =
	"l2xdp-host: takes the numbered packets of l2xdp-load, and sends some back\n"
	"\n"
	"  --listen ADDR:PORT   up to 4 times\n"
	"  --rate PPS           packets a second, round all that have been heard (0)\n"
	"  --report FILE        what was sent and received, by address, as JSON\n"
	"\n"
	"SIGUSR1: sends no more, and writes FILE anew; SIGHUP: goes on. SIGTERM, SIGINT: writes "
	"FILE, ends.\n";

enum { O_LISTEN = 256, O_RATE, O_REPORT };
static const struct option options[] = {
	{ "listen", required_argument, NULL, O_LISTEN },
	{ "rate", required_argument, NULL, O_RATE },
	{ "report", required_argument, NULL, O_REPORT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* ---- who has been heard ---- */

static uint32_t slot_of(const struct host *h, const struct ipaddr *a)
{
	uint32_t hash = 2166136261u;

	for (unsigned int i = 0; i < sizeof(a->b); i++)
		hash = (hash ^ a->b[i]) * 16777619u;
	hash %= h->n_slots;
	while (h->slots[hash] && !addr_eq(&h->senders[h->slots[hash] - 1].path.peer, a))
		hash = (hash + 1) % h->n_slots;
	return hash;
}

static bool grow(struct host *h)
{
	uint32_t cap = h->cap ? h->cap * 2 : 1024;
	struct sender *senders = realloc(h->senders, cap * sizeof(*senders));
	uint32_t *slots;

	if (!senders)
		return false;
	h->senders = senders;
	slots = calloc(cap * 4, sizeof(*slots));
	if (!slots)
		return false;
	free(h->slots);
	h->slots = slots;
	h->cap = cap;
	h->n_slots = cap * 4;
	for (uint32_t i = 0; i < h->n; i++)
		h->slots[slot_of(h, &h->senders[i].path.peer)] = i + 1;
	return true;
}

static struct sender *sender_of(struct host *h, const struct port *p, const struct path *path)
{
	uint32_t slot;

	if (h->n == h->cap && !grow(h))
		return NULL;
	slot = slot_of(h, &path->peer);
	if (!h->slots[slot]) {
		h->senders[h->n] = (struct sender){ .path = *path, .fd = p->fd };
		h->slots[slot] = ++h->n;
	}
	return &h->senders[h->slots[slot] - 1];
}

static void on_datagram(void *arg, const struct path *path, const uint8_t *msg, size_t len)
{
	struct port *p = arg;
	uint32_t who, number;
	struct sender *s;

	if (!numbers_read(msg, len, &who, &number)) {
		p->host->other++;
		return;
	}
	s = sender_of(p->host, p, path);
	if (!s)
		return;
	s->who = who;
	s->path = *path;
	if (!numbers_book(&s->numbers, number))
		p->host->other++;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct port *p = arg;

	(void)what;
	loop_enter(&p->host->loop);
	udp_receive(p->host->batch, fd, &p->local, ROUNDS, on_datagram, p);
	loop_leave(&p->host->loop);
}

/* ---- sending ---- */

static void send_due(struct host *h)
{
	uint64_t due = pace_due(&h->pace, h->rate, clock_us());

	h->pace.given += due;
	for (; h->n && due; due--) {
		struct sender *s = &h->senders[h->turn++ % h->n];

		numbers_write(udp_room(h->batch), s->who, s->sent++);
		udp_queue(h->batch, s->fd, &s->path, 0, NUMBERS_PAYLOAD);
		h->sent++;
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct timeval tv = { .tv_usec = TICK_US };
	struct host *h = arg;

	(void)fd;
	(void)what;
	loop_enter(&h->loop);
	if (!h->stopped && h->rate) {
		send_due(h);
		evtimer_add(h->tick, &tv);
	}
	loop_leave(&h->loop);
}

static void settle(void *arg)
{
	struct host *h = arg;

	udp_flush(h->batch);
}

/* ---- telling ---- */

static json_t *json_sender(const struct sender *s)
{
	char text[ADDR_STRLEN];

	return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I}", "address", addr_str(&s->path.peer, text),
			 "who", (json_int_t)s->who, "sent", (json_int_t)s->sent, "received",
			 (json_int_t)s->numbers.received, "duplicates",
			 (json_int_t)s->numbers.duplicates, "reordered",
			 (json_int_t)s->numbers.reordered);
}

static void report(const struct host *h)
{
	json_t *o, *list = json_array();
	char name[4096];

	if (!h->report)
		return;
	for (uint32_t i = 0; i < h->n; i++)
		json_array_append_new(list, json_sender(&h->senders[i]));
	o = json_pack("{s:o,s:I,s:I,s:I}", "senders", list, "sent", (json_int_t)h->sent, "not_sent",
		      (json_int_t)udp_lost(h->batch), "other", (json_int_t)h->other);
	snprintf(name, sizeof(name), "%s.new", h->report);
	if (!o || json_dump_file(o, name, JSON_COMPACT) < 0 || rename(name, h->report) < 0)
		fprintf(stderr, "l2xdp-host: %s: %s\n", h->report, strerror(errno));
	json_decref(o);
}

static void on_stop(evutil_socket_t sig, short what, void *arg)
{
	struct host *h = arg;

	(void)sig;
	(void)what;
	h->stopped = true;
	udp_flush(h->batch);
	report(h);
}

/* What was not sent meanwhile is not made up for. */
static void on_go_on(evutil_socket_t sig, short what, void *arg)
{
	struct host *h = arg;

	(void)sig;
	(void)what;
	if (!h->stopped)
		return;
	h->stopped = false;
	h->pace = (struct pace){ .start_us = clock_us() };
	on_tick(-1, 0, h);
}

static void on_end(evutil_socket_t sig, short what, void *arg)
{
	struct host *h = arg;

	on_stop(sig, what, h);
	event_base_loopbreak(h->loop.base);
}

/* ---- opening ---- */

static int port_open(struct port *p)
{
	int size = SOCKET_BUFFER;
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&p->local.local, p->local.local_port, &sa);

	p->fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0)
		return -errno;
	/* Less, without the privilege, is no error. */
	(void)setsockopt(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)setsockopt(p->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (bind(p->fd, (struct sockaddr *)&sa, len) < 0)
		return -errno;
	p->readable = event_new(p->host->loop.base, p->fd, EV_READ | EV_PERSIST, on_readable, p);
	return p->readable && event_add(p->readable, NULL) == 0 ? 0 : -ENOMEM;
}

static int host_open(struct host *h)
{
	int err = loop_open(&h->loop, settle, h);

	if (err < 0)
		return err;
	h->batch = udp_batch_new();
	h->tick = evtimer_new(h->loop.base, on_tick, h);
	h->on_stop = evsignal_new(h->loop.base, SIGUSR1, on_stop, h);
	h->on_go_on = evsignal_new(h->loop.base, SIGHUP, on_go_on, h);
	h->on_term = evsignal_new(h->loop.base, SIGTERM, on_end, h);
	h->on_int = evsignal_new(h->loop.base, SIGINT, on_end, h);
	if (!h->batch || !h->tick || !h->on_stop || !h->on_go_on || !h->on_term || !h->on_int)
		return -ENOMEM;
	event_add(h->on_stop, NULL);
	event_add(h->on_go_on, NULL);
	event_add(h->on_term, NULL);
	event_add(h->on_int, NULL);
	for (unsigned int i = 0; i < h->n_ports; i++) {
		err = port_open(&h->ports[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

static void host_close(struct host *h)
{
	struct event *events[] = { h->tick, h->on_stop, h->on_go_on, h->on_term, h->on_int };

	for (unsigned int i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (events[i])
			event_free(events[i]);
	for (unsigned int i = 0; i < h->n_ports; i++) {
		if (h->ports[i].readable)
			event_free(h->ports[i].readable);
		if (h->ports[i].fd >= 0)
			close(h->ports[i].fd);
	}
	for (uint32_t i = 0; i < h->n; i++)
		numbers_free(&h->senders[i].numbers);
	free(h->senders);
	free(h->slots);
	udp_batch_free(h->batch);
	loop_close(&h->loop);
}

static bool read_option(int c, char *arg, struct host *h)
{
	struct port *p = &h->ports[h->n_ports];

	switch (c) {
	case O_LISTEN:
		if (h->n_ports == MAX_LISTEN) {
			fprintf(stderr, "--listen: at most %d times\n", MAX_LISTEN);
			return false;
		}
		*p = (struct port){ .host = h, .fd = -1 };
		h->n_ports++;
		return option_endpoint("--listen", arg, &p->local.local, &p->local.local_port);
	case O_RATE:
		return option_number("--rate", arg, 0, 10000000, &h->rate);
	case O_REPORT:
		h->report = arg;
		return true;
	default:
		return false; /* getopt_long has told */
	}
}

int main(int argc, char **argv)
{
	static struct host h;
	int c, err;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (!read_option(c, optarg, &h))
			return 1;
	}
	if (!h.n_ports || optind < argc) {
		fprintf(stderr, "l2xdp-host: --listen ADDR:PORT is needed; see --help\n");
		return 1;
	}
	err = host_open(&h);
	if (err < 0) {
		fprintf(stderr, "l2xdp-host: %s\n", strerror(-err));
	} else {
		h.pace.start_us = clock_us();
		on_tick(-1, 0, &h);
		fprintf(stderr, "listening\n");
		event_base_dispatch(h.loop.base);
	}
	host_close(&h);
	return err < 0 ? 1 : 0;
}
