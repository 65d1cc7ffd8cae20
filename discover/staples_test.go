package discover

import (
	"bytes"
	"testing"
	"time"
)

// TestStaples: what is remembered of a response says the same as the response,
// at any time, and another response of the same leaf says what it says.
func TestStaples(t *testing.T) {
	leaf, issuer := &knownCertificate{Certificate: ocspCert(t, "good")}, &knownCertificate{Certificate: ocspCert(t, "ca")}
	good, other := ocspFile(t, "good.der"), ocspFile(t, "revoked.der")
	broken := bytes.Clone(good)
	broken[len(broken)-1] ^= 1 // of the last certificate or of the signature
	this, next := ocspTimes(t, "good")
	s := staples{}
	buffer := make([]byte, 0, 8192) // the same for each, as observations are
	for range 2 {
		for _, response := range [][]byte{good, other, broken, good, []byte("garbage"), good[:40], good} {
			for _, by := range []*knownCertificate{issuer, nil} {
				for _, at := range []time.Time{this.Add(-day), this.Add(day), next.Add(day)} {
					buffer = append(buffer[:0], response...)
					got, want := s.status(buffer, leaf, by, at), OCSPStatus(response, leaf.Certificate, by.certificate(), at)
					check(t, "status", got, want)
				}
			}
		}
	}
	if len(s) != 2 {
		t.Errorf("got %d responses, want one with the issuer and one without", len(s))
	}
	buffer = append(buffer[:0], good...)
	check(t, "in time", s.status(buffer, leaf, issuer, this.Add(day)), OCSPGood)
	check(t, "too late", s.status(buffer, leaf, issuer, next.Add(day)), OCSPExpired)
	for range maxStaples + 10 {
		s.status(good, &knownCertificate{Certificate: leaf.Certificate}, nil, this)
	}
	if len(s) > maxStaples {
		t.Errorf("got %d responses, want at most %d", len(s), maxStaples)
	}
}
