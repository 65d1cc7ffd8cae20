package decode

import "encoding/binary"

// protocol decodes the payload of an IP packet.
func (d *Decoder) protocol(number uint8, b []byte, missing int) bool {
	switch {
	case number == TCP:
		return d.tcpSegment(b, missing)
	case number == UDP:
		return d.udpDatagram(b, missing)
	case protocols[number] != nil:
		return protocols[number](d, b, missing)
	}
	d.stats.Other++ // among them ICMP errors: what they quote went elsewhere
	return false
}

// tcpSegment decodes a TCP header. Of a segment whose options are cut, the
// header is still of use.
func (d *Decoder) tcpSegment(b []byte, missing int) bool {
	if len(b) < tcpHeader {
		return d.short(missing, &d.stats.MalformedTCP)
	}
	offset := int(b[12]>>4) * 4
	if offset < tcpHeader || offset > len(b)+missing {
		d.stats.MalformedTCP++
		return false
	}
	d.stats.TCP++
	d.seg.tcp(b)
	if offset > len(b) {
		d.seg.Payload, d.seg.Missing = nil, missing-(offset-len(b))
	} else {
		d.seg.Payload, d.seg.Missing = b[offset:], missing
	}
	return true
}

// udpDatagram decodes a UDP header, and the tunnel behind it if there is one.
func (d *Decoder) udpDatagram(b []byte, missing int) bool {
	if len(b) < udpHeader {
		return d.short(missing, &d.stats.MalformedUDP)
	}
	size := int(binary.BigEndian.Uint16(b[4:]))
	if size != 0 && size < udpHeader { // 0: a jumbogram (RFC 2675, section 4)
		d.stats.MalformedUDP++
		return false
	}
	body := b[udpHeader:]
	if size != 0 {
		body, missing = limit(body, missing, size-udpHeader)
	}
	src, dst := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	if d.udp.has(src, dst) {
		switch d.tryTunnel(src, dst, body, missing) {
		case segment:
			return true
		case nothing:
			return false
		case remainder:
			body, missing = d.seg.Payload, d.seg.Missing
		}
	}
	d.stats.UDP++
	d.seg.udp(b)
	d.seg.Payload, d.seg.Missing = body, missing
	return true
}

// tryTunnel asks the tunnels of both ports, the destination's first.
func (d *Decoder) tryTunnel(src, dst uint16, body []byte, missing int) verdict {
	for _, i := range [2]uint8{d.udp.index[dst], d.udp.index[src]} {
		if i == 0 {
			continue
		}
		if !d.descend() {
			return nothing
		}
		if v := udpLayers[i-1].open(d, body, missing); v != notMine {
			return v
		}
	}
	return notMine
}
