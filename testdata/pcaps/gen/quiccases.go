//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"

	quicgo "github.com/quic-go/quic-go"
)

var quicScenarios = []scenario{
	{"quic-v1.pcap", quicStack, "QUIC v1: RSA and ECDSA, several names, a hello retry", quicV1},
	{"quic-v2.pcap", quicStack, "QUIC v2 (RFC 9369)", quicV2},
	{"quic-retry.pcap", quicStack, "Retry: the server validates the address first, v1 and v2", quicRetry},
	{"quic-version-negotiation.pcap", quicStack, "a client that begins with v2, and a server that speaks v1 only", quicNegotiation},
	{"quic-many.pcap", quicStack, "eight connections at once between one pair of ports", func(l *lab) error {
		l.mixed = true
		return quicMany(l, tls.X25519)
	}},
	{"quic-many-large.pcap", quicStack, "the same with hellos of two datagrams each, mixed (tshark mixes them up)", func(l *lab) error {
		l.checked = notAsked
		return quicMany(l, tls.X25519MLKEM768)
	}},
	{"quic-resume.pcap", quicStack, "resumption, and resumption with 0-RTT data", quicResume},
	{"quic-client-cert.pcap", quicStack, "a client certificate, which nothing shows", quicClientCert},
	{"quic-migration.pcap", quicStack, "the client moves to another address after the handshake", quicMigration},
	{"quic-ipv6.pcap", quicStack, "IPv6", quicIPv6},
	{"quic-large.pcap", quicStack, "hellos of five datagrams: many protocols", quicLarge},
	{"quic-refused.pcap", quicStack, "servers that refuse (no_application_protocol), clients that refuse the certificate", quicRefused},
}

// quicTLS is a client that verifies against the usual root.
func (l *lab) quicTLS(name string, protos ...string) *tls.Config {
	cfg := l.pki.trusting(name, tls.VersionTLS13, "root")
	if cfg.NextProtos = protos; protos == nil {
		cfg.NextProtos = []string{"h3"}
	}
	return cfg
}

func quicTLSServing(ids ...*ident) *tls.Config {
	cfg := serving(ids...)
	cfg.NextProtos = []string{"h3", "doq"}
	return cfg
}

// quicStart makes the network and a server, and starts the capture.
func (l *lab) quicStart(s quicServing) (*quicServer, error) {
	if err := l.quicNetwork(); err != nil {
		return nil, err
	}
	srv, err := l.quicServe(at(0), s)
	if err != nil {
		return nil, err
	}
	return srv, l.captureUDP()
}

func quicV1(l *lab) error {
	rsa, ecdsa := l.pki.get("rsa"), l.pki.get("ecdsa")
	srv, err := l.quicStart(quicServing{tls: quicTLSServing(rsa, ecdsa)})
	if err != nil {
		return err
	}
	if _, err := l.quicOK(srv, quicClient{to: at(0), cfg: l.quicTLS("www.rsa.example", "doq", "h3")}, rsa); err != nil {
		return err
	}
	if _, err := l.quicOK(srv, quicClient{to: at(0), cfg: l.quicTLS("api.ecdsa.example")}, ecdsa); err != nil {
		return err
	}
	retry := quicTLSServing(ecdsa)
	retry.CurvePreferences = []tls.CurveID{tls.CurveP384}
	if srv, err = l.quicServe(at(1), quicServing{tls: retry}); err != nil {
		return err
	}
	h, err := l.quicOK(srv, quicClient{to: at(1), cfg: l.quicTLS("retry.ecdsa.example")}, ecdsa)
	if err == nil && !*h.HelloRetry {
		err = errors.New("no hello retry")
	}
	return err
}

func quicVersions(v ...quicgo.Version) *quicgo.Config { return &quicgo.Config{Versions: v} }

func quicV2(l *lab) error {
	id := l.pki.get("ecdsa")
	srv, err := l.quicStart(quicServing{tls: quicTLSServing(id)})
	if err != nil {
		return err
	}
	for _, name := range []string{"www.ecdsa.example", "api.ecdsa.example"} {
		if _, err := l.quicOK(srv, quicClient{to: at(0), cfg: l.quicTLS(name), quic: quicVersions(quicgo.Version2)}, id); err != nil {
			return err
		}
	}
	return nil
}

func quicRetry(l *lab) error {
	id := l.pki.get("ecdsa")
	srv, err := l.quicStart(quicServing{tls: quicTLSServing(id), retry: true})
	if err != nil {
		return err
	}
	for _, v := range []quicgo.Version{quicgo.Version1, quicgo.Version2} {
		h, err := l.quicOK(srv, quicClient{to: at(0), cfg: l.quicTLS("www.ecdsa.example"), quic: quicVersions(v)}, id)
		if err != nil {
			return err
		}
		h.Note = "with a Retry before it"
	}
	return nil
}

func quicNegotiation(l *lab) error {
	id := l.pki.get("ecdsa")
	srv, err := l.quicStart(quicServing{tls: quicTLSServing(id), quic: quicVersions(quicgo.Version1)})
	if err != nil {
		return err
	}
	var used quicgo.Version
	h, err := l.quicOK(srv, quicClient{to: at(0), cfg: l.quicTLS("www.ecdsa.example"), quic: quicVersions(quicgo.Version2, quicgo.Version1),
		during: func(c *quicgo.Conn) error { used = c.ConnectionState().Version; return nil }}, id)
	if err != nil {
		return err
	}
	if used != quicgo.Version1 {
		return fmt.Errorf("the connection is of version %v", used)
	}
	h.Note = "v2 was answered with a version negotiation; the random is that of the second hello"
	l.again = true
	// A client that gives up.
	h, err = l.quicDial(quicClient{to: at(0), cfg: l.quicTLS("api.ecdsa.example"), quic: quicVersions(quicgo.Version2)})
	var none *quicgo.VersionNegotiationError
	if !errors.As(err, &none) {
		return fmt.Errorf("got %v, want a failed version negotiation", err)
	}
	h.Outcome, h.Note = unanswered, "the server's versions are not the client's: a version negotiation is all that comes"
	return nil
}

func quicMany(l *lab, group tls.CurveID) error {
	id := l.pki.get("ecdsa")
	srv, err := l.quicStart(quicServing{tls: quicTLSServing(id)})
	if err != nil {
		return err
	}
	socket, from, err := l.quicSocket("")
	if err != nil {
		return err
	}
	defer func() { _ = socket.Close() }()
	faults := make([]error, 8)
	var wg sync.WaitGroup
	for i := range faults {
		wg.Go(func() {
			cfg := l.quicTLS(fmt.Sprintf("n%d.ecdsa.example", i))
			cfg.CurvePreferences = []tls.CurveID{group}
			_, faults[i] = l.quicOK(srv, quicClient{socket: socket, from: from, to: at(0), cfg: cfg}, id)
		})
	}
	wg.Wait()
	return errors.Join(faults...)
}

func quicResume(l *lab) error {
	id := l.pki.get("ecdsa")
	srv, err := l.quicStart(quicServing{tls: quicTLSServing(id), quic: &quicgo.Config{Allow0RTT: true}})
	if err != nil {
		return err
	}
	sessions, tokens := tls.NewLRUClientSessionCache(8), quicgo.NewLRUTokenStore(8, 8)
	dial := func(early bool, used *quicgo.ConnectionState) (*handshake, error) {
		cfg := l.quicTLS("www.ecdsa.example")
		cfg.ClientSessionCache = sessions
		return l.quicOK(srv, quicClient{to: at(0), cfg: cfg, quic: &quicgo.Config{TokenStore: tokens}, early: early,
			during: func(c *quicgo.Conn) error { *used = c.ConnectionState(); return nil }}, id)
	}
	for i, step := range []struct{ resumed, early bool }{{false, false}, {true, false}, {true, true}} {
		var used quicgo.ConnectionState
		h, err := dial(step.early, &used)
		if err != nil {
			return err
		}
		if *h.Resumed != step.resumed || used.Used0RTT != step.early {
			return fmt.Errorf("connection %d: resumed %v, 0-RTT %v; want %v", i+1, *h.Resumed, used.Used0RTT, step)
		}
		h.EarlyData = ref(step.early)
		if step.early {
			h.Note = "0-RTT data accepted"
		}
	}
	return nil
}

func quicClientCert(l *lab) error {
	id, device := l.pki.get("ecdsa"), l.pki.get("device")
	asking := quicTLSServing(id)
	asking.ClientAuth = tls.RequireAnyClientCert
	srv, err := l.quicStart(quicServing{tls: asking})
	if err != nil {
		return err
	}
	cfg := l.quicTLS("www.ecdsa.example")
	cfg.Certificates = []tls.Certificate{device.tls()}
	h, err := l.quicOK(srv, quicClient{to: at(0), cfg: cfg}, id)
	if err != nil {
		return err
	}
	h.ClientCerts, h.ClientAuth = device.hashes(), ref(true)
	return nil
}

func quicMigration(l *lab) error {
	id := l.pki.get("ecdsa")
	srv, err := l.quicStart(quicServing{tls: quicTLSServing(id)})
	if err != nil {
		return err
	}
	h, err := l.quicOK(srv, quicClient{to: at(0), cfg: l.quicTLS("www.ecdsa.example"), during: func(c *quicgo.Conn) error {
		next, _, err := l.quicSocket("10.77.1.2")
		if err != nil {
			return err
		}
		l.closing(func() { _ = next.Close() })
		path, err := c.AddPath(next)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(l.ctx, quicPatience)
		defer cancel()
		if err := path.Probe(ctx); err != nil {
			return fmt.Errorf("probe the other path: %w", err)
		}
		if err := path.Switch(); err != nil {
			return err
		}
		return oneWord(ctx, c)
	}}, id)
	if err != nil {
		return err
	}
	h.Note = "it goes on from 10.77.1.2"
	return nil
}

func quicIPv6(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.quicNetwork(); err != nil {
		return err
	}
	srv, err := l.quicServe("[fd77::10]:443", quicServing{tls: quicTLSServing(id)})
	if err != nil {
		return err
	}
	if err := l.captureUDP(); err != nil {
		return err
	}
	_, err = l.quicOK(srv, quicClient{from: "fd77::1:1", to: "[fd77::10]:443", cfg: l.quicTLS("www.ecdsa.example")}, id)
	return err
}

func quicLarge(l *lab) error {
	id := l.pki.get("ecdsa")
	srv, err := l.quicStart(quicServing{tls: quicTLSServing(id)})
	if err != nil {
		return err
	}
	var protos []string
	for i := range 60 {
		protos = append(protos, fmt.Sprintf("x-%02d-%s", i, strings.Repeat("p", 60)))
	}
	_, err = l.quicOK(srv, quicClient{to: at(0), cfg: l.quicTLS("www.ecdsa.example", append(protos, "h3")...)}, id)
	return err
}

func quicRefused(l *lab) error {
	id, expired := l.pki.get("ecdsa"), l.pki.get("expired")
	srv, err := l.quicStart(quicServing{tls: quicTLSServing(id)})
	if err != nil {
		return err
	}
	h, err := l.quicDial(quicClient{to: at(0), cfg: l.quicTLS("www.ecdsa.example", "hq-interop")})
	if err := wantAlert(err, true, 120); err != nil {
		return err
	}
	h.refused("server", "no_application_protocol")
	// Clients that refuse: an unknown root, and a certificate that has expired.
	strange := l.quicTLS("api.ecdsa.example")
	strange.RootCAs = l.pki.trusting("", 0, "internal-root").RootCAs
	h, err = l.quicDial(quicClient{to: at(0), cfg: strange})
	if err := wantAlert(err, false, 42); err != nil {
		return err
	}
	h.refusedLike(id, tls.VersionTLS13, "client", "bad_certificate")
	if _, err = l.quicServe(at(1), quicServing{tls: quicTLSServing(expired)}); err != nil {
		return err
	}
	h, err = l.quicDial(quicClient{to: at(1), cfg: l.quicTLS("expired.example")})
	if err := wantAlert(err, false, 42); err != nil {
		return err
	}
	h.refusedLike(expired, tls.VersionTLS13, "client", "bad_certificate")
	_, err = l.quicOK(srv, quicClient{to: at(0), cfg: l.quicTLS("www.ecdsa.example")}, id)
	return err
}

// wantAlert wants a TLS alert of this side (RFC 9001 §4.8).
func wantAlert(err error, remote bool, alert int) error {
	var t *quicgo.TransportError
	if !errors.As(err, &t) || t.Remote != remote || t.ErrorCode != quicgo.TransportErrorCode(0x100+alert) {
		return fmt.Errorf("got %v, want the alert %d, from the server: %v", err, alert, remote)
	}
	return nil
}
