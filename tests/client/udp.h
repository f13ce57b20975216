/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UDP in batches: many datagrams a system call, with buffers that all sockets share.
 *
 * Sockets stay unconnected, because a server may answer from another port than the one
 * that was asked (V2-PORT-2); who may speak is for the l2tp room to judge.
 */
#ifndef L2XDP_TESTS_UDP_H
#define L2XDP_TESTS_UDP_H

#include <stddef.h>
#include <stdint.h>

#include "loader/base/addr.h"

struct udp_batch;

typedef void udp_fn(void *arg, const struct path *path, const uint8_t *msg, size_t len);

/* Opens a socket towards path->peer and binds it. path->local and local_port may be unset,
 * and are filled with what the kernel chose. *ret_mtu: the path's MTU. The descriptor, or a
 * negative errno. */
int udp_open(struct path *path, unsigned int *ret_mtu);
/* Routes looked up for this socket use the device that holds `local`: a default route set
 * later through the tunnel does not catch the tunnel itself. 0 or a negative errno. */
int udp_pin_device(int fd, const struct ipaddr *local);

/* NULL on lack of memory. */
struct udp_batch *udp_batch_new(void);
void udp_batch_free(struct udp_batch *b);

/* Takes what has arrived, at most `rounds` batches; fn runs for each datagram with
 * path's local end and the datagram's source. 0, or a negative errno of the socket. */
int udp_receive(struct udp_batch *b, int fd, const struct path *local, unsigned int rounds,
		udp_fn *fn, void *arg);

/* Room for one datagram of up to UDP_ROOM octets, to be filled before the next udp_* call
 * and then sent by udp_queue. May send what is queued. */
#define UDP_ROOM 9216
uint8_t *udp_room(struct udp_batch *b);
/* Queues the datagram that was written `offset` octets into the last udp_room. */
void udp_queue(struct udp_batch *b, int fd, const struct path *path, size_t offset, size_t len);
void udp_flush(struct udp_batch *b);
/* Datagrams that the kernel would not take. */
uint64_t udp_lost(const struct udp_batch *b);

#endif
