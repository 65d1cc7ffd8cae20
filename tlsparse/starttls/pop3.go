package starttls

import "blindspot/tlsparse"

// POP3: STLS, answered by +OK (RFC 2595 §4).
var pop3 = language{
	verbs: []verb{
		{"CAPA", harmless}, {"STLS", start}, {"USER", clear}, {"PASS", clear}, {"APOP", clear},
		{"AUTH", clear}, {"QUIT", harmless}, {"NOOP", harmless}, {"UTF8", harmless}, {"LANG", harmless},
		{"XOIP", harmless}, {"XCLIENT", harmless},
	},
	cut:  cutLine,
	verb: firstWord,
	kind: func(k kind, line []byte) kind {
		if k == clear && equal(line, "AUTH") {
			return harmless // asks for the list of mechanisms
		}
		return k
	},
	greet:  greetPOP3,
	reply:  replyPOP3,
	offers: func(text []byte) bool { return contains(text, "STLS") },
	agreed: func(line []byte) bool { return hasPrefix(line, "+OK") },
}

func init() {
	register(Preface{
		Name: "pop3", What: "POP3",
		KnownBy: "STLS, answered by +OK", Source: "RFC 2595",
		client: firstLetters(pop3.verbs), server: "+", find: pop3.find,
	})
}

func greetPOP3(b []byte) (int, tlsparse.Answer) {
	if len(b) == 0 {
		return 0, tlsparse.Maybe
	}
	n, agrees, ans := statusPOP3(b)
	if ans == tlsparse.Yes && !agrees {
		return 0, tlsparse.No
	}
	return n, ans
}

// statusPOP3 takes one status line (RFC 1939 §3, RFC 5034 §4).
func statusPOP3(b []byte) (n int, agrees bool, ans tlsparse.Answer) {
	line, n, ans := cutLine(b)
	if ans == tlsparse.No || len(b) == 0 {
		return 0, false, ans
	}
	fits := max(begins(line, "+OK"), begins(line, "-ERR"), begins(line, "+ "))
	if fits == tlsparse.No || fits == tlsparse.Maybe && ans == tlsparse.Yes && string(line) != "+" {
		return 0, false, tlsparse.No
	}
	return n, line[0] == '+', ans
}

// replyPOP3 takes the lists with it that CAPA, AUTH and LANG have as reply.
func replyPOP3(command, b []byte) (n int, agrees bool, ans tlsparse.Answer) {
	n, agrees, ans = statusPOP3(b)
	if ans != tlsparse.Yes || !agrees ||
		!equal(command, "CAPA") && !equal(command, "AUTH") && !equal(command, "LANG") {
		return n, agrees, ans
	}
	list, ans := cutList(b[n:])
	return n + list, agrees, ans
}
