package flow

import "blindspot/discover"

// pool holds observations that can be used again, and what belongs to them.
type pool struct {
	observations []*discover.Observation
	proofs       []*discover.KeyProof
	// alpn are the lists of protocols that were offered, by their length-prefixed
	// names; observations share them.
	alpn map[string][]string
	key  []byte // scratch
}

// maxALPN bounds the lists that are kept; beyond it they are forgotten, all at
// once.
const maxALPN = 1 << 10

// Recycle takes an observation back that nobody uses any more, for the table to
// use again. Its strings, chains and certificates may still be used.
func (t *Table) Recycle(o *discover.Observation) { t.observer.pool.take(o) }

func (p *pool) take(o *discover.Observation) {
	if o.Proof != nil {
		p.proofs = append(p.proofs, o.Proof)
	}
	*o = discover.Observation{
		ClientRandom: o.ClientRandom[:0], ServerRandom: o.ServerRandom[:0],
		Alerts: o.Alerts[:0], OCSPResponse: o.OCSPResponse[:0],
	}
	p.observations = append(p.observations, o)
}

// observation returns an empty one.
func (p *pool) observation() *discover.Observation {
	n := len(p.observations)
	if n == 0 {
		return &discover.Observation{}
	}
	o := p.observations[n-1]
	p.observations = p.observations[:n-1]
	return o
}

// proof returns one whose slices may be overwritten.
func (p *pool) proof() *discover.KeyProof {
	n := len(p.proofs)
	if n == 0 {
		return &discover.KeyProof{}
	}
	x := p.proofs[n-1]
	p.proofs = p.proofs[:n-1]
	return x
}

// protocols returns the list of what a hello offers, nil for nothing.
func (p *pool) protocols(offered [][]byte) []string {
	if len(offered) == 0 {
		return nil
	}
	p.key = p.key[:0]
	for _, name := range offered { // a name has 255 bytes at most (RFC 7301 §3.1)
		p.key = append(append(p.key, byte(len(name))), name...)
	}
	if list, ok := p.alpn[string(p.key)]; ok {
		return list
	}
	if p.alpn == nil || len(p.alpn) >= maxALPN {
		p.alpn = make(map[string][]string)
	}
	list := make([]string, 0, len(offered))
	for _, name := range offered {
		list = append(list, discover.Escape(name))
	}
	p.alpn[string(p.key)] = list
	return list
}
