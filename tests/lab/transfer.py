#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One TCP transfer for a peer that has no more than netcat.

transfer.py send ADDRESS PORT OCTETS     sends that many to the first who connects
transfer.py receive ADDRESS PORT         takes all that the first who connects sends

Prints "listening", and at the end the number of octets and their MD5.
"""
import hashlib
import random
import socket
import sys


def main():
    what, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(1)
    server.settimeout(60)
    print("listening", flush=True)
    peer, _ = server.accept()
    peer.settimeout(60)
    digest, count = hashlib.md5(), 0
    if what == "send":
        data = random.Random(1).randbytes(int(sys.argv[4]))
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        digest.update(data)
        count = len(data)
        while peer.recv(65536):
            pass
    else:
        while data := peer.recv(65536):
            digest.update(data)
            count += len(data)
    peer.close()
    print(count, digest.hexdigest(), flush=True)


main()
