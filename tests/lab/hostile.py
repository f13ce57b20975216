#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Datagrams that must be survived (docs/protocol/quirks.md, second table).

hostile.py list                        names of all classes
hostile.py send CLASS [OPTION...]      sends one class
hostile.py sccrq-flood COUNT PREFIX    SCCRQ, each from another source of PREFIX (a.b)
hostile.py hello-flood COUNT           Hello and ZLB to the tunnel, Ns and Nr guessed
hostile.py icrq COUNT                  a LAC without a secret: so many ICRQ, and never an ICCN;
                                       says how many were accepted, then waits for the end of
                                       its standard input, and hangs up
hostile.py frag-needed MTU             ICMP 3/4 that quotes data to --tunnel and --session
hostile.py guess COUNT                 data with guessed tunnel and session IDs

Options: --server --source --port (ours) --tunnel --session (of a live session)
         --inner (the subscriber's address) --rate (datagrams a second)
Sends by a raw socket, so the source may be anybody's.
"""
import argparse
import random
import socket
import struct
import sys
import time

rnd = random.Random(20240)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, target, protocol, payload, flags=0, identity=0, options=b"", total=None):
    words = 5 + len(options) // 4
    header = struct.pack("!BBHHHBBH4s4s", 0x40 | words, 0,
                         words * 4 + len(payload) if total is None else total,
                         identity, flags, 64, protocol, 0,
                         socket.inet_aton(source), socket.inet_aton(target)) + options
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def udp(source, target, port, payload, length=None, to=1701):
    length = 8 + len(payload) if length is None else length
    header = struct.pack("!HHHH", port, to, length, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!BBH", 0, 17, length)
    return header[:6] + struct.pack("!H", checksum(pseudo + header + payload) or 0xFFFF) + payload


def avp(kind, value=b"", vendor=0, mandatory=True, hidden=False, length=None, reserved=0):
    length = 6 + len(value) if length is None else length
    word = (0x8000 if mandatory else 0) | (0x4000 if hidden else 0) | reserved | (length & 0x3FF)
    return struct.pack("!HHH", word, vendor, kind) + value


def u16(n):
    return struct.pack("!H", n)


def u32(n):
    return struct.pack("!I", n)


def control(body, tunnel=0, session=0, ns=0, nr=0, flags=0xC802, length=None):
    length = 12 + len(body) if length is None else length
    return struct.pack("!HHHHHH", flags, length, tunnel, session, ns, nr) + body


def message(kind, *avps, **header):
    return control(avp(0, u16(kind)) + b"".join(avps), **header)


def sccrq_avps(tunnel=None):
    return [avp(2, b"\x01\x00"), avp(3, u32(3)), avp(7, b"hostile"),
            avp(9, u16(tunnel or rnd.randrange(1, 65536)))]


def sccrq(*more, tunnel=None):
    return message(1, *sccrq_avps(tunnel), *more)


def data(tunnel, session, ppp, flags=0x0002, middle=b""):
    return struct.pack("!HHH", flags, tunnel, session) + middle + ppp


def inner(a, source=None, ttl=64, flags=0, length=None, target="203.0.113.2"):
    payload = struct.pack("!HHHH", 4000, 4001, 16, 0) + b"payload!"
    packet = ipv4(source or a.inner, target, 17, payload, flags=flags, total=length)
    packet = packet[:8] + bytes([ttl]) + packet[9:10] + b"\0\0" + packet[12:]
    return b"\xff\x03\x00\x21" + packet[:10] + struct.pack("!H", checksum(packet[:20])) + packet[12:]


CLASSES = {}


def case(name):
    def keep(function):
        CLASSES[name] = function
        return function
    return keep


# Each yields UDP payloads, or whole IP packets as ("ip", bytes).

@case("header: empty to 5 octets")
def _(a):
    for n in range(6):
        yield b"\xc8\x02\x00\x0c\x00\x00"[:n]


@case("header: T without L or S")
def _(a):
    for flags in (0x8002, 0x8802, 0xC002):
        yield struct.pack("!HHHHH", flags, 12, 0, 0, 0) + b"\0" * 8


@case("header: T with O or P")
def _(a):
    for flags in (0xCA02, 0xC902, 0xCB02):
        yield control(avp(0, u16(1)), flags=flags)


@case("header: Length greater or smaller than the datagram")
def _(a):
    for length in (0, 1, 6, 11, 13, 19, 21, 500, 65535):
        yield control(avp(0, u16(1)), length=length)


@case("header: version 0, 1, 3, 15")
def _(a):
    for version in (0, 1, 3, 15):
        yield control(avp(0, u16(1)), flags=0xC800 | version)
        yield data(a.tunnel, a.session, inner(a), flags=version)


@case("header: T flipped on a live session")
def _(a):
    yield control(inner(a), tunnel=a.tunnel, session=a.session, ns=40000)
    yield data(a.tunnel, a.session, inner(a), flags=0x8002)


@case("header: offset past the end")
def _(a):
    for n in (1, 60, 64, 65, 1000, 65535):
        yield data(a.tunnel, a.session, b"\xff\x03\x00\x21", flags=0x0202, middle=u16(n))
    yield data(a.tunnel, a.session, b"", flags=0x0202)


@case("header: S that was not negotiated")
def _(a):
    for ns in (0, 65535, 32768, 7, 7):
        yield data(a.tunnel, a.session, inner(a), flags=0x0802, middle=struct.pack("!HH", ns, 0))


@case("header: Ns and Nr far away, replayed")
def _(a):
    for ns, nr in ((32767, 0), (32768, 0), (65535, 65535), (100, 60000), (100, 60000)):
        yield message(6, tunnel=a.tunnel, ns=ns, nr=nr)


@case("header: tunnel ID 0 outside SCCRQ")
def _(a):
    for kind in (2, 3, 4, 6, 10, 12, 14):
        yield message(kind, tunnel=0)
    yield data(0, a.session, inner(a))


@case("header: session ID 0 in data")
def _(a):
    yield data(a.tunnel, 0, inner(a))
    yield data(0, 0, inner(a))


@case("header: several L2TP packets in one datagram")
def _(a):
    yield control(b"", tunnel=a.tunnel, ns=50000) + message(6, tunnel=a.tunnel, ns=50001)
    yield sccrq() + sccrq()


@case("header: UDP length unlike IP length")
def _(a):
    payload = data(a.tunnel, a.session, inner(a))
    for length in (0, 7, 8, 9, len(payload) + 7, len(payload) + 9, 65535):
        yield ("ip", ipv4(a.source, a.server, 17, udp(a.source, a.server, a.port, payload, length)))


@case("header: truncated at every octet")
def _(a):
    payload = data(a.tunnel, a.session, inner(a))
    for n in range(len(payload)):
        yield payload[:n]
    payload = sccrq()
    for n in range(len(payload)):
        yield payload[:n]


@case("outer: options, and fragments that lack the header, overlap, are too long")
def _(a):
    datagram = udp(a.source, a.server, a.port, data(a.tunnel, a.session, inner(a)))
    yield ("ip", ipv4(a.source, a.server, 17, datagram, options=b"\x01" * 8))
    yield ("ip", ipv4(a.source, a.server, 17, datagram[:8], flags=0x2000, identity=1))
    yield ("ip", ipv4(a.source, a.server, 17, datagram[8:], flags=1, identity=1))
    yield ("ip", ipv4(a.source, a.server, 17, datagram[:24], flags=0x2000, identity=2))
    yield ("ip", ipv4(a.source, a.server, 17, datagram[16:], flags=2, identity=2))
    yield ("ip", ipv4(a.source, a.server, 17, b"x" * 1000, flags=0x1FFF, identity=3))


@case("AVP: length below 6, beyond the message, 0")
def _(a):
    for length in (0, 1, 5, 100, 1023):
        yield message(1, *sccrq_avps(), avp(8, b"vendor", length=length))


@case("AVP: empty names")
def _(a):
    yield message(1, avp(2, b"\x01\x00"), avp(3, u32(3)), avp(7), avp(9, u16(77)))


@case("AVP: reserved bits")
def _(a):
    for bit in range(4):
        yield sccrq(avp(8, b"vendor", mandatory=False, reserved=0x0400 << bit))


@case("AVP: M on unknown ones, of the IETF and of a vendor")
def _(a):
    yield sccrq(avp(2000, b"x"))
    yield sccrq(avp(1, b"x", vendor=9))


@case("AVP: hidden without, before, with two Random Vectors")
def _(a):
    secret = b"0123456789abcdef"
    yield sccrq(avp(8, secret, hidden=True))
    yield sccrq(avp(8, secret, hidden=True), avp(36, secret))
    yield sccrq(avp(36, secret), avp(36, secret), avp(8, secret, hidden=True))


@case("AVP: hidden values of 0, 1, 2 octets and odd blocks")
def _(a):
    for n in (0, 1, 2, 15, 16, 17, 31, 33, 500):
        yield sccrq(avp(36, b"r" * 16), avp(8, b"h" * n, hidden=True))


@case("AVP: duplicates")
def _(a):
    yield message(1, *sccrq_avps(1), *sccrq_avps(2))


@case("AVP: no Message Type first, type 0, unknown type")
def _(a):
    yield control(b"".join(sccrq_avps()))
    yield message(0, *sccrq_avps())
    yield message(99, *sccrq_avps())
    yield control(avp(0, u16(99), mandatory=False))
    yield control(avp(0, b"\x01"))
    yield control(avp(0, b"\0\0\x01"))


@case("AVP: 1023 octets")
def _(a):
    yield sccrq(avp(8, b"v" * 1017, mandatory=False))


@case("AVP: names with NUL, UTF-8, %, quotes, newlines")
def _(a):
    for name in (b"a\0b", "ü€𝄞".encode(), b"%s%n%x", b"\"'`$(reboot)", b"a\nb\rc", b"\xff\xfe", b"\x1b[2J"):
        yield message(1, avp(2, b"\x01\x00"), avp(3, u32(3)), avp(7, name), avp(9, u16(78)))


@case("AVP: those of other messages, and of L2TPv3")
def _(a):
    yield sccrq(avp(1, b"\0\x02\0\x06text"), avp(14, u16(5)), avp(12, b"\0"), avp(34, b"z"))
    yield sccrq(*[avp(n, b"\0\0\0\x01") for n in range(58, 80)])


@case("AVP: a challenge of 0 and 1000 octets, window 0, tunnel ID 0, version 9")
def _(a):
    yield sccrq(avp(11))
    yield sccrq(avp(11, b"c" * 1000))
    yield sccrq(avp(10, u16(0)))
    yield message(1, avp(2, b"\x01\x00"), avp(3, u32(3)), avp(7, b"h"), avp(9, u16(0)))
    yield message(1, avp(2, b"\x09\x00"), avp(3, u32(3)), avp(7, b"h"), avp(9, u16(9)))


@case("AVP: 300 of them in one message")
def _(a):
    yield sccrq(*[avp(1000, b"", mandatory=False) for _ in range(220)])


@case("state: SCCCN, ICRQ, ICCN, CDN, StopCCN of nobody")
def _(a):
    for kind in (3, 4, 10, 12, 14):
        for tunnel in (a.tunnel, 4242):
            yield ("from", 40000, message(kind, avp(9, u16(1)), avp(1, u16(1)), avp(14, u16(1)), tunnel=tunnel))


@case("state: the same SCCRQ a hundred times")
def _(a):
    for _ in range(100):
        yield ("from", 40001, sccrq(tunnel=555))


@case("state: equal tie breakers")
def _(a):
    for _ in range(4):
        yield ("from", 40002, sccrq(avp(5, b"tiebreak"), tunnel=rnd.randrange(1, 65536)))


@case("state: ZLB ping-pong")
def _(a):
    for n in range(200):
        yield control(b"", tunnel=a.tunnel, ns=n * 300 & 0xFFFF, nr=n * 700 & 0xFFFF)


@case("PPP: short, even, unknown protocols")
def _(a):
    for ppp in (b"", b"\xff", b"\xff\x03", b"\xff\x03\x00", b"\x20", b"\x00\x20", b"\xc1\x23\x01\x02"):
        yield data(a.tunnel, a.session, ppp)


@case("PPP: LCP with option lengths 0, 1, 255, and 1500 octets of options")
def _(a):
    for body in (b"\x01\x00", b"\x01\x01", b"\x01\xff\0\0", b"\x00\x02" * 700):
        yield data(a.tunnel, a.session,
                   b"\xff\x03\xc0\x21" + struct.pack("!BBH", 2, 77, 4 + len(body)) + body)


# RFC 1661 section 5.6: whoever rejects a code that everybody has cannot go on.
@case("ends the call: Code-Reject of a Code-Reject")
def _(a):
    yield data(a.tunnel, a.session, b"\xff\x03\xc0\x21\x07\x4e\x00\x08\x07\x01\x00\x04")


@case("PPP: echo of a wrong magic, Protocol-Reject of nothing")
def _(a):
    for code, body in ((9, b"\0\0\0\x07"), (10, b"\0\0\0\x07"), (8, b"")):
        yield data(a.tunnel, a.session,
                   b"\xff\x03\xc0\x21" + struct.pack("!BBH", code, 78, 4 + len(body)) + body)


@case("PPP: unsolicited PAP, CHAP, EAP, CCP")
def _(a):
    for protocol in (0xC023, 0xC223, 0xC227, 0x80FD, 0x00FD):
        yield data(a.tunnel, a.session, b"\xff\x03" + u16(protocol) + b"\x03\x01\x00\x04")


@case("PPP: user names of 255 octets, values of 0 and 255")
def _(a):
    yield data(a.tunnel, a.session, b"\xff\x03\xc0\x23\x01\x01" + u16(4 + 512) + b"\xff" + b"u" * 255 + b"\xff" + b"p" * 255)
    for size in (0, 255):
        yield data(a.tunnel, a.session,
                   b"\xff\x03\xc2\x23\x02\x01" + u16(5 + size + 255) + bytes([size]) + b"v" * size + b"n" * 255)


@case("data: source of another subscriber")
def _(a):
    for source in ("10.0.0.250", "203.0.113.2", "127.0.0.1", "0.0.0.0", "224.0.0.1"):
        yield data(a.tunnel, a.session, inner(a, source=source))


@case("data: TTL 0 and 1")
def _(a):
    for ttl in (0, 1):
        yield data(a.tunnel, a.session, inner(a, ttl=ttl))


@case("data: inner fragments")
def _(a):
    for flags in (0x2000, 1, 0x2001):
        yield data(a.tunnel, a.session, inner(a, flags=flags))


@case("data: inner length beyond the frame")
def _(a):
    for length in (0, 19, 37, 1000, 65535):
        yield data(a.tunnel, a.session, inner(a, length=length))


@case("data: IPv6 extension chains")
def _(a):
    chain = b"".join(bytes([60, 0]) + b"\x01\x04\0\0\0\0" for _ in range(100)) + bytes([59, 0]) + b"\0" * 6
    header = struct.pack("!IHBB", 6 << 28, len(chain), 60, 64) + b"\xfe\x80" + b"\0" * 13 + b"\x01" + b"\x20\x01\x0d\xb8" + b"\0" * 11 + b"\x02"
    yield data(a.tunnel, a.session, b"\xff\x03\x00\x57" + header + chain)
    yield data(a.tunnel, a.session, b"\xff\x03\x00\x57" + header[:4] + u16(60000) + header[6:] + chain)


@case("data: control smuggled as data")
def _(a):
    yield data(a.tunnel, a.session, message(4, avp(1, u16(1)), tunnel=a.tunnel))


def frag_needed(a, mtu):
    """Quotes a packet of the server to us; it has the peer's IDs (DP-TX-1, DP-ICMP-5)."""
    quoted = ipv4(a.server, a.source, 17, struct.pack("!HHHH", 1701, a.port, 1400, 0) +
                  data(a.tunnel, a.session, b"\xff\x03\x00\x21"), flags=0x4000, total=1420)
    icmp = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + quoted
    return ipv4(a.source, a.server, 1, icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:])


def send(sock, a, item):
    port = a.port
    if isinstance(item, tuple) and item[0] == "from":
        port, item = item[1], item[2]
    if isinstance(item, tuple):
        packet = item[1]
    else:
        packet = ipv4(a.source, a.server, 17, udp(a.source, a.server, port, item))
    try:
        sock.sendto(packet, (a.server, 0))
    except OSError as error:
        # What the local stack refuses to send never reaches anybody.
        if error.errno not in (22, 90):
            raise


def flood(sock, a, count, make):
    begin = time.monotonic()
    for n in range(count):
        source, port, payload = make(n)
        packet = ipv4(source, a.server, 17, udp(source, a.server, port, payload))
        sock.sendto(packet, (a.server, 0))
        if n % 50 == 0:
            time.sleep(max(0, begin + n / a.rate - time.monotonic()))


def incomplete_calls(a, count):
    """By the rules, as far as it goes."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((a.source, 0))
    sock.connect((a.server, 1701))
    sock.settimeout(5)
    tunnel, ns, nr = 0, 0, 0

    def ask(body):
        nonlocal ns, nr
        sock.send(body)
        ns += 1
        while True:
            answer = sock.recv(2048)
            if len(answer) > 12 and struct.unpack("!H", answer[8:10])[0] == nr:
                nr += 1
                return answer[12:]

    def value(body, kind):
        while body:
            word, vendor, found = struct.unpack("!HHH", body[:6])
            if (vendor, found) == (0, kind):
                return struct.unpack("!H", body[6:8])[0]
            body = body[word & 0x3FF:]

    tunnel = value(ask(sccrq()), 9)
    sock.send(message(3, tunnel=tunnel, ns=ns, nr=nr))
    ns += 1
    results = []
    for n in range(count):
        body = ask(message(10, avp(14, u16(n + 1)), avp(15, u32(n)), tunnel=tunnel, ns=ns, nr=nr))
        results.append(0 if value(body, 0) == 11 else value(body, 1))
    sock.send(control(b"", tunnel=tunnel, ns=ns, nr=nr))
    print("accepted %d, CDN %s" % (results.count(0), sorted(set(results) - {0})), flush=True)
    sys.stdin.read()
    sock.send(message(4, avp(9, u16(1)), avp(1, u16(1)), tunnel=tunnel, ns=ns, nr=nr))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what")
    p.add_argument("arguments", nargs="*")
    p.add_argument("--server", default="192.0.2.1")
    p.add_argument("--source", default="192.0.2.10")
    p.add_argument("--port", type=int, default=1701)
    p.add_argument("--tunnel", type=int, default=1)
    p.add_argument("--session", type=int, default=1)
    p.add_argument("--inner", default="10.0.0.2")
    p.add_argument("--rate", type=int, default=20000)
    a = p.parse_args()
    if a.what == "list":
        print("\n".join(CLASSES))
        return
    if a.what == "icrq":
        incomplete_calls(a, int(a.arguments[0]))
        return
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    if a.what == "send":
        for item in CLASSES[a.arguments[0]](a):
            send(sock, a, item)
    elif a.what == "frag-needed":
        send(sock, a, ("ip", frag_needed(a, int(a.arguments[0]))))
    elif a.what == "sccrq-flood":
        prefix = a.arguments[1]
        flood(sock, a, int(a.arguments[0]),
              lambda n: ("%s.%d.%d" % (prefix, n >> 8 & 255, n & 255), 1701, sccrq()))
    elif a.what == "hello-flood":
        # Ns and Nr are far from those in use: whoever guesses these and the ID is the peer.
        far = lambda: rnd.randrange(0x4000, 0xC000)
        flood(sock, a, int(a.arguments[0]),
              lambda n: (a.source, a.port,
                         message(6, tunnel=a.tunnel, ns=far(), nr=far())
                         if n & 1 else control(b"", tunnel=a.tunnel, ns=far(), nr=far())))
    elif a.what == "guess":
        flood(sock, a, int(a.arguments[0]),
              lambda n: (a.source, a.port if n & 1 else 1701,
                         data(rnd.randrange(65536), rnd.randrange(65536), inner(a))))
    else:
        raise SystemExit("hostile.py: no " + a.what)


if __name__ == "__main__":
    main()
