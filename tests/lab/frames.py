#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Ethernet frames as they are, tags and all, to and from a device.

frames.py take DEVICE SECONDS COUNT [ETHERTYPE]   prints "ready", then each frame with the marker
                                                  type (default 88b5) behind its tags: its tags, "-" for
                                                  none, and the octets of all but them
frames.py send DEVICE COUNT LENGTH [TPID:TCI...]  sends that many to everybody (ff:ff:...), LENGTH
                                                  octets without tags; TPID and TCI are hexadecimal
frames.py to MAC DEVICE COUNT LENGTH [TPID:TCI..] the same to one host
"""
import socket
import struct
import sys
import time

MARK = 0x88B5  # for experiments (IEEE 802)
ETH_P_ALL = 3
PACKET_AUXDATA = 8
SOL_PACKET = 263
TP_STATUS_VLAN_VALID = 1 << 4
TPIDS = (0x8100, 0x88A8)


def tag_beside(ancillary):
    """The tag that the kernel has taken out of the frame."""
    for level, kind, data in ancillary:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = struct.unpack("@IIIHHHH", data[:20])
            if status & TP_STATUS_VLAN_VALID:
                return [f"{tpid:04x}:{tci:04x}"]
    return []


def take(device, seconds, count, mark):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    s.bind((device, ETH_P_ALL))
    print("ready", flush=True)
    until = time.monotonic() + seconds
    while count and time.monotonic() < until:
        s.settimeout(max(0.01, until - time.monotonic()))
        try:
            frame, ancillary, _, address = s.recvmsg(70000, 256)
        except socket.timeout:
            break
        if address[2] == socket.PACKET_OUTGOING:
            continue
        tags, at = tag_beside(ancillary), 12
        while struct.unpack_from("!H", frame, at)[0] in TPIDS:
            tags.append("%04x:%04x" % struct.unpack_from("!HH", frame, at))
            at += 4
        if struct.unpack_from("!H", frame, at)[0] != mark:
            continue
        print(",".join(tags) or "-", len(frame) - at + 12, flush=True)
        count -= 1


def send(to, device, count, length, tags):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((device, 0))
    head = bytes.fromhex(to.replace(":", "")) + s.getsockname()[4]
    for tag in tags:
        head += struct.pack("!HH", *(int(x, 16) for x in tag.split(":")))
    body = struct.pack("!H", MARK)
    frame = head + body + bytes(i & 0xFF for i in range(length - 14))
    for _ in range(count):
        s.send(frame)


def main():
    what = sys.argv[1]
    if what == "take":
        mark = int(sys.argv[5], 16) if len(sys.argv) > 5 else MARK
        take(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), mark)
    elif what == "to":
        send(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6:])
    else:
        send("ff" * 6, sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])


main()
