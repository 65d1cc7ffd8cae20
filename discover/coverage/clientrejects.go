package coverage

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"blindspot/discover"
)

func init() { register(kind{name: "client-rejects", rank: 14, find: findRejections}) }

// everywhere is how many certificates a client has to refuse, and never go on
// with any, to be the cause itself.
const everywhere = 4

// rejectKey groups refusals: a certificate and what it was asked for.
type rejectKey struct {
	leafKey
	name     *name
	endpoint *endpoint // where the certificate was not seen
}

// findRejections finds certificates that clients refuse. A clear alert about a
// certificate is a fact. An encrypted one (TLS 1.3) is a fact without a reason,
// so it is a suspicion, and one only where it comes again and again and nobody
// in the client's network ever goes on.
//
// It must not appear for the checks' own refusals, for scanners, for stray
// names, for alerts that are about something else or about the client's own
// certificate, for refusals by the server. A client that refuses every server
// it meets is one finding about that client.
func findRejections(a *analysis) []discover.Finding {
	facts := filter(a.sifted.refused, rejection)
	blanket := a.refusesAll(facts)
	var out []discover.Finding
	for _, cells := range groupBy(facts, func(c *cell) (rejectKey, bool) {
		return rejectionKey(c), !onlyBy(c, blanket)
	}) {
		out = append(out, a.rejectFinding(cells))
	}
	out = append(out, a.blanketFindings(facts, blanket)...)
	for _, cells := range groupBy(a.sifted.refused, func(c *cell) (rejectKey, bool) {
		return rejectionKey(c), c.alert.Protected && !c.alert.FromServer
	}) {
		if cells = a.suspicious(cells); len(cells) > 0 {
			out = append(out, a.suspicion(cells))
		}
	}
	return out
}

func rejectionKey(c *cell) rejectKey {
	k := rejectKey{leafKey{c.presumed(), c.surface}, c.name, nil}
	if k.leaf == nil {
		k.endpoint = c.endpoint
	}
	return k
}

// presumed returns the cell's leaf. Where the wire hid it, that is the one leaf
// which the endpoint showed for the same name in other handshakes; where it
// showed several or none, nil.
func (c *cell) presumed() *cert {
	if l := c.leaf(); l != nil {
		return l
	}
	var only *cert
	for _, o := range c.endpoint.under(c.name) {
		if l := o.leaf(); l != nil {
			if only != nil && only != l {
				return nil
			}
			only = l
		}
	}
	return only
}

// rejection reports whether clients said that they refuse the certificate.
func rejection(c *cell) bool {
	if !c.real() || c.outcome != discover.RefusedByClient || c.alert.FromServer || !c.refused {
		return false
	}
	switch c.alert.Description {
	case "certificate_required", "no_certificate", "no_certificate_RESERVED":
		return false // about the client's own
	}
	return true
}

// refusesAll finds clients that refuse whatever certificate they are shown.
func (a *analysis) refusesAll(facts []*cell) map[netip.Prefix]bool {
	refused := map[netip.Prefix]map[rejectKey]struct{}{}
	for _, c := range facts {
		for _, x := range c.clients.Exact {
			m := refused[x.Addr]
			if m == nil {
				if len(refused) >= maxClients {
					continue
				}
				m = map[rejectKey]struct{}{}
				refused[x.Addr] = m
			}
			if k := rejectionKey(c); len(m) < everywhere {
				m[rejectKey{leafKey: k.leafKey, endpoint: k.endpoint}] = struct{}{}
			}
		}
	}
	out := map[netip.Prefix]bool{}
	for client, m := range refused {
		if len(m) >= everywhere {
			out[client] = true
		}
	}
	if len(out) == 0 {
		return out
	}
	for _, c := range a.order {
		if !c.established() {
			continue
		}
		for _, x := range c.clients.Exact {
			delete(out, x.Addr)
		}
	}
	return out
}

func (a *analysis) rejectFinding(cells []*cell) discover.Finding {
	f := a.finding("client-rejects", cells)
	l := cells[0].presumed()
	accepted := a.accepted(cells[0], l)
	f.Severity = pick(accepted == 0 && f.Clients >= 2 && material(&f), f.Clients >= 2 || f.Handshakes >= again)
	what := describe(l)
	if l == nil && notLogged(cells) {
		what = "not named by the log"
	}
	others := "and no other client was seen to accept it"
	if accepted > 0 {
		others = fmt.Sprintf("while %s went on", count(accepted, "handshake"))
	}
	f.Detail = fmt.Sprintf("Clients refuse the certificate (%s) of %s with %s: %s, %s.",
		what, where(&f), strings.Join(reasons(cells), ", "), used(&f), others)
	f.Remedy = shows(rejectRemedy(cells), cells)
	f.Evidence["alerts"] = alertCounts(cells)
	f.Evidence["accepted"] = accepted
	if hidden := presumedUse(cells); hidden > 0 && l != nil {
		f.Evidence["hidden"] = hidden // handshakes whose certificate is presumed
	}
	f.Evidence["certain"] = true
	return f
}

// accepted counts the handshakes of clients that went on with the leaf l for
// the same name; where it was not seen, at the same endpoint.
func (a *analysis) accepted(c *cell, l *cert) uint64 {
	list := c.endpoint.cells
	if c.name != nil {
		list = c.name.cells
	}
	var n uint64
	for _, o := range list {
		if o.name == c.name && o.established() && o.real() && o.presumed() == l && (l != nil || o.endpoint == c.endpoint) {
			n += o.use
		}
	}
	return n
}

// presumedUse counts the handshakes whose certificate was not seen.
func presumedUse(cells []*cell) (n uint64) {
	for _, c := range cells {
		if c.leaf() == nil {
			n += c.use
		}
	}
	return n
}

// reasons are the alerts of cells, most frequent first.
func reasons(cells []*cell) []string {
	sum := map[string]uint64{}
	for _, c := range cells {
		sum[c.alert.Description] += c.use
	}
	out := make([]string, 0, len(sum))
	for r := range sum {
		out = append(out, r)
	}
	slices.SortFunc(out, func(x, y string) int { return cmp.Or(cmp.Compare(sum[y], sum[x]), cmp.Compare(x, y)) })
	return out
}

// alertCounts counts alerts by description and client; clients past maxListed,
// and those not known one by one, are counted as "others".
func alertCounts(cells []*cell) map[string]map[string]uint64 {
	out := map[string]map[string]uint64{}
	for _, c := range cells {
		d := c.alert.Description
		if c.alert.Protected {
			d = "encrypted"
		}
		m := out[d]
		if m == nil {
			m = map[string]uint64{}
			out[d] = m
		}
		left := c.use
		for _, x := range c.clients.Exact {
			client := clientText(x.Addr)
			if _, ok := m[client]; ok || len(m) < maxListed {
				n := min(x.Count, left)
				m[client] += n
				left -= n
			}
		}
		if left > 0 {
			m["others"] += left
		}
	}
	return out
}

func clientText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// rejectRemedy follows what the clients said.
func rejectRemedy(cells []*cell) string {
	who := some(clientTexts(cells))
	if who == "" {
		who = "the clients"
	}
	switch reasons(cells)[0] {
	case "certificate_expired":
		return "Renew the certificate, and reload the server; if it is valid, correct the clock at " + who + "."
	case "unknown_ca":
		return "Give " + who + " the root that the certificate comes from, or let the server send its intermediates."
	case "certificate_revoked":
		return "Replace the revoked certificate."
	}
	return "Find out from the log of " + who + " what it does not accept: name, issuer or time."
}

func (a *analysis) blanketFindings(facts []*cell, blanket map[netip.Prefix]bool) []discover.Finding {
	var out []discover.Finding
	for _, cells := range groupBy(facts, func(c *cell) (netip.Prefix, bool) {
		if !onlyBy(c, blanket) {
			return netip.Prefix{}, false
		}
		return c.clients.Exact[0].Addr, true
	}) {
		f := a.finding("client-rejects", cells)
		f.Severity = discover.Notice
		f.Hostname, f.Certificate = "", ""
		who := clientText(cells[0].clients.Exact[0].Addr)
		f.Detail = fmt.Sprintf("The client %s refuses every certificate that it meets, with %s: %s at %s.",
			who, strings.Join(reasons(cells), ", "), count(f.Handshakes, "handshake"), some(f.Endpoints))
		f.Remedy = shows(fmt.Sprintf("Look at the trust store and the clock of %s.", who), cells)
		f.Evidence["alerts"] = alertCounts(cells)
		f.Evidence["client"] = who
		f.Evidence["certain"] = true
		out = append(out, f)
	}
	return out
}

// suspicious keeps the cells whose clients gave up again and again while
// nobody in their network went on with the same name there.
func (a *analysis) suspicious(cells []*cell) []*cell {
	gave := map[netip.Prefix]uint64{}
	for _, c := range cells {
		for _, x := range c.clients.Exact {
			gave[clientNetwork(x.Addr)] += x.Count
		}
	}
	list := cells[0].endpoint.cells
	if n := cells[0].name; n != nil {
		list = n.cells
	}
	for _, o := range list {
		if o.name != cells[0].name || !o.established() {
			continue
		}
		if o.clients.More > 0 {
			return nil // who they are is not known
		}
		for _, x := range o.clients.Exact {
			delete(gave, clientNetwork(x.Addr))
		}
	}
	return filter(cells, func(c *cell) bool {
		return c.clients.More == 0 && slices.ContainsFunc(c.clients.Exact, func(x discover.ClientCount) bool {
			return gave[clientNetwork(x.Addr)] >= again
		})
	})
}

// clientNetwork is the neighbourhood of a client: IPv4 /24, IPv6 /48.
func clientNetwork(p netip.Prefix) netip.Prefix {
	bits := 24
	if p.Addr().Is6() {
		bits = 48
	}
	if p.Bits() < bits {
		return p
	}
	out, _ := p.Addr().Prefix(bits)
	return out
}

func (a *analysis) suspicion(cells []*cell) discover.Finding {
	f := a.finding("client-rejects", cells)
	f.Severity = discover.Notice
	f.Detail = fmt.Sprintf("Clients give up on %s right after its certificate, with an encrypted alert, and never go on: %s; that they refuse the certificate is a suspicion.",
		where(&f), used(&f))
	f.Remedy = shows("The reason is in the log of "+some(clientTexts(cells))+"; look there for certificate errors.", cells)
	f.Evidence["alerts"] = alertCounts(cells)
	f.Evidence["certain"] = false
	return f
}
