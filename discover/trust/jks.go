package trust

import (
	"crypto/sha1" //nolint:gosec // the format's checksum
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
)

// The format is sun.security.provider.JavaKeyStore's: magic, version and count
// as 32 bits, entries, and a SHA-1 that is keyed with the password.
const (
	magicJKS   = 0xfeedfeed
	magicJCEKS = 0xcececece

	entryKey     = 1
	entryTrusted = 2
)

// jksEntry is one entry of a Java keystore.
type jksEntry struct {
	alias string
	key   bool   // a private key with its chain, which is not read
	der   []byte // of a trusted certificate; aliases the input
}

func isJKS(data []byte) bool {
	if len(data) < 4 {
		return false
	}
	magic := binary.BigEndian.Uint32(data)
	return magic == magicJKS || magic == magicJCEKS
}

var errJKSShort = errors.New("the keystore breaks off or is damaged: copy it again")

// readJKS reads a Java keystore. Certificates in it are in the clear; the
// password only tells whether it is whole, and where none is given that is not
// checked, as in Java.
func readJKS(data []byte, password string) ([]jksEntry, error) {
	if len(data) < sha1.Size+12 {
		return nil, errJKSShort
	}
	body, sum := data[:len(data)-sha1.Size], data[len(data)-sha1.Size:]
	if password != "" && subtle.ConstantTimeCompare(jksSum(body, password), sum) != 1 {
		return nil, errors.New("the password does not fit, or the keystore is damaged")
	}
	s := cryptobyte.String(body)
	var magic, version, count uint32
	if !s.ReadUint32(&magic) || !s.ReadUint32(&version) || !s.ReadUint32(&count) {
		return nil, errJKSShort
	}
	if version != 1 && version != 2 {
		return nil, fmt.Errorf("keystore version %d is unknown: convert it with keytool -importkeystore -srckeystore FILE -destkeystore NEW", version)
	}
	var entries []jksEntry
	for range count {
		e, err := readJKSEntry(&s, version)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	if !s.Empty() {
		return nil, errJKSShort
	}
	return entries, nil
}

func readJKSEntry(s *cryptobyte.String, version uint32) (jksEntry, error) {
	var tag uint32
	var alias cryptobyte.String
	if !s.ReadUint32(&tag) || !s.ReadUint16LengthPrefixed(&alias) || !s.Skip(8) { // when it was made
		return jksEntry{}, errJKSShort
	}
	e := jksEntry{alias: string(alias), key: tag == entryKey}
	switch tag {
	case entryTrusted:
		der, ok := readJKSCertificate(s, version)
		if !ok {
			return e, errJKSShort
		}
		e.der = der
	case entryKey:
		if !skipJKSKey(s, version) {
			return e, errJKSShort
		}
	default:
		return e, fmt.Errorf("entry %q is a secret key (kind %d): convert the certificates with keytool -importkeystore -srcalias NAME -srckeystore FILE -destkeystore NEW", e.alias, tag)
	}
	return e, nil
}

func skipJKSKey(s *cryptobyte.String, version uint32) bool {
	var key []byte
	var chain uint32
	if !readUint32Prefixed(s, &key) || !s.ReadUint32(&chain) {
		return false
	}
	for range chain {
		if _, ok := readJKSCertificate(s, version); !ok {
			return false
		}
	}
	return true
}

// readJKSCertificate reads the type, since version 2, and the certificate.
func readJKSCertificate(s *cryptobyte.String, version uint32) (der []byte, ok bool) {
	var kind cryptobyte.String
	if version >= 2 && !s.ReadUint16LengthPrefixed(&kind) {
		return nil, false
	}
	return der, readUint32Prefixed(s, &der)
}

func readUint32Prefixed(s *cryptobyte.String, out *[]byte) bool {
	var n uint32
	return s.ReadUint32(&n) && uint64(n) <= uint64(len(*s)) && s.ReadBytes(out, int(n))
}

func jksSum(body []byte, password string) []byte {
	h := sha1.New() //nolint:gosec // the format's checksum
	for _, u := range utf16.Encode([]rune(password)) {
		h.Write([]byte{byte(u >> 8), byte(u)})
	}
	h.Write([]byte("Mighty Aphrodite"))
	h.Write(body)
	return h.Sum(nil)
}
