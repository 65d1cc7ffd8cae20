package coverage

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"blindspot/discover"
	"blindspot/discover/inventory"
)

func init() { register(kind{name: "undelivered-certificate", rank: 16, find: findUndelivered}) }

// findUndelivered finds certificates that the inventory holds as current and
// that no endpoint was seen to serve.
//
// Where clients use their names, another certificate must be seen at every
// endpoint of these, and it must be one that the record replaces or that the
// inventory does not have. Where nobody uses them, it is a notice, as for
// unused-check, and only where clients use other names of the same registrable
// domain: else the sensor may not see the place. Many of these are one finding.
//
// It must not appear where an endpoint of the names hides its certificate; for
// the other half of an RSA/ECDSA pair; where the certificate in use is the
// inventory's own for the name; within a day of the issuance, after the end, or
// for an ephemeral certificate; for authorities and for what names no host, as
// client certificates do; nor where anybody, the checks and our own look
// included, was shown it, in scope or not.
func findUndelivered(a *analysis) []discover.Finding {
	if a.stock == nil || a.total == 0 {
		return nil
	}
	u := undelivered{a: a, under: map[string][]*name{}, seen: map[string]bool{}}
	for _, n := range a.nameList {
		if _, parent, ok := strings.Cut(n.text, "."); ok {
			u.under[parent] = append(u.under[parent], n)
		}
	}
	var out []discover.Finding
	for i := range a.stock.records {
		r := &a.stock.records[i]
		if !u.candidate(r) {
			continue
		}
		names := u.names(r)
		if len(names) == 0 {
			if u.placeSeen(r) {
				u.idle = append(u.idle, r)
			}
			continue
		}
		if cells := u.otherwise(r, names); len(cells) > 0 {
			out = append(out, u.finding(r, cells))
		}
	}
	return append(out, u.idleFindings()...)
}

type undelivered struct {
	a     *analysis
	under map[string][]*name // names by the parent that a wildcard has
	seen  map[string]bool    // records that were looked at, in whatever source
	idle  []*inventory.Record
}

// candidate reports whether a record should be somewhere by now.
func (u *undelivered) candidate(r *inventory.Record) bool {
	at := u.a.inv.Last
	switch {
	case !r.Current, !slices.ContainsFunc(r.Names, isHost),
		r.Certificate != nil && r.Certificate.CA,
		!r.NotAfter.IsZero() && !r.NotAfter.After(at),
		!r.NotBefore.IsZero() && r.NotBefore.Add(settling).After(at),
		!r.NotBefore.IsZero() && !r.NotAfter.IsZero() && r.NotAfter.Sub(r.NotBefore) <= ephemeral:
		return false
	}
	id := r.Serial
	if id == "" && !r.SHA256.IsZero() {
		id = r.SHA256.String()
	}
	if id == "" {
		id = nameList(r.Names) + r.NotAfter.UTC().Format(time.DateOnly)
	}
	if u.seen[id] || u.a.delivered().has(r) {
		return false
	}
	u.seen[id] = true
	return true
}

func isHost(n string) bool {
	_, err := netip.ParseAddr(n)
	return err != nil
}

// names are those of a record that anybody was seen to ask for.
func (u *undelivered) names(r *inventory.Record) []*name {
	var out []*name
	for _, host := range r.Names {
		if parent, ok := strings.CutPrefix(host, "*."); ok {
			out = append(out, u.under[parent]...)
		} else if n := u.a.names.find(host); n != nil {
			out = append(out, n)
		}
	}
	return out
}

// placeSeen reports whether clients use other names of a record's domain.
func (u *undelivered) placeSeen(r *inventory.Record) bool {
	return slices.ContainsFunc(r.Names, func(host string) bool {
		return isHost(host) && u.a.domainsInUse()[registrable(strings.TrimPrefix(host, "*."))]
	})
}

// domainsInUse are the registrable domains of the names that clients use.
func (a *analysis) domainsInUse() map[string]bool {
	if a.domains == nil {
		a.domains = map[string]bool{}
		for _, n := range a.nameList {
			if n.use > 0 {
				a.domains[registrable(n.text)] = true
			}
		}
	}
	return a.domains
}

// otherwise returns the use of a record's names with certificates that should
// be the record's; nil where some endpoint may serve it.
func (u *undelivered) otherwise(r *inventory.Record, names []*name) []*cell {
	var out []*cell
	for _, n := range names {
		for _, cells := range groupBy(n.cells, func(c *cell) (*endpoint, bool) { return c.endpoint, true }) {
			visible := filter(cells, func(c *cell) bool { return c.leaf() != nil && c.leaf().known })
			if len(visible) == 0 && slices.ContainsFunc(cells, func(c *cell) bool { return c.chain == nil && c.known != "" }) {
				return nil
			}
			for _, c := range visible {
				if pairOf(r, c.leaf()) {
					return nil
				}
				if c.shows() && u.calls(c.leaf(), r) {
					out = append(out, c)
				}
			}
		}
	}
	return out
}

// pairOf reports whether a record is of the same names and another key type.
func pairOf(r *inventory.Record, l *cert) bool {
	return r.Certificate != nil && r.Certificate.KeyType != l.KeyType && nameList(r.Names) == nameList(l.names)
}

// calls reports whether the record's certificate should be where l is.
func (u *undelivered) calls(l *cert, r *inventory.Record) bool {
	own := u.a.stock.of(l).record
	return !l.isEphemeral() && (own == nil || sameRecord(u.a.stock.newerThan(l), r) && u.a.succeeds(r, l))
}

func (u *undelivered) finding(r *inventory.Record, cells []*cell) discover.Finding {
	f := u.a.finding("undelivered-certificate", cells)
	f.Severity = discover.Warning
	l := topLeaf(cells)
	f.Certificate = ""
	if !r.SHA256.IsZero() {
		f.Certificate = r.SHA256.String()
	}
	if f.Owner == "" {
		f.Owner = u.a.stock.owner(r)
	}
	f.Detail = fmt.Sprintf("The inventory has a current certificate for %s (%s, valid until %s) that no endpoint was seen to serve; clients get another one there (%s, %s): %s.",
		some(r.Names), r.Ref, stamp(r.NotAfter), l.SHA256.Short(), endText(l, f.LastSeen), u.a.howUsed(&f, cells))
	f.Remedy = shows(fmt.Sprintf("Load the certificate of %s at %s, or take it out of the inventory if it is not meant to be there.", r.Ref, some(f.Endpoints)), cells)
	f.Evidence["inventory"] = evidenceOf(r)
	f.Evidence["served"] = l.SHA256.String()
	f.Evidence["reason"] = "another certificate is served"
	return f
}

// idleFindings are about records whose names nobody uses.
func (u *undelivered) idleFindings() []discover.Finding {
	if len(u.idle) > maxUnused {
		return []discover.Finding{u.idleFinding(u.idle)}
	}
	var out []discover.Finding
	for _, r := range u.idle {
		out = append(out, u.idleFinding([]*inventory.Record{r}))
	}
	return out
}

func (u *undelivered) idleFinding(list []*inventory.Record) discover.Finding {
	inv, r := u.a.inv, list[0]
	f := discover.Finding{
		Kind: "undelivered-certificate", Severity: discover.Notice, Hostname: r.Names[slices.IndexFunc(r.Names, isHost)], Endpoints: []string{},
		Surface: u.a.surfaceOfRecord(r), Owner: u.a.stock.owner(r), FirstSeen: inv.First, LastSeen: inv.Last, Evidence: map[string]any{},
	}
	if !r.SHA256.IsZero() {
		f.Certificate = r.SHA256.String()
	}
	window := inv.Last.Sub(inv.First)
	what := fmt.Sprintf("The inventory has a current certificate for %s (%s, valid until %s) that no endpoint was seen to serve, and nobody used its names",
		some(r.Names), r.Ref, stamp(r.NotAfter))
	if len(list) > 1 {
		f.Owner, f.Certificate = "", ""
		what = fmt.Sprintf("The inventory has %d current certificates (of %s and others) that no endpoint was seen to serve, and nobody used their names", len(list), some(r.Names))
	}
	f.Detail = fmt.Sprintf("%s in the %s of traffic from %s to %s", what, span(window), stamp(inv.First), stamp(inv.Last))
	if window < longEnough {
		f.Detail += "; that is too short to call it unneeded"
	}
	f.Detail += "."
	f.Remedy = "If it was never installed, install it where clients ask for it; if it is retired, revoke it and take it out of the inventory; if it is in use, let a sensor see its traffic."
	var entries []recordEvidence
	for _, r := range bounded(list, maxListed) {
		entries = append(entries, evidenceOf(r))
	}
	f.Evidence["inventory"] = entries
	f.Evidence["records_total"] = len(list)
	f.Evidence["window_seconds"] = int64(window / time.Second)
	f.Evidence["reason"] = "its names are not in use"
	return f
}

// surfaceOfRecord is the surface that takes a record's first name by its name
// or by its target.
func (a *analysis) surfaceOfRecord(r *inventory.Record) string {
	p := place{endpoint: &endpoint{}}
	if i := slices.IndexFunc(r.Names, isHost); i >= 0 {
		p.hostname = r.Names[i]
	}
	for _, t := range r.Targets {
		if addr, err := netip.ParseAddrPort(t); err == nil {
			p.endpoint.server = addr
			break
		}
	}
	return a.surfaces[a.surfaceAt(&p)].Name
}
