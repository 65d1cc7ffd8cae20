package discover

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Fingerprint is the SHA-256 of a certificate's DER.
type Fingerprint [sha256.Size]byte

// FingerprintOf returns the fingerprint of der.
func FingerprintOf(der []byte) Fingerprint { return sha256.Sum256(der) }

// ParseFingerprint reads 64 hex digits.
func ParseFingerprint(s string) (Fingerprint, error) {
	var f Fingerprint
	if len(s) != 2*len(f) {
		return f, fmt.Errorf("fingerprint %q: want %d hex digits", s, 2*len(f))
	}
	if _, err := hex.Decode(f[:], []byte(s)); err != nil {
		return f, fmt.Errorf("fingerprint %q: %w", s, err)
	}
	return f, nil
}

// String returns lower-case hex.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// Short returns the first 12 hex digits, for people.
func (f Fingerprint) Short() string { return hex.EncodeToString(f[:6]) }

// IsZero reports whether f is no fingerprint.
func (f Fingerprint) IsZero() bool { return f == Fingerprint{} }

// MarshalText writes lower-case hex.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads hex.
func (f *Fingerprint) UnmarshalText(b []byte) error {
	v, err := ParseFingerprint(string(b))
	if err == nil {
		*f = v
	}
	return err
}

// ChainID names a chain as presented: the SHA-256 over its fingerprints in
// order. The zero ChainID is no chain.
type ChainID [sha256.Size]byte

// ChainIDOf returns the id of chain.
func ChainIDOf(chain []Fingerprint) ChainID {
	if len(chain) == 0 {
		return ChainID{}
	}
	buf := make([]byte, 0, 4*sha256.Size)
	for i := range chain {
		buf = append(buf, chain[i][:]...)
	}
	return sha256.Sum256(buf)
}

// IsZero reports whether c is no chain.
func (c ChainID) IsZero() bool { return c == ChainID{} }

// String returns lower-case hex.
func (c ChainID) String() string { return hex.EncodeToString(c[:]) }
