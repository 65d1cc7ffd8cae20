package monitored

import "strings"

func init() {
	long := map[string]string{
		"host=": "H", "port=": "p", "sni=": "sni", "rootcert=": "r", "rootcert-dir=": "r", "rootcert-file=": "r", "protocol=": "P",
		"noauth": "A", "selfsigned": "s", "file=": "f", "resolve=": "resolve", "ignore-host-cn": "ignore-name",
		"ignore-exp": "ignore-exp", "dtls": "dtls", "dtls1": "dtls", "dtls1_2": "dtls", "url=": "u", "cn=": "n", "match=": "n",
		"issuer=": "i", "critical=": "c", "warning=": "w", "timeout=": "t", "clientcert=": "C", "clientkey=": "K", "email=": "e",
		"org=": "o", "host-cn": "N", "altnames": "altnames", "xmpphost=": "xmpphost", "check-ssl-labs=": "L", "quiet": "q",
		"debug": "d", "verbose": "v", "version": "V", "terse": "terse", "maximum-validity": "maximum-validity",
		"ignore-connection-problems": "ignore-connection-problems", "dane": "dane",
		"ignore-host-name": "ignore-name", "do-not-resolve": "do-not-resolve", "ignore-unexpected-eof": "ignore-unexpected-eof",
	}
	registerPlugin(plugin{short: "AhqdvVsNf:H:C:c:e:K:L:i:m:n:o:p:P:r:t:u:w:", long: long, check: checkSSLCert, manyOptions: true}, "check_ssl_cert")
}

// sslCertProtocols are the protocols of check_ssl_cert's -P that are not TLS
// from the start, in the words of events, and the ports that differ.
var sslCertProtocols = map[string]struct {
	preface string
	port    uint16
}{
	"": {}, "https": {}, "http": {}, "h2": {},
	"smtp": {"smtp", 25}, "imap": {"imap", 143}, "pop3": {"pop3", 110}, "ftp": {"ftp", 21}, "ldap": {"ldap", 389},
	"irc": {"irc", 6667}, "sieve": {"sieve", 4190}, "xmpp": {"xmpp", 5222}, "xmpp-server": {"xmpp", 5269},
	"postgres": {"postgresql", 5432}, "postgresql": {"postgresql", 5432}, "mysql": {"mysql", 3306}, "tds": {"mssql", 1433},
	"smtps": {"", 465}, "imaps": {"", 993}, "pop3s": {"", 995}, "ftps": {"", 990}, "ldaps": {"", 636}, "ircs": {"", 6697}, "dns": {"", 853},
}

// checkSSLCert follows check_ssl_cert: it sends the name of --sni, else of -H,
// and verifies chain and name.
func checkSSLCert(ref string, a pluginArgs) (Check, error) {
	if f := a.values["f"]; f != "" {
		c := newCheck("", ref, place{})
		c.Scheme = "file"
		c.plain("the certificate in the file " + quote(f) + ": what a server presents is not checked")
		return c, nil
	}
	protocol, known := sslCertProtocols[strings.ToLower(a.values["P"])]
	c, err := pluginPlace(ref, a, portOr(protocol.port, defaultPort))
	if err != nil {
		return c, err
	}
	origin := originDerived
	if a.has("sni") {
		origin = originExplicit
	}
	server, err := parseTarget(or(a.values["sni"], c.Address))
	if err != nil {
		return c, err
	}
	if at := a.values["resolve"]; at != "" {
		address, err := parseTarget(at)
		if err != nil {
			return c, err
		}
		c.Address, origin = address.host(), originExplicit
	}
	c.Scheme = or(strings.ToLower(a.values["P"]), "https")
	c.StartTLS = protocol.preface
	if !known {
		c.note("the protocol " + quote(a.values["P"]) + " is not known here: it is taken for TLS from the start")
	}
	c.setSNI(server, origin)
	c.TrustStore, c.WatchesExpiry = a.values["r"], !a.has("ignore-exp")
	c.sslCertLimits(a)
	return c, nil
}

// sslCertLimits takes off what options take off.
func (c *Check) sslCertLimits(a pluginArgs) {
	switch {
	case a.has("A"):
		c.weaken("--noauth: the chain is not verified")
	case a.has("ignore-name"):
		c.weaken("--ignore-host-cn: the name is not verified")
	}
	if a.has("dtls") {
		c.Scheme = "dtls"
	}
	if a.has("ignore-exp") {
		c.note("--ignore-exp: an expired certificate is not noticed")
	}
}
