//go:build linux

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// The balancer is on the clients' side: what it hears from them does not pass
// the wire, what it says to the servers does.
const (
	balancer  = "10.77.1.200"
	balancer6 = "fd77::1:200"
)

// originLog is how NGINX tells who came, and whom the header named.
const originLog = `log_format origin "$remote_addr:$remote_port $server_addr:$server_port $ssl_server_name $ssl_protocol $ssl_cipher $proxy_protocol_addr $proxy_protocol_port";
`

// withOrigin is a server of NGINX behind a PROXY header.
func (l *lab) withOrigin(addr string, id *ident) string {
	return fmt.Sprintf("server { listen %s ssl proxy_protocol; server_name %s; ssl_certificate %s; ssl_certificate_key %s; access_log %s/origin.log origin; return 200 ok; }\n",
		addr, strings.Join(id.leaf.DNSNames, " "), l.crt(id), l.key(id), l.tmp)
}

// originLogged adds what NGINX logged of sessions with a PROXY header.
func (l *lab) originLogged(word string, id *ident, want int) error {
	var lines []string
	for range 100 {
		b, _ := os.ReadFile(l.tmp + "/origin.log")
		if lines = strings.Split(strings.TrimSpace(string(b)), "\n"); len(lines) >= want {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if len(lines) != want {
		return fmt.Errorf("NGINX logged %q, %d lines are expected", lines, want)
	}
	for _, text := range lines {
		f := strings.Fields(text)
		if len(f) != 7 {
			return fmt.Errorf("NGINX's log: %q", text)
		}
		h := l.add(&handshake{Client: f[0], Server: f[1], Transport: "tcp", StartTLS: word, Outcome: established, Version: versionByName(f[3]), Cipher: cipherByName(f[4]), Resumed: ref(false)})
		h.named(strings.TrimPrefix(f[2], "-"))
		switch {
		case f[5] == "-":
			h.Note = "a health check: the header names nobody"
		case strings.Contains(f[5], ":"):
			h.ClientOrigin = "[" + f[5] + "]:" + f[6]
		default:
			h.ClientOrigin = f[5] + ":" + f[6]
		}
		h.presents(id)
	}
	return nil
}

// sendProxy is what HAProxy calls the two versions; the second one with what
// can be added to it.
var sendProxy = map[string]string{"proxy-v1": "send-proxy", "proxy-v2": "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority"}

const tcpHead = `defaults
  mode tcp
  timeout client 5s
  timeout server 5s
  timeout connect 5s
`

func prefaceProxy(l *lab, word string) error {
	id := l.pki.get("one")
	if err := l.network(false); err != nil {
		return err
	}
	for _, ip := range []string{balancer, balancer6, "10.77.1.21", "10.77.1.22", "fd77::1:21"} {
		if err := l.addr(l.cli, ip); err != nil {
			return err
		}
	}
	if err := l.nginx([]string{at(0)}, originLog+l.withOrigin(at(0), id)); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	cfg := l.file("haproxy.cfg", tcpHead+`frontend in
  bind `+balancer+`:8443
  bind [`+balancer6+`]:8443
  unique-id-format %{+X}o\ %ci:%cp
  default_backend out
backend out
  option httpchk
  server one `+at(0)+` `+sendProxy[word]+` check check-ssl verify none check-send-proxy check-sni one.example inter 60s
`)
	if _, err := l.serveIn(l.cli, []string{balancer + ":8443", "[" + balancer6 + "]:8443"}, "haproxy", "-db", "-f", cfg); err != nil {
		return err
	}
	time.Sleep(500 * time.Millisecond) // its check
	for _, c := range []struct{ from, to, max string }{{"10.77.1.21", balancer, "1.2"}, {"10.77.1.21", balancer, "1.3"}, {"10.77.1.22", balancer, "1.2"}, {"fd77::1:21", balancer6, "1.2"}, {"fd77::1:21", balancer6, "1.3"}} {
		to := c.to
		if strings.Contains(to, ":") {
			to = "[" + to + "]"
		}
		r, err := l.run("", []string{"SSLKEYLOGFILE=" + l.keys}, "curl", "-sv", "-m", "10", "-o", "/dev/null", "--interface", c.from, "--cacert", l.bundle("root"), "--tls-max", c.max, "--connect-to", "::"+to+":8443", "https://one.example/")
		if err != nil {
			return err
		}
		if r.code != 0 {
			return fmt.Errorf("curl from %s ended with %d:\n%s", c.from, r.code, r.out)
		}
	}
	l.lenient = true
	return l.originLogged(word, id, 6)
}

// prefaceProxyEnds has HAProxy among the servers and NGINX among the clients,
// so that both legs pass the wire.
func prefaceProxyEnds(l *lab) error {
	const ends, passes, inner, outer = "10.77.0.10:443", "10.77.0.10:8443", "10.77.1.200:443", "10.77.1.200:8443"
	edge, id := l.pki.get("two"), l.pki.get("one")
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.addr(l.cli, hostOf(inner)); err != nil {
		return err
	}
	if err := l.nginxIn(l.cli, []string{inner, outer}, "TLSv1.2 TLSv1.3", originLog+l.withOrigin(inner, id)+l.withOrigin(outer, edge)); err != nil {
		return err
	}
	cfg := l.file("haproxy.cfg", tcpHead+`listen ends
  bind `+ends+` ssl crt `+l.pem(edge)+`
  server one `+inner+` send-proxy-v2 ssl verify none sni str(one.example) no-ssl-reuse force-tlsv12
listen passes
  bind `+passes+`
  server one `+outer+` send-proxy
`)
	if _, err := l.serve([]string{ends, passes}, "haproxy", "-db", "-f", cfg); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	l.lenient = true
	for i, to := range []string{ends, ends, passes, passes} {
		h, r, err := l.curl(curl{to: to, url: "https://two.example/", args: []string{"--cacert", l.bundle("root"), "--http1.1", "--tls-max", []string{"1.2", "1.3"}[i%2]}})
		if err != nil {
			return err
		}
		if r.code != 0 {
			return fmt.Errorf("curl ended with %d:\n%s", r.code, r.out)
		}
		h.ALPNOffered = []string{"http/1.1"}
		h.presents(edge)
	}
	first := len(l.truth.Handshakes)
	if err := l.originLogged("", id, 4); err != nil {
		return err
	}
	for _, far := range l.truth.Handshakes[first:] {
		far.StartTLS = "proxy-v2"
		if far.Server == outer {
			far.StartTLS, far.Hop = "proxy-v1", true
			far.presents(edge)
		}
	}
	return nil
}

func prefaceProxySMTP(l *lab) error {
	id := l.pki.get("mail")
	const one, two = "10.77.0.10:25", "10.77.0.10:2525"
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.addr(l.cli, balancer); err != nil {
		return err
	}
	behind := "-o smtpd_upstream_proxy_protocol=haproxy"
	if err := l.postfix(id, smtpd{one, behind}, smtpd{two, behind}); err != nil {
		return err
	}
	cfg := l.file("haproxy.cfg", `global
  log stdout format raw local0
`+tcpHead+`  log global
  log-format "%ci:%cp %bi:%bp %si:%sp"
listen one
  bind `+balancer+`:8025
  server one `+one+` send-proxy
listen two
  bind `+balancer+`:8026
  server two `+two+` send-proxy-v2
`)
	p, err := l.serveIn(l.cli, []string{balancer + ":8025", balancer + ":8026"}, "haproxy", "-db", "-f", cfg)
	if err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	l.lenient = true // tshark does not look behind the header
	words := map[string]string{one: "proxy-v1+smtp", two: "proxy-v2+smtp"}
	for _, port := range []string{"8025", "8026"} {
		for _, v := range bothVersions {
			if _, err := l.upgraded("smtp", sclient{from: "10.77.1.21", to: balancer + ":" + port, sni: "mail.example", args: []string{v}}, id); err != nil {
				return err
			}
		}
		if _, err := l.curlInClear(curlUpgrade{from: "10.77.1.22", to: balancer + ":" + port, url: "smtp://mail.example:" + port + "/partner.example", args: l.letter()}, 0); err != nil {
			return err
		}
	}
	for server, word := range words {
		l.stayedClear(server, word, declined, 1)
	}
	slices.SortFunc(l.truth.Cleartext, func(a, b *cleartext) int { return strings.Compare(a.StartTLS, b.StartTLS) })
	if err := p.waitOutput("10.77.1.22", 5*time.Second); err != nil {
		return err
	}
	for _, h := range l.truth.Handshakes {
		i := strings.Index(p.output(), h.Client+" ")
		if i < 0 {
			return fmt.Errorf("HAProxy did not log %s:\n%s", h.Client, p.output())
		}
		f := strings.Fields(p.output()[i:])
		h.ClientOrigin, h.Client, h.Server, h.StartTLS = f[0], f[1], f[2], words[f[2]]
	}
	return nil
}
