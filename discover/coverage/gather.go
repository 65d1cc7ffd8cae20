package coverage

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"blindspot/discover"
)

// Bounds on what the traffic can make the comparison hold. What comes beyond
// one is counted in Summary.Beyond, OutOfScope.Handshakes or AskedOnly.Handshakes.
const (
	maxCells      = 4_000_000
	maxAsked      = 500_000
	maxOutOfScope = 50_000
	maxLeaves     = 64 // that one endpoint is known for; with more, no name is uncovered there
)

// gather folds every sighting into cells, in one pass.
func (a *analysis) gather() error {
	if a.inv.Sightings == nil {
		return nil
	}
	for s, err := range a.inv.Sightings {
		if err != nil {
			return fmt.Errorf("compare traffic with checks: %w", err)
		}
		a.add(s)
	}
	return nil
}

func (a *analysis) add(s *discover.Sighting) {
	use, checks := a.split(s)
	a.beside(s, use)
	a.checks.note(s, use > 0)
	e := a.endpoint(s)
	ch := a.chainOf(s.Chain)
	if !a.inScope(s, e, ch) {
		a.leaveOut(s, use)
		return
	}
	a.summary.MonitorHandshakes += checks
	if !s.InUse() && s.Class != discover.ClassVerify {
		a.askedFor(s, use)
		return
	}
	for _, x := range a.parts(s, use, checks) {
		a.class = x.class
		if s.Class == discover.ClassVerify { // the last look counts
			p, _ := ch.phaseOf(s.Last, s.Last)
			a.fold(x.Sighting, e, ch, p, 0, 0, false)
		} else if p, some := ch.phaseOf(s.First, s.Last); some {
			a.foldBoundary(x.Sighting, e, ch, p, x.use, x.checks)
		} else {
			a.fold(x.Sighting, e, ch, p, x.use, x.checks, true)
		}
	}
}

// split tells the clients' handshakes of a sighting from those that the checks
// made.
func (a *analysis) split(s *discover.Sighting) (use, checks uint64) {
	switch {
	case s.Class == discover.ClassVerify:
		return 0, 0 // our own look is neither, but it shows a certificate
	case s.Class == discover.ClassMonitor:
		return 0, s.Count
	}
	if len(a.cfg.MonitorSources) == 0 {
		return s.Count, 0
	}
	checks = a.checksAmong(s.Count, &s.Clients)
	return s.Count - checks, checks
}

// checksAmong is how many of n were made by checks among their clients. Where
// every client that is known by address is a monitor, so are those that are
// not.
func (a *analysis) checksAmong(n uint64, clients *discover.Clients) (checks uint64) {
	others := false
	for i := range clients.Exact {
		if c := &clients.Exact[i]; a.monitor(c.Addr) {
			checks += c.Count
		} else {
			others = true
		}
	}
	if checks > 0 && !others || checks > n {
		checks = n
	}
	return checks
}

func (a *analysis) monitor(client netip.Prefix) bool {
	for _, p := range a.cfg.MonitorSources {
		if p.Bits() <= client.Bits() && p.Contains(client.Addr()) {
			return true
		}
	}
	return false
}

func (a *analysis) endpoint(s *discover.Sighting) *endpoint {
	k := endpointKey{network: s.Network, target: s.Target, transport: s.Transport, server: s.Server}
	e := a.endpoints[k]
	if e == nil {
		e = &endpoint{endpointKey: k, id: uint32(len(a.epList) + 1), preface: s.Preface}
		e.inScope = a.scope.endpoint(e)
		a.endpoints[k] = e
		a.epList = append(a.epList, e)
	}
	e.mutual = e.mutual || s.ClientAuth > 0 || !s.ClientChain.IsZero()
	return e
}

// inScope takes what a server of ours serves and what is asked for by a name
// of ours; without a name, what a certificate of ours is presented for.
func (a *analysis) inScope(s *discover.Sighting, e *endpoint, ch *chain) bool {
	if e.inScope {
		return true
	}
	if s.Hostname != "" { // an ECH provider's public name too: the server is theirs
		return a.scope.name(s.Hostname)
	}
	return ch != nil && a.scope.certificate(ch.leaf)
}

func (a *analysis) leaveOut(s *discover.Sighting, use uint64) {
	if use == 0 {
		return
	}
	a.foreign.Handshakes += use
	k := OutOfScopeEntry{Hostname: s.Hostname, Port: s.Server.Port(), ECHPublic: s.Name == discover.NamePublic}
	if _, ok := a.out[k]; ok || len(a.out) < maxOutOfScope {
		a.out[k] += use
	}
}

func (a *analysis) askedFor(s *discover.Sighting, use uint64) {
	if s.Name != discover.NameValid || use == 0 {
		return
	}
	a.askOnly.Handshakes += use
	if len(a.asked) < maxAsked {
		a.asked[s.Hostname] = struct{}{}
	}
}

// foldBoundary folds a sighting that the beginning or the end of validity cuts
// in two: of one handshake it is known on which side it was, the others are
// taken for valid. Of a sighting that checks have a part in, nothing is known.
func (a *analysis) foldBoundary(s *discover.Sighting, e *endpoint, ch *chain, p phase, use, checks uint64) {
	if use > 0 && checks > 0 {
		a.fold(s, e, ch, phaseValid, use, checks, true)
		return
	}
	one := *s
	if p == phaseNotYet {
		one.Last = s.First
	} else {
		one.First = s.Last
	}
	if use+checks > 1 {
		one.Forwarded = 0 // they are in the rest
	}
	a.fold(&one, e, ch, p, min(use, 1), min(checks, 1), len(s.Clients.Exact) == 1)
	if use+checks > 1 {
		a.fold(s, e, ch, phaseValid, use-min(use, 1), checks-min(checks, 1), true)
	}
}

func (a *analysis) fold(s *discover.Sighting, e *endpoint, ch *chain, p phase, use, checks uint64, clients bool) {
	c := a.cell(s, e, ch, p)
	if c == nil {
		a.summary.Beyond += use
		return
	}
	if use > 0 && c.use == 0 {
		c.first, c.last = time.Time{}, time.Time{} // until now, only the checks'
	}
	if use > 0 || c.use == 0 {
		c.saw(s.First, s.Last)
	}
	widen(&c.shownFirst, &c.shownLast, s.First, s.Last)
	a.total += use
	c.use += use
	c.forwarded += s.Forwarded
	c.checks += checks
	c.ech += s.ECH
	c.mismatched += s.KeyMismatch
	if use > 0 && clients {
		a.mergeClients(&c.clients, &s.Clients)
	}
}

// mergeClients adds the clients that are no monitors.
func (a *analysis) mergeClients(dst, src *discover.Clients) {
	for i := range src.Exact {
		if a.monitor(src.Exact[i].Addr) {
			src = a.withoutMonitors(src)
			break
		}
	}
	if len(dst.Exact) == 0 && dst.More == 0 {
		*dst = src.Clone() // of the right size
		return
	}
	dst.Merge(src, a.cfg.SketchKey)
}

func (a *analysis) withoutMonitors(src *discover.Clients) *discover.Clients {
	c := src.Clone()
	kept := c.Exact[:0]
	for _, e := range c.Exact {
		if !a.monitor(e.Addr) {
			kept = append(kept, e)
		}
	}
	c.Exact = kept
	return &c
}

func (a *analysis) cell(s *discover.Sighting, e *endpoint, ch *chain, p phase) *cell {
	n := a.name(s)
	client := a.chainOf(s.ClientChain)
	k := cellKey{
		endpoint: e.id, kind: s.Name, phase: p, class: a.class,
		version: a.word(s.Version), outcome: a.word(string(s.Outcome)),
		alert: a.word(s.Alert), known: a.word(s.Known), lengths: a.word(lengthsOf(s)),
	}
	if n != nil {
		k.name = n.id
	}
	if ch != nil {
		k.chain = ch.id
	}
	if client != nil {
		k.client = client.id
		cp, some := client.phaseOf(s.First, s.Last)
		k.clientExpired = cp == phaseExpired && !some
	}
	c := a.cells[k]
	if c == nil && len(a.cells) < maxCells {
		c = &cell{
			name: n, endpoint: e, chain: ch, client: client, class: a.class, kind: s.Name,
			version: a.texts[k.version], outcome: discover.Outcome(a.texts[k.outcome]), alert: a.alertOf(s.Alert),
			refused: s.RefusedCertificate(), known: a.texts[k.known], lengths: a.lengthsAt(k.lengths), phase: p, clientExpired: k.clientExpired,
		}
		a.cells[k] = c
		a.order = append(a.order, c)
	}
	return c
}

func (a *analysis) name(s *discover.Sighting) *name {
	if s.Name != discover.NameValid {
		return nil
	}
	n := a.names[s.Hostname]
	if n == nil {
		n = &name{id: uint32(len(a.nameList) + 1), text: s.Hostname}
		a.names[n.text] = n
		a.nameList = append(a.nameList, n)
	}
	return n
}

// alertOf reads an alert once.
func (a *analysis) alertOf(word string) *discover.Alert {
	x := a.alerts[word]
	if x == nil {
		alert := discover.ParseAlert(word)
		x = &alert
		a.alerts[strings.Clone(word)] = x
	}
	return x
}

// word numbers the words of keys: versions, outcomes, alerts.
func (a *analysis) word(w string) uint32 {
	i, ok := a.words[w]
	if !ok {
		i = uint32(len(a.words))
		a.words[w] = i
		a.texts = append(a.texts, w)
	}
	return i
}
