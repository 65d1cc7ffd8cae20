package decode

import (
	"encoding/binary"

	"blindspot/capture"
)

const (
	radiotapHeader = 8
	radiotapTSFT   = 1 << 0 // eight bytes, aligned to eight
	radiotapFlags  = 1 << 1
	radiotapMore   = 1 << 31 // another word of presence bits
	radiotapPad    = 0x20    // the frame's header is padded to four bytes
)

func init() {
	register("radiotap", "802.11 behind a radiotap header", "www.radiotap.org").link(radiotap, capture.LinkRadiotap)
}

// radiotap decodes 802.11 behind a radiotap header (www.radiotap.org): version
// 0, length, presence bits, fields; all in little endian.
func radiotap(d *Decoder, b []byte, missing int) bool {
	if len(b) < radiotapHeader {
		return d.short(missing, &d.stats.MalformedLink)
	}
	size := int(binary.LittleEndian.Uint16(b[2:]))
	if b[0] != 0 || size < radiotapHeader {
		d.stats.MalformedLink++
		return false
	}
	if size > len(b) {
		return d.short(missing, &d.stats.MalformedLink)
	}
	align := 0
	if radiotapFlagBits(b[:size])&radiotapPad != 0 {
		align = 4
	}
	return d.wifiPadded(b[size:], missing, align)
}

// radiotapFlagBits returns the flags of a whole header, 0 for none.
func radiotapFlagBits(b []byte) byte {
	present := binary.LittleEndian.Uint32(b[4:])
	if present&radiotapFlags == 0 {
		return 0
	}
	at := 4
	for word := present; ; at += 4 {
		if at+4 > len(b) {
			return 0
		}
		if word = binary.LittleEndian.Uint32(b[at:]); word&radiotapMore == 0 {
			break
		}
	}
	at += 4
	if present&radiotapTSFT != 0 {
		at = (at+7)&^7 + 8
	}
	if at >= len(b) {
		return 0
	}
	return b[at]
}
