package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
)

func startGo(ctx context.Context, _ string, list []*service) error {
	for _, s := range list {
		cfg, err := goConfig(s)
		if err != nil {
			return err
		}
		l, err := tls.Listen("tcp", addr(s), cfg)
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { _ = l.Close() })
		go serveGo(l)
	}
	return nil
}

func serveGo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_ = c.(*tls.Conn).Handshake()
			_, _ = c.Read(make([]byte, 1))
		}()
	}
}

func goConfig(s *service) (*tls.Config, error) {
	cert := tls.Certificate{PrivateKey: s.owner.key, OCSPStaple: s.staple}
	for _, c := range s.chain {
		cert.Certificate = append(cert.Certificate, c.Raw)
	}
	cfg := &tls.Config{
		Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13,
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256},
	}
	if s.auth == "" {
		return cfg, nil
	}
	cfg.ClientAuth = tls.RequestClientCert
	if s.authFile != "" {
		cas, err := os.ReadFile(s.authFile)
		if err != nil {
			return nil, err
		}
		cfg.ClientCAs = x509.NewCertPool()
		cfg.ClientCAs.AppendCertsFromPEM(cas)
	}
	return cfg, nil
}

// goClient is crypto/tls with its defaults, but for the certificate's name.
func goClient(_ context.Context, port int) error {
	c, err := tls.Dial("tcp", local(port), &tls.Config{ServerName: host, InsecureSkipVerify: true}) //nolint:gosec // the certificate is our own
	if err != nil {
		return err
	}
	return c.Close()
}
