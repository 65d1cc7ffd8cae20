//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	nginxStack   = "NGINX 1.22.1 (OpenSSL 3.0.22)"
	haproxyStack = "HAProxy 2.6.12 (OpenSSL 3.0.22)"
)

var proxyScenarios = []scenario{
	{"nginx-hosts.pcap", nginxStack + "; curl, openssl s_client", "virtual hosts by name, the default certificate for an unknown name and for none", nginxHosts},
	{"nginx-reject.pcap", nginxStack + "; openssl s_client", "ssl_reject_handshake for unknown names: unrecognized_name", nginxReject},
	{"nginx-client-cert.pcap", nginxStack + "; openssl s_client", "ssl_verify_client on and optional: NGINX finishes the handshake and refuses in HTTP", nginxClientCert},
	{"haproxy-dual.pcap", haproxyStack + "; openssl s_client", "one name, an RSA and an ECDSA certificate, by what the client can", haproxyDual},
	{"haproxy-strict.pcap", haproxyStack + "; openssl s_client", "strict-sni: unknown names are refused; client certificates required", haproxyStrict},
	{"haproxy-reencrypt.pcap", haproxyStack + " to " + nginxStack + "; curl", "an edge and its re-encrypted backend, with another name and chain; resumption between them; a backend that the edge does not trust", haproxyReencrypt},
}

// nginx starts an NGINX with these server blocks.
func (l *lab) nginx(addrs []string, servers string) error {
	return l.nginxIn(l.srv, addrs, "TLSv1.2 TLSv1.3", servers)
}

func (l *lab) nginxIn(ns string, addrs []string, protocols, servers string) error {
	cfg := l.file("nginx.conf", `daemon off;
worker_processes 1;
user root;
pid `+l.tmp+`/nginx.pid;
error_log stderr info;
events {}
http {
log_format tls "$remote_addr:$remote_port $server_addr:$server_port $ssl_server_name $ssl_protocol $ssl_cipher $ssl_session_reused";
access_log `+l.tmp+`/access.log tls;
client_body_temp_path `+l.tmp+`/body;
proxy_temp_path `+l.tmp+`/proxy;
fastcgi_temp_path `+l.tmp+`/fastcgi;
uwsgi_temp_path `+l.tmp+`/uwsgi;
scgi_temp_path `+l.tmp+`/scgi;
ssl_protocols `+protocols+`;
`+servers+`
}
`)
	_, err := l.serveIn(ns, addrs, "nginx", "-p", l.tmp, "-c", cfg, "-e", "stderr")
	return err
}

// host is a server block of NGINX with a certificate.
func (l *lab) host(addr string, id *ident, more string) string {
	return fmt.Sprintf("server { listen %s ssl; server_name %s; ssl_certificate %s; ssl_certificate_key %s; %s return 200 ok; }\n",
		addr, strings.Join(id.leaf.DNSNames, " "), l.crt(id), l.key(id), more)
}

func nginxHosts(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	def, one, two := l.pki.get("rsa"), l.pki.get("one"), l.pki.get("two")
	if err := l.nginx([]string{at(0)}, l.host(at(0)+" default_server", def, "")+l.host(at(0), one, "")+l.host(at(0), two, "")); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	for _, c := range []struct {
		sni string
		id  *ident
	}{{"one.example", one}, {"two.example", two}, {"www.rsa.example", def}, {"unknown.example", def}, {"", def}} {
		if err := each(bothVersions, func(v string) error {
			_, err := l.expect(sclient{to: at(0), sni: c.sni, alpn: "http/1.1", args: []string{v}}, c.id)
			return err
		}); err != nil {
			return err
		}
	}
	return l.curlOK(curl{to: at(0), url: "https://one.example/", args: []string{"--cacert", l.bundle("root"), "--tls-max", "1.2"}}, one)
}

// nameRefused are clients whose name the server does not know.
func (l *lab) nameRefused(to string, names ...string) error {
	for _, n := range names {
		if err := each(bothVersions, func(v string) error {
			h, r, err := l.sclient(sclient{to: to, sni: n, args: []string{v}})
			if err != nil {
				return err
			}
			if !strings.Contains(r.out, "unrecognized name") && !strings.Contains(r.out, "handshake failure") {
				return fmt.Errorf("the name %q is not refused:\n%s", n, r.out)
			}
			description := "unrecognized_name"
			if strings.Contains(r.out, "handshake failure") {
				description = "handshake_failure"
			}
			h.Version, h.Cipher, h.Resumed = "", "", nil
			h.refused("server", description)
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func nginxReject(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	one := l.pki.get("one")
	if err := l.nginx([]string{at(0)}, "server { listen "+at(0)+" ssl default_server; ssl_reject_handshake on; }\n"+l.host(at(0), one, "")); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	if _, err := l.expect(sclient{to: at(0), sni: "one.example", args: []string{"-tls1_2"}}, one); err != nil {
		return err
	}
	return l.nameRefused(at(0), "unknown.example", "")
}

func nginxClientCert(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	must, may := l.pki.get("one"), l.pki.get("two")
	trust := "ssl_client_certificate " + l.bundle("client-root") + "; ssl_verify_client "
	if err := l.nginx([]string{at(0)}, l.host(at(0), must, trust+"on;")+l.host(at(0), may, trust+"optional;")); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	for _, id := range []*ident{must, may} {
		for _, cert := range []*ident{l.pki.get("device"), l.pki.get("stranger"), nil} {
			if err := each(bothVersions, func(v string) error {
				args := []string{v}
				if cert != nil {
					args = append(args, "-cert", l.crt(cert.with()), "-key", l.key(cert))
				}
				h, err := l.expect(sclient{to: at(0), sni: id.leaf.DNSNames[0], args: args}, id)
				if err != nil {
					return err
				}
				h.ClientAuth = ref(true)
				if cert != nil {
					h.ClientCerts = cert.with().hashes()
				}
				return nil
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

const haproxyHead = `defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
`

func haproxyDual(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	rsa, ecdsa := l.pki.get("dual-rsa"), l.pki.get("dual-ecdsa")
	l.file("dual.pem.rsa", rsa.certPEM()+rsa.keyText)
	l.file("dual.pem.ecdsa", ecdsa.certPEM()+ecdsa.keyText)
	cfg := l.file("haproxy.cfg", haproxyHead+`frontend edge
  bind `+at(0)+` ssl crt `+l.tmp+`/dual.pem alpn http/1.1 ssl-min-ver TLSv1.2 ciphers ALL
  http-request return status 200 content-type text/plain string ok
`)
	if _, err := l.serve([]string{at(0)}, "haproxy", "-db", "-f", cfg); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	for _, c := range []struct {
		id   *ident
		args []string
	}{
		{ecdsa, []string{"-tls1_2"}}, {rsa, []string{"-tls1_3"}}, /* it prefers RSA there */
		{rsa, []string{"-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"}},
		{rsa, []string{"-tls1_2", "-cipher", "AES128-GCM-SHA256"}}, // key transport: no signature
	} {
		if _, err := l.expect(sclient{to: at(0), sni: "dual.example", alpn: "http/1.1", args: c.args}, c.id); err != nil {
			return err
		}
	}
	return nil
}

func haproxyStrict(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	one, device := l.pki.get("one"), l.pki.get("device")
	cfg := l.file("haproxy.cfg", haproxyHead+`frontend edge
  bind `+at(0)+` ssl crt `+l.pem(one)+` strict-sni ca-file `+l.bundle("client-root")+` verify required ssl-min-ver TLSv1.2
  http-request return status 200 content-type text/plain string ok
`)
	if _, err := l.serve([]string{at(0)}, "haproxy", "-db", "-f", cfg); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	if err := l.nameRefused(at(0), "unknown.example", ""); err != nil {
		return err
	}
	return each(bothVersions, func(v string) error {
		h, err := l.expect(sclient{to: at(0), sni: "one.example", args: []string{v, "-cert", l.crt(device.with()), "-key", l.key(device)}}, one)
		if err != nil {
			return err
		}
		h.ClientAuth, h.ClientCerts = ref(true), device.with().hashes()
		h, _, err = l.sclient(sclient{to: at(0), sni: "one.example", args: []string{v}})
		if err != nil {
			return err
		}
		h.Version = map[string]string{"-tls1_2": "TLS 1.2", "-tls1_3": "TLS 1.3"}[v]
		h.ClientAuth = ref(true)
		h.presents(one).refused("server", map[string]string{"-tls1_2": "handshake_failure", "-tls1_3": "certificate_required"}[v])
		return nil
	})
}

const (
	backendAddr  = "10.77.1.200:8443" // on the clients' side, so that both legs pass the wire
	distrustAddr = "10.77.1.200:9443"
)

func haproxyReencrypt(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.addr(l.cli, "10.77.1.200"); err != nil {
		return err
	}
	edge, backend := l.pki.get("one"), l.pki.get("backend")
	if err := l.nginxIn(l.cli, []string{backendAddr, distrustAddr}, "TLSv1.2", l.host(backendAddr, backend, "")+l.host(distrustAddr, l.pki.get("two"), "")); err != nil {
		return err
	}
	cfg := l.file("haproxy.cfg", haproxyHead+`frontend edge
  bind `+at(0)+` ssl crt `+l.pem(edge)+` alpn http/1.1 ssl-min-ver TLSv1.2
  use_backend distrusted if { path /distrusted }
  default_backend inside
backend inside
  http-reuse never
  server one `+backendAddr+` source 10.77.0.10:51000-51999 ssl verify required ca-file `+l.bundle("internal-root")+` sni str(backend.internal.example) verifyhost backend.internal.example
backend distrusted
  retries 0
  server two `+distrustAddr+` source 10.77.0.10:52000-52000 ssl verify required ca-file `+l.bundle("internal-root")+` sni str(two.example)
`)
	if _, err := l.serve([]string{at(0)}, "haproxy", "-db", "-f", cfg); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	ca := []string{"--cacert", l.bundle("root"), "--http1.1"}
	for _, v := range [][]string{{"--tls-max", "1.2"}, {"--tlsv1.3"}, {"--tls-max", "1.2"}} {
		h, r, err := l.curl(curl{to: at(0), url: "https://one.example/", args: append(ca, v...)})
		if err != nil {
			return err
		}
		if r.code != 0 || !strings.Contains(r.out, "200 OK") {
			return fmt.Errorf("curl ended with %d:\n%s", r.code, r.out)
		}
		h.ALPNOffered = []string{"http/1.1"}
		h.presents(edge)
	}
	h, r, err := l.curl(curl{to: at(0), url: "https://one.example/distrusted", args: append(ca, "--tls-max", "1.2")})
	if err != nil {
		return err
	}
	if !strings.Contains(r.out, " 503 ") {
		return fmt.Errorf("the edge should answer 503:\n%s", r.out)
	}
	h.ALPNOffered = []string{"http/1.1"}
	h.presents(edge)
	refusal := l.add(&handshake{Client: "10.77.0.10:52000", Server: distrustAddr, Transport: "tcp", Version: "TLS 1.2", Resumed: ref(false)})
	refusal.named("two.example")
	refusal.presents(l.pki.get("two")).refused("client", "unknown_ca")
	return l.backendLog(backend)
}

// backendLog adds what NGINX logged of its handshakes with the edge.
func (l *lab) backendLog(id *ident) error {
	b, err := os.ReadFile(filepath.Join(l.tmp, "access.log"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) != 6 {
			return fmt.Errorf("access log: %q", line)
		}
		h := l.add(&handshake{Client: f[0], Server: f[1], Transport: "tcp", Version: versionByName(f[3]), Cipher: cipherByName(f[4]), Resumed: ref(f[5] == "r"), Outcome: established})
		h.named(f[2])
		h.presents(id)
	}
	return nil
}
