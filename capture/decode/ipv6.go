package decode

import "encoding/binary"

// Extension headers (RFC 8200, section 4; IANA "IPv6 Extension Header Types").
const (
	hopByHop    = 0
	routing     = 43
	fragmentHdr = 44
	authHeader  = 51
	noNext      = 59
	destination = 60
)

// maxExtensions bounds the extension headers of one IPv6 packet.
const maxExtensions = 16

const jumboOption = 0xc2 // RFC 2675, section 2

// ipv6 decodes an IPv6 packet (RFC 8200, section 3).
func ipv6(d *Decoder, b []byte, missing int) bool {
	if !d.descend() {
		return false
	}
	if len(b) < ipv6Header {
		return d.short(missing, &d.stats.MalformedIPv6)
	}
	if b[0]>>4 != 6 {
		d.stats.MalformedIPv6++
		return false
	}
	body, size, next := b[ipv6Header:], int(binary.BigEndian.Uint16(b[4:])), b[6]
	if size == 0 && next == hopByHop {
		size = jumbo(body)
	}
	if size != 0 { // 0: segmentation offload made more than fits the field
		body, missing = limit(body, missing, size)
	}
	d.seg.Src, d.seg.Dst = [16]byte(b[8:24]), [16]byte(b[24:40])
	return d.extensions(next, body, missing)
}

// jumbo returns the length in a hop-by-hop header's jumbo payload option, 0
// without one.
func jumbo(b []byte) int {
	if len(b) < 8 {
		return 0
	}
	opts := b[2:min(len(b), (int(b[1])+1)*8)]
	for len(opts) >= 2 {
		if opts[0] == 0 { // Pad1
			opts = opts[1:]
			continue
		}
		size := int(opts[1])
		if opts[0] == jumboOption && size == 4 && len(opts) >= 6 {
			return int(binary.BigEndian.Uint32(opts[2:]))
		}
		opts = opts[min(2+size, len(opts)):]
	}
	return 0
}

// extensions decodes what follows an IPv6 header.
func (d *Decoder) extensions(next uint8, b []byte, missing int) bool {
	for range maxExtensions {
		var size int
		switch next {
		case hopByHop, routing, destination:
			size = 8
			if len(b) >= 2 {
				size = (int(b[1]) + 1) * 8
			}
		case fragmentHdr:
			return d.fragment6(b, missing)
		default:
			return d.protocol(next, b, missing)
		}
		if size > len(b) {
			return d.short(missing, &d.stats.MalformedIPv6)
		}
		next, b = b[0], b[size:]
	}
	d.stats.TooDeep++
	return false
}

// fragment6 decodes the packet that a fragment completes. The next header of
// the first fragment counts (RFC 8200, section 4.5). A fragment that is the
// whole packet is decoded by itself (RFC 6946).
func (d *Decoder) fragment6(b []byte, missing int) bool {
	if len(b) < 8 {
		return d.short(missing, &d.stats.MalformedIPv6)
	}
	if !d.descend() {
		return false
	}
	field, body := binary.BigEndian.Uint16(b[2:]), b[8:]
	if field&0xfff9 == 0 {
		return d.extensions(b[0], body, missing)
	}
	k := d.fragmentKey(binary.BigEndian.Uint32(b[4:]))
	k.v6 = true
	data, next, ok := d.reassemble(k, piece{
		at: int(field &^ 7), last: field&1 == 0, data: body, next: b[0],
	}, missing)
	return ok && d.extensions(next, data, 0)
}
