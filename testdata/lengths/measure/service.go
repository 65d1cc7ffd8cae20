package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
)

// service is one server's identity: a chain, and what else changes the flight.
type service struct {
	name   string // for files and messages
	kind   string // of key
	series string // of certificates that renew each other, in the order of number
	number int
	owner  *authority
	chain  []*x509.Certificate
	staple []byte // OCSP response, nil for none
	auth   string // "", "none" (a request without authorities), "short", "long"

	port                                   int
	chainFile, leafFile, restFile, keyFile string
	bundleFile, stapleFile, authFile       string
}

// message is the length of the Certificate message without extensions (RFC
// 8446 §4.4.2).
func (s *service) message() int {
	n := 4 + 1 + 3
	for _, c := range s.chain {
		n += 3 + len(c.Raw) + 2
	}
	return n
}

// stapled is the length with the OCSP response in it (§4.4.2.1).
func (s *service) stapled() int {
	if s.staple == nil {
		return s.message()
	}
	return s.message() + 2 + 2 + 1 + 3 + len(s.staple)
}

// ders are the lengths of the certificates.
func (s *service) ders() []int {
	var out []int
	for _, c := range s.chain {
		out = append(out, len(c.Raw))
	}
	return out
}

// write puts what servers read into dir.
func (s *service) write(dir string) error {
	at := func(ext string) string { return filepath.Join(dir, s.name+ext) }
	s.chainFile, s.leafFile, s.restFile, s.keyFile = at(".chain.pem"), at(".leaf.pem"), at(".rest.pem"), at(".key.pem")
	s.bundleFile = at(".pem")
	if err := writeCerts(s.chainFile, s.chain); err != nil {
		return err
	}
	if err := writeCerts(s.leafFile, s.chain[:1]); err != nil {
		return err
	}
	if err := writeCerts(s.restFile, s.chain[1:]); err != nil {
		return err
	}
	key, err := keyPEM(s.owner.key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.keyFile, key, 0o600); err != nil {
		return err
	}
	certs, err := os.ReadFile(s.chainFile)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.bundleFile, append(certs, key...), 0o600); err != nil {
		return err
	}
	if s.staple == nil {
		return nil
	}
	s.stapleFile = s.bundleFile + ".ocsp" // where HAProxy looks for it
	if err := writeCerts(s.bundleFile+".issuer", []*x509.Certificate{s.owner.issuer.cert}); err != nil {
		return err
	}
	return os.WriteFile(s.stapleFile, s.staple, 0o600)
}

const (
	host       = "api.shop.example"
	firstPort  = 20001
	renewals   = 16
	shortNames = 2
	longNames  = 150 // about 14 KB, as in a real network
)

// series are the certificates that renew each other: the key, the authority's
// key, and whether they carry timestamps as public ones do.
var series = []struct {
	name, kind, authority string
	logged                bool
	title                 string
}{
	{"rsa", "rsa-2048", "rsa-2048", false, "RSA by RSA"},
	{"rsa-public", "rsa-2048", "rsa-2048", true, "RSA by RSA, with timestamps"},
	{"ecdsa-by-rsa", "p256", "rsa-2048", false, "ECDSA by RSA"},
	{"ecdsa", "p256", "p256", false, "ECDSA by ECDSA"},
	{"ecdsa-public", "p256", "p256", true, "ECDSA by ECDSA, with timestamps"},
}

// services makes every identity that is measured: each key with chains of one
// to four, staples, requests for client certificates, and the renewals.
func services(dir string) ([]*service, error) {
	byKey := map[string]*authority{}
	for _, kind := range []string{"rsa-2048", "p256"} {
		a, err := newAuthorities(kind)
		if err != nil {
			return nil, err
		}
		byKey[kind] = a
	}
	of := func(kind string) *authority {
		if kind[:3] == "rsa" {
			return byKey["rsa-2048"]
		}
		return byKey["p256"]
	}
	var out []*service
	add := func(s *service, n int) *service {
		s.chain = s.owner.chain(n)
		s.port = firstPort + len(out)
		out = append(out, s)
		return s
	}
	for _, kind := range keyKinds {
		leaf, err := of(kind).leaf(kind, host, 0, false)
		if err != nil {
			return nil, err
		}
		for n := 1; n <= 4; n++ {
			add(&service{name: fmt.Sprintf("%s-chain%d", kind, n), kind: kind, owner: leaf}, n)
		}
		if kind != "rsa-2048" && kind != "p256" {
			continue
		}
		s := add(&service{name: kind + "-staple", kind: kind, owner: leaf}, 2)
		if s.staple, err = leaf.staple(); err != nil {
			return nil, err
		}
		for _, auth := range []string{"none", "short", "long"} {
			add(&service{name: kind + "-auth-" + auth, kind: kind, owner: leaf, auth: auth}, 2)
		}
	}
	for _, x := range series {
		for i := range renewals {
			leaf, err := byKey[x.authority].leaf(x.kind, host, renewals-i, x.logged)
			if err != nil {
				return nil, err
			}
			add(&service{name: fmt.Sprintf("%s-renewal%02d", x.name, i), kind: x.kind, series: x.name, number: i, owner: leaf}, 2)
		}
	}
	return out, writeAll(dir, out)
}

func writeAll(dir string, list []*service) error {
	auth := map[string]string{}
	for word, n := range map[string]int{"short": shortNames, "long": longNames} {
		cas, err := requestCAs(n)
		if err != nil {
			return err
		}
		auth[word] = filepath.Join(dir, "clients-"+word+".pem")
		if err := writeCerts(auth[word], cas); err != nil {
			return err
		}
	}
	for _, s := range list {
		s.authFile = auth[s.auth]
		if err := s.write(dir); err != nil {
			return err
		}
	}
	return nil
}
