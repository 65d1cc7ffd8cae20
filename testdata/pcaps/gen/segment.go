//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// A segment is a captured TCP packet or UDP datagram taken apart, so that it can
// be changed and put together again with right lengths and checksums.
type segment struct {
	at      time.Time
	eth     []byte // addresses, tags and type: all before the IP header
	ip      []byte // header, IPv4 or IPv6, without extension headers
	tcp     []byte // header with options, or UDP's
	payload []byte
}

const (
	flagFIN, flagSYN, flagRST, flagPSH, flagACK = 1, 2, 4, 8, 16
)

var be = binary.BigEndian

// segments takes an Ethernet capture of bare TCP apart.
func (c *capture) segments() ([]segment, error) {
	var out []segment
	for _, p := range c.packets {
		d := slices.Clone(p.data)
		if c.link != linkEthernet || len(d) < 14+20+8 {
			return nil, errors.New("only TCP and UDP in Ethernet can be rewritten")
		}
		s := segment{at: p.at, eth: d[:14:14]}
		rest := d[14:]
		n, total := 40, 0
		if rest[0]>>4 == 4 {
			n, total = int(rest[0]&15)*4, int(be.Uint16(rest[2:]))
		} else {
			total = 40 + int(be.Uint16(rest[4:]))
		}
		s.ip, rest = rest[:n:n], rest[n:total]
		if n = 8; !s.udp() {
			n = int(rest[12]>>4) * 4
		}
		s.tcp, s.payload = rest[:n:n], rest[n:len(rest):len(rest)]
		out = append(out, s)
	}
	return out, nil
}

// clone is a copy whose headers can be changed.
func (s segment) clone() segment {
	s.eth, s.ip, s.tcp, s.payload = slices.Clone(s.eth), slices.Clone(s.ip), slices.Clone(s.tcp), slices.Clone(s.payload)
	return s
}

func (s segment) v6() bool         { return s.ip[0]>>4 == 6 }
func (s segment) udp() bool        { return s.protocol() == 17 }
func (s segment) seq() uint32      { return be.Uint32(s.tcp[4:]) }
func (s segment) flags() byte      { return s.tcp[13] }
func (s segment) fromCli() bool    { return be.Uint16(s.tcp) >= 40000 }
func (s segment) cliPort() int     { return int(max(be.Uint16(s.tcp), be.Uint16(s.tcp[2:]))) }
func (s segment) hasData() bool    { return len(s.payload) > 0 }
func (s *segment) setSeq(n uint32) { be.PutUint32(s.tcp[4:], n) }

// part is the segment with n bytes of its payload from off only.
func (s segment) part(off, n int) segment {
	p := s.clone()
	p.setSeq(s.seq() + uint32(off))
	p.payload = p.payload[off : off+n]
	if off+n < len(s.payload) {
		p.tcp[13] &^= flagFIN | flagPSH
	}
	return p
}

// split cuts the payload into parts of at most n bytes.
func (s segment) split(n int) []segment {
	if len(s.payload) <= n {
		return []segment{s}
	}
	var out []segment
	for off := 0; off < len(s.payload); off += n {
		out = append(out, s.part(off, min(n, len(s.payload)-off)))
	}
	return out
}

// protocol is that of the transport.
func (s segment) protocol() byte {
	if s.v6() {
		return s.ip[6]
	}
	return s.ip[9]
}

// transport is the TCP or UDP header and payload with their checksum.
func (s segment) transport() []byte {
	b := append(slices.Clone(s.tcp), s.payload...)
	at, protocol := 16, byte(6)
	if s.udp() {
		at, protocol = 6, 17
		be.PutUint16(b[4:], uint16(len(b)))
	}
	b[at], b[at+1] = 0, 0
	var pseudo []byte
	if s.v6() {
		pseudo = append(slices.Clone(s.ip[8:40]), 0, 0, byte(len(b)>>8), byte(len(b)), 0, 0, 0, protocol)
	} else {
		pseudo = append(slices.Clone(s.ip[12:20]), 0, protocol, byte(len(b)>>8), byte(len(b)))
	}
	be.PutUint16(b[at:], checksum(append(pseudo, b...)))
	return b
}

// network is the IP packet around these bytes, its length and checksum set.
func (s segment) network(body []byte) []byte {
	b := append(slices.Clone(s.ip), body...)
	if s.v6() {
		be.PutUint16(b[4:], uint16(len(body)))
		return b
	}
	be.PutUint16(b[2:], uint16(len(b)))
	b[10], b[11] = 0, 0
	be.PutUint16(b[10:], checksum(b[:len(s.ip)]))
	return b
}

func (s segment) bytes() []byte { return append(slices.Clone(s.eth), s.network(s.transport())...) }

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(be.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

func whole(at time.Time, b []byte) packet { return packet{at, b, len(b)} }

// assemble makes a capture of segments, in this order.
func assemble(list []segment) *capture {
	c := &capture{link: linkEthernet, snaplen: 262144}
	for _, s := range list {
		c.packets = append(c.packets, whole(s.at, s.bytes()))
	}
	return c
}
