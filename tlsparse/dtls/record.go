package dtls

import (
	"encoding/binary"

	"blindspot/tlsparse"
)

// Content types that DTLS adds to those of TLS (RFC 9146 §4, RFC 9147 §7,
// RFC 9853 §3).
const (
	RecordCID = 25 // tls12_cid: a protected record with a connection id
	recordACK = 26
	recordRRC = 27 // return_routability_check
)

// versionOld is how OpenSSL before 0.9.8f and AnyConnect number DTLS 1.0.
const versionOld = 0x0100

const (
	recordHeaderLen = 13
	// maxRecordLen is the longest payload that a record can announce (RFC 6347
	// §4.1, RFC 5246 §6.2.3).
	maxRecordLen = 1<<14 + 2048
)

// record is a record of a datagram, with a header in full form.
type record struct {
	typ     uint8
	epoch   uint16
	seq     uint64
	length  int    // of the payload, as announced
	payload []byte // as captured
	size    int    // bytes of the datagram that it takes
}

// isVersion reports whether v is a version that stands in a record.
func isVersion(v uint16) bool {
	switch v {
	case tlsparse.VersionDTLS10, tlsparse.VersionDTLS12, tlsparse.VersionDTLS13, versionOld:
		return true
	}
	return false
}

// isRecordType reports whether t is a content type of a record in full form.
func isRecordType(t uint8) bool {
	return t >= tlsparse.RecordChangeCipherSpec && t <= recordRRC
}

// parseRecord reads the record at the start of b (RFC 6347 §4.1). The payload
// may be shorter than announced: the capture cut it, or the length lies. A
// record with a connection id has another form: parseCIDRecord.
func parseRecord(b []byte) (r record, ok bool) {
	if len(b) < recordHeaderLen || !isRecordType(b[0]) || !isVersion(binary.BigEndian.Uint16(b[1:])) {
		return r, false
	}
	r.typ = b[0]
	r.epoch = binary.BigEndian.Uint16(b[3:])
	r.seq = binary.BigEndian.Uint64(b[3:]) & (1<<48 - 1)
	r.length = int(binary.BigEndian.Uint16(b[11:]))
	if r.length > maxRecordLen {
		return r, false
	}
	r.payload = b[recordHeaderLen:min(len(b), recordHeaderLen+r.length)]
	r.size = recordHeaderLen + len(r.payload)
	return r, true
}
