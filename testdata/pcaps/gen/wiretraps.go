//go:build linux

package main

import (
	"bytes"
	"slices"
	"time"
)

// Wire traps: the segments arrive otherwise than they were sent.
var wireTraps = []trap{
	{name: "wire-hello-swapped.pcap", point: "the two segments of each hello swapped", change: perFlow(swapHello)},
	{name: "wire-hello-swapped-no-syn.pcap", point: "the same where the capture starts after the TCP handshake: the first segment is not the first byte", lenient: true, change: perFlow(func(f []segment) []segment { return swapHello(withoutSYN(f)) })},
	{name: "wire-doubled.pcap", point: "every packet twice", change: eachSegment(func(s segment) []segment { return []segment{s, s.later(10)} })},
	{name: "wire-doubled-vlan.pcap", point: "both sides of a VLAN are mirrored: every packet once with a tag and once without", change: eachSegment(func(s segment) []segment {
		return []segment{s.tagged(vlan(12)), s.later(10)}
	}), truth: func(l *lab) {
		inTunnel("vlan:12")(l)
		for _, h := range l.truth.Handshakes {
			h.InAndOut = true
		}
	}},
	{name: "wire-conflict.pcap", point: "after each segment a copy with the same numbers and other bytes: the first one counts", lenient: true, change: eachSegment(conflict)},
	{name: "wire-overlap.pcap", point: "segments of 100 bytes, each of which repeats the 40 bytes before it, then the original segment once more", change: eachSegment(overlap)},
	{name: "wire-overlap-conflict.pcap", point: "the same with other bytes in what is repeated", lenient: true, change: eachSegment(overlapConflict)},
	{name: "wire-wrap.pcap", point: "sequence numbers wrap around 2^32 in the hello and in the server's flight", change: perFlow(wrapSequence)},
	{name: "wire-no-syn.pcap", point: "the capture starts after the TCP handshakes", change: perFlow(withoutSYN)},
	{name: "wire-client-only.pcap", point: "only packets of the clients", lenient: true, change: keep(segment.fromCli), truth: hidden("one-sided: only the client's packets were captured")},
	{name: "wire-server-only.pcap", point: "only packets of the servers", lenient: true, change: keep(func(s segment) bool { return !s.fromCli() }), truth: note("one-sided: only the server's packets were captured")},
	{name: "wire-server-first.pcap", point: "two taps: the servers' packets are in the file before the clients', each with its true time", lenient: true, change: perFlow(serverFirst)},
	{name: "wire-ack-first.pcap", point: "each acknowledgement before the data that it acknowledges", change: perFlow(ackFirst)},
	{name: "wire-one-byte.pcap.gz", point: "one byte in each segment (first flow only)", change: oneByte, truth: func(l *lab) { l.truth.Handshakes = l.truth.Handshakes[:1] }},
	{name: "wire-lost-server-segment.pcap", point: "the servers' first data segment was not captured", lenient: true, change: perFlow(func(f []segment) []segment { return dropNth(f, false, 0) }), truth: hidden("the server's first segment was lost on the way to the sensor")},
	{name: "wire-lost-hello-start.pcap", point: "the clients' first data segment was not captured", lenient: true, change: perFlow(func(f []segment) []segment { return dropNth(f, true, 0) }), truth: note("the first segment of the hello was lost on the way to the sensor")},
	{name: "wire-lost-hello-end.pcap", point: "the clients' second data segment, the end of the hello, was not captured", lenient: true, change: perFlow(func(f []segment) []segment { return dropNth(f, true, 1) }), truth: note("the end of the hello was lost on the way to the sensor")},
	{name: "wire-keepalive.pcap", point: "a keep-alive with one byte in front of the hello: that byte is none of the stream", change: perFlow(keepAlive)},
	{name: "wire-fast-open.pcap", point: "TCP Fast Open: the first segment of the hello in the SYN", lenient: true, change: perFlow(fastOpen)},
	{name: "wire-port-reuse.pcap", point: "two connections follow each other on one 5-tuple", change: portReuse, truth: func(l *lab) { l.truth.Handshakes[2].Client = l.truth.Handshakes[0].Client }},
	{name: "wire-port-reuse-no-fin.pcap", point: "the same where neither the end of the first nor the SYN of the second one was captured", lenient: true, change: func(list []segment) []segment {
		return portReuse(keep(func(s segment) bool { return s.flags()&(flagFIN|flagRST|flagSYN) == 0 })(list))
	}, truth: func(l *lab) { l.truth.Handshakes[2].Client = l.truth.Handshakes[0].Client }},
	{name: "wire-nat.pcap", point: "each connection seen on both sides of a NAT: two 5-tuples, one handshake", change: eachSegment(func(s segment) []segment { return []segment{s, s.behindNAT().later(50)} }), truth: natTruth},
	{name: "wire-clock-back.pcap", point: "the clock runs backwards", change: clockBack},
	{name: "wire-clock-jump.pcap", point: "the clock is set back by an hour in the middle of each flow", change: perFlow(clockJump)},
	{name: "wire-bad-rst.pcap", point: "a reset with a sequence number outside the window before each hello: the connection goes on", change: perFlow(badReset)},
	{name: "wire-syn-again.pcap", point: "SYN and SYN-ACK sent again with other sequence numbers before the right ones", lenient: true, change: perFlow(synAgain)},
	{name: "wire6-hello-swapped.pcap", base: "go-mlkem6", point: "IPv6: the two segments of each hello swapped", change: perFlow(swapHello)},
	{name: "wire6-doubled.pcap", base: "go-mlkem6", point: "IPv6: every packet twice", change: eachSegment(func(s segment) []segment { return []segment{s, s.later(10)} })},
}

func (s segment) later(micros int) segment {
	c := s.clone()
	c.at = c.at.Add(time.Duration(micros) * time.Microsecond)
	return c
}

func withoutSYN(f []segment) []segment {
	return keep(func(s segment) bool { return s.flags()&flagSYN == 0 })(f)
}

// nthData is the index of a side's n-th segment with data, or -1.
func nthData(f []segment, client bool, n int) int {
	for i, s := range f {
		if s.fromCli() == client && s.hasData() {
			if n == 0 {
				return i
			}
			n--
		}
	}
	return -1
}

func swapHello(f []segment) []segment {
	out := slices.Clone(f)
	i, j := nthData(f, true, 0), nthData(f, true, 1)
	out[i], out[j] = out[j], out[i]
	return retime(out, f)
}

func dropNth(f []segment, client bool, n int) []segment {
	return slices.Delete(slices.Clone(f), nthData(f, client, n), nthData(f, client, n)+1)
}

func garbage(n int) []byte { return bytes.Repeat([]byte{0x5a}, n) }

func conflict(s segment) []segment {
	if !s.hasData() {
		return []segment{s}
	}
	c := s.later(10)
	c.payload = garbage(len(c.payload))
	return []segment{s, c}
}

func overlap(s segment) []segment {
	const size, again = 100, 40
	var out []segment
	for off := 0; off < len(s.payload); off += size {
		from := max(0, off-again)
		out = append(out, s.part(from, min(off+size, len(s.payload))-from))
	}
	return append(out, s)
}

func overlapConflict(s segment) []segment {
	out := overlap(s)
	for i := 1; i < len(out)-1; i++ {
		copy(out[i].payload, garbage(40))
	}
	if s.hasData() {
		out = out[:len(out)-1]
	}
	return out
}

// wrapSequence moves the numbers of both directions so that they wrap after 700 bytes.
func wrapSequence(f []segment) []segment {
	shift := map[bool]uint32{}
	for _, s := range f {
		if _, ok := shift[s.fromCli()]; !ok {
			shift[s.fromCli()] = 0xffffffff - 700 - s.seq()
		}
	}
	var out []segment
	for _, s := range f {
		c := s.clone()
		c.setSeq(c.seq() + shift[c.fromCli()])
		if c.flags()&flagACK != 0 {
			be.PutUint32(c.tcp[8:], be.Uint32(c.tcp[8:])+shift[!c.fromCli()])
		}
		out = append(out, c)
	}
	return out
}

func serverFirst(f []segment) []segment {
	return append(keep(func(s segment) bool { return !s.fromCli() })(f), keep(segment.fromCli)(f)...)
}

// ackFirst moves each data segment behind the next packet of the other side.
func ackFirst(f []segment) []segment {
	out := slices.Clone(f)
	for i := 0; i+1 < len(out); i++ {
		if out[i].hasData() && out[i+1].fromCli() != out[i].fromCli() && !out[i+1].hasData() {
			out[i], out[i+1] = out[i+1], out[i]
			i++
		}
	}
	return retime(out, f)
}

func oneByte(list []segment) []segment {
	first := keep(func(s segment) bool { return s.cliPort() == list[0].cliPort() })(list)
	return eachSegment(func(s segment) []segment { return s.split(1) })(first)
}

func keepAlive(f []segment) []segment {
	i := nthData(f, true, 0)
	k := f[i].clone()
	k.setSeq(k.seq() - 1)
	k.payload, k.tcp[13] = []byte{0}, flagACK
	return slices.Insert(slices.Clone(f), i, k)
}

func fastOpen(f []segment) []segment {
	i := nthData(f, true, 0)
	out := slices.Clone(f)
	syn := out[0].clone()
	syn.payload = out[i].payload
	out[0] = syn
	return slices.Delete(out, i, i+1)
}

// portReuse gives the third connection, which is to the same server, the port
// of the first one.
func portReuse(list []segment) []segment {
	first := list[0].cliPort()
	var out []segment
	for _, s := range list {
		c := s.clone()
		if c.cliPort() == first+2 {
			at := 2
			if c.fromCli() {
				at = 0
			}
			be.PutUint16(c.tcp[at:], uint16(first))
		}
		out = append(out, c)
	}
	return out
}

// behindNAT is the packet with another client address: 203.0.113.9.
func (s segment) behindNAT() segment {
	c := s.clone()
	at := 16
	if c.fromCli() {
		at = 12
	}
	copy(c.ip[at:], []byte{203, 0, 113, 9})
	return c
}

func natTruth(l *lab) {
	for _, h := range (&truth{Handshakes: l.truth.Handshakes}).clone() {
		h.Client = "203.0.113.9" + h.Client[len(clientIP):]
		h.Hop, h.Note = true, "the same handshake, seen behind a NAT"
		l.add(h)
	}
}

func clockBack(list []segment) []segment {
	out := slices.Clone(list)
	for i := range out {
		out[i].at = list[0].at.Add(-time.Duration(i) * time.Millisecond)
	}
	return out
}

func clockJump(f []segment) []segment {
	out := slices.Clone(f)
	for i := len(f) / 2; i < len(f); i++ {
		out[i].at = f[i].at.Add(-time.Hour)
	}
	return out
}

func badReset(f []segment) []segment {
	i := nthData(f, true, 0)
	r := f[i].clone()
	r.setSeq(r.seq() + 1<<30)
	r.payload, r.tcp[13] = nil, flagRST
	return slices.Insert(slices.Clone(f), i, r)
}

func synAgain(f []segment) []segment {
	var out []segment
	for _, s := range f {
		if s.flags()&flagSYN != 0 {
			c := s.clone()
			c.setSeq(c.seq() - 77777)
			out = append(out, c)
		}
		out = append(out, s)
	}
	return out
}
