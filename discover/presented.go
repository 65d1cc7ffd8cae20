package discover

import "bytes"

// Presented is a chain as presented, with its certificates. Nobody changes it
// once it is made: all observations of the same chain may share it, and its
// bytes may be kept.
type Presented struct {
	ID    ChainID
	Chain []Fingerprint
	DER   []RawCertificate
}

// Present makes a Presented of certificates. It keeps them.
func Present(certs []RawCertificate) *Presented {
	p := &Presented{DER: certs, Chain: make([]Fingerprint, len(certs))}
	for i := range certs {
		p.Chain[i] = certs[i].SHA256
	}
	p.ID = ChainIDOf(p.Chain)
	return p
}

// Same reports whether certs are the chain's certificates, byte for byte.
func (p *Presented) Same(certs [][]byte) bool {
	if len(certs) != len(p.DER) {
		return false
	}
	for i := range certs {
		if !bytes.Equal(certs[i], p.DER[i].DER) {
			return false
		}
	}
	return true
}

// Show makes p the chain of o, or with client the client's.
func (o *Observation) Show(p *Presented, client bool) {
	chain := p.Chain[:len(p.Chain):len(p.Chain)]
	if client {
		o.ClientChain, o.ClientPresented = chain, p
	} else {
		o.Chain, o.Presented = chain, p
	}
	if o.DER == nil {
		o.DER = p.DER[:len(p.DER):len(p.DER)] // a longer list is a copy
		return
	}
	o.DER = append(o.DER, p.DER...)
}
