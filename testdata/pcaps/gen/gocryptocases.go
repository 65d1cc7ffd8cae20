//go:build linux

package main

import (
	"crypto/tls"
	"fmt"
	"net"
)

const goStack = "Go 1.26 crypto/tls"

var goScenarios = []scenario{
	{"go-mlkem.pcap", goStack, "hellos with X25519MLKEM768 over two segments: to a TLS 1.2 server, to a TLS 1.3 server, and one client that refuses", goMLKEM},
	{"go-mlkem6.pcap", goStack, "the same over IPv6", goMLKEM6},
	{"go-versions.pcap", goStack, "TLS 1.0 to 1.3, RSA, ECDSA and Ed25519, ALPN, no name", goVersions},
	{"go-client-cert.pcap", goStack, "client certificates: given, not given, unknown to the server; TLS 1.2 and 1.3", goClientCert},
	{"go-refuses.pcap", goStack, "clients that refuse the certificate, TLS 1.2 and 1.3 (there the alert is encrypted)", goRefuses},
	{"go-resume.pcap", goStack, "resumption in TLS 1.2 (with tickets) and 1.3", goResume},
	{"go-hello-retry.pcap", goStack, "HelloRetryRequest from X25519MLKEM768 to P-384", goHelloRetry},
	{"go-ech.pcap", goStack, "Encrypted Client Hello: accepted, and rejected with ech_required", goECH},
	{"go-key-mismatch.pcap", goStack + "; openssl s_client 3.0.22", "servers that sign with another key than their certificate's: ECDHE_RSA and ECDHE_ECDSA in TLS 1.2, and TLS 1.3", goKeyMismatch},
	{"go-unanswered.pcap", goStack, "hellos that get no TLS answer: silence, an immediate close, a reset, plain HTTP; and one that is answered late", goUnanswered},
	{"go-records-1.pcap", goStack, "TLS 1.2: every plaintext record of both sides holds one byte", func(l *lab) error { return goRecords(l, 1) }},
	{"go-records-3.pcap", goStack, "TLS 1.2: records of 3 bytes, so that message headers are split", func(l *lab) error { return goRecords(l, 3) }},
	{"go-records-joined.pcap", goStack, "TLS 1.2: the server's whole flight in one record", func(l *lab) error { return goRecords(l, 1<<14) }},
	{"go-records-huge.pcap", goStack, "TLS 1.2: a chain of more than 64 KB in full records, joined with the messages around it", goRecordsHuge},
	{"go-ports.pcap", goStack, "TLS on ports 25, 80, 31337 and 65000", goPorts},
	{"go-no-tls.pcap", goStack, "no TLS at all: HTTP, an SSH banner, bytes that begin like a record or a hello and go on otherwise", goNoTLS},
	{"go-curl.pcap", "curl 7.88.1 to " + goStack, "hellos of curl: HTTP/2, HTTP/1.1, no ALPN, TLS 1.2 and 1.3, without a name", goCurl},
}

func goMLKEM(l *lab) error  { return goBase(l, "", "10.77.0.10", "10.77.0.11", false) }
func goMLKEM6(l *lab) error { return goBase(l, "fd77::1", "fd77::10", "fd77::11", false) }

// goBase is what the wire traps are made from: a hello over two segments that
// is answered in TLS 1.2, one that is answered in TLS 1.3, and one whose client
// refuses the certificate.
func goBase(l *lab, from, ip12, ip13 string, offload bool, captureArgs ...string) error {
	if err := l.network(offload); err != nil {
		return err
	}
	return goBaseOn(l, from, ip12, ip13, l.pki.get("ecdsa"), captureArgs...)
}

func goBaseOn(l *lab, from, ip12, ip13 string, ecdsa *ident, captureArgs ...string) error {
	rsa := l.pki.get("rsa")
	only12 := serving(ecdsa)
	only12.MaxVersion = tls.VersionTLS12
	both := serving(rsa)
	both.NextProtos = []string{"h2"}
	a12, a13 := net.JoinHostPort(ip12, "443"), net.JoinHostPort(ip13, "443")
	if _, err := l.goServe(a12, only12, nil); err != nil {
		return err
	}
	if _, err := l.goServe(a13, both, nil); err != nil {
		return err
	}
	if err := l.capture(captureArgs...); err != nil {
		return err
	}
	h, err := l.goOK(goClient{from: from, to: a12, cfg: l.pki.trusting("www.ecdsa.example", 0, "root")}, ecdsa)
	if err != nil {
		return err
	}
	h.KeyProof = ref(true)
	cfg := l.pki.trusting("www.rsa.example", 0, "root")
	cfg.NextProtos = []string{"h2", "http/1.1"}
	if _, err = l.goOK(goClient{from: from, to: a13, cfg: cfg}, rsa); err != nil {
		return err
	}
	h, err = l.goDial(goClient{from: from, to: a12, cfg: l.pki.trusting("api.ecdsa.example", 0, "internal-root")})
	if err := wantError(err, "unknown authority"); err != nil {
		return err
	}
	h.KeyProof = ref(true)
	h.refusedLike(ecdsa, tls.VersionTLS12, "client", "bad_certificate")
	return nil
}

func goVersions(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	names := []string{"rsa", "ecdsa", "ed25519"}
	for i, n := range names {
		cfg := serving(l.pki.get(n))
		cfg.MinVersion, cfg.NextProtos = tls.VersionTLS10, []string{"h2", "http/1.1"}
		if _, err := l.goServe(at(i), cfg, nil); err != nil {
			return err
		}
	}
	if err := l.capture(); err != nil {
		return err
	}
	for i, n := range names {
		id := l.pki.get(n)
		for v := uint16(tls.VersionTLS10); v <= tls.VersionTLS13; v++ {
			if n == "ed25519" && v < tls.VersionTLS12 {
				continue
			}
			cfg := l.pki.trusting(id.leaf.DNSNames[0], v, "root")
			cfg.NextProtos = []string{"http/1.1"}
			if _, err := l.goOK(goClient{to: at(i), cfg: cfg}, id); err != nil {
				return err
			}
		}
	}
	cfg := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12} //nolint:gosec // a client without a name
	_, err := l.goOK(goClient{to: at(0), cfg: cfg}, l.pki.get("rsa"))
	return err
}

func goClientCert(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	id, device, stranger := l.pki.get("ecdsa"), l.pki.get("device"), l.pki.get("stranger")
	must, may := serving(id), serving(id)
	must.ClientCAs = l.pki.trusting("", 0, "client-root").RootCAs
	must.ClientAuth, may.ClientAuth = tls.RequireAndVerifyClientCert, tls.RequestClientCert
	servers := make([]*goServer, 2)
	for i, cfg := range []*tls.Config{must, may} {
		var err error
		if servers[i], err = l.goServe(at(i), cfg, nil); err != nil {
			return err
		}
	}
	if err := l.capture(); err != nil {
		return err
	}
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, c := range []struct {
			server int
			cert   *ident
			alert  string
		}{{0, device, ""}, {1, stranger, ""}, {1, nil, ""}, {0, stranger, "unknown_ca"}, {0, nil, map[bool]string{true: "certificate_required", false: "handshake_failure"}[v == tls.VersionTLS13]}} {
			cfg := l.pki.trusting("www.ecdsa.example", v, "root")
			if c.cert != nil {
				cert := c.cert.with().tls()
				cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
			}
			h, err := l.goDial(goClient{to: at(c.server), cfg: cfg})
			if h == nil {
				return err
			}
			h.ClientAuth = ref(true)
			if c.cert != nil {
				h.ClientCerts = c.cert.with().hashes()
			}
			served := servers[c.server].of(h.Client)
			if (served != nil) != (c.alert != "") {
				return fmt.Errorf("client %v, server %v", err, served)
			}
			h.Version = tls.VersionName(v)
			h.presents(id)
			if c.alert != "" {
				h.refused("server", c.alert)
			}
		}
	}
	return nil
}

func goRefuses(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	names := []string{"ecdsa", "expired"}
	for i, n := range names {
		if _, err := l.goServe(at(i), serving(l.pki.get(n)), nil); err != nil {
			return err
		}
	}
	if err := l.capture(); err != nil {
		return err
	}
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, c := range []struct {
			server     int
			root, name string
			text       string
		}{{0, "internal-root", "www.ecdsa.example", "unknown authority"}, {1, "root", "expired.example", "expired"}, {0, "root", "wrong.example", "not wrong.example"}} {
			h, err := l.goDial(goClient{to: at(c.server), cfg: l.pki.trusting(c.name, v, c.root)})
			if err := wantError(err, c.text); err != nil {
				return err
			}
			h.refusedLike(l.pki.get(names[c.server]), v, "client", "bad_certificate") // Go says this whatever the reason
			h.Note = err.Error()
		}
	}
	return nil
}

func goResume(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	id := l.pki.get("ecdsa")
	if _, err := l.goServe(at(0), serving(id), nil); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := l.pki.trusting("www.ecdsa.example", v, "root")
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		for i := range 3 {
			h, err := l.goOK(goClient{to: at(0), cfg: cfg}, id)
			if err != nil {
				return err
			}
			if *h.Resumed != (i > 0) {
				return fmt.Errorf("%s, connection %d: resumed is %v", h.Version, i, *h.Resumed)
			}
		}
	}
	return nil
}

func goHelloRetry(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	id := l.pki.get("p384")
	server := serving(id)
	server.CurvePreferences = []tls.CurveID{tls.CurveP384}
	if _, err := l.goServe(at(0), server, nil); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	h, err := l.goOK(goClient{to: at(0), cfg: l.pki.trusting("p384.example", 0, "root")}, id)
	if err == nil && !*h.HelloRetry {
		err = fmt.Errorf("no hello retry")
	}
	return err
}

func goKeyMismatch(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	pairs := []struct{ cert, key string }{{"rsa", "dual-rsa"}, {"ecdsa", "dual-ecdsa"}}
	for i, p := range pairs {
		cert := l.pki.get(p.cert).tls()
		cert.PrivateKey = l.pki.get(p.key).key
		cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
		if _, err := l.goServe(at(i), cfg, nil); err != nil {
			return err
		}
	}
	if err := l.capture(); err != nil {
		return err
	}
	for i, p := range pairs {
		id := l.pki.get(p.cert)
		for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			h, err := l.goDial(goClient{to: at(i), cfg: l.pki.trusting(id.leaf.DNSNames[0], v, "root")})
			if err := wantError(err, "invalid signature by the server"); err != nil {
				return err
			}
			h.KeyProof = ref(false)
			h.refusedLike(id, v, "client", map[bool]string{true: "decrypt_error", false: "illegal_parameter"}[v == tls.VersionTLS13])
		}
		h, r, err := l.sclient(sclient{to: at(i), sni: id.leaf.DNSNames[0], args: []string{"-tls1_2"}})
		if err != nil {
			return err
		}
		if r.code == 0 {
			return fmt.Errorf("s_client accepts the signature of another key:\n%s", r.out)
		}
		h.KeyProof = ref(false)
		h.Cipher = ""
		h.refusedLike(id, tls.VersionTLS12, "client", "decrypt_error")
	}
	return nil
}

func goCurl(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	id := l.pki.get("ecdsa")
	cfg := serving(id)
	cfg.NextProtos = []string{"http/1.1"}
	if _, err := l.goServe(at(0), cfg, nil); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	for _, c := range []struct {
		alpn []string
		url  string
		args []string
	}{
		{[]string{"h2", "http/1.1"}, "https://www.ecdsa.example/", []string{"--tls-max", "1.2"}},
		{[]string{"h2", "http/1.1"}, "https://www.ecdsa.example/", []string{"--tlsv1.3"}},
		{[]string{"http/1.1"}, "https://www.ecdsa.example/", []string{"--http1.1"}},
		{nil, "https://www.ecdsa.example/", []string{"--no-alpn", "--tls-max", "1.2"}},
		{[]string{"h2", "http/1.1"}, "https://WWW.Ecdsa.Example./", []string{"--tls-max", "1.2"}},
		{[]string{"h2", "http/1.1"}, "https://10.77.0.10/", []string{"--tls-max", "1.2"}},
	} {
		noSNI := c.url == "https://10.77.0.10/"
		h, r, err := l.curl(curl{to: at(0), url: c.url, args: append(c.args, "-k", "--http0.9"), noSNI: noSNI})
		if err != nil {
			return err
		}
		if h.Version == "" || r.code != 0 {
			return fmt.Errorf("curl %s ended with %d:\n%s", c.url, r.code, r.out)
		}
		h.ALPNOffered = c.alpn
		if !noSNI {
			h.named("www.ecdsa.example") // curl sends it in lower case and without a dot
		}
		h.presents(id)
	}
	return nil
}
