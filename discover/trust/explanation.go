package trust

import (
	"fmt"
	"strings"
)

// maxDetailFaults bounds the faults of one path that are told.
const maxDetailFaults = 3

// end is where a path ends.
type end int8

const (
	deadEnd end = iota
	atRoot
)

// explanation is a path that failed.
type explanation struct {
	path   []*node
	faults []fault
	end    end
	set    bool
}

// rank orders explanations, the most telling first: a path to a root that only
// could not be judged, then one to a root with the fewest faults, then the
// longest that ends nowhere.
func (e *explanation) rank() (class, cost int) {
	switch {
	case e.end == atRoot && e.undecided():
		return 0, len(e.faults)
	case e.end == atRoot:
		return 1, len(e.faults)
	}
	return 2, -2*len(e.path) - boolInt(e.faults[len(e.faults)-1].reason == BadSignature)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// undecided reports that nothing but what cannot be judged is wrong.
func (e *explanation) undecided() bool {
	for _, f := range e.faults {
		if f.reason != CannotJudge {
			return false
		}
	}
	return true
}

// offer keeps the better explanation, in a tolerant search.
func (s *search) offer(path []*node, faults []fault, at end) {
	e := explanation{path, faults, at, true}
	class, cost := e.rank()
	if s.best.set {
		if c, k := s.best.rank(); class > c || class == c && cost >= k {
			return
		}
	}
	s.best = e
}

// outcome tells the best explanation.
func (s *search) outcome() Outcome {
	if !s.best.set || s.exhausted && !(s.best.end == atRoot && s.best.undecided()) {
		return Outcome{Reason: CannotJudge, Culprit: s.leaf.fp, Chain: prints([]*node{s.leaf}),
			Detail: fmt.Sprintf("gave up after %d possible issuers: too many authorities have the same name or sign each other", s.steps)}
	}
	main := s.best.main()
	o := Outcome{Reason: main.reason, Culprit: main.culprit.fp, Chain: prints(s.best.path)}
	details := []string{main.detail}
	for _, f := range s.best.faults {
		if f.detail != main.detail && s.best.end == atRoot && len(details) < maxDetailFaults {
			details = append(details, f.detail)
		}
	}
	o.Detail = strings.Join(details, "; ")
	return o
}

// main is the fault that decides: where the path ends nowhere the last, else
// the first that is certain.
func (e *explanation) main() fault {
	if e.end == deadEnd {
		return e.faults[len(e.faults)-1]
	}
	for _, f := range e.faults {
		if f.reason != CannotJudge {
			return f
		}
	}
	return e.faults[0]
}
