package decode

import "encoding/binary"

const (
	etherVLAN = 0x8100
	vlanMask  = 0x0fff
)

var kindVLAN = newKind("vlan", true)

// 802.1Q, 802.1ad and the older EtherType for an outer tag.
func init() {
	register("vlan", "VLAN tags, also stacked (QinQ)", "IEEE 802.1Q").etherType(vlan, etherVLAN, 0x88a8, 0x9100)
}

// vlan takes a tag off. VLAN 0 is a priority and no VLAN.
func vlan(d *Decoder, b []byte, missing int) bool {
	if len(b) < vlanHeader {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	id := binary.BigEndian.Uint16(b) & vlanMask
	if id != 0 && !d.push(kindVLAN, uint32(id)) {
		return false
	}
	return d.etherType(binary.BigEndian.Uint16(b[2:]), b[vlanHeader:], missing)
}
