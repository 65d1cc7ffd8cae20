//go:build linux

package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

const gnutlsStack = "gnutls-serv and gnutls-cli 3.7.9"

var gnutlsScenarios = []scenario{
	{"gnutls-versions.pcap", gnutlsStack, "TLS 1.1, 1.2 and 1.3, several handshake messages in one record", gnutlsVersions},
	{"gnutls-client-cert.pcap", gnutlsStack, "client certificates given and missing, TLS 1.2 and 1.3", gnutlsClientCert},
	{"gnutls-refuses.pcap", gnutlsStack, "clients that refuse the certificate, TLS 1.2 and 1.3 (there the alert is encrypted)", gnutlsRefuses},
	{"gnutls-resume.pcap", gnutlsStack, "resumption in TLS 1.2 and 1.3", gnutlsResume},
	{"gnutls-record-size.pcap", gnutlsStack, "record_size_limit 512: messages over several records, TLS 1.2 and 1.3", gnutlsRecordSize},
	{"gnutls-rawpk.pcap", gnutlsStack, "raw public keys (RFC 7250) in place of certificates, TLS 1.2 and 1.3", gnutlsRawPK},
	{"gnutls-to-openssl.pcap", "gnutls-cli 3.7.9, openssl s_server 3.0.22", "GnuTLS hellos to another stack; a hello retry", gnutlsToOpenSSL},
}

const (
	gnutls11 = "NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT:+SIGN-RSA-SHA1"
	gnutls12 = "NORMAL:-VERS-ALL:+VERS-TLS1.2"
	gnutls13 = "NORMAL:-VERS-ALL:+VERS-TLS1.3"
)

// gnutlsServer starts a gnutls-serv on the usual address.
func (l *lab) gnutlsServer(id *ident, args ...string) error {
	if err := l.network(false); err != nil {
		return err
	}
	base := []string{"gnutls-serv", "-p", "443", "--http"}
	if id != nil {
		base = append(base, "--x509certfile", l.crt(id), "--x509keyfile", l.key(id))
	}
	if _, err := l.serve([]string{"0.0.0.0:443"}, append(base, args...)...); err != nil {
		return err
	}
	return l.capture()
}

var (
	reGnutls = regexp.MustCompile(`Description: \(TLS([0-9.]+)[^)]*\)-\(?([A-Za-z0-9-]*)\)?-?\(?([A-Za-z0-9-]*)\)?-\(([A-Z0-9-]+)\)`)
	suites13 = map[string]string{"AES-256-GCM": "TLS_AES_256_GCM_SHA384", "AES-128-GCM": "TLS_AES_128_GCM_SHA256", "CHACHA20-POLY1305": "TLS_CHACHA20_POLY1305_SHA256"}
)

// gnutlsClient runs gnutls-cli. It cannot choose its port, so the namespace
// leaves it no other.
func (l *lab) gnutlsClient(priority, sni string, args ...string) (*handshake, result, error) {
	from, err := l.clientAddr("")
	if err != nil {
		return nil, result{}, err
	}
	h := l.add(&handshake{Client: from.String(), Server: at(0), Transport: "tcp", Outcome: established, Resumed: ref(false), HelloRetry: ref(false)})
	h.named(sni)
	if _, err := l.run("", nil, "sysctl", "-q", "-w", fmt.Sprintf("net.ipv4.ip_local_port_range=%d %d", from.Port(), from.Port()+1)); err != nil {
		return h, result{}, err
	}
	base := []string{"gnutls-cli", "-p", "443", "--priority", priority, serverIP}
	if sni == "" {
		base = append(base, "--disable-sni")
	} else {
		base = append(base, "--sni-hostname", sni, "--verify-hostname", sni)
	}
	r, err := l.run("GET / HTTP/1.0\r\n\r\n"+pause, []string{"SSLKEYLOGFILE=" + l.keys}, append(base, args...)...)
	if err != nil {
		return h, r, err
	}
	if m := reGnutls.FindStringSubmatch(r.out); m != nil {
		h.Version = "TLS " + m[1]
		if h.Version == "TLS 1.3" {
			h.Cipher = suites13[m[4]]
		}
	}
	return h, r, nil
}

func (l *lab) gnutlsOK(priority, sni string, id *ident, args ...string) (*handshake, error) {
	h, r, err := l.gnutlsClient(priority, sni, append(args, "--x509cafile", l.bundle("root"))...)
	if err != nil {
		return h, err
	}
	if !strings.Contains(r.out, "Handshake was completed") || h.Version == "" {
		return h, fmt.Errorf("gnutls-cli %s ended with %d:\n%s", priority, r.code, r.out)
	}
	return h.presents(id), nil
}

func gnutlsVersions(l *lab) error {
	id := l.pki.get("rsa")
	if err := l.gnutlsServer(id, "--priority", "NORMAL:+VERS-TLS1.1:%COMPAT"); err != nil {
		return err
	}
	return each([]string{gnutls11, gnutls12, gnutls13}, func(p string) error {
		_, err := l.gnutlsOK(p, "www.rsa.example", id)
		return err
	})
}

func gnutlsClientCert(l *lab) error {
	id, device := l.pki.get("ecdsa"), l.pki.get("device")
	if err := l.gnutlsServer(id, "--require-client-cert", "--verify-client-cert", "--x509cafile", l.bundle("client-root")); err != nil {
		return err
	}
	return each([]string{gnutls12, gnutls13}, func(p string) error {
		h, err := l.gnutlsOK(p, "www.ecdsa.example", id, "--x509certfile", l.crt(device.with()), "--x509keyfile", l.key(device))
		if err != nil {
			return err
		}
		h.ClientAuth, h.ClientCerts = ref(true), device.with().hashes()
		h, _, err = l.gnutlsClient(p, "www.ecdsa.example", "--insecure")
		if err != nil {
			return err
		}
		h.Version = map[string]string{gnutls12: "TLS 1.2", gnutls13: "TLS 1.3"}[p]
		h.ClientAuth = ref(true)
		h.presents(id).refused("server", map[string]string{gnutls12: "", gnutls13: "certificate_required"}[p])
		return nil
	})
}

func gnutlsRefuses(l *lab) error {
	id := l.pki.get("expired")
	if err := l.gnutlsServer(id); err != nil {
		return err
	}
	return each([]string{gnutls12, gnutls13}, func(p string) error {
		h, r, err := l.gnutlsClient(p, "expired.example", "--x509cafile", l.bundle("root"))
		if err != nil {
			return err
		}
		if !strings.Contains(r.out, "expired") || r.code == 0 {
			return fmt.Errorf("not refused:\n%s", r.out)
		}
		h.Version = map[string]string{gnutls12: "TLS 1.2", gnutls13: "TLS 1.3"}[p]
		h.presents(id).refused("client", "")
		return nil
	})
}

func gnutlsResume(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.gnutlsServer(id); err != nil {
		return err
	}
	for _, p := range []string{gnutls12, gnutls13} {
		first, err := l.gnutlsOK(p, "www.ecdsa.example", id, "--resume", "--waitresumption")
		if err != nil {
			return err
		}
		if _, err := l.clientAddr(""); err != nil { // the next port is the second connection's, as a rule
			return err
		}
		second := *first
		second.Certs, second.Visible, second.Resumed = nil, false, ref(true)
		l.add(&second)
	}
	return l.portsFromCapture()
}

// portsFromCapture takes the clients' ports from the capture, where the client
// program opens several connections by itself.
func (l *lab) portsFromCapture() error {
	if err := l.stopCapture(); err != nil {
		return err
	}
	out, err := exec.Command("tshark", "-n", "-r", l.raw, "-Y", "tcp.flags.syn == 1 && tcp.flags.ack == 0 && tcp.dstport == 443", "-T", "fields", "-e", "tcp.srcport").Output() //nolint:gosec // our own words
	if err != nil {
		return err
	}
	ports := strings.Fields(string(out))
	if len(ports) != len(l.truth.Handshakes) {
		return fmt.Errorf("%d connections, the truth has %d", len(ports), len(l.truth.Handshakes))
	}
	for i, h := range l.truth.Handshakes {
		h.Client = clientIP + ":" + ports[i]
	}
	return nil
}

func gnutlsRecordSize(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.gnutlsServer(id, "--recordsize", "512"); err != nil {
		return err
	}
	return each([]string{gnutls12, gnutls13}, func(p string) error {
		_, err := l.gnutlsOK(p, "www.ecdsa.example", id, "--recordsize", "512")
		return err
	})
}

func gnutlsRawPK(l *lab) error {
	id := l.pki.get("ecdsa")
	spki, err := x509.MarshalPKIXPublicKey(id.key.Public())
	if err != nil {
		return err
	}
	public := l.file("raw.pub", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})))
	if err := l.gnutlsServer(nil, "--rawpkkeyfile", l.key(id), "--rawpkfile", public, "--priority", "NORMAL:+CTYPE-SRV-RAWPK:+CTYPE-CLI-RAWPK", "--disable-client-cert"); err != nil {
		return err
	}
	return each([]string{gnutls12, gnutls13}, func(p string) error {
		h, r, err := l.gnutlsClient(p+":-CTYPE-SRV-ALL:+CTYPE-SRV-RAWPK", "www.ecdsa.example", "--insecure")
		if err != nil {
			return err
		}
		if !strings.Contains(r.out, "Handshake was completed") {
			return fmt.Errorf("gnutls-cli %s:\n%s", p, r.out)
		}
		h.RawPublicKey, h.Visible = sha256hex(spki), h.Version == "TLS 1.2"
		h.Note = "the server's key is a raw public key: no certificate"
		return nil
	})
}

func gnutlsToOpenSSL(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.start(id, "-groups", "P-384"); err != nil {
		return err
	}
	if _, err := l.gnutlsOK(gnutls12, "www.ecdsa.example", id); err != nil {
		return err
	}
	h, err := l.gnutlsOK("NORMAL:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1", "www.ecdsa.example", id, "--alpn", "http/1.1")
	if err != nil {
		return err
	}
	h.HelloRetry, h.Group, h.ALPNOffered = ref(true), "secp384r1", []string{"http/1.1"}
	return nil
}
