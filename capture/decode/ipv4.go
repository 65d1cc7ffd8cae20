package decode

import "encoding/binary"

// ipv4 decodes an IPv4 packet (RFC 791, section 3.1).
func ipv4(d *Decoder, b []byte, missing int) bool {
	if !d.descend() {
		return false
	}
	if len(b) < ipv4Header {
		return d.short(missing, &d.stats.MalformedIPv4)
	}
	header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if b[0]>>4 != 4 || header < ipv4Header || total != 0 && total < header {
		d.stats.MalformedIPv4++
		return false
	}
	if header > len(b) {
		return d.short(missing, &d.stats.MalformedIPv4)
	}
	body := b[header:]
	if total != 0 { // 0: segmentation offload made more than fits the field
		body, missing = limit(body, missing, total-header)
	}
	mapped(&d.seg.Src, b[12:])
	mapped(&d.seg.Dst, b[16:])
	if fragment := binary.BigEndian.Uint16(b[6:]); fragment&0x3fff != 0 {
		return d.fragment4(b, fragment, body, missing)
	}
	return d.protocol(b[9], body, missing)
}

// fragment4 decodes the datagram that a fragment completes.
func (d *Decoder) fragment4(header []byte, field uint16, body []byte, missing int) bool {
	k := d.fragmentKey(uint32(binary.BigEndian.Uint16(header[4:])))
	k.proto = header[9]
	data, proto, ok := d.reassemble(k, piece{
		at: int(field&0x1fff) * 8, last: field&0x2000 == 0, data: body, next: header[9],
	}, missing)
	return ok && d.protocol(proto, data, 0)
}
