package starttls

import "blindspot/tlsparse"

// ManageSieve: STARTTLS, answered by OK (RFC 5804 §2.2). The greeting is a list
// of capabilities.
var sieve = language{
	verbs: []verb{
		{"STARTTLS", start}, {"CAPABILITY", harmless}, {"NOOP", harmless}, {"LOGOUT", harmless},
		{"AUTHENTICATE", clear}, {"LISTSCRIPTS", clear}, {"GETSCRIPT", clear}, {"PUTSCRIPT", clear},
		{"SETACTIVE", clear}, {"HAVESPACE", clear}, {"CHECKSCRIPT", clear}, {"XCLIENT", harmless},
	},
	cut:         cutIMAP,
	verb:        firstWord,
	greet:       greetSieve,
	reply:       replySieve,
	offers:      func(text []byte) bool { return contains(text, "STARTTLS") },
	agreed:      func(line []byte) bool { return hasPrefix(line, "OK") },
	offersFirst: true,
}

func init() {
	register(Preface{
		Name: "sieve", What: "ManageSieve",
		KnownBy: "STARTTLS, answered by OK", Source: "RFC 5804",
		client: firstLetters(sieve.verbs), server: `"`, find: sieve.find,
	})
}

// greetSieve takes lines of quoted names, of which all servers send
// "IMPLEMENTATION", up to OK (RFC 5804 §1.7).
func greetSieve(b []byte) (n int, ans tlsparse.Answer) {
	if len(b) == 0 {
		return 0, tlsparse.Maybe
	}
	n, agrees, ans := replySieve(nil, b)
	if ans == tlsparse.Yes && (!agrees || !contains(b[:n], "IMPLEMENTATION")) {
		return 0, tlsparse.No
	}
	return n, ans
}

// replySieve takes everything up to a line that begins with OK, NO or BYE. A
// string as first thing in a line is data; so is a literal of an AUTHENTICATE
// exchange, which agrees.
func replySieve(command, b []byte) (n int, agrees bool, ans tlsparse.Answer) {
	for {
		line, took, ans := cutIMAP(b[n:])
		fits := max(begins(line, `"`), begins(line, "OK"), begins(line, "NO"), begins(line, "BYE"))
		if ans == tlsparse.No || fits == tlsparse.No && (len(line) == 0 || line[0] != '{') {
			return 0, false, tlsparse.No
		}
		if ans == tlsparse.Maybe {
			return 0, false, ans
		}
		n += took
		if len(line) > 0 && line[0] != '"' && line[0] != '{' {
			return n, hasPrefix(line, "OK"), ans
		}
		if hasPrefix(command, "AUTHENTICATE") {
			return n, true, ans
		}
	}
}
