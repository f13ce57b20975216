#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Data messages of L2TPv3 to 192.0.2.1, by hand.

message3.py udp|ip SOURCE-PORT ID COOKIE SUBLAYER COUNT [LENGTH]
    COOKIE hexadecimal; SUBLAYER "none" or 32 bits, hexadecimal; LENGTH of the frame (100): longer
    ones than the way takes leave in pieces
message3.py hostile ADDRESS COUNT
    UDP datagrams of version 3 and packets of protocol 115 of every length and with random
    octets, COUNT of each
"""
import random
import socket
import struct
import sys

TO = "192.0.2.1"
MARK = 0x88B5


def frame(length):
    head = bytes.fromhex("ffffffffffff02000000aa01") + struct.pack("!H", MARK)
    return head + bytes(length - len(head))


def opened(kind, port):
    if kind == "ip":
        s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 115)
    else:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("", port))
    s.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: may be cut
    return s


def say(kind, port, ident, cookie, sublayer, count, length=100):
    message = struct.pack("!I", int(ident)) + bytes.fromhex(cookie)
    if kind == "udp":
        message = struct.pack("!HH", 3, 0) + message
    if int(ident) == 0:
        message = bytes.fromhex(cookie)
    if sublayer != "none":
        message += struct.pack("!I", int(sublayer, 16))
    message += frame(int(length))
    s = opened(kind, int(port))
    for _ in range(int(count)):
        s.sendto(message, (TO, 1701 if kind == "udp" else 0))


def hostile(address, count):
    rng = random.Random(115)
    udp, raw = opened("udp", 5555), opened("ip", 0)
    for i in range(count):
        octets = rng.randbytes(rng.choice((i % 40, rng.randrange(1400))))
        first = rng.choice((b"\0\3\0\0", b"\xc8\3", b"\0\3", b"\0\3\0\0\0\0\0\7" + b"\x11" * 8))
        udp.sendto(first + octets, (address, 1701))
        ident = struct.pack("!I", rng.choice((0, 7, 8, 1031, rng.getrandbits(32))))
        raw.sendto(ident + rng.choice((b"", b"\x44" * 4)) + octets, (address, 0))


if sys.argv[1] == "hostile":
    hostile(sys.argv[2], int(sys.argv[3]))
else:
    say(sys.argv[1], *sys.argv[2:])
