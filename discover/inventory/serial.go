package inventory

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// maxSerial bounds the digits of a serial number. RFC 5280 §4.1.2.2 allows 20
// bytes; longer ones are seen.
const maxSerial = 256

// base is how the digits of a serial number are to be read.
type base int

const (
	hexadecimal base = 16
	decimal     base = 10
)

// rounded is what a spreadsheet makes of a long number.
var rounded = regexp.MustCompile(`^\d+([.,]\d+)?[eE]\+\d+$`)

// hexMarks are what is left out of a serial number in hex.
var hexMarks = strings.NewReplacer(":", "", " ", "", "-", "", "_", "")

// parseSerial reads a serial number as inventories write it and returns it as
// discover.Certificate.Serial has it. Digits with separators, letters or "0x"
// are hex in any case; b is for those that could be both.
func parseSerial(s string, b base) (string, error) {
	s = trimCell(s)
	switch {
	case s == "":
		return "", nil
	case len(s) > 2*maxSerial:
		return "", fmt.Errorf("serial %s is too long", quote(s))
	case rounded.MatchString(s):
		return "", fmt.Errorf("serial %s was rounded by a spreadsheet: export the column as text", quote(s))
	}
	digits, negative := strings.CutPrefix(s, "-")
	if isHexSerial(digits) {
		b = hexadecimal
		digits = strings.TrimPrefix(strings.ToLower(digits), "0x")
		digits = strings.TrimSuffix(hexMarks.Replace(digits), "h")
	}
	n, ok := new(big.Int).SetString(digits, int(b))
	if !ok || n.Sign() < 0 || digits[0] == '+' || strings.HasPrefix(s, "--") {
		return "", fmt.Errorf("serial %s is neither a decimal nor a hexadecimal number", quote(s))
	}
	if negative {
		n.Neg(n)
	}
	return n.Text(16), nil
}

// isHexSerial reports whether the digits can only be hex.
func isHexSerial(s string) bool { return strings.Trim(s, "0123456789") != "" }

// parseHash reads a fingerprint: hex in either case, with colons or spaces,
// perhaps behind the name of its algorithm.
func parseHash(s string) string {
	s = strings.ToLower(trimCell(s))
	for _, prefix := range []string{"sha-256", "sha256", "sha-1", "sha1"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok {
			s = strings.TrimLeft(rest, " :=/")
			if i := strings.IndexByte(s, '='); i >= 0 {
				s = s[i+1:] // openssl's "sha256 Fingerprint="
			}
			break
		}
	}
	s = hexMarks.Replace(strings.TrimLeft(s, "\u200e")) // a mark that Windows copies along
	if len(s) != 40 && len(s) != 64 || strings.Trim(s, "0123456789abcdef") != "" {
		return ""
	}
	return s
}

// trimCell takes away what spreadsheets put around a value to keep it a text.
func trimCell(s string) string {
	s = strings.TrimSpace(s)
	if inner, ok := strings.CutPrefix(s, `="`); ok && strings.HasSuffix(inner, `"`) {
		return strings.TrimSpace(inner[:len(inner)-1])
	}
	return strings.TrimSpace(strings.TrimPrefix(s, "'"))
}
