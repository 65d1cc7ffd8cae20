//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

var demoScenario = scenario{
	name:  "demo.pcap",
	stack: "HAProxy 2.6.12 and NGINX 1.22.1 (OpenSSL 3.0.22); curl 7.88.1, openssl s_client",
	point: "the demo: a monitored name, and an unmonitored one that carries a fifth of the handshakes on an expired certificate",
	run:   runDemo,
}

const (
	edge      = "10.77.0.10:443"
	adminAddr = "10.77.0.11:8443"
	probe     = "10.77.3.9"
)

// A visit is one handshake of the demo.
type visit struct {
	kind string
	from string
}

func runDemo(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.addr(l.srv, "10.77.0.11"); err != nil {
		return err
	}
	if err := l.demoServers(); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	if err := l.demoRoots(); err != nil {
		return err
	}
	roots := l.bundle("root")
	rnd := rand.New(rand.NewPCG(2026, 11))
	visits := demoVisits()
	rnd.Shuffle(len(visits), func(i, j int) { visits[i], visits[j] = visits[j], visits[i] })
	for i, v := range visits {
		if err := l.visit(v, i, roots); err != nil {
			return fmt.Errorf("%s: %w", v.kind, err)
		}
		time.Sleep(time.Duration(rnd.IntN(150)) * time.Millisecond)
	}
	return nil
}

// demoVisits has a hundred visits of clients, twenty of them to the expired
// name, and six of the monitoring.
func demoVisits() []visit {
	var v []visit
	web := func(i int) string { return fmt.Sprintf("10.77.2.%d", 1+i%8) }
	app := func(i int) string { return fmt.Sprintf("10.77.1.%d", 21+i%3) }
	for _, plan := range []struct {
		kind string
		n    int
		from func(int) string
	}{
		{"shop-13", 31, web}, {"shop-12", 16, web}, {"shop-resume", 2, web}, // each of these makes two handshakes
		{"www-13", 14, web}, {"www-12", 8, web},
		{"legacy-insecure-12", 10, app}, {"legacy-insecure-13", 4, app},
		{"legacy-refuse-curl-12", 2, app}, {"legacy-refuse-curl-13", 1, app}, {"legacy-refuse-openssl-12", 2, app}, {"legacy-refuse-openssl-13", 1, app},
		{"admin", 6, func(i int) string { return fmt.Sprintf("10.77.4.%d", 1+i%2) }},
		{"no-name", 1, func(int) string { return "10.77.2.40" }},
		{"probe-shop", 3, func(int) string { return probe }}, {"probe-www", 3, func(int) string { return probe }},
	} {
		for i := range plan.n {
			v = append(v, visit{plan.kind, plan.from(i)})
		}
	}
	return v
}

// demoRoots writes the trust stores of the demo's configuration.
func (l *lab) demoRoots() error {
	for file, name := range map[string]string{"public-roots.pem": "root", "internal-roots.pem": "internal-root"} {
		if err := os.WriteFile(filepath.Join(l.dir, "demo", file), []byte(l.pki.get(name).certPEM()), 0o644); err != nil { //nolint:gosec // checked in
			return err
		}
	}
	return nil
}

func (l *lab) demoServers() error {
	list := l.file("crt-list", l.pem(l.pki.get("shop"))+"\n"+l.pem(l.pki.get("legacy-api"))+"\n")
	cfg := l.file("haproxy.cfg", `defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend edge
  bind `+edge+` ssl crt-list `+list+` alpn h2,http/1.1 ssl-min-ver TLSv1.2
  http-request return status 200 content-type text/plain string ok
`)
	if _, err := l.serve([]string{edge}, "haproxy", "-db", "-f", cfg); err != nil {
		return err
	}
	admin := l.pki.get("admin")
	return l.nginx([]string{adminAddr}, `server {
  listen `+adminAddr+` ssl http2;
  server_name admin.shop.example;
  ssl_certificate `+l.crt(admin)+`;
  ssl_certificate_key `+l.key(admin)+`;
  return 200 ok;
}`)
}

func (l *lab) visit(v visit, i int, roots string) error {
	shop, legacy, admin := l.pki.get("shop"), l.pki.get("legacy-api"), l.pki.get("admin")
	ca := []string{"--cacert", roots}
	tls12, tls13 := []string{"--tls-max", "1.2"}, []string{"--tlsv1.3"}
	visitURL := func(id *ident, url, to string, args ...string) error {
		return l.curlOK(curl{from: v.from, to: to, url: url, args: args}, id)
	}
	switch v.kind {
	case "shop-13", "probe-shop":
		return visitURL(shop, "https://shop.example/", edge, append(ca, tls13...)...)
	case "shop-12":
		return visitURL(shop, "https://shop.example/", edge, append(ca, tls12...)...)
	case "www-13", "probe-www":
		return visitURL(shop, "https://www.shop.example/", edge, append(ca, tls13...)...)
	case "www-12":
		return visitURL(shop, "https://www.shop.example/", edge, append(ca, tls12...)...)
	case "legacy-insecure-12":
		return visitURL(legacy, "https://legacy-api.shop.example/v1/orders", edge, append(tls12, "-k")...)
	case "legacy-insecure-13":
		return visitURL(legacy, "https://legacy-api.shop.example/v1/orders", edge, append(tls13, "-k")...)
	case "admin":
		return visitURL(admin, "https://admin.shop.example:8443/", adminAddr, append(tls12, "--cacert", l.bundle("internal-root"))...)
	case "no-name":
		return l.curlOK(curl{from: v.from, to: edge, url: "https://10.77.0.10/", args: append(tls12, "-k"), noSNI: true}, shop)
	case "shop-resume":
		return l.resume(v.from, edge, "shop.example", "h2,http/1.1", shop, l.file(fmt.Sprintf("session-%d", i), ""), []string{"-tls1_2", "-CAfile", roots})
	case "legacy-refuse-curl-12":
		return l.curlRefuses(curl{from: v.from, to: edge, url: "https://legacy-api.shop.example/v1/orders", args: append(ca, tls12...)}, legacy, "TLS 1.2", "certificate_expired")
	case "legacy-refuse-curl-13":
		return l.curlRefuses(curl{from: v.from, to: edge, url: "https://legacy-api.shop.example/v1/orders", args: append(ca, tls13...)}, legacy, "TLS 1.3", "certificate_expired")
	case "legacy-refuse-openssl-12":
		return l.refuses(sclient{from: v.from, to: edge, sni: "legacy-api.shop.example", args: []string{"-tls1_2", "-verify_return_error", "-CAfile", roots}}, legacy, "TLS 1.2", "certificate_expired")
	case "legacy-refuse-openssl-13":
		return l.refuses(sclient{from: v.from, to: edge, sni: "legacy-api.shop.example", args: []string{"-tls1_3", "-verify_return_error", "-CAfile", roots}}, legacy, "TLS 1.3", "certificate_expired")
	}
	return fmt.Errorf("unknown visit")
}
