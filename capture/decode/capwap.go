package decode

import "encoding/binary"

const (
	capwapHeader   = 8
	capwapDTLS     = 1 // preamble of an encrypted message, four bytes
	capwapWiFi     = 1 // wireless binding
	capwapReserved = 7

	// capwapFragments stands for the protocol of a fragmented CAPWAP message
	// where IP protocols tell datagrams apart. It is reserved as such.
	capwapFragments = 255

	dtlsHeader = 13
)

var kindCAPWAP = newKind("capwap", false)

func init() {
	register("capwap", "wireless access points: 802.3 and 802.11 frames", "RFC 5415").udp(capwap, 5246, 5247)
}

// capwap decodes the data channel, and takes the preamble off an encrypted
// message (RFC 5415, sections 4.1 to 4.3): preamble; length of the header in
// words, radio, binding and flags; fragment and its offset; options; payload.
func capwap(d *Decoder, b []byte, missing int) verdict {
	if len(b) < capwapHeader {
		return d.cut(missing)
	}
	if b[0] == capwapDTLS {
		return capwapEncrypted(d, b, missing)
	}
	size := int(b[1]>>3) * 4
	if b[0] != 0 || size < capwapHeader || size > len(b)+missing || b[3]&capwapReserved != 0 {
		return notMine
	}
	if size > len(b) {
		return d.cut(missing)
	}
	const native, fragment, last, keepAlive = 1, 0x80, 0x40, 0x08
	wifi := b[2]&native != 0
	if b[3]&keepAlive != 0 || wifi && b[2]>>1&31 != capwapWiFi {
		return notMine
	}
	if b[3]&fragment != 0 {
		return inner(d.capwapFragment(wifi, b[3]&last != 0, b, size, missing))
	}
	if body := b[size:]; capwapFits(wifi, body, missing) {
		return inner(d.capwapFrame(wifi, body, missing))
	}
	return notMine
}

// capwapEncrypted leaves the DTLS record as the datagram's payload.
func capwapEncrypted(d *Decoder, b []byte, missing int) verdict {
	record := b[4:]
	if b[1] != 0 || b[2] != 0 || b[3] != 0 || len(record) < dtlsHeader ||
		record[0] < 20 || record[0] > 26 || record[1] != 0xfe {
		return notMine
	}
	if !d.push(kindCAPWAP, 0) {
		return nothing
	}
	d.seg.Payload, d.seg.Missing = record, missing
	return remainder
}

// capwapFits reports whether b can be a frame of the binding.
func capwapFits(wifi bool, b []byte, missing int) bool {
	if wifi {
		return len(b) >= wifiHeader && (isWiFi(b[0]) || isWiFi(b[1]))
	}
	return looksEthernetIP(b, missing) // control messages look the same from outside
}

// capwapFrame decodes a frame. Some controllers swap the two bytes of its
// frame control.
func (d *Decoder) capwapFrame(wifi bool, b []byte, missing int) bool {
	switch {
	case !d.push(kindCAPWAP, 0):
		return false
	case !wifi:
		return ethernet(d, b, missing)
	case len(b) < 2:
		return d.short(missing, &d.stats.MalformedTunnel)
	case isWiFiData(b[0]) || !isWiFiData(b[1]):
		return d.wifi(b[0], b[1], 0, b, missing)
	}
	return d.wifi(b[1], b[0], 0, b, missing)
}

// capwapFragment decodes the message that a fragment completes (section 3.4).
func (d *Decoder) capwapFragment(wifi, last bool, b []byte, size, missing int) bool {
	k := d.fragmentKey(uint32(binary.BigEndian.Uint16(b[4:])))
	k.proto = capwapFragments
	p := piece{at: int(binary.BigEndian.Uint16(b[6:]) &^ 7), last: last, data: b[size:]}
	if wifi {
		p.next = capwapWiFi
	}
	data, next, ok := d.reassemble(k, p, missing)
	return ok && d.capwapFrame(next == capwapWiFi, data, 0)
}
