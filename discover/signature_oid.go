package discover

import "crypto"

// hashNames are the hashes by OID (RFC 8017 §B.1, FIPS 180 and 202).
var hashNames = map[string]struct {
	name string
	hash crypto.Hash
}{
	"1.2.840.113549.2.5":      {"MD5", crypto.MD5},
	"1.3.14.3.2.26":           {"SHA1", crypto.SHA1},
	"2.16.840.1.101.3.4.2.4":  {"SHA224", crypto.SHA224},
	"2.16.840.1.101.3.4.2.1":  {"SHA256", crypto.SHA256},
	"2.16.840.1.101.3.4.2.2":  {"SHA384", crypto.SHA384},
	"2.16.840.1.101.3.4.2.3":  {"SHA512", crypto.SHA512},
	"2.16.840.1.101.3.4.2.8":  {"SHA3-256", crypto.SHA3_256},
	"2.16.840.1.101.3.4.2.9":  {"SHA3-384", crypto.SHA3_384},
	"2.16.840.1.101.3.4.2.10": {"SHA3-512", crypto.SHA3_512},
}

// signatureAlgorithms are the algorithms of certificates by OID, named as
// crypto/x509 does where it knows them: RFC 3279, 4055, 5758, 8410, 8692, 9215,
// 9881.
var signatureAlgorithms = map[string]signatureAlgorithm{
	"1.2.840.113549.1.1.2":    {name: "MD2-RSA"},
	"1.2.840.113549.1.1.3":    {name: "MD4-RSA"},
	"1.2.840.113549.1.1.4":    {"MD5-RSA", keyRSA, crypto.MD5, false},
	"1.3.14.3.2.3":            {"MD5-RSA", keyRSA, crypto.MD5, false},
	"1.2.840.113549.1.1.5":    {"SHA1-RSA", keyRSA, crypto.SHA1, false},
	"1.3.14.3.2.29":           {"SHA1-RSA", keyRSA, crypto.SHA1, false},
	"1.2.840.113549.1.1.14":   {"SHA224-RSA", keyRSA, crypto.SHA224, false},
	"1.2.840.113549.1.1.11":   {"SHA256-RSA", keyRSA, crypto.SHA256, false},
	"1.2.840.113549.1.1.12":   {"SHA384-RSA", keyRSA, crypto.SHA384, false},
	"1.2.840.113549.1.1.13":   {"SHA512-RSA", keyRSA, crypto.SHA512, false},
	"1.3.36.3.3.1.2":          {name: "RIPEMD160-RSA"},
	"1.2.840.10040.4.3":       {"DSA-SHA1", keyDSA, crypto.SHA1, false},
	"1.3.14.3.2.27":           {"DSA-SHA1", keyDSA, crypto.SHA1, false},
	"2.16.840.1.101.3.4.3.1":  {"DSA-SHA224", keyDSA, crypto.SHA224, false},
	"2.16.840.1.101.3.4.3.2":  {"DSA-SHA256", keyDSA, crypto.SHA256, false},
	"2.16.840.1.101.3.4.3.3":  {"DSA-SHA384", keyDSA, crypto.SHA384, false},
	"2.16.840.1.101.3.4.3.4":  {"DSA-SHA512", keyDSA, crypto.SHA512, false},
	"1.2.840.10045.4.1":       {"ECDSA-SHA1", keyECDSA, crypto.SHA1, false},
	"1.2.840.10045.4.3.1":     {"ECDSA-SHA224", keyECDSA, crypto.SHA224, false},
	"1.2.840.10045.4.3.2":     {"ECDSA-SHA256", keyECDSA, crypto.SHA256, false},
	"1.2.840.10045.4.3.3":     {"ECDSA-SHA384", keyECDSA, crypto.SHA384, false},
	"1.2.840.10045.4.3.4":     {"ECDSA-SHA512", keyECDSA, crypto.SHA512, false},
	"2.16.840.1.101.3.4.3.10": {"ECDSA-SHA3-256", keyECDSA, crypto.SHA3_256, false},
	"2.16.840.1.101.3.4.3.11": {"ECDSA-SHA3-384", keyECDSA, crypto.SHA3_384, false},
	"2.16.840.1.101.3.4.3.12": {"ECDSA-SHA3-512", keyECDSA, crypto.SHA3_512, false},
	oidEd25519:                {name: keyEd25519, key: keyEd25519},
	"1.2.643.2.2.3":           {name: "GOST-2001"},
	"1.2.643.7.1.1.3.2":       {name: "GOST-2012-256"},
	"1.2.643.7.1.1.3.3":       {name: "GOST-2012-512"},
	"1.2.156.10197.1.501":     {name: "SM2-SM3"},
}

// algorithmOf reads the content of an AlgorithmIdentifier (RFC 5280 §4.1.1.2).
func algorithmOf(identifier []byte) signatureAlgorithm {
	r := tlv(identifier)
	id, _ := r.take(tagOID)
	oid := oidText(id.body)
	if oid == oidRSAPSS {
		params, _ := r.next()
		return pssAlgorithm(params.body)
	}
	if a, ok := signatureAlgorithms[oid]; ok {
		return a
	}
	if name := keyTypes[oid]; name != "" { // one OID for key and signature
		return signatureAlgorithm{name: name}
	}
	return signatureAlgorithm{name: oid}
}

// pssAlgorithm reads hashAlgorithm of RSASSA-PSS-params, SHA-1 by default (RFC
// 4055 §3.1).
func pssAlgorithm(params []byte) signatureAlgorithm {
	r := tlv(params)
	e, ok := r.take(0xa0)
	if !ok {
		return signatureAlgorithm{"SHA1-RSAPSS", keyRSA, crypto.SHA1, true}
	}
	r = tlv(e.body)
	seq, _ := r.take(tagSequence)
	r = tlv(seq.body)
	id, _ := r.take(tagOID)
	oid := oidText(id.body)
	if h, ok := hashNames[oid]; ok {
		return signatureAlgorithm{h.name + "-RSAPSS", keyRSA, h.hash, true}
	}
	return signatureAlgorithm{name: oid + "-RSAPSS"}
}
