package coverage

import (
	"fmt"
	"time"

	"blindspot/discover"
	"blindspot/discover/trust"
)

func init() { register(kind{name: "untrusted-certificate", rank: 10, find: findUntrusted}) }

// judged groups cells by certificate, surface and who presents it.
type judged struct {
	leafKey
	usage trust.Usage
}

// findUntrusted finds chains that the surface's own trust store does not trust
// at the time of the traffic, even with every intermediate that is known;
// those of clients too.
//
// It must not appear in a surface without a store, for a certificate that only
// checks or scanners met or that was not seen, where the store cannot judge,
// or for the leaf's own dates: these are expired-certificate and
// not-yet-valid-certificate. More than maxSeparate of one issuer and one
// reason in a surface are one finding.
func findUntrusted(a *analysis) []discover.Finding {
	if a.courts == nil {
		return nil
	}
	var out []discover.Finding
	for _, usage := range [...]trust.Usage{trust.Server, trust.Client} {
		untrusted := filter(a.order, func(c *cell) bool {
			v := c.verdict(usage)
			return v != nil && v.Trusted == discover.No && c.shows()
		})
		for _, kin := range groupBy(untrusted, func(c *cell) (reasonKey, bool) { return reasonOf(c, usage), true }) {
			groups := groupBy(kin, func(c *cell) (judged, bool) { return judgedOf(c, usage), true })
			if len(groups) > maxSeparate {
				groups = [][]*cell{kin}
			}
			for _, cells := range groups {
				out = append(out, a.untrusted(cells, usage))
			}
		}
	}
	return out
}

// shows reports whether findings may rest on what the cell presents: clients
// met it, here or on the near side of a load balancer.
func (c *cell) shows() bool {
	return c.real() || c.forwarded > 0 && !c.probe && !c.stray || c.vouches
}

// presents is the certificate that the side of usage presents.
func (c *cell) presents(usage trust.Usage) *cert {
	if usage == trust.Client {
		return c.client.leaf
	}
	return c.chain.leaf
}

func judgedOf(c *cell, usage trust.Usage) judged {
	return judged{leafKey{c.presents(usage), c.surface}, usage}
}

// reasonKey is what certificates that are not trusted have in common where
// there are more than maxSeparate of them.
type reasonKey struct {
	issuerKey
	reason trust.Reason
}

func reasonOf(c *cell, usage trust.Usage) reasonKey {
	return reasonKey{issuerKey{c.surface, c.presents(usage).Issuer}, c.verdict(usage).Complete.Reason}
}

func (a *analysis) untrusted(cells []*cell, usage trust.Usage) discover.Finding {
	top := mostUsed(cells)
	v := top.verdict(usage)
	f := a.judgedFinding("untrusted-certificate", cells, usage)
	store := a.courts.own[top.surface]
	f.Severity = pick(usage == trust.Server && refusedFor(cells) && material(&f), f.Handshakes > 0)
	who := where(&f) + " " + verb(&f, "presents", "present") + " a certificate"
	if usage == trust.Client {
		who = "Clients present to " + where(&f) + " a client certificate"
	}
	f.Detail = fmt.Sprintf("%s (%s) that the trust store %q of surface %s does not trust: %s: %s%s.",
		who, describe(top.presents(usage)), clean(store.Name), clean(f.Surface), cleanTo(v.Complete.Detail, maxReason), a.howUsed(&f, cells), apartText(store, f.LastSeen))
	f.Remedy = untrustedRemedy(&f, v, store.Name, usage) + " See it with: " + command(top, rootsOf(store)...)
	f.Evidence["reason"] = string(v.Complete.Reason)
	return f
}

// storeAge is how far a store may be from the traffic in time before a finding
// says so: authorities come and go.
const storeAge = 365 * 24 * time.Hour

func apartText(s *trust.Store, at time.Time) string {
	if s.Date.IsZero() || s.Date.Sub(at).Abs() < storeAge {
		return ""
	}
	return fmt.Sprintf("; the store is of %s, so it may not be the one that clients had", date(s.Date))
}

// howUsed says what clients did, also where only a load balancer's far side
// was counted.
func (a *analysis) howUsed(f *discover.Finding, cells []*cell) string {
	if f.Handshakes == 0 {
		var n uint64
		for _, c := range cells {
			n += c.forwarded
		}
		if n > 0 {
			return count(n, "handshake") + " that a load balancer passed on"
		}
		return metBy(cells)
	}
	return used(f) + ", " + behaviour(cells)
}

// judgedFinding is a finding with the verdicts of every store.
func (a *analysis) judgedFinding(kind string, cells []*cell, usage trust.Usage) discover.Finding {
	f := a.shownFinding(kind, cells)
	top := mostUsed(cells)
	h := top.hearings()[usage]
	f.Evidence["role"] = "server"
	if usage == trust.Client {
		a.aboutClient(&f, cells, top.client.leaf)
	}
	f.Evidence["trust_store"] = a.surfaces[top.surface].TrustStore
	f.Evidence["stores"] = a.everyVerdict(h)
	f.Evidence["outcomes"] = outcomes(cells)
	if n := distinct(cells, usage); n > 1 {
		f.Evidence["certificates_total"] = n
	}
	return f
}

// aboutClient makes a finding one about the client's certificate.
func (a *analysis) aboutClient(f *discover.Finding, cells []*cell, l *cert) {
	f.Certificate = l.SHA256.String()
	forgetLooks(f)
	f.Evidence["role"] = "client"
	f.Evidence["subject"] = describe(l)
	f.Evidence["issuer"] = clean(l.Issuer)
	f.Evidence["not_before"] = stamp(l.NotBefore)
	f.Evidence["not_after"] = stamp(l.NotAfter)
	f.Evidence["clients"] = clientTexts(cells)
}

func distinct(cells []*cell, usage trust.Usage) int {
	seen := map[*cert]struct{}{}
	for _, c := range cells {
		seen[c.presents(usage)] = struct{}{}
	}
	return len(seen)
}

// refusedFor reports whether clients refused the certificate for what it is.
func refusedFor(cells []*cell) bool {
	for _, c := range cells {
		if rejection(c) {
			return true
		}
	}
	return false
}

func untrustedRemedy(f *discover.Finding, v *trust.Verdict, store string, usage trust.Usage) string {
	passing := trusting(f.Evidence["stores"].([]storeVerdict))
	also := ""
	if len(passing) > 0 {
		also = fmt.Sprintf(" The store %s trusts it: is it the one that clients there use?", some(passing))
	}
	at := some(f.Endpoints)
	if usage == trust.Client {
		at = "the clients"
	}
	switch v.Complete.Reason {
	case trust.UnknownAuthority, trust.SelfSigned, trust.Distrusted, trust.ForeignTrustDomain:
		return fmt.Sprintf("Serve at %s a certificate of an authority that %q has, or add the authority (%s) to it if it is yours.", at, clean(store), f.Evidence["issuer"]) + also
	case trust.ExpiredIntermediate, trust.NotYetValidIntermediate:
		return fmt.Sprintf("Replace the intermediate that %s sends with its issuer's current one.", at) + also
	case trust.ExpiredRoot, trust.NotYetValidRoot:
		return fmt.Sprintf("Move %s to the authority's new root, and add that to %q.", at, clean(store)) + also
	}
	return fmt.Sprintf("Issue a new certificate for %s without that fault.", at) + also
}
