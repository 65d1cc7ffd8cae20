package main

import (
	"slices"

	"blindspot/discover/lengths"
)

// score is how often something was said, and how often that was right; how
// often it should have been said, and how often it was.
type score struct{ said, right, due, found int }

// reading is how well the flights of one stack are read.
type reading struct {
	trials, exact, right, key, keyRight int
	habits                              map[lengths.Habit]int
}

func readingOf(list []*trial) reading {
	r := reading{trials: len(list), habits: map[lengths.Habit]int{}}
	for _, t := range list {
		e := &t.evidence
		r.habits[e.Habit]++
		if e.Exact() {
			r.exact++
			if e.Certificate == t.Message || e.Certificate == t.Stapled {
				r.right++
			}
		}
		if e.Key != "" {
			r.key++
			if e.Key == t.Key {
				r.keyRight++
			}
		}
	}
	return r
}

// differing judges «another length is another chain» over all pairs of
// handshakes whose hellos ask for the same and whose keys are alike. What
// should have been told apart are the renewals of one series.
func differing(list []*trial, plain bool) (out score) {
	for i, x := range list {
		for _, y := range list[i+1:] {
			e, f := &x.evidence, &y.evidence
			if x.Key != y.Key || e.Plain() != plain || e.Asks != f.Asks {
				continue
			}
			said := e.Comparable(f) && e.Key == f.Key && e.Certificate != f.Certificate
			if said {
				out.said++
				if !x.same(y) {
					out.right++
				}
			}
			if !x.same(y) && x.Series != "" && x.Series == y.Series {
				out.due++
				if said {
					out.found++
				}
			}
		}
	}
	return out
}

// knowledge is which certificates of a name are known, when number n is served.
type knowledge struct {
	name  string
	known func(n int) []int
	// composed: only leaves are known, and chains are made up from the known
	// authorities.
	composed bool
}

var knowledges = []knowledge{
	{"it and two before", func(n int) []int { return []int{n - 2, n - 1, n} }, false},
	{"an inventory of all", func(n int) []int { return []int{n - 2, n - 1, n, n + 1} }, true},
	{"not it, but two before", func(n int) []int { return []int{n - 2, n - 1} }, false},
}

// renewal is what the certificates of a series are.
type renewal struct{ lengths, issuers []int }

func renewalsOf(list []*trial) map[string]map[int]renewal {
	out := map[string]map[int]renewal{}
	for _, t := range list {
		if t.Series == "" {
			continue
		}
		if out[t.Series] == nil {
			out[t.Series] = map[int]renewal{}
		}
		out[t.Series][t.Number] = renewal{t.Lengths, t.Issuers}
	}
	return out
}

// fits reports whether the evidence fits the certificate.
func (r renewal) fits(t *trial, composed bool) bool {
	if !composed {
		return t.evidence.Fits(r.lengths, t.Key)
	}
	chain := []int{r.lengths[0]}
	for i := 0; ; i++ {
		if t.evidence.Fits(chain, t.Key) {
			return true
		}
		if i == len(r.issuers) {
			return false
		}
		chain = append(chain, r.issuers[i])
	}
}

// consistent judges «consistent with» over the handshakes of a series: it is
// said where exactly one of the known certificates fits.
func consistent(list []*trial, series string, k knowledge) (out score) {
	all := renewalsOf(list)[series]
	for _, t := range list {
		if t.Series != series {
			continue
		}
		known := k.known(t.Number)
		if _, ok := all[slices.Min(known)]; !ok {
			continue
		}
		if _, ok := all[slices.Max(known)]; !ok {
			continue
		}
		var fit []int
		for _, n := range known {
			if all[n].fits(t, k.composed) {
				fit = append(fit, n)
			}
		}
		out.due++
		if len(fit) == 1 {
			out.said++
			if fit[0] == t.Number {
				out.right++
			}
		}
	}
	return out
}
