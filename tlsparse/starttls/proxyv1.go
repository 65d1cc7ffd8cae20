package starttls

import (
	"net/netip"

	"blindspot/tlsparse"
)

// PROXY protocol, version 1: one line of text in front of the client's bytes
// (the protocol's specification by HAProxy, §2.1).
func init() {
	register(Preface{
		Name: "proxy-v1", What: "PROXY header in text; client_origin says whose",
		KnownBy: "PROXY and one line", Source: "PROXY protocol, section 2.1",
		tunnel: true, client: "P", server: bytesFrom(0, 255), find: findProxyV1,
	})
}

// maxProxyLine is the longest line that the specification allows.
const maxProxyLine = 107

func findProxyV1(client, server []byte) found {
	const start = "PROXY "
	if ans := fits(client, start); ans != tlsparse.Yes {
		return found{Found: Found{Answer: ans}}
	}
	line, n, ans := cutLine(client[:min(len(client), maxProxyLine)])
	if ans == tlsparse.No || ans == tlsparse.Maybe && len(client) >= maxProxyLine {
		return no()
	}
	rest := line[len(start):]
	family := max(fits(rest, "TCP4 "), fits(rest, "TCP6 "), fits(rest, "UNKNOWN"))
	if family == tlsparse.No {
		return no()
	}
	if ans == tlsparse.Maybe {
		return maybe(Silent)
	}
	f := open(n, 0)
	if rest[0] == 'U' {
		return f
	}
	_, rest = cutWord(rest)
	source, rest := cutWord(rest)
	_, rest = cutWord(rest)
	port, _ := cutWord(rest)
	addr, err := parseAddr(source)
	value, ok := number(port)
	if err != nil || !ok || value > 0xffff {
		return no()
	}
	f.Origin = netip.AddrPortFrom(addr, uint16(value))
	return f
}

// parseAddr reads an address; text longer than any is none.
func parseAddr(b []byte) (netip.Addr, error) {
	return netip.ParseAddr(string(b[:min(len(b), 64)]))
}
