package inventory

import (
	"bytes"
	"encoding/base64"
)

const (
	pemBegin  = "-----BEGIN "
	pemDashes = "-----"
	keyWords  = "PRIVATE KEY"
	// encodedBegin is how the base64 of a PEM block begins.
	encodedBegin = "LS0tLS1CRUdJTi"
)

// forgetKeys blanks private keys in b: the content of PEM blocks whose label
// says so, also within base64, as Kubernetes secrets hold it. Lines and columns
// stay as they are.
func forgetKeys(b []byte) {
	forgetBlocks(b)
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte(encodedBegin))
		if i < 0 {
			return
		}
		at += i
		n := encodedRun(b[at:])
		forgetEncoded(b[at : at+n])
		at += max(n, len(encodedBegin))
	}
}

// forgetBlocks blanks the PEM blocks of private keys, and reports whether there
// are any.
func forgetBlocks(b []byte) bool {
	found := false
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte(pemBegin))
		if i < 0 {
			return found
		}
		at += i + len(pemBegin)
		if end := bytes.Index(b[at:min(len(b), at+maxLabel)], []byte(pemDashes)); end >= 0 && bytes.Contains(b[at:at+end], []byte(keyWords)) {
			found = true
			at += end + len(pemDashes)
			at += blankBlock(b[at:])
		}
	}
}

// forgetEncoded does so within base64, which it writes back in place; what
// cannot be decoded is blanked as a whole.
func forgetEncoded(run []byte) {
	packed := make([]byte, 0, len(run))
	for _, c := range run {
		if isBase64(c) {
			packed = append(packed, c)
		}
	}
	text, err := base64.StdEncoding.AppendDecode(nil, packed)
	if err != nil {
		blank(run)
		return
	}
	if !forgetBlocks(text) {
		return
	}
	packed = base64.StdEncoding.AppendEncode(packed[:0], text)
	for i, c := range run {
		if isBase64(c) && len(packed) > 0 {
			run[i], packed = packed[0], packed[1:]
		}
	}
}

// maxLabel bounds the label of a PEM block.
const maxLabel = 80

// blankBlock blanks up to the block's end, or the end of a quoted string around
// it, and returns how far that is.
func blankBlock(b []byte) int {
	end := len(b)
	if i := bytes.Index(b, []byte(pemDashes)); i >= 0 {
		end = i
	}
	if i := bytes.IndexAny(b[:end], `"'`); i >= 0 {
		end = i
	}
	blank(b[:end])
	return end
}

func blank(b []byte) {
	for i, c := range b {
		if c != '\n' && c != '\r' && c != ' ' && c != '\t' {
			b[i] = 'x'
		}
	}
}

// minEncodedLine is how long a line of base64 must be for the run to go on
// behind it: a short word in the next line is something else.
const minEncodedLine = 40

// encodedRun returns the length of the base64 at the start of b, which may go
// on over several lines.
func encodedRun(b []byte) int {
	n, line := 0, 0
	for n < len(b) {
		switch c := b[n]; {
		case isBase64(c):
			n++
			line++
			continue
		case c != '\n' && c != '\r' || line < minEncodedLine:
			return n
		}
		next := n
		for next < len(b) && (b[next] == '\n' || b[next] == '\r' || b[next] == ' ' || b[next] == '\t') {
			next++
		}
		end := next
		for end < len(b) && isBase64(b[end]) {
			end++
		}
		if end == next || end < len(b) && b[end] != '\n' && b[end] != '\r' {
			return n
		}
		n, line = end, end-next
	}
	return n
}

func isBase64(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '='
}
