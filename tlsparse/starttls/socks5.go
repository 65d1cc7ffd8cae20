package starttls

import (
	"encoding/binary"

	"blindspot/tlsparse"
)

// SOCKS 5: methods, perhaps a user and a password, a request (RFC 1928, RFC
// 1929). GSSAPI wraps all that follows, and other commands than CONNECT do not
// lead to a target of the client's choice on this connection.
func init() {
	register(Preface{
		Name: "socks5", What: "SOCKS 5 proxy; target says where to",
		KnownBy: "methods and request", Source: "RFC 1928, RFC 1929",
		tunnel: true, client: "\x05", server: "\x05", find: findSOCKS5,
	})
}

const (
	socks5Version = 5

	socksNoAuth   = 0
	socksPassword = 2

	socksIPv4 = 1
	socksName = 3
	socksIPv6 = 4
)

// socks5 is a walk through both directions. s is -1 from where the server's is
// behind, or missing.
type socks5 struct {
	client, server []byte
	c, s           int
}

func findSOCKS5(client, server []byte) found {
	if len(client) == 0 {
		return listenSOCKS5(server)
	}
	w := socks5{client: client, server: server}
	ans := w.methods()
	if ans == tlsparse.Yes {
		ans = w.password()
	}
	var to target
	if ans == tlsparse.Yes {
		to, ans = w.request()
	}
	switch ans {
	case tlsparse.No:
		return no()
	case tlsparse.Maybe:
		return maybe(Silent)
	}
	f := open(w.c, w.s)
	if w.s < 0 {
		f = perhaps(w.c, -1)
	}
	f.to = to
	return f
}

// methods reads the client's list and, if it is there, the server's choice.
func (w *socks5) methods() tlsparse.Answer {
	b := w.client
	if len(b) > 1 && (b[1] == 0 || b[1] > 16) {
		return tlsparse.No
	}
	if len(b) < 2 || len(b) < 2+int(b[1]) {
		return tlsparse.Maybe
	}
	w.c = 2 + int(b[1])
	if len(w.server) > 0 && w.server[0] != socks5Version {
		return tlsparse.No
	}
	if len(w.server) < 2 {
		w.s = -1
		return tlsparse.Yes
	}
	w.s = 2
	return yes(w.server[1] == socksNoAuth || w.server[1] == socksPassword)
}

// password reads user and password, if that is the method. Where the choice is
// not known, the next byte tells: 1 is this, 5 the request.
func (w *socks5) password() tlsparse.Answer {
	b := w.client[w.c:]
	if len(b) == 0 {
		return tlsparse.Maybe
	}
	if w.s >= 0 && w.server[1] == socksNoAuth || w.s < 0 && b[0] == socks5Version {
		return tlsparse.Yes
	}
	if b[0] != 1 {
		return tlsparse.No
	}
	if len(b) < 2 || len(b) < 3+int(b[1]) {
		return tlsparse.Maybe
	}
	n := 3 + int(b[1]) + int(b[2+int(b[1])])
	if n > len(b) {
		return tlsparse.Maybe
	}
	w.c += n
	switch {
	case w.s < 0:
	case len(w.server) < w.s+2:
		w.s = -1
	case w.server[w.s+1] != 0:
		return tlsparse.No
	default:
		w.s += 2
	}
	return tlsparse.Yes
}

// request reads the request and, if it is there, the reply.
func (w *socks5) request() (to target, ans tlsparse.Answer) {
	b := w.client[w.c:]
	if len(b) > 1 && b[1] != socksConnect {
		return to, tlsparse.No
	}
	n, to, ans := addressSOCKS5(b)
	if ans != tlsparse.Yes {
		return to, ans
	}
	w.c += n
	if w.s < 0 {
		return to, ans
	}
	reply := w.server[w.s:]
	if len(reply) > 1 && reply[1] != 0 {
		return to, tlsparse.No
	}
	n, _, ans = addressSOCKS5(reply)
	if ans == tlsparse.Maybe {
		w.s = -1
		return to, tlsparse.Yes
	}
	w.s += n
	return to, ans
}

// addressSOCKS5 reads a request or a reply, which have the same form: version,
// command or result, zero, address, port (RFC 1928 §4 to §6).
func addressSOCKS5(b []byte) (n int, to target, ans tlsparse.Answer) {
	if len(b) > 0 && b[0] != socks5Version || len(b) > 2 && b[2] != 0 {
		return 0, to, tlsparse.No
	}
	if len(b) < 5 {
		return 0, to, tlsparse.Maybe
	}
	host, size := 4, 0
	to.kind = targetAddr
	switch b[3] {
	case socksIPv4:
		size = 4
	case socksIPv6:
		size = 16
	case socksName:
		host, size, to.kind = 5, int(b[4]), targetName
	default:
		return 0, to, tlsparse.No
	}
	n = host + size + 2
	if n > len(b) {
		return 0, to, tlsparse.Maybe
	}
	to.host, to.port = b[host:host+size], binary.BigEndian.Uint16(b[n-2:])
	return n, to, tlsparse.Yes
}

// listenSOCKS5 looks for TLS behind a reply where the client is missing.
func listenSOCKS5(server []byte) found {
	s := 2
	if len(server) > 1 && server[1] == socksPassword {
		s = 4
	} else if len(server) > 1 && server[1] != socksNoAuth {
		return no()
	}
	reply := server[min(s, len(server)):]
	n, _, ans := addressSOCKS5(reply)
	if ans == tlsparse.No || len(reply) > 1 && reply[1] != 0 {
		return no()
	}
	if ans == tlsparse.Yes {
		return perhaps(-1, s+n)
	}
	return maybe(Silent)
}
