package starttls

import "blindspot/tlsparse"

// SMTP and LMTP: STARTTLS, answered by 220 (RFC 3207 §4). Exchange's
// X-ANONYMOUSTLS does the same between its own servers.
var smtp = language{
	verbs: []verb{
		{"EHLO", harmless}, {"HELO", harmless}, {"LHLO", harmless},
		{"STARTTLS", start}, {"X-ANONYMOUSTLS", start},
		{"MAIL", clear}, {"AUTH", clear}, {"ETRN", clear}, {"ATRN", clear},
		{"VRFY", clear}, {"EXPN", clear}, {"XCLIENT", harmless}, {"XFORWARD", harmless},
		{"RCPT", harmless}, {"DATA", harmless}, {"BDAT", harmless}, {"RSET", harmless},
		{"NOOP", harmless}, {"HELP", harmless}, {"QUIT", harmless},
	},
	cut:    cutSMTP,
	verb:   firstWord,
	greet:  func(b []byte) (int, tlsparse.Answer) { return greetCode(b, 220, 220) },
	reply:  replySMTP,
	offers: func(text []byte) bool { return contains(text, "STARTTLS") },
	agreed: func(line []byte) bool { return hasPrefix(line, "220 ") || equal(line, "220") },
}

func init() {
	register(Preface{
		Name: "smtp", What: "SMTP and LMTP, also Exchange between its servers",
		KnownBy: "STARTTLS or X-ANONYMOUSTLS, answered by 220", Source: "RFC 3207",
		client: firstLetters(smtp.verbs), server: "2", find: smtp.find,
	})
}

// cutSMTP takes the bytes of a chunk together with its command (RFC 3030 §2):
// clients do not wait for a reply between them.
func cutSMTP(b []byte) (line []byte, n int, ans tlsparse.Answer) {
	line, n, ans = cutLine(b)
	if ans != tlsparse.Yes || !hasPrefix(line, "BDAT ") {
		return line, n, ans
	}
	size, _ := cutWord(line[len("BDAT "):])
	chunk, ok := number(size)
	if !ok {
		return line, n, ans
	}
	if chunk > len(b)-n {
		return line, 0, tlsparse.Maybe
	}
	return line, n + chunk, ans
}

// replySMTP takes wrong credentials for having gone on in the clear (RFC 4954
// §6).
func replySMTP(command, b []byte) (n int, agrees bool, ans tlsparse.Answer) {
	n, code, ans := cutCode(b)
	return n, positive(code) || code == 535 && hasPrefix(command, "AUTH"), ans
}
