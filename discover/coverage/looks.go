package coverage

import (
	"slices"
	"strings"
	"time"

	"blindspot/discover"
)

// Our own looks (discover/verify) are no use of a name and no witness of a
// check. A look shows what an endpoint presents for a name, at its own time; the
// handshakes of that name there whose certificate was not seen are lent its
// chain, so that findings weigh it by what clients do. Where several looks
// differ, the last one counts. A look is never set against a certificate that
// handshakes showed, except where the endpoint is in use by the name.

// lookKey is what a look is about.
type lookKey struct {
	name     *name
	endpoint *endpoint
	kind     discover.NameKind
}

func lookKeyOf(c *cell) lookKey { return lookKey{c.name, c.endpoint, c.kind} }

// look is the last look at a place.
type look struct {
	*cell
	borrower *cell // one of those that were lent its chain, nil for none
}

// isLook reports whether the cell is of our own looks.
func (c *cell) isLook() bool { return c.known == discover.FromVerify && c.use == 0 && c.checks == 0 }

// lend gives the chains of the last looks to the handshakes that did not show
// theirs, and returns the looks.
func (a *analysis) lend() map[lookKey]*look {
	if !a.looked {
		return nil
	}
	looks := map[lookKey]*look{}
	for _, c := range a.order {
		if !c.isLook() || c.chain == nil {
			continue
		}
		c.asked = c.shown.last
		if l := looks[lookKeyOf(c)]; l == nil || c.asked > l.asked {
			looks[lookKeyOf(c)] = &look{cell: c}
		}
	}
	if len(looks) == 0 {
		return nil
	}
	atOnce(looks)
	for _, c := range a.order {
		l := looks[lookKeyOf(c)]
		if l == nil || c.chain != nil || c.known == "" || c.contradicts(l.chain) { // "": none by design
			continue
		}
		if l.borrower == nil {
			l.borrower = c
		}
		if l.mismatched > 0 {
			c.mismatched += c.use + c.checks // what they were signed with is as hidden
		}
		c.chain, c.phase, c.asked = l.chain, l.phase, l.asked
		c.shown = l.shown
	}
	return looks
}

// atOnce takes the looks of the last round, which ends with the last look and
// is no longer than the grace, for looks at one point in time: that one endpoint
// was asked a second after another is no rotation.
func atOnce(looks map[lookKey]*look) {
	var last moment
	for _, l := range looks {
		last = max(last, l.asked)
	}
	round := func(l *look) bool { return last.time().Sub(l.asked.time()) <= grace }
	var all stretch
	for _, l := range looks {
		if round(l) {
			all.widen(l.asked, last)
		}
	}
	for _, l := range looks {
		if round(l) {
			l.shown.widen(all.first, all.last)
		}
	}
}

// admit says on which looks findings may rest by themselves: those at places
// that clients use, where nothing was lent their chain. The others speak
// through the handshakes that it was lent to.
func (a *analysis) admit(looks map[lookKey]*look) {
	for k, l := range looks {
		l.vouches = l.borrower == nil && slices.ContainsFunc(k.endpoint.under(k.name), func(c *cell) bool { return c.kind == k.kind && c.real() })
		if l.borrower != nil {
			l.surface = l.borrower.surface
		}
	}
}

// sources says how the certificates of cells are known, where it was not the
// wire alone that showed them: "decrypted" where logged secrets opened the
// handshakes, "verify" where our own looks were shown them, with the time of the
// last one; several joined, "wire" first.
func sources(cells []*cell) (by string, asked time.Time) {
	var wire, decrypted bool
	var last moment
	for _, c := range cells {
		switch {
		case c.chain == nil:
		case c.asked != 0:
			last = max(last, c.asked)
		case c.known == discover.FromDecrypted:
			decrypted = true
		default:
			wire = true
		}
	}
	asked = last.time()
	if !decrypted && asked.IsZero() {
		return "", asked
	}
	var words []string
	for _, w := range [...]struct {
		word string
		is   bool
	}{{discover.FromWire, wire}, {discover.FromDecrypted, decrypted}, {discover.FromVerify, !asked.IsZero()}} {
		if w.is {
			words = append(words, w.word)
		}
	}
	return strings.Join(words, ", "), asked
}

// knownBy puts into the evidence how a certificate is known, where it is not by
// the wire alone.
func knownBy(f *discover.Finding, cells []*cell) {
	by, asked := sources(cells)
	if by == "" {
		return
	}
	f.Evidence["known_by"] = by
	if !asked.IsZero() {
		f.Evidence["asked_at"] = stamp(asked)
	}
}

// forgetLooks is for findings about certificates that no look is shown.
func forgetLooks(f *discover.Finding) {
	delete(f.Evidence, "known_by")
	delete(f.Evidence, "asked_at")
}

// askedText ends the sentence of a finding whose certificate only our own looks
// were shown.
func askedText(f *discover.Finding) string {
	if f.Evidence["known_by"] != discover.FromVerify {
		return ""
	}
	return " No handshake showed this certificate: blindspot asked for it itself, last at " + f.Evidence["asked_at"].(string) + "."
}

// shownFinding is a finding about what is presented, which was last seen when
// our own look was shown it, if that was later than the traffic.
func (a *analysis) shownFinding(kind string, cells []*cell) discover.Finding {
	f := a.finding(kind, cells)
	f.LastSeen = lastShown(f.LastSeen, cells)
	return f
}

// lastShown is the later of t and the last look.
func lastShown(t time.Time, cells []*cell) time.Time {
	for _, c := range cells {
		if c.asked != 0 && c.asked.time().After(t) {
			t = c.asked.time()
		}
	}
	return t
}

// metBy says who met a certificate that no client was seen to meet.
func metBy(cells []*cell) string {
	if slices.ContainsFunc(cells, func(c *cell) bool { return c.vouches }) {
		return "clients use the endpoint, and were not seen to meet it"
	}
	return "only the checks met it"
}
