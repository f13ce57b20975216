#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How fast an LNS answers Hello: hello.py --server A --local A [--count N] [--interval S]

Sets up a control connection (without a secret), sends Hellos, and prints as JSON how many of
them were acknowledged at the first try, and in how many milliseconds.
"""
import argparse
import json
import socket
import struct
import time


def avp(kind, value):
    return struct.pack("!HHH", 0x8000 | 6 + len(value), 0, kind) + value


class Connection:
    def __init__(self, a):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((a.local, 0))
        self.sock.connect((a.server, 1701))
        self.tunnel = self.ns = self.nr = 0

    def send(self, body):
        self.sock.send(struct.pack("!HHHHHH", 0xC802, 12 + len(body), self.tunnel, 0,
                                   self.ns, self.nr) + body)
        self.ns += 1 if body else 0

    def wait(self, seconds):
        """True: all that was sent has been acknowledged."""
        end = time.monotonic() + seconds
        while True:
            self.sock.settimeout(max(0.0001, end - time.monotonic()))
            try:
                data = self.sock.recv(2048)
            except (socket.timeout, ConnectionError):
                return False
            _, _, _, _, ns, nr = struct.unpack("!HHHHHH", data[:12])
            if len(data) > 12:
                self.take(data, ns)
            if nr == self.ns:
                return True
            if time.monotonic() > end:
                return False

    def take(self, data, ns):
        if ns == self.nr:
            self.nr += 1
        at = 12
        while at + 6 <= len(data):
            length, _, kind = struct.unpack("!HHH", data[at:at + 6])
            if kind == 9:
                self.tunnel = struct.unpack("!H", data[at + 6:at + 8])[0]
            at += max(6, length & 0x3FF)
        if self.tunnel:
            self.send(b"")

    def connect(self):
        message = struct.pack("!HHHH", 0x8008, 0, 0, 1) + avp(2, b"\1\0") + \
            avp(3, b"\0\0\0\3") + avp(7, b"hello") + avp(9, b"\x12\x34")
        for _ in range(20):
            self.ns = 0
            self.send(message)
            if self.wait(1) and self.tunnel:
                self.send(struct.pack("!HHHH", 0x8008, 0, 0, 3))
                return self.wait(5)
        return False


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--server", default="192.0.2.1")
    p.add_argument("--local", default="192.0.2.66")
    p.add_argument("--count", type=int, default=100)
    p.add_argument("--interval", type=float, default=0.03)
    a = p.parse_args()
    c = Connection(a)
    if not c.connect():
        raise SystemExit("hello.py: no control connection")
    times = []
    for _ in range(a.count):
        begun = time.monotonic()
        c.send(struct.pack("!HHHH", 0x8008, 0, 0, 6))
        if not c.wait(1):
            c.ns -= 1  # the same again, as a retransmission
            continue
        times.append(1000 * (time.monotonic() - begun))
        time.sleep(a.interval)
    times.sort()
    c.send(struct.pack("!HHHH", 0x8008, 0, 0, 4) + avp(9, b"\x12\x34") + avp(1, b"\0\1"))
    c.wait(1)
    print(json.dumps({"sent": a.count, "answered": len(times),
                      "median_ms": round(times[len(times) // 2], 2) if times else None,
                      "max_ms": round(times[-1], 2) if times else None}))


main()
