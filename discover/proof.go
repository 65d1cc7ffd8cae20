package discover

import "crypto"

// minSigned is the least that a server's key exchange signature covers: both
// randoms (RFC 5246 §7.4.3).
const minSigned = 2 * 32

// proofSchemes are the signature schemes of TLS 1.2: SignatureAndHashAlgorithm
// of RFC 5246 §7.4.1.4.1, and of RFC 8446 §4.2.3 and RFC 8422 §5.10 those that
// TLS 1.2 took over. Others cannot be checked here.
var proofSchemes = map[uint16]signatureAlgorithm{
	0x0101: {"rsa_pkcs1_md5", keyRSA, crypto.MD5, false},
	0x0201: {"rsa_pkcs1_sha1", keyRSA, crypto.SHA1, false},
	0x0301: {"rsa_pkcs1_sha224", keyRSA, crypto.SHA224, false},
	0x0401: {"rsa_pkcs1_sha256", keyRSA, crypto.SHA256, false},
	0x0501: {"rsa_pkcs1_sha384", keyRSA, crypto.SHA384, false},
	0x0601: {"rsa_pkcs1_sha512", keyRSA, crypto.SHA512, false},
	0x0202: {"dsa_sha1", keyDSA, crypto.SHA1, false},
	0x0302: {"dsa_sha224", keyDSA, crypto.SHA224, false},
	0x0402: {"dsa_sha256", keyDSA, crypto.SHA256, false},
	0x0502: {"dsa_sha384", keyDSA, crypto.SHA384, false},
	0x0602: {"dsa_sha512", keyDSA, crypto.SHA512, false},
	0x0203: {"ecdsa_sha1", keyECDSA, crypto.SHA1, false},
	0x0303: {"ecdsa_sha224", keyECDSA, crypto.SHA224, false},
	0x0403: {"ecdsa_sha256", keyECDSA, crypto.SHA256, false},
	0x0503: {"ecdsa_sha384", keyECDSA, crypto.SHA384, false},
	0x0603: {"ecdsa_sha512", keyECDSA, crypto.SHA512, false},
	0x0804: {"rsa_pss_rsae_sha256", keyRSA, crypto.SHA256, true},
	0x0805: {"rsa_pss_rsae_sha384", keyRSA, crypto.SHA384, true},
	0x0806: {"rsa_pss_rsae_sha512", keyRSA, crypto.SHA512, true},
	0x0807: {"ed25519", keyEd25519, 0, false},
	0x0808: {"ed448", keyEd448, 0, false},
	0x0809: {"rsa_pss_pss_sha256", keyRSA, crypto.SHA256, true},
	0x080a: {"rsa_pss_pss_sha384", keyRSA, crypto.SHA384, true},
	0x080b: {"rsa_pss_pss_sha512", keyRSA, crypto.SHA512, true},
}

// oldSchemes are the signatures before TLS 1.2, by key (RFC 4346 §7.4.3, RFC
// 4492 §5.4).
var oldSchemes = map[string]signatureAlgorithm{
	keyRSA:   {"rsa_md5_sha1", keyRSA, crypto.MD5SHA1, false},
	keyDSA:   {"dsa_sha1", keyDSA, crypto.SHA1, false},
	keyECDSA: {"ecdsa_sha1", keyECDSA, crypto.SHA1, false},
}

// Check says whether the server signed with the key of its leaf. No means that
// the signature was checked and failed, or that a key of another kind made it;
// what cannot be checked here is unknown.
func (p *KeyProof) Check(leaf *Certificate) Tri {
	if p == nil || leaf == nil || len(p.Signed) < minSigned || len(p.Signature) == 0 {
		return Unknown
	}
	if p.Scheme == 0 {
		return oldSchemes[leaf.keyFamily()].verify(leaf, p.Signed, p.Signature)
	}
	return proofSchemes[p.Scheme].verify(leaf, p.Signed, p.Signature)
}
