//go:build linux

package main

import (
	"fmt"
	"regexp"
	"strings"
)

const (
	gnutlsDTLS10 = "NORMAL:-VERS-ALL:+VERS-DTLS1.0:%COMPAT:+SIGN-RSA-SHA1"
	gnutlsDTLS12 = "NORMAL:-VERS-ALL:+VERS-DTLS1.2"
)

var reGnutlsDTLS = regexp.MustCompile(`Description: \(DTLS([0-9.]+)`)

// gnutlsDatagramServer starts a gnutls-serv on a port of its own.
func (l *lab) gnutlsDatagramServer(port string, id *ident, args ...string) error {
	base := []string{"gnutls-serv", "--udp", "-p", port, "--x509certfile", l.crt(id), "--x509keyfile", l.key(id)}
	_, err := l.serve([]string{udpAddr + "0.0.0.0:" + port}, append(base, args...)...)
	return err
}

// gnutlsDatagramClient runs gnutls-cli. It cannot choose its port, so the
// namespace leaves it no other.
func (l *lab) gnutlsDatagramClient(port, priority, sni string, args ...string) (*handshake, result, error) {
	from, err := l.clientAddr("")
	if err != nil {
		return nil, result{}, err
	}
	h := l.add(&handshake{Client: from.String(), Server: serverIP + ":" + port, Transport: "dtls", Outcome: established, Resumed: ref(false)})
	h.named(sni)
	if _, err := l.run("", nil, "sysctl", "-q", "-w", fmt.Sprintf("net.ipv4.ip_local_port_range=%d %d", from.Port(), from.Port())); err != nil {
		return h, result{}, err
	}
	base := []string{"gnutls-cli", "--udp", "-p", port, "--priority", priority, serverIP, "--sni-hostname", sni, "--verify-hostname", sni}
	r, err := l.run("hello\n"+pause, []string{"SSLKEYLOGFILE=" + l.keys}, append(base, args...)...)
	if m := reGnutlsDTLS.FindStringSubmatch(r.out); m != nil {
		h.Version = "DTLS " + m[1]
	}
	return h, r, err
}

func dtlsGnuTLS(l *lab) error {
	id, device := l.pki.get("rsa"), l.pki.get("device")
	if err := l.dtlsNetwork(); err != nil {
		return err
	}
	if err := l.gnutlsDatagramServer("4433", id, "--priority", "NORMAL:+VERS-DTLS1.0:%COMPAT"); err != nil {
		return err
	}
	if err := l.gnutlsDatagramServer("5684", id, "--require-client-cert", "--verify-client-cert", "--x509cafile", l.bundle("client-root")); err != nil {
		return err
	}
	for _, c := range []struct {
		port, priority string
		args           []string
	}{
		{"4433", gnutlsDTLS10, nil},
		{"4433", gnutlsDTLS12, []string{"--mtu", "400"}},
		{"5684", gnutlsDTLS12, []string{"--x509certfile", l.crt(device.with()), "--x509keyfile", l.key(device)}},
	} {
		h, r, err := l.gnutlsDatagramClient(c.port, c.priority, "www.rsa.example", append(c.args, "--x509cafile", l.bundle("root"))...)
		if err != nil {
			return err
		}
		if !strings.Contains(r.out, "Handshake was completed") || h.Version == "" {
			return fmt.Errorf("gnutls-cli %s ended with %d:\n%s", c.priority, r.code, r.out)
		}
		h.presents(id)
		if c.port == "5684" {
			h.ClientAuth, h.ClientCerts = ref(true), device.with().hashes()
		}
	}
	h, r, err := l.gnutlsDatagramClient("4433", gnutlsDTLS12, "api.rsa.example", "--x509cafile", l.bundle("internal-root"))
	if err != nil {
		return err
	}
	if !strings.Contains(r.out, "The certificate is NOT trusted") {
		return fmt.Errorf("gnutls-cli should refuse the certificate:\n%s", r.out)
	}
	h.Version = "DTLS 1.2"
	h.presents(id).refused("client", "")
	return nil
}
