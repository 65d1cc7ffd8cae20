package starttls

import "blindspot/tlsparse"

// HTTP Upgrade to TLS: an OPTIONS request, answered by 101 (RFC 2817 §3.2).
// Printing (IPP) uses it. A request that would also be served in the clear may
// ask for TLS too (§3.1); that is not looked for, as all of HTTP would have to
// be read for it.
func init() {
	register(Preface{
		Name: "http-upgrade", What: "HTTP that is upgraded to TLS, as printing does",
		KnownBy: "OPTIONS with Upgrade, answered by 101", Source: "RFC 2817",
		client: "O", server: "H", find: findUpgrade,
	})
}

func findUpgrade(client, server []byte) found {
	asked, ans := cutHead(client)
	if ans == tlsparse.No || begins(asked.line, "OPTIONS ") == tlsparse.No ||
		ans == tlsparse.Yes && !asked.upgrades {
		return no()
	}
	n, code, told := cutResponse(server)
	if told == tlsparse.No {
		return no()
	}
	ch, sh := probe(client[asked.n:], server[n:])
	switch {
	case ans == tlsparse.Yes && told == tlsparse.Yes && code == 101:
		return started(asked.n, n)
	case ans == tlsparse.Yes && told == tlsparse.Yes:
		return decided(Refused)
	case ans == tlsparse.Yes && ch == tlsparse.Yes:
		return started(asked.n, -1)
	case told == tlsparse.Yes && code == 101 && sh == tlsparse.Yes:
		return started(-1, n)
	}
	return maybe(Silent)
}
