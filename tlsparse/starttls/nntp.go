package starttls

import "blindspot/tlsparse"

// NNTP: STARTTLS, answered by 382 (RFC 4642 §2.2).
var nntp = language{
	verbs: []verb{
		{"CAPABILITIES", harmless}, {"STARTTLS", start}, {"MODE", harmless}, {"HELP", harmless},
		{"DATE", harmless}, {"QUIT", harmless}, {"AUTHINFO", clear}, {"GROUP", clear},
		{"LISTGROUP", clear}, {"LIST", clear}, {"ARTICLE", clear}, {"HEAD", clear}, {"BODY", clear},
		{"STAT", clear}, {"XOVER", clear}, {"OVER", clear}, {"XHDR", clear}, {"HDR", clear},
		{"POST", clear}, {"IHAVE", clear}, {"CHECK", clear}, {"TAKETHIS", clear}, {"NEWNEWS", clear},
		{"NEWGROUPS", clear}, {"NEXT", clear}, {"LAST", clear}, {"SLAVE", harmless}, {"COMPRESS", clear},
	},
	cut:  cutLine,
	verb: firstWord,
	kind: func(k kind, line []byte) kind {
		if contains(line, "HTTP/1.") {
			return unknown // HEAD and POST are words of both
		}
		return k
	},
	greet:  func(b []byte) (int, tlsparse.Answer) { return greetCode(b, 200, 201) },
	reply:  replyNNTP,
	offers: func(text []byte) bool { return contains(text, "STARTTLS") },
	agreed: func(line []byte) bool { return hasPrefix(line, "382") },
}

func init() {
	register(Preface{
		Name: "nntp", What: "NNTP",
		KnownBy: "STARTTLS, answered by 382", Source: "RFC 4642",
		client: firstLetters(nntp.verbs), server: "2", find: nntp.find,
	})
}

// replyNNTP takes the lines of a multi-line response with it: those of the
// codes that a harmless command has (RFC 3977 §3.2.1).
func replyNNTP(command, b []byte) (n int, agrees bool, ans tlsparse.Answer) {
	n, code, ans := cutCode(b)
	if ans != tlsparse.Yes || code != 100 && code != 101 {
		return n, positive(code), ans
	}
	list, ans := cutList(b[n:])
	return n + list, true, ans
}

// cutList returns the length of lines that end with one of a single dot.
func cutList(b []byte) (n int, ans tlsparse.Answer) {
	for {
		line, took, ans := cutLine(b[n:])
		if ans != tlsparse.Yes {
			return 0, ans
		}
		n += took
		if len(line) == 1 && line[0] == '.' {
			return n, tlsparse.Yes
		}
	}
}
