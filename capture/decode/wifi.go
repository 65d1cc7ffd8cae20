package decode

import "blindspot/capture"

// Frame control of 802.11 (IEEE 802.11, section 9.2.4.1).
const (
	wifiHeader  = 24
	wifiMask    = 0x0f // version and type
	wifiData    = 0x08
	wifiQoS     = 0x80 // subtype
	wifiNull    = 0x40 // subtype without data
	wifiBothDS  = 0x03
	wifiProtect = 0x40
	wifiOrder   = 0x80
	wifiAMSDU   = 0x80 // in QoS control
	amsduHeader = 14
)

func init() {
	register("wifi", "802.11 data frames; protected ones are counted", "IEEE 802.11").link(wifi, capture.LinkWiFi)
}

// wifi decodes an 802.11 frame.
func wifi(d *Decoder, b []byte, missing int) bool { return d.wifiPadded(b, missing, 0) }

// wifiPadded decodes an 802.11 frame whose header is padded to a multiple of
// align, 0 for none.
func (d *Decoder) wifiPadded(b []byte, missing, align int) bool {
	if len(b) < 2 {
		return d.short(missing, &d.stats.MalformedLink)
	}
	return d.wifi(b[0], b[1], align, b, missing)
}

// isWiFi reports whether a byte can begin a frame control: version 0.
func isWiFi(control byte) bool { return control&3 == 0 }

// isWiFiData reports whether a byte begins the frame control of data.
func isWiFiData(control byte) bool { return control&wifiMask == wifiData }

// wifi decodes a frame whose frame control is given: type and flags. It ends
// at data that is encrypted, or at what is no data.
func (d *Decoder) wifi(typ, flags byte, align int, b []byte, missing int) bool {
	if !isWiFiData(typ) || typ&wifiNull != 0 {
		d.stats.NotIP++
		return false
	}
	size := wifiSize(typ, flags)
	if align > 0 {
		size += -size & (align - 1)
	}
	switch {
	case len(b) < size:
		return d.short(missing, &d.stats.MalformedLink)
	case flags&wifiProtect != 0:
		d.stats.Encrypted++
		return false
	case typ&wifiQoS != 0 && b[qosControl(flags)]&wifiAMSDU != 0:
		return d.amsdu(b[size:], missing)
	}
	return d.frameLLC(b[size:], missing)
}

// wifiSize returns the length of a data frame's header: a fourth address
// between access points, QoS control, HT control.
func wifiSize(typ, flags byte) int {
	size := qosControl(flags)
	if typ&wifiQoS != 0 {
		size += 2
		if flags&wifiOrder != 0 {
			size += 4
		}
	}
	return size
}

// qosControl returns where QoS control is, if it is.
func qosControl(flags byte) int {
	if flags&wifiBothDS == wifiBothDS {
		return wifiHeader + 6
	}
	return wifiHeader
}

// amsdu decodes the first frame of several in one (section 9.3.2.2.2):
// addresses, length, LLC. Those behind it are counted, not decoded: a packet
// is one segment.
func (d *Decoder) amsdu(b []byte, missing int) bool {
	if len(b) < amsduHeader {
		return d.short(missing, &d.stats.MalformedLink)
	}
	size := int(b[12])<<8 | int(b[13])
	if whole := len(b) + missing; amsduHeader+(size+3)&^3 < whole {
		d.stats.FramesUnread++
	}
	b, missing = limit(b[amsduHeader:], missing, size)
	return d.frameLLC(b, missing)
}

// frameLLC decodes an 802.2 header.
func (d *Decoder) frameLLC(b []byte, missing int) bool {
	if len(b) < 3 {
		return d.short(missing, &d.stats.MalformedLink)
	}
	return llc(d, b, missing)
}
