package decode

const (
	etherITag  = 0x88e7
	itagHeader = 4 // flags, I-SID; then an Ethernet frame
)

var kindISID = newKind("isid", true)

func init() {
	register("isid", "provider backbone bridges (802.1ah)", "IEEE 802.1Q").etherType(itag, etherITag)
}

// itag takes the service tag of a provider backbone bridge off (IEEE 802.1Q,
// section 9.7, first in 802.1ah).
func itag(d *Decoder, b []byte, missing int) bool {
	if len(b) < itagHeader {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	id := uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	return d.push(kindISID, id) && ethernet(d, b[itagHeader:], missing)
}
