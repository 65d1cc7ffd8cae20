package discover

import (
	"crypto/dsa" //lint:ignore SA1019 certificates with DSA keys are still seen
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"
)

// The key types that signatures can be checked with.
const (
	keyRSA     = "RSA"
	keyRSAPSS  = "RSA-PSS"
	keyECDSA   = "ECDSA"
	keyEd25519 = "Ed25519"
	keyEd448   = "Ed448"
	keyDSA     = "DSA"
)

const (
	oidRSA      = "1.2.840.113549.1.1.1"
	oidRSAPSS   = "1.2.840.113549.1.1.10"
	oidEC       = "1.2.840.10045.2.1"
	oidDSA      = "1.2.840.10040.4.1"
	oidEd25519  = "1.3.101.112"
	oidSM2Curve = "1.2.156.10197.1.301"
)

// keyTypes are the algorithms of a SubjectPublicKeyInfo by OID: RFC 3279, 4055,
// 5480, 8410, 9215, 9881, 9909.
var keyTypes = map[string]string{
	oidRSA:                    keyRSA,
	oidRSAPSS:                 keyRSAPSS,
	oidEC:                     keyECDSA,
	oidDSA:                    keyDSA,
	oidEd25519:                keyEd25519,
	"1.3.101.113":             keyEd448,
	"1.3.101.110":             "X25519",
	"1.3.101.111":             "X448",
	"1.2.840.10046.2.1":       "DH",
	"1.2.840.113549.1.3.1":    "DH",
	"1.3.132.1.12":            "ECDH",
	"1.2.643.2.2.19":          "GOST-2001",
	"1.2.643.7.1.1.1.1":       "GOST-2012-256",
	"1.2.643.7.1.1.1.2":       "GOST-2012-512",
	"2.16.840.1.101.3.4.3.17": "ML-DSA-44",
	"2.16.840.1.101.3.4.3.18": "ML-DSA-65",
	"2.16.840.1.101.3.4.3.19": "ML-DSA-87",
	"2.16.840.1.101.3.4.3.20": "SLH-DSA-SHA2-128s",
	"2.16.840.1.101.3.4.3.21": "SLH-DSA-SHA2-128f",
	"2.16.840.1.101.3.4.3.22": "SLH-DSA-SHA2-192s",
	"2.16.840.1.101.3.4.3.23": "SLH-DSA-SHA2-192f",
	"2.16.840.1.101.3.4.3.24": "SLH-DSA-SHA2-256s",
	"2.16.840.1.101.3.4.3.25": "SLH-DSA-SHA2-256f",
	"2.16.840.1.101.3.4.3.26": "SLH-DSA-SHAKE-128s",
	"2.16.840.1.101.3.4.3.27": "SLH-DSA-SHAKE-128f",
	"2.16.840.1.101.3.4.3.28": "SLH-DSA-SHAKE-192s",
	"2.16.840.1.101.3.4.3.29": "SLH-DSA-SHAKE-192f",
	"2.16.840.1.101.3.4.3.30": "SLH-DSA-SHAKE-256s",
	"2.16.840.1.101.3.4.3.31": "SLH-DSA-SHAKE-256f",
}

// curve is a named curve; its elliptic is nil where Go has none.
type curve struct {
	name     string
	bits     int
	elliptic elliptic.Curve
}

// curves are the named curves by OID: RFC 5480 §2.1.1.1, SEC 2, RFC 5639.
var curves = map[string]curve{
	"1.2.840.10045.3.1.1":   {"P-192", 192, nil},
	"1.3.132.0.33":          {"P-224", 224, elliptic.P224()},
	"1.2.840.10045.3.1.7":   {"P-256", 256, elliptic.P256()},
	"1.3.132.0.34":          {"P-384", 384, elliptic.P384()},
	"1.3.132.0.35":          {"P-521", 521, elliptic.P521()},
	"1.3.132.0.8":           {"secp160r1", 160, nil},
	"1.3.132.0.30":          {"secp160r2", 160, nil},
	"1.3.132.0.9":           {"secp160k1", 160, nil},
	"1.3.132.0.31":          {"secp192k1", 192, nil},
	"1.3.132.0.32":          {"secp224k1", 224, nil},
	"1.3.132.0.10":          {"secp256k1", 256, nil},
	"1.3.132.0.1":           {"sect163k1", 163, nil},
	"1.3.132.0.15":          {"sect163r2", 163, nil},
	"1.3.132.0.26":          {"sect233k1", 233, nil},
	"1.3.132.0.27":          {"sect233r1", 233, nil},
	"1.3.132.0.16":          {"sect283k1", 283, nil},
	"1.3.132.0.17":          {"sect283r1", 283, nil},
	"1.3.132.0.36":          {"sect409k1", 409, nil},
	"1.3.132.0.37":          {"sect409r1", 409, nil},
	"1.3.132.0.38":          {"sect571k1", 571, nil},
	"1.3.132.0.39":          {"sect571r1", 571, nil},
	"1.3.36.3.3.2.8.1.1.1":  {"brainpoolP160r1", 160, nil},
	"1.3.36.3.3.2.8.1.1.3":  {"brainpoolP192r1", 192, nil},
	"1.3.36.3.3.2.8.1.1.5":  {"brainpoolP224r1", 224, nil},
	"1.3.36.3.3.2.8.1.1.7":  {"brainpoolP256r1", 256, nil},
	"1.3.36.3.3.2.8.1.1.9":  {"brainpoolP320r1", 320, nil},
	"1.3.36.3.3.2.8.1.1.11": {"brainpoolP384r1", 384, nil},
	"1.3.36.3.3.2.8.1.1.13": {"brainpoolP512r1", 512, nil},
	oidSM2Curve:             {"SM2", 256, nil},
}

// fillKey reads a SubjectPublicKeyInfo with its header (RFC 5280 §4.1.2.7).
func (c *Certificate) fillKey(spki []byte) {
	r := tlv(spki)
	seq, _ := r.take(tagSequence)
	r = tlv(seq.body)
	alg, ok := r.take(tagSequence)
	if !ok {
		return
	}
	in := tlv(alg.body)
	id, _ := in.take(tagOID)
	oid := oidText(id.body)
	if c.KeyType = keyTypes[oid]; c.KeyType == "" {
		c.KeyType = oid
	}
	var key []byte
	if bits, ok := r.take(tagBitString); ok && len(bits.body) > 1 {
		key = bits.body[1:]
	}
	switch oid {
	case oidRSA, oidRSAPSS:
		c.fillRSA(key)
	case oidEC:
		c.fillEC(in, key)
	case oidDSA:
		c.fillDSA(in, key)
	case oidEd25519:
		if len(key) == ed25519.PublicKeySize {
			c.PublicKey = ed25519.PublicKey(key)
		}
	}
}

// fillRSA reads RFC 8017 §A.1.1. A modulus whose leading zero was forgotten is
// taken for positive.
func (c *Certificate) fillRSA(key []byte) {
	r := tlv(key)
	seq, _ := r.take(tagSequence)
	r = tlv(seq.body)
	modulus, ok := r.take(tagInteger)
	if !ok {
		return
	}
	n := new(big.Int).SetBytes(modulus.body)
	c.KeyBits = n.BitLen()
	exponent, ok := r.take(tagInteger)
	e := new(big.Int).SetBytes(exponent.body)
	if ok && n.Sign() > 0 && e.Sign() > 0 && e.BitLen() < 32 {
		c.PublicKey = &rsa.PublicKey{N: n, E: int(e.Int64())}
	}
}

// fillEC reads RFC 5480 §2.1.1 and §2.2.
func (c *Certificate) fillEC(params tlv, key []byte) {
	e, _ := params.next()
	switch e.tag {
	case tagOID:
		oid := oidText(e.body)
		named, ok := curves[oid]
		if !ok {
			c.Curve = oid
			return
		}
		c.Curve, c.KeyBits = named.name, named.bits
		if oid == oidSM2Curve {
			c.KeyType = "SM2"
		}
		if pub := ecdsaKey(named.elliptic, key); pub != nil {
			c.PublicKey = pub
		}
	case tagSequence:
		c.Curve, c.KeyBits = "explicit", explicitFieldBits(e.body)
	}
}

func ecdsaKey(on elliptic.Curve, key []byte) *ecdsa.PublicKey {
	if on == nil || len(key) == 0 {
		return nil
	}
	if key[0] == 2 || key[0] == 3 { // compressed (SEC 1 §2.3.3)
		x, y := elliptic.UnmarshalCompressed(on, key)
		if x == nil {
			return nil
		}
		size := (on.Params().BitSize + 7) / 8
		key = append(make([]byte, 0, 1+2*size), 4)
		key = append(key, x.FillBytes(make([]byte, size))...)
		key = append(key, y.FillBytes(make([]byte, size))...)
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(on, key)
	if err != nil {
		return nil
	}
	return pub
}

// explicitFieldBits reads the field's prime, or its degree, from
// SpecifiedECDomain (SEC 1 §C.2).
func explicitFieldBits(params []byte) int {
	r := tlv(params)
	r.take(tagInteger) // version
	field, _ := r.take(tagSequence)
	r = tlv(field.body)
	r.take(tagOID)
	if e, ok := r.take(tagInteger); ok {
		return new(big.Int).SetBytes(e.body).BitLen()
	}
	binary, _ := r.take(tagSequence)
	r = tlv(binary.body)
	e, _ := r.take(tagInteger)
	if len(e.body) > 2 {
		return 0
	}
	return int(new(big.Int).SetBytes(e.body).Int64())
}

// fillDSA reads RFC 3279 §2.3.2. Parameters that are inherited from the issuer
// leave the key unread.
func (c *Certificate) fillDSA(params tlv, key []byte) {
	seq, ok := params.take(tagSequence)
	if !ok {
		return
	}
	r := tlv(seq.body)
	p, q, g := readPositive(&r), readPositive(&r), readPositive(&r)
	r = tlv(key)
	y := readPositive(&r)
	if p == nil {
		return
	}
	c.KeyBits = p.BitLen()
	if q != nil && g != nil && y != nil {
		c.PublicKey = &dsa.PublicKey{Parameters: dsa.Parameters{P: p, Q: q, G: g}, Y: y}
	}
}

func readPositive(r *tlv) *big.Int {
	e, ok := r.take(tagInteger)
	n := new(big.Int).SetBytes(e.body)
	if !ok || n.Sign() == 0 {
		return nil
	}
	return n
}

// keyFamily names the key's kind by what it computes: RSA-PSS keys are RSA keys
// with a narrower permission.
func (c *Certificate) keyFamily() string {
	if c.KeyType == keyRSAPSS {
		return keyRSA
	}
	return c.KeyType
}

// keyBytes returns the content of the subjectPublicKey's BIT STRING.
func (c *Certificate) keyBytes() []byte {
	raw, _ := readCertificate(c.DER)
	r := tlv(raw.spki)
	seq, _ := r.take(tagSequence)
	r = tlv(seq.body)
	r.take(tagSequence)
	bits, ok := r.take(tagBitString)
	if !ok || len(bits.body) < 2 {
		return nil
	}
	return bits.body[1:]
}
