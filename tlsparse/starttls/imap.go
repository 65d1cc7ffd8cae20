package starttls

import (
	"bytes"
	"strings"

	"blindspot/tlsparse"
)

// maxTag bounds an IMAP tag. Clients use up to some ten characters.
const maxTag = 64

// IMAP: STARTTLS, answered by a tagged OK (RFC 9051 §6.2.1). After a greeting
// of PREAUTH it is not allowed.
var imap = language{
	verbs: []verb{
		{"CAPABILITY", harmless}, {"STARTTLS", start}, {"NOOP", harmless}, {"ID", harmless},
		{"LOGOUT", harmless}, {"ENABLE", harmless}, {"LOGIN", clear}, {"AUTHENTICATE", clear},
		{"SELECT", clear}, {"EXAMINE", clear}, {"LIST", clear}, {"LSUB", clear}, {"STATUS", clear},
		{"NAMESPACE", clear}, {"APPEND", clear}, {"UID", clear}, {"FETCH", clear}, {"IDLE", clear},
		{"XOAUTH", clear}, {"COMPRESS", clear}, {"X-PROXY-INFO", harmless},
	},
	cut:         cutIMAP,
	verb:        verbIMAP,
	greet:       greetIMAP,
	reply:       replyIMAP,
	offers:      func(text []byte) bool { return contains(text, "STARTTLS") },
	agreed:      agreedIMAP,
	offersFirst: true,
}

func init() {
	register(Preface{
		Name: "imap", What: "IMAP",
		KnownBy: "STARTTLS, answered by a tagged OK", Source: "RFC 9051",
		client: letters + digits + "!#$&,-./:;<=>?@[]^_`|~", server: "*", find: imap.find,
	})
}

// cutIMAP returns a logical line: one that ends in a literal's length goes on
// behind the literal (RFC 9051 §4.3).
func cutIMAP(b []byte) (line []byte, n int, ans tlsparse.Answer) {
	for {
		part, took, ans := cutLine(b[n:])
		if ans != tlsparse.Yes {
			if n == 0 {
				line = part
			}
			return line, 0, ans
		}
		if n == 0 {
			line = part
		}
		n += took
		literal, ok := literalLen(part)
		if !ok {
			return line, n, tlsparse.Yes
		}
		if literal > len(b)-n {
			return line, 0, tlsparse.Maybe
		}
		n += literal
	}
}

// literalLen reads {123}, {123+} or {123-} at the end of a line.
func literalLen(line []byte) (n int, ok bool) {
	if len(line) == 0 || line[len(line)-1] != '}' {
		return 0, false
	}
	open := bytes.LastIndexByte(line, '{')
	if open < 0 {
		return 0, false
	}
	size := line[open+1 : len(line)-1]
	if len(size) > 0 && (size[len(size)-1] == '+' || size[len(size)-1] == '-') {
		size = size[:len(size)-1]
	}
	return number(size)
}

// verbIMAP returns where the word behind the tag begins.
func verbIMAP(line []byte) int {
	tag := bytes.IndexByte(line, ' ')
	if tag < 0 {
		if len(line) > maxTag || !isTag(bytes.TrimSuffix(line, []byte("\r"))) {
			return -1
		}
		return len(line)
	}
	if tag == 0 || tag > maxTag || !isTag(line[:tag]) {
		return -1
	}
	return tag + 1
}

func isTag(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`(){%*"\+`, c) >= 0 {
			return false
		}
	}
	return true
}

func greetIMAP(b []byte) (int, tlsparse.Answer) {
	line, n, ans := cutIMAP(b)
	if ans == tlsparse.No {
		return 0, ans
	}
	fits := max(begins(line, "* OK"), begins(line, "* BYE"))
	if fits == tlsparse.No || fits == tlsparse.Maybe && ans == tlsparse.Yes {
		return 0, tlsparse.No
	}
	return n, ans
}

// replyIMAP takes everything up to the line with the command's tag, or up to a
// request to go on that asks for more than a literal.
func replyIMAP(command, b []byte) (n int, agrees bool, ans tlsparse.Answer) {
	tag, _ := cutWord(command)
	for {
		line, took, ans := cutIMAP(b[n:])
		if ans != tlsparse.Yes {
			return 0, false, ans
		}
		n += took
		word, rest := cutWord(line)
		if string(word) == "+" {
			if _, literal := literalLen(command); literal {
				continue
			}
			return n, true, ans
		}
		if bytes.Equal(word, tag) {
			return n, hasPrefix(rest, "OK"), ans
		}
	}
}

func agreedIMAP(line []byte) bool {
	tag, rest := cutWord(line)
	return len(tag) > 0 && tag[0] != '*' && tag[0] != '+' && len(tag) <= maxTag && hasPrefix(rest, "OK")
}
