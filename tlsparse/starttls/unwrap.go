package starttls

import (
	"encoding/binary"

	"blindspot/tlsparse"
)

// Wrapping says what TLS records travel in behind a preface.
type Wrapping uint8

// The wrappings.
const (
	Plain   Wrapping = iota // nothing: records follow each other on the stream
	TDS                     // PRELOGIN packets of SQL Server, until the handshake is over
	OpenVPN                 // control packets, with others between them
)

// Unwrapper takes one direction of wrapped TLS out of its packets. The zero
// value, with its Wrapping, begins at Found's offset.
type Unwrapper struct {
	Wrapping Wrapping

	left      int    // bytes of the packet at hand still to come
	signature int    // in each packet of OpenVPN
	number    uint32 // of the next packet of OpenVPN with TLS, 0 before the first
	opened    bool   // OpenVPN's reset has been seen
	plain     bool   // records follow without packets from here on
	broken    bool
}

// Unwrap appends the TLS in b, the next bytes of the direction, to dst, which
// may be the start of b's own array (b[:0]): it never overtakes. It returns how
// many bytes of b it has used; the others, at most a packet of OpenVPN (64 KiB)
// that is not whole, are wanted again with those that follow. What is no packet
// ends it: nothing more is used then.
func (u *Unwrapper) Unwrap(dst, b []byte) (tls []byte, used int) {
	for used < len(b) && !u.broken {
		if u.Wrapping == Plain || u.plain {
			return append(dst, b[used:]...), len(b)
		}
		if u.left > 0 {
			n := min(u.left, len(b)-used)
			dst = append(dst, b[used:used+n]...)
			used, u.left = used+n, u.left-n
			continue
		}
		n := u.header(b[used:])
		if n == 0 && !u.plain {
			break
		}
		used += n
	}
	return dst, used
}

// Broken reports whether the direction holds something else than packets.
func (u *Unwrapper) Broken() bool { return u.broken }

// header takes what stands before the TLS of a packet, 0 where more is needed.
func (u *Unwrapper) header(b []byte) (n int) {
	if u.Wrapping == OpenVPN {
		return u.headerOpenVPN(b)
	}
	return u.headerTDS(b)
}

// headerTDS reads a packet's header, or finds that records follow without: after
// the handshake (MS-TDS §3.2.5.2).
func (u *Unwrapper) headerTDS(b []byte) (n int) {
	if _, ans := tlsparse.ParseRecordHeader(b); ans != tlsparse.No {
		u.plain = ans == tlsparse.Yes
		return 0
	}
	if b[0] != tdsPrelogin && b[0] != tdsResponse {
		u.broken = true
		return 0
	}
	if len(b) < tdsHeaderLen {
		return 0
	}
	size := int(binary.BigEndian.Uint16(b[2:]))
	if size < tdsHeaderLen {
		u.broken = true
		return 0
	}
	u.left = size - tdsHeaderLen
	return tdsHeaderLen
}

// headerOpenVPN takes all of a packet that is not TLS. The first is the reset,
// which tells how long signatures are; a packet sent again is passed over.
func (u *Unwrapper) headerOpenVPN(b []byte) (n int) {
	if len(b) < 2 {
		return 0
	}
	size := int(binary.BigEndian.Uint16(b))
	if size == 0 {
		u.broken = true
		return 0
	}
	if len(b) < 2+size {
		return 0
	}
	packet := b[2 : 2+size]
	if !u.opened {
		return u.openOpenVPN(b, 2+size)
	}
	at, number := payloadOpenVPN(packet, u.signature)
	if at < size && u.number != 0 && number != u.number {
		at = size
	}
	if at < size {
		u.number = number + 1
	}
	u.left = size - at
	return 2 + at
}

func (u *Unwrapper) openOpenVPN(b []byte, size int) (n int) {
	signature, ans := resetOpenVPN(b, openvpnResetClient)
	if ans != tlsparse.Yes {
		signature, ans = resetOpenVPN(b, openvpnResetServer)
	}
	if ans != tlsparse.Yes {
		u.broken = true
		return 0
	}
	u.opened, u.signature = true, signature
	return size
}
