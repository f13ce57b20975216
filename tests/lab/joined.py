#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Data messages of a live session that its peer hands to the kernel in one piece (UDP_SEGMENT).

joined.py SOURCE PORT SERVER TUNNEL SESSION SUBSCRIBER DESTINATION NUMBER LENGTH
    NUMBER packets of UDP; LENGTH: with, or without, L2TP's Length
"""
import socket
import struct
import sys

UDP_SEGMENT = 103


def checksum(octets):
    total = sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packet(source, destination, number):
    udp = struct.pack("!HHHH", 9999, 9999, 28, 0) + struct.pack("!I", number) + b"x" * 16
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number, 0, 64, socket.IPPROTO_UDP, 0,
                     socket.inet_aton(source), socket.inet_aton(destination))
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + udp


def message(tunnel, session, inner, length):
    ppp = b"\xff\x03\x00\x21" + inner
    if length == "with":
        return struct.pack("!HHHH", 0x4002, 8 + len(ppp), tunnel, session) + ppp
    return struct.pack("!HHH", 2, tunnel, session) + ppp


def main():
    source, port, server, tunnel, session, subscriber, destination, number, length = sys.argv[1:]
    messages = [message(int(tunnel), int(session), packet(subscriber, destination, i), length)
                for i in range(int(number))]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((source, int(port)))
    segment = struct.pack("=H", len(messages[0]))
    sock.sendmsg(messages, [(socket.IPPROTO_UDP, UDP_SEGMENT, segment)], 0, (server, 1701))


if __name__ == "__main__":
    main()
