//go:build linux

package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// A goServer is a crypto/tls server inside the lab, which remembers how the
// handshake with each client ended.
type goServer struct {
	mu    sync.Mutex
	ended map[string]error
	cond  *sync.Cond
}

// goServe serves until the lab closes. wrap, if not nil, changes how bytes get
// to the wire.
func (l *lab) goServe(addr string, cfg *tls.Config, wrap func(net.Conn) net.Conn) (*goServer, error) {
	ip, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if err := l.addr(l.srv, ip); err != nil {
		return nil, err
	}
	ln, err := l.listen(addr)
	if err != nil {
		return nil, err
	}
	s := &goServer{ended: map[string]error{}}
	s.cond = sync.NewCond(&s.mu)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go s.answer(c, cfg, wrap)
		}
	}()
	return s, nil
}

func (s *goServer) answer(c net.Conn, cfg *tls.Config, wrap func(net.Conn) net.Conn) {
	client := c.RemoteAddr().String()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	defer func() { _ = c.Close() }()
	if wrap != nil {
		c = wrap(c)
	}
	t := tls.Server(c, cfg)
	err := t.Handshake()
	s.mu.Lock()
	s.ended[client] = err
	s.cond.Broadcast()
	s.mu.Unlock()
	if err != nil {
		return
	}
	buf := make([]byte, 64)
	if _, err := t.Read(buf); err == nil {
		_, _ = t.Write([]byte("hello\n"))
	}
	_ = t.Close()
}

// of waits for the end of a client's handshake.
func (s *goServer) of(client string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if err, ok := s.ended[client]; ok {
			return err
		}
		s.cond.Wait()
	}
}

// A goClient is one connection by crypto/tls.
type goClient struct {
	from, to string
	cfg      *tls.Config
	wrap     func(net.Conn) net.Conn
}

// goDial makes a connection and keeps what the client knows of it. The error is
// the handshake's; it includes an alert that came with the first data.
func (l *lab) goDial(c goClient) (*handshake, error) {
	from, err := l.clientAddr(c.from)
	if err != nil {
		return nil, err
	}
	h := l.add(&handshake{Client: from.String(), Server: c.to, Transport: "tcp", Outcome: established, ALPNOffered: c.cfg.NextProtos})
	h.named(c.cfg.ServerName)
	if net.ParseIP(c.cfg.ServerName) != nil {
		h.NoSNI, h.SNI = true, ""
	}
	conn, err := l.dial(from, c.to)
	if err != nil {
		return h, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if c.wrap != nil {
		conn = c.wrap(conn)
	}
	tap := &helloTap{Conn: conn}
	keys, err := l.keyLog()
	if err != nil {
		return h, err
	}
	defer func() { _ = keys.Close() }()
	cfg := c.cfg.Clone()
	cfg.KeyLogWriter = keys
	t := tls.Client(tap, cfg)
	err = t.Handshake()
	h.ClientRandom = tap.random
	if err != nil {
		return h, err
	}
	h.take(t.ConnectionState())
	if _, err := t.Write([]byte("hello\n")); err != nil {
		return h, err
	}
	if _, err := io.ReadAll(t); err != nil {
		return h, err
	}
	return h, t.Close()
}

// A helloTap notes the random of the hello that goes by (RFC 8446 §4.1.2).
type helloTap struct {
	net.Conn
	random string
}

func (t *helloTap) Write(b []byte) (int, error) {
	const at = 5 + 4 + 2 // record header, message header, legacy_version
	if t.random == "" && len(b) >= at+32 && b[0] == 22 && b[5] == 1 {
		t.random = hex.EncodeToString(b[at : at+32])
	}
	return t.Conn.Write(b)
}

func (l *lab) keyLog() (*os.File, error) {
	return os.OpenFile(l.keys, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

// take keeps what a finished handshake says of itself.
func (h *handshake) take(s tls.ConnectionState) {
	h.Version, h.Cipher = tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite)
	h.ALPNChosen, h.Resumed, h.HelloRetry = s.NegotiatedProtocol, ref(s.DidResume), ref(s.HelloRetryRequest)
	if name := map[tls.CurveID]string{tls.CurveP256: "secp256r1", tls.CurveP384: "secp384r1", tls.X25519: "x25519", tls.X25519MLKEM768: "X25519MLKEM768"}[s.CurveID]; name != "" {
		h.Group = name
	}
	if s.ECHAccepted {
		h.ECH = "accepted"
	}
}

// goOK is a connection that must succeed and shows a chain.
func (l *lab) goOK(c goClient, id *ident) (*handshake, error) {
	h, err := l.goDial(c)
	if err != nil {
		return h, fmt.Errorf("crypto/tls to %s: %w", c.to, err)
	}
	return h.presents(id), nil
}

// trusting is a client configuration that verifies against roots of ours.
func (p *pki) trusting(name string, version uint16, roots ...string) *tls.Config {
	pool := x509.NewCertPool()
	for _, r := range roots {
		pool.AddCert(p.get(r).leaf)
	}
	return &tls.Config{ServerName: name, RootCAs: pool, MinVersion: version, MaxVersion: version}
}

func serving(ids ...*ident) *tls.Config {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	for _, id := range ids {
		cfg.Certificates = append(cfg.Certificates, id.tls())
	}
	return cfg
}

// refusedLike fills in a handshake that did not finish.
func (h *handshake) refusedLike(id *ident, version uint16, by, description string) {
	h.Version = tls.VersionName(version)
	h.presents(id).refused(by, description)
}

func wantError(err error, text string) error {
	if err == nil || !strings.Contains(err.Error(), text) {
		return fmt.Errorf("got %v, want an error with %q", err, text)
	}
	return nil
}
