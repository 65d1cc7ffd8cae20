package discover

import (
	"bytes"
	"unicode/utf8"
)

// Most certificates are written as RFC 5280 has it, without anything rare, and
// crypto/x509 would only find out that it has nothing to refuse: at four times
// the cost of reading one. What is plain here is accepted there
// (FuzzPlainCertificate); of everything else, crypto/x509 says whether and why
// not.

// maxPlainExtensions bounds the extensions among which a duplicate is looked
// for.
const maxPlainExtensions = 32

// der reads DER elements (X.690 §10) one by one.
type der []byte

// next returns the next element's tag and content, and reports false where the
// encoding is not distinguished, or a tag or length is of no use here.
func (r *der) next() (tag byte, body []byte, ok bool) {
	b := *r
	if len(b) < 2 || b[0]&0x1f == 0x1f {
		return 0, nil, false
	}
	head, size := 2, int(b[1])
	switch {
	case size < 0x80:
	case size == 0x81 && len(b) > 2 && b[2] >= 0x80:
		head, size = 3, int(b[2])
	case size == 0x82 && len(b) > 3 && b[2] != 0:
		head, size = 4, int(b[2])<<8|int(b[3])
	default:
		return 0, nil, false
	}
	if len(b)-head < size {
		return 0, nil, false
	}
	*r = b[head+size:]
	return b[0], b[head : head+size], true
}

// take returns the content of the next element, which must have the tag.
func (r *der) take(want byte) (body der, ok bool) {
	tag, body, ok := r.next()
	return body, ok && tag == want
}

// has reports whether the next element has the tag.
func (r der) has(tag byte) bool { return len(r) > 0 && r[0] == tag }

// only returns the content of an element that is all there is.
func (r der) only(want byte) (body der, ok bool) {
	body, ok = r.take(want)
	return body, ok && len(r) == 0
}

// isPlain reports whether cert is a certificate that crypto/x509 accepts if its
// key is one.
func isPlain(cert []byte) bool {
	outer, ok := der(cert).only(tagSequence)
	if !ok {
		return false
	}
	tbs, ok1 := outer.take(tagSequence)
	algorithm, ok2 := outer.take(tagSequence)
	signature, ok3 := outer.only(tagBitString)
	return ok1 && ok2 && ok3 && plainAlgorithm(algorithm) && plainBits(signature) && plainTBS(tbs, algorithm)
}

// plainTBS tells RFC 5280 §4.1.2 of version 3, without unique identifiers.
func plainTBS(tbs, signature der) bool {
	version, ok1 := tbs.take(0xa0)
	serial, ok2 := tbs.take(tagInteger)
	algorithm, ok3 := tbs.take(tagSequence)
	issuer, ok4 := tbs.take(tagSequence)
	validity, ok5 := tbs.take(tagSequence)
	subject, ok6 := tbs.take(tagSequence)
	key, ok7 := tbs.take(tagSequence)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || !ok7 {
		return false
	}
	if !bytes.Equal(version, []byte{tagInteger, 1, 2}) || !plainInteger(serial) || !bytes.Equal(algorithm, signature) {
		return false
	}
	return plainName(issuer) && plainTime(&validity) && plainTime(&validity) && len(validity) == 0 && plainName(subject) &&
		plainKey(key) && (len(tbs) == 0 || plainExtensions(tbs))
}

// plainInteger tells an integer that is not negative, in its shortest form
// (X.690 §8.3.2).
func plainInteger(b der) bool {
	return len(b) > 0 && b[0] < 0x80 && (len(b) == 1 || b[0] != 0 || b[1] >= 0x80)
}

// plainBits tells a BIT STRING (X.690 §8.6, §11.2).
func plainBits(b der) bool {
	if len(b) == 0 || b[0] > 7 || len(b) == 1 && b[0] != 0 {
		return false
	}
	return b[len(b)-1]&(1<<b[0]-1) == 0 || len(b) == 1
}

// plainOID tells an object identifier (X.690 §8.19) of numbers below 2^28.
func plainOID(b der) bool {
	size := 0
	for _, c := range b {
		if size++; size == 1 && c == 0x80 || size > 4 {
			return false
		}
		if c < 0x80 {
			size = 0
		}
	}
	return len(b) > 0 && size == 0
}

// plainAlgorithm tells an AlgorithmIdentifier's content (RFC 5280 §4.1.1.2).
func plainAlgorithm(b der) bool {
	id, ok := b.take(tagOID)
	if !ok || !plainOID(id) {
		return false
	}
	if len(b) == 0 {
		return true
	}
	_, _, ok = b.next()
	return ok && len(b) == 0
}

// plainName tells a Name's content (RFC 5280 §4.1.2.4) of the strings that new
// certificates have.
func plainName(b der) bool {
	for len(b) > 0 {
		set, ok := b.take(tagSet)
		if !ok {
			return false
		}
		for len(set) > 0 {
			pair, ok := set.take(tagSequence)
			if !ok || !plainAttribute(pair) {
				return false
			}
		}
	}
	return true
}

func plainAttribute(pair der) bool {
	id, ok := pair.take(tagOID)
	if !ok || !plainOID(id) {
		return false
	}
	tag, value, ok := pair.next()
	if !ok || len(pair) > 0 {
		return false
	}
	switch tag {
	case tagPrintableString:
		return printable(value)
	case tagUTF8String:
		return utf8.Valid(value)
	case tagIA5String:
		return ascii(value)
	}
	return false
}

// printable tells a PrintableString (X.680 §41.4).
func printable(b []byte) bool {
	for _, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == ' ', '\'' <= c && c <= ')', '+' <= c && c <= '/', c == ':', c == '=', c == '?':
		default:
			return false
		}
	}
	return true
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// plainTime tells a time of RFC 5280 §4.1.2.5 on a day that each month has.
func plainTime(r *der) bool {
	tag, b, ok := r.next()
	switch {
	case !ok, len(b) < 13, b[len(b)-1] != 'Z', len(leadingDigits(b)) != len(b)-1:
		return false
	case tag == tagUTCTime && len(b) == 13, tag == tagGeneralizedTime && len(b) == 15:
	default:
		return false
	}
	b = b[len(b)-11:]
	month, day := number(b[:2]), number(b[2:4])
	return month >= 1 && month <= 12 && day >= 1 && (day <= 28 || day <= 30 && month != 2 || day == 31 && longMonth(month)) &&
		number(b[4:6]) <= 23 && number(b[6:8]) <= 59 && number(b[8:10]) <= 59
}

func longMonth(m int) bool {
	return m == 1 || m == 3 || m == 5 || m == 7 || m == 8 || m == 10 || m == 12
}

// plainKey tells a SubjectPublicKeyInfo's content whose key, if there is one,
// fillKey reads as crypto/x509 does: RSA (RFC 3279 §2.3.1), a point of a named
// curve that is not compressed (RFC 5480), Ed25519 (RFC 8410).
func plainKey(b der) bool {
	algorithm, ok1 := b.take(tagSequence)
	bits, ok2 := b.only(tagBitString)
	if !ok1 || !ok2 || len(bits) < 2 || bits[0] != 0 {
		return false
	}
	id, ok := algorithm.take(tagOID)
	if !ok {
		return false
	}
	switch key := bits[1:]; oidText(id) {
	case oidRSA:
		return bytes.Equal(algorithm, []byte{tagNull, 0}) && plainRSA(key)
	case oidEC:
		curve, ok := algorithm.only(tagOID)
		return ok && plainOID(curve) && key[0] == 4
	case oidEd25519:
		return len(algorithm) == 0
	}
	return false
}

// plainRSA tells RFC 8017 §A.1.1.
func plainRSA(b der) bool {
	key, ok := b.only(tagSequence)
	if !ok {
		return false
	}
	modulus, ok1 := key.take(tagInteger)
	exponent, ok2 := key.only(tagInteger)
	return ok1 && ok2 && plainInteger(modulus) && plainInteger(exponent)
}
