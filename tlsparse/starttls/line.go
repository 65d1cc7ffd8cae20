package starttls

import (
	"bytes"

	"blindspot/tlsparse"
)

// maxLine bounds a line. SMTP allows 512 bytes (RFC 5321 §4.5.3.1.5); IMAP's
// list of capabilities is the longest that is met.
const maxLine = 4 << 10

// The first bytes of texts.
const (
	letters  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	digits   = "0123456789"
	anything = "\t\r\n !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" + letters + digits
)

// cutLine returns the first line of b without its end, CRLF or LF, and the
// bytes that it takes. With Maybe, line is what has come of it. No: it is no
// text, or too long.
func cutLine(b []byte) (line []byte, n int, ans tlsparse.Answer) {
	end := bytes.IndexByte(b[:min(len(b), maxLine)], '\n')
	if end < 0 {
		if len(b) >= maxLine || !isText(b) {
			return nil, 0, tlsparse.No
		}
		return b, 0, tlsparse.Maybe
	}
	line = bytes.TrimSuffix(b[:end], []byte("\r"))
	if !isText(line) {
		return nil, 0, tlsparse.No
	}
	return line, end + 1, tlsparse.Yes
}

// isText reports whether b holds no control characters; bytes above 127 may be
// UTF-8 or Latin-1.
func isText(b []byte) bool {
	for i, c := range b {
		if c < ' ' && c != '\t' && (c != '\r' || i != len(b)-1) || c == 0x7f {
			return false
		}
	}
	return true
}

// cutWord returns the first word of a line, and what follows it.
func cutWord(line []byte) (word, rest []byte) {
	end := bytes.IndexByte(line, ' ')
	if end < 0 {
		return line, nil
	}
	return line[:end], bytes.TrimLeft(line[end:], " ")
}

// equal compares ASCII text without regard to case; upper is in upper case.
func equal(b []byte, upper string) bool {
	return len(b) == len(upper) && hasPrefix(b, upper)
}

// hasPrefix reports whether b begins with upper, in any case.
func hasPrefix(b []byte, upper string) bool {
	if len(b) < len(upper) {
		return false
	}
	for i := range len(upper) {
		if toUpper(b[i]) != upper[i] {
			return false
		}
	}
	return true
}

// contains reports whether upper, which begins with a letter, occurs in b in
// any case.
func contains(b []byte, upper string) bool {
	for i := 0; i+len(upper) <= len(b); i++ {
		if toUpper(b[i]) == upper[0] && hasPrefix(b[i:], upper) {
			return true
		}
	}
	return false
}

// begins says whether b begins with upper, in any case, or may yet.
func begins(b []byte, upper string) tlsparse.Answer {
	if !hasPrefix(b, upper[:min(len(b), len(upper))]) {
		return tlsparse.No
	}
	if len(b) < len(upper) {
		return tlsparse.Maybe
	}
	return tlsparse.Yes
}

func toUpper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}

// number reads a decimal number of at most 9 digits.
func number(b []byte) (n int, ok bool) {
	if len(b) == 0 || len(b) > 9 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
