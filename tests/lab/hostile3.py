#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Control messages of L2TPv3 that must be survived. By rule ids of docs/protocol/l2tpv3.md.

hostile3.py list                          names of all classes
hostile3.py send CLASS [OPTION...]        one class, over UDP and over IP, in the name of --source
                                          and of --stranger
hostile3.py insider CLASS [OPTION...]     a class of those who know the secret: sets up a control
                                          connection from --source, says it there, and asks
                                          by a Hello whether somebody listens still
hostile3.py insiders                      names of those
hostile3.py calls COUNT [OPTION...]       such a one asks for so many sessions; prints the answers
hostile3.py sccrq-flood COUNT PREFIX      SCCRQ, each from another source of PREFIX (a.b); with --secret signed
hostile3.py hello-flood COUNT             Hello and acknowledgements to --ccid, Ns and Nr guessed
hostile3.py guess COUNT                   data with guessed Session IDs and cookies
hostile3.py replay FILE COUNT             what --source has said in that capture, so often, in any order

Options: --server --source --stranger --port (ours, of UDP) --ip (directly over IP) --ccid --session (of the
         live connection and session, as the server has assigned them) --peer-session --secret --rate
"""
import argparse
import hashlib
import hmac
import random
import socket
import struct
import time

from hostile import avp, ipv4, u16, u32, udp

rnd = random.Random(3931)
SCCRQ, SCCRP, SCCCN, STOPCCN, HELLO, ICRQ, ICRP, ICCN = 1, 2, 3, 4, 6, 10, 11, 12
OCRQ, CDN, WEN, SLI, ACK = 7, 14, 15, 16, 20


def key(secret):  # V3-AUTH-1
    return hmac.new(secret.encode(), b"\2", hashlib.md5).digest()


def control(body, ccid=0, ns=0, nr=0, flags=0xC803, length=None):
    length = 12 + len(body) if length is None else length
    return struct.pack("!HHIHH", flags, length, ccid, ns, nr) + body


def message(kind, *avps, secret=None, nonces=b"", **header):
    """Signed (V3-AUTH-3) when there is a secret."""
    first = avp(0, u16(kind))
    rest = b"".join(avps)
    if secret is None:
        return control(first + rest, **header)
    whole = control(first + avp(59, bytes(17)) + rest, **header)
    digest = hmac.new(key(secret), nonces + whole, hashlib.md5).digest()
    return whole[:27] + digest + whole[43:]


def opening(name=b"hostile", ccid=None, nonce=None):
    avps = [avp(7, name), avp(60, u32(rnd.getrandbits(32))), avp(61, u32(ccid or rnd.getrandbits(32) | 1)),
            avp(62, u16(4) + u16(5)), avp(10, u16(8))]
    return avps + ([avp(73, nonce)] if nonce else [])


def sccrq(*more, secret=None, **named):
    return message(SCCRQ, *opening(nonce=rnd.randbytes(16) if secret is not None else None, **named), *more,
                   secret=secret)


def session(a, mine=None, its=None):
    return [avp(63, u32(a.peer_session if mine is None else mine)), avp(64, u32(a.session if its is None else its))]


def icrq(end=b"guess", mine=None, kind=5, circuit=3):
    return [avp(63, u32(mine or rnd.getrandbits(32) | 1)), avp(64, u32(0)), avp(15, u32(rnd.getrandbits(32))),
            avp(66, end), avp(68, u16(kind)), avp(71, u16(circuit)), avp(65, rnd.randbytes(8))]


CLASSES, INSIDERS = {}, {}


def case(name, kept=CLASSES):
    def keep(function):
        kept[name] = function
        return function
    return keep


# ---- of those who do not know the secret: whole control messages --------------------------------------

@case("header: empty to 13 octets")
def _(a):
    for n in range(14):
        yield control(avp(0, u16(HELLO)), ccid=a.ccid)[:n]


@case("header: flags of every kind")
def _(a):
    for flags in range(0x0003, 0x10000, 0x0800):
        yield control(avp(0, u16(STOPCCN)), ccid=a.ccid, flags=flags)
        yield control(avp(0, u16(SCCRQ)), flags=flags | 0x37F0)


@case("header: Length greater or smaller than the message")
def _(a):
    for length in (0, 1, 11, 12, 13, 19, 21, 500, 65535):
        yield control(avp(0, u16(SCCRQ)) + b"".join(opening()), length=length)
        yield control(avp(0, u16(HELLO)), ccid=a.ccid, length=length)


@case("SCCRQ cut at each octet")
def _(a):
    whole = sccrq()
    for n in range(12, len(whole)):
        yield control(whole[12:n])
        yield whole[:n]


@case("SCCRQ with each octet changed")
def _(a):
    whole = sccrq(secret="a guess")
    for n in range(len(whole)):
        yield whole[:n] + bytes([whole[n] ^ 1 << rnd.randrange(8)]) + whole[n + 1:]


@case("SCCRQ signed with another secret")
def _(a):
    for secret in ("", "guess", "S3cret", "x" * 300):
        for _ in range(20):
            yield sccrq(secret=secret)


@case("SCCRQ without a digest, with a nonce")
def _(a):
    for n in (0, 1, 15, 16, 64, 65, 255, 900):
        yield message(SCCRQ, *opening(nonce=None), avp(73, bytes(n)))


@case("AVPs of 0 to 5 octets, and longer than the message")
def _(a):
    for n in (0, 1, 2, 3, 4, 5, 7, 1023):
        yield control(avp(0, u16(SCCRQ)) + avp(7, b"x", length=n))
        yield control(avp(0, u16(HELLO)) + avp(36, b"x", length=n), ccid=a.ccid)
        yield control(avp(0, u16(HELLO), length=n), ccid=a.ccid)


@case("AVPs of 1023 octets, and thousands of them")
def _(a):
    huge = avp(7, b"A" * 1017)
    yield control(avp(0, u16(SCCRQ)) + huge * 60)
    yield control(avp(0, u16(SCCRQ)) + avp(61, u32(1)) * 6000)
    yield control(avp(0, u16(SCCRQ)) + avp(62, b"\0\5" * 500) * 30)
    yield control(avp(0, u16(SCCRQ)) + avp(59, bytes(17)) * 2000)


@case("every AVP with every length")
def _(a):
    for kind in list(range(110)) + [255, 65535]:
        for n in (0, 1, 2, 4, 8, 17, 33, 200):
            yield message(SCCRQ, *opening(), avp(kind, rnd.randbytes(n), hidden=n == 17))


@case("unknown mandatory AVPs")
def _(a):
    yield message(SCCRQ, *opening(), avp(999, b"x"))
    yield message(SCCRQ, *opening(), avp(1, b"x", vendor=9))
    yield message(HELLO, avp(999, b"x"), ccid=a.ccid)


@case("every Message Type, to the live connection, unsigned")
def _(a):
    for kind in list(range(40)) + [255, 65535]:
        for ns in (0, 1, 2, 3, 4, 5, 65535):
            yield message(kind, *session(a), avp(1, u16(1)), avp(61, u32(a.ccid)), ccid=a.ccid, ns=ns)


@case("forged StopCCN and CDN")
def _(a):
    for ns in range(64):
        for secret in (None, "", "guess", a.secret):
            yield message(STOPCCN, avp(1, u16(6)), avp(61, u32(a.ccid)), secret=secret, ccid=a.ccid, ns=ns)
            yield message(CDN, avp(1, u16(3)), *session(a), secret=secret, ccid=a.ccid, ns=ns)


@case("forged SLI that takes the circuit down")
def _(a):
    for ns in range(64):
        for secret in (None, "", "guess", a.secret):
            yield message(SLI, *session(a), avp(71, u16(0)), secret=secret, ccid=a.ccid, ns=ns)


@case("Nr that acknowledges what was not sent")
def _(a):
    for nr in range(0, 65536, 512):
        yield message(ACK, ccid=a.ccid, nr=nr)
        yield control(b"", ccid=a.ccid, nr=nr)


@case("SCCRP, SCCCN and ICRQ of a connection that is not there")
def _(a):
    for kind in (SCCRP, SCCCN, ICRQ, ICRP, ICCN, OCRQ, CDN, WEN, SLI, HELLO, ACK, STOPCCN):
        for _ in range(20):
            yield message(kind, *opening(), *icrq(), ccid=rnd.getrandbits(32), secret=rnd.choice((None, a.secret)))


@case("version 2 that offers version 3")
def _(a):
    for more in ([], opening(), opening()[:2], [avp(61, b"")], [avp(62, b"x")]):
        body = avp(0, u16(SCCRQ)) + avp(2, b"\1\0") + avp(3, u32(3)) + avp(9, u16(7)) + b"".join(more)
        yield struct.pack("!HHHHHH", 0xC802, 12 + len(body), 0, 0, 0, 0) + body
        yield struct.pack("!HHHHHH", 0xC802, 12 + len(body), a.ccid >> 16, a.ccid & 0xFFFF, 0, 0) + body


@case("random octets behind a good header")
def _(a):
    for _ in range(1000):
        yield control(rnd.randbytes(rnd.randrange(600)), ccid=rnd.choice((0, a.ccid)), ns=rnd.randrange(8))


# ---- of those who know the secret: what they say on a connection of their own -------------------------

def insider(name):
    return case(name, INSIDERS)


@insider("unknown mandatory AVPs")
def _(a):
    yield HELLO, [avp(999, b"x")]
    yield ICRQ, icrq() + [avp(999, b"x")]


@insider("AVPs whose structure is lost")
def _(a):
    for n in (0, 3, 5, 7, 1023):
        yield HELLO, [avp(36, b"x", length=n)]


@insider("each AVP of an ICRQ cut and lengthened")
def _(a):
    whole = icrq()
    for i, one in enumerate(whole):
        value = one[6:]
        kind = struct.unpack("!H", one[4:6])[0]
        for changed in (b"", value[:-1], value + b"x", value * 40):
            yield ICRQ, whole[:i] + [avp(kind, changed)] + whole[i + 1:]
        yield ICRQ, whole[:i] + whole[i + 1:]


@insider("hidden AVPs of random octets")
def _(a):
    for n in (0, 1, 2, 5, 16, 17, 200):
        yield ICRQ, [avp(36, rnd.randbytes(16))] + [
            avp(kind, rnd.randbytes(n), hidden=True) for kind in (63, 64, 65, 66, 68, 71)]
        yield ICRQ, [avp(63, rnd.randbytes(n), hidden=True)]


@insider("a thousand sessions that nobody knows")
def _(a):
    for n in range(1000):
        yield ICRQ, icrq(end=rnd.randbytes(rnd.randrange(1, 200)))


@insider("sessions of others, by guess")
def _(a):
    for kind in (ICRP, ICCN, CDN, SLI, WEN):
        for its in (a.session, a.peer_session, 0, rnd.getrandbits(32)):
            for mine in (a.session, a.peer_session, rnd.getrandbits(32)):
                yield kind, session(a, mine, its) + [avp(1, u16(3)), avp(71, u16(0)), avp(34, bytes(26))]


@insider("the established pseudowire's own name, of every type")
def _(a):
    for kind in (0, 1, 4, 7, 65535):
        yield ICRQ, icrq(end=a.end.encode(), kind=kind)


@insider("messages of set-up, out of turn")
def _(a):
    for kind in (SCCRQ, SCCRP, SCCCN):
        yield kind, opening()


@insider("every Message Type")
def _(a):
    for kind in range(5, 40):
        yield kind, session(a) + [avp(1, u16(3))]


@insider("AVPs by the hundred")
def _(a):
    yield ICRQ, icrq() * 8
    yield HELLO, [avp(62, b"\0\5" * 300)] + [avp(8, b"V" * 60)] * 6


class Connection:
    """A control connection from a.source: by the rules, as far as it goes."""

    def __init__(self, a):
        self.a = a
        if a.ip:
            self.s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 115)
            self.s.bind((a.source, 0))
            self.s.connect((a.server, 0))
        else:
            self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.s.bind((a.source, 0))
            self.s.connect((a.server, 1701))
        self.nonce, self.theirs, self.ccid, self.mine = rnd.randbytes(16), b"", 0, rnd.getrandbits(32) | 1
        self.ns = self.nr = 0
        self.ended = False
        self.answers = []
        self.s.settimeout(0.5)
        for _ in range(20):  # there may be a limit to set-ups in a second
            if not self.ccid:
                self.send(SCCRQ, opening(a.hostname.encode(), self.mine, self.nonce))
                self.take()
        if not self.ccid:
            raise SystemExit("hostile3.py: no SCCRP")
        self.ns = 1
        self.s.settimeout(3)
        self.say(SCCCN, [])

    def send(self, kind, avps):
        nonces = self.nonce + self.theirs if self.theirs else b""
        m = message(kind, *avps, secret=self.a.secret, nonces=nonces, ccid=self.ccid, ns=self.ns, nr=self.nr)
        self.s.send(bytes(4) + m if self.a.ip else m)

    def say(self, kind, avps):
        """Reliably, one after the other."""
        for _ in range(4):
            self.send(kind, avps)
            wanted = self.ns + 1 & 0xFFFF
            while True:
                nr = self.take()
                if nr is None:
                    break
                if nr == wanted or self.ended:
                    self.ns = wanted
                    return True
        return False

    def take(self):
        """Nr of the next message; None: there is none."""
        try:
            m = self.s.recv(65535)
        except (socket.timeout, ConnectionError):
            return None
        if self.a.ip:
            m = m[(m[0] & 15) * 4:]
            if m[:4] != bytes(4):
                return -1
            m = m[4:]
        ns, nr = struct.unpack("!HH", m[8:12])
        found = self.avps(m[12:])
        kind = struct.unpack("!H", found.get(0, b"\0\0"))[0]
        if kind == SCCRP and not self.ccid:
            self.ccid, self.theirs = struct.unpack("!I", found[61])[0], found[73]
        if kind not in (0, ACK) and ns == self.nr:
            self.nr = ns + 1 & 0xFFFF
            self.answers.append((kind, found.get(1, b"")[:2]))
            self.ended |= kind == STOPCCN
            self.send(ACK, [])
        return nr

    @staticmethod
    def avps(body):
        found = {}
        while len(body) >= 6:
            word, vendor, kind = struct.unpack("!HHH", body[:6])
            if word & 0x3FF < 6:
                break
            if vendor == 0:
                found.setdefault(kind, body[6:word & 0x3FF])
            body = body[word & 0x3FF:]
        return found

    def end(self):
        if not self.ended:
            self.say(STOPCCN, [avp(1, u16(1)), avp(61, u32(self.mine))])
        self.s.close()


def say_inside(a):
    """All of a class; on a new connection whenever one has cost the last one. A message that is not
    even acknowledged (its structure is lost) is passed over."""
    c, ended, silent = Connection(a), 0, 0
    c.s.settimeout(0.3)
    for kind, avps in INSIDERS[a.arguments[0]](a):
        if c.ended:
            ended += 1
            c.s.close()
            c = Connection(a)
            c.s.settimeout(0.3)
        c.send(kind, avps)
        wanted = c.ns + 1 & 0xFFFF
        for _ in range(8):
            nr = c.take()
            if nr is None:
                silent += 1
                break
            if nr == wanted or c.ended:
                c.ns = wanted
                break
    if c.ended:
        ended += 1
        c.s.close()
        c = Connection(a)
    c.s.settimeout(2)
    heard = c.say(HELLO, [])
    c.end()
    print("ended %d, not acknowledged %d" % (ended, silent))
    if not heard:
        raise SystemExit("hostile3.py: a Hello is not acknowledged")


def ask_for_calls(a):
    c = Connection(a)
    for _ in range(int(a.arguments[0])):
        if c.ended or not c.say(ICRQ, icrq()):
            break
    while c.take() is not None:
        pass
    kinds = [k for k, _ in c.answers]
    results = sorted({struct.unpack("!H", r)[0] for k, r in c.answers if k == CDN and r})
    print("ICRP %d, CDN %d %s" % (kinds.count(ICRP), kinds.count(CDN), results))
    c.end()


def wrapped(a, source, m):
    if a.ip:
        return ipv4(source, a.server, 115, bytes(4) + m)
    return ipv4(source, a.server, 17, udp(source, a.server, a.port, m))


def emit(sock, a, source, m):
    packet = wrapped(a, source, m)
    if len(packet) <= 1500:
        sock.sendto(packet, (a.server, 0))
        return
    payload, identity = packet[20:], rnd.getrandbits(16)
    for at in range(0, len(payload), 1480):
        piece = payload[at:at + 1480]
        more = 0x2000 if at + 1480 < len(payload) else 0
        sock.sendto(ipv4(source, a.server, packet[9], piece, flags=more | at // 8, identity=identity), (a.server, 0))


def flood(sock, a, count, make):
    begin = time.monotonic()
    for n in range(count):
        sock.sendto(make(n), (a.server, 0))
        if n % 50 == 0:
            time.sleep(max(0, begin + n / a.rate - time.monotonic()))


def captured(a, name):
    """Packets of a.source in a capture file of Ethernet frames, as they are."""
    with open(name, "rb") as f:
        octets = f.read()
    order = "<" if octets[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, found = 24, []
    while at + 16 <= len(octets):
        length = struct.unpack(order + "I", octets[at + 8:at + 12])[0]
        frame = octets[at + 16:at + 16 + length]
        at += 16 + length
        if frame[12:14] == b"\x08\0" and frame[26:30] == socket.inet_aton(a.source):
            found.append(frame[14:14 + struct.unpack("!H", frame[16:18])[0]])
    return found


def replay(sock, a):
    packets = captured(a, a.arguments[0])
    if not packets:
        raise SystemExit("hostile3.py: nothing of %s is captured" % a.source)
    flood(sock, a, len(packets) * 5, lambda n: packets[n % len(packets)])  # as they were sent
    flood(sock, a, int(a.arguments[1]), lambda n: rnd.choice(packets))
    print(len(packets), "packets")


def floods(sock, a):
    count = int(a.arguments[0])
    far = lambda: rnd.randrange(0x4000, 0xC000)

    def one(n):
        if a.what == "sccrq-flood":
            source = "%s.%d.%d" % (a.arguments[1], n >> 8 & 255, n & 255)
            return wrapped(a, source, sccrq(secret=a.secret, name=a.hostname.encode()))
        if a.what == "hello-flood":
            return wrapped(a, a.source, message(HELLO if n & 1 else ACK, secret=rnd.choice((None, "guess")),
                                                ccid=a.ccid, ns=far(), nr=far()))
        ident = u32(a.session if n & 1 else rnd.getrandbits(32)) + rnd.randbytes(rnd.choice((0, 4, 8))) + bytes(60)
        if a.ip:
            return ipv4(a.source, a.server, 115, ident)
        return ipv4(a.source, a.server, 17, udp(a.source, a.server, a.port, b"\0\3\0\0" + ident))

    flood(sock, a, count, one)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what")
    p.add_argument("arguments", nargs="*")
    p.add_argument("--server", default="192.0.2.1")
    p.add_argument("--source", default="192.0.2.2")
    p.add_argument("--stranger", default="192.0.2.99")
    p.add_argument("--port", type=int, default=1701)
    p.add_argument("--ip", action="store_true")
    p.add_argument("--ccid", type=int, default=1)
    p.add_argument("--session", type=int, default=1)
    p.add_argument("--peer-session", type=int, default=1)
    p.add_argument("--end", default="u4")
    p.add_argument("--hostname", default="hostile")
    p.add_argument("--secret")
    p.add_argument("--rate", type=int, default=10000)
    a = p.parse_args()
    if a.what == "list":
        print("\n".join(CLASSES))
    elif a.what == "insiders":
        print("\n".join(INSIDERS))
    elif a.what == "insider":
        say_inside(a)
    elif a.what == "calls":
        ask_for_calls(a)
    else:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        if a.what == "send":
            for a.ip in (False, True):
                for source in (a.source, a.stranger):
                    for m in CLASSES[a.arguments[0]](a):
                        emit(sock, a, source, m)
        elif a.what == "replay":
            replay(sock, a)
        else:
            floods(sock, a)


if __name__ == "__main__":
    main()
