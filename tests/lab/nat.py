#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A NAT for one UDP flow: nat.py LISTEN OUTSIDE FIRST-PORT SERVER

Takes datagrams at LISTEN:1701 and sends them on from OUTSIDE, port FIRST-PORT, to
SERVER:1701; answers go back. On SIGUSR1 it forgets the port and uses the next one.
"""
import os
import select
import signal
import socket
import sys

listen, outside, port, server = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
wake, waker = os.pipe()
signal.signal(signal.SIGUSR1, lambda *_: os.write(waker, b"!"))


def bound(address, at):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, at))
    return s


inner = bound(listen, 1701)
outer = bound(outside, port)
client = None
print("listening", flush=True)
while True:
    for ready in select.select([inner, outer, wake], [], [])[0]:
        if ready is wake:
            os.read(wake, 1)
            outer.close()
            port += 1
            outer = bound(outside, port)
            break
        datagram, sender = ready.recvfrom(65535)
        if ready is inner:
            client = sender
            outer.sendto(datagram, (server, 1701))
        elif client:
            inner.sendto(datagram, client)
