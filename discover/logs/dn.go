package logs

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// openSSLName writes a distinguished name as discover.Certificate has it from
// OpenSSL's RFC 2253 text, which hides everything beyond ASCII in hex pairs.
func openSSLName(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if c, ok := highPair(s[i:]); ok {
			out = append(out, c)
			i += 2
			continue
		}
		out = append(out, s[i])
		if s[i] == '\\' && i+1 < len(s) { // what is escaped opens no pair
			i++
			out = append(out, s[i])
		}
	}
	if !utf8.Valid(out) {
		return s
	}
	return string(out)
}

// highPair reads "\HH" of a byte from 0x80 on.
func highPair(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '\\' {
		return 0, false
	}
	high, ok1 := hexDigit(s[1])
	low, ok2 := hexDigit(s[2])
	c := high<<4 | low
	return c, ok1 && ok2 && c >= utf8.RuneSelf
}

// commonName returns the most specific common name of RFC 4514 text.
func commonName(dn string) string {
	for start := 0; start < len(dn); {
		end := start
		for end < len(dn) && dn[end] != ',' && dn[end] != '+' {
			if dn[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(dn))
		if value, ok := strings.CutPrefix(dn[start:end], "CN="); ok {
			return unescapeName(value)
		}
		start = end + 1
	}
	return ""
}

// unescapeName takes the backslashes off an attribute's value.
func unescapeName(value string) string {
	if strings.IndexByte(value, '\\') < 0 {
		return value
	}
	out := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' || i+1 == len(value) {
			out = append(out, value[i])
			continue
		}
		i++
		high, ok := hexDigit(value[i])
		if i+1 < len(value) && ok {
			if low, ok := hexDigit(value[i+1]); ok {
				out = append(out, high<<4|low)
				i++
				continue
			}
		}
		out = append(out, value[i])
	}
	return string(out)
}

// attributeStart finds where an attribute begins in Suricata's names, which
// escape nothing: "C=US, O=GitHub, Inc., CN=github.com".
var attributeStart = regexp.MustCompile(`, ([A-Za-z][A-Za-z0-9]*|[0-9]+(\.[0-9]+)+)=`)

// suricataName turns Suricata's text, the most general attribute first, into
// RFC 4514 text.
func suricataName(s string) string {
	var parts []string
	for {
		at := attributeStart.FindStringIndex(s)
		if at == nil {
			break
		}
		parts = append(parts, s[:at[0]])
		s = s[at[0]+2:]
	}
	parts = append(parts, s)
	slices.Reverse(parts)
	for i, part := range parts {
		name, value, ok := strings.Cut(part, "=")
		if ok {
			parts[i] = name + "=" + escapeName(value)
		}
	}
	return strings.Join(parts, ",")
}

// escapeName escapes by RFC 4514 §2.4.
func escapeName(value string) string {
	var b strings.Builder
	for i, c := range value {
		if strings.ContainsRune(",+\"\\<>;", c) || c == '#' && i == 0 || c == ' ' && (i == 0 || i == len(value)-1) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
