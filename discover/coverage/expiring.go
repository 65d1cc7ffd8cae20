package coverage

import (
	"fmt"
	"time"

	"blindspot/discover"
)

func init() { register(kind{name: "expiring-certificate", rank: 6, find: findExpiring}) }

const (
	// rotation is the last part of a short life in which every rotator that we
	// know has renewed: ACME and SPIRE renew at a half to two thirds,
	// cert-manager at two thirds, agents of Vault at nine tenths.
	rotation = 10
	// current is how long before the end of the traffic a certificate has to
	// have been in use.
	current = 7 * 24 * time.Hour
)

// findExpiring finds certificates in use that end soon: by now for a live
// store, by the end of the traffic for a capture.
//
// It must not appear for a certificate that only checks or scanners met; for
// one that was last used more than a week before; where a newer one for the
// same name is seen on the same endpoint; nor for a short-lived certificate
// (under three times ExpiringWithin) before the last tenth of its life: that is
// normal rotation. Certificates of clients are judged alike, where no newer one
// of the same subject and issuer is seen.
func findExpiring(a *analysis) []discover.Finding {
	out := a.expiringClients()
	for _, cells := range groupBy(a.sifted.ending, func(c *cell) (leafKey, bool) {
		return leafKey{c.leaf(), c.surface}, a.expiring(c.leaf(), c) && !a.replaced(c)
	}) {
		f := a.finding("expiring-certificate", cells)
		l := cells[0].leaf()
		left := l.NotAfter.Sub(a.at)
		f.Severity = discover.Warning
		f.Detail = fmt.Sprintf("The certificate (%s) of %s expires on %s, in %s, and no newer one is seen there: %s.",
			describe(l), where(&f), stamp(l.NotAfter), span(left), used(&f))
		f.Remedy = shows(fmt.Sprintf("Renew the certificate and load it at %s before %s.", some(f.Endpoints), stamp(l.NotAfter)), cells)
		f.Evidence["expires_in_seconds"] = int64(left / time.Second)
		f.Evidence["monitored"] = !a.unmonitoredAny(cells)
		out = append(out, f)
	}
	return out
}

// identity is what renewals of one client's certificate have in common.
type identity struct{ subject, issuer, uri string }

func identityOf(c *cert) identity { return identity{c.Subject, c.Issuer, c.SPIFFE()} }

func (a *analysis) expiringClients() []discover.Finding {
	newest := map[identity]*cert{}
	for _, c := range a.sifted.certified {
		if !c.client.leaf.known {
			continue
		}
		if n := newest[identityOf(c.client.leaf)]; n == nil || c.client.leaf.NotAfter.After(n.NotAfter) {
			newest[identityOf(c.client.leaf)] = c.client.leaf
		}
	}
	var out []discover.Finding
	for _, cells := range groupBy(a.sifted.certified, func(c *cell) (leafKey, bool) {
		if !a.expiring(c.client.leaf, c) || newest[identityOf(c.client.leaf)] != c.client.leaf {
			return leafKey{}, false
		}
		return leafKey{c.client.leaf, c.surface}, true
	}) {
		f := a.finding("expiring-certificate", cells)
		l := cells[0].client.leaf
		left := l.NotAfter.Sub(a.at)
		f.Severity = discover.Warning
		a.aboutClient(&f, cells, l)
		f.Detail = fmt.Sprintf("Clients present to %s a client certificate (%s) that expires on %s, in %s, and no newer one is seen: %s.",
			where(&f), describe(l), stamp(l.NotAfter), span(left), used(&f))
		f.Remedy = fmt.Sprintf("Renew the client certificate at %s before %s.", some(clientTexts(cells)), stamp(l.NotAfter))
		f.Evidence["expires_in_seconds"] = int64(left / time.Second)
		out = append(out, f)
	}
	return out
}

// expiring reports whether l, presented in c, ends soon.
func (a *analysis) expiring(l *cert, c *cell) bool {
	return l != nil && c.real() && a.at.Sub(c.met.last.time()) <= current && a.endsSoon(l) &&
		!(c.phase == phaseExpired && l == c.leaf()) // by a look later than the traffic
}

// endsSoon reports whether what is left of a certificate's life asks for its
// renewal.
func (a *analysis) endsSoon(l *cert) bool {
	if l.soon == discover.Unknown {
		l.soon = discover.TriOf(a.isEnding(l))
	}
	return l.soon == discover.Yes
}

func (a *analysis) isEnding(l *cert) bool {
	if !l.known || l.NotAfter.IsZero() {
		return false
	}
	within := a.cfg.ExpiringWithin
	if a.shortLived(l) {
		within = l.lifetime() / rotation
	}
	left := l.NotAfter.Sub(a.at)
	return left > 0 && left <= within
}

// replaced reports whether a newer certificate for the cell's name is seen on
// its endpoint. One with another type of key is the other half of a pair, and
// replaces only what is not used any more.
func (a *analysis) replaced(c *cell) bool {
	old := c.leaf()
	for _, o := range c.endpoint.under(c.name) {
		l := o.leaf()
		if l == nil || l == old || !l.known || !l.NotAfter.After(old.NotAfter) {
			continue
		}
		if l.KeyType == old.KeyType || c.met.last < o.met.first {
			return true
		}
	}
	return false
}
