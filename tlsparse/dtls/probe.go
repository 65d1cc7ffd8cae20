package dtls

import (
	"encoding/binary"

	"blindspot/tlsparse"
)

const (
	// maxProbeSeq bounds the numbers of records and messages in a probe: those
	// of a handshake's plaintext are small.
	maxProbeSeq = 1 << 16
	// maxProbeMessages likewise. AnyConnect and others begin with 0 or 1.
	maxProbeMessages = 64
)

// Shortest bodies: a ClientHello with empty session id and cookie, a suite and
// a compression method; a ServerHello without session id and extensions.
const (
	minClientHello = 2 + 32 + 1 + 1 + 2 + 2 + 1 + 1
	minServerHello = 2 + 32 + 1 + 2 + 1
)

// Probe says whether a datagram begins with a plaintext handshake record or
// alert of DTLS, on any port: with a hello, or, where the capture began too
// late, another message of a handshake up to DTLS 1.2. Maybe means that the
// datagram is cut before that can be told. Random bytes pass about once in 2^60.
func Probe(datagram []byte) tlsparse.Answer {
	b := datagram
	if !probeHead(b) {
		return tlsparse.No
	}
	if len(b) < recordHeaderLen {
		return tlsparse.Maybe
	}
	r, ok := parseRecord(b)
	if !ok || r.seq >= maxProbeSeq {
		return tlsparse.No
	}
	if r.typ == tlsparse.RecordAlert {
		return probeAlert(&r)
	}
	return probeHandshake(&r)
}

// probeHead checks what there is of type, version and epoch.
func probeHead(b []byte) bool {
	if len(b) > 0 && b[0] != tlsparse.RecordHandshake && b[0] != tlsparse.RecordAlert ||
		len(b) > 1 && b[1] != 0xfe && b[1] != versionOld>>8 ||
		len(b) > 2 && !isVersion(binary.BigEndian.Uint16(b[1:])) {
		return false
	}
	// epoch, and the upper bytes of sequence_number
	for i := 3; i < min(len(b), 9); i++ {
		if b[i] != 0 {
			return false
		}
	}
	return true
}

func probeAlert(r *record) tlsparse.Answer {
	b := r.payload
	if r.length != 2 ||
		len(b) > 0 && b[0] != tlsparse.AlertWarning && b[0] != tlsparse.AlertFatal ||
		len(b) > 1 && tlsparse.AlertName(b[1])[0] == '0' { // no name: "0x…"
		return tlsparse.No
	}
	if len(b) < 2 {
		return tlsparse.Maybe
	}
	return tlsparse.Yes
}

// probeHandshake checks the first fragment of a record, and of a hello's start
// what comes before its cipher suites.
func probeHandshake(r *record) tlsparse.Answer {
	if r.length < fragmentHeaderLen || len(r.payload) > 0 && !plaintextType(r.payload[0]) {
		return tlsparse.No
	}
	if len(r.payload) < fragmentHeaderLen {
		return tlsparse.Maybe
	}
	f, _, ok := parseFragment(r.payload, len(r.payload) < r.length)
	n := uint24(r.payload[9:])
	if !ok || f.seq >= maxProbeMessages || fragmentHeaderLen+n > r.length {
		return tlsparse.No
	}
	if rest := r.length - fragmentHeaderLen - n; rest > 0 && rest < fragmentHeaderLen {
		return tlsparse.No
	}
	if f.offset > 0 {
		return tlsparse.Yes
	}
	// A short first fragment is checked as far as it goes, and is enough.
	ans := probeBody(&f)
	if ans == tlsparse.Maybe && len(f.data) == n {
		return tlsparse.Yes
	}
	return ans
}

// plaintextType reports whether a handshake up to DTLS 1.2 shows such messages.
func plaintextType(t uint8) bool {
	switch t {
	case tlsparse.TypeClientHello, tlsparse.TypeServerHello, tlsparse.TypeHelloVerifyRequest,
		tlsparse.TypeNewSessionTicket, tlsparse.TypeCertificate, tlsparse.TypeServerKeyExchange,
		tlsparse.TypeCertificateRequest, tlsparse.TypeServerHelloDone, tlsparse.TypeCertificateVerify,
		tlsparse.TypeClientKeyExchange, tlsparse.TypeCertificateStatus, tlsparse.TypeSupplementalData:
		return true
	}
	return false
}

func probeBody(f *fragment) tlsparse.Answer {
	switch f.typ {
	case tlsparse.TypeClientHello:
		return probeClientHello(f)
	case tlsparse.TypeServerHello:
		return probeServerHello(f)
	case tlsparse.TypeHelloVerifyRequest:
		return probeVerifyRequest(f)
	}
	return tlsparse.Yes
}

func probeClientHello(f *fragment) tlsparse.Answer {
	b := f.data
	if f.length < minClientHello || !versionPrefix(b) {
		return tlsparse.No
	}
	const id = 2 + 32
	if len(b) <= id {
		return tlsparse.Maybe
	}
	cookie := id + 1 + int(b[id])
	if b[id] > 32 || cookie >= f.length {
		return tlsparse.No
	}
	if len(b) <= cookie {
		return tlsparse.Maybe
	}
	suites := cookie + 1 + int(b[cookie])
	if suites+2 > f.length {
		return tlsparse.No
	}
	if len(b) < suites+2 {
		return tlsparse.Maybe
	}
	n := int(binary.BigEndian.Uint16(b[suites:]))
	// Two bytes more at least are the compression methods.
	if n%2 != 0 || suites+2+n+2 > f.length {
		return tlsparse.No
	}
	return tlsparse.Yes
}

func probeServerHello(f *fragment) tlsparse.Answer {
	b := f.data
	if f.length < minServerHello || !versionPrefix(b) {
		return tlsparse.No
	}
	const id = 2 + 32
	if len(b) <= id {
		return tlsparse.Maybe
	}
	if b[id] > 32 || id+1+int(b[id])+2+1 > f.length {
		return tlsparse.No
	}
	return tlsparse.Yes
}

func probeVerifyRequest(f *fragment) tlsparse.Answer {
	if !versionPrefix(f.data) {
		return tlsparse.No
	}
	if len(f.data) < 3 {
		return tlsparse.Maybe
	}
	if f.length != 3+int(f.data[2]) {
		return tlsparse.No
	}
	return tlsparse.Yes
}

// versionPrefix reports whether b begins as a version of DTLS does.
func versionPrefix(b []byte) bool {
	switch len(b) {
	case 0:
		return true
	case 1:
		return b[0] == 0xfe || b[0] == versionOld>>8
	}
	return isVersion(binary.BigEndian.Uint16(b))
}
