package decode

import "encoding/binary"

const (
	etherVNTag  = 0x8926
	vntagHeader = 6 // destination, source, EtherType
	etherETag   = 0x893f
	etagHeader  = 8 // class, ingress, channel, extension, EtherType
)

var (
	kindVNTag = newKind("vntag", false)
	kindETag  = newKind("etag", false)
)

func init() {
	register("vntag", "Cisco fabric extenders", "VN-Tag, later IEEE 802.1BR").etherType(vntag, etherVNTag)
	register("etag", "bridge port extension", "IEEE 802.1BR").etherType(etag, etherETag)
}

// vntag takes the tag of a Cisco fabric extender off.
func vntag(d *Decoder, b []byte, missing int) bool {
	return d.portTag(kindVNTag, vntagHeader, b, missing)
}

// etag takes the tag of a port extender off (IEEE 802.1BR, section 7.5).
func etag(d *Decoder, b []byte, missing int) bool {
	return d.portTag(kindETag, etagHeader, b, missing)
}

// portTag takes a tag off that names ports and ends in an EtherType.
func (d *Decoder) portTag(k Kind, size int, b []byte, missing int) bool {
	if len(b) < size {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	return d.push(k, 0) && d.etherType(binary.BigEndian.Uint16(b[size-2:]), b[size:], missing)
}
