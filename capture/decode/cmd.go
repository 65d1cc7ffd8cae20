package decode

import "encoding/binary"

const (
	etherCMD  = 0x8909
	cmdHeader = 8
)

var kindCMD = newKind("cmd", true)

func init() {
	register("cmd", "Cisco MetaData: security group tags", "draft-smith-kandula-sxp").etherType(cmd, etherCMD)
}

// cmd takes Cisco MetaData off (draft-smith-kandula-sxp): version, length,
// options, security group tag, EtherType.
func cmd(d *Decoder, b []byte, missing int) bool {
	if len(b) < cmdHeader {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	if !d.push(kindCMD, uint32(binary.BigEndian.Uint16(b[4:]))) {
		return false
	}
	return d.etherType(binary.BigEndian.Uint16(b[6:]), b[cmdHeader:], missing)
}

// cmdGRE takes Cisco MetaData off that follows a GRE header, where the
// EtherType comes first.
func cmdGRE(d *Decoder, b []byte, missing int) bool {
	if len(b) < cmdHeader {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	if !d.push(kindCMD, uint32(binary.BigEndian.Uint16(b[6:]))) {
		return false
	}
	return d.etherType(max(binary.BigEndian.Uint16(b), maxEther802+1), b[cmdHeader:], missing)
}
