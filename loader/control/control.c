/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: connections, lines, and the table of commands. What the commands
 * do stands in show_*.c and maintenance.c; the socket's file is made in control_file.c.
 *
 * A client costs a bounded amount of memory whatever it does: its input is one line of
 * 64 KiB at the most, its output is filled up to 64 KiB and then again when it has taken
 * all of that; long answers are made element by element in between.
 *
 * And a bounded amount of time: clients that have something to do stand in a queue, and one of
 * them goes on for a millisecond, then the event loop looks at its sockets again. So neither a
 * slow reader nor a million sessions nor many clients keep the daemon from its packets. What
 * takes longer is only a single command that does (closing a tunnel of 65 000 sessions).
 *
 * One client goes through these steps, all in client_step():
 *
 *   output full          wait for the client to take it
 *   answer in progress   write its next element
 *   a whole line         read it, run the command
 *   nothing of these     wait for input; or end, if the client or an error said so
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "loader/base/log.h"
#include "loader/base/timers.h"
#include "loader/control/control.h"
#include "loader/control/show.h"

#define LINE_MOST (64u << 10)
#define OUTPUT_FULL (64u << 10)
#define CLIENTS_MOST 32u
#define SILENCE_S 60
#define PAGER_S 900 /* what it may be read with: somebody may be reading */
#define SLICE_US 1000 /* what clients may take of a turn of the event loop */
#define IDLE_MS 1000 /* one that has not moved for so long makes place for another */

struct client {
	TAILQ_ENTRY(client) link, turn;
	struct control *control;
	struct bufferevent *bev;
	struct answer answer; /* next is set: in progress */
	msec_t moved_at; /* when it last sent or took something */
	bool waits; /* in control->turns */
	bool first; /* no element of it written yet */
	bool eof; /* the client sends no more */
	bool broken; /* its answer cannot be ended */
	bool ending; /* nothing more is run; the connection ends when all is written */
};

struct control {
	struct lns *lns;
	struct event_base *base;
	struct evconnlistener *listener;
	TAILQ_HEAD(clients, client) clients; /* the last moved first */
	TAILQ_HEAD(turns, client) turns; /* have something to do, the next one first */
	struct event *slice; /* set while there are any */
	struct text element; /* of an answer, being written */
	unsigned int n_clients;
	struct control_file own; /* fd -1: somebody else's */
};

static const struct command {
	const char *name;
	command_fn *run;
} commands[] = {
	{ "show tunnels", show_tunnels },
	{ "show sessions", show_sessions },
	{ "show session", show_session },
	{ "show verdicts", show_verdicts },
	{ "show datapath", show_datapath },
	{ "show workers", show_workers },
	{ "show peers", show_peers },
	{ "show state", show_state },
	{ "clear tunnel", clear_tunnel },
	{ "clear session", clear_session },
	{ "drain", drain },
	{ "undrain", undrain },
	{ "pseudowire show", pseudowire_show },
	{ "pseudowire add", pseudowire_add },
	{ "pseudowire del", pseudowire_del },
	{ "reload", reload },
	{ "shutdown", end_daemon },
	{ "preflight", preflight },
};

/* ---- output ---- */

static int append(const char *text, size_t len, void *output)
{
	return evbuffer_add(output, text, len);
}

static void write_json(struct client *cl, const json_t *v)
{
	json_dump_callback(v, append, bufferevent_get_output(cl->bev), JSON_COMPACT);
}

static void write_text(struct client *cl, const char *text)
{
	bufferevent_write(cl->bev, text, strlen(text));
}

static void write_error(struct client *cl, const char *code, const char *error)
{
	json_t *v = json_pack("{s:b, s:o, s:s}", "ok", 0, "error", json_text(error), "code", code);

	if (v)
		write_json(cl, v);
	else
		write_text(cl, "{\"ok\":false,\"error\":\"no memory\",\"code\":\"failed\"}");
	json_decref(v);
	write_text(cl, "\n");
}

static void write_result(struct client *cl, json_t *result)
{
	write_text(cl, "{\"ok\":true,\"result\":");
	write_json(cl, result);
	write_text(cl, "}\n");
	json_decref(result);
}

static void answer_end(struct client *cl)
{
	if (cl->answer.next && cl->answer.free)
		cl->answer.free(&cl->answer);
	memset(&cl->answer, 0, sizeof(cl->answer));
}

/* One more element of the answer in progress, or its end. False: there is no memory for it, and
 * no way to say so in the midst of an answer. */
static bool answer_step(struct client *cl)
{
	struct text *t = &cl->control->element;
	enum answer_step step;

	t->len = 0;
	t->failed = false;
	step = cl->answer.next(&cl->answer, t);
	if (t->failed)
		return false;
	if (step == ANSWER_END) {
		write_text(cl, "]}\n");
		answer_end(cl);
	} else if (step == ANSWER_ELEMENT) {
		if (!cl->first)
			write_text(cl, ",");
		cl->first = false;
		bufferevent_write(cl->bev, t->mem, t->len);
	}
	return true;
}

/* ---- requests ---- */

static const struct command *command_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

static void command_run(struct client *cl, const struct command *cmd, const struct request *rq)
{
	struct answer *a = &cl->answer;

	memset(a, 0, sizeof(*a));
	a->lns = rq->lns;
	if (cmd->run(rq, a)) {
		char text[sizeof(a->error) + 64];

		snprintf(text, sizeof(text), "%s: %s", cmd->name, a->error);
		write_error(cl, a->code, text);
		memset(a, 0, sizeof(*a));
	} else if (a->next) {
		cl->first = true;
		write_text(cl, "{\"ok\":true,\"result\":[");
	} else {
		write_result(cl, a->result);
		memset(a, 0, sizeof(*a));
	}
}

static void request_run(struct client *cl, const json_t *line)
{
	struct request rq = { .lns = cl->control->lns,
			      .arguments = json_object_get(line, "arguments"),
			      .options = json_object_get(line, "options") };
	const char *name = json_string_value(json_object_get(line, "command"));
	const struct command *cmd = name ? command_find(name) : NULL;
	char quoted[64], text[160];

	if (!name) {
		write_error(cl, "usage", "the request has no command; send {\"command\": \"...\"}");
	} else if (!cmd) {
		snprintf(text, sizeof(text), "no command %s; `l2xdpctl --help` lists them",
			 log_quote(name, strlen(name), quoted, sizeof(quoted)));
		write_error(cl, "usage", text);
	} else if (rq.arguments && !json_is_array(rq.arguments)) {
		write_error(cl, "usage", "arguments is not a list; send [\"...\"]");
	} else if (rq.options && !json_is_object(rq.options)) {
		write_error(cl, "usage", "options is not an object; send {\"name\": value}");
	} else {
		command_run(cl, cmd, &rq);
	}
}

static void line_run(struct client *cl, const char *line, size_t len)
{
	json_error_t why;
	json_t *v = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);

	if (json_is_object(v)) {
		request_run(cl, v);
	} else {
		write_error(cl, "usage", "a request is one JSON object a line; this was none");
		cl->ending = true;
	}
	json_decref(v);
}

/* Runs the next whole line of the input. False if there is none. */
static bool next_line(struct client *cl)
{
	struct evbuffer *in = bufferevent_get_input(cl->bev);
	size_t len;
	char *line;

	/* the watermark keeps the input from growing beyond a line */
	line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
	if (line && len <= LINE_MOST) {
		line_run(cl, line, len);
	} else if (line || evbuffer_get_length(in) > LINE_MOST) {
		write_error(cl, "usage", "a line of more than 64 KiB; send less");
		cl->ending = true;
	}
	free(line);
	return line != NULL;
}

/* ---- connections ---- */

static void client_free(struct client *cl)
{
	answer_end(cl);
	if (cl->waits)
		TAILQ_REMOVE(&cl->control->turns, cl, turn);
	TAILQ_REMOVE(&cl->control->clients, cl, link);
	cl->control->n_clients--;
	bufferevent_free(cl->bev);
	free(cl);
}

/* Gives the client what it can take at once: when the daemon ends because it asked for that,
 * the answer is still on its way. */
static void client_flush(struct client *cl)
{
	struct evbuffer *out = bufferevent_get_output(cl->bev);
	struct iovec parts[16];
	struct msghdr m = { .msg_iov = parts };
	int n = evbuffer_peek(out, -1, NULL, parts, 16);
	ssize_t sent;

	m.msg_iovlen = n < 16 ? (size_t)n : 16;
	sent = sendmsg(bufferevent_getfd(cl->bev), &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)sent;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static msec_t now_ms(void)
{
	return now_us() / 1000;
}

/* Not in the list; puts it at its head. */
static void client_moved(struct client *cl)
{
	cl->moved_at = now_ms();
	TAILQ_INSERT_HEAD(&cl->control->clients, cl, link);
}

static bool is_full(const struct client *cl)
{
	return evbuffer_get_length(bufferevent_get_output(cl->bev)) >= OUTPUT_FULL;
}

/* At the end of the queue. */
static void client_queue(struct client *cl)
{
	static const struct timeval at_once = { 0 };
	struct control *c = cl->control;

	if (cl->waits)
		return;
	cl->waits = true;
	TAILQ_INSERT_TAIL(&c->turns, cl, turn);
	if (!evtimer_pending(c->slice, NULL))
		evtimer_add(c->slice, &at_once);
}

/* False: there is nothing to be done now. */
static bool client_step(struct client *cl)
{
	if (is_full(cl))
		return false;
	if (!cl->answer.next)
		return !cl->ending && next_line(cl);
	if (answer_step(cl))
		return true;
	cl->broken = true;
	return false;
}

/* Waits for what has to come first: a line, or that the output is taken. */
static void client_rest(struct client *cl)
{
	struct evbuffer *out = bufferevent_get_output(cl->bev);

	if (cl->broken) {
		client_free(cl);
		return;
	}
	if (cl->eof && !cl->answer.next && evbuffer_get_length(out) < OUTPUT_FULL)
		cl->ending = true;
	if (cl->answer.next || evbuffer_get_length(out) >= OUTPUT_FULL)
		bufferevent_disable(cl->bev, EV_READ);
	else if (!cl->ending)
		bufferevent_enable(cl->bev, EV_READ);
	else if (!evbuffer_get_length(out))
		client_free(cl);
	else
		bufferevent_disable(cl->bev, EV_READ);
}

static void on_progress(struct bufferevent *bev, void *arg)
{
	struct client *cl = arg;

	(void)bev;
	TAILQ_REMOVE(&cl->control->clients, cl, link);
	client_moved(cl);
	client_queue(cl);
}

static void on_slice(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval at_once = { 0 };
	struct control *c = arg;
	struct client *cl = TAILQ_FIRST(&c->turns);
	uint64_t until = now_us() + SLICE_US;
	bool more;

	(void)fd;
	(void)what;
	if (!cl)
		return;
	TAILQ_REMOVE(&c->turns, cl, turn);
	cl->waits = false;
	do
		more = client_step(cl);
	while (more && now_us() < until);
	if (more)
		client_queue(cl);
	else
		client_rest(cl);
	if (!TAILQ_EMPTY(&c->turns) && !evtimer_pending(c->slice, NULL))
		evtimer_add(c->slice, &at_once);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *cl = arg;

	(void)bev;

	if (what & BEV_EVENT_EOF) {
		/* a client that asks and closes its half still gets its answers */
		cl->eof = true;
		client_queue(cl);
		return;
	}
	client_free(cl);
}

/* Ends the connection that has been idle longest. False: none is. */
static bool make_place(struct control *c)
{
	struct client *idle = TAILQ_LAST(&c->clients, clients);

	if (now_ms() - idle->moved_at < IDLE_MS)
		return false;
	client_free(idle);
	return true;
}

static void refuse(int fd)
{
	static const char text[] = "{\"ok\":false,\"error\":\"too many connections; close "
				   "one\",\"code\":\"failed\"}\n";
	ssize_t n = send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);

	(void)n;
	close(fd);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len,
		      void *arg)
{
	static const struct timeval silence = { .tv_sec = SILENCE_S },
				    pager = { .tv_sec = PAGER_S };
	struct control *c = arg;
	struct client *cl;

	(void)l;
	(void)sa;
	(void)len;
	if (c->n_clients == CLIENTS_MOST && !make_place(c)) {
		refuse(fd);
		return;
	}
	cl = calloc(1, sizeof(*cl));
	if (cl)
		cl->bev = bufferevent_socket_new(c->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!cl || !cl->bev) {
		close(fd);
		free(cl);
		return;
	}
	cl->control = c;
	client_moved(cl);
	c->n_clients++;
	bufferevent_setcb(cl->bev, on_progress, on_progress, on_event, cl);
	bufferevent_setwatermark(cl->bev, EV_READ, 0, LINE_MOST + 2);
	bufferevent_set_timeouts(cl->bev, &silence, &pager);
	bufferevent_enable(cl->bev, EV_READ | EV_WRITE);
}

/* ---- opening, closing ---- */

int control_serve(int fd, struct event_base *base, struct lns *lns, struct control **ret)
{
	struct control *c = calloc(1, sizeof(*c));

	/* libevent writes without MSG_NOSIGNAL: a client that goes away must not end us */
	signal(SIGPIPE, SIG_IGN);
	if (!c)
		return -ENOMEM;
	json_object_seed(0); /* opens /dev/urandom, which the sandbox will not allow */
	TAILQ_INIT(&c->clients);
	TAILQ_INIT(&c->turns);
	c->base = base;
	c->lns = lns;
	c->own.fd = -1;
	c->slice = evtimer_new(base, on_slice, c);
	if (c->slice)
		c->listener = evconnlistener_new(base, on_accept, c, LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!c->listener) {
		if (c->slice)
			event_free(c->slice);
		free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

int control_open(const char *path, struct event_base *base, struct lns *lns, struct control **ret,
		 char *err, size_t errlen)
{
	struct control_file own;
	int r;

	r = control_listen(path, &own, err, errlen);
	if (r)
		return r;
	r = control_serve(own.fd, base, lns, ret);
	if (r) {
		snprintf(err, errlen, "control socket %s: cannot listen", path);
		control_unlisten(&own);
		return r;
	}
	(*ret)->own = own;
	return 0;
}

void control_close(struct control *c)
{
	struct client *cl;

	if (!c)
		return;
	while ((cl = TAILQ_FIRST(&c->clients))) {
		client_flush(cl);
		client_free(cl);
	}
	evconnlistener_free(c->listener);
	event_free(c->slice);
	text_free(&c->element);
	control_unlisten(&c->own);
	free(c);
}
