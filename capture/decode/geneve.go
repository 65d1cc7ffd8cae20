package decode

import "encoding/binary"

const (
	geneveHeader  = 8
	geneveControl = 0x80
)

var kindGENEVE = newKind("geneve", true)

func init() {
	register("geneve", "virtual networks, with options", "RFC 8926").udp(geneve, 6081)
}

// geneve decodes GENEVE (RFC 8926, section 3.4): version and length of the
// options in words, flags, EtherType, VNI, options. Control messages are no
// traffic.
func geneve(d *Decoder, b []byte, missing int) verdict {
	if len(b) < geneveHeader {
		return d.cut(missing)
	}
	size, typ := geneveHeader+int(b[0]&0x3f)*4, binary.BigEndian.Uint16(b[2:])
	if b[0]>>6 != 0 || b[1]&0x3f != 0 || b[1]&geneveControl != 0 || b[7] != 0 || size > len(b)+missing {
		return notMine
	}
	if size > len(b) {
		return d.cut(missing)
	}
	body := b[size:]
	if !fitsType(typ, body, missing) {
		return notMine
	}
	return inner(d.push(kindGENEVE, id24(b[4:])) && d.etherType(typ, body, missing))
}

// fitsType reports whether b can be of an EtherType that tunnels carry.
func fitsType(typ uint16, b []byte, missing int) bool {
	switch typ {
	case etherIPv4:
		return looksIPv4(b, missing)
	case etherIPv6:
		return looksIPv6(b, missing)
	case greEthernet:
		return looksEthernet(b, missing)
	}
	return typ > maxEther802 && etherIndex[typ] != 0
}
