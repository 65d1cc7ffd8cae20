package decode

import "encoding/binary"

const (
	vxlanHeader = 8
	vxlanHasVNI = 0x08
	vxlanPolicy = 0x80 // group policy (draft-smith-vxlan-group-policy)
)

var kindVXLAN = newKind("vxlan", true)

func init() {
	register("vxlan", "virtual networks; mirrors of AWS and others", "RFC 7348").udp(vxlan, 4789, 8472)
}

// vxlan decodes VXLAN (RFC 7348, section 5): flags, VNI, and reserved bytes
// that are zero, except for a group policy. Some switches write more into
// them; then the frame must hold IP, so that nothing else is taken for one.
func vxlan(d *Decoder, b []byte, missing int) verdict {
	if len(b) < vxlanHeader {
		return d.cut(missing)
	}
	frame := b[vxlanHeader:]
	plain := b[0] == vxlanHasVNI && b[1] == 0 && b[2] == 0 && b[3] == 0
	policy := b[0] == vxlanHasVNI|vxlanPolicy && b[1]&^0x48 == 0
	switch {
	case b[0]&vxlanHasVNI == 0:
		return notMine
	case (plain || policy) && b[7] == 0 && looksEthernet(frame, missing), looksEthernetIP(frame, missing):
		return inner(d.push(kindVXLAN, id24(b[4:])) && ethernet(d, frame, missing))
	}
	return notMine
}

// id24 returns the 24-bit number at b.
func id24(b []byte) uint32 { return binary.BigEndian.Uint32(b) >> 8 }
