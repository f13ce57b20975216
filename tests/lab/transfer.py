#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One TCP transfer, whole, checked by its MD5. The other end may be netcat.

transfer.py send ADDRESS PORT OCTETS     sends that many to the first who connects
transfer.py receive ADDRESS PORT         takes all that the first who connects sends
transfer.py put ADDRESS PORT OCTETS      connects and sends
transfer.py get ADDRESS PORT             connects and takes

The first two print "listening" first; all print the number of octets and their MD5.
"""
import hashlib
import random
import socket
import sys


def peer_of(what, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    peer = socket.socket(family, socket.SOCK_STREAM)
    if what in ("put", "get"):
        peer.settimeout(60)
        peer.connect((address, port))
        return peer
    server = peer
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(1)
    server.settimeout(60)
    print("listening", flush=True)
    peer, _ = server.accept()
    peer.settimeout(60)
    return peer


def main():
    what, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    peer = peer_of(what, address, port)
    digest, count = hashlib.md5(), 0
    if what in ("send", "put"):
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
