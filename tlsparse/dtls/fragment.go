package dtls

import (
	"encoding/binary"

	"blindspot/tlsparse"
)

// fragmentHeaderLen is the length of a handshake message's header, which each
// fragment has (RFC 6347 §4.2.2).
const fragmentHeaderLen = 12

// fragment is a part of a handshake message.
type fragment struct {
	typ    uint8
	seq    uint16 // message_seq
	length int    // of the whole message
	offset int
	data   []byte
}

func (f *fragment) whole() bool { return len(f.data) == f.length }

// parseFragment reads the fragment at the start of b and returns what follows.
// Where cut is set, b is shorter than it was sent, and so may be the fragment.
func parseFragment(b []byte, cut bool) (f fragment, rest []byte, ok bool) {
	if len(b) < fragmentHeaderLen {
		return f, nil, false
	}
	f.typ = b[0]
	f.length = uint24(b[1:])
	f.seq = binary.BigEndian.Uint16(b[4:])
	f.offset = uint24(b[6:])
	n := uint24(b[9:])
	b = b[fragmentHeaderLen:]
	if f.offset+n > f.length || n > len(b) && !cut || n == 0 && f.length > 0 {
		return f, nil, false
	}
	n = min(n, len(b))
	f.data = b[:n:n]
	return f, b[n:], true
}

func uint24(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }

// isHello reports whether a handshake can begin with this message.
func isHello(typ uint8) bool {
	switch typ {
	case tlsparse.TypeClientHello, tlsparse.TypeServerHello, tlsparse.TypeHelloVerifyRequest:
		return true
	}
	return false
}

// helloRandomEnd is where the random of a ClientHello or ServerHello ends.
const helloRandomEnd = 2 + 32

// random returns the random of a fragment that is the start of a ClientHello or
// ServerHello, or nil.
func (f *fragment) random() []byte {
	if f.typ != tlsparse.TypeClientHello && f.typ != tlsparse.TypeServerHello ||
		f.offset != 0 || len(f.data) < helloRandomEnd {
		return nil
	}
	return f.data[2:helloRandomEnd]
}
