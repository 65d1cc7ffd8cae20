package coverage

import (
	"bytes"
	"slices"
	"time"

	"blindspot/discover"
	"blindspot/discover/trust"
)

// courts ask the trust stores about chains, each once for a surface, at the
// last time that it was presented there. The surface's own store decides;
// system roots are never assumed.
type courts struct {
	stores []*trust.Store
	own    []*trust.Store // by surface, nil where it names none that is loaded
	known  trust.Intermediates
	named  map[discover.Fingerprint]*discover.Certificate // authorities from outside the traffic
	last   map[hearing]time.Time
}

// hearing is a chain that is presented in a surface, by a server or a client.
type hearing struct {
	chain   *chain
	surface int
	usage   trust.Usage
	// leafOnly says that what came with the leaf is not known, so that the
	// chain as presented is not judged.
	leafOnly bool
}

// hearings are those of a cell: of the server's chain, and of the client's.
func (c *cell) hearings() [2]hearing {
	return [...]hearing{
		{c.chain, c.surface, trust.Server, c.known == discover.FromLeaf},
		{c.client, c.surface, trust.Client, false},
	}
}

// certificates are those that a store is asked about; nil stands for what is
// not known.
func (h hearing) certificates() []*discover.Certificate {
	list := h.chain.whole()
	if h.leafOnly {
		list = append(list, nil)
	}
	return list
}

// convene makes the stores ready; it returns nil where there are none.
func (a *analysis) convene() *courts {
	if len(a.cfg.Stores) == 0 {
		return nil
	}
	x := &courts{
		stores: a.cfg.Stores, own: make([]*trust.Store, len(a.surfaces)),
		named: map[discover.Fingerprint]*discover.Certificate{},
		last:  map[hearing]time.Time{},
	}
	for i := range a.surfaces {
		for _, s := range a.cfg.Stores {
			if s.Name == a.surfaces[i].TrustStore {
				x.own[i] = s
			}
		}
	}
	x.learn(a)
	for _, c := range a.order {
		for _, h := range c.hearings() {
			if h.chain != nil && x.own[c.surface] != nil && c.shown.last.time().After(x.last[h]) {
				x.last[h] = c.shown.last.time()
			}
		}
	}
	x.rule(a.order)
	return x
}

// learn takes the intermediates of the inventory, then those of the traffic.
func (x *courts) learn(a *analysis) {
	if r := a.cfg.Inventory; r != nil {
		for _, c := range r.Intermediates {
			x.named[c.SHA256] = c
			x.known.Add(c)
		}
		for i := range r.Records {
			if c := r.Records[i].Certificate; c != nil && c.CA {
				x.named[c.SHA256] = c
				x.known.Add(c)
			}
		}
	}
	var seen []*cert
	for _, c := range a.certs {
		if c.known && c.CA {
			seen = append(seen, c)
		}
	}
	slices.SortFunc(seen, func(x, y *cert) int { return bytes.Compare(x.SHA256[:], y.SHA256[:]) })
	for _, c := range seen {
		x.known.Add(c.Certificate)
	}
}

// rule asks the surfaces' own stores, once for each hearing.
func (x *courts) rule(order []*cell) {
	done := map[hearing]*trust.Verdict{}
	of := func(h hearing) *trust.Verdict {
		own := x.own[h.surface]
		if h.chain == nil || own == nil {
			return nil
		}
		v, ok := done[h]
		if !ok {
			r := own.Judge(h.certificates(), &x.known, x.last[h], h.usage)
			v = &r
			done[h] = v
		}
		return v
	}
	for _, c := range order {
		h := c.hearings()
		c.ruled, c.ruledClient = of(h[0]), of(h[1])
	}
}

// verdict is that of the surface's own store on a cell's chain, nil where it
// has none, or the certificate was not seen.
func (c *cell) verdict(usage trust.Usage) *trust.Verdict {
	if usage == trust.Client {
		return c.ruledClient
	}
	return c.ruled
}

// whole are the chain's certificates, nil for those that are not known.
func (ch *chain) whole() []*discover.Certificate {
	out := make([]*discover.Certificate, 0, 1+len(ch.extra))
	for _, c := range append([]*cert{ch.leaf}, ch.extra...) {
		if c.known {
			out = append(out, c.Certificate)
		} else {
			out = append(out, nil)
		}
	}
	return out
}

// storeVerdict is what one store says, in the evidence of findings.
type storeVerdict struct {
	Name string `json:"name"`
	// Trusted is nil where the store cannot judge.
	Trusted    *bool  `json:"trusted"`
	Incomplete bool   `json:"incomplete,omitempty"`
	Reason     string `json:"reason,omitempty"`
	Detail     string `json:"detail,omitempty"`
	Root       string `json:"root,omitempty"`
	Date       string `json:"date,omitempty"`
	Hash       string `json:"hash,omitempty"`
}

// everyVerdict asks every loaded store, for the evidence.
func (a *analysis) everyVerdict(h hearing) []storeVerdict {
	x := a.courts
	out := make([]storeVerdict, 0, len(x.stores))
	for _, s := range x.stores {
		v := s.Judge(h.certificates(), &x.known, x.last[h], h.usage)
		e := storeVerdict{Name: s.Name, Incomplete: v.Incomplete(), Root: clean(v.RootName), Date: stamp(s.Date), Hash: s.Hash}
		if v.Trusted != discover.Unknown {
			yes := v.Trusted == discover.Yes
			e.Trusted = &yes
		}
		o := v.Complete
		if v.Incomplete() {
			o = v.Presented
		}
		e.Reason, e.Detail = string(o.Reason), cleanTo(o.Detail, maxReason)
		out = append(out, e)
	}
	return out
}

// trusting names the stores that trust a chain.
func trusting(list []storeVerdict) []string {
	var out []string
	for i := range list {
		if t := list[i].Trusted; t != nil && *t && !list[i].Incomplete {
			out = append(out, list[i].Name)
		}
	}
	return out
}

// authority names a certificate by its subject.
func (a *analysis) authority(fp discover.Fingerprint) string {
	if c := a.intermediateOf(fp); c != nil {
		return clean(c.Subject)
	}
	return fp.Short()
}

func (a *analysis) issuerOf(fp discover.Fingerprint) string {
	if c := a.intermediateOf(fp); c != nil {
		return clean(c.Issuer)
	}
	return "another authority"
}

func (a *analysis) intermediateOf(fp discover.Fingerprint) *discover.Certificate {
	if c := a.courts.named[fp]; c != nil {
		return c
	}
	if c := a.certs[fp]; c != nil && c.known {
		return c.Certificate
	}
	return nil
}
