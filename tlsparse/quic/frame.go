package quic

// Frame types that an Initial packet may hold (RFC 9000 §12.4).
const (
	framePadding = 0x00
	framePing    = 0x01
	frameACK     = 0x02
	frameACKECN  = 0x03
	frameCrypto  = 0x06
	frameGoogle  = 0x08 // CRYPTO in Google's versions
	frameClose   = 0x1c // of the transport; an application has nothing to say here
)

// frame is what is of use in a frame.
type frame struct {
	typ    uint64
	offset uint64 // CRYPTO
	data   []byte // CRYPTO; of CONNECTION_CLOSE the reason
	code   uint64 // CONNECTION_CLOSE
}

// nextFrame reads the frame at the start of b, padding before it skipped. ok is
// false where it is none of those that may stand here, or is cut; then f holds
// the CRYPTO data there is, which is of use where the datagram was cut.
func nextFrame(b []byte, google bool) (f frame, rest []byte, ok bool) {
	for len(b) > 0 && b[0] == framePadding {
		b = b[1:]
	}
	if len(b) == 0 {
		return f, nil, true
	}
	if f.typ, b, ok = readVarint(b); !ok {
		return f, nil, false
	}
	switch f.typ {
	case framePing:
		return f, b, true
	case frameACK, frameACKECN:
		rest, ok = skipACK(b, f.typ == frameACKECN)
		return f, rest, ok
	case frameCrypto:
		return f.crypto(b)
	case frameGoogle:
		if google {
			f.typ = frameCrypto
			return f.crypto(b)
		}
	case frameClose:
		return f.close(b)
	}
	return f, nil, false
}

// crypto reads the rest of a CRYPTO frame (RFC 9000 §19.6).
func (f frame) crypto(b []byte) (_ frame, rest []byte, ok bool) {
	n, ok := uint64(0), false
	if f.offset, b, ok = readVarint(b); !ok {
		return f, nil, false
	}
	if n, b, ok = readVarint(b); !ok {
		return f, nil, false
	}
	if n > uint64(len(b)) {
		f.data = b
		return f, nil, false
	}
	f.data = b[:n]
	return f, b[n:], true
}

// close reads the rest of a CONNECTION_CLOSE frame (RFC 9000 §19.19).
func (f frame) close(b []byte) (_ frame, rest []byte, ok bool) {
	var n uint64
	if f.code, b, ok = readVarint(b); !ok {
		return f, nil, false
	}
	if _, b, ok = readVarint(b); !ok { // the type of frame at fault
		return f, nil, false
	}
	if n, b, ok = readVarint(b); !ok || n > uint64(len(b)) {
		return f, nil, false
	}
	f.data = b[:n]
	return f, b[n:], true
}

// skipACK skips the rest of an ACK frame (RFC 9000 §19.3).
func skipACK(b []byte, ecn bool) (rest []byte, ok bool) {
	var ranges uint64
	if b, ok = skipVarints(b, 2); !ok { // largest acknowledged, delay
		return nil, false
	}
	if ranges, b, ok = readVarint(b); !ok || ranges > uint64(len(b)) {
		return nil, false
	}
	n := 1 + 2*int(ranges) // first range; gap and length of each
	if ecn {
		n += 3
	}
	return skipVarints(b, n)
}

func skipVarints(b []byte, n int) (rest []byte, ok bool) {
	for range n {
		if _, b, ok = readVarint(b); !ok {
			return nil, false
		}
	}
	return b, true
}
