package tlsparse

// Content types of a record (RFC 8446 §5.1, RFC 6520 §3).
const (
	RecordChangeCipherSpec = 20
	RecordAlert            = 21
	RecordHandshake        = 22
	RecordApplicationData  = 23
	RecordHeartbeat        = 24
)

// RecordHeaderLen is the length of a record's header.
const RecordHeaderLen = 5

// maxRecordLen is the longest payload that a record can announce: 2^14 bytes
// and what compression and encryption may add (RFC 5246 §6.2.3).
const maxRecordLen = 1<<14 + 2048

// Record is a record's header. Its version lies about the version in use.
type Record struct {
	Type    uint8
	Version uint16
	Length  int
}

// ParseRecordHeader reads the header at the start of b. No: this is not TLS,
// for its type, its major version, which is always 3, or its length. The header
// is whole only with Yes.
func ParseRecordHeader(b []byte) (Record, Answer) {
	var r Record
	if len(b) > 0 {
		r.Type = b[0]
		if r.Type < RecordChangeCipherSpec || r.Type > RecordHeartbeat {
			return r, No
		}
	}
	if len(b) > 1 && b[1] != 3 {
		return r, No
	}
	if len(b) > 3 && b[3] > maxRecordLen>>8 {
		return r, No
	}
	if len(b) < RecordHeaderLen {
		return r, Maybe
	}
	r.Version = uint16(b[1])<<8 | uint16(b[2])
	r.Length = int(b[3])<<8 | int(b[4])
	if r.Length > maxRecordLen {
		return r, No
	}
	return r, Yes
}
