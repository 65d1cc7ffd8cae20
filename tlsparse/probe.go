package tlsparse

// maxHelloLen is the length of the longest hello that its fields allow: fixed
// part, session id, cipher suites, compression methods and extensions at their
// limits (RFC 8446 §4.1.2).
const maxHelloLen = 2 + 32 + 1 + 32 + 2 + 65534 + 1 + 255 + 2 + 65535

// The lengths of the shortest hellos: a client's with version, random, empty
// session id, no cipher suites (which no server would take, and which is seen)
// and a compression method; a server's of a draft of TLS 1.3, without session id.
const (
	minClientHelloLen = 2 + 32 + 1 + 2 + 1 + 1
	minServerHelloLen = 2 + 32 + 2
)

// probeLen is how much of a hello the probes look at: the handshake header and
// all that stands before the first cipher suite.
const probeLen = HandshakeHeaderLen + 2 + 32 + 1 + 32 + 2

// ProbeClientHello says whether b, bytes at some point of a stream, begins with
// a ClientHello: in a TLS record, however short the records are, or in SSL
// 2.0's form (RFC 5246 §E.2). It is strict enough for any point of an unknown
// protocol: a random stream passes about once in 2^45.
func ProbeClientHello(b []byte) Answer {
	if len(b) > 0 && b[0]&0x80 != 0 {
		return probeSSLv2(b, ssl2ClientHello)
	}
	var hello [probeLen]byte
	n, more := gatherHandshake(b, hello[:])
	return settle(probeClientHelloBody(hello[:n]), more)
}

// ProbeServerHello says whether b begins with a handshake record that holds a
// ServerHello, or with a SERVER-HELLO of SSL 2.0.
func ProbeServerHello(b []byte) Answer {
	if len(b) > 0 && b[0]&0x80 != 0 {
		return probeSSLv2(b, ssl2ServerHello)
	}
	var hello [probeLen]byte
	n, more := gatherHandshake(b, hello[:])
	return settle(probeServerHelloBody(hello[:n]), more)
}

// ProbeAlert says whether b begins with a plaintext alert record, which is how
// a server that wants none of it answers a hello.
func ProbeAlert(b []byte) Answer {
	r, ans := ParseRecordHeader(b)
	if ans == No || len(b) > 0 && r.Type != RecordAlert {
		return No
	}
	if ans == Maybe {
		return Maybe
	}
	payload := b[RecordHeaderLen:]
	if r.Length != 2 ||
		len(payload) > 0 && payload[0] != AlertWarning && payload[0] != AlertFatal {
		return No
	}
	if len(payload) < 2 {
		return Maybe
	}
	if _, known := lookup(alerts[:], uint16(payload[1])); !known {
		return No
	}
	return Yes
}

// settle combines what the gathered bytes say with whether more can come: who
// wants more and gets none is no hello.
func settle(body, more Answer) Answer {
	if body == Maybe && more == No {
		return No
	}
	return body
}

// gatherHandshake copies the first bytes of the handshake stream out of the
// records at the start of b into dst, and returns their number, n. more is Yes
// where dst is full, Maybe where b ends, and No where what follows the n bytes
// is no handshake record.
func gatherHandshake(b, dst []byte) (n int, more Answer) {
	for n < len(dst) {
		r, ans := ParseRecordHeader(b)
		if len(b) > 0 && (ans == No || r.Type != RecordHandshake) {
			return n, No
		}
		if ans != Yes {
			return n, Maybe
		}
		if r.Length == 0 {
			return n, No
		}
		b = b[RecordHeaderLen:]
		take := min(r.Length, len(b))
		n += copy(dst[n:], b[:take])
		if take < r.Length {
			return n, Maybe
		}
		b = b[take:]
	}
	return n, Yes
}

func probeClientHelloBody(hs []byte) Answer {
	length, ans := probeHelloStart(hs, TypeClientHello, minClientHelloLen)
	if ans != Yes {
		return ans
	}
	const sid = HandshakeHeaderLen + 2 + 32
	if len(hs) <= sid {
		return Maybe
	}
	idLen := int(hs[sid])
	if idLen > 32 {
		return No
	}
	suites := sid + 1 + idLen
	if len(hs) < suites+2 {
		return Maybe
	}
	n := int(hs[suites])<<8 | int(hs[suites+1])
	// Two bytes more at least are the compression methods.
	if n%2 != 0 || suites+2+n+2 > HandshakeHeaderLen+length {
		return No
	}
	return Yes
}

func probeServerHelloBody(hs []byte) Answer {
	length, ans := probeHelloStart(hs, TypeServerHello, minServerHelloLen)
	if ans != Yes {
		return ans
	}
	const sid = HandshakeHeaderLen + 2 + 32
	if len(hs) <= sid {
		return Maybe
	}
	if hs[HandshakeHeaderLen] == 0x7f && DraftVersion(uint16(hs[4])<<8|uint16(hs[5])) < 22 {
		return Yes // no session id in these drafts
	}
	idLen := int(hs[sid])
	// Cipher suite and compression method follow.
	if idLen > 32 || sid+1+idLen+3 > HandshakeHeaderLen+length {
		return No
	}
	return Yes
}

// probeHelloStart checks type, length and version of a hello, of which hs is a
// prefix.
func probeHelloStart(hs []byte, typ uint8, minLen int) (length int, ans Answer) {
	if len(hs) > 0 && hs[0] != typ || len(hs) > 1 && hs[1] > maxHelloLen>>16 {
		return 0, No
	}
	_, length, ok := ParseHandshakeHeader(hs)
	if !ok {
		return 0, Maybe
	}
	if length < minLen || length > maxHelloLen {
		return length, No
	}
	if len(hs) > HandshakeHeaderLen && !plausibleMajor(hs[HandshakeHeaderLen]) {
		return length, No
	}
	return length, Yes
}

// plausibleMajor reports whether a hello's version can begin so: 3 is every
// version from SSL 3.0, 0x7f a draft of TLS 1.3.
func plausibleMajor(b byte) bool { return b == 3 || b == 0x7f }
