package quic

import "encoding/binary"

// Type is the type of a packet.
type Type uint8

// The types. Other is a long header of a version that nobody here knows, and
// whose type may mean anything.
const (
	Other Type = iota
	Initial
	ZeroRTT
	Handshake
	Retry
	VersionNegotiation
	OneRTT
)

var typeNames = [...]string{"other", "initial", "0-rtt", "handshake", "retry", "version-negotiation", "1-rtt"}

// String returns the type's name: "initial".
func (t Type) String() string {
	if int(t) >= len(typeNames) {
		return typeNames[Other]
	}
	return typeNames[t]
}

// longForm and fixedBit are the bits of a packet's first byte (RFC 9000 §17.2).
const (
	longForm = 0x80
	fixedBit = 0x40
)

// Header is a packet's header as it can be read without a key. Its slices alias
// the datagram.
type Header struct {
	Type    Type
	Version uint32
	DCID    []byte
	SCID    []byte
	Token   []byte // of an Initial; of a Retry, without its integrity tag
	Number  int    // where the packet number begins, for Initial, 0-RTT and Handshake
	Length  int    // bytes from Number on, as the header says: packet number, payload and tag
	End     int    // where the packet ends; past the datagram's end where that is cut
}

// ParseHeader reads the long header (RFC 8999 §5.1, RFC 9000 §17.2) at the start
// of b, a datagram or the rest of one: coalesced packets follow each other at
// End. A version that is not known is read as version 1 would be, for its
// Initial packets look so in every version so far. ok is false where b does not
// begin with a long header, or ends within it.
func ParseHeader(b []byte) (h Header, ok bool) { return parseHeader(b, 0) }

// parseHeader is ParseHeader for a version of which the scheme was found out.
func parseHeader(b []byte, known schemeID) (h Header, ok bool) {
	if len(b) < 7 || b[0]&longForm == 0 {
		return h, false
	}
	h.Version = binary.BigEndian.Uint32(b[1:])
	rest := b[5:]
	if h.DCID, rest, ok = readID(rest); !ok {
		return h, false
	}
	if h.SCID, rest, ok = readID(rest); !ok {
		return h, false
	}
	if h.Version == 0 { // RFC 9000 §17.2.1: the rest of the datagram are versions
		h.Type, h.End = VersionNegotiation, len(b)
		return h, len(rest) >= 4 && len(rest)%4 == 0
	}
	h.Type = typeOf(b[0], h.Version, known)
	return h, h.body(b, rest)
}

// body reads what follows the connection ids, of which rest is left of b.
func (h *Header) body(b, rest []byte) bool {
	switch h.Type {
	case Retry: // RFC 9000 §17.2.5
		h.End = len(b)
		h.Token = rest
		if len(rest) >= retryTagLen {
			h.Token = rest[:len(rest)-retryTagLen]
		}
		return true
	case Initial:
		n, after, ok := readVarint(rest)
		if !ok || n > uint64(len(after)) {
			return false
		}
		h.Token, rest = after[:n], after[n:]
	case Other:
		h.End = len(b)
		return true
	}
	n, after, ok := readVarint(rest)
	if !ok || n > maxDatagram {
		return false
	}
	h.Number = len(b) - len(after)
	h.Length = int(n)
	h.End = h.Number + h.Length
	return true
}

// maxDatagram is more than a UDP datagram can hold. Jumbograms (RFC 2675) are
// for nobody's QUIC.
const maxDatagram = 1 << 16

// typeOf returns a long header's type (RFC 9000 §17.2, RFC 9369 §3.2).
func typeOf(first byte, version uint32, known schemeID) Type {
	bits := first >> 4 & 3
	if known == 0 {
		known = schemeOf(version)
	}
	switch {
	case known == 0:
		return [4]Type{Initial, Initial, Handshake, Other}[bits]
	case schemes[known].v2Types:
		return [4]Type{Retry, Initial, ZeroRTT, Handshake}[bits]
	}
	return [4]Type{Initial, ZeroRTT, Handshake, Retry}[bits]
}

// readID reads a connection id with its length in front.
func readID(b []byte) (id, rest []byte, ok bool) {
	if len(b) == 0 || int(b[0]) > maxIDLen || len(b) < 1+int(b[0]) {
		return nil, nil, false
	}
	n := 1 + int(b[0])
	return b[1:n], b[n:], true
}

// readVarint reads an integer of one to eight bytes (RFC 9000 §16).
func readVarint(b []byte) (v uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	n := 1 << (b[0] >> 6)
	if len(b) < n {
		return 0, nil, false
	}
	v = uint64(b[0] & 0x3f)
	for _, x := range b[1:n] {
		v = v<<8 | uint64(x)
	}
	return v, b[n:], true
}
