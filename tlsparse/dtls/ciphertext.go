package dtls

import "encoding/binary"

// Bits of the first byte of a DTLSCiphertext (RFC 9147 §4).
const (
	unifiedMask   = 0xe0
	unified       = 0x20 // 001
	unifiedCID    = 0x10
	unifiedSeq16  = 0x08
	unifiedLength = 0x04
	unifiedEpoch  = 0x03
)

// minCiphertext is the shortest ciphertext: the number's encryption samples so
// much of it (RFC 9147 §4.2.3).
const minCiphertext = 16

// applicationEpoch is the first epoch of DTLS 1.3 in which application data
// is sent by both sides (RFC 9147 §6.1).
const applicationEpoch = 3

// parseCiphertext reads the DTLS 1.3 record with a unified header at the start
// of b. n is as for parseCIDRecord. Of epoch there are two bits; type and
// number are hidden. The payload is set: it is what tells a copy.
func parseCiphertext(b []byte, n int) (r record, ok bool) {
	if len(b) < 1+1+minCiphertext || b[0]&unifiedMask != unified {
		return r, false
	}
	r.epoch = uint16(b[0] & unifiedEpoch)
	if b[0]&unifiedCID == 0 {
		n = 0
	} else if n < 0 {
		n = guessUnifiedCID(b)
	}
	at := 1 + max(n, 0) + 1
	if b[0]&unifiedSeq16 != 0 {
		at++
	}
	if b[0]&unifiedLength == 0 || n < 0 {
		at = min(at, len(b))
		r.payload, r.length, r.size = b[at:], len(b)-at, len(b)
		return r, r.length >= minCiphertext
	}
	if len(b) < at+2 {
		return r, false
	}
	r.length = int(binary.BigEndian.Uint16(b[at:]))
	r.payload = b[at+2 : min(len(b), at+2+r.length)]
	r.size = at + 2 + len(r.payload)
	return r, r.length >= minCiphertext && r.length <= maxRecordLen
}

// guessUnifiedCID returns the length of the connection id that lets the record
// end with the datagram or before another record of the same form, or -1.
func guessUnifiedCID(b []byte) int {
	if b[0]&unifiedLength == 0 {
		return -1
	}
	at := 1 + 1
	if b[0]&unifiedSeq16 != 0 {
		at++
	}
	for n := 0; n <= maxCIDGuess && at+n+2 <= len(b); n++ {
		end := at + n + 2 + int(binary.BigEndian.Uint16(b[at+n:]))
		if end == len(b) || end < len(b) && b[end]&(unifiedMask|unifiedCID) == unified|unifiedCID {
			return n
		}
	}
	return -1
}
