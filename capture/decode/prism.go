package decode

import (
	"encoding/binary"

	"blindspot/capture"
)

const (
	prismMessage = 0x44
	prismHeader  = 8
	avsMagic     = 0x80211000 // and a version
	avsMask      = 0xfffff000
)

func init() {
	register("prism", "802.11 behind a Prism header", "LINKTYPE_IEEE802_11_PRISM").link(prism, capture.LinkPrism)
	register("avs", "802.11 behind an AVS header", "LINKTYPE_IEEE802_11_AVS").link(avs, capture.LinkAVS)
}

// prism decodes 802.11 behind a Prism header, in the byte order of whatever
// machine captured: message, its length. Some drivers write an AVS header.
func prism(d *Decoder, b []byte, missing int) bool {
	if len(b) < prismHeader {
		return d.short(missing, &d.stats.MalformedLink)
	}
	switch {
	case binary.BigEndian.Uint32(b)&avsMask == avsMagic:
		return avs(d, b, missing)
	case binary.LittleEndian.Uint32(b) == prismMessage:
		return d.wifiBehind(binary.LittleEndian.Uint32(b[4:]), b, missing)
	case binary.BigEndian.Uint32(b) == prismMessage:
		return d.wifiBehind(binary.BigEndian.Uint32(b[4:]), b, missing)
	}
	d.stats.MalformedLink++
	return false
}

// avs decodes 802.11 behind an AVS header: magic and version, length.
func avs(d *Decoder, b []byte, missing int) bool {
	if len(b) < prismHeader {
		return d.short(missing, &d.stats.MalformedLink)
	}
	if binary.BigEndian.Uint32(b)&avsMask != avsMagic {
		d.stats.MalformedLink++
		return false
	}
	return d.wifiBehind(binary.BigEndian.Uint32(b[4:]), b, missing)
}

// wifiBehind decodes 802.11 behind a header of a size.
func (d *Decoder) wifiBehind(size uint32, b []byte, missing int) bool {
	if size < prismHeader {
		d.stats.MalformedLink++
		return false
	}
	if uint64(size) > uint64(len(b)) {
		return d.short(missing, &d.stats.MalformedLink)
	}
	return d.wifiPadded(b[size:], missing, 0)
}
