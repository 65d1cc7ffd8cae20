package quic

// maxIDLen is the length of the longest connection id in any version that is
// known (RFC 9000 §17.2).
const maxIDLen = 20

// ID is a connection id, as a value that can be compared and be a key.
type ID struct {
	n uint8
	b [maxIDLen]byte
}

// MakeID returns b as an ID. What is longer than any known version allows is cut.
func MakeID(b []byte) ID {
	var id ID
	id.n = uint8(copy(id.b[:], b))
	return id
}

// Bytes returns the id's bytes.
func (id *ID) Bytes() []byte { return id.b[:id.n] }

// Len returns the id's length; 0 is one that its owner does not need.
func (id *ID) Len() int { return int(id.n) }

// is reports whether the id is b.
func (id *ID) is(b []byte) bool { return string(id.b[:id.n]) == string(b) }

// hash mixes the id's bytes (FNV-1a). Somebody who makes it collide loses the
// keys that are cached, nothing else.
func (id *ID) hash() uint32 {
	h := uint32(2166136261)
	for _, b := range id.Bytes() {
		h = (h ^ uint32(b)) * 16777619
	}
	return h
}
