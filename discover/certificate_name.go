package discover

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// attributeNames are the attribute types that a distinguished name is written
// with: RFC 4514 §3, and OpenSSL's short names for others in use.
var attributeNames = map[string]string{
	"2.5.4.3":                    "CN",
	"2.5.4.4":                    "SN",
	"2.5.4.5":                    "serialNumber",
	"2.5.4.6":                    "C",
	"2.5.4.7":                    "L",
	"2.5.4.8":                    "ST",
	"2.5.4.9":                    "street",
	"2.5.4.10":                   "O",
	"2.5.4.11":                   "OU",
	"2.5.4.12":                   "title",
	"2.5.4.13":                   "description",
	"2.5.4.15":                   "businessCategory",
	"2.5.4.17":                   "postalCode",
	"2.5.4.41":                   "name",
	"2.5.4.42":                   "GN",
	"2.5.4.43":                   "initials",
	"2.5.4.44":                   "generationQualifier",
	"2.5.4.46":                   "dnQualifier",
	"2.5.4.65":                   "pseudonym",
	"2.5.4.97":                   "organizationIdentifier",
	"1.2.840.113549.1.9.1":       "emailAddress",
	"1.2.840.113549.1.9.2":       "unstructuredName",
	"0.9.2342.19200300.100.1.1":  "UID",
	"0.9.2342.19200300.100.1.25": "DC",
	"1.3.6.1.4.1.311.60.2.1.1":   "jurisdictionL",
	"1.3.6.1.4.1.311.60.2.1.2":   "jurisdictionST",
	"1.3.6.1.4.1.311.60.2.1.3":   "jurisdictionC",
}

const oidCommonName = "2.5.4.3"

// attribute is one AttributeTypeAndValue (RFC 5280 §4.1.2.4).
type attribute struct {
	oid   string
	value element
	more  bool // belongs to the same relative name as the one before
}

// attributes reads a Name with its header.
func attributes(name []byte) []attribute {
	r := tlv(name)
	seq, _ := r.take(tagSequence)
	sets := tlv(seq.body)
	list := make([]attribute, 0, 8)
	for {
		set, ok := sets.take(tagSet)
		if !ok {
			return list
		}
		list = appendRelative(list, set.body)
	}
}

// appendRelative appends the attributes of one RelativeDistinguishedName.
func appendRelative(list []attribute, set []byte) []attribute {
	in, more := tlv(set), false
	for {
		pair, ok := in.take(tagSequence)
		if !ok {
			return list
		}
		p := tlv(pair.body)
		id, _ := p.take(tagOID)
		if value, ok := p.next(); ok {
			list = append(list, attribute{oidText(id.body), value, more})
			more = true
		}
	}
}

// nameText writes a Name by RFC 4514 §2, the last relative name first. Within a
// relative name, where order says nothing, it does as OpenSSL does.
func nameText(name []byte) string {
	list := attributes(name)
	var b strings.Builder
	b.Grow(len(name))
	for i := len(list) - 1; i >= 0; i-- {
		switch {
		case i == len(list)-1:
		case list[i+1].more:
			b.WriteByte('+')
		default:
			b.WriteByte(',')
		}
		writeAttribute(&b, &list[i])
	}
	return b.String()
}

func writeAttribute(b *strings.Builder, a *attribute) {
	name, known := attributeNames[a.oid]
	text, ok := stringText(a.value)
	if !known {
		name, ok = a.oid, false
	}
	b.WriteString(name)
	b.WriteByte('=')
	if !ok {
		b.WriteByte('#')
		b.WriteString(strings.ToUpper(hex.EncodeToString(a.value.full)))
		return
	}
	writeValue(b, text)
}

// writeValue escapes by RFC 4514 §2.4; control characters become hex pairs.
func writeValue(b *strings.Builder, text string) {
	if plainValue(text) {
		b.WriteString(text)
		return
	}
	for i, c := range text {
		switch {
		case c < ' ' || c == 0x7f:
			b.WriteByte('\\')
			b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{byte(c)})))
			continue
		case strings.ContainsRune(",+\"\\<>;", c),
			c == '#' && i == 0,
			c == ' ' && (i == 0 || i == len(text)-1):
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
}

// plainValue reports whether nothing in text is escaped: letters, digits, and
// dots, dashes and spaces within.
func plainValue(text string) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '\'':
		case c == ' ' && i > 0 && i < len(text)-1:
		default:
			return false
		}
	}
	return true
}

// commonName returns the last common name of a Name, the most specific one.
func commonName(name []byte) string {
	cn := ""
	for _, a := range attributes(name) {
		if a.oid == oidCommonName {
			if text, ok := stringText(a.value); ok {
				cn = text
			}
		}
	}
	return cn
}

// stringText decodes a DirectoryString (RFC 5280 §4.1.2.4) or IA5String,
// whatever its bytes are. It reports false where the element is no string.
func stringText(e element) (string, bool) {
	switch e.tag {
	case tagBMPString:
		return bmpText(e.body), true
	case tagUniversalString:
		return ucs4Text(e.body), true
	case tagT61String:
		return latin1(e.body), true // as OpenSSL, BoringSSL and Go read it
	case tagUTF8String, tagPrintableString, tagIA5String, tagNumericString, tagVisibleString:
		return latin(e.body), true
	}
	return "", false
}

// latin takes b for UTF-8 where it is valid, for Latin-1 otherwise.
func latin(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return latin1(b)
}

func latin1(b []byte) string {
	out := make([]byte, 0, len(b))
	for _, c := range b {
		out = utf8.AppendRune(out, rune(c))
	}
	return string(out)
}

func bmpText(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, uint16(b[0])<<8|uint16(b[1]))
	}
	if n := len(units); n > 0 && units[n-1] == 0 { // a terminator
		units = units[:n-1]
	}
	return string(utf16.Decode(units))
}

func ucs4Text(b []byte) string {
	var out []byte
	for ; len(b) >= 4; b = b[4:] {
		out = utf8.AppendRune(out, rune(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3])))
	}
	return string(out)
}

// maxOID bounds the bytes of an object identifier that are written as numbers.
const maxOID = 64

// commonOIDs are the object identifiers that most certificates have: a look-up
// costs a tenth of writing one.
var commonOIDs = map[string]string{
	"\x55\x04\x03": "2.5.4.3",
	"\x55\x04\x05": "2.5.4.5",
	"\x55\x04\x06": "2.5.4.6",
	"\x55\x04\x07": "2.5.4.7",
	"\x55\x04\x08": "2.5.4.8",
	"\x55\x04\x0a": "2.5.4.10",
	"\x55\x04\x0b": "2.5.4.11",
	"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19": "0.9.2342.19200300.100.1.25",
	"\x55\x1d\x0e":                     "2.5.29.14",
	"\x55\x1d\x0f":                     "2.5.29.15",
	"\x55\x1d\x11":                     "2.5.29.17",
	"\x55\x1d\x13":                     "2.5.29.19",
	"\x55\x1d\x1f":                     "2.5.29.31",
	"\x55\x1d\x20":                     "2.5.29.32",
	"\x55\x1d\x23":                     "2.5.29.35",
	"\x55\x1d\x25":                     "2.5.29.37",
	"\x2b\x06\x01\x05\x05\x07\x01\x01": "1.3.6.1.5.5.7.1.1",
	"\x2b\x06\x01\x05\x05\x07\x01\x18": "1.3.6.1.5.5.7.1.24",
	"\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02": "1.3.6.1.4.1.11129.2.4.2",
	"\x2b\x06\x01\x05\x05\x07\x03\x01":         "1.3.6.1.5.5.7.3.1",
	"\x2b\x06\x01\x05\x05\x07\x03\x02":         "1.3.6.1.5.5.7.3.2",
	"\x2b\x06\x01\x05\x05\x07\x30\x01":         "1.3.6.1.5.5.7.48.1",
	"\x2b\x06\x01\x05\x05\x07\x30\x02":         "1.3.6.1.5.5.7.48.2",
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01":     "1.2.840.113549.1.1.1",
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b":     "1.2.840.113549.1.1.11",
	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c":     "1.2.840.113549.1.1.12",
	"\x2a\x86\x48\xce\x3d\x02\x01":             "1.2.840.10045.2.1",
	"\x2a\x86\x48\xce\x3d\x03\x01\x07":         "1.2.840.10045.3.1.7",
	"\x2b\x81\x04\x00\x22":                     "1.3.132.0.34",
	"\x2a\x86\x48\xce\x3d\x04\x03\x02":         "1.2.840.10045.4.3.2",
	"\x2a\x86\x48\xce\x3d\x04\x03\x03":         "1.2.840.10045.4.3.3",
}

// oidText writes an object identifier in dotted form, and what is none as "#"
// and hex.
func oidText(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if text, ok := commonOIDs[string(b)]; ok {
		return text
	}
	if len(b) > maxOID || b[len(b)-1]&0x80 != 0 {
		return "#" + hex.EncodeToString(b[:min(len(b), maxOID)])
	}
	out := make([]byte, 0, 32)
	var arc uint64
	for _, c := range b {
		if arc >= 1<<57 {
			return "#" + hex.EncodeToString(b)
		}
		arc = arc<<7 | uint64(c&0x7f)
		if c&0x80 != 0 {
			continue
		}
		if len(out) == 0 { // the first two arcs share a number (X.690 §8.19.4)
			first := min(arc/40, 2)
			out = strconv.AppendUint(out, first, 10)
			arc -= 40 * first
		}
		out = append(out, '.')
		out = strconv.AppendUint(out, arc, 10)
		arc = 0
	}
	return string(out)
}
