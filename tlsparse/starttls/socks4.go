package starttls

import (
	"bytes"
	"encoding/binary"

	"blindspot/tlsparse"
)

// SOCKS 4 and 4a (the protocol's memo and its extension): one request, one
// reply.
func init() {
	register(Preface{
		Name: "socks4", What: "SOCKS 4 or 4a proxy; target says where to",
		KnownBy: "request, granted by 90", Source: "SOCKS 4, SOCKS 4A",
		tunnel: true, client: "\x04", server: "\x00", find: findSOCKS4,
	})
}

const (
	socks4Version  = 4
	socks4Granted  = 0x5a
	socks4ReplyLen = 8
	socksConnect   = 1

	// maxSOCKSText bounds the user's id and the name.
	maxSOCKSText = 255
)

func findSOCKS4(client, server []byte) found {
	c, to, asked := askSOCKS4(client)
	told := tellSOCKS4(server)
	if asked == tlsparse.No || told == tlsparse.No {
		return no()
	}
	f := maybe(Silent)
	switch {
	case asked == tlsparse.Yes && told == tlsparse.Yes:
		f = open(c, socks4ReplyLen)
	case asked == tlsparse.Yes:
		f = perhaps(c, -1)
	case len(client) == 0 && told == tlsparse.Yes:
		f = perhaps(-1, socks4ReplyLen)
	}
	f.to = to
	return f
}

// askSOCKS4 reads version, command, port, address, user and, where the address
// is 0.0.0.x, a name.
func askSOCKS4(b []byte) (n int, to target, ans tlsparse.Answer) {
	if len(b) > 0 && b[0] != socks4Version || len(b) > 1 && b[1] != socksConnect {
		return 0, to, tlsparse.No
	}
	if len(b) < 9 {
		return 0, to, tlsparse.Maybe
	}
	to = target{targetAddr, b[4:8], binary.BigEndian.Uint16(b[2:])}
	_, n, ans = cutZero(b, 8)
	if ans != tlsparse.Yes || b[4]|b[5]|b[6] != 0 || b[7] == 0 {
		return n, to, ans
	}
	to.kind = targetName
	to.host, n, ans = cutZero(b, n)
	return n, to, ans
}

// cutZero returns the text at an offset that ends in a zero byte.
func cutZero(b []byte, at int) (text []byte, n int, ans tlsparse.Answer) {
	rest := b[at:]
	end := bytes.IndexByte(rest[:min(len(rest), maxSOCKSText+1)], 0)
	if end < 0 {
		if len(rest) > maxSOCKSText || !isText(rest) {
			return nil, 0, tlsparse.No
		}
		return nil, 0, tlsparse.Maybe
	}
	if !isText(rest[:end]) {
		return nil, 0, tlsparse.No
	}
	return rest[:end], at + end + 1, tlsparse.Yes
}

func tellSOCKS4(b []byte) tlsparse.Answer {
	if len(b) > 0 && b[0] != 0 || len(b) > 1 && b[1] != socks4Granted {
		return tlsparse.No
	}
	if len(b) < socks4ReplyLen {
		return tlsparse.Maybe
	}
	return tlsparse.Yes
}
