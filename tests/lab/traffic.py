#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds the reports of l2xdp-load, l2xdp-host and l2xdpctl against each other.

traffic.py lossless HOST-REPORT LOAD-VIEW...   every packet sent has arrived, once
traffic.py agree LNS-VIEW LOAD-VIEW...         both sides know the same sessions
Status 0: so it is. What is counted, and each difference, is a line on standard output.
"""
import ipaddress
import json
import sys


def read(name):
    with open(name) as f:
        return json.load(f)


def canonical(text):
    return str(ipaddress.ip_address(text)) if text else ""


def way(name, sent, got):
    """One direction of all sessions of a load: [(who, sent)], {who: counters}"""
    total = dict(sent=0, received=0, lost=0, duplicates=0, reordered=0)
    bad = []
    for who, n in sent:
        c = got.get(who, dict(received=0, duplicates=0, reordered=0))
        total["sent"] += n
        total["lost"] += n - c["received"]
        for k in ("received", "duplicates", "reordered"):
            total[k] += c[k]
        if n != c["received"] or c["duplicates"]:
            bad.append(f"{who}: {n} sent, {c['received']} received, {c['duplicates']} twice")
    print(name + ":", json.dumps(total))
    for line in bad[:10]:
        print("  " + line)
    return not bad and total["sent"] > 0


def lossless(host, views):
    good = True
    report = read(host)
    senders = {canonical(s["address"]): s for s in report["senders"]}
    for name in views:
        view = read(name)
        lines = {}
        for s in view["sessions"]:
            for key in ("ipv4", "ipv6"):
                if canonical(s[key]) in senders:
                    lines[canonical(s[key])] = s
        unheard = [s for s in view["sessions"] if s["sent"] and
                   not {canonical(s["ipv4"]), canonical(s["ipv6"])} & set(senders)]
        for s in unheard[:10]:
            print(f"  {s['ipv4']} {s['ipv6']}: {s['sent']} sent, none received")
        good = not unheard and good
        good = way(f"{name.split('/')[-1]} up", [(a, s["sent"]) for a, s in lines.items()], senders) and good
        if report["sent"]:
            good = way(f"{name.split('/')[-1]} down",
                       [(a, senders[a]["sent"]) for a in lines], lines) and good
        for what in ("not_sent", "misdelivered"):
            if view[what]:
                print(f"  {what}: {view[what]}")
                good = False
    if report["not_sent"]:
        print(f"  host, not_sent: {report['not_sent']}")
        good = False
    return good


def agree(lns, views):
    ours, theirs = set(), set()
    for s in read(lns):
        ours.add((s["tunnel"], s["session"], s["peer_tunnel"], s["peer_session"],
                  s["ipv4"] or "", (s["ipv6"] or "").split("/")[0]))
    for name in views:
        for s in read(name)["sessions"]:
            if s["state"] != "up":
                continue
            prefix = ""
            if s["ipv6"]:
                prefix = str(ipaddress.ip_network(s["ipv6"] + "/64", strict=False).network_address)
            theirs.add((s["peer_tunnel"], s["peer_session"], s["tunnel"], s["session"],
                        s["ipv4"], prefix))
    for who, these in (("LNS", ours - theirs), ("LAC", theirs - ours)):
        for s in sorted(these)[:10]:
            print(f"only the {who} has tunnel {s[0]} session {s[1]}, "
                  f"LAC's {s[2]} {s[3]}, {s[4]} {s[5]}")
    print(f"{len(ours)} sessions at the LNS, {len(theirs)} at the LAC")
    return ours == theirs


what, first, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
sys.exit(0 if {"lossless": lossless, "agree": agree}[what](first, rest) else 1)
