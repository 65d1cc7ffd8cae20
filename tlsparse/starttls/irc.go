package starttls

import "blindspot/tlsparse"

// IRC: STARTTLS, answered by the numeric 670, refused by 691
// (https://ircv3.net/specs/extensions/tls-3.1). A server that says 001 has
// taken the client in without.
func init() {
	register(Preface{
		Name: "irc", What: "IRC",
		KnownBy: "STARTTLS, answered by 670", Source: "IRCv3 tls 3.1",
		client: firstLetters(verbsIRC), server: ":NPECA", find: findIRC,
	})
}

var verbsIRC = []verb{
	{"CAP", harmless}, {"NICK", harmless}, {"USER", harmless}, {"PASS", harmless},
	{"STARTTLS", start}, {"PING", harmless}, {"PONG", harmless}, {"WEBIRC", harmless},
	{"QUIT", harmless}, {"PROTOCTL", harmless}, {"CAPAB", harmless}, {"SERVER", harmless},
}

var clientIRC = language{verbs: verbsIRC, verb: firstWord}

func findIRC(client, server []byte) found {
	c, asked := askedIRC(client)
	said, s, state := saidIRC(server)
	if asked == tlsparse.No || said == tlsparse.No {
		return no()
	}
	if state == Declined {
		return decided(Offered)
	}
	ch, sh := probe(from(client, c), from(server, s))
	switch {
	case asked == tlsparse.Yes && state == Started:
		return started(c, s)
	case asked == tlsparse.Yes && ch == tlsparse.Yes:
		return started(c, -1)
	case state == Started && sh == tlsparse.Yes:
		return started(-1, s)
	case said == tlsparse.Yes && state != Started: // taken in
		return decided(state)
	case state == Started:
		state = Offered
	}
	return maybe(state)
}

// askedIRC returns the offset behind the client's STARTTLS.
func askedIRC(b []byte) (c int, ans tlsparse.Answer) {
	d := dialogue{language: &clientIRC}
	for range maxCommands {
		line, n, ans := cutLine(b[c:])
		if ans == tlsparse.No || c == 0 && d.classify(line, ans) == unknown {
			return 0, tlsparse.No
		}
		if ans == tlsparse.Maybe {
			return -1, ans
		}
		c += n
		if equal(line, "STARTTLS") {
			return c, tlsparse.Yes
		}
	}
	return -1, tlsparse.Maybe
}

// saidIRC returns what the server says of TLS, and the offset behind its
// consent. Yes: this is its last word.
func saidIRC(b []byte) (ans tlsparse.Answer, s int, state State) {
	for range 4 * maxCommands {
		line, n, ans := cutLine(b[s:])
		if ans == tlsparse.No || !plausibleIRC(line) {
			return tlsparse.No, 0, Silent
		}
		if ans == tlsparse.Maybe {
			return ans, -1, state
		}
		s += n
		word, rest := cutWord(line)
		if len(word) > 0 && word[0] == ':' {
			word, rest = cutWord(rest)
		}
		switch {
		case equal(word, "670"):
			return tlsparse.Yes, s, Started
		case equal(word, "691"), (equal(word, "421") || equal(word, "451")) && contains(rest, "STARTTLS"):
			state = Refused
		case equal(word, "CAP") && offersIRC(rest):
			state = max(state, Offered)
		case equal(word, "001"):
			return tlsparse.Yes, -1, state
		}
	}
	return tlsparse.Maybe, -1, state
}

// offersIRC looks for the capability "tls" in a list.
func offersIRC(list []byte) bool {
	for len(list) > 0 {
		var word []byte
		word, list = cutWord(list)
		if equal(word, "TLS") || equal(word, ":TLS") {
			return true
		}
	}
	return false
}

// plausibleIRC reports whether a line of a server, or what has come of it, can
// be IRC: with its name in front, or one of the few without.
func plausibleIRC(line []byte) bool {
	return len(line) == 0 || line[0] == ':' ||
		max(begins(line, "NOTICE "), begins(line, "PING "), begins(line, "ERROR "), begins(line, "CAP "),
			begins(line, "AUTHENTICATE "), begins(line, "PASS "), begins(line, "CAPAB ")) != tlsparse.No
}
