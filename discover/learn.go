package discover

import "slices"

// learn keeps the certificates and chains of o that are new, and returns its
// chains.
func (a *Aggregator) learn(o *Observation) (server, client knownChain) {
	if len(o.DER)+len(o.Chain)+len(o.ClientChain) == 0 {
		return server, client
	}
	server, known := a.recall(o.Chain, o.Presented)
	client, too := a.recall(o.ClientChain, o.ClientPresented)
	if known && too {
		return server, client
	}
	for i := range o.DER {
		a.learnCertificate(&o.DER[i])
	}
	return a.learnChain(o.Chain, o.Presented), a.learnChain(o.ClientChain, o.ClientPresented)
}

// recall finds a chain by where it is.
func (a *Aggregator) recall(chain []Fingerprint, shared *Presented) (knownChain, bool) {
	if shared == nil {
		return knownChain{}, len(chain) == 0
	}
	c, ok := a.shared[shared]
	return c, ok
}

func (a *Aggregator) learnCertificate(raw *RawCertificate) {
	if _, ok := a.certs[raw.SHA256]; ok {
		return
	}
	if len(a.certs) >= a.cfg.MaxCertificates {
		a.stats.CertsBeyond++
		return
	}
	c := readAs(raw.SHA256, raw.DER)
	a.certs[raw.SHA256] = &knownCertificate{Certificate: c}
	a.newCerts = append(a.newCerts, c)
}

func (a *Aggregator) learnChain(chain []Fingerprint, shared *Presented) (c knownChain) {
	if len(chain) == 0 {
		return c
	}
	c = knownChain{id: ChainIDOf(chain), leaf: a.certs[chain[0]]}
	if len(chain) > 1 {
		c.issuer = a.certs[chain[1]]
	}
	if _, ok := a.chains[c.id]; !ok {
		if len(a.chains) >= a.cfg.MaxCertificates {
			a.stats.CertsBeyond++
			return c
		}
		kept := slices.Clone(chain)
		a.chains[c.id] = kept
		a.newChains = append(a.newChains, Chain{ID: c.id, Certificates: kept})
	}
	if shared != nil && a.has(chain) {
		if len(a.shared) >= maxShared {
			clear(a.shared)
		}
		a.shared[shared] = c
	}
	return c
}

// has reports whether all certificates of chain are kept.
func (a *Aggregator) has(chain []Fingerprint) bool {
	for i := range chain {
		if _, ok := a.certs[chain[i]]; !ok {
			return false
		}
	}
	return true
}
