//go:build linux

package main

import (
	"slices"
)

// Datagram traps: QUIC and DTLS that arrive otherwise than they were sent.
var datagramTraps = []trap{
	{name: "quic-reordered.pcap", base: "quic-v1", point: "each two datagrams of one side that follow each other have changed places", change: swapNeighbours},
	{name: "quic-doubled.pcap", base: "quic-v1", point: "every datagram twice", change: eachSegment(twice)},
	{name: "quic-trailing-garbage.pcap", base: "quic-v1", point: "ten bytes behind the packets of each datagram with a long header, which have to be overlooked", change: eachSegment(trailingGarbage)},
	{name: "quic-coalesced.pcap", base: "quic-v1", point: "the client's Initial packets in one datagram, as far as there is a jumbo frame for them", change: perFlow(coalesce)},
	{name: "quic-server-only.pcap", base: "quic-v1", point: "only datagrams of the servers: the keys cannot be known", change: keep(func(s segment) bool { return !s.fromCli() }), truth: unseen("one-sided: without the client's first connection id nothing opens")},
	{name: "quic-client-only.pcap", base: "quic-v1", lenient: true, point: "only datagrams of the clients", change: keep(segment.fromCli), truth: note("one-sided: only the client's datagrams were captured")},
	{name: "dtls-reordered.pcap", base: "dtls-openssl", lenient: true, point: "each two datagrams of one side that follow each other have changed places", change: swapNeighbours},
	{name: "dtls-doubled.pcap", base: "dtls-openssl", lenient: true, point: "every datagram twice", change: eachSegment(twice)},
	{name: "dtls-client-only.pcap", base: "dtls-openssl", lenient: true, point: "only datagrams of the clients", change: keep(segment.fromCli), truth: hidden("one-sided: only the client's datagrams were captured")},
	{name: "dtls-server-only.pcap", base: "dtls-openssl", lenient: true, point: "only datagrams of the servers", change: keep(func(s segment) bool { return !s.fromCli() }), truth: func(l *lab) {
		note("one-sided: only the server's datagrams were captured")(l)
		for _, h := range l.truth.Handshakes {
			h.ClientCerts = nil
		}
	}},
	{name: "dtls-port-443.pcap", base: "dtls-openssl", lenient: true, point: "the servers listen on 443, where QUIC would be expected", change: eachSegment(onPort(4433, 443)), truth: func(l *lab) {
		for _, h := range l.truth.Handshakes {
			h.Server = h.Server[:len(h.Server)-len("4433")] + "443"
		}
		l.decodeAs = []string{"-d", "udp.port==443,dtls"}
	}},
	{name: "dtls-vxlan.pcap", base: "dtls-openssl", point: "DTLS in VXLAN", packets: func(s segment) [][]byte {
		return [][]byte{inUDP(4789, vxlanHeader(0x08, 0, 42), segment.bytes)(s)}
	}, truth: inTunnel("vxlan:42")},
	{name: "quic-vxlan.pcap", base: "quic-v1", point: "QUIC in VXLAN", packets: func(s segment) [][]byte {
		return [][]byte{inUDP(4789, vxlanHeader(0x08, 0, 42), segment.bytes)(s)}
	}, truth: inTunnel("vxlan:42")},
	{name: "quic-fragments.pcap", base: "quic-ipv6", point: "IPv6 fragments of 400 bytes, the last one first", packets: func(s segment) [][]byte {
		f := fragments6(s, 400)
		slices.Reverse(f)
		return f
	}},
}

func twice(s segment) []segment { return []segment{s, s.later(10)} }

func inTunnel(words ...string) func(*lab) {
	return func(l *lab) {
		for _, h := range l.truth.Handshakes {
			h.Tunnel = words
		}
	}
}

// unseen takes the handshakes out of the truth's list: nobody can see them.
func unseen(text string) func(*lab) {
	return func(l *lab) {
		l.truth.Handshakes, l.checked = nil, notAsked
		l.truth.Point += "; " + text
	}
}

// swapNeighbours exchanges two datagrams of one side of a flow that follow each
// other.
func swapNeighbours(list []segment) []segment {
	out := slices.Clone(list)
	for i := 0; i+1 < len(out); i++ {
		if out[i].fromCli() == out[i+1].fromCli() && out[i].cliPort() == out[i+1].cliPort() {
			out[i], out[i+1] = out[i+1], out[i]
			i++
		}
	}
	return retime(out, list)
}

// longHeader reports whether a datagram begins with a QUIC long header.
func (s segment) longHeader() bool { return s.hasData() && s.payload[0]&0x80 != 0 }

func trailingGarbage(s segment) []segment {
	c := s.clone()
	if c.longHeader() {
		c.payload = append(c.payload, 0x17, 0xfe, 0xfd, 1, 2, 3, 4, 5, 6, 7)
	}
	return []segment{c}
}

// coalesce puts datagrams that begin with Initial packets of the client, and
// follow each other, into one (RFC 9000 §12.2).
func coalesce(f []segment) []segment {
	var out []segment
	for _, s := range f {
		if n := len(out) - 1; n >= 0 && s.fromCli() && out[n].fromCli() && initial(s) && initial(out[n]) && string(dcid(s)) == string(dcid(out[n])) {
			out[n] = out[n].clone()
			out[n].payload = append(out[n].payload, s.payload...)
			continue
		}
		out = append(out, s)
	}
	return out
}

// initial reports whether a datagram begins with an Initial packet of version 1.
func initial(s segment) bool {
	return s.longHeader() && s.payload[0]&0x30 == 0 && be.Uint32(s.payload[1:]) == 1
}

func dcid(s segment) []byte { return s.payload[6 : 6+s.payload[5]] }

// onPort changes a server's port.
func onPort(from, to uint16) func(segment) []segment {
	return func(s segment) []segment {
		c := s.clone()
		for _, at := range []int{0, 2} {
			if be.Uint16(c.tcp[at:]) == from {
				be.PutUint16(c.tcp[at:], to)
			}
		}
		return []segment{c}
	}
}
