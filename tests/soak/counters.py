#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""counters.py LNS-VIEW LOAD-VIEW...: what l2xdpd counted for each session is what was sent.

From the subscriber: the numbered packets that the LAC sent; to it: those that it received.
Router solicitations and advertisements are not counted; one that comes before IPV6CP is
open here is dropped, and its sequence number with it. Status 0 if all is so.
"""
import json
import sys

EARLY = 6  # router solicitations at most

def read(name):
    with open(name) as f:
        return json.load(f)


def count(direction):
    return direction["hook_packets"] + direction["slow_packets"]


def main(lns, views):
    ours = {(s["tunnel"], s["session"]): s for s in read(lns)}
    total, bad = 0, []
    for name in views:
        for s in read(name)["sessions"]:
            o = ours.get((s.get("peer_tunnel"), s.get("peer_session")))
            if s["state"] != "up" or not o:
                continue
            early = EARLY if s["ipv6"] else 0
            for way, here, there in (("from", count(o["rx"]), s["sent"]),
                                     ("to", count(o["tx"]), s["received"])):
                total += there
                if here != there:
                    bad.append(f"{way} {s['ipv4']} {s['ipv6']}: {here} counted, {there} at the LAC")
            if max(o["rx"]["drops"], o["rx"]["lost"]) > early or o["tx"]["drops"]:
                bad.append(f"{s['ipv4']}: drops {o['rx']} {o['tx']}")
    print(f"{total} packets in both counts, {len(bad)} differences")
    for line in bad[:20]:
        print(" ", line)
    return total > 0 and not bad


sys.exit(0 if main(sys.argv[1], sys.argv[2:]) else 1)
