package monitored

import (
	"errors"
	"net/textproto"
	"strings"
)

// The words for probers that are not the blackbox exporter's.
const (
	sslExporterTCP   = "ssl_exporter tcp"
	sslExporterHTTPS = "ssl_exporter https"
)

// sslExporterProber returns the prober of a module that the ssl_exporter has
// without configuration, empty for none.
func sslExporterProber(module string) string {
	switch module {
	case "tcp":
		return sslExporterTCP
	case "http", "https":
		return sslExporterHTTPS
	}
	return ""
}

// check is what a probe of target under the module checks; hostname is the
// probe's parameter of that name. The error says why there is no check.
func (m blackboxModule) check(ref, target, hostname string) (Check, error) {
	switch m.Prober.V {
	case "http":
		return m.http(ref, target, hostname)
	case "tcp":
		return m.tcp(ref, target, hostname)
	case "grpc":
		return m.grpc(ref, target)
	case "dns":
		return m.dns(ref, target)
	case sslExporterTCP:
		return m.sslTCP(ref, target)
	case sslExporterHTTPS:
		return m.sslHTTPS(ref, target)
	case "icmp":
		return m.reach(ref, target, "icmp", "ICMP: no certificate is checked")
	case "unix":
		c := newCheck("prometheus", ref, place{})
		c.Scheme = "unix"
		c.plain("a Unix socket: no endpoint on the network is checked")
		return c, nil
	case "": // find did not, and says so
		return m.reach(ref, target, "", m.note)
	}
	return m.reach(ref, target, "", "prober "+quote(m.Prober.V)+" is not known: no certificate is known to be checked")
}

// reach is a check that proves no certificate. What cannot be read of the
// target is left out: whether it can be reached depends on the prober.
func (m blackboxModule) reach(ref, target, scheme, why string) (Check, error) {
	if _, rest, ok := strings.Cut(target, "://"); ok {
		target = rest
	}
	p, err := parseAuthority(target)
	if err != nil {
		return Check{}, err
	}
	c := newCheck("prometheus", ref, p)
	c.Scheme = scheme
	c.plain(why)
	return c, nil
}

// http follows ProbeHTTP: a target without a scheme is plain HTTP. The server
// name is tls_config.server_name, else the Host header, which the hostname
// parameter sets, else the URL's host.
func (m blackboxModule) http(ref, target, hostname string) (Check, error) {
	rest, tls := strings.CutPrefix(target, "https://")
	if !tls {
		return m.plainHTTP(ref, target)
	}
	p, err := parseAuthority(rest)
	if err != nil {
		return Check{}, err
	}
	c := newCheck("prometheus", ref, p.withPort(schemes["https"].port))
	c.Scheme = "https"
	c.verifyWith(m.HTTP.serverTLS(hostname), m.path, p)
	if header := m.HTTP.host(); hostname != "" && header != "" && header != hostname {
		c.plain("the module's Host header contradicts the parameter hostname: the exporter refuses the probe")
	}
	if m.HTTP.ProxyURL != "" {
		c.note("through a proxy: which address it reaches is not known")
	}
	if m.HTTP.FailIfSSL {
		c.note("fail_if_ssl: the probe fails when the server speaks TLS")
	}
	return c, nil
}

func (m blackboxModule) plainHTTP(ref, target string) (Check, error) {
	rest, explicit := strings.CutPrefix(target, "http://")
	why := "http:// is no TLS: no certificate is checked"
	if !explicit {
		why = "without https:// the http prober speaks plain HTTP: no certificate is checked; write https://"
	}
	switch {
	case m.HTTP.FailIfNotSSL:
		why += " (fail_if_not_ssl: unless a redirect leads to TLS, on a name that is not written here)"
	case m.HTTP.follows():
		why += " (redirects are followed: where to is not known)"
	}
	c, err := m.reach(ref, rest, "http", why)
	if err == nil && c.Port == 0 {
		c.Port = schemes["http"].port
	}
	return c, err
}

// host returns the module's own Host header.
func (h httpProbe) host() string {
	for name, value := range h.Headers {
		if textproto.CanonicalMIMEHeaderKey(name) == "Host" {
			return value
		}
	}
	return ""
}

// serverTLS is the tls_config with the server name that a Host header gives.
func (h httpProbe) serverTLS(hostname string) tlsConfig {
	tls := h.TLS
	tls.ServerName = or(tls.ServerName, hostname, h.host())
	return tls
}

// tcp follows ProbeTCP: TLS from the start, or after a step with starttls. The
// server name is tls_config.server_name, else the hostname parameter, else the
// target's host.
func (m blackboxModule) tcp(ref, target, hostname string) (Check, error) {
	p, err := needPort(target)
	if err != nil {
		return Check{}, err
	}
	c := newCheck("prometheus", ref, p)
	tls := m.TCP.TLS
	tls.ServerName = or(tls.ServerName, hostname)
	preface, starttls := m.TCP.startTLS(p.port)
	switch {
	case m.TCP.Enabled:
		c.Scheme = "tls"
	case starttls:
		c.Scheme, c.StartTLS = preface, preface
		if preface == "" {
			c.note("query_response starts TLS in a protocol that is not recognised")
		}
	default:
		c.Scheme = "tcp"
		c.plain("the module's tcp prober speaks no TLS: no certificate is checked; set tls: true")
		return c, nil
	}
	c.verifyWith(tls, m.path, p)
	if hostname != "" && m.TCP.TLS.ServerName == "" {
		c.note("the tcp prober takes the parameter hostname since blackbox exporter 0.24: older ones send the target's host")
	}
	return c, nil
}

// needPort reads host:port, as net.SplitHostPort wants it.
func needPort(target string) (place, error) {
	p, err := parsePlace(target)
	if err != nil {
		return place{}, err
	}
	if p.port == 0 {
		return place{}, errors.New("has no port: the probe fails; write host:port")
	}
	return p, nil
}

// grpc follows ProbeGRPC: tls says whether TLS is spoken, not the scheme.
func (m blackboxModule) grpc(ref, target string) (Check, error) {
	if !m.GRPC.Enabled {
		c, err := m.reach(ref, target, "grpc", "the module's grpc prober speaks no TLS: no certificate is checked; set tls: true")
		c.Port = portOr(c.Port, schemes["http"].port)
		return c, err
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(target, "https://"), "http://")
	p, err := parseAuthority(rest)
	if err != nil {
		return Check{}, err
	}
	c := newCheck("prometheus", ref, p.withPort(schemes["https"].port))
	c.Scheme = "grpcs"
	c.verifyWith(m.GRPC.TLS, m.path, p)
	return c, nil
}

// Ports of DNS (RFC 1035 §4.2, RFC 7858 §3.1).
const (
	portDNS        = 53
	portDNSOverTLS = 853
)

// dns follows ProbeDNS: only dns_over_tls on tcp has a certificate.
func (m blackboxModule) dns(ref, target string) (Check, error) {
	if !m.DNS.OverTLS {
		c, err := m.reach(ref, target, "dns", "DNS: no certificate is checked")
		c.Port = portOr(c.Port, portDNS)
		return c, err
	}
	if m.DNS.Transport != "tcp" {
		return Check{}, errors.New("sets dns_over_tls without transport_protocol: tcp: the probe fails")
	}
	p, err := parsePlace(target)
	if err != nil {
		return Check{}, err
	}
	c := newCheck("prometheus", ref, p.withPort(portDNSOverTLS))
	c.Scheme = "dns"
	c.verifyWith(m.DNS.TLS, m.path, p)
	return c, nil
}

func portOr(port, otherwise uint16) uint16 {
	if port == 0 {
		return otherwise
	}
	return port
}

// sslTCP is the ssl_exporter's tcp prober without configuration.
func (m blackboxModule) sslTCP(ref, target string) (Check, error) {
	p, err := needPort(target)
	if err != nil {
		return Check{}, err
	}
	c := newCheck("prometheus", ref, p)
	c.Scheme = "tls"
	c.setSNI(p, originDerived)
	return c, nil
}

// sslHTTPS is the ssl_exporter's https prober without configuration: it puts
// https:// before a target without a scheme, and refuses http://.
func (m blackboxModule) sslHTTPS(ref, target string) (Check, error) {
	if strings.HasPrefix(target, "http://") {
		return Check{}, errors.New("is http://: the probe fails; write https://")
	}
	p, err := parseAuthority(strings.TrimPrefix(target, "https://"))
	if err != nil {
		return Check{}, err
	}
	c := newCheck("prometheus", ref, p.withPort(schemes["https"].port))
	c.Scheme = "https"
	c.setSNI(p, originDerived)
	return c, nil
}
