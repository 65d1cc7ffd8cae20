package decode

import (
	"encoding/binary"

	"blindspot/capture"
)

const (
	etherHeader = 14
	vlanHeader  = 4
	ipv4Header  = 20
	ipv6Header  = 40
	tcpHeader   = 20
	udpHeader   = 8
)

// fast decodes what nearly every packet is: Ethernet, at most one VLAN tag,
// IPv4 without options or IPv6 without extension headers, TCP or UDP, whole
// and well-formed. It reports false for everything else and has then changed
// nothing that matters; the general path decides and counts.
func (d *Decoder) fast(p *capture.Packet, s *Segment) bool {
	b := p.Data
	if len(b) < etherHeader+vlanHeader+ipv4Header {
		return false
	}
	typ, vlan := binary.BigEndian.Uint16(b[12:]), uint16(0)
	if typ == etherVLAN {
		vlan = binary.BigEndian.Uint16(b[14:]) & vlanMask
		typ = binary.BigEndian.Uint16(b[16:])
		b = b[etherHeader+vlanHeader:]
	} else {
		b = b[etherHeader:]
	}
	var proto uint8
	switch typ {
	case etherIPv4:
		b, proto = fastIPv4(b, s)
	case etherIPv6:
		b, proto = fastIPv6(b, s)
	default:
		return false
	}
	switch {
	case proto == TCP && fastTCP(b, s):
		d.stats.TCP++
	case proto == UDP && d.fastUDP(b, s):
		d.stats.UDP++
	default:
		return false
	}
	s.Time, s.Number = p.Time, p.Number
	s.Missing = 0
	s.Network = 0
	if vlan != 0 {
		s.Tunnel.Headers[0] = Header{Kind: kindVLAN, ID: uint32(vlan)}
		s.Tunnel.Count = 1
	}
	if d.network != nil {
		s.Network = d.network(p.Interface, s.Tunnel)
	}
	return true
}

// fastIPv4 returns the payload and its protocol, 0 for a packet that is not
// plain.
func fastIPv4(b []byte, s *Segment) ([]byte, uint8) {
	if len(b) < ipv4Header || b[0] != 0x45 || binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
		return nil, 0
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total < ipv4Header || total > len(b) {
		return nil, 0
	}
	mapped(&s.Src, b[12:])
	mapped(&s.Dst, b[16:])
	return b[ipv4Header:total:total], b[9]
}

// mapped writes the IPv4 address at b as ::ffff:a.b.c.d.
func mapped(to *[16]byte, b []byte) {
	binary.LittleEndian.PutUint64(to[0:], 0)
	binary.LittleEndian.PutUint64(to[8:], uint64(binary.LittleEndian.Uint32(b))<<32|0xffff0000)
}

func fastIPv6(b []byte, s *Segment) ([]byte, uint8) {
	if len(b) < ipv6Header || b[0]>>4 != 6 {
		return nil, 0
	}
	end := ipv6Header + int(binary.BigEndian.Uint16(b[4:]))
	if end > len(b) {
		return nil, 0
	}
	s.Src, s.Dst = [16]byte(b[8:24]), [16]byte(b[24:40])
	return b[ipv6Header:end:end], b[6]
}

func fastTCP(b []byte, s *Segment) bool {
	if len(b) < tcpHeader {
		return false
	}
	offset := int(b[12]>>4) * 4
	if offset < tcpHeader || offset > len(b) {
		return false
	}
	s.tcp(b)
	s.Payload = b[offset:]
	return true
}

// tcp takes the fields out of a TCP header (RFC 9293, section 3.1).
func (s *Segment) tcp(b []byte) {
	_ = b[tcpHeader-1]
	s.SrcPort, s.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	s.Seq, s.Ack = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	s.Proto, s.Flags = TCP, b[13]
}

func (d *Decoder) fastUDP(b []byte, s *Segment) bool {
	if len(b) < udpHeader {
		return false
	}
	size := int(binary.BigEndian.Uint16(b[4:]))
	if size < udpHeader || size > len(b) {
		return false
	}
	s.udp(b)
	s.Payload = b[udpHeader:size]
	return !d.udp.has(s.SrcPort, s.DstPort)
}

// udp takes the fields out of a UDP header (RFC 768).
func (s *Segment) udp(b []byte) {
	s.SrcPort, s.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	s.Seq, s.Ack = 0, 0
	s.Proto, s.Flags = UDP, 0
}
