package starttls

import (
	"bytes"

	"blindspot/tlsparse"
)

// HTTP CONNECT: behind the proxy's 2xx the connection is the client's and the
// target's (RFC 9110 §9.3.6). Other answers, of which 407 asks for credentials,
// may be followed by another attempt.
func init() {
	register(Preface{
		Name: "http-connect", What: "HTTP proxy; target says where to",
		KnownBy: "CONNECT, answered by 2xx", Source: "RFC 9110",
		tunnel: true, client: "C", server: "H", find: findConnect,
	})
}

// maxRounds bounds the attempts on one connection; NTLM takes three.
const maxRounds = 8

// maxHeaders bounds the lines of a head.
const maxHeaders = 128

func findConnect(client, server []byte) found {
	c, s := 0, 0
	for range maxRounds {
		asked, ans := cutHead(client[c:])
		switch {
		case ans == tlsparse.No || !asked.connects(ans):
			return no()
		case ans == tlsparse.Maybe && len(client) == 0:
			return listenConnect(server)
		case ans == tlsparse.Maybe:
			return maybe(Silent)
		}
		c += asked.n
		n, code, ans := cutResponse(server[s:])
		if ans == tlsparse.No {
			return no()
		}
		if ans == tlsparse.Yes && code/100 == 2 {
			f := open(c, s+n)
			f.to = asked.target()
			return f
		}
		if ans == tlsparse.Maybe && begins(client[c:], "CONNECT ") != tlsparse.Yes {
			// A client that does not wait, or whose proxy was not captured.
			f := perhaps(c, -1)
			f.to = asked.target()
			return f
		}
		if s += n; ans == tlsparse.Maybe {
			s = len(server) // behind, for the rounds that follow
		}
	}
	return no()
}

// listenConnect looks for TLS behind a response where the request is missing.
func listenConnect(server []byte) found {
	s := 0
	for range maxRounds {
		n, code, ans := cutResponse(server[s:])
		if ans == tlsparse.No {
			return no()
		}
		if ans == tlsparse.Maybe {
			return maybe(Silent)
		}
		if s += n; code/100 == 2 {
			return perhaps(-1, s)
		}
	}
	return no()
}

// cutResponse returns the length of a final response with its body, of which
// one of class 2 to CONNECT has none.
func cutResponse(b []byte) (n, code int, ans tlsparse.Answer) {
	for range maxRounds {
		head, ans := cutHead(b[n:])
		if begins(head.line, "HTTP/1.") == tlsparse.No || ans == tlsparse.No {
			return 0, 0, tlsparse.No
		}
		if ans == tlsparse.Maybe {
			return 0, 0, ans
		}
		_, status := cutWord(head.line)
		status, _ = cutWord(status)
		code, ok := number(status)
		if !ok || code < 100 || code > 599 {
			return 0, 0, tlsparse.No
		}
		n += head.n
		if code/100 == 1 && code != 101 {
			continue
		}
		if code/100 == 2 {
			return n, code, ans
		}
		body, ans := head.cutBody(b[n:])
		return n + body, code, ans
	}
	return 0, 0, tlsparse.No
}

// httpHead is the head of a message of HTTP/1.
type httpHead struct {
	line     []byte // request or status
	n        int
	length   int
	chunked  bool
	upgrades bool // to TLS
}

// cutHead returns the head at the start of b. With Maybe, line is what has come
// of the first one.
func cutHead(b []byte) (h httpHead, ans tlsparse.Answer) {
	line, n, ans := cutLine(b)
	h.line, h.n = line, n
	for i := 0; ans == tlsparse.Yes; i++ {
		line, n, ans = cutLine(b[h.n:])
		if i == maxHeaders {
			return h, tlsparse.No
		}
		h.n += n
		if ans != tlsparse.Yes || len(line) == 0 {
			return h, ans
		}
		if value, ok := field(line, "CONTENT-LENGTH"); ok {
			if h.length, ok = number(value); !ok {
				return h, tlsparse.No
			}
		} else if value, ok := field(line, "TRANSFER-ENCODING"); ok {
			h.chunked = contains(value, "CHUNKED")
		} else if value, ok := field(line, "UPGRADE"); ok {
			h.upgrades = contains(value, "TLS/")
		}
	}
	return h, ans
}

// field returns the value of a header field, if line is the one of that name.
func field(line []byte, name string) (value []byte, ok bool) {
	if !hasPrefix(line, name) || len(line) == len(name) || line[len(name)] != ':' {
		return nil, false
	}
	return bytes.Trim(line[len(name)+1:], " \t\r"), true
}

// connects reports whether a head is that of a CONNECT, or may become one.
func (h *httpHead) connects(ans tlsparse.Answer) bool {
	fits := begins(h.line, "CONNECT ")
	return fits == tlsparse.Yes || fits == tlsparse.Maybe && ans == tlsparse.Maybe && h.n == 0
}

func (h *httpHead) target() target {
	_, rest := cutWord(h.line)
	host, _ := cutWord(rest)
	return target{kind: targetText, host: host}
}

// cutBody returns the length of the body behind a head (RFC 9112 §6.3).
func (h *httpHead) cutBody(b []byte) (n int, ans tlsparse.Answer) {
	if !h.chunked {
		if h.length > len(b) {
			return 0, tlsparse.Maybe
		}
		return h.length, tlsparse.Yes
	}
	for {
		line, took, ans := cutLine(b[n:])
		if ans != tlsparse.Yes {
			return 0, ans
		}
		n += took
		size, ok := hexNumber(line)
		if !ok {
			return 0, tlsparse.No
		}
		if size == 0 {
			return cutTrailer(b, n)
		}
		if size > len(b)-n {
			return 0, tlsparse.Maybe
		}
		n += size
		if _, took, ans = cutLine(b[n:]); ans != tlsparse.Yes {
			return 0, ans
		}
		n += took
	}
}

// cutTrailer passes over lines up to an empty one.
func cutTrailer(b []byte, n int) (int, tlsparse.Answer) {
	for {
		line, took, ans := cutLine(b[n:])
		if ans != tlsparse.Yes {
			return 0, ans
		}
		n += took
		if len(line) == 0 {
			return n, ans
		}
	}
}

// hexNumber reads the size of a chunk, without its extensions.
func hexNumber(line []byte) (n int, ok bool) {
	for i, c := range line {
		switch {
		case i > 6:
			return 0, false
		case '0' <= c && c <= '9':
			n = n<<4 | int(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | int(c|0x20-'a'+10)
		default:
			return n, i > 0 && (c == ';' || c == ' ')
		}
	}
	return n, len(line) > 0
}
