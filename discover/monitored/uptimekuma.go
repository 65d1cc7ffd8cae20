package monitored

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

func init() {
	register(format{kind: "uptime-kuma", read: readKuma, detect: detectKuma, magic: sqliteMagic})
}

// kumaMonitor is a monitor of Uptime Kuma, from whatever source.
type kumaMonitor struct {
	ref       string
	name, typ string
	url       string
	hostname  string
	port      string
	grpcURL   string
	security  string // of an SMTP connection: "secure", "starttls", "nostarttls"
	headers   string // JSON
	database  string // a connection string
	enabled   bool
	ignoreTLS bool
	grpcTLS   bool
	proxied   bool
	expiry    bool // certificate expiry notifications
	tags      map[string]string
	leaf      string   // SHA-256 that it saw
	leafNames []string // what that certificate is for
}

// readKuma reads the database of Uptime Kuma, its metrics or its JSON backup.
func readKuma(in *input, r *Result) error {
	if strings.HasPrefix(beginning(in.Path), sqliteMagic) {
		return readKumaDatabase(in, r)
	}
	text, err := in.text()
	if err != nil {
		return err
	}
	if strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return readKumaBackup(in, text, r)
	}
	return readKumaMetrics(in, text, r)
}

// detectKuma takes a backup or the metrics.
func detectKuma(text string) int {
	start := strings.TrimLeft(text, " \t\r\n")
	if strings.HasPrefix(start, "{") && strings.Contains(text, `"monitorList"`) || strings.Contains(text, "\n"+kumaStatus+"{") {
		return scoreKeys
	}
	return 0
}

// kumaURLTypes are the types that ask the monitor's url.
var kumaURLTypes = map[string]bool{"http": true, "keyword": true, "json-query": true, "real-browser": true, "websocket-upgrade": true}

// kumaExpiryTypes are the types that warn before a certificate expires, unless
// they ignore TLS errors.
var kumaExpiryTypes = map[string]bool{"http": true, "keyword": true, "json-query": true, "port": true}

// kumaSilent are the types that ask nothing: what they show is pushed, or the
// sum of others.
var kumaSilent = map[string]bool{"group": true, "push": true, "manual": true}

// add makes the monitor's check.
func (m *kumaMonitor) add(r *Result) {
	if kumaSilent[m.typ] {
		return
	}
	c, err := m.check()
	if err != nil {
		r.warn(m.ref, "monitor %s of type %s %v", quote(m.name), quote(m.typ), err)
		return
	}
	c.Enabled = m.enabled
	labels := map[string]string{"monitor": m.name}
	for name, value := range m.tags {
		labels[name] = value
	}
	c.setLabels(labels)
	if c.Grade > GradeReachability || !c.Verifies && c.Hostname != "" {
		c.sawLeaf(m.leaf, m.leafNames)
		c.WatchesExpiry = m.expiry && kumaExpiryTypes[m.typ] && !m.ignoreTLS
	}
	r.add(c)
}

// check says what the monitor checks, by its type.
func (m *kumaMonitor) check() (Check, error) {
	switch {
	case kumaURLTypes[m.typ]:
		return m.web()
	case m.typ == "smtp":
		return m.smtp()
	case m.typ == "grpc-keyword":
		return m.grpc()
	case m.typ == "port":
		return m.tcp()
	case m.database != "":
		return m.reach(afterScheme(m.database), m.typ+": whether it verifies a certificate is not known")
	case m.typ == "ping", m.typ == "tailscale-ping":
		return m.reach(m.hostname, "ICMP: no certificate is checked")
	case m.typ == "dns":
		m.port = "" // of the resolver that is asked
		return m.reach(m.hostname, "DNS: no certificate is checked")
	}
	return m.reach(m.hostname, m.typ+": no certificate is known to be checked")
}

// afterScheme cuts "scheme://" off: what a connection string holds beside its
// host is nobody's business here.
func afterScheme(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		return rest
	}
	return ""
}

// web is a monitor that asks a URL. Node takes the server name from the Host
// header, where one is set, else from the URL.
func (m *kumaMonitor) web() (Check, error) {
	c, err := urlCheck("uptime-kuma", m.ref, m.url)
	if err != nil {
		return Check{}, fmt.Errorf("asks %s, which %w", quote(m.url), err)
	}
	if c.Grade == GradeReachability {
		return c, nil
	}
	if host := m.hostHeader(); host != "" {
		server, err := parsePlace(host)
		if err != nil {
			return Check{}, fmt.Errorf("has the Host header %s, which %w", quote(host), err)
		}
		c.Warnings = nil
		c.setSNI(server, originExplicit)
	}
	if m.ignoreTLS {
		c.weaken("ignores TLS errors: the certificate is not verified")
	}
	if m.proxied {
		c.note("through a proxy: which address it reaches is not known")
	}
	return c, nil
}

// hostHeader returns the Host header that the monitor sends in place of its own.
func (m *kumaMonitor) hostHeader() string {
	var headers map[string]any
	if m.headers == "" || json.Unmarshal([]byte(m.headers), &headers) != nil {
		return ""
	}
	for name, value := range headers {
		if host, ok := value.(string); ok && strings.EqualFold(name, "host") {
			return host
		}
	}
	return ""
}

// place reads the monitor's hostname and port.
func (m *kumaMonitor) place(port uint16) (place, error) {
	p, err := parseHost(m.hostname)
	if err != nil {
		return place{}, fmt.Errorf("has the hostname %s, which %w", quote(m.hostname), err)
	}
	if m.port != "" && m.port != "0" {
		if p.port, err = parsePort(m.port); err != nil {
			return place{}, err
		}
	}
	return p.withPort(port), nil
}

// smtp follows nodemailer: TLS from the start, STARTTLS as a must, or where it
// is offered.
func (m *kumaMonitor) smtp() (Check, error) {
	p, err := m.place(schemes["smtp"].port)
	if err != nil {
		return Check{}, err
	}
	c := newCheck("uptime-kuma", m.ref, p)
	switch m.security {
	case "nostarttls":
		c.Scheme = "smtp"
		c.plain("SMTP without STARTTLS: no certificate is checked")
		return c, nil
	case "secure":
		c.Scheme = "smtps"
	case "starttls":
		c.Scheme, c.StartTLS = "smtp", "smtp"
	default:
		c.Scheme, c.StartTLS = "smtp", "smtp"
		c.note("STARTTLS where it is offered: a server that stops offering it is not noticed")
	}
	c.setSNI(p, originDerived)
	return c, nil
}

func (m *kumaMonitor) grpc() (Check, error) {
	p, err := parseAuthority(or(afterScheme(m.grpcURL), m.grpcURL))
	if err != nil {
		return Check{}, fmt.Errorf("asks %s, which %w", quote(m.grpcURL), err)
	}
	c := newCheck("uptime-kuma", m.ref, p.withPort(schemes["https"].port))
	if !m.grpcTLS {
		c.Scheme = "grpc"
		c.plain("gRPC without TLS: no certificate is checked")
		return c, nil
	}
	c.Scheme = "grpcs"
	c.setSNI(p, originDerived)
	return c, nil
}

// tcp is a monitor of a port. Since 2.1 it makes a TLS handshake as well, where
// expiry notifications are on; that it did is known by the leaf that it saw.
func (m *kumaMonitor) tcp() (Check, error) {
	p, err := m.place(0)
	if err != nil {
		return Check{}, err
	}
	c := newCheck("uptime-kuma", m.ref, p)
	if m.leaf == "" {
		c.Scheme = "tcp"
		c.plain("a TCP connection: no certificate is known to be checked")
		return c, nil
	}
	c.Scheme = "tls"
	c.setSNI(p, originDerived)
	return c, nil
}

// reach is a monitor that proves no certificate.
func (m *kumaMonitor) reach(authority, why string) (Check, error) {
	if _, rest, ok := strings.Cut(authority, "://"); ok { // mqtts://host
		authority = rest
	}
	p, err := parseAuthority(authority)
	if err != nil {
		return Check{}, fmt.Errorf("names no host that can be read: it is taken for no check")
	}
	if port, err := strconv.ParseUint(m.port, 10, 16); err == nil && p.port == 0 {
		p.port = uint16(port)
	}
	c := newCheck("uptime-kuma", m.ref, p)
	c.Scheme = m.typ
	c.plain(why)
	return c, nil
}

// tlsInfo reads what Uptime Kuma keeps of the last certificate.
func (m *kumaMonitor) tlsInfo(text string) {
	var info struct {
		Certificate struct {
			Fingerprint string   `json:"fingerprint256"`
			Names       []string `json:"validFor"`
		} `json:"certInfo"`
	}
	if json.Unmarshal([]byte(text), &info) == nil {
		m.leaf, m.leafNames = info.Certificate.Fingerprint, info.Certificate.Names
	}
}
