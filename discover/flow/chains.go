package flow

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"slices"

	"blindspot/discover"
)

// maxChainBytes bounds the certificates that are remembered; beyond it they are
// forgotten, all at once. A server's chain comes with each of its handshakes.
const maxChainBytes = 32 << 20

// chainCache remembers chains as presented, so that one that was seen before is
// neither hashed with SHA-256 nor copied again: it is found by a hash of a few
// bytes a cycle, under a seed that strangers do not know, and compared.
type chainCache struct {
	seed   maphash.Seed
	chains map[uint64]*discover.Presented
	certs  map[uint64]discover.RawCertificate
	bytes  int
}

// find returns the chain of certs. It keeps none of them.
func (c *chainCache) find(certs [][]byte) *discover.Presented {
	if c.chains == nil {
		c.seed = maphash.MakeSeed()
		c.chains, c.certs = make(map[uint64]*discover.Presented), make(map[uint64]discover.RawCertificate)
	}
	hash := c.hash(certs)
	if p := c.chains[hash]; p != nil && p.Same(certs) {
		return p
	}
	if c.bytes > maxChainBytes {
		clear(c.chains)
		clear(c.certs)
		c.bytes = 0
	}
	list := make([]discover.RawCertificate, len(certs))
	for i, der := range certs {
		list[i] = c.certificate(der)
	}
	p := discover.Present(list)
	c.bytes += 256 * (1 + len(certs)) // what it takes beside the certificates, roughly
	c.chains[hash] = p
	return p
}

// hash is of the leaf, and of the ends of the others, which are parts of their
// signatures.
func (c *chainCache) hash(certs [][]byte) (h uint64) {
	const end = 64
	for i, der := range certs {
		if i > 0 {
			der = der[max(0, len(der)-end):]
		}
		h = bits.RotateLeft64(h, 19) + maphash.Bytes(c.seed, der)
	}
	return h
}

// certificate returns the copy of one that is kept: chains share their issuers.
func (c *chainCache) certificate(der []byte) discover.RawCertificate {
	hash := maphash.Bytes(c.seed, der)
	if known, ok := c.certs[hash]; ok && bytes.Equal(known.DER, der) {
		return known
	}
	fresh := discover.RawCertificate{SHA256: discover.FingerprintOf(der), DER: slices.Clone(der)}
	c.certs[hash] = fresh
	c.bytes += len(der)
	return fresh
}
