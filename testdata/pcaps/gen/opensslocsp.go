//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/crypto/ocsp"
)

func opensslOCSP(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.network(false); err != nil {
		return err
	}
	states := []string{"good", "revoked", "unknown", "expired"}
	for i, s := range states {
		file, err := l.pki.ocsp(s)
		if err != nil {
			return err
		}
		if err := l.sserver(at(i), id, "-status_file", file); err != nil {
			return err
		}
	}
	if err := l.capture(); err != nil {
		return err
	}
	staple := func(i int, args ...string) error {
		h, err := l.expect(sclient{to: at(i), sni: "www.ecdsa.example", args: append(args, "-status")}, id)
		if err == nil {
			h.OCSP = states[i]
		}
		return err
	}
	for i := range states {
		if err := staple(i, "-tls1_2"); err != nil {
			return err
		}
	}
	if err := staple(0, "-tls1_3"); err != nil {
		return err
	}
	_, err := l.expect(sclient{to: at(0), sni: "www.ecdsa.example", args: []string{"-tls1_2"}}, id) // did not ask
	return err
}

// ocsp returns the file of an OCSP answer for the certificate ecdsa.pem, made
// once by the openssl program; the expired one by Go, as openssl cannot set the time.
func (p *pki) ocsp(state string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	file := filepath.Join(p.dir, "ocsp-"+state+".der")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	leaf, ca, signer := p.get("ecdsa"), p.get("ca"), p.get("ocsp-signer")
	if state == "expired" {
		der, err := ocsp.CreateResponse(ca.leaf, signer.leaf, ocsp.Response{
			Status: ocsp.Good, SerialNumber: leaf.leaf.SerialNumber, ThisUpdate: date("2026-10-01"), NextUpdate: date("2026-10-08"), Certificate: signer.leaf,
		}, signer.key)
		if err != nil {
			return "", err
		}
		return file, os.WriteFile(file, der, 0o644) //nolint:gosec // checked in
	}
	dir, err := os.MkdirTemp("", "ocsp-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	serial := fmt.Sprintf("%032X", leaf.leaf.SerialNumber)
	index := map[string]string{
		"good":    "V\t460101000000Z\t\t" + serial + "\tunknown\t/CN=ecdsa.example\n",
		"revoked": "R\t460101000000Z\t261101000000Z,keyCompromise\t" + serial + "\tunknown\t/CN=ecdsa.example\n",
	}[state]
	if err := os.WriteFile(filepath.Join(dir, "index"), []byte(index), 0o600); err != nil {
		return "", err
	}
	out, err := exec.Command("openssl", "ocsp", "-index", filepath.Join(dir, "index"), "-rsigner", p.path("ocsp-signer"), "-rkey", p.path("ocsp-signer"), //nolint:gosec // our own words
		"-CA", p.path("ca"), "-issuer", p.path("ca"), "-cert", p.path("ecdsa"), "-ndays", "7000", "-no_nonce", "-noverify", "-respout", file).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("openssl ocsp: %w: %s", err, out)
	}
	return file, nil
}
