/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one list of what can become of a frame at the hook. Every frame leaves under
 * exactly one of these, and is counted there. Numbers are part of the contract with a
 * running daemon: add at the end, never renumber, never reuse.
 *
 * X(number, NAME, "name", CLASS, "sentence for a person")
 *   CLASS: FORWARD crossed at the hook, or was answered there; SLOW passed up unmodified, the
 *   daemon or the kernel goes on with it; PASS passed up, not ours; DROP ended here.
 */
#ifndef L2X_MAPS_VERDICTS_H
#define L2X_MAPS_VERDICTS_H

#define L2X_VERDICTS(X)                                                                            \
	X(0, NOT_OURS, "not-ours", PASS, "neither L2TP for a local address nor for a subscriber")  \
	X(1, DECAP, "decap", FORWARD, "header taken off and forwarded")                            \
	X(2, ENCAP, "encap", FORWARD, "header put on and forwarded")                               \
	X(3, CONTROL, "control", SLOW, "control message of a known control connection")            \
	X(4, STRANGER, "stranger", SLOW, "control message of a source without control connection") \
	X(5, STRANGER_POLICED, "stranger-policed", DROP, "too many of those, or session-unknown")  \
	X(6, PPP_CONTROL, "ppp-control", SLOW, "PPP frame that is not IP")                         \
	X(7, SESSION_UNKNOWN, "session-unknown", SLOW, "no such tunnel or session here, policed")  \
	X(8, PEER_MISMATCH, "peer-mismatch", DROP, "session exists, but not for this source")      \
	X(9, SPOOFED, "spoofed", DROP, "inner source address is not this subscriber's")            \
	X(10, NCP_CLOSED, "ncp-closed", DROP, "IPv4 or IPv6 data, but IPCP or IPV6CP is not open") \
	X(11, SEQ_OLD, "sequence-old", DROP, "number already passed")                              \
	X(12, SEQ_MISSING, "sequence-missing", DROP, "session requires numbers, packet has none")  \
	X(13, BAD_OUTER, "bad-outer", DROP, "outer IP or UDP lengths or header checksum wrong")    \
	X(14, BAD_L2TP, "bad-l2tp", DROP, "L2TP header cut short, wrong length or version")        \
	X(15, BAD_PPP, "bad-ppp", DROP, "PPP header cut short or malformed")                       \
	X(16, BAD_INNER, "bad-inner", DROP, "inner IP header or its lengths or checksum wrong")    \
	X(17, BAD_CHECKSUM, "bad-checksum", DROP, "outer UDP checksum wrong, or 0 over IPv6")      \
	X(18, ECN_DROP, "ecn-drop", DROP, "outer CE on an inner packet without ECN (RFC 6040)")    \
	X(19, FRAGMENT, "outer-fragment", SLOW, "outer fragment, the kernel reassembles")          \
	X(20, OUTER_OPTIONS, "outer-options", SLOW, "outer IP options or extension headers")       \
	X(21, TTL, "ttl", SLOW, "inner TTL or hop limit used up")                                  \
	X(22, INNER_OPTIONS, "inner-options", SLOW, "inner IPv4 options or IPv6 hop-by-hop")       \
	X(23, INNER_LOCAL, "inner-local", SLOW, "for this host, multicast or link-local")          \
	X(24, TOO_BIG, "too-big", SLOW, "larger than the session's or the way's MTU")              \
	X(25, NO_ROUTE, "no-route", SLOW, "the FIB does not forward it")                           \
	X(26, NO_NEIGHBOUR, "no-neighbour", SLOW, "next hop's link-layer address not known yet")   \
	X(27, NO_PORT, "no-port", SLOW, "leaves by an interface that is not ours")                 \
	X(28, NO_SESSION, "no-session", SLOW, "address of a pool, but no session has it")          \
	X(29, NOT_LINEAR, "not-linear", SLOW, "headers beyond the linear area or program limits")  \
	X(30, SLOW_POLICED, "slow-policed", DROP,                                                  \
	  "slow-path share of this session, source or CPU used up")                                \
	X(31, NO_HEADROOM, "no-headroom", SLOW, "driver left no room for the headers")             \
	X(32, CHANGING, "changing", SLOW, "session value was being rewritten")                     \
	X(33, ISOLATED, "isolated", DROP, "one subscriber to another, isolation is on")            \
	X(34, OTHER_HOST, "other-host", PASS, "link-layer address is not ours")                    \
	X(35, ERROR, "error", DROP, "a helper failed after the frame was changed")                 \
	X(36, NO_DAEMON, "no-daemon", DROP, "for the daemon, whose socket is not there")           \
	X(37, CONTROL_POLICED, "control-policed", DROP,                                            \
	  "too many control messages of one control connection")                                   \
	X(38, ECHO, "echo", FORWARD, "LCP Echo-Request, answered here")                            \
	X(39, TO_HOST, "to-host", PASS, "for this host: tc takes its header off")                  \
	X(40, HOST_IN, "host-in", FORWARD, "header taken off, and given to this host")             \
	X(41, HOST_OUT, "host-out", FORWARD, "tc: of this host, header put on and forwarded")      \
	X(42, PW_DECAP, "pw-decap", FORWARD, "frame taken out of its pseudowire, to its circuit")  \
	X(43, PW_ENCAP, "pw-encap", FORWARD, "frame of a circuit, sent in its pseudowire")         \
	X(44, PW_UNKNOWN, "pw-unknown", DROP, "L2TPv3 data for no session of this source")         \
	X(45, PW_COOKIE, "pw-cookie", DROP, "L2TPv3 cookie is not the one of the session")         \
	X(46, PW_SUBLAYER, "pw-sublayer", DROP, "sublayer with VCCV or a fragment (RFC 4623)")     \
	X(47, PW_SHORT, "pw-short", DROP, "cut short, or no Ethernet frame in it")                 \
	X(48, PW_DOWN, "pw-down", DROP, "pseudowire or its circuit is down")                       \
	X(49, PW_TAG, "pw-tag", DROP, "frame of a pseudowire without the VLAN tag of the circuit") \
	X(50, PW_BUM, "pw-bum", DROP, "too many broadcast or multicast frames of a circuit")       \
	X(51, PW_SLOW, "pw-slow", FORWARD, "frame of a circuit, given to the daemon to be sent")   \
	X(52, PW_LARGE, "pw-large", DROP, "frame is larger than the circuit's device takes")       \
	X(53, NO_CIRCUIT, "no-circuit", PASS, "frame at a circuit's device, of no circuit")

#define L2X_VERDICT_ENUM(n, NAME, name, class, text) L2X_V_##NAME = (n),
enum l2x_verdict { L2X_VERDICTS(L2X_VERDICT_ENUM) L2X_V_MAX };
#undef L2X_VERDICT_ENUM

enum l2x_verdict_class { L2X_VC_PASS, L2X_VC_FORWARD, L2X_VC_SLOW, L2X_VC_DROP };

#endif
