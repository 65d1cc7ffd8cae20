package decode

import "encoding/binary"

// LLC headers that carry IP.
const (
	sapIP   = 0x06
	sapSNAP = 0xaa
	llcUI   = 0x03 // unnumbered information
)

// llc decodes an 802.2 header, and SNAP behind it (RFC 1042).
func llc(d *Decoder, b []byte, missing int) bool {
	switch {
	case len(b) >= 8 && b[0] == sapSNAP && b[1] == sapSNAP && b[2] == llcUI && ethernetOUI(b[3:]):
		return d.etherType(max(binary.BigEndian.Uint16(b[6:]), maxEther802+1), b[8:], missing)
	case len(b) >= 3 && b[0] == sapIP && b[1] == sapIP && b[2] == llcUI:
		return ipv4(d, b[3:], missing)
	}
	d.stats.NotIP++
	return false
}

// ethernetOUI reports whether an EtherType follows: RFC 1042, or 802.1H for
// bridges.
func ethernetOUI(b []byte) bool { return b[0] == 0 && b[1] == 0 && (b[2] == 0 || b[2] == 0xf8) }
