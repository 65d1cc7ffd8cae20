package decode

import "encoding/binary"

// L2TP (RFC 2661, section 3.1; RFC 3931, section 4.1).
const (
	protocolL2TP = 115 // version 3
	l2tpLength   = 0x40
	l2tpSequence = 0x08
	l2tpOffset   = 0x02
	l2tpClear    = 0x80 | 0x34 // control, reserved
	l2tp3Header  = 8           // over UDP
	l2tpMaxSkip  = 12          // cookie of 8 bytes and a sublayer of 4
)

var kindL2TP = newKind("l2tp", true)

func init() {
	register("l2tp", "L2TP version 2 with PPP, version 3 with Ethernet", "RFC 2661, RFC 3931").
		udp(l2tp, 1701).
		protocol(l2tp3, protocolL2TP)
}

// l2tp decodes data messages over UDP. Control messages are no traffic.
func l2tp(d *Decoder, b []byte, missing int) verdict {
	if len(b) < l2tp3Header {
		return d.cut(missing)
	}
	switch {
	case b[0]&l2tpClear != 0:
		return notMine
	case b[1] == 2:
		return l2tp2(d, b, missing)
	case b[0] == 0 && b[1] == 3 && b[2] == 0 && b[3] == 0:
		return d.l2tp3Session(b[4:], missing)
	}
	return notMine
}

// l2tp2 decodes version 2: flags, maybe a length, tunnel and session, maybe
// sequence numbers, maybe an offset to the payload, PPP.
func l2tp2(d *Decoder, b []byte, missing int) verdict {
	flags, ids := b[0], 2
	if flags&l2tpLength != 0 {
		length := int(binary.BigEndian.Uint16(b[2:]))
		if length < l2tp3Header || length > len(b)+missing {
			return notMine
		}
		b, missing = limit(b, missing, length)
		ids += 2
	}
	size := ids + 4
	if flags&l2tpSequence != 0 {
		size += 4
	}
	if flags&l2tpOffset != 0 {
		if len(b) < size+2 {
			return d.cut(missing)
		}
		size += 2 + int(binary.BigEndian.Uint16(b[size:]))
	}
	if len(b) < size {
		return d.cut(missing)
	}
	if !looksPPP(b[size:], missing) {
		return notMine
	}
	id := uint32(binary.BigEndian.Uint16(b[ids+2:]))
	return inner(d.push(kindL2TP, id) && ppp(d, b[size:], missing))
}

// l2tp3 decodes version 3 over IP. Session 0 is control.
func l2tp3(d *Decoder, b []byte, missing int) bool {
	if len(b) < 4 {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	switch d.l2tp3Session(b, missing) {
	case segment:
		return true
	case notMine:
		d.stats.Other++
	}
	return false
}

// l2tp3Session decodes a session of version 3. How long its cookie is, and
// whether a sublayer follows, only its ends know; so the frame is looked for.
func (d *Decoder) l2tp3Session(b []byte, missing int) verdict {
	id := binary.BigEndian.Uint32(b)
	if id == 0 {
		return notMine
	}
	b = b[4:]
	for at := 0; at <= l2tpMaxSkip && at < len(b); at += 4 {
		if looksEthernetIP(b[at:], missing) {
			return inner(d.push(kindL2TP, id) && ethernet(d, b[at:], missing))
		}
	}
	return notMine
}
