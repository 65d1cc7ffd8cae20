package discover

import (
	"crypto/rsa"
	"strconv"
	"strings"
)

// The least sizes of keys that are not called weak: CA/Browser Forum Baseline
// Requirements §6.1.5, and for elliptic curves NIST SP 800-131A.
const (
	minRSABits   = 2048
	minECDSABits = 224
)

// WeakReason says what is weak about the certificate's key and signature, ""
// where nothing is. A signature by its own key proves nothing, so its hash does
// not matter.
func (c *Certificate) WeakReason() string {
	var reasons []string
	switch {
	case c.KeyType == keyDSA:
		reasons = append(reasons, "DSA key")
	case (c.KeyType == keyRSA || c.KeyType == keyRSAPSS) && c.KeyBits > 0 && c.KeyBits < minRSABits:
		reasons = append(reasons, "RSA key of "+strconv.Itoa(c.KeyBits)+" bits")
	case c.KeyType == keyECDSA && c.KeyBits > 0 && c.KeyBits < minECDSABits:
		reasons = append(reasons, "ECDSA key of "+strconv.Itoa(c.KeyBits)+" bits")
	}
	if r := oddExponent(c); r != "" {
		reasons = append(reasons, r)
	}
	if h := brokenHash(c.Signature); h != "" && !c.SignedItself() {
		reasons = append(reasons, "signed with "+h)
	}
	return strings.Join(reasons, ", ")
}

// oddExponent tells the public exponents that RFC 8017 §3.1 does not allow.
func oddExponent(c *Certificate) string {
	key, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok || key.E > 2 && key.E%2 == 1 {
		return ""
	}
	return "RSA exponent " + strconv.Itoa(key.E)
}

// brokenHash returns the hash of a signature algorithm where collisions of it
// can be made.
func brokenHash(signature string) string {
	for _, part := range strings.Split(signature, "-") {
		switch part {
		case "MD2", "MD4", "MD5":
			return part
		case "SHA1":
			return "SHA-1"
		}
	}
	return ""
}
