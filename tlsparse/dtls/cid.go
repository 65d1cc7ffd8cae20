package dtls

import (
	"encoding/binary"

	"golang.org/x/crypto/cryptobyte"

	"blindspot/tlsparse"
)

// extConnectionID is the extension connection_id (RFC 9146 §3).
const extConnectionID = 54

// maxCIDGuess bounds the connection ids that are looked for where their length
// is not known. They may have 255 bytes; in use are 4 to 20.
const maxCIDGuess = 20

// ConnectionID returns the connection id that a ClientHello (its body as it
// came) or a ServerHello asks for (RFC 9146 §3): the records that are sent to
// its sender will carry it. ok is false where there is none.
func ConnectionID(typ uint8, body []byte) (id []byte, ok bool) {
	s := cryptobyte.String(body)
	var skip, extensions cryptobyte.String
	if !s.Skip(2+32) || !s.ReadUint8LengthPrefixed(&skip) { // version, random, session_id
		return nil, false
	}
	switch typ {
	case tlsparse.TypeClientHello:
		ok = s.ReadUint8LengthPrefixed(&skip) && // cookie
			s.ReadUint16LengthPrefixed(&skip) && // cipher_suites
			s.ReadUint8LengthPrefixed(&skip) // compression_methods
	case tlsparse.TypeServerHello:
		ok = s.Skip(2 + 1) // cipher_suite, compression_method
	}
	if !ok || !s.ReadUint16LengthPrefixed(&extensions) {
		return nil, false
	}
	for !extensions.Empty() {
		var t uint16
		var data, cid cryptobyte.String
		if !extensions.ReadUint16(&t) || !extensions.ReadUint16LengthPrefixed(&data) {
			return nil, false
		}
		if t == extConnectionID {
			return cid, data.ReadUint8LengthPrefixed(&cid) && data.Empty()
		}
	}
	return nil, false
}

// parseCIDRecord reads the record with a connection id at the start of b (RFC
// 9146 §4). n is the id's length, or below 0 where it is not known: then it is
// the shortest that lets the record end with the datagram or before another
// record; if none does, the record takes all of the datagram.
func parseCIDRecord(b []byte, n int) (r record, ok bool) {
	if len(b) < recordHeaderLen || b[0] != RecordCID || !isVersion(binary.BigEndian.Uint16(b[1:])) {
		return r, false
	}
	r.typ = RecordCID
	r.epoch = binary.BigEndian.Uint16(b[3:])
	r.seq = binary.BigEndian.Uint64(b[3:]) & (1<<48 - 1)
	if n < 0 {
		n = guessCID(b)
	}
	if n < 0 || len(b) < recordHeaderLen+n {
		r.length, r.size = len(b)-recordHeaderLen, len(b)
		return r, true
	}
	r.length = int(binary.BigEndian.Uint16(b[11+n:]))
	r.size = min(len(b), recordHeaderLen+n+r.length)
	return r, r.length <= maxRecordLen
}

func guessCID(b []byte) int {
	for n := 0; n <= maxCIDGuess && recordHeaderLen+n <= len(b); n++ {
		end := recordHeaderLen + n + int(binary.BigEndian.Uint16(b[11+n:]))
		if end == len(b) {
			return n
		}
		if end+recordHeaderLen <= len(b) && isRecordType(b[end]) &&
			isVersion(binary.BigEndian.Uint16(b[end+1:])) {
			return n
		}
	}
	return -1
}
