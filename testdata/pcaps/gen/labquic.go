//go:build linux

package main

import (
	"crypto/tls"
	"fmt"
)

// h3 is HTTP/3's name in ALPN (RFC 9114 §3.1).
const h3 = "h3"

// quicEdge answers QUIC at the edge's address, beside HAProxy: with the
// certificate of the role that a name has.
func (b *laboratory) quicEdge(roles map[string]string) error {
	cfg := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{h3}, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		role, ok := roles[hello.ServerName]
		if !ok {
			return nil, fmt.Errorf("no certificate for %q", hello.ServerName)
		}
		c := b.id(role).tls()
		return &c, nil
	}}
	var err error
	b.quic, err = b.quicServe(edgeAddr, quicServing{tls: cfg})
	return err
}

// askQUIC is a client that asks the edge for a name by QUIC.
func (b *laboratory) askQUIC(from, name string, id *ident) error {
	cfg := b.trusting(name, "public-root", tls.VersionTLS13)
	cfg.NextProtos = []string{h3}
	_, err := b.quicOK(b.quic, quicClient{from: from, to: edgeAddr, cfg: cfg}, id)
	return err
}
