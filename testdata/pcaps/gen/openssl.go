//go:build linux

package main

import (
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"
)

const opensslStack = "openssl s_server and s_client 3.0.22"

var opensslScenarios = []scenario{
	{"openssl-versions.pcap", opensslStack, "TLS 1.0, 1.1, 1.2 and 1.3 to one server; TLS 1.2 with RSA key transport", opensslVersions},
	{"openssl-keys.pcap", opensslStack, "RSA, RSA-PSS, ECDSA P-256 and P-384, Ed25519 leaves, TLS 1.2 and 1.3", opensslKeys},
	{"openssl-resume12.pcap", opensslStack, "TLS 1.2 resumption by session id and by ticket", opensslResume12},
	{"openssl-resume13.pcap", opensslStack, "TLS 1.3 resumption, and the same with 0-RTT data", opensslResume13},
	{"openssl-early-data.pcap", opensslStack, "TLS 1.3 0-RTT data, as short as an alert and over several records: accepted, rejected as a replay, rejected by a HelloRetryRequest", opensslEarly},
	{"openssl-hello-retry.pcap", opensslStack, "HelloRetryRequest: two hellos, one handshake", opensslHelloRetry},
	{"openssl-client-cert.pcap", opensslStack, "client certificates: given, not given, missing, unknown to the server; TLS 1.2 and 1.3", opensslClientCert},
	{"openssl-client-refuses.pcap", opensslStack, "clients that refuse the certificate: unknown_ca, certificate_expired, wrong name; TLS 1.2 and 1.3", opensslClientRefuses},
	{"openssl-ocsp.pcap", opensslStack + "; openssl ocsp", "stapled OCSP answers good, revoked, unknown and expired in TLS 1.2, good in TLS 1.3", opensslOCSP},
	{"openssl-renegotiation.pcap", opensslStack, "renegotiation inside TLS 1.2: one visible handshake", opensslRenegotiation},
	{"openssl-chain.pcap", opensslStack, "a chain of four, the root included", opensslChain},
	{"openssl-chain-huge.pcap", opensslStack, "a chain of 14 certificates and more than 64 KB", opensslChainHuge},
	{"openssl-fragments.pcap", opensslStack, "-max_send_frag 512: handshake messages over several records, both sides", opensslFragments},
	{"openssl-names.pcap", opensslStack, "no name, upper case, trailing dot, underscore, 253 bytes, an address, an A-label, a control character, quotes; ALPN", opensslNames},
	{"openssl-unrecognized-name.pcap", opensslStack, "unrecognized_name: as a warning, after which it goes on, and as a fatal alert", opensslUnrecognized},
	{"openssl-refusals.pcap", opensslStack, "servers that refuse the hello: protocol_version, handshake_failure, no_application_protocol", opensslRefusals},
	{"openssl-no-certificate.pcap", opensslStack, "TLS 1.2 full handshakes that have no certificate: anonymous DH and PSK; TLS 1.3 with an external PSK", opensslNoCertificate},
	{"openssl-validity.pcap", opensslStack, "expired, not yet valid, and soon to expire, accepted by clients that do not verify", opensslValidity},
	{"openssl-odd-certs.pcap", opensslStack, "a 1024-bit RSA key, a SHA-1 signature, a negative serial number, no names but the subject's, Ed448, an address as the only name; TLS 1.2", opensslOdd},
	{"openssl-ipv6.pcap", opensslStack, "IPv6", opensslIPv6},
}

// sserver starts an openssl s_server that answers a GET with a status page.
func (l *lab) sserver(addr string, id *ident, args ...string) error {
	base := []string{"openssl", "s_server", "-accept", addr}
	if len(args) > 0 && args[0] == "-no_www" { // our own word: s_server has no early data with -www
		args = args[1:]
	} else {
		base = append(base, "-www")
	}
	if id != nil {
		base = append(base, "-cert", l.crt(id.with()), "-key", l.key(id))
		if len(id.chain) > 0 {
			base = append(base, "-cert_chain", l.file(id.name+".chain", id.chain[0].with(id.chain[1:]...).certPEM()))
		}
	}
	ip := strings.Trim(addr[:strings.LastIndex(addr, ":")], "[]")
	if err := l.addr(l.srv, ip); err != nil {
		return err
	}
	_, err := l.serve([]string{addr}, append(base, args...)...)
	return err
}

// at is the address of a scenario's n-th server.
func at(n int) string { return fmt.Sprintf("10.77.0.%d:443", 10+n) }

// start makes the network, the usual single server, and starts the capture.
func (l *lab) start(id *ident, args ...string) error {
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.sserver(at(0), id, args...); err != nil {
		return err
	}
	return l.capture()
}

// each runs the steps up to the first error.
func each[T any](list []T, fn func(T) error) error {
	for _, x := range list {
		if err := fn(x); err != nil {
			return err
		}
	}
	return nil
}

var bothVersions = []string{"-tls1_2", "-tls1_3"}

func opensslVersions(l *lab) error {
	id := l.pki.get("rsa")
	if err := l.start(id, "-cipher", "ALL:@SECLEVEL=0"); err != nil {
		return err
	}
	if _, err := l.expect(sclient{to: at(0), sni: "rsa.example", args: []string{"-tls1_2", "-cipher", "AES128-GCM-SHA256"}}, id); err != nil { // key transport: nothing is signed
		return err
	}
	return each([]string{"-tls1", "-tls1_1", "-tls1_2", "-tls1_3"}, func(v string) error {
		_, err := l.expect(sclient{to: at(0), sni: "www.rsa.example", args: []string{v, "-cipher", "ALL:@SECLEVEL=0"}}, id)
		return err
	})
}

func opensslKeys(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	names := []string{"rsa", "rsa-pss", "ecdsa", "p384", "ed25519"}
	for i, n := range names {
		if err := l.sserver(at(i), l.pki.get(n)); err != nil {
			return err
		}
	}
	if err := l.capture(); err != nil {
		return err
	}
	for i, n := range names {
		id := l.pki.get(n)
		if err := each(bothVersions, func(v string) error {
			h, err := l.expect(sclient{to: at(i), sni: id.leaf.DNSNames[0], args: []string{v}}, id)
			if h != nil && v == "-tls1_2" {
				h.KeyProof = ref(true)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func opensslResume12(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.sserver(at(0), id, "-no_ticket"); err != nil {
		return err
	}
	if err := l.sserver(at(1), id); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	for i := range 2 {
		if err := l.resume("", at(i), "www.ecdsa.example", "", id, l.file(fmt.Sprint("session-", i), ""), []string{"-tls1_2"}); err != nil {
			return err
		}
	}
	return nil
}

func opensslResume13(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.sserver(at(0), id); err != nil {
		return err
	}
	if err := l.sserver(at(1), id, "-no_www", "-early_data", "-max_early_data", "4096"); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	session := l.file("session", "")
	if err := l.resume("", at(0), "www.ecdsa.example", "", id, session, []string{"-tls1_3"}); err != nil {
		return err
	}
	early := sclient{to: at(1), sni: "www.ecdsa.example", stdin: "hello\n" + pause + "bye\n" + pause, args: []string{"-tls1_3", "-no_ign_eof"}}
	first, second := early, early
	first.args = append(first.args, "-sess_out", session)
	second.args = append(second.args, "-sess_in", session, "-early_data", l.file("early", "early words\n"))
	if _, err := l.expect(first, id); err != nil {
		return err
	}
	h, r, err := l.sclient(second)
	if err != nil {
		return err
	}
	if !strings.Contains(r.out, "Early data was accepted") || h.Resumed == nil || !*h.Resumed {
		return fmt.Errorf("early data was not accepted:\n%s", r.out)
	}
	h.Note = "0-RTT data accepted"
	return nil
}

func opensslHelloRetry(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.start(id, "-groups", "X25519"); err != nil {
		return err
	}
	h, err := l.expect(sclient{to: at(0), sni: "www.ecdsa.example", args: []string{"-tls1_3", "-groups", "P-256:X25519"}}, id)
	if err != nil {
		return err
	}
	h.HelloRetry, h.Group = ref(true), "x25519"
	h, err = l.expect(sclient{to: at(0), sni: "www.ecdsa.example", alpn: "http/1.1", args: []string{"-groups", "P-384:P-256:X25519"}}, id)
	if err != nil {
		return err
	}
	h.HelloRetry, h.Group = ref(true), "x25519"
	return nil
}

func opensslRenegotiation(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.start(id, "-client_renegotiation"); err != nil {
		return err
	}
	h, r, err := l.sclient(sclient{to: at(0), sni: "www.ecdsa.example", args: []string{"-tls1_2", "-no_ign_eof"}, stdin: pause + "R\n" + pause + "GET / HTTP/1.0\r\n\r\n" + pause})
	if err != nil {
		return err
	}
	if !strings.Contains(r.out, "RENEGOTIATING") {
		return fmt.Errorf("no renegotiation:\n%s", r.out)
	}
	h.presents(id).Note = "a second handshake inside the first one's protection"
	return nil
}

func opensslChain(l *lab) error {
	id := l.pki.get("deep")
	if err := l.start(id); err != nil {
		return err
	}
	return each(bothVersions, func(v string) error {
		_, err := l.expect(sclient{to: at(0), sni: "deep.example", args: []string{v}}, id)
		return err
	})
}

// huge is a server certificate with a chain of more than 64 KB.
func (p *pki) huge() *ident {
	chain := []*ident{p.get("ca")}
	for i := range hugeCerts {
		chain = append(chain, p.get(fmt.Sprintf("huge-%02d", i)))
	}
	return p.get("ecdsa").with(chain...)
}

func opensslChainHuge(l *lab) error {
	id := l.pki.huge()
	if err := l.start(id); err != nil {
		return err
	}
	h, r, err := l.sclient(sclient{to: at(0), sni: "www.ecdsa.example", args: []string{"-tls1_2", "-showcerts"}})
	if err != nil {
		return err
	}
	h.presents(id)
	l.lenient = true // tshark 4.0 gives up on handshake messages above 64 KB; the client does not
	if got := pemHashes(r.out); !slices.Equal(got, h.Certs) {
		return fmt.Errorf("the client saw %d certificates, the server has %d", len(got), len(h.Certs))
	}
	return nil
}

// pemHashes returns the SHA-256 of every certificate in a text.
func pemHashes(text string) (out []string) {
	for rest := []byte(text); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return out
		}
		out = append(out, sha256hex(b.Bytes))
	}
}

func opensslFragments(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.start(id, "-max_send_frag", "512", "-split_send_frag", "512", "-CAfile", l.bundle("client-root"), "-verify", "2"); err != nil {
		return err
	}
	device := l.pki.get("device")
	return each(bothVersions, func(v string) error {
		h, err := l.expect(sclient{to: at(0), sni: "www.ecdsa.example", args: []string{v, "-max_send_frag", "512", "-cert", l.crt(device.with()), "-key", l.key(device)}}, id)
		if err == nil {
			h.ClientAuth, h.ClientCerts = ref(true), device.with().hashes()
		}
		return err
	})
}

func opensslNames(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.start(id, "-alpn", "h2,http/1.1"); err != nil {
		return err
	}
	long := strings.Repeat(strings.Repeat("a", 62)+".", 3) + strings.Repeat("b", 56) + ".example"
	for _, n := range []struct {
		raw     string
		invalid bool // no hostname: nothing to normalise
		alpn    string
	}{
		{raw: ""}, {raw: "WWW.Ecdsa.EXAMPLE"}, {raw: "www.ecdsa.example."}, {raw: "API.ecdsa.example.", alpn: "h2,http/1.1"},
		{raw: "under_score.ecdsa.example", alpn: "http/1.1"}, {raw: long}, {raw: "xn--mnchen-3ya.ecdsa.example"},
		{raw: "10.77.0.10", invalid: true}, {raw: "tab\there.example", invalid: true},
		{raw: `quote".example`, invalid: true}, {raw: "=1+1,<b>.example", invalid: true}, {raw: "\x1b[31mred.example", invalid: true}, {raw: "..", invalid: true},
	} {
		h, err := l.expect(sclient{to: at(0), sni: n.raw, alpn: n.alpn, args: []string{"-tls1_2"}}, id)
		if err != nil {
			return err
		}
		if n.invalid {
			h.SNI, h.SNISentRaw = "", n.raw
		}
	}
	return nil
}

func opensslNoCertificate(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.sserver(at(0), nil, "-nocert", "-cipher", "aNULL:PSK:@SECLEVEL=0", "-psk", "00112233445566778899aabbccddeeff"); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	psk := []string{"-psk", "00112233445566778899aabbccddeeff"}
	for _, args := range [][]string{
		{"-tls1_2", "-cipher", "ADH-AES128-SHA256:@SECLEVEL=0"}, {"-tls1_2", "-cipher", "AECDH-AES128-SHA:@SECLEVEL=0"},
		append([]string{"-tls1_2", "-cipher", "PSK-AES128-GCM-SHA256"}, psk...), append([]string{"-tls1_2", "-cipher", "ECDHE-PSK-AES128-CBC-SHA256"}, psk...),
		append([]string{"-tls1_3"}, psk...),
	} {
		h, r, err := l.sclient(sclient{to: at(0), sni: "nocert.example", args: args})
		if err != nil {
			return err
		}
		if r.code != 0 || h.Cipher == "" {
			return fmt.Errorf("%v:\n%s", args, r.out)
		}
		h.Note = "no certificate takes part"
		if h.Version == "TLS 1.3" {
			h.Note = "external PSK: on the wire it looks like resumption"
		}
	}
	return nil
}

func opensslIPv6(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.sserver("[fd77::10]:443", id); err != nil {
		return err
	}
	time.Sleep(200 * time.Millisecond)
	if err := l.capture(); err != nil {
		return err
	}
	return each(bothVersions, func(v string) error {
		_, err := l.expect(sclient{from: "fd77::1", to: "[fd77::10]:443", sni: "www.ecdsa.example", args: []string{v}}, id)
		return err
	})
}

// oneEach serves each certificate on an address of its own and visits it once in TLS 1.2.
func (l *lab) oneEach(names ...string) error {
	if err := l.network(false); err != nil {
		return err
	}
	for i, n := range names {
		if err := l.sserver(at(i), l.pki.get(n), "-cipher", "ALL:@SECLEVEL=0"); err != nil {
			return err
		}
	}
	if err := l.capture(); err != nil {
		return err
	}
	for i, n := range names {
		id, sni := l.pki.get(n), ""
		if len(id.leaf.DNSNames) > 0 {
			sni = id.leaf.DNSNames[0]
		}
		h, err := l.expect(sclient{to: at(i), sni: sni, args: []string{"-tls1_2", "-cipher", "ALL:@SECLEVEL=0"}}, id)
		if err != nil {
			return err
		}
		h.Note = n
	}
	return nil
}

func opensslValidity(l *lab) error { return l.oneEach("expired", "future", "expiring") }

func opensslOdd(l *lab) error {
	return l.oneEach("odd-rsa1024", "odd-sha1", "odd-negative-serial", "odd-no-names", "odd-ed448", "odd-address")
}
