package dtls

import (
	"encoding/binary"
	"net/netip"
)

const (
	stunHeaderLen = 20
	stunCookie    = 0x2112a442 // RFC 8489 §5

	turnSend    = 0x0016 // Send indication (RFC 8656 §11.1)
	turnData    = 0x0017 // Data indication
	turnPeer    = 0x0012 // XOR-PEER-ADDRESS
	turnPayload = 0x0013 // DATA

	channelHeaderLen = 4
	minChannel       = 0x4000 // RFC 8656 §12; RFC 5766 had all up to 0x7fff
	maxChannel       = 0x7fff
	maxPadding       = 3
)

// Frame is what a client and its TURN server send each other of the traffic
// with a peer (RFC 8656 §11, §12). One flow can carry several peers: each is a
// DTLS connection of its own.
type Frame struct {
	Data    []byte         // what the peer sent or gets
	Channel uint16         // 0 in an indication
	Send    bool           // an indication of the client, not of the server
	Peer    netip.AddrPort // only in an indication
}

// ParseTURN reads a TURN frame with data: ChannelData, or a Send or Data
// indication.
func ParseTURN(b []byte) (f Frame, ok bool) {
	if len(b) < channelHeaderLen {
		return f, false
	}
	switch first := binary.BigEndian.Uint16(b); {
	case first >= minChannel && first <= maxChannel:
		n := int(binary.BigEndian.Uint16(b[2:]))
		rest := b[channelHeaderLen:]
		if n > len(rest) || len(rest)-n > maxPadding {
			return f, false
		}
		return Frame{Data: rest[:n:n], Channel: first}, true
	case first == turnSend || first == turnData:
		return parseIndication(b)
	}
	return f, false
}

// parseIndication reads the attributes of an indication (RFC 8489 §5, §14).
func parseIndication(b []byte) (f Frame, ok bool) {
	if len(b) < stunHeaderLen || binary.BigEndian.Uint32(b[4:]) != stunCookie {
		return f, false
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n%4 != 0 || n > len(b)-stunHeaderLen {
		return f, false
	}
	f.Send = binary.BigEndian.Uint16(b) == turnSend
	transaction := b[4:stunHeaderLen]
	for b = b[stunHeaderLen : stunHeaderLen+n]; len(b) >= 4; {
		typ, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		b = b[4:]
		if n > len(b) {
			return f, false
		}
		switch typ {
		case turnPayload:
			f.Data, ok = b[:n:n], true
		case turnPeer:
			f.Peer = xorAddress(b[:n], transaction)
		}
		b = b[min(len(b), (n+3)&^3):]
	}
	return f, ok
}

// xorAddress reads an XOR-PEER-ADDRESS (RFC 8489 §14.2). mask is the magic
// cookie with the transaction's id behind it.
func xorAddress(b, mask []byte) (p netip.AddrPort) {
	if len(b) != 8 && len(b) != 20 {
		return p
	}
	port := binary.BigEndian.Uint16(b[2:]) ^ stunCookie>>16
	var ip [16]byte
	n := copy(ip[:], b[4:])
	for i := range n {
		ip[i] ^= mask[i]
	}
	addr, _ := netip.AddrFromSlice(ip[:n])
	return netip.AddrPortFrom(addr, port)
}
