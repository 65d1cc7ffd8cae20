package keylog

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"blindspot/tlsparse"
	"blindspot/tlsparse/internal/protect"
)

// suite12 is what protects the records of a cipher suite up to TLS 1.2: an AEAD,
// or a block cipher in CBC mode with a MAC.
type suite12 struct {
	keyLen  int
	fixedIV int // of the nonce, from the key block; 0 for CBC
	aead    func(key []byte) (cipher.AEAD, error)

	block func(key []byte) (cipher.Block, error)
	mac   func() hash.Hash
}

// suite12Of reads off a suite's name how its records are protected. ok is false
// for those that are not known here: stream ciphers, none at all, and national
// ones.
func suite12Of(id uint16) (s suite12, ok bool) {
	_, name, ok := strings.Cut(tlsparse.CipherSuiteName(id), "_WITH_")
	if !ok {
		return s, false
	}
	switch {
	case strings.HasPrefix(name, "AES_128_GCM_"):
		return suite12{keyLen: 16, fixedIV: 4, aead: protect.GCM}, true
	case strings.HasPrefix(name, "AES_256_GCM_"):
		return suite12{keyLen: 32, fixedIV: 4, aead: protect.GCM}, true
	case strings.HasPrefix(name, "CHACHA20_POLY1305_"):
		return suite12{keyLen: chacha20poly1305.KeySize, fixedIV: protect.IVLen, aead: chacha20poly1305.New}, true
	case strings.HasPrefix(name, "AES_") && strings.HasSuffix(name, "_CCM"):
		return suite12{keyLen: aesLen(name), fixedIV: 4, aead: protect.CCM}, true
	case strings.HasPrefix(name, "AES_") && strings.HasSuffix(name, "_CCM_8"):
		return suite12{keyLen: aesLen(name), fixedIV: 4, aead: protect.CCM8}, true
	}
	method, mac, _ := strings.Cut(name, "_CBC_")
	if s.mac, ok = macs[mac]; !ok {
		return s, false
	}
	switch method {
	case "AES_128", "AES_256":
		s.keyLen, s.block = aesLen(name), aes.NewCipher
	case "3DES_EDE":
		s.keyLen, s.block = 24, des.NewTripleDESCipher
	default:
		return s, false
	}
	return s, true
}

// macs are the hashes of the MACs, by the end of a suite's name.
var macs = map[string]func() hash.Hash{
	"MD5": md5.New, "SHA": sha1.New, "SHA256": sha256.New, "SHA384": sha512.New384,
}

// aesLen returns the length of an AES key in a suite's name.
func aesLen(name string) int {
	if strings.HasPrefix(name, "AES_256_") {
		return 32
	}
	return 16
}
