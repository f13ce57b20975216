/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * l2xdp-load: many tunnels and sessions from one process, without TUN devices.
 *
 *   load_options.c   the command line
 *   load.c           the phases of a run (essay there)
 *   load_lines.c     tunnels and lines: starting, what the dialer tells, ending
 *   load_traffic.c   numbered UDP packets through the lines
 *   load_report.c    percentiles, reasons, checks, the summary
 *   load_view.c      every session by IDs and addresses, for --view
 *
 * Built for a million sessions: what is kept for each is `struct load_line` and what the
 * rooms keep; nothing walks all lines but once a phase.
 */
#ifndef L2XDP_TESTS_LOAD_H
#define L2XDP_TESTS_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/base/addr.h"
#include "tests/client/dialer.h"
#include "tests/client/loop.h"
#include "tests/client/numbers.h"
#include "tests/client/pace.h"
#include "tests/client/udp.h"

struct load_options {
	struct path path; /* peer: the server; local: as asked, or unset */
	unsigned int tunnels, sessions; /* sessions: in each tunnel */
	char *user, *password, *secret;
	const char *host_name, *ready, *view;
	bool any_auth;
	enum ppp_auth auth; /* unless any_auth: what the server must have asked for */
	unsigned int rate; /* sessions a second, 0: as fast as the window lets */
	unsigned int window, tunnel_window; /* in set-up at once */
	unsigned int timeout, hold; /* s */
	unsigned int retransmits; /* 0: 5 */
	bool json, ipv6, verify, sequencing, hide, debug;
	unsigned int echo; /* s, 0: none */
	unsigned int traffic; /* packets a second while holding */
	unsigned int traffic_after; /* s of the hold without */
	struct ipaddr traffic_to;
	uint16_t traffic_port;
};

/* 0: go on; 1: done (--help); -1: a fault was told on stderr. */
int load_options_read(int argc, char **argv, struct load_options *ret);
void load_options_free(struct load_options *o);

enum load_line_state { LINE_WAITING, LINE_CONNECTING, LINE_UP, LINE_FAILED, LINE_DOWN };

struct load_line {
	struct line *line; /* NULL unless connecting or up */
	char *user;
	struct ipaddr ipv6; /* prefix and interface identifier; not set: none */
	uint32_t ipv4; /* host order */
	uint32_t latency_us;
	uint64_t started_us;
	uint32_t sent; /* of --traffic */
	struct numbers numbers; /* that came back */
	uint8_t state; /* enum load_line_state */
	uint8_t auth; /* enum ppp_auth */
};

struct load_tunnel {
	struct load *load;
	struct l2tp_tunnel *tunnel; /* NULL: not opened, or gone */
	struct event *readable;
	struct path path;
	int fd;
	bool opened, up;
	unsigned int lines; /* open in it */
};

enum load_phase {
	LOAD_SETUP,
	LOAD_HOLD,
	LOAD_CLOSE_LINES,
	LOAD_CLOSE_TUNNELS,
	LOAD_FAREWELL,
	LOAD_DONE
};

#define LOAD_REASONS 32
#define LOAD_REASON_LEN 128

struct load_failures { /* by reason; the last one takes what finds no room */
	unsigned int n;
	uint64_t count[LOAD_REASONS];
	char text[LOAD_REASONS][LOAD_REASON_LEN];
};

struct load {
	const struct load_options *opt;
	struct dialer_config cfg;
	struct loop loop;
	struct dialer *dialer;
	struct udp_batch *batch;
	struct load_tunnel *tunnels;
	struct load_line *lines; /* line i is in tunnel i % opt->tunnels */
	uint32_t by_port[65536]; /* 1 + index of the tunnel that has this local port */
	uint32_t by_tunnel_id[65536]; /* likewise by our tunnel ID */
	uint32_t total, next, oldest, closing; /* lines: all, to start, to time out, to close */
	uint32_t connecting, open, up, failed;
	unsigned int half_open; /* tunnels */
	enum load_phase phase;
	bool interrupted, unclean, quiet, enough;
	uint64_t start_us, setup_us, close_us, closed_us;
	msec_t looked_ms; /* when all tunnels were last looked at */
	struct pace pace; /* of the traffic */
	uint64_t traffic_sent;
	uint64_t traffic_received, traffic_other, traffic_misdelivered;
	uint32_t traffic_next;
	struct load_failures failures;
	struct event *tick, *on_term, *on_int, *on_quiet, *on_enough, *on_go_on;
};

/* The exit status. */
int load_run(const struct load_options *opt);

/* ---- load_lines.c ---- */
extern const struct dialer_ops load_dialer_ops;
int load_tunnels_open(struct load *g);
void load_tunnels_close(struct load *g);
/* Starts what the windows and the rate allow. */
void load_start_lines(struct load *g);
/* Gives up lines that take too long. */
void load_expire_lines(struct load *g);
void load_line_failed(struct load *g, struct load_line *s, const char *reason);

/* ---- load_traffic.c ---- */
void load_traffic_send(struct load *g);
void load_traffic_received(struct load *g, struct load_line *s, const struct line_packet *p);
/* The packet that --traffic sends for line `index`; its length. */
size_t load_traffic_packet(const struct load *g, uint32_t index, uint8_t *dst);

/* ---- load_report.c ---- */
void load_failures_add(struct load_failures *f, const char *reason);
struct load_percentiles {
	double p50, p99, max; /* ms */
};
/* Sorts `us`. */
struct load_percentiles load_percentiles(uint32_t *us, uint32_t n);
/* How many of n values have been seen before; sorts `v`. */
uint32_t load_duplicates(uint64_t *v, uint32_t n);
/* Prints the summary; false if something is not as it should be. */
bool load_report(struct load *g);

/* ---- load_view.c ---- */
/* Writes --view FILE anew, as a whole. */
void load_view_write(const struct load *g);

#endif
