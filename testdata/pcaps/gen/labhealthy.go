//go:build linux

package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The checks of lab/healthy/prometheus.yml.
const healthyChecks = 12

const meshAge = 40 * time.Minute // of the hour that the first certificates of the mesh are valid for has passed

var healthyCerts = []labCert{
	{role: "public-root", subject: "Example Trust Root R3", key: "rsa", ca: true, from: -2 * year, to: 18 * year},
	{role: "public-ca", subject: "Example Trust TLS CA 3", issuer: "public-root", ca: true, from: -1 * year, to: 5 * year},
	{role: "internal-root", subject: "Shop Internal CA", key: "rsa", ca: true, from: -2 * year, to: 8 * year},
	{role: "mesh-root", subject: "Shop Mesh CA", ca: true, from: -100 * day, to: 2 * year, stock: "pem"},

	// One renewal, two keys.
	{role: "shop-rsa", subject: "shop.example", issuer: "public-ca", key: "rsa", names: []string{"shop.example", "www.shop.example"}, from: -9 * day, to: 351 * day, stock: "pem csv", owner: "infra"},
	{role: "shop-ecdsa", subject: "shop.example", issuer: "public-ca", names: []string{"shop.example", "www.shop.example"}, from: -9 * day, to: 351 * day, stock: "pem csv", owner: "infra"},
	{role: "cdn", subject: "cdn.shop.example", issuer: "public-ca", names: []string{"cdn.shop.example"}, from: -30 * day, to: 60 * day, stock: "pem csv", owner: "infra"},

	// The backends are asked for the same name as the edge; the old certificate
	// has three weeks left when the new one is rolled out.
	{role: "app-old", subject: "shop.example", issuer: "internal-root", names: []string{"shop.example"}, from: -344 * day, to: 21 * day, stock: "csv", owner: "platform", retired: true},
	{role: "app-new", subject: "shop.example", issuer: "internal-root", names: []string{"shop.example"}, from: -3 * hour, to: 365 * day, stock: "pem csv", owner: "platform"},
	// Mail has one certificate for two servers; directory and database have an
	// authority of their own between them and the root.
	{role: "mail", subject: smtpName, issuer: "public-ca", names: []string{smtpName, imapName}, from: -20 * day, to: 70 * day, stock: "pem csv", owner: "mail"},
	{role: "internal-ca", subject: "Shop Internal Issuing CA", issuer: "internal-root", ca: true, from: -1 * year, to: 4 * year},
	{role: "ldap", subject: ldapName, issuer: "internal-ca", names: []string{ldapName}, from: -50 * day, to: 315 * day, stock: "pem csv", owner: "identity"},
	{role: "db", subject: dbName, issuer: "internal-ca", names: []string{dbName}, from: -80 * day, to: 285 * day, stock: "pem csv", owner: "data"},
	{role: "grafana", subject: "grafana.shop.internal", issuer: "internal-root", names: []string{"grafana.shop.internal"}, from: -90 * day, to: 275 * day, stock: "pem csv", owner: "observability"},

	{role: "payments-a1", subject: "payments", issuer: "mesh-root", names: []string{paymentsName}, uri: "spiffe://mesh.shop.internal/ns/pay/sa/payments", from: -meshAge, to: hour - meshAge},
	{role: "payments-b1", subject: "payments", issuer: "mesh-root", names: []string{paymentsName}, uri: "spiffe://mesh.shop.internal/ns/pay/sa/payments", from: -meshAge - 3*time.Minute, to: hour - meshAge - 3*time.Minute},
	{role: "payments-a2", subject: "payments", issuer: "mesh-root", names: []string{paymentsName}, uri: "spiffe://mesh.shop.internal/ns/pay/sa/payments", from: -time.Minute, to: hour},
	{role: "payments-b2", subject: "payments", issuer: "mesh-root", names: []string{paymentsName}, uri: "spiffe://mesh.shop.internal/ns/pay/sa/payments", from: -time.Minute, to: hour},
	{role: "orders-1", subject: "orders", issuer: "mesh-root", uri: "spiffe://mesh.shop.internal/ns/shop/sa/orders", from: -meshAge, to: hour - meshAge},
	{role: "orders-2", subject: "orders", issuer: "mesh-root", uri: "spiffe://mesh.shop.internal/ns/shop/sa/orders", from: -time.Minute, to: hour},
	{role: "blackbox", subject: "blackbox", issuer: "mesh-root", uri: "spiffe://mesh.shop.internal/ns/ops/sa/blackbox", from: -10 * time.Minute, to: 50 * time.Minute},
}

type healthy struct {
	*laboratory
	renewed    int // backends that have the new certificate
	a, b       *workload
	generation int // of the mesh's certificates
}

func runHealthy(l *lab) error { return healthyIn(l, "healthy", healthyCerts, false) }

// healthyIn is the healthy laboratory with the configuration of a folder.
func healthyIn(l *lab, folder string, certs []labCert, only13 bool) error {
	base, err := newLaboratory(l, folder, map[string][]string{
		"10.77.0.10": {"shop.example", "www.shop.example"},
		"10.77.5.1":  {"cdn.shop.example"},
		"10.77.3.20": {"grafana.shop.internal"},
		"10.77.6.10": {smtpName},
		"10.77.6.20": {imapName},
		"10.77.7.10": {ldapName},
		"10.77.7.20": {dbName},
	})
	if err != nil {
		return err
	}
	b := &healthy{laboratory: base, generation: 1}
	b.only13 = only13
	b.asks = map[string]string{"/app": "shop.example", "/health": ""}
	if err := b.issue(certs); err != nil {
		return err
	}
	if only13 {
		if err := errors.Join(b.build(), b.apart()); err != nil {
			return err
		}
	}
	if err := b.savePKI(map[string][]string{"public.pem": {"public-root"}, "internal.pem": {"internal-root"}, "mesh.pem": {"mesh-root"}}); err != nil {
		return err
	}
	for _, do := range []func() error{b.servers, func() error { return b.capture() }, b.checking(true), b.startMonitor, b.traffic,
		func() error { return b.monitored(healthyChecks) }, b.checking(false), b.edgeLog, b.sitesLog,
		func() error { return b.officeLogs("mail", "mail", "ldap", "db") }, b.rotated} {
		if err := do(); err != nil {
			return err
		}
	}
	if only13 {
		return b.look()
	}
	return nil
}

func (b *healthy) servers() error {
	if err := b.sites(); err != nil {
		return err
	}
	b.file("shop.pem.rsa", b.id("shop-rsa").certPEM()+b.id("shop-rsa").keyText)
	b.file("shop.pem.ecdsa", b.id("shop-ecdsa").certPEM()+b.id("shop-ecdsa").keyText)
	b.roots("edge-internal.pem", "internal-root")
	var servers strings.Builder
	for n := 1; n <= 3; n++ {
		fmt.Fprintf(&servers, "  server app%d %s source 10.77.0.10:5%d000-5%d999 ssl verify required ca-file %s/edge-internal.pem sni ssl_fc_sni check inter 3s\n", n, backend(n), n, n, b.tmp)
	}
	if err := b.edge("crt "+b.tmp+"/shop.pem", `  use_backend app if { path /app }
  http-request return status 200 content-type text/plain string ok if !{ path /app }
backend app
  http-reuse never
  balance roundrobin
  option httpchk GET /health
`+servers.String()); err != nil {
		return err
	}
	if err := b.quicEdge(map[string]string{"shop.example": "shop-ecdsa", "www.shop.example": "shop-ecdsa"}); err != nil {
		return err
	}
	if err := b.office(); err != nil {
		return err
	}
	if err := b.checking(false)(); err != nil {
		return err
	}
	if err := os.Truncate(filepath.Join(b.tmp, "access.log"), 0); err != nil { // of checks before the capture
		return err
	}
	var err error
	if b.a, err = b.mesh(payments1, "payments-a1", "mesh-root"); err != nil {
		return err
	}
	b.b, err = b.mesh(payments2, "payments-b1", "mesh-root")
	return err
}

// office is what does not speak HTTP: mail, directory, database.
func (b *healthy) office() error {
	if err := b.smtpServer("mail"); err != nil {
		return err
	}
	if err := b.imapServer("mail"); err != nil {
		return err
	}
	authorities := b.roots("directory-authorities.pem", "internal-ca")
	if b.only13 {
		return errors.Join(b.directory("ldap", authorities, gnutls13), b.database("db", "ssl_min_protocol_version=TLSv1.3"))
	}
	if err := b.directory("ldap", authorities, ""); err != nil {
		return err
	}
	return b.database("db")
}

// checking is the edge's own checks of its backends: without a name, as HAProxy
// makes them where it is not told otherwise.
func (b *healthy) checking(on bool) func() error {
	return func() error { return b.healthChecks(on, "app/app1", "app/app2", "app/app3") }
}

// cdn are the addresses of one name.
func cdn() []string {
	var out []string
	for n := 1; n <= 12; n++ {
		out = append(out, fmt.Sprintf("10.77.5.%d:443", n))
		if n%2 == 0 {
			out = append(out, fmt.Sprintf("[fd77::5:%d]:443", n))
		}
	}
	return out
}

func (b *healthy) sites() error {
	sites := []site{
		{cdn(), "cdn.shop.example", "cdn", ""},
		{[]string{grafanaAddr}, "grafana.shop.internal", "grafana", ""},
	}
	for n := 1; n <= 3; n++ {
		role := "app-old"
		if n <= b.renewed {
			role = "app-new"
		}
		sites = append(sites, site{[]string{backend(n)}, "shop.example", role, "ssl_protocols " + b.oldest("TLSv1.2") + ";"})
	}
	return b.serveSites(sites...)
}

// renew gives one more backend the new certificate.
func (b *healthy) renew(int) error {
	b.renewed++
	return b.sites()
}

// rotate gives the mesh its next certificates, one instance after the other.
func (b *healthy) rotate(i int) error {
	b.generation = 2
	if i == 0 {
		b.a.current.Store(b.id("payments-a2"))
		return nil
	}
	b.b.current.Store(b.id("payments-b2"))
	return nil
}

func (b *healthy) traffic() error {
	const pause = 60 * time.Millisecond
	if err := b.play(pause, b.usual(0)...); err != nil {
		return err
	}
	if err := b.play(pause, append(b.usual(1), step{3, b.renew}, step{2, b.rotate})...); err != nil {
		return err
	}
	if err := b.scan(); err != nil {
		return err
	}
	return b.play(pause, b.usual(2)...)
}

// usual is the traffic of a third of the time.
func (b *healthy) usual(third int) []step {
	public, internal := b.roots("client-public.pem", "public-root"), b.roots("client-internal.pem", "internal-root")
	ways := [][]string{
		{"--tlsv1.3"},
		{"--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"},
		{"--tls-max", "1.2", "--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"},
	}
	if b.only13 {
		ways = [][]string{{"--tlsv1.3"}, {"--tlsv1.3"}, nil}
	}
	shop := func(url string) func(int) error {
		return func(i int) error {
			if ways[i%3] == nil {
				return b.onlyRSA(fmt.Sprintf("10.77.8.%d", 1+i%8), url)
			}
			c := curl{from: fmt.Sprintf("10.77.8.%d", 1+i%8), to: edgeAddr, url: url, args: append([]string{"--cacert", public}, ways[i%3]...)}
			return b.either(c, "shop-rsa", "shop-ecdsa")
		}
	}
	pool := cdn()[third*6 : third*6+6]
	steps := b.officeUse(public, internal)
	if b.only13 {
		steps = append(steps, step{4, b.payOpenSSL})
	}
	return append(steps, []step{
		{9, shop("https://shop.example/app")},
		{3, shop("https://www.shop.example/")},
		{12, func(i int) error { return b.fetch(pool[i%6], i) }},
		{4, func(i int) error { return b.pay(i) }},
		{2, func(i int) error {
			return b.curlOK(curl{from: "10.77.4.70", to: grafanaAddr, url: "https://grafana.shop.internal/", args: append([]string{"--cacert", internal}, b.upTo([]string{"1.3", "1.2"}[i])...)}, b.id("grafana"))
		}},
		{3, func(i int) error {
			return b.askQUIC(fmt.Sprintf("10.77.8.%d", 1+i), []string{"shop.example", "www.shop.example"}[i%2], b.id("shop-ecdsa"))
		}},
	}...)
}

// officeUse is the same of mail, directory and database. What the blackbox
// exporter does not speak, StartTLS of LDAP and PostgreSQL, a plugin looks at
// as check_ssl_cert does: with openssl s_client.
func (b *healthy) officeUse(public, internal string) []step {
	versions := []string{"1.2", "1.3"}
	plugin := func(to, name, role, protocol string) func(int) error {
		return func(int) error {
			h, err := b.expect(sclient{from: monitorIP, to: to, sni: name, stdin: "Q\n", args: []string{"-no_ign_eof", "-starttls", protocol, "-verify_return_error", "-CAfile", internal}}, b.id(role))
			if h != nil {
				h.HelloRetry = nil // slapd may ask for one, and s_client does not tell
			}
			return err
		}
	}
	return []step{
		{4, func(i int) error { return b.letter(i, public) }},
		{2, func(i int) error {
			return b.readMail(fmt.Sprintf("10.77.4.%d", 91+i), b.id("mail"), append([]string{"--cacert", public}, b.upTo(versions[i])...)...)
		}},
		{1, func(int) error {
			return b.converse("10.77.4.98", imapAddr, line{"", "STARTTLS"}, line{"a CAPABILITY\r\n", "a OK"}, line{"b LOGOUT\r\n", "b OK"})
		}},
		{2, func(i int) error {
			return b.searchLDAPS(fmt.Sprintf("10.77.4.%d", 95+i), b.id("ldap"), append([]string{"--cacert", internal}, b.upTo(versions[i])...)...)
		}},
		{2, func(int) error { return b.searchStartTLS("10.77.4.97", internal) }},
		{4, func(i int) error {
			return b.sql(fmt.Sprintf("10.77.4.%d", 85+i%2), b.oldest("TLSv"+versions[i/2]), "sslmode=verify-full", "sslrootcert="+internal)
		}},
		{1, plugin(ldapAddr, ldapName, "ldap", "ldap")},
		{1, plugin(dbAddr, dbName, "db", "postgres")},
	}
}

// letter is mail from other companies, one of which asks for no name, as mail
// servers mostly do, and a load balancer that only says hello.
func (b *healthy) letter(i int, public string) error {
	from, id := fmt.Sprintf("10.77.10.%d", 1+i), b.id("mail")
	switch i {
	case 2:
		_, err := b.expect(sclient{from: from, to: smtpAddr, stdin: "QUIT\r\n", args: []string{"-starttls", "smtp", b.exactly("-tls1_2")}}, id)
		return err
	case 3:
		return b.converse(from, smtpAddr, line{"", "220 "}, line{"EHLO balancer.partner.example\r\n", "250-STARTTLS"}, line{"QUIT\r\n", "221 "})
	}
	return b.sendMail(from, id, append([]string{"--cacert", public}, b.upTo([]string{"1.2", "1.3"}[i])...)...)
}

// either is curlOK where the server chooses between two certificates: in TLS
// 1.2 by the cipher suite, in TLS 1.3 its log says which one.
func (b *healthy) either(c curl, rsa, ecdsa string) error {
	h, r, err := b.curl(c)
	if err != nil {
		return err
	}
	if r.code != 0 {
		return fmt.Errorf("curl %s ended with %d:\n%s", c.url, r.code, r.out)
	}
	switch {
	case strings.Contains(h.Cipher, "_ECDSA_"):
		h.presents(b.id(ecdsa))
	case strings.Contains(h.Cipher, "_RSA_"):
		h.presents(b.id(rsa))
	}
	return nil
}

// fetch goes to one address of the pool.
func (b *healthy) fetch(to string, i int) error {
	from := fmt.Sprintf("10.77.9.%d", 1+i%4)
	if strings.HasPrefix(to, "[") {
		from = fmt.Sprintf("fd77::9:%d", 1+i%4)
	}
	version := uint16(tls.VersionTLS13) // four of six addresses never show their certificate
	if i%3 == 0 {
		version = tls.VersionTLS12
	}
	_, err := b.goOK(goClient{from: from, to: to, cfg: b.trusting("cdn.shop.example", "public-root", version)}, b.id("cdn"))
	return err
}

// pay calls an instance of the mesh's service with the certificate of the time.
func (b *healthy) pay(i int) error {
	to, w := payments1, b.a
	if i%2 == 1 {
		to, w = payments2, b.b
	}
	return b.call(fmt.Sprintf("10.77.2.%d", 20+i/2%2), to, w.current.Load().name, fmt.Sprintf("orders-%d", b.generation))
}

// scan is somebody who looks at everything once: without a name, and with one
// that nobody serves.
func (b *healthy) scan() error {
	const from = "10.77.4.99"
	version := b.version(tls.VersionTLS12)
	for _, name := range []string{"10.77.4.99", "nmap.scan.test"} { // an address is not sent as a name
		for _, to := range []struct{ addr, role string }{
			{edgeAddr, "shop-ecdsa"}, {backend(1), "app-new"}, {backend(2), "app-new"}, {backend(3), "app-new"},
			{grafanaAddr, "grafana"}, {"10.77.5.7:443", "cdn"},
		} {
			cfg := &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: version, MaxVersion: version} //nolint:gosec // a scanner
			if _, err := b.goOK(goClient{from: from, to: to.addr, cfg: cfg}, b.id(to.role)); err != nil {
				return err
			}
		}
		for i, to := range []string{payments1, payments2} { // it has no certificate for the mesh
			cfg := &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: version, MaxVersion: version} //nolint:gosec // a scanner
			h, err := b.goDial(goClient{from: from, to: to, cfg: cfg})
			if err := wantError(err, "remote error"); err != nil {
				return err
			}
			h.ClientAuth = ref(true)
			h.refusedLike([]*workload{b.a, b.b}[i].current.Load(), version, "server", "")
		}
	}
	return nil
}

// rotated makes sure that the rotation is to be seen: both certificates in the
// clear, from the edge, at every backend.
func (b *healthy) rotated() error {
	for n := 1; n <= 3; n++ {
		for _, role := range []string{"app-old", "app-new"} {
			if !slices.ContainsFunc(b.truth.Handshakes, func(h *handshake) bool {
				return h.Server == backend(n) && (h.Visible || b.only13) && len(h.Certs) > 0 && strings.HasPrefix(h.Client, "10.77.0.10:") && h.Certs[0] == b.id(role).hashes()[0]
			}) {
				return fmt.Errorf("%s was never asked by the edge for %s in the clear", backend(n), role)
			}
		}
	}
	return nil
}
