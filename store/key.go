package store

import (
	"crypto/sha256"
	"encoding/binary"

	"blindspot/discover"
)

// keyEncoding is the version of the encoding under a key's id. Another
// encoding needs a migration that computes every id again.
const keyEncoding = 1

// hostPrefix is the part of a keyID that keys of one hostname have in common.
const hostPrefix = 8

// keyID names a discover.Key in every store: 8 bytes of SHA-256 over the
// hostname (zero where there is none), and 16 bytes of SHA-256 over the key's
// encoding. Ordered by it, the keys of a hostname are neighbours.
type keyID [hostPrefix + 16]byte

// idOf returns k's id. buf is scratch that is returned for the next call.
func idOf(k *discover.Key, buf []byte) (keyID, []byte) {
	var id keyID
	if k.Hostname != "" {
		buf = append(buf[:0], k.Hostname...)
		host := sha256.Sum256(buf)
		copy(id[:], host[:hostPrefix])
	}
	buf = appendKey(buf[:0], k)
	sum := sha256.Sum256(buf)
	copy(id[hostPrefix:], sum[:])
	return id, buf
}

// appendKey appends the canonical encoding of k: the version byte, then each
// field as it is written to its column, in the order of the columns, behind
// its length as an unsigned varint (encoding/binary).
func appendKey(b []byte, k *discover.Key) []byte {
	b = append(b, keyEncoding)
	b = appendField(b, k.Sensor)
	b = appendField(b, k.Network)
	b = appendField(b, k.Name.String())
	b = appendField(b, k.Hostname)
	b = appendField(b, k.Target)
	b = appendField(b, k.Transport.String())
	b = appendField(b, addrText(k.Server))
	b = appendField(b, digest(k.Chain[:]))
	b = appendField(b, digest(k.ClientChain[:]))
	b = appendField(b, k.Known)
	b = appendField(b, k.LengthEvidence)
	b = appendField(b, k.Version)
	b = appendField(b, k.Preface)
	b = appendField(b, string(k.Outcome))
	b = appendField(b, k.Alert)
	return appendField(b, k.Class)
}

func appendField[T string | []byte](b []byte, f T) []byte {
	b = binary.AppendUvarint(b, uint64(len(f)))
	return append(b, f...)
}
