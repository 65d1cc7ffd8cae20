package coverage

import (
	"bytes"
	"time"

	"blindspot/discover"
)

// phase is how the time of a handshake lies to the validity of its chain.
type phase uint8

const (
	phaseValid        phase = iota
	phaseNotYet             // before the leaf's notBefore
	phaseExpired            // after the leaf's notAfter
	phaseIntermediate       // the leaf is valid, an intermediate served with it has expired
)

// cert is a certificate with what findings need of it. What only verdicts on
// trust and the inventory need is let go where neither is asked for.
type cert struct {
	*discover.Certificate
	id       uint32
	known    bool     // it could be read
	names    []string // what a hostname can match
	weak     string
	size     int          // of its DER, 0 where that is not known
	soon     discover.Tri // see endsSoon
	patterns []pattern    // see patternsOf
	words    *certWords   // see told
}

// certWords is what findings tell of a certificate, in the types of evidence.
type certWords struct {
	sha256                               string
	subject, issuer, notBefore, notAfter any // strings
	until                                string
}

// told puts a certificate into words, once.
func (c *cert) told() *certWords {
	if c.words == nil {
		until := stamp(c.NotAfter)
		c.words = &certWords{c.SHA256.String(), describe(c), clean(c.Issuer), stamp(c.NotBefore), until, until}
	}
	return c.words
}

// lifetime is how long the certificate is valid, 0 where its dates are not known.
func (c *cert) lifetime() time.Duration {
	if c.NotBefore.IsZero() || c.NotAfter.IsZero() {
		return 0
	}
	return c.NotAfter.Sub(c.NotBefore)
}

// fits reports whether the certificate is meant for host, also by its common
// name, as those clients read it that went on with it. Certificates that name
// nothing that a hostname could match (SPIFFE, unreadable ones) say nothing.
func (c *cert) fits(host string) discover.Tri {
	r := discover.ReferenceOf(host)
	return c.fitsReference(&r)
}

func (c *cert) fitsReference(host *discover.Reference) discover.Tri {
	switch {
	case c == nil || !c.known:
		return discover.Unknown
	case c.CoversReference(host) || c.CoversReferenceByCommonName(host):
		return discover.Yes
	}
	return c.otherwise()
}

// otherwise is what the certificate says of a host that it does not name.
func (c *cert) otherwise() discover.Tri {
	switch {
	case !c.known:
		return discover.Unknown
	case c.MoreNames > 0 || c.Problem != "" && len(c.names) == 0:
		return discover.Unknown // there may be names that were not kept, or not read
	case len(c.DNSNames) == 0 && len(c.IPs) == 0 && len(c.URIs) > 0:
		return discover.Unknown
	}
	return discover.No
}

// chain is a list of certificates as presented.
type chain struct {
	id    uint32
	key   discover.ChainID
	leaf  *cert
	extra []*cert
	// weakest is the intermediate on the path that ends first, nil for none;
	// direct says that it issued the leaf.
	weakest *cert
	direct  bool
	weak    *cert // the leaf or an intermediate with a fault, nil for none
}

func (ch *chain) number() uint32 {
	if ch == nil {
		return 0
	}
	return ch.id
}

func (ch *chain) compare(o *chain) int {
	switch {
	case ch == o:
		return 0
	case ch == nil:
		return -1
	case o == nil:
		return 1
	}
	return bytes.Compare(ch.key[:], o.key[:])
}

// certificate returns a certificate by fingerprint, read once.
func (a *analysis) certificate(fp discover.Fingerprint) *cert {
	if c := a.certs[fp]; c != nil {
		return c
	}
	c := &cert{Certificate: &discover.Certificate{SHA256: fp}}
	if a.inv.Certificate != nil {
		if full := a.inv.Certificate(fp); full != nil {
			c = readCert(full)
			if !a.inv.Lasting && !a.wantsDER() {
				c.Certificate = slim(full)
			}
		}
	}
	c.id = uint32(len(a.certs) + 1)
	a.certs[fp] = c
	return c
}

func readCert(full *discover.Certificate) *cert {
	return &cert{Certificate: full, known: true, names: full.Names(), weak: full.WeakReason(), size: len(full.DER)}
}

// wantsDER reports whether certificates are judged by stores or looked up in
// the inventory.
func (a *analysis) wantsDER() bool { return len(a.cfg.Stores) > 0 || a.stock != nil }

// slim copies a certificate without its DER and what aliases it.
func slim(full *discover.Certificate) *discover.Certificate {
	c := *full
	c.DER, c.PublicKey = nil, nil
	c.SubjectDER, c.IssuerDER, c.SubjectKeyID, c.AuthorityKeyID = nil, nil, nil, nil
	return &c
}

// chainOf returns a chain by its id, nil for none and for one that is unknown.
func (a *analysis) chainOf(id discover.ChainID) *chain {
	if id.IsZero() {
		return nil
	}
	if ch, ok := a.chains[id]; ok {
		return ch
	}
	var list []discover.Fingerprint
	if a.inv.Chain != nil {
		list = a.inv.Chain(id)
	}
	var ch *chain
	if len(list) > 0 {
		ch = &chain{id: uint32(len(a.chains) + 1), key: id, leaf: a.certificate(list[0])}
		for _, fp := range list[1:] {
			ch.extra = append(ch.extra, a.certificate(fp))
		}
		ch.findWeakest()
		ch.weak = ch.findWeak()
	}
	a.chains[id] = ch
	return ch
}

// findWeakest walks from the leaf to the issuers that were served and finds
// the one that ends first. Roots are not judged: clients have their own copy.
// Nor is an issuer that was served in several versions, unless all have ended,
// nor one that no certificate of the path names.
func (ch *chain) findWeakest() {
	issuer := ch.leaf.Issuer
	for step := 0; step <= len(ch.extra) && issuer != ""; step++ {
		best := ch.longest(issuer)
		if best == nil || best.SelfSigned || best.Subject == best.Issuer {
			return
		}
		if !best.NotAfter.IsZero() && (ch.weakest == nil || best.NotAfter.Before(ch.weakest.NotAfter)) {
			ch.weakest, ch.direct = best, step == 0
		}
		issuer = best.Issuer
	}
}

// longest returns the served certificate of that subject that ends last.
func (ch *chain) longest(subject string) *cert {
	var best *cert
	for _, c := range ch.extra {
		if c.known && c.Subject == subject && (best == nil || c.NotAfter.After(best.NotAfter)) {
			best = c
		}
	}
	return best
}

// phaseOf judges a sighting's time. With some, only its first (phaseNotYet) or
// last (else) handshake is known to lie in the phase.
func (ch *chain) phaseOf(first, last time.Time) (p phase, some bool) {
	if ch == nil || !ch.leaf.known {
		return phaseValid, false
	}
	l := ch.leaf
	if !l.NotAfter.IsZero() && last.After(l.NotAfter.Add(clockSkew)) {
		return phaseExpired, !first.After(l.NotAfter.Add(clockSkew))
	}
	if !l.NotBefore.IsZero() && first.Before(l.NotBefore.Add(-clockSkew)) {
		return phaseNotYet, !last.Before(l.NotBefore.Add(-clockSkew))
	}
	if w := ch.weakest; w != nil && last.After(w.NotAfter.Add(clockSkew)) {
		return phaseIntermediate, !first.After(w.NotAfter.Add(clockSkew))
	}
	return phaseValid, false
}

// shortLived reports whether a certificate rotates so often that it is judged
// by its own lifetime.
func (a *analysis) shortLived(c *cert) bool {
	life := c.lifetime()
	return life > 0 && life < 3*a.cfg.ExpiringWithin
}
