package quic

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"testing"
)

// TestHKDF compares with crypto/hkdf, for every length of connection id and
// every scheme.
func TestHKDF(t *testing.T) {
	for i := range schemes[1:] {
		s := &schemes[i+1]
		for n := range maxIDLen + 1 {
			id := bytesOf(byte(n), n)
			want := must(hkdf.Extract(sha256.New, id, []byte(s.salt)))
			got := extract(id, s.salt)
			if !bytes.Equal(got[:], want) {
				t.Errorf("%s, id of %d bytes: extract %x, want %x", s.name, n, got, want)
			}
			for _, info := range []string{clientSecret, serverSecret, s.key, s.iv, s.hp} {
				want := must(hkdf.Expand(sha256.New, want, info, sha256.Size))
				if got := expand(got[:], info); !bytes.Equal(got[:], want) {
					t.Errorf("%s, %q: expand %x, want %x", s.name, info, got, want)
				}
			}
		}
	}
}
