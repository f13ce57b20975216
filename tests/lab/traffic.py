#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds the reports of l2xdp-load, l2xdp-host and l2xdpctl against each other.

traffic.py lossless MEMORY HOST-REPORT LOAD-VIEW...   every packet sent since the last time
                                               has arrived, once; MEMORY is a file
traffic.py kept BEFORE AFTER [uncounted]       sessions of the LNS, by `l2xdpctl show sessions`:
                                               none is missing, each is what it was; but for
                                               counters, where new maps take over
traffic.py without LNS-VIEW LOAD-VIEW           the LNS's sessions but for those
traffic.py counted LNS-VIEW HOST-REPORT LOAD-VIEW...   the LNS has counted what both ends have
traffic.py summaries FILE...                   of many runs of l2xdp-load, in one
traffic.py agree LNS-VIEW LOAD-VIEW...         both sides know the same sessions
Status 0: so it is. What is counted, and each difference, is a line on standard output.
"""
import ipaddress
import json
import os
import sys


def read(name):
    with open(name) as f:
        return json.load(f)


def canonical(text):
    return str(ipaddress.ip_address(text)) if text else ""


def way(name, sent, got, memory):
    """One direction of all sessions of a load: {who: sent}, {who: counters}"""
    total = dict(sent=0, received=0, lost=0, duplicates=0, reordered=0)
    before, bad = memory.get(name, {}), []
    now = {}
    for who, n in sent.items():
        c = got.get(who, dict(received=0, duplicates=0, reordered=0))
        now[who] = dict(sent=n, received=c["received"], lost=n - c["received"],
                        duplicates=c["duplicates"], reordered=c["reordered"])
        since = {k: now[who][k] - before.get(who, {}).get(k, 0) for k in total}
        for k in total:
            total[k] += since[k]
        if since["lost"] or since["duplicates"]:
            bad.append(f"  {who}: {since}")
    memory[name] = now
    print(f"{name}: {total}")
    print("\n".join(bad[:10]), end="\n" if bad else "")
    return not bad and total["sent"] > 0


def lossless(memory_file, host, *views):
    memory = read(memory_file) if os.path.exists(memory_file) else {}
    report = read(host)
    senders = {canonical(s["address"]): s for s in report["senders"]}
    not_sent = report["not_sent"]
    good = True
    for name in views:
        view = read(name)
        short = name.split("/")[-1].split(".")[0]
        lines = {}
        for s in view["sessions"]:
            heard = [a for a in (canonical(s["ipv4"]), canonical(s["ipv6"])) if a in senders]
            lines[heard[0] if heard else f"session {s['who']}"] = s
        good = way(short + " up", {a: s["sent"] for a, s in lines.items()}, senders, memory) and good
        if report["sent"]:
            down = {a: senders[a]["sent"] for a in lines if a in senders}
            good = way(short + " down", down, lines, memory) and good
        not_sent += view["not_sent"]
        if view["misdelivered"]:
            print(f"  misdelivered: {view['misdelivered']}")
            good = False
    if not_sent != memory.get("not_sent", 0):
        print(f"  not taken by a socket: {not_sent - memory.get('not_sent', 0)}")
        good = False
    memory["not_sent"] = not_sent
    with open(memory_file, "w") as f:
        json.dump(memory, f)
    return good


SAME = ("tunnel", "session", "peer_tunnel", "peer_session", "peer", "address", "port",
        "local_address", "user", "state", "authentication", "ipv4", "ipv6", "mtu", "peer_mru",
        "calling", "called", "sequencing")
COUNTERS = ("hook_packets", "hook_bytes", "slow_packets", "slow_bytes", "drops", "lost")


class Faults:
    """Says the first few of them."""
    n = 0

    def say(self, text):
        self.n += 1
        if self.n <= 5:
            print(text)

    def none(self):
        if self.n > 5:
            print(f"and {self.n - 5} more")
        return self.n == 0


def kept(before, after, counters="counted"):
    later = {s["id"]: s for s in read(after)}
    faults = Faults()
    for s in read(before):
        t = later.get(s["id"])
        if not t:
            faults.say(f"session {s['id']} is gone")
            continue
        wrong = [f"{k} {s[k]!r} now {t[k]!r}" for k in SAME if s[k] != t[k]]
        wrong += [f"{d} {k} {s[d][k]} now {t[d][k]}" for d in ("rx", "tx") for k in COUNTERS
                  if counters == "counted" and t[d][k] < s[d][k]]
        if t["age"] < s["age"]:
            wrong.append(f"age {s['age']} now {t['age']}")
        if wrong:
            faults.say(f"session {s['id']}: " + ", ".join(wrong))
    return faults.none()


def without(lns, view):
    gone = {(s.get("peer_tunnel"), s.get("peer_session")) for s in read(view)["sessions"]}
    print(json.dumps([s for s in read(lns) if (s["tunnel"], s["session"]) not in gone]))
    return True


def counted(lns, host, *views):
    """Needs quiet, and that no packet was lost."""
    sessions = {(s["tunnel"], s["session"]): s for s in read(lns)}
    senders = {canonical(s["address"]): s for s in read(host)["senders"]}
    faults, total = Faults(), [0, 0]
    for name in views:
        for s in read(name)["sessions"]:
            t = sessions.get((s.get("peer_tunnel"), s.get("peer_session")))
            h = senders.get(canonical(s["ipv4"])) or senders.get(canonical(s["ipv6"]))
            if not t or not h:
                faults.say(f"{s['ipv4']} {s['ipv6']}: not known to both")
                continue
            for i, (d, n) in enumerate((("rx", s["sent"]), ("tx", h["sent"]))):
                total[i] += t[d]["hook_packets"] + t[d]["slow_packets"]
                if t[d]["hook_packets"] + t[d]["slow_packets"] != n:
                    faults.say(f"session {t['id']} {d}: {n} packets, counted {t[d]}")
    print(f"counted {total[0]} up, {total[1]} down")
    return faults.none()


def agree(lns, *views):
    """A prefix that the LAC has not heard of yet is no difference: advertisements come again."""
    ours, theirs = set(), set()
    for s in read(lns):
        ours.add((s["tunnel"], s["session"], s["peer_tunnel"], s["peer_session"],
                  s["ipv4"] or "", (s["ipv6"] or "").split("/")[0]))
    prefixes, waiting = {s[:5]: s[5] for s in ours}, 0
    for name in views:
        for s in read(name)["sessions"]:
            if s["state"] != "up":
                continue
            prefix = ""
            if s["ipv6"]:
                prefix = str(ipaddress.ip_network(s["ipv6"] + "/64", strict=False).network_address)
            key = (s["peer_tunnel"], s["peer_session"], s["tunnel"], s["session"], s["ipv4"])
            if not prefix:
                waiting += 1
                prefix = prefixes.get(key, "")
            theirs.add((s["peer_tunnel"], s["peer_session"], s["tunnel"], s["session"],
                        s["ipv4"], prefix))
    for who, these in (("LNS", ours - theirs), ("LAC", theirs - ours)):
        for s in sorted(these)[:10]:
            print(f"only the {who} has tunnel {s[0]} session {s[1]}, "
                  f"LAC's {s[2]} {s[3]}, {s[4]} {s[5]}")
    print(f"{len(ours)} sessions at the LNS, {len(theirs)} at the LAC, "
          f"{waiting} without a prefix there")
    return ours == theirs


def summaries(*names):
    total = dict(runs=0, sessions=0, up=0, failed=0, unclean=0)
    failures = {}
    for name in names:
        d = read(name)
        for k, n in dict(runs=1, sessions=d["sessions"], up=d["up"], failed=d["failed"],
                         unclean=int(not d["clean"])).items():
            total[k] += n
        for why, n in d["failures"].items():
            failures[why] = failures.get(why, 0) + n
    print(json.dumps(dict(total, failures=failures)))
    return True


sys.exit(0 if globals()[sys.argv[1]](*sys.argv[2:]) else 1)
