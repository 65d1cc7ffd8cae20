package discover

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Bounds on a hostname (RFC 1035 §2.3.4).
const (
	maxHostname = 253
	maxLabel    = 63
)

// toASCII maps U-labels to A-labels as browsers do (UTS #46, non-transitional)
// without refusing names that are in use though they break IDNA2008's rules.
var toASCII = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false))

// Hostname normalises a name as sent: lower case, no trailing dot, A-labels.
// It reports false where the name is no hostname: empty, an IP address, a
// label over 63 or a name over 253 bytes, or a character that no hostname has.
// Underscores are accepted, because names with them are in use. A wildcard is
// no hostname.
func Hostname(sent string) (name string, ok bool) {
	if isPlainHostname(sent) {
		return sent, true
	}
	return normalHostname(sent)
}

// normalHostname is Hostname for any name.
func normalHostname(sent string) (name string, ok bool) {
	name = strings.TrimSuffix(sent, ".")
	if name == "" || len(name) > 4*maxHostname {
		return "", false
	}
	if !isASCII(name) {
		if !utf8.ValidString(name) {
			return "", false
		}
		ascii, err := toASCII.ToASCII(name)
		if err != nil {
			return "", false
		}
		name = strings.TrimSuffix(ascii, ".")
	}
	if !validLabels(name) {
		return "", false
	}
	name = lower(name)
	if looksLikeIP(name) {
		return "", false
	}
	return name, true
}

// isPlainHostname tells in one pass what most clients send: a hostname that is
// normal already. Of others it says nothing.
func isPlainHostname(s string) bool {
	if len(s) == 0 || len(s) > maxHostname {
		return false
	}
	label, letter := 0, false // length of the label, and whether it has a letter
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z':
			letter = true
		case '0' <= c && c <= '9', c == '-' && label > 0:
		case c == '.' && label > 0 && s[i-1] != '-':
			label, letter = 0, false
			continue
		default:
			return false
		}
		if label++; label > maxLabel {
			return false
		}
	}
	return letter && s[len(s)-1] != '-' // a last label without letters may be an address
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// validLabels checks length and characters of an ASCII name.
func validLabels(s string) bool {
	if len(s) == 0 || len(s) > maxHostname {
		return false
	}
	label := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '.':
			if label == 0 || s[i-1] == '-' {
				return false
			}
			label = 0
			continue
		case c == '-':
			if label == 0 {
				return false
			}
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_':
		default:
			return false
		}
		if label++; label > maxLabel {
			return false
		}
	}
	return label > 0 && s[len(s)-1] != '-'
}

// lower lowers ASCII and allocates only where something changes.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}

// looksLikeIP tells IPv4 addresses, also those with fewer or odd parts: a
// hostname's last label is never all digits (RFC 3696 §2, WHATWG URL "ends in a
// number").
func looksLikeIP(s string) bool {
	last := s[strings.LastIndexByte(s, '.')+1:]
	for i := 0; i < len(last); i++ {
		if last[i] < '0' || last[i] > '9' {
			return false
		}
	}
	if strings.IndexByte(s, '.') < 0 {
		return false // a single label of digits is odd, but no address
	}
	_, err := netip.ParseAddr(s)
	return err == nil || strings.Count(s, ".") <= 3
}

// Escape makes bytes that a stranger sent safe to show anywhere: printable
// ASCII stays, everything else (and the backslash, quotes, and the characters
// that start a formula or markup) becomes \xNN.
func Escape(sent []byte) string {
	safe := true
	for _, c := range sent {
		if !plain(c) {
			safe = false
			break
		}
	}
	if safe {
		return string(sent)
	}
	const hex = "0123456789abcdef"
	out := make([]byte, 0, len(sent)+16)
	for _, c := range sent {
		if plain(c) {
			out = append(out, c)
			continue
		}
		out = append(out, '\\', 'x', hex[c>>4], hex[c&15])
	}
	return string(out)
}

func plain(c byte) bool {
	return c > ' ' && c < 0x7f && c != '\\' && c != '"' && c != '\'' && c != '`' && c != '<' && c != '>' && c != '&' && c != '|'
}
