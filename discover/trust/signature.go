package trust

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"strings"
	"sync"

	"blindspot/discover"
)

// edge is what is known of a signature.
type edge int8

const (
	edgeNone      edge = iota // not signed by that key
	edgeSigned                // signed
	edgeSHA1                  // signed, with SHA-1
	edgeInsecure              // names fit; the algorithm is broken (MD5 and before)
	edgeWeakKey               // names fit; the key is too short to mean anything
	edgeUnchecked             // names fit; it cannot be checked here
)

// Keys beyond these sizes are not used to check: crypto/rsa refuses the short
// ones, and long ones cost more than a stranger may ask for.
const (
	minRSABits = 1024
	maxRSABits = 16384
)

// maxSignatures bounds the signatures that are remembered.
const maxSignatures = 1 << 18

// signatures remembers signature checks, which cost more than all else of a
// judgement. It is safe for concurrent use; the zero value is ready.
type signatures struct {
	mu    sync.RWMutex
	known map[signatureKey]edge
}

type signatureKey struct{ child, parent discover.Fingerprint }

// check says whether parent's key signed child.
func (s *signatures) check(child, parent *node) edge {
	key := signatureKey{child.fp, parent.fp}
	s.mu.RLock()
	e, ok := s.known[key]
	s.mu.RUnlock()
	if ok {
		return e
	}
	e = checkSignature(child, parent)
	s.mu.Lock()
	if s.known == nil || len(s.known) >= maxSignatures {
		s.known = map[signatureKey]edge{}
	}
	s.known[key] = e
	s.mu.Unlock()
	return e
}

func checkSignature(child, parent *node) edge {
	c, p := child.parsed(), parent.parsed()
	if p == nil {
		p = &x509.Certificate{PublicKey: parent.c.PublicKey} // as far as the lenient parser got
	}
	if c == nil || p.PublicKey == nil {
		return edgeUnchecked
	}
	if k, ok := p.PublicKey.(*rsa.PublicKey); ok {
		if bits := k.N.BitLen(); bits < minRSABits {
			return edgeWeakKey
		} else if bits > maxRSABits {
			return edgeUnchecked
		}
	}
	// Unlike CheckSignatureFrom, CheckSignature tells whether a SHA-1 signature
	// is one at all.
	err := p.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	var insecure x509.InsecureAlgorithmError
	switch {
	case err == nil && usesSHA1(c.SignatureAlgorithm):
		return edgeSHA1
	case err == nil:
		return edgeSigned
	case errors.As(err, &insecure), brokenHash(child):
		return edgeInsecure
	case errors.Is(err, x509.ErrUnsupportedAlgorithm):
		return edgeUnchecked
	}
	return edgeNone
}

func usesSHA1(a x509.SignatureAlgorithm) bool {
	return a == x509.SHA1WithRSA || a == x509.ECDSAWithSHA1
}

// brokenHash knows those that crypto/x509 does not know any more.
func brokenHash(n *node) bool {
	s := n.cert().Signature
	return strings.HasPrefix(s, "MD2-") || strings.HasPrefix(s, "MD4-") || strings.HasPrefix(s, "MD5-")
}
