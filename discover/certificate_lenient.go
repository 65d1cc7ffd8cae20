package discover

import (
	"math/big"
	"time"
)

// ASN.1 tags of a certificate (X.680 §8.4).
const (
	tagBoolean         = 0x01
	tagInteger         = 0x02
	tagBitString       = 0x03
	tagOctetString     = 0x04
	tagNull            = 0x05
	tagOID             = 0x06
	tagUTF8String      = 0x0c
	tagNumericString   = 0x12
	tagPrintableString = 0x13
	tagT61String       = 0x14
	tagIA5String       = 0x16
	tagUTCTime         = 0x17
	tagGeneralizedTime = 0x18
	tagVisibleString   = 0x1a
	tagUniversalString = 0x1c
	tagBMPString       = 0x1e
	tagSequence        = 0x30
	tagSet             = 0x31
)

// constructed is the bit of a tag whose element holds elements.
const constructed = 0x20

// tlv reads BER elements one by one and forgives what cryptobyte, rightly, does
// not: lengths in more bytes than needed, and constructed elements that are cut
// short, which yield the elements that are there.
type tlv []byte

// element is one ASN.1 element. Its slices alias the input.
type element struct {
	tag  byte
	body []byte
	full []byte // with tag and length
	cut  bool   // says that it is longer than the input
}

// next returns the next element; false at the end, and where no header or only
// a part of a value can be read.
func (r *tlv) next() (element, bool) {
	b := *r
	if len(b) < 2 || b[0]&0x1f == 0x1f { // no certificate has tags above 30
		return element{}, false
	}
	head, size := 2, int(b[1])
	if size >= 0x80 {
		n := size & 0x7f
		if n == 0 || len(b) < 2+n { // 0x80 is BER's indefinite length
			return element{}, false
		}
		head, size = 2+n, clampLength(b[2:2+n])
	}
	cut := size > len(b)-head
	if cut && b[0]&constructed == 0 {
		return element{}, false
	}
	end := head + min(size, len(b)-head)
	*r = b[end:]
	return element{b[0], b[head:end], b[:end], cut}, true
}

func clampLength(b []byte) int {
	const most = 1 << 30
	n := 0
	for _, c := range b {
		if n = n<<8 | int(c); n > most {
			return most
		}
	}
	return n
}

// peek returns the next tag, 0 at the end.
func (r tlv) peek() byte {
	if len(r) == 0 {
		return 0
	}
	return r[0]
}

// takeWhole is take for elements that are worth nothing when they are cut.
func (r *tlv) takeWhole(tag byte) (element, bool) {
	e, ok := r.take(tag)
	return e, ok && !e.cut
}

// take returns the next element where it has the tag, and leaves it otherwise.
func (r *tlv) take(tag byte) (element, bool) {
	if r.peek() != tag {
		return element{}, false
	}
	return r.next()
}

// rawCertificate is a certificate's frame: the parts of RFC 5280 §4.1, each
// nil where it is missing. They alias the DER.
type rawCertificate struct {
	signed             []byte // TBSCertificate with its header
	serial             []byte
	issuer             []byte
	validity           []byte
	subject            []byte
	spki               []byte
	extensions         []byte
	signatureAlgorithm []byte // content of the AlgorithmIdentifier
	signature          []byte
}

// readCertificate cuts a certificate into its parts. It reports false where
// there is no certificate to be seen.
func readCertificate(der []byte) (raw rawCertificate, ok bool) {
	in := tlv(der)
	outer, ok := in.take(tagSequence)
	if !ok {
		return raw, false
	}
	parts := tlv(outer.body)
	tbs, ok := parts.take(tagSequence)
	if !ok || tlv(tbs.body).peek() == 0 {
		return raw, false
	}
	raw.signed = tbs.full
	raw.readTBS(tbs.body)
	if e, ok := parts.take(tagSequence); ok {
		raw.signatureAlgorithm = e.body
	}
	if e, ok := parts.take(tagBitString); ok && len(e.body) > 1 {
		raw.signature = e.body[1:]
	}
	return raw, len(raw.issuer) > 0 || len(raw.validity) > 0
}

// readTBS reads RFC 5280 §4.1.2 in its order and skips nothing that it does not
// know, so that a missing field moves none of the others.
func (raw *rawCertificate) readTBS(body []byte) {
	r := tlv(body)
	r.take(0xa0) // version
	if e, ok := r.take(tagInteger); ok {
		raw.serial = e.body
	}
	if e, ok := r.takeWhole(tagSequence); ok {
		raw.signatureAlgorithm = e.body // until the outer one is read
	}
	if e, ok := r.takeWhole(tagSequence); ok {
		raw.issuer = e.full
	}
	if e, ok := r.take(tagSequence); ok {
		raw.validity = e.body
	}
	if e, ok := r.takeWhole(tagSequence); ok {
		raw.subject = e.full
	}
	if e, ok := r.takeWhole(tagSequence); ok {
		raw.spki = e.full
	}
	for len(r) > 0 {
		e, ok := r.next()
		if !ok {
			return
		}
		if e.tag == 0xa3 {
			raw.extensions = e.body
		}
	}
}

// fillLenient reads every field by itself and reports whether there was one.
func (c *Certificate) fillLenient(raw *rawCertificate) bool {
	c.Serial = serialText(raw.serial)
	c.NotBefore, c.NotAfter = readValidity(raw.validity)
	c.SubjectDER, c.IssuerDER = raw.subject, raw.issuer
	c.Subject, c.Issuer = nameText(raw.subject), nameText(raw.issuer)
	c.CommonName = commonName(raw.subject)
	c.Signature = algorithmOf(raw.signatureAlgorithm).name
	if len(raw.spki) > 0 {
		c.SPKI = FingerprintOf(raw.spki)
		c.fillKey(raw.spki)
	}
	c.fillRawExtensions(raw)
	return c.Serial != "" || c.Subject != "" || c.Issuer != "" || !c.NotAfter.IsZero() || c.KeyType != ""
}

func (c *Certificate) fillRawExtensions(raw *rawCertificate) {
	outer := tlv(raw.extensions)
	list, _ := outer.take(tagSequence)
	r := tlv(list.body)
	for {
		e, ok := r.take(tagSequence)
		if !ok {
			return
		}
		in := tlv(e.body)
		id, _ := in.take(tagOID)
		in.take(tagBoolean) // critical
		if value, ok := in.take(tagOctetString); ok {
			c.fillExtension(oidText(id.body), value.body)
		}
	}
}

// serialText reads a two's complement integer (X.690 §8.3).
func serialText(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	n := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n.Text(16)
}

func readValidity(b []byte) (notBefore, notAfter time.Time) {
	r := tlv(b)
	if e, ok := r.next(); ok {
		notBefore = readTime(e)
	}
	if e, ok := r.next(); ok {
		notAfter = readTime(e)
	}
	return notBefore, notAfter
}

// readTime reads a UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 has it, and
// also without seconds, with fractions of a second, with an offset, without a
// zone, under the other one's tag, and on days that a month does not have. The
// zero Time is no time.
func readTime(e element) time.Time {
	if e.tag != tagUTCTime && e.tag != tagGeneralizedTime {
		return time.Time{}
	}
	digits := leadingDigits(e.body)
	year, fields := 0, digits
	switch n := len(digits); {
	case n == 14, n == 12 && e.tag == tagGeneralizedTime:
		year, fields = number(digits[:4]), digits[4:]
	case n == 12, n == 10:
		year, fields = 1900+number(digits[:2]), digits[2:]
		if year < 1950 {
			year += 100
		}
	default:
		return time.Time{}
	}
	month, day, hour, minute, second := number(fields[:2]), number(fields[2:4]), number(fields[4:6]), number(fields[6:8]), 0
	if len(fields) == 10 {
		second = number(fields[8:])
	}
	offset, ok := readZone(e.body[len(digits):])
	if !ok || month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60 {
		return time.Time{}
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC).Add(-offset)
}

// readZone reads what follows the digits: a fraction, then "Z", "+hhmm",
// "-hhmm" or nothing.
func readZone(b []byte) (offset time.Duration, ok bool) {
	if len(b) > 0 && (b[0] == '.' || b[0] == ',') {
		b = b[1+len(leadingDigits(b[1:])):]
	}
	switch {
	case len(b) == 0, len(b) == 1 && (b[0] == 'Z' || b[0] == 'z'):
		return 0, true
	case len(b) != 5 || b[0] != '+' && b[0] != '-' || len(leadingDigits(b[1:])) != 4:
		return 0, false
	}
	offset = time.Duration(number(b[1:3]))*time.Hour + time.Duration(number(b[3:]))*time.Minute
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

func leadingDigits(b []byte) []byte {
	n := 0
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return b[:n]
}

func number(digits []byte) int {
	n := 0
	for _, c := range digits {
		n = 10*n + int(c-'0')
	}
	return n
}
