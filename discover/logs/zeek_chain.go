package logs

import (
	"slices"

	"blindspot/discover"
)

// chains names the certificates of a handshake, or says what hid them, and
// returns the fields of those that were not handed over before.
func (z *zeek) chains(s *sslRow) []*discover.Certificate {
	o := s.o
	server, whole := z.chain(s.server)
	client, clientWhole := z.chain(s.client)
	if clientWhole {
		o.ClientChain = prints(client)
	} else {
		z.run.res.Gaps["client-not-logged"]++
	}
	switch {
	case len(server) > 0 && whole:
		o.Chain, o.CertsFrom = prints(server), discover.FromWire
	case len(server) > 0:
		z.partly(s, server)
	default:
		o.CertsHidden = s.hidden()
		if o.CertsHidden == HiddenNotLogged {
			z.run.res.Gaps["not-logged"]++
		}
	}
	return z.give(o, slices.Concat(server, client))
}

// partly keeps of a chain what can be known: its leaf by SHA-256, or by less.
func (z *zeek) partly(s *sslRow, chain []zeekCertificate) {
	leaf := chain[0]
	if !leaf.sha256.IsZero() {
		s.o.Chain, s.o.CertsFrom = []discover.Fingerprint{leaf.sha256}, FromLeaf
		z.run.res.Gaps["leaf-only"]++
		return
	}
	s.o.CertsHidden = HiddenNotLogged
	z.run.res.Gaps["not-logged"]++
	p := leaf.partial()
	p.fill(&Partial{Subject: openSSLName(get(s.row, "subject")), Issuer: openSSLName(get(s.row, "issuer"))})
	if !z.run.partials.seen(p, s.o.Time) {
		z.run.res.Gaps["partials-beyond-bound"]++
	}
}

// chain looks up certificates by the names that ssl.log has for them. It
// reports false where one of them is not known by SHA-256.
func (z *zeek) chain(names []string) (chain []zeekCertificate, whole bool) {
	whole = true
	for _, name := range names {
		c := z.lookup(name)
		whole = whole && !c.sha256.IsZero()
		chain = append(chain, c)
	}
	return chain, whole
}

func (z *zeek) lookup(name string) zeekCertificate {
	var c zeekCertificate
	if sum := fingerprint(name); sum != "" {
		if known := z.certs.byPrint[sum]; known != nil {
			c = *known
		}
		c.setHash(sum)
	} else if known := z.certs.byFile[name]; known != nil {
		c = *known
	}
	if c.sha256.IsZero() && c.sha1 != (SHA1{}) && z.run.cfg.Known != nil {
		c.sha256, _ = z.run.cfg.Known(c.sha1)
	}
	return c
}

func prints(chain []zeekCertificate) []discover.Fingerprint {
	var list []discover.Fingerprint
	for i := range chain {
		list = append(list, chain[i].sha256)
	}
	return list
}

// give returns the fields of certificates that o names, each once.
func (z *zeek) give(o *discover.Observation, certs []zeekCertificate) []*discover.Certificate {
	var list []*discover.Certificate
	missing := false
	for _, c := range certs {
		if !slices.Contains(o.Chain, c.sha256) && !slices.Contains(o.ClientChain, c.sha256) {
			continue
		}
		missing = missing || c.fields == nil
		if c.fields == nil || z.certs.given[c.sha256] {
			continue
		}
		z.certs.given[c.sha256] = true
		fields := *c.fields
		fields.SHA256 = c.sha256
		list = append(list, &fields)
	}
	if missing {
		z.run.res.Gaps["no-fields"]++
	}
	return list
}

// hidden says why ssl.log names no certificate.
func (s *sslRow) hidden() string {
	switch {
	case s.o.Resumed == discover.Yes:
		return discover.HiddenResumed
	case isTLS13(s.version):
		return discover.HiddenEncrypted
	case s.sentCertificate():
		return HiddenNotLogged
	case s.history.server('N'):
		return "" // the server's flight is whole: anonymous or PSK
	case s.answered() && !s.refusedEarly():
		return discover.HiddenTruncated
	case s.conn.unseen:
		return discover.HiddenOneSided
	case s.established:
		return discover.HiddenTruncated
	}
	return discover.HiddenNoAnswer
}

// refusedEarly reports that the server's alert took the place of its hello.
func (s *sslRow) refusedEarly() bool {
	return !s.o.ServerHello && s.o.Outcome == discover.RefusedByServer
}
