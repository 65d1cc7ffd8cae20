package flow

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"blindspot/discover"
)

func TestChainCache(t *testing.T) {
	leaf, other, issuer := []byte("leaf"), []byte("another leaf"), []byte("issuer")
	var c chainCache
	first := c.find([][]byte{leaf, issuer})
	for i, der := range [][]byte{leaf, issuer} {
		if want := discover.Fingerprint(sha256.Sum256(der)); first.Chain[i] != want || first.DER[i].SHA256 != want || !bytes.Equal(first.DER[i].DER, der) {
			t.Errorf("certificate %d: got %v, want %v", i, first.Chain[i], want)
		}
	}
	if first.ID != discover.ChainIDOf(first.Chain) {
		t.Errorf("got chain %v, want %v", first.ID, discover.ChainIDOf(first.Chain))
	}
	received := [][]byte{bytes.Clone(leaf), bytes.Clone(issuer)}
	if c.find(received) != first {
		t.Error("the same chain again was not found")
	}
	received[0][0] = 'L' // the buffer that it came in is used again
	if c.find([][]byte{leaf, issuer}) != first {
		t.Error("the chain that is kept has changed with a buffer")
	}
	second := c.find([][]byte{other, issuer})
	if second == first || second.Chain[0] != discover.FingerprintOf(other) {
		t.Errorf("got %v for another leaf", second.Chain)
	}
	if &second.DER[1].DER[0] != &first.DER[1].DER[0] {
		t.Error("the issuer is kept twice")
	}
}

// TestChainCacheCollision: what has the same hash is compared.
func TestChainCacheCollision(t *testing.T) {
	var c chainCache
	one, two := [][]byte{[]byte("one")}, [][]byte{[]byte("two")}
	p := c.find(one)
	c.chains[c.hash(two)], c.certs[c.hash(two)] = p, p.DER[0]
	if got := c.find(two); got.Chain[0] != discover.FingerprintOf(two[0]) {
		t.Errorf("got the chain of another: %v", got.Chain)
	}
}

// TestChainCacheBound: certificates without end take no memory without end.
func TestChainCacheBound(t *testing.T) {
	var c chainCache
	der := make([]byte, 1<<20)
	for i := range 100 {
		der[0] = byte(i)
		c.find([][]byte{der})
		if c.bytes > maxChainBytes+len(der)+1024 || len(c.certs)*len(der) > c.bytes {
			t.Fatalf("after %d certificates: got %d of them, %d bytes", i+1, len(c.certs), c.bytes)
		}
	}
}
