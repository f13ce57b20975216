#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One PPP frame to an LNS in the name of a live session's peer.

ppp_frame.py SOURCE PORT SERVER TUNNEL SESSION HEX    HEX from the protocol number on
"""
import socket
import struct
import sys


def main():
    source, port, server, tunnel, session, frame = sys.argv[1:]
    data = struct.pack("!HHHH", 2, int(tunnel), int(session), 0xFF03) + bytes.fromhex(frame)
    udp = struct.pack("!HHHH", int(port), 1701, 8 + len(data), 0)  # no checksum (DP-CK-2)
    # a raw socket's kernel fills in the header's length, identification and checksum
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_UDP, 0,
                     socket.inet_aton(source), socket.inet_aton(server))
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    sock.sendto(ip + udp + data, (server, 0))


if __name__ == "__main__":
    main()
