package tlsparse

// Message types of SSL 2.0 that are read (draft-hickman-netscape-ssl-00).
const (
	ssl2ClientHello = 1
	ssl2ServerHello = 4
)

// ssl2HeaderLen is the length of an SSL 2.0 record header without padding, the
// only form that a hello may have (RFC 5246 §E.2).
const ssl2HeaderLen = 2

// probeSSLv2 says whether b begins with an SSL 2.0 record that holds a hello of
// the given type. All lengths in it must add up to that of the record.
func probeSSLv2(b []byte, typ uint8) Answer {
	if len(b) > 0 && b[0]&0x80 == 0 || len(b) > 2 && b[2] != typ {
		return No
	}
	if typ == ssl2ClientHello {
		return probeSSLv2ClientHello(b)
	}
	return probeSSLv2ServerHello(b)
}

// ssl2ClientFixed is the length of a CLIENT-HELLO before its variable fields,
// with record header: type, version and three lengths.
const ssl2ClientFixed = ssl2HeaderLen + 1 + 2 + 2 + 2 + 2

func probeSSLv2ClientHello(b []byte) Answer {
	if len(b) > 3 && b[3] != 3 && b[3] != 0 ||
		len(b) > 4 && b[3] == 0 && b[4] != 2 {
		return No
	}
	if len(b) < ssl2ClientFixed {
		return Maybe
	}
	length := ssl2RecordLen(b)
	suites, id, challenge := be16(b[5:]), be16(b[7:]), be16(b[9:])
	if suites == 0 || suites%3 != 0 || id > 32 || challenge < 16 || challenge > 32 ||
		ssl2ClientFixed-ssl2HeaderLen+suites+id+challenge != length {
		return No
	}
	return Yes
}

// ssl2ServerFixed is the same for a SERVER-HELLO: type, session id hit,
// certificate type, version and three lengths.
const ssl2ServerFixed = ssl2HeaderLen + 1 + 1 + 1 + 2 + 2 + 2 + 2

func probeSSLv2ServerHello(b []byte) Answer {
	if len(b) > 3 && b[3] > 1 || len(b) > 4 && b[4] > 1 ||
		len(b) > 5 && b[5] != 0 || len(b) > 6 && b[6] != 2 {
		return No
	}
	if len(b) < ssl2ServerFixed {
		return Maybe
	}
	cert, suites, id := be16(b[7:]), be16(b[9:]), be16(b[11:])
	if suites%3 != 0 || id > 32 ||
		ssl2ServerFixed-ssl2HeaderLen+cert+suites+id != ssl2RecordLen(b) {
		return No
	}
	return Yes
}

// ssl2RecordLen returns the payload length in the 2-byte header at b.
func ssl2RecordLen(b []byte) int { return be16(b) & 0x7fff }

func be16(b []byte) int { return int(b[0])<<8 | int(b[1]) }

// ParseSSLv2ClientHello reads the SSL 2.0 record with a CLIENT-HELLO at the
// start of b: a true one, or one that offers SSL 3.0 or TLS in that form (RFC
// 5246 §E.2). It resets and fills h as ParseClientHello does and returns the
// bytes consumed. Cipher specs of SSL 2.0 alone, whose first byte is not 0, go
// to SSLv2Ciphers; the challenge is the Random, right-aligned where shorter
// than 32 bytes only on the wire of TLS, here as sent.
func ParseSSLv2ClientHello(b []byte, h *ClientHello) (n int, err error) {
	h.reset()
	h.SSLv2 = true
	if probeSSLv2(b, ssl2ClientHello) != Yes || len(b) < ssl2HeaderLen+ssl2RecordLen(b) {
		return 0, ErrMalformed
	}
	n = ssl2HeaderLen + ssl2RecordLen(b)
	h.LegacyVersion = uint16(be16(b[3:]))
	suites, id := be16(b[5:]), be16(b[7:])
	rest := b[ssl2ClientFixed:n]
	for s := rest[:suites]; len(s) >= 3; s = s[3:] {
		if s[0] == 0 {
			h.CipherSuites = append(h.CipherSuites, uint16(be16(s[1:])))
		} else {
			h.SSLv2Ciphers = append(h.SSLv2Ciphers, uint32(s[0])<<16|uint32(be16(s[1:])))
		}
	}
	h.SessionID = rest[suites : suites+id]
	h.Random = rest[suites+id:]
	return n, nil
}

// SSLv2ServerHello is the answer of a server that speaks SSL 2.0.
type SSLv2ServerHello struct {
	SessionIDHit    bool
	CertificateType uint8 // 1: X.509
	Version         uint16
	Certificate     []byte // DER of the leaf, the only one that SSL 2.0 sends
	Ciphers         []byte // three bytes each
	ConnectionID    []byte
}

// ParseSSLv2ServerHello reads the SSL 2.0 record with a SERVER-HELLO at the
// start of b and returns the bytes consumed.
func ParseSSLv2ServerHello(b []byte, h *SSLv2ServerHello) (n int, err error) {
	*h = SSLv2ServerHello{}
	if probeSSLv2(b, ssl2ServerHello) != Yes || len(b) < ssl2HeaderLen+ssl2RecordLen(b) {
		return 0, ErrMalformed
	}
	n = ssl2HeaderLen + ssl2RecordLen(b)
	h.SessionIDHit = b[3] != 0
	h.CertificateType = b[4]
	h.Version = uint16(be16(b[5:]))
	cert, suites := be16(b[7:]), be16(b[9:])
	rest := b[ssl2ServerFixed:n]
	h.Certificate = rest[:cert]
	h.Ciphers = rest[cert : cert+suites]
	h.ConnectionID = rest[cert+suites:]
	return n, nil
}
