//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Proxies in front of TLS that do not end it.
var prefaceScenarios = []scenario{
	{"preface-connect.pcap", "tinyproxy 1.11.1; curl 7.88.1; " + nginxStack, "HTTP CONNECT, by name and by address, with a password; both legs pass the wire: one handshake and its hop", prefaceConnect},
	{"preface-socks.pcap", "Dante 1.4.2, microsocks 1.0.3, OpenSSH 9.2; curl 7.88.1; " + nginxStack, "SOCKS 4, 4a and 5, by name and by address, with a password; both legs pass the wire: one handshake and its hop", prefaceSOCKS},
	{"preface-proxy-v1.pcap", haproxyStack + " to " + nginxStack + "; curl 7.88.1", "PROXY protocol v1 over IPv4 and IPv6, and from a health check, which names itself; TLS goes through", func(l *lab) error { return prefaceProxy(l, "proxy-v1") }},
	{"preface-proxy-v2.pcap", haproxyStack + " to " + nginxStack + "; curl 7.88.1", "PROXY protocol v2 over IPv4 and IPv6, with TLVs, and LOCAL from a health check; TLS goes through", func(l *lab) error { return prefaceProxy(l, "proxy-v2") }},
	{"preface-proxy-ends.pcap", haproxyStack + " to " + nginxStack + "; curl 7.88.1", "an edge that ends TLS and tells its backend the client in a PROXY header: two handshakes; one that lets TLS through: one and its hop", prefaceProxyEnds},
	{"preface-proxy-smtp.pcap", haproxyStack + " to " + postfixStack + "; openssl s_client, curl 7.88.1", "PROXY protocol v1 and v2, then SMTP with STARTTLS; a mail in the clear after the offer", prefaceProxySMTP},
}

// The server behind the proxies is on the clients' side, so that both legs pass
// the wire.
const behind = "10.77.1.200:443"

// behindProxies starts that server, and tells the proxies its name.
func (l *lab) behindProxies(id *ident) error {
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.addr(l.cli, hostOf(behind)); err != nil {
		return err
	}
	// ip-netns(8) lays this over /etc.
	dir := filepath.Join("/etc/netns", l.srv)
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // as /etc
		return err
	}
	l.atEnd(func() { _ = os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "hosts"), []byte(hostOf(behind)+" one.example\n"), 0o644); err != nil { //nolint:gosec // as /etc/hosts
		return err
	}
	return l.nginxIn(l.cli, []string{behind}, "TLSv1.2 TLSv1.3", l.host(behind, id, ""))
}

// A detour is one run of curl through a proxy.
type detour struct {
	proxy  string
	word   string
	target string // what the proxy is asked for
	args   []string
	max    []string // versions, one handshake each
}

// through runs curl through a proxy.
func (l *lab) through(d detour, id *ident) error {
	for _, v := range d.max {
		from, err := l.clientAddr("")
		if err != nil {
			return err
		}
		args := []string{"curl", "-sv", "-m", "10", "-o", "/dev/null", "--http1.1", "--interface", from.Addr().String(), "--local-port", fmt.Sprint(from.Port()),
			"--cacert", l.bundle("root"), "--tls-max", v, "--resolve", "one.example:443:" + hostOf(behind)}
		r, err := l.run("", []string{"SSLKEYLOGFILE=" + l.keys}, append(append(args, d.args...), "https://one.example/")...)
		if err != nil {
			return err
		}
		m := reCurlConn.FindStringSubmatch(r.out)
		if r.code != 0 || m == nil {
			return fmt.Errorf("curl %q ended with %d:\n%s", d.args, r.code, r.out)
		}
		h := l.add(&handshake{Client: from.String(), Server: d.proxy, Transport: "tcp", StartTLS: d.word, Target: d.target, Outcome: established, Resumed: ref(false), HelloRetry: ref(false),
			Version: versionByName(m[1]), Cipher: cipherByName(m[2]), ALPNOffered: []string{"http/1.1"}})
		h.named("one.example")
		h.presents(id)
		if err := l.ownRandom(h); err != nil {
			return err
		}
		if err := l.farSide(h); err != nil {
			return err
		}
	}
	return nil
}

// farSide adds the proxy's own connection, which the server logged last.
func (l *lab) farSide(h *handshake) error {
	for range 100 {
		b, err := os.ReadFile(filepath.Join(l.tmp, "access.log"))
		if err != nil {
			return err
		}
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		client, _, _ := strings.Cut(lines[len(lines)-1], " ")
		if client != "" && !slices.ContainsFunc(l.truth.Handshakes, func(x *handshake) bool { return x.Client == client }) {
			far := *h
			far.Client, far.Server, far.StartTLS, far.Target, far.Hop = client, behind, "", "", true
			l.add(&far)
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("NGINX did not log a connection of the proxy")
}

var olderNewer = []string{"1.2", "1.3"}

func prefaceConnect(l *lab) error {
	const proxy, locked = "10.77.0.10:8888", "10.77.0.10:8889"
	id := l.pki.get("one")
	if err := l.behindProxies(id); err != nil {
		return err
	}
	for name, more := range map[string]string{proxy: "", locked: "BasicAuth anna laboratory\n"} {
		ip, port, _ := strings.Cut(name, ":")
		cfg := l.file("tinyproxy-"+port+".conf", "Listen "+ip+"\nPort "+port+"\nTimeout 10\nMaxClients 10\nLogLevel Connect\n"+more)
		if _, err := l.serve([]string{name}, "tinyproxy", "-d", "-c", cfg); err != nil {
			return err
		}
	}
	if err := l.capture(); err != nil {
		return err
	}
	l.decodeAs = []string{"-d", "tcp.port==8888-8889,http"}
	for _, d := range []detour{
		{proxy, "http-connect", "one.example:443", []string{"-x", "http://" + proxy}, olderNewer},
		{proxy, "http-connect", behind, []string{"-x", "http://" + proxy, "--connect-to", "::" + behind}, olderNewer},
		{locked, "http-connect", "one.example:443", []string{"-x", "http://anna:laboratory@" + locked}, olderNewer},
	} {
		if err := l.through(d, id); err != nil {
			return err
		}
	}
	return nil
}

func prefaceSOCKS(l *lab) error {
	const dante, micro, shell = "10.77.0.10:1080", "10.77.0.10:1081", "10.77.0.10:1082"
	id := l.pki.get("one")
	if err := l.behindProxies(id); err != nil {
		return err
	}
	cfg := l.file("danted.conf", `logoutput: stderr
internal: 10.77.0.10 port = 1080
external: 10.77.0.10
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 0/0 to: 0/0 }
socks pass { from: 0/0 to: 0/0 }
`)
	if _, err := l.serve([]string{dante}, "danted", "-f", cfg, "-p", l.tmp+"/danted.pid"); err != nil {
		return err
	}
	if _, err := l.serve([]string{micro}, "microsocks", "-i", "10.77.0.10", "-p", "1081", "-u", "anna", "-P", "laboratory"); err != nil {
		return err
	}
	if err := l.sshSOCKS(shell); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	l.decodeAs, l.lenient = []string{"-d", "tcp.port==1081-1082,socks"}, true // tshark loses hellos behind some answers
	for _, d := range []detour{
		{dante, "socks4", behind, []string{"--socks4", dante}, olderNewer[:1]},
		{shell, "socks4", "one.example:443", []string{"--socks4a", shell}, olderNewer}, // Dante takes the address 0.0.0.1 at its word
		{dante, "socks5", behind, []string{"--socks5", dante}, olderNewer[1:]},
		{dante, "socks5", "one.example:443", []string{"--socks5-hostname", dante}, olderNewer},
		{micro, "socks5", "one.example:443", []string{"--socks5-hostname", "anna:laboratory@" + micro}, olderNewer[:1]},
	} {
		if err := l.through(d, id); err != nil {
			return err
		}
	}
	return nil
}

// sshSOCKS starts ssh, with a server of its own, as a SOCKS proxy ("ssh -D").
func (l *lab) sshSOCKS(addr string) error {
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { //nolint:gosec // as Debian's
		return err
	}
	for _, name := range []string{"ssh-host", "ssh-user"} {
		if err := l.expectCode(0, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(l.tmp, name)); err != nil {
			return err
		}
	}
	cfg := l.file("sshd.conf", "ListenAddress 127.0.0.1:2222\nHostKey "+l.tmp+"/ssh-host\nPidFile none\nAuthorizedKeysFile "+l.tmp+"/ssh-user.pub\nStrictModes no\nUsePAM no\nUseDNS no\n")
	if _, err := l.serve([]string{"127.0.0.1:2222"}, "/usr/sbin/sshd", "-D", "-e", "-f", cfg); err != nil {
		return err
	}
	_, err := l.serve([]string{addr}, "ssh", "-F", "none", "-N", "-D", addr, "-p", "2222", "-i", l.tmp+"/ssh-user", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "root@127.0.0.1")
	return err
}
