#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""maps.py PID...: the maps that these processes hold have no session and no tunnel in them.

Maps are found by name (maps/schema.h says what a dead entry looks like). Status 0 if so.
"""
import ctypes
import glob
import json
import mmap
import os
import platform
import re
import subprocess
import sys

BPF_MAP_GET_NEXT_KEY, BPF_MAP_GET_FD_BY_ID = 4, 14
SYS_BPF = 321 if platform.machine() == "x86_64" else 280
libc = ctypes.CDLL(None, use_errno=True)

# name: size of an element, what must be 0 in it (offset, octets)
DEAD = {
    "sessions": (128, [(0, 4), (64, 4)]),
    "tunnels": (40, [(0, 4)]),
    "pool4": (8, [(0, 4)]),
    "pool6": (8, [(0, 4)]),
}
EMPTY = ("hosts4", "hosts6")


def bpf(command, attr):
    buf = ctypes.create_string_buffer(attr, 128)
    return libc.syscall(SYS_BPF, command, buf, 128)


def map_fd(number):
    fd = bpf(BPF_MAP_GET_FD_BY_ID, number.to_bytes(4, sys.byteorder))
    if fd < 0:
        raise OSError(ctypes.get_errno(), f"map {number}")
    return fd


def live_entries(fd, entries, size, fields):
    with mmap.mmap(fd, -(-entries * size // 4096) * 4096, mmap.MAP_SHARED, mmap.PROT_READ) as m:
        whole = m[:entries * size]
    return [i for offset, length in fields for octet in range(length)
            for i, b in enumerate(whole[offset + octet::size]) if b]


def has_keys(fd, key_size):
    key = ctypes.create_string_buffer(max(key_size, 8))
    attr = (fd.to_bytes(4, sys.byteorder) + bytes(4) + bytes(8) +
            ctypes.addressof(key).to_bytes(8, sys.byteorder))
    return bpf(BPF_MAP_GET_NEXT_KEY, attr) == 0


def main(pids):
    numbers, seen, bad = set(), set(), 0
    for pid in pids:
        for name in glob.glob(f"/proc/{pid}/fdinfo/*"):
            try:
                with open(name) as f:
                    numbers |= set(re.findall(r"^map_id:\s*(\d+)", f.read(), re.M))
            except FileNotFoundError:
                pass
    for number in sorted(numbers, key=int):
        info = json.loads(subprocess.run(["/usr/sbin/bpftool", "-j", "map", "show", "id", number],
                                         capture_output=True, check=True).stdout)
        name = info.get("name", "")
        if name not in DEAD and name not in EMPTY:
            continue
        seen.add(name)
        fd = map_fd(int(number))
        if name in DEAD:
            live = live_entries(fd, info["max_entries"], *DEAD[name])
        else:
            live = ["a key"] if has_keys(fd, info["bytes_key"]) else []
        os.close(fd)
        if live:
            print(f"{name}: {len(set(live))} entries are left, the first ones", live[:10])
            bad += 1
    missing = (set(DEAD) | set(EMPTY)) - seen
    if missing:
        print("no such map here:", *sorted(missing))
    return not bad and not missing


sys.exit(0 if main(sys.argv[1:]) else 1)
