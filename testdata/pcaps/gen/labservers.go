//go:build linux

package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// edge starts HAProxy with these bind options, rules and backends. It logs each
// handshake that a request follows.
func (b *laboratory) edge(binds, rules string) error {
	cfg := b.file("haproxy.cfg", `global
  log stdout format raw local0
  stats socket `+b.tmp+`/haproxy.sock level admin
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend edge
  log global
  log-format "tls %ci %cp %fi %fp %[ssl_fc_sni,lower] %sslv %sslc %[ssl_fc_is_resumed] %[ssl_f_der,sha2(256),hex]"
  bind `+edgeAddr+` ssl `+binds+` alpn h2,http/1.1 ssl-min-ver `+b.oldest("TLSv1.2")+`
`+rules)
	var err error
	b.proxy, err = b.serve([]string{edgeAddr}, "haproxy", "-db", "-f", cfg)
	return err
}

// healthChecks switches HAProxy's own checks of its backends on or off, and
// waits for those that are under way.
func (b *laboratory) healthChecks(on bool, servers ...string) error {
	word := map[bool]string{true: "enable", false: "disable"}[on]
	for _, s := range servers {
		c, err := net.Dial("unix", filepath.Join(b.tmp, "haproxy.sock"))
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(c, "%s health %s\n", word, s); err != nil {
			return err
		}
		answer, err := io.ReadAll(c)
		_ = c.Close()
		if text := strings.TrimSpace(string(answer)); err != nil || text != "" {
			return fmt.Errorf("HAProxy, %s health %s: %s (%w)", word, s, text, err)
		}
	}
	time.Sleep(300 * time.Millisecond)
	return nil
}

// edgeLog adds to the truth what HAProxy logged and nobody else did: the checks.
func (b *laboratory) edgeLog() error {
	for line := range strings.Lines(b.proxy.output()) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "tls" {
			continue
		}
		if len(f) != 10 {
			return fmt.Errorf("HAProxy's log: %q", line)
		}
		id, err := b.byHash(f[9])
		if err != nil {
			return err
		}
		b.logged(f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8] == "1", id)
	}
	return nil
}

// A site is a server of NGINX.
type site struct {
	addrs   []string
	names   string
	role    string // its certificate
	options string
}

// serveSites starts NGINX with these sites, or gives a running one new ones.
func (b *laboratory) serveSites(sites ...site) error {
	b.loads++
	var s strings.Builder
	var all []string
	for _, x := range sites {
		id := b.id(x.role)
		s.WriteString("server {\n")
		for _, a := range x.addrs {
			all = append(all, a)
			fmt.Fprintf(&s, " listen %s ssl;\n", a)
			ip := netip.MustParseAddrPort(a).Addr().String()
			if err := b.addr(b.web, ip); err != nil {
				return err
			}
		}
		fmt.Fprintf(&s, " server_name %s;\n ssl_certificate %s;\n ssl_certificate_key %s;\n set $role %s;\n %s\n return 200 ok;\n}\n", x.names, b.crt(id), b.key(id), x.role, x.options)
	}
	cfg := b.file("nginx.conf", fmt.Sprintf(`daemon off;
worker_processes 1;
user root;
pid %[1]s/nginx.pid;
error_log stderr notice;
events {}
http {
log_format tls "$remote_addr $remote_port $server_addr $server_port $ssl_server_name $ssl_protocol $ssl_cipher $ssl_session_reused $request_uri $role";
access_log %[1]s/access.log tls;
client_body_temp_path %[1]s/body;
proxy_temp_path %[1]s/proxy;
fastcgi_temp_path %[1]s/fastcgi;
uwsgi_temp_path %[1]s/uwsgi;
scgi_temp_path %[1]s/scgi;
ssl_protocols %[4]s TLSv1.3;
keepalive_timeout 0;
# generation %[2]d
%[3]s}
`, b.tmp, b.loads, s.String(), b.oldest("TLSv1.2")))
	if b.ngx == nil {
		var err error
		b.ngx, err = b.serveIn(b.web, all, "nginx", "-p", b.tmp, "-c", cfg, "-e", "stderr")
		return err
	}
	return b.reload()
}

// reload has NGINX read its configuration again, and waits for the new worker.
func (b *laboratory) reload() error {
	pid, err := os.ReadFile(filepath.Join(b.tmp, "nginx.pid"))
	if err != nil {
		return err
	}
	var n int
	if _, err := fmt.Sscan(string(pid), &n); err != nil {
		return err
	}
	before := strings.Count(b.ngx.output(), "start worker process ")
	if err := syscall.Kill(n, syscall.SIGHUP); err != nil {
		return err
	}
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if strings.Count(b.ngx.output(), "start worker process ") > before {
			time.Sleep(200 * time.Millisecond) // the old one closes its listeners
			return nil
		}
	}
	return fmt.Errorf("NGINX does not reload:\n%s", b.ngx.output())
}

// sitesLog adds to the truth what NGINX logged and nobody else did: the checks,
// and HAProxy as a client.
func (b *laboratory) sitesLog() error {
	text, err := os.ReadFile(filepath.Join(b.tmp, "access.log"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 10 && b.known(net.JoinHostPort(f[0], f[1]), net.JoinHostPort(f[2], f[3])) != nil {
			continue // a Go client, which says what is no HTTP, so that no role is set
		}
		if len(f) != 10 {
			return fmt.Errorf("NGINX's log: %q", line)
		}
		sni := f[4]
		if f[0] == serverIP { // of a resumed session NGINX logs the name of the first handshake
			sni = b.asks[f[8]]
		}
		b.logged(f[0], f[1], f[2], f[3], sni, f[5], f[6], f[7] == "r", b.id(f[9]))
	}
	return nil
}

// logged adds a handshake that a server's log has, where its client did not,
// and the chain where its client could not tell.
func (b *laboratory) logged(client, clientPort, server, serverPort, sni, version, cipher string, resumed bool, id *ident) {
	from, to := net.JoinHostPort(client, clientPort), net.JoinHostPort(server, serverPort)
	if h := b.known(from, to); h != nil {
		if len(h.Certs) == 0 {
			h.presents(id)
		}
		return
	}
	h := b.add(&handshake{Client: from, Server: to, Transport: "tcp", Outcome: established,
		Version: versionByName(version), Cipher: cipherByName(cipher), Resumed: ref(resumed)})
	if sni == "-" {
		sni = ""
	}
	h.named(sni)
	h.presents(id)
}

func (b *laboratory) known(client, server string) *handshake {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, h := range b.truth.Handshakes {
		if h.Client == client && h.Server == server {
			return h
		}
	}
	return nil
}

// A workload is a service of the mesh: TLS 1.2 where the laboratory has it, so
// that both certificates can be seen, a client certificate required. Its certificate can be replaced.
type workload struct {
	current atomic.Pointer[ident]
}

func (b *laboratory) mesh(addr, role, root string) (*workload, error) {
	ip := netip.MustParseAddrPort(addr).Addr().String()
	if err := b.addr(b.srv, ip); err != nil {
		return nil, err
	}
	ln, err := b.listen(addr)
	if err != nil {
		return nil, err
	}
	w := &workload{}
	w.current.Store(b.id(role))
	pool := x509.NewCertPool()
	pool.AddCert(b.id(root).leaf)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			id := w.current.Load()
			version := b.version(tls.VersionTLS12)
			cfg := &tls.Config{MinVersion: version, MaxVersion: version, Certificates: []tls.Certificate{id.tls()},
				ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, SessionTicketsDisabled: true}
			go b.answerPeer(c, cfg, id)
		}
	}()
	return w, nil
}

// answerPeer serves one connection, and adds it to the truth where it came from
// the monitoring, which keeps no record of its own.
func (b *laboratory) answerPeer(c net.Conn, cfg *tls.Config, id *ident) {
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	defer func() { _ = c.Close() }()
	t := tls.Server(c, cfg)
	if t.Handshake() != nil {
		return
	}
	if client := c.RemoteAddr().String(); strings.HasPrefix(client, monitorIP+":") {
		s := t.ConnectionState()
		h := b.add(&handshake{Client: client, Server: c.LocalAddr().String(), Transport: "tcp", Outcome: established, ClientAuth: ref(true)})
		h.take(s)
		h.named(s.ServerName)
		h.presents(id)
		for _, peer := range s.PeerCertificates {
			h.ClientCerts = append(h.ClientCerts, sha256hex(peer.Raw))
		}
	}
	if _, err := t.Read(make([]byte, 64)); err == nil {
		_, _ = t.Write([]byte("hello\n"))
	}
	_ = t.Close()
}

// trusting is a Go client's configuration in a laboratory.
func (b *laboratory) trusting(name, root string, version uint16, own ...string) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(b.id(root).leaf)
	version = b.version(version)
	cfg := &tls.Config{ServerName: name, RootCAs: pool, MinVersion: version, MaxVersion: version}
	for _, role := range own {
		cfg.Certificates = append(cfg.Certificates, b.id(role).tls())
	}
	return cfg
}
