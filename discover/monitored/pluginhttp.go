package monitored

import (
	"errors"
	"strings"
)

func init() {
	registerPlugin(plugin{
		short: "VvhH:I:p:46t:c:w:u:S::C:J:K:a:b:d:e:s:r:R:f:P:j:nlLm:M:NEBA:k:T:D",
		long:  httpLong(),
		check: checkHTTP,
	}, "check_http")
	registerPlugin(plugin{
		short: "VvhH:I:p:46t:c:w:u:S::C:J:K:a:b:d:e:s:r:R:f:P:j:nlLm:M:NEBA:k:T:Dx:",
		long:  httpLong(),
		check: checkCurl,
	}, "check_curl")
}

// httpLong are the long options of check_http and check_curl.
func httpLong() map[string]string {
	long := map[string]string{
		"hostname=": "H", "IP-address=": "I", "port=": "p", "ssl": "S", "sni": "sni", "url=": "u", "certificate=": "C",
		"continue-after-certificate": "continue", "client-cert=": "J", "private-key=": "K", "ca-cert=": "ca-cert",
		"verify-cert": "D", "verify-host": "verify-host", "verify-host-cert": "verify-host",
	}
	for _, flag := range []string{"linespan", "no-body", "extended-perfdata", "show-body", "link", "invert-regex", "verbose",
		"nohtml", "use-ipv4", "use-ipv6", "version", "help", "haproxy-protocol", "enable-automatic-decompression"} {
		long[flag] = flag
	}
	for _, option := range []string{"authorization", "proxy-authorization", "header-string", "expect", "string", "regex", "eregi", "ereg",
		"onredirect", "post", "method", "max-age", "content-type", "useragent", "header", "pagesize", "timeout", "warning", "critical",
		"extra-opts", "state-regex", "http-version", "max-redirs", "cookie-jar", "proxy", "regexi"} {
		long[option+"="] = option
	}
	return long
}

// webCheck is what check_http and check_curl have in common: they connect to
// the address, else to the virtual host, and speak TLS when told to, or when
// asked for the certificate's days.
func webCheck(name, ref string, a pluginArgs, portOfHost bool) (c Check, host place, tls bool, err error) {
	address := or(a.values["I"], a.values["H"])
	if address == "" && len(a.rest) > 0 {
		address = a.rest[0]
	}
	if address == "" {
		return c, host, false, errors.New("names no host: give -H or -I")
	}
	at, err := parseTarget(address)
	if err != nil {
		return c, host, false, err
	}
	if h := a.values["H"]; h != "" {
		if host, err = parseTarget(h); err != nil {
			return c, host, false, err
		}
	}
	port := at.port
	at.port = 0
	if portOfHost {
		at.port = portOr(port, host.port)
	}
	if a.values["p"] != "" {
		if at.port, err = parsePort(a.values["p"]); err != nil {
			return c, host, false, err
		}
	}
	tls = a.has("S") || a.has("C")
	scheme := "http"
	if tls {
		scheme = "https"
	}
	c = newCheck("", ref, at.withPort(schemes[scheme].port))
	c.Scheme = scheme
	if !tls {
		c.plain(name + " without --ssl speaks plain HTTP: no certificate is checked")
	}
	return c, host, tls, nil
}

// checkHTTP follows check_http: the name is sent with --sni only, and only that
// of -H; nothing is verified.
func checkHTTP(ref string, a pluginArgs) (Check, error) {
	c, host, tls, err := webCheck("check_http", ref, a, false)
	if err != nil || !tls {
		return c, err
	}
	switch {
	case a.has("sni") && host.name != "":
		c.setSNI(host, sniOrigin(a))
	case a.has("sni"):
		c.note("--sni sends a name only with -H: only the default certificate is seen")
	default:
		c.note("without --sni no server name is sent: only the default certificate is seen")
	}
	c.unverified("check_http", a.has("C"))
	if a.has("verify-host") {
		c.note("--verify-host compares the name; the chain is still not verified")
	}
	return c, nil
}

// checkCurl follows check_curl: the name is always sent; chain and name are
// verified with -D or --ca-cert. The port may stand behind the host's name.
func checkCurl(ref string, a pluginArgs) (Check, error) {
	c, host, tls, err := webCheck("check_curl", ref, a, true)
	if err != nil || !tls {
		return c, err
	}
	if host.host() == "" {
		if host, err = parseTarget(c.Address); err != nil {
			return c, err
		}
	}
	c.setSNI(host, sniOrigin(a))
	c.TrustStore = a.values["ca-cert"]
	c.WatchesExpiry = a.has("C")
	if !a.has("D") && !a.has("ca-cert") {
		c.unverified("check_curl without --verify-cert", a.has("C"))
	}
	return c, nil
}

// sniOrigin tells whether the name is given beside an address.
func sniOrigin(a pluginArgs) string {
	if a.values["I"] != "" && !strings.EqualFold(a.values["I"], a.values["H"]) {
		return originExplicit
	}
	return originDerived
}
