package starttls

import (
	"bytes"

	"blindspot/tlsparse"
)

// XMPP, between client and server or between servers: <starttls/>, answered by
// <proceed/> or <failure/> (RFC 6120 §5.4).
func init() {
	register(Preface{
		Name: "xmpp", What: "XMPP of clients and between servers",
		KnownBy: "<starttls/>, answered by <proceed/>", Source: "RFC 6120",
		client: "< \r\n", server: "< \r\n", find: findXMPP,
	})
}

// maxTags bounds the tags of each direction that are looked at.
const maxTags = 512

func findXMPP(client, server []byte) found {
	c, k, asked := askXMPP(client)
	s, state, told := tellXMPP(server)
	if asked == tlsparse.No || told == tlsparse.No {
		return no()
	}
	ch, sh := probe(from(client, c), from(server, s))
	both := k == start && state == Started
	switch {
	case both && (c >= 0 || s >= 0),
		k == start && c >= 0 && ch == tlsparse.Yes,
		state == Started && s >= 0 && sh == tlsparse.Yes:
		return started(c, s)
	case state == Started:
		return maybe(Offered)
	case state == Refused, k == clear && told == tlsparse.Yes:
		return decided(state)
	}
	return maybe(state)
}

// askXMPP reads the client's direction up to where it asks for TLS, or goes on
// without. The offset is that of the first byte of TLS, or -1: only when it is
// there is it clear that no blanks stand before it.
func askXMPP(b []byte) (offset int, k kind, ans tlsparse.Answer) {
	t := tags{b: b}
	for range maxTags {
		name, tag, ans := t.next()
		if ans != tlsparse.Yes {
			return -1, harmless, ans
		}
		switch string(name) {
		case "starttls":
			return t.behind(tag), start, ans
		case "auth", "authenticate", "iq", "message", "presence", "result", "handshake":
			return -1, clear, ans
		}
	}
	return -1, clear, tlsparse.Yes
}

// tellXMPP reads the server's direction up to where it lets TLS begin, or
// refuses. Yes: it has said whether it offers TLS.
func tellXMPP(b []byte) (offset int, state State, told tlsparse.Answer) {
	t := tags{b: b}
	told = tlsparse.Maybe
	for range maxTags {
		name, tag, ans := t.next()
		if ans == tlsparse.No {
			return -1, Silent, ans
		}
		if ans == tlsparse.Maybe {
			return -1, state, told
		}
		switch string(name) {
		case "features":
			if tag[1] == '/' || empty(tag) {
				told = tlsparse.Yes
			}
		case "starttls":
			state = Offered
		case "proceed":
			return t.behind(tag), Started, tlsparse.Yes
		case "failure":
			return -1, Refused, tlsparse.Yes
		case "challenge", "success", "iq", "message", "presence", "result":
			return -1, state, tlsparse.Yes
		}
	}
	return -1, state, tlsparse.Yes
}

// tags takes the tags of an XML stream apart.
type tags struct {
	b    []byte
	at   int
	open bool // the stream's own tag has been seen
}

// next returns the next tag and its name without namespace. The first one must
// open a stream of XMPP.
func (t *tags) next() (name, tag []byte, ans tlsparse.Answer) {
	for {
		tag, n, ans := cutTag(t.b[t.at:])
		if ans != tlsparse.Yes {
			return nil, nil, ans
		}
		t.at += n
		name = tagName(tag)
		if t.open {
			return name, tag, tlsparse.Yes
		}
		if string(name) == "?xml" {
			continue
		}
		if string(name) != "stream" || !contains(tag, "JABBER") {
			return nil, nil, tlsparse.No
		}
		t.open = true
		return name, tag, tlsparse.Yes
	}
}

// behind returns where the bytes behind an element without content begin, or
// -1 while there are none.
func (t *tags) behind(tag []byte) int {
	if !empty(tag) {
		closing, n, ans := cutTag(t.b[t.at:])
		if ans != tlsparse.Yes || closing[1] != '/' {
			return -1
		}
		t.at += n
	}
	rest := bytes.TrimLeft(t.b[t.at:], " \t\r\n")
	if len(rest) == 0 {
		return -1
	}
	return len(t.b) - len(rest)
}

// cutTag returns the next tag of b, with its brackets, and the offset behind.
func cutTag(b []byte) (tag []byte, n int, ans tlsparse.Answer) {
	first := bytes.IndexByte(b, '<')
	if first < 0 {
		first = len(b)
	}
	for _, c := range b[:first] {
		if c < ' ' && c != '\r' && c != '\n' && c != '\t' {
			return nil, 0, tlsparse.No
		}
	}
	quote := byte(0)
	for i, c := range b[first:] {
		switch {
		case i >= maxLine:
			return nil, 0, tlsparse.No
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>' && i > 1:
			return b[first : first+i+1], first + i + 1, tlsparse.Yes
		case c < ' ' && c != '\r' && c != '\n' && c != '\t':
			return nil, 0, tlsparse.No
		}
	}
	return nil, 0, tlsparse.Maybe
}

// empty reports whether a tag closes itself.
func empty(tag []byte) bool { return tag[len(tag)-2] == '/' }

// tagName returns the name of a tag, of an end tag too, without its namespace.
func tagName(tag []byte) []byte {
	name := bytes.TrimPrefix(tag[1:len(tag)-1], []byte("/"))
	if end := bytes.IndexAny(name, " \t\r\n/"); end >= 0 {
		name = name[:end]
	}
	if colon := bytes.IndexByte(name, ':'); colon >= 0 {
		name = name[colon+1:]
	}
	return name
}
