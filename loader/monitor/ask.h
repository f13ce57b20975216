/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What worker and monitor say to each other over one SOCK_SEQPACKET. The worker asks, the
 * monitor answers in turn; the monitor may give an order at any time.
 */
#ifndef L2XDP_MONITOR_ASK_H
#define L2XDP_MONITOR_ASK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/datapath/datapath.h"

struct event_base;

/* What may be asked; the table of them stands in answer.c. */
enum ask_what {
	ASK_READY,
	ASK_DATAPATH,
	ASK_PREFLIGHT,
	ASK_RELOAD,
	ASK_PSEUDOWIRE,
	ASK_SHUTDOWN,
	ASK_MAX
};
enum ask_order {
	ASK_NO_ORDER, /* an answer */
	ASK_LEAVE, /* commit and end; sessions go on */
	ASK_HAND_OVER, /* the same: another worker follows at once */
	ASK_CLOSE, /* close every session, then end */
};
#define ASK_TEXT 4096
#define ASK_WIRES 32768 /* control connections that an order may name */
#define ASK_ENTRY 2048 /* octets with the NUL: a pseudowire as it stands in the file */

/* Add it, or with an empty entry delete it. */
struct ask_pseudowire {
	char name[PW_NAME_LEN];
	char entry[ASK_ENTRY];
};

struct ask_request {
	uint32_t what; /* enum ask_what; read by the other side as what a stranger sent */
	union {
		struct dp_request datapath;
		char device[IFNAMSIZ];
		uint8_t force; /* ASK_RELOAD */
		struct ask_pseudowire pseudowire;
	};
};

struct ask_answer {
	uint32_t order; /* enum ask_order */
	int32_t rc;
	union {
		struct dp_answer datapath;
		struct dp_finding findings[DP_MAX_FINDINGS]; /* rc: how many */
		char text[ASK_TEXT]; /* ASK_RELOAD, ASK_PSEUDOWIRE */
		/* ASK_HAND_OVER: a bit for each of config.wires that does not go on */
		uint8_t leaving[ASK_WIRES / 8];
	};
};

/* ---- in the worker --------------------------------------------------------------------- */

struct ask;

/* fd: the worker's end. `on_order` is called from the event loop. When the monitor is gone
 * the process ends on the spot: it must not live alone. */
int ask_open(int fd, struct event_base *base, void (*on_order)(void *arg, enum ask_order),
	     void *arg, struct ask **ret);
void ask_close(struct ask *a);
/* Of the latest order: ASK_WIRES bits. */
const uint8_t *ask_leaving(const struct ask *a);

void ask_ready(struct ask *a); /* the start is over, and all is well */
/* A dp_ask_fn; ctx: struct ask. */
bool ask_datapath(void *ctx, const struct dp_request *rq, struct dp_answer *ret);
/* As lns_reload and lns_end, dp_preflight. */
int ask_reload(void *ctx, bool force, char *text, size_t len);
/* As lns_pseudowire. */
int ask_pseudowire(void *ctx, const char *name, const char *entry, char *text, size_t len);
void ask_shutdown(void *ctx);
int ask_preflight(void *ctx, const char *device, struct dp_finding ret[DP_MAX_FINDINGS]);

#endif
