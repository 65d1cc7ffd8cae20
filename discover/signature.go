package discover

import (
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 certificates with DSA keys are still seen
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha1"
	_ "crypto/sha256" // SHA-224 and SHA-256 by crypto.Hash
	_ "crypto/sha3"   // SHA3 by crypto.Hash
	_ "crypto/sha512" // SHA-384 and SHA-512 by crypto.Hash
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Bounds on the keys that are calculated with, as a stranger chooses them.
// Longer ones leave a signature unknown. RSA is bounded as in crypto/tls; at
// the bound a signature costs up to 6 ms.
const (
	maxKeyBits   = 8192 // of an RSA modulus, and of P in DSA
	maxGroupBits = 512  // of Q in DSA; FIPS 186-4 §4.2 has 256 at most
)

// signatureAlgorithm is how something was signed: the kind of key ("" where it
// cannot be checked here), the hash, and for RSA the padding.
type signatureAlgorithm struct {
	name string
	key  string
	hash crypto.Hash
	pss  bool
}

// verify checks a signature by the key of c. The answer is unknown where it
// cannot be checked: an algorithm that the standard library does not have, a
// key that could not be read. A key of another kind did not sign.
func (a signatureAlgorithm) verify(c *Certificate, signed, signature []byte) Tri {
	family := c.keyFamily()
	switch {
	case a.key == "" || !signs(family):
		return Unknown
	case a.key != family:
		return No
	}
	switch pub := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if pub.N.BitLen() <= maxKeyBits {
			return a.verifyRSA(pub, signed, signature)
		}
	case *ecdsa.PublicKey:
		return TriOf(ecdsa.VerifyASN1(pub, digest(a.hash, signed), signature))
	case ed25519.PublicKey:
		return TriOf(ed25519.Verify(pub, signed, signature))
	case *dsa.PublicKey:
		if pub.P.BitLen() <= maxKeyBits && pub.Q.BitLen() <= maxGroupBits && pub.Q.BitLen()%8 == 0 {
			return TriOf(verifyDSA(pub, digest(a.hash, signed), signature))
		}
	}
	return Unknown
}

// signs tells the kinds of keys of which no two share a signature algorithm.
func signs(family string) bool {
	switch family {
	case keyRSA, keyECDSA, keyEd25519, keyEd448, keyDSA:
		return true
	}
	return false
}

func (a signatureAlgorithm) verifyRSA(pub *rsa.PublicKey, signed, signature []byte) Tri {
	if len(signature) != pub.Size() {
		return No // the first step of RFC 8017 §8.1.2 and §8.2.2
	}
	hashed := digest(a.hash, signed)
	var err error
	if a.pss {
		err = rsa.VerifyPSS(pub, a.hash, hashed, signature, nil)
	} else {
		err = rsa.VerifyPKCS1v15(pub, a.hash, hashed, signature)
	}
	switch {
	case err == nil:
		return Yes
	case errors.Is(err, rsa.ErrVerification):
		return No
	case a.pss:
		return Unknown // a key that crypto/rsa does not work with
	}
	return verifyOddRSA(pub, a.hash, hashed, signature)
}

// digestInfo is what stands before the hash in a PKCS #1 v1.5 signature (RFC
// 8017 §9.2, note 1).
var digestInfo = map[crypto.Hash]string{
	crypto.MD5SHA1: "", // RFC 4346 §4.7
	crypto.MD5:     "\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10",
	crypto.SHA1:    "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
	crypto.SHA224:  "\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x1c",
	crypto.SHA256:  "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
	crypto.SHA384:  "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
	crypto.SHA512:  "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
}

// verifyOddRSA does RFC 8017 §8.2.2 with keys that crypto/rsa refuses: under
// 1,024 bits, an even modulus or exponent, an exponent of 1.
func verifyOddRSA(pub *rsa.PublicKey, hash crypto.Hash, hashed, signature []byte) Tri {
	info, known := digestInfo[hash]
	size := pub.Size()
	padding := size - 3 - len(info) - len(hashed)
	if !known || padding < 8 || pub.E < 1 {
		return Unknown
	}
	s := new(big.Int).SetBytes(signature)
	if s.Cmp(pub.N) >= 0 {
		return No
	}
	want := make([]byte, 0, size)
	want = append(want, 0, 1)
	for range padding {
		want = append(want, 0xff)
	}
	want = append(want, 0)
	want = append(want, info...)
	want = append(want, hashed...)
	got := s.Exp(s, big.NewInt(int64(pub.E)), pub.N).FillBytes(make([]byte, size))
	return TriOf(string(got) == string(want))
}

// verifyDSA checks a Dss-Sig-Value (RFC 3279 §2.2.2) over a hash that is cut to
// the length of Q (FIPS 186-4 §4.6).
func verifyDSA(pub *dsa.PublicKey, hashed, signature []byte) bool {
	r, s := new(big.Int), new(big.Int)
	in := cryptobyte.String(signature)
	if !in.ReadASN1(&in, asn1.SEQUENCE) || !in.ReadASN1Integer(r) || !in.ReadASN1Integer(s) {
		return false
	}
	return dsa.Verify(pub, hashed[:min(len(hashed), pub.Q.BitLen()/8)], r, s)
}

func digest(hash crypto.Hash, signed []byte) []byte {
	if hash == crypto.MD5SHA1 {
		a, b := md5.Sum(signed), sha1.Sum(signed)
		return append(a[:], b[:]...)
	}
	h := hash.New()
	h.Write(signed)
	return h.Sum(nil)
}
