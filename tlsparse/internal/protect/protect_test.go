package protect

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCCM opens and seals the examples of NIST SP 800-38C, appendix C, and the
// first packet vector of RFC 3610 §8.
func TestCCM(t *testing.T) {
	tests := []struct {
		name                         string
		key, nonce, aad, plain, want string
		tag                          int
	}{
		{"SP 800-38C example 1", "404142434445464748494a4b4c4d4e4f", "10111213141516", "0001020304050607",
			"20212223", "7162015b4dac255d", 4},
		{"SP 800-38C example 2", "404142434445464748494a4b4c4d4e4f", "1011121314151617", "000102030405060708090a0b0c0d0e0f",
			"202122232425262728292a2b2c2d2e2f", "d2a1f0e051ea5f62081a7792073d593d1fc64fbfaccd", 6},
		{"SP 800-38C example 3", "404142434445464748494a4b4c4d4e4f", "101112131415161718191a1b", "000102030405060708090a0b0c0d0e0f10111213",
			"202122232425262728292a2b2c2d2e2f3031323334353637",
			"e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951", 8},
		{"RFC 3610 packet vector 1", "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf", "00000003020100a0a1a2a3a4a5", "0001020304050607",
			"08090a0b0c0d0e0f101112131415161718191a1b1c1d1e", "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0", 8},
	}
	for _, tt := range tests {
		nonce, aad, plain, want := unhex(t, tt.nonce), unhex(t, tt.aad), unhex(t, tt.plain), unhex(t, tt.want)
		c, err := newCCM(unhex(t, tt.key), len(nonce), tt.tag)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Seal(nil, nonce, plain, aad); !bytes.Equal(got, want) {
			t.Errorf("%s: sealed %x, want %x", tt.name, got, want)
		}
		got, err := c.Open([]byte("before"), nonce, want, aad)
		if err != nil || !bytes.Equal(got, append([]byte("before"), plain...)) {
			t.Errorf("%s: opened %x, %v, want %x", tt.name, got, err, plain)
		}
		for i := range want {
			forged := bytes.Clone(want)
			forged[i] ^= 1
			if got, err := c.Open(nil, nonce, forged, aad); err == nil {
				t.Errorf("%s: opened %x with byte %d changed", tt.name, got, i)
			}
			if _, err := c.Open(nil, nonce, want[:i], aad); err == nil {
				t.Errorf("%s: opened a prefix of %d bytes", tt.name, i)
			}
		}
	}
}

// TestExpandLabel derives the server's keys of RFC 8448 §3.
func TestExpandLabel(t *testing.T) {
	secret := unhex(t, "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
	if got, want := ExpandLabel(sha256.New, secret, "key", 16), unhex(t, "3fce516009c21727d0f2e4e86ee403bc"); !bytes.Equal(got, want) {
		t.Errorf("key %x, want %x", got, want)
	}
	if got, want := ExpandLabel(sha256.New, secret, "iv", IVLen), unhex(t, "5d313eb2671276ee13000b30"); !bytes.Equal(got, want) {
		t.Errorf("iv %x, want %x", got, want)
	}
	if got := ExpandLabel(sha256.New, secret, "key", 1<<15); got != nil {
		t.Errorf("%d bytes of what HKDF cannot give", len(got))
	}
}
