package kernel

// shortDatagram is what no handshake fits into.
const shortDatagram = 13

// Lengths of an OpenVPN reset.
const (
	minReset = 14
	maxReset = 98
)

// datagram tells openers among datagrams: all that flow.Table begins a
// handshake with, and more.
func (x *view) datagram() What {
	size := x.end - x.off
	if size < shortDatagram {
		return Exempt
	}
	b := x.need(x.off, 12)
	switch {
	case b == nil:
		return Unparsed
	case b[0]&0x80 != 0:
		return LongForm
	case b[0] >= 20 && b[0] <= 26 && b[0] != 23 && isDTLS(b[1]):
		if b[0] == 21 || b[0] == 22 {
			return DTLS
		}
		return Exempt
	case b[0] == 7<<3 || b[0] == 8<<3: // OpenVPN's resets end in the number 0
		if size >= minReset && size <= maxReset {
			switch last := x.need(x.end-4, 4); {
			case last == nil:
				return Unparsed
			case be32(last) == 0:
				return DTLS
			}
		}
	case b[0] == 0 && (b[1] == 0x16 || b[1] == 0x17) && be32(b[4:]) == 0x2112a442:
		return DTLS // TURN indications (RFC 8656, section 11)
	}
	if b[0]&0xc0 == 0x40 && (b[4] == 21 || b[4] == 22) && isDTLS(b[5]) {
		return DTLS // TURN channels (RFC 8656, section 12)
	}
	return x.rdp(b)
}

func isDTLS(major byte) bool { return major == 0xfe || major == 1 }

// rdp tells DTLS within RDP-UDP (MS-RDPEUDP, section 2.2.2), which has no mark
// of its own.
func (x *view) rdp(b []byte) What {
	flags := be16(b[6:])
	if flags&0xe01b != 8 { // data, and neither SYN, FIN nor FEC
		return Data
	}
	at := x.off + 16
	if flags&4 != 0 {
		n := int(be16(b[8:]))
		if n > 2048 {
			return Data
		}
		at += (n + 5) &^ 3
	}
	if flags&0x100 != 0 {
		at += 4
	}
	if at+2 > x.end {
		return Data
	}
	switch b := x.need(at, 2); {
	case b == nil:
		return Unparsed
	case (b[0] == 21 || b[0] == 22) && isDTLS(b[1]):
		return DTLS
	}
	return Data
}
