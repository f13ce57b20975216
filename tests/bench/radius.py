#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A RADIUS server (RFC 2865) that accepts everybody: l2tpns asks one for each user.

radius.py ADDRESS PORT SECRET
"""

import hashlib
import socket
import struct
import sys


def main():
    address, port, secret = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, port))
    print("listening", flush=True)
    while True:
        request, peer = s.recvfrom(4096)
        code, ident, length = struct.unpack("!BBH", request[:4])
        authenticator = request[4:20]
        answer = {1: 2, 4: 5}.get(code)  # access: accept; accounting: response
        if answer is None or length > len(request):
            continue
        head = struct.pack("!BBH", answer, ident, 20)
        s.sendto(head + hashlib.md5(head + authenticator + secret).digest(), peer)


main()
