package starttls

import "blindspot/tlsparse"

// FTP: AUTH TLS, answered by 234 (RFC 4217 §4); some servers say 334. Of the
// data connections, those under PROT P begin with TLS and have no preface;
// whoever connected the control connection is their TLS client, even where the
// server opened them (active mode).
var ftp = language{
	verbs: []verb{
		{"AUTH", start}, {"USER", clear}, {"PASS", clear}, {"ACCT", clear},
		{"FEAT", harmless}, {"OPTS", harmless}, {"HOST", harmless}, {"SYST", harmless},
		{"CLNT", harmless}, {"LANG", harmless}, {"PBSZ", harmless}, {"PROT", harmless},
		{"NOOP", harmless}, {"HELP", harmless}, {"STAT", harmless}, {"QUIT", harmless},
		{"CSID", harmless}, {"XCRC", harmless}, {"REIN", harmless}, {"ADAT", clear},
	},
	cut:  cutLine,
	verb: firstWord,
	kind: func(k kind, line []byte) kind {
		if _, mechanism := cutWord(line); k == start &&
			!hasPrefix(mechanism, "TLS") && !hasPrefix(mechanism, "SSL") {
			return harmless // Kerberos (RFC 2228)
		}
		return k
	},
	greet:  func(b []byte) (int, tlsparse.Answer) { return greetCode(b, 220, 220) },
	reply:  replyFTP,
	offers: func(text []byte) bool { return contains(text, "AUTH TLS") || contains(text, "AUTH SSL") },
	agreed: func(line []byte) bool { return hasPrefix(line, "234") || hasPrefix(line, "334") },
}

func init() {
	register(Preface{
		Name: "ftp", What: "FTP: the control connection",
		KnownBy: "AUTH TLS, answered by 234", Source: "RFC 4217",
		client: firstLetters(ftp.verbs), server: "12", find: ftp.find,
	})
}

// replyFTP passes over preliminary replies.
func replyFTP(command, b []byte) (n int, agrees bool, ans tlsparse.Answer) {
	for {
		took, code, ans := cutCode(b[n:])
		if ans != tlsparse.Yes {
			return 0, false, ans
		}
		n += took
		if code >= 200 {
			return n, positive(code), ans
		}
	}
}
