//go:build linux

package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The checks of lab/incident/prometheus.yml.
const incidentChecks = 11

var incidentCerts = []labCert{
	{role: "public-root", subject: "Example Trust Root R2", key: "rsa", ca: true, from: -2 * year, to: 18 * year},
	{role: "public-ca", subject: "Example Trust TLS CA 2", issuer: "public-root", ca: true, from: -1 * year, to: 5 * year},
	{role: "internal-root", subject: "Shop Internal CA", key: "rsa", ca: true, from: -2 * year, to: 8 * year},
	{role: "mesh-root", subject: "Shop Mesh CA", ca: true, from: -100 * day, to: 2 * year, stock: "pem"},
	{role: "ops-root", subject: "Grafana CA", ca: true, from: -90 * day, to: 3 * year},

	{role: "shop", subject: "shop.example", issuer: "public-ca", names: []string{"shop.example", "www.shop.example", "status.shop.example"}, from: -60 * day, to: 300 * day, stock: "pem csv", owner: "infra"},
	{role: "partners", subject: "partners.shop.example", issuer: "public-ca", names: []string{"partners.shop.example"}, from: -40 * day, to: 320 * day, stock: "pem csv", owner: "infra"},
	{role: "pay", subject: "pay.shop.example", issuer: "public-ca", names: []string{"pay.shop.example"}, from: -20 * day, to: 200 * day, bare: true, stock: "pem csv", owner: "infra"},
	{role: "api-v2", subject: "api-v2.shop.example", issuer: "public-ca", names: []string{"api-v2.shop.example"}, from: -5 * day, to: 360 * day, stock: "pem csv", owner: "infra"},

	{role: "live", subject: "live.shop.example", issuer: "public-ca", names: []string{"live.shop.example"}, from: -10 * day, to: 350 * day, stock: "pem csv", owner: "infra"},
	{role: "mail-old", subject: smtpName, issuer: "public-ca", names: []string{smtpName}, from: -97 * day, to: -7 * day, stock: "csv", owner: "mail", retired: true},
	{role: "mail-new", subject: smtpName, issuer: "public-ca", names: []string{smtpName}, from: -12 * day, to: 78 * day, stock: "pem csv", owner: "mail"},
	{role: "imap", subject: imapName, issuer: "public-ca", names: []string{imapName}, from: -30 * day, to: 60 * day, stock: "pem csv", owner: "mail"},

	{role: "internal-ca", subject: "Shop Internal Issuing CA", issuer: "internal-root", ca: true, from: -1 * year, to: 4 * year},
	{role: "ldap", subject: ldapName, issuer: "internal-ca", names: []string{ldapName}, from: -50 * day, to: 315 * day, bare: true, stock: "pem csv", owner: "identity"},
	{role: "pg-1", subject: "pg-1.shop.internal", issuer: "internal-ca", names: []string{"pg-1.shop.internal"}, from: -80 * day, to: 285 * day, stock: "pem csv", owner: "data"},

	{role: "app-old", subject: "app.shop.internal", issuer: "internal-root", key: "rsa", names: []string{"app.shop.internal"}, from: -368 * day, to: -3 * day, stock: "csv", owner: "platform", retired: true},
	{role: "app-new", subject: "app.shop.internal", issuer: "internal-root", key: "rsa", names: []string{"app.shop.internal"}, from: -7 * day, to: 358 * day, stock: "pem csv", owner: "platform"},
	{role: "files", subject: "files.shop.internal", issuer: "internal-root", names: []string{"files.shop.internal"}, from: -100 * day, to: 265 * day, stock: "pem csv", owner: "platform"},
	{role: "files-next", subject: "files.shop.internal", issuer: "internal-root", names: []string{"files.shop.internal"}, from: -100 * day, to: 265 * day}, // its key is in memory; it was never installed

	{role: "grafana", subject: "grafana.shop.internal", issuer: "ops-root", names: []string{"grafana.shop.internal"}, from: -90 * day, to: 275 * day, stock: "csv", owner: "observability"},
	{role: "wiki", subject: "wiki.shop.internal", issuer: "internal-root", names: []string{"wiki.shop.internal"}, from: -30 * day, to: 335 * day},
	{role: "printer", subject: "printer.shop.internal", issuer: "internal-root", key: "rsa", names: []string{"printer.shop.internal"}, from: -200 * day, to: 500 * day, stock: "csv", owner: "office"},

	{role: "payments-1", subject: "payments", issuer: "mesh-root", names: []string{"payments.mesh.shop.internal"}, uri: "spiffe://mesh.shop.internal/ns/pay/sa/payments", from: -hour, to: 23 * hour},
	{role: "payments-2", subject: "payments", issuer: "mesh-root", names: []string{"payments.mesh.shop.internal"}, uri: "spiffe://mesh.shop.internal/ns/pay/sa/payments", from: -2 * hour, to: 22 * hour},
	{role: "orders", subject: "orders", issuer: "mesh-root", uri: "spiffe://mesh.shop.internal/ns/shop/sa/orders", from: -hour, to: 23 * hour},
	{role: "ledger", subject: "ledger", issuer: "mesh-root", uri: "spiffe://mesh.shop.internal/ns/pay/sa/ledger", from: -26 * hour, to: -2 * hour},
	{role: "blackbox", subject: "blackbox", issuer: "mesh-root", uri: "spiffe://mesh.shop.internal/ns/ops/sa/blackbox", from: -hour, to: 23 * hour},
}

// Where the incident's servers are.
const (
	filesAddr    = "10.77.1.31:8443"
	printerAddr  = "10.77.3.30:8443"
	grafanaAddr  = "10.77.3.20:443"
	wikiAddr     = "10.77.3.21:443"
	webmailAddr  = "10.77.6.10:443" // beside Postfix
	payments1    = "10.77.2.10:8443"
	payments2    = "10.77.2.11:8443"
	checkedApp   = "10.77.1.21:8443" // of the five, the one that the name resolves to
	paymentsName = "payments.mesh.shop.internal"
)

func backend(n int) string { return fmt.Sprintf("10.77.1.%d:8443", 20+n) }

type incident struct{ *laboratory }

func runIncident(l *lab) error { return incidentIn(l, "incident", incidentCerts, false) }

// incidentIn is the incident with the configuration of a folder.
func incidentIn(l *lab, folder string, certs []labCert, only13 bool) error {
	base, err := newLaboratory(l, folder, map[string][]string{
		"10.77.0.10": {"shop.example", "www.shop.example", "status.shop.example"},
		"10.77.1.21": {"app.shop.internal"},
		"10.77.2.10": {paymentsName},
		"10.77.3.20": {"grafana.shop.internal"},
		"10.77.3.21": {"wiki.shop.internal"},
		"10.77.6.10": {smtpName},
		"10.77.6.20": {imapName},
		"10.77.7.10": {ldapName},
		"10.77.7.20": {dbName},
	})
	if err != nil {
		return err
	}
	b := incident{base}
	b.only13 = only13
	b.asks = map[string]string{"/app": "app.shop.internal", "/orders": "app.shop.internal"}
	if err := b.issue(certs); err != nil {
		return err
	}
	if only13 {
		if err := b.build(); err != nil {
			return err
		}
	}
	if err := b.savePKI(map[string][]string{"public.pem": {"public-root"}, "internal.pem": {"internal-root"}, "mesh.pem": {"mesh-root"},
		"directory.pem": {"internal-root", "internal-ca"}}); err != nil {
		return err
	}
	for _, do := range []func() error{b.servers, func() error { return b.capture() }, b.startMonitor, b.traffic,
		func() error { return b.monitored(incidentChecks) }, b.edgeLog, b.sitesLog, b.ordersRefused,
		func() error { return b.officeLogs("mail-old", "imap", "ldap", "pg-1") }} {
		if err := do(); err != nil {
			return err
		}
	}
	if only13 {
		return b.look()
	}
	return nil
}

// startMonitor gives the exporter its own certificate for the mesh.
func (b *laboratory) startMonitor() error {
	b.crt(b.id("blackbox"))
	b.key(b.id("blackbox"))
	return b.monitor()
}

func (b *incident) servers() error {
	if err := b.sites(); err != nil {
		return err
	}
	if err := b.incidentEdge(); err != nil {
		return err
	}
	if err := b.office(); err != nil {
		return err
	}
	for addr, role := range map[string]string{payments1: "payments-1", payments2: "payments-2"} {
		if _, err := b.mesh(addr, role, "mesh-root"); err != nil {
			return err
		}
	}
	// The file server got the next certificate's key, and kept the old certificate.
	cert := b.id("files").tls()
	cert.PrivateKey = b.id("files-next").key
	if _, err := b.goServe(filesAddr, &tls.Config{MinVersion: b.version(tls.VersionTLS12), MaxVersion: b.version(tls.VersionTLS12), Certificates: []tls.Certificate{cert}}, nil); err != nil {
		return err
	}
	if b.only13 {
		return nil // the printer cannot
	}
	return b.sserver(printerAddr, b.id("printer"), "-tls1", "-cipher", "ALL:@SECLEVEL=0")
}

// sites are NGINX's: five backends, of which two missed the renewal, and the
// ops plane.
func (b *incident) sites() error {
	visible := "ssl_protocols " + b.oldest("TLSv1.2") + "; ssl_session_tickets off;"
	return b.serveSites(
		site{[]string{backend(1), backend(2), backend(3)}, "app.shop.internal", "app-new", visible},
		site{[]string{backend(4), backend(5)}, "app.shop.internal", "app-old", visible},
		site{[]string{grafanaAddr}, "grafana.shop.internal", "grafana", ""},
		site{[]string{wikiAddr}, "wiki.shop.internal", "wiki", ""},
		site{[]string{webmailAddr}, smtpName, "mail-new", ""},
	)
}

// office is what does not speak HTTP: Postfix kept the certificate that NGINX
// beside it has replaced, the directory has no intermediate to present and is of
// a time without TLS 1.3, and the database has the name of its machine.
func (b *incident) office() error {
	if err := b.smtpServer("mail-old"); err != nil {
		return err
	}
	if err := b.imapServer("imap"); err != nil {
		return err
	}
	if b.only13 {
		return errors.Join(b.directory("ldap", "", gnutls13), b.database("pg-1", "ssl_min_protocol_version=TLSv1.3"))
	}
	if err := b.directory("ldap", "", "NORMAL:-VERS-TLS1.3"); err != nil {
		return err
	}
	return b.database("pg-1", "ssl_max_protocol_version=TLSv1.2")
}

// incidentEdge is HAProxy with three certificates, which does not verify the
// backends: that is how their expiry stayed unnoticed. Beside it a server of
// QUIC has a name of its own.
func (b *incident) incidentEdge() error {
	list := b.file("crt-list", strings.Join([]string{b.pem(b.id("shop")), b.pem(b.id("partners")), b.pem(b.id("pay"))}, "\n")+"\n")
	var servers strings.Builder
	for n := 1; n <= 5; n++ {
		fmt.Fprintf(&servers, "  server app%d %s source 10.77.0.10:5%d000-5%d999 ssl verify none no-ssl-reuse sni str(app.shop.internal)\n", n, backend(n), n, n)
	}
	if err := b.quicEdge(map[string]string{"shop.example": "shop", "www.shop.example": "shop", "live.shop.example": "live"}); err != nil {
		return err
	}
	paths, use, verifying := "/app", "", ""
	if b.only13 {
		paths, use, verifying = paths+" "+ordersPath, "  use_backend orders if { path "+ordersPath+" }\n", b.verifying()
	}
	return b.edge("crt-list "+list, `  use_backend app if { path /app }
`+use+`  http-request return status 200 content-type text/plain string ok if !{ path `+paths+` }
backend app
  http-reuse never
  balance roundrobin
`+servers.String()+verifying)
}

// traffic is 175 handshakes of clients, counting those of the edge with its backends.
func (b *incident) traffic() error {
	public, internal := b.roots("client-public.pem", "public-root"), b.roots("client-internal.pem", "internal-root")
	appRoots := b.roots("client-app.pem", "public-root", "public-ca") // the app on the phones brings the intermediate along
	web := func(i int) string { return fmt.Sprintf("10.77.8.%d", 1+i%8) }
	half := func(i int) bool { return i%2 == 0 }
	get := func(from func(int) string, to, url, role, roots string, tls12 func(int) bool) func(int) error {
		return func(i int) error {
			args := []string{"--tlsv1.3"}
			if tls12(i) {
				args = b.upTo("1.2")
			}
			if roots == "" {
				args = append(args, "-k")
			} else {
				args = append(args, "--cacert", roots)
			}
			return b.curlOK(curl{from: from(i), to: to, url: url, args: args}, b.id(role))
		}
	}
	office := func(i int) string { return fmt.Sprintf("10.77.4.%d", 70+i%2) }
	steps := b.officeUse(public)
	if b.only13 {
		steps = append(steps, step{orders, get(web, edgeAddr, "https://shop.example"+ordersPath, "shop", public, half)})
	} else {
		steps = append(steps, step{2, func(int) error {
			_, err := b.expect(sclient{from: "10.77.4.80", to: printerAddr, sni: "printer.shop.internal", args: []string{"-tls1", "-cipher", "ALL:@SECLEVEL=0"}}, b.id("printer").with())
			return err
		}})
	}
	return b.play(80*time.Millisecond, append(steps,
		step{20, get(web, edgeAddr, "https://shop.example/app", "shop", public, half)}, // each makes two handshakes
		step{10, get(web, edgeAddr, "https://shop.example/", "shop", public, half)},
		step{10, get(web, edgeAddr, "https://www.shop.example/", "shop", public, half)},
		step{24, get(func(i int) string { return fmt.Sprintf("10.77.9.%d", 1+i%3) }, edgeAddr, "https://partners.shop.example/v1", "partners", public, func(i int) bool { return i%3 > 0 })},
		step{6, get(web, edgeAddr, "https://pay.shop.example/", "pay", appRoots, func(i int) bool { return i%3 > 0 })},
		step{4, get(office, grafanaAddr, "https://grafana.shop.internal/", "grafana", "", half)},
		step{4, get(office, wikiAddr, "https://wiki.shop.internal/", "wiki", internal, half)},
		step{4, func(int) error {
			return b.refuses(sclient{from: "10.77.4.60", to: checkedApp, sni: "app.shop.internal", args: []string{b.exactly("-tls1_2"), "-verify_return_error", "-CAfile", public}}, b.id("app-new"), tls.VersionName(b.version(tls.VersionTLS12)), "unknown_ca")
		}},
		step{3, b.fileClient},
		step{8, b.order},
		step{3, b.lateLedger},
		step{4, get(office, webmailAddr, "https://"+smtpName+"/", "mail-new", public, half)},
		step{12, func(i int) error {
			return b.askQUIC(fmt.Sprintf("10.77.8.%d", 1+i%4), "live.shop.example", b.id("live"))
		}},
		step{5, func(i int) error { return b.askQUIC(web(i), "shop.example", b.id("shop")) }},
		step{5, func(i int) error { return b.askQUIC(web(i), "www.shop.example", b.id("shop")) }},
	)...)
}

// officeUse is the use of mail, directory and database. What asks the directory
// brings the intermediate along, and what asks the database does not verify.
func (b *incident) officeUse(public string) []step {
	directory := b.roots("client-directory.pem", "internal-root", "internal-ca")
	return []step{
		{9, b.letter},
		{6, func(i int) error {
			return b.readMail(fmt.Sprintf("10.77.4.%d", 91+i%3), b.id("imap"), append([]string{"--cacert", public}, b.upTo([]string{"1.2", "1.3"}[i%2])...)...)
		}},
		{3, func(int) error { return b.readMailInClear("10.77.4.90") }},
		{6, func(i int) error {
			return b.searchLDAPS(fmt.Sprintf("10.77.4.%d", 95+i%2), b.id("ldap"), "--cacert", directory)
		}},
		{4, func(int) error { return b.searchStartTLS("10.77.4.97", directory) }},
		{6, func(i int) error {
			return b.sql(fmt.Sprintf("10.77.4.%d", 85+i%2), b.oldest("TLSv1.2"), "sslmode=require")
		}},
	}
}

// letter is mail from another company, whose servers encrypt where they can and
// do not verify, two thirds of it in TLS 1.2.
func (b *incident) letter(i int) error {
	from, id := fmt.Sprintf("10.77.10.%d", 1+i%3), b.id("mail-old")
	version := i / 6
	if i%3 == 2 {
		_, err := b.expect(sclient{from: from, to: smtpAddr, sni: smtpName, stdin: "QUIT\r\n", args: []string{"-starttls", "smtp", b.exactly(bothVersions[version])}}, id)
		return err
	}
	return b.sendMail(from, id, append([]string{"-k"}, b.upTo([]string{"1.2", "1.3"}[version])...)...)
}

// fileClient meets a signature by another key than the certificate's.
func (b *incident) fileClient(i int) error {
	const from, name = "10.77.4.61", "files.shop.internal"
	id := b.id("files").with()
	if i == 0 {
		h, r, err := b.sclient(sclient{from: from, to: filesAddr, sni: name, args: []string{b.exactly("-tls1_2")}})
		if err == nil && r.code == 0 {
			err = fmt.Errorf("s_client accepts the signature of another key:\n%s", r.out)
		}
		h.Cipher, h.KeyProof = "", ref(false)
		h.refusedLike(id, b.version(tls.VersionTLS12), "client", "decrypt_error")
		return err
	}
	h, err := b.goDial(goClient{from: from, to: filesAddr, cfg: b.trusting(name, "internal-root", tls.VersionTLS12)})
	h.KeyProof = ref(false)
	description := "illegal_parameter"
	if b.only13 {
		description = "decrypt_error"
	}
	h.refusedLike(id, b.version(tls.VersionTLS12), "client", description)
	return wantError(err, "invalid signature by the server")
}

// order is one service of the mesh that calls another, on both of its instances.
func (b *incident) order(i int) error {
	to, role := payments1, "payments-1"
	if i%2 == 1 {
		to, role = payments2, "payments-2"
	}
	return b.call(fmt.Sprintf("10.77.2.%d", 20+i/2%2), to, role, "orders")
}

// call is a connection in the mesh that must succeed.
func (b *laboratory) call(from, to, role, client string) error {
	h, err := b.goOK(goClient{from: from, to: to, cfg: b.trusting(paymentsName, "mesh-root", tls.VersionTLS12, client)}, b.id(role))
	h.ClientAuth, h.ClientCerts = ref(true), b.id(client).hashes()
	return err
}

// lateLedger is a service whose agent died: it goes on with the certificate of
// yesterday, and is refused.
func (b *incident) lateLedger(int) error {
	h, err := b.goDial(goClient{from: "10.77.2.30", to: payments1, cfg: b.trusting(paymentsName, "mesh-root", tls.VersionTLS12, "ledger")})
	h.ClientAuth, h.ClientCerts = ref(true), b.id("ledger").hashes()
	h.refusedLike(b.id("payments-1"), b.version(tls.VersionTLS12), "server", "certificate_expired")
	return wantError(err, "certificate")
}
