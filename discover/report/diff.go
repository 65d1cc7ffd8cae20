package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"blindspot/discover"
)

// A share that went up, or down, is told where it at least doubled, or halved,
// and by that much of all traffic.
const (
	markedFactor = 2
	markedShare  = 0.01
)

// maxCandidates bounds with how many findings that are alike one is compared.
const maxCandidates = 64

// Delta is what changed between two reports. Its lists are never nil, and
// ordered as the findings of a report are.
type Delta struct {
	Old     Side               `json:"old"`
	New     Side               `json:"new"`
	Added   []discover.Finding `json:"added"`
	Gone    []discover.Finding `json:"gone"` // mended, or not seen any more
	Worse   []Change           `json:"worse"`
	Better  []Change           `json:"better"`
	Same    int                `json:"same"` // findings that are in both as they were
	Caveats []string           `json:"caveats"`
}

// Side is one of the two reports.
type Side struct {
	Generated time.Time `json:"generated"`
	Window    Window    `json:"window"`
	Summary   Summary   `json:"summary"`
}

// Change is a finding of the new report with what it was in the old one.
type Change struct {
	Why     []string         `json:"why"` // sentences without a full stop, never empty
	Was     Was              `json:"was"`
	Finding discover.Finding `json:"finding"`
}

// Was are the figures of a finding in the old report.
type Was struct {
	Severity   discover.Severity `json:"severity"`
	Handshakes uint64            `json:"handshakes"`
	Clients    uint64            `json:"clients"`
	Share      float64           `json:"share"`
}

// Diff compares two reports of the same place. Findings are the same where
// kind, hostname, certificate and surface are; of several, those whose
// endpoints are most alike. A gap of monitoring stays the same when the
// certificate is renewed, and any finding when its surface gets another name.
func Diff(old, new *Report) *Delta {
	d := &Delta{
		Old: sideOf(old), New: sideOf(new),
		Added: []discover.Finding{}, Gone: []discover.Finding{}, Worse: []Change{}, Better: []Change{},
		Caveats: caveats(old, new),
	}
	p := pairing{old: old.Findings, new: new.Findings, oldOf: make([]int, len(new.Findings)), taken: make([]bool, len(old.Findings))}
	for i := range p.oldOf {
		p.oldOf[i] = -1
	}
	for _, key := range pairKeys {
		p.pair(key)
	}
	for i := range new.Findings {
		if p.oldOf[i] < 0 {
			d.Added = append(d.Added, new.Findings[i])
			continue
		}
		d.compare(&old.Findings[p.oldOf[i]], &new.Findings[i])
	}
	for i := range old.Findings {
		if !p.taken[i] {
			d.Gone = append(d.Gone, old.Findings[i])
		}
	}
	d.sort()
	return d
}

func sideOf(r *Report) Side { return Side{r.Generated, r.Window, r.Summary} }

// caveats say what makes the two hard to compare: what is not seen is not mended.
func caveats(old, new *Report) []string {
	list := []string{}
	if new.Summary.Handshakes == 0 && old.Summary.Handshakes > 0 {
		list = append(list, "the new report saw no use of anything in scope: what is gone is not seen, which does not mean that it is mended")
	} else if few := old.Summary.Handshakes / 4; new.Summary.Handshakes < few {
		list = append(list, "the new report saw "+quantity(new.Summary.Handshakes, "handshake")+" after "+number(old.Summary.Handshakes)+": what is gone may only not have been seen")
	}
	if n, o := new.Sensor.blind(), old.Sensor.blind(); n > o+0.1 {
		list = append(list, "certificates of "+percent(n)+" of handshakes were hidden, after "+percent(o)+": what is gone may only be hidden")
	}
	if new.Generated.Before(old.Generated) {
		list = append(list, "the new report was generated before the old one: are they in the right order?")
	}
	return list
}

// blind is the part of the handshakes without a visible certificate.
func (s *Sensor) blind() float64 {
	if s.Handshakes == 0 {
		return 0
	}
	return float64(s.hiddenCertificates()) / float64(s.Handshakes)
}

func bySeverity(x, y discover.Finding) int { return cmp.Compare(y.Severity.Rank(), x.Severity.Rank()) }

func (d *Delta) sort() {
	changes := func(x, y Change) int { return bySeverity(x.Finding, y.Finding) }
	slices.SortStableFunc(d.Added, bySeverity)
	slices.SortStableFunc(d.Gone, bySeverity)
	slices.SortStableFunc(d.Worse, changes)
	slices.SortStableFunc(d.Better, changes)
}

// compare puts a finding that both have where it belongs. Its severity decides
// before its share.
func (d *Delta) compare(old, new *discover.Finding) {
	c := Change{Was: Was{old.Severity, old.Handshakes, old.Clients, old.Share}, Finding: *new}
	more, less := marked(old.Share, new.Share), marked(new.Share, old.Share)
	if more || less {
		c.Why = []string{percent(new.Share) + " of traffic, was " + percent(old.Share)}
	}
	switch n := cmp.Compare(new.Severity.Rank(), old.Severity.Rank()); {
	case n != 0:
		c.Why = slices.Insert(c.Why, 0, string(new.Severity)+", was "+string(old.Severity))
		if n > 0 {
			d.Worse = append(d.Worse, c)
		} else {
			d.Better = append(d.Better, c)
		}
	case more:
		d.Worse = append(d.Worse, c)
	case less:
		d.Better = append(d.Better, c)
	default:
		d.Same++
	}
}

// marked reports whether a share went up from a to b by much.
func marked(a, b float64) bool { return b >= markedFactor*a && b-a >= markedShare }

// pairKey is what two findings must share, "" where the key does not apply.
type pairKey func(f *discover.Finding) string

// pairKeys are tried in order, from the strictest. Within one key, the
// endpoints break ties.
var pairKeys = []pairKey{
	func(f *discover.Finding) string { return joined(wholeKey(f), strings.Join(f.Endpoints, " ")) },
	wholeKey,
	func(f *discover.Finding) string {
		if !aboutChecks(f) {
			return ""
		}
		return joined(f.Kind, f.Hostname, f.Surface)
	},
	func(f *discover.Finding) string { return joined(f.Kind, f.Hostname, f.Certificate) },
}

func wholeKey(f *discover.Finding) string {
	return joined(f.Kind, f.Hostname, f.Certificate, f.Surface)
}

// joined keeps texts apart, whatever is in them.
func joined(list ...string) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteString(strconv.Itoa(len(s)) + ":" + s)
	}
	return b.String()
}

// aboutChecks tells the kinds whose certificate only stands beside them.
func aboutChecks(f *discover.Finding) bool {
	switch f.Kind {
	case "unmonitored-hostname", "unmonitored-endpoint", "weak-check", "unused-check", "unnamed-endpoint", "hidden-certificate":
		return true
	}
	return false
}

// pairing finds for each new finding the old one.
type pairing struct {
	old, new []discover.Finding
	oldOf    []int  // index into old, -1 for none
	taken    []bool // of old
}

func (p *pairing) pair(key pairKey) {
	byKey := map[string][]int{}
	for i := range p.old {
		if k := key(&p.old[i]); !p.taken[i] && k != "" {
			byKey[k] = append(byKey[k], i)
		}
	}
	for i := range p.new {
		k := key(&p.new[i])
		if p.oldOf[i] >= 0 || k == "" || len(byKey[k]) == 0 {
			continue
		}
		at := p.mostAlike(&p.new[i], byKey[k])
		p.oldOf[i] = byKey[k][at]
		p.taken[byKey[k][at]] = true
		byKey[k] = slices.Delete(byKey[k], at, at+1)
	}
}

// mostAlike returns which of the candidates shares most endpoints with f.
func (p *pairing) mostAlike(f *discover.Finding, candidates []int) (best int) {
	most := -1
	for at, i := range candidates[:min(len(candidates), maxCandidates)] {
		n := 0
		for _, e := range p.old[i].Endpoints {
			if slices.Contains(f.Endpoints, e) {
				n++
			}
		}
		if n > most {
			best, most = at, n
		}
	}
	return best
}
