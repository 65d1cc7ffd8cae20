package decode

import "encoding/binary"

// MACsec (IEEE 802.1AE, section 9).
const (
	etherMACsec     = 0x88e5
	macsecHeader    = 6
	macsecSCI       = 8    // bytes
	macsecICV       = 16   // bytes behind the data
	macsecVersion   = 0x80 // of the TCI
	macsecHasSCI    = 0x20
	macsecEncrypted = 0x08
	macsecChanged   = 0x04
	macsecShort     = 0x3f
)

var kindMACsec = newKind("macsec", false)

func init() {
	register("macsec", "signed frames; encrypted ones are counted", "IEEE 802.1AE").etherType(macsec, etherMACsec)
}

// macsec takes the security tag off a frame that is signed and not encrypted:
// control information, length of short data, packet number, maybe the sender.
func macsec(d *Decoder, b []byte, missing int) bool {
	if len(b) < macsecHeader {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	size, control := macsecHeader, b[0]
	if control&macsecHasSCI != 0 {
		size += macsecSCI
	}
	switch {
	case control&macsecVersion != 0:
		d.stats.MalformedTunnel++
		return false
	case control&(macsecEncrypted|macsecChanged) != 0:
		d.stats.Encrypted++
		return false
	case len(b) < size+2:
		return d.short(missing, &d.stats.MalformedTunnel)
	case !d.push(kindMACsec, 0):
		return false
	}
	length := max(len(b)+missing-size-macsecICV, 0)
	if short := int(b[1] & macsecShort); short != 0 {
		length = short
	}
	data, missing := limit(b[size:], missing, length)
	if len(data) < 2 {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	return d.etherType(binary.BigEndian.Uint16(data), data[2:], missing)
}
