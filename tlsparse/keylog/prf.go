package keylog

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"hash"
	"strings"

	"blindspot/tlsparse"
)

// prf is the pseudorandom function of TLS up to 1.2 (RFC 5246 §5, RFC 2246 §5).
func prf(version, suite uint16, secret []byte, label string, seed []byte, n int) []byte {
	seed = append([]byte(label), seed...)
	if version >= tlsparse.VersionTLS12 {
		h := sha256.New
		if strings.HasSuffix(tlsparse.CipherSuiteName(suite), "_SHA384") {
			h = sha512.New384
		}
		return expandHash(h, secret, seed, n)
	}
	half := (len(secret) + 1) / 2
	out := expandHash(md5.New, secret[:half], seed, n)
	second := expandHash(sha1.New, secret[len(secret)-half:], seed, n)
	subtle.XORBytes(out, out, second)
	clear(second)
	return out
}

// expandHash is P_hash (RFC 5246 §5).
func expandHash(h func() hash.Hash, secret, seed []byte, n int) []byte {
	mac := hmac.New(h, secret)
	mac.Write(seed)
	a := mac.Sum(nil)
	out := make([]byte, 0, n+mac.Size()) // room, so that no half of it is left behind
	for len(out) < n {
		mac.Reset()
		mac.Write(a)
		mac.Write(seed)
		out = mac.Sum(out)
		mac.Reset()
		mac.Write(a)
		a = mac.Sum(a[:0])
	}
	clear(out[n:cap(out)])
	return out[:n]
}
