// Package decode turns a captured frame into one TCP segment or UDP datagram:
// it takes off link layers, tunnels and IP headers and puts fragments together.
//
// It follows no flow and looks into no payload. Each encapsulation is a file
// that registers itself.
package decode

import (
	"blindspot/capture"
)

// IP protocol numbers of what a Segment can be.
const (
	TCP = 6
	UDP = 17
)

// Flags of a TCP segment.
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
)

// Segment is one TCP segment or UDP datagram, tunnels and fragments removed.
type Segment struct {
	Time             int64    // of the packet that completed it, nanoseconds since the Unix epoch
	Src, Dst         [16]byte // innermost addresses; IPv4 in IPv4-mapped form (::ffff:a.b.c.d)
	SrcPort, DstPort uint16
	Proto            uint8  // TCP or UDP
	Flags            uint8  // TCP flags, 0 for UDP
	Network          uint16 // what Config.Network said, 0 by default
	Seq, Ack         uint32 // 0 for UDP
	Payload          []byte // aliases the packet, or the decoder's buffer for fragments; valid until the next Decode
	Missing          int    // payload bytes that the headers promise and that were not captured
	Tunnel           Tunnel // what was taken off, outermost first
	Number           uint64 // of the packet that completed it
}

// Config adjusts a Decoder. The zero value works.
type Config struct {
	// Network names the network that a packet belongs to, by its capture
	// interface and the encapsulations around it, so that the same private
	// addresses at two sites stay apart. It is called for every packet, and
	// for a fragment with the encapsulations outside of it. Nil: all is 0.
	Network func(iface int, t Tunnel) uint16

	// UDPPorts replaces the ports on which tunnels over UDP are looked for,
	// by the tunnel's name. An empty list turns a tunnel off.
	UDPPorts map[string][]uint16
}

// maxDepth bounds the headers below the transport layer that are taken off one
// packet: link, tags, labels, tunnels, IP.
const maxDepth = 24

// Decoder decodes packets one after the other. It belongs to one goroutine.
type Decoder struct {
	stats     Stats
	network   func(iface int, t Tunnel) uint16
	udp       *udpPorts // nil: no tunnel over UDP
	fragments fragments

	// Of the packet at hand, on the general path.
	seg   Segment
	iface int
	depth int
}

// New returns a Decoder. It is an error in the program to name a tunnel in
// cfg.UDPPorts that does not exist; UDPTunnels lists them.
func New(cfg Config) *Decoder {
	return &Decoder{network: cfg.Network, udp: newUDPPorts(cfg.UDPPorts)}
}

// Supported reports whether packets of a link type can be decoded.
func Supported(l capture.LinkType) bool { return int(l) < len(links) && links[l] != nil }

// Stats returns the counters so far.
func (d *Decoder) Stats() Stats {
	s := d.stats
	s.FragmentsWaiting = uint64(len(d.fragments.datagrams))
	return s
}

// Decode decodes one packet into s. It returns false where that gives no
// segment, and counts why; then s holds nothing of use. No allocation is made
// for a packet that is not a fragment.
func (d *Decoder) Decode(p *capture.Packet, s *Segment) bool {
	d.stats.Packets++
	if s.Tunnel.Count != 0 {
		s.Tunnel = Tunnel{}
	}
	return p.Link == capture.LinkEthernet && d.fast(p, s) || d.general(p, s)
}

// Batch decodes packets into segs, from the front of both, and returns how many
// packets it took and how many segments they gave. It ends when segs is full,
// or behind a segment that may be in the Decoder's own memory, which the next
// call overwrites.
func (d *Decoder) Batch(packets []capture.Packet, segs []Segment) (taken, n int) {
	for taken < len(packets) && n < len(segs) {
		p, s := &packets[taken], &segs[n]
		taken++
		if s.Tunnel.Count != 0 {
			s.Tunnel = Tunnel{}
		}
		if p.Link == capture.LinkEthernet && d.fast(p, s) {
			n++
			continue
		}
		if d.general(p, s) {
			n++
			break
		}
	}
	d.stats.Packets += uint64(taken)
	return taken, n
}

// general decodes what is not a plain packet. It works in the Decoder's own
// segment, so that s and p do not have to live on the heap.
func (d *Decoder) general(p *capture.Packet, s *Segment) bool {
	if !Supported(p.Link) {
		d.stats.UnknownLink++
		return false
	}
	d.seg = Segment{Time: p.Time, Number: p.Number}
	d.iface = p.Interface
	d.depth = 0
	if !links[p.Link](d, p.Data, max(p.Length-len(p.Data), 0)) {
		return false
	}
	if d.network != nil {
		d.seg.Network = d.network(d.iface, d.seg.Tunnel)
	}
	*s = d.seg
	return true
}

// descend counts one more header, and reports false past maxDepth.
func (d *Decoder) descend() bool {
	if d.depth++; d.depth > maxDepth {
		d.stats.TooDeep++
		return false
	}
	return true
}

// short counts a header that is not whole: cut by the snaplen where bytes are
// missing, else malformed.
func (d *Decoder) short(missing int, malformed *uint64) bool {
	if missing > 0 {
		malformed = &d.stats.TruncatedHeader
	}
	*malformed++
	return false
}
