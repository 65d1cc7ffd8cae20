package inventory

import (
	"encoding/hex"
	"slices"
	"strings"
)

// relative is one relative distinguished name: an attribute, or several joined
// by "+".
type relative []pair

type pair struct{ name, text string }

// attributeWords are the short names that discover.Certificate writes, by what
// tools write, in lower case.
var attributeWords = map[string]string{
	"cn": "CN", "commonname": "CN", "2.5.4.3": "CN",
	"o": "O", "organizationname": "O", "organization": "O", "2.5.4.10": "O",
	"ou": "OU", "organizationalunitname": "OU", "2.5.4.11": "OU",
	"c": "C", "countryname": "C", "country": "C", "2.5.4.6": "C",
	"st": "ST", "s": "ST", "sp": "ST", "stateorprovincename": "ST", "2.5.4.8": "ST",
	"l": "L", "localityname": "L", "locality": "L", "2.5.4.7": "L",
	"street": "street", "streetaddress": "street", "2.5.4.9": "street",
	"postalcode": "postalCode", "2.5.4.17": "postalCode",
	"serialnumber": "serialNumber", "2.5.4.5": "serialNumber",
	"dc": "DC", "domaincomponent": "DC", "0.9.2342.19200300.100.1.25": "DC",
	"uid": "UID", "userid": "UID", "0.9.2342.19200300.100.1.1": "UID",
	"e": "emailAddress", "email": "emailAddress", "emailaddress": "emailAddress", "1.2.840.113549.1.9.1": "emailAddress",
	"sn": "SN", "surname": "SN", "gn": "GN", "givenname": "GN", "title": "title", "initials": "initials",
	"businesscategory": "businessCategory", "2.5.4.15": "businessCategory",
	"organizationidentifier": "organizationIdentifier", "2.5.4.97": "organizationIdentifier",
	"dnq": "dnQualifier", "dnqualifier": "dnQualifier", "pseudonym": "pseudonym", "name": "name",
}

// rank orders attributes from the root of a directory down.
var rank = map[string]int{"C": 1, "DC": 1, "ST": 2, "L": 3, "street": 4, "O": 5, "OU": 6, "CN": 7, "emailAddress": 8}

// maxName bounds the text of a distinguished name.
const maxName = 4096

// normalDN writes a distinguished name as discover.Certificate has it: RFC 4514
// §2, the most specific name first. What is no distinguished name is returned
// as it is.
func normalDN(s string) string {
	s = strings.TrimSpace(s)
	if saysNothing(s) || len(s) > maxName {
		return ""
	}
	list, ok := parseDN(s)
	if !ok {
		return s
	}
	var b strings.Builder
	for i, rdn := range list {
		for j, p := range rdn {
			switch {
			case j > 0:
				b.WriteByte('+')
			case i > 0:
				b.WriteByte(',')
			}
			b.WriteString(p.name + "=")
			writeDNValue(&b, p.text)
		}
	}
	return b.String()
}

// parseDN reads a distinguished name: RFC 4514 and its forerunners (spaces,
// semicolons, quotes), in either direction, and OpenSSL's "/C=…/CN=…". The most
// specific name comes first in what it returns.
func parseDN(s string) ([]relative, bool) {
	separators := ",;"
	if strings.HasPrefix(s, "/") {
		s, separators = s[1:], "/"
	}
	var list []relative
	joined := false
	for s != "" {
		name, rest, ok := strings.Cut(s, "=")
		if name = strings.TrimSpace(name); !ok || !isAttribute(name) {
			return nil, false
		}
		text, after := dnValue(rest, separators)
		p := pair{attributeName(name), text}
		if joined {
			list[len(list)-1] = append(list[len(list)-1], p)
		} else {
			list = append(list, relative{p})
		}
		joined = strings.HasPrefix(after, "+")
		if after != "" {
			after = after[1:]
		}
		s = strings.TrimLeft(after, " ")
	}
	if len(list) == 0 {
		return nil, false
	}
	if rootFirst(list) {
		slices.Reverse(list)
	}
	return list, true
}

func rootFirst(list []relative) bool {
	first, last := rank[list[0][0].name], rank[list[len(list)-1][0].name]
	return first != 0 && last != 0 && first < last
}

func isAttribute(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '.' && c != '-' {
			return false
		}
	}
	return s != ""
}

func attributeName(s string) string {
	key := strings.TrimPrefix(strings.ToLower(s), "oid.")
	if name := attributeWords[key]; name != "" {
		return name
	}
	return strings.TrimPrefix(s, "OID.")
}

// dnValue reads a value up to the separator, which it leaves.
func dnValue(s, separators string) (text, rest string) {
	s = strings.TrimLeft(s, " ")
	out := make([]byte, 0, len(s))
	quoted := false
	kept := 0 // the length up to which spaces were escaped or quoted
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			n := unescape(&out, s[i+1:])
			i += n
			kept = len(out)
		case c == '"':
			quoted = !quoted
			kept = len(out)
		case !quoted && (c == '+' || strings.IndexByte(separators, c) >= 0) && endsValue(s[i+1:]):
			return trimTail(out, kept), s[i:]
		default:
			out = append(out, c)
		}
	}
	return trimTail(out, kept), ""
}

func trimTail(b []byte, kept int) string {
	return string(b[:kept]) + strings.TrimRight(string(b[kept:]), " ")
}

// unescape reads what follows a backslash and returns its length.
func unescape(out *[]byte, s string) int {
	if len(s) >= 2 {
		if b, err := hex.DecodeString(s[:2]); err == nil {
			*out = append(*out, b...)
			return 2
		}
	}
	*out = append(*out, s[0])
	return 1
}

// endsValue tells a separator by what follows it. Some tools, step among them,
// do not escape one within a value: "O=Shop, Ltd.,CN=…".
func endsValue(rest string) bool {
	name, _, ok := strings.Cut(rest, "=")
	return ok && isAttribute(strings.TrimSpace(name)) || strings.TrimSpace(rest) == ""
}

// writeDNValue escapes by RFC 4514 §2.4, as package discover does.
func writeDNValue(b *strings.Builder, text string) {
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

// issuerWords are the attributes of an issuer in a comparable form: "CN=r3".
// For a text that is no distinguished name it is the text alone.
func issuerWords(issuer string) []string {
	list, ok := parseDN(issuer)
	if !ok {
		if issuer == "" {
			return nil
		}
		return []string{foldText(issuer)}
	}
	var words []string
	for _, rdn := range list {
		for _, p := range rdn {
			words = append(words, p.name+"="+foldText(p.text))
		}
	}
	return words
}

// foldText compares as RFC 4518 wants it, nearly: no case, single spaces.
func foldText(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// withinIssuer reports whether what a record says of its issuer is part of what
// the certificate says: all of its attributes, or the one name that it gives.
func withinIssuer(said, full []string) bool {
	for _, word := range said {
		if strings.Contains(word, "=") && slices.Contains(full, word) {
			continue
		}
		if !slices.Contains(full, "CN="+word) && !slices.Contains(full, "O="+word) {
			return false
		}
	}
	return true
}
