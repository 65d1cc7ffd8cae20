package trust

import (
	"bytes"
	"slices"
	"time"

	"blindspot/discover"
)

// question is one chain before one store.
type question struct {
	store     *Store
	leaf      *node
	presented []*node // without the leaf
	unknown   int     // certificates of the chain that are not known
	known     *Intermediates
	signs     *signatures
	when      time.Time
	usage     Usage

	// from and until bound the time for which the answer holds: zero until is
	// for ever.
	from, until time.Time
}

func newQuestion(s *Store, chain []*discover.Certificate, known *Intermediates, when time.Time, usage Usage) *question {
	q := &question{store: s, when: when, usage: usage, signs: &s.signs}
	if known != nil {
		q.signs = &known.signs
	}
	q.leaf = newNode(chain[0])
	seen := map[discover.Fingerprint]bool{chain[0].SHA256: true}
	for _, c := range chain[1:] {
		switch {
		case c == nil:
			q.unknown++
		case !seen[c.SHA256] && len(c.SubjectDER) > 0:
			seen[c.SHA256] = true
			q.presented = append(q.presented, known.node(c))
		}
	}
	return q
}

// answer judges with the presented certificates and those of known.
func (q *question) answer(known *Intermediates) Outcome {
	q.known = known
	if q.leaf.parsed() == nil {
		return Outcome{Reason: CannotJudge, Culprit: q.leaf.fp, Chain: prints([]*node{q.leaf}),
			Detail: "the certificate cannot be parsed: " + q.leaf.problem()}
	}
	faults := q.leafFaults()
	s := search{question: q}
	if len(faults) == 0 && s.run(nil) {
		return Outcome{OK: true, Chain: prints(s.found)}
	}
	return q.explain(faults, s.exhausted)
}

// explain tells why there is no path, or finds one after all where the first
// search was too much work.
func (q *question) explain(faults []fault, exhausted bool) Outcome {
	fertile := q.survey()
	if fertile != nil {
		exhausted = exhausted && fertile[q.leaf.fp]
	}
	s := search{question: q, tolerant: true, fertile: fertile, exhausted: exhausted}
	if s.run(faults) {
		return Outcome{OK: true, Chain: prints(s.found)}
	}
	return q.withUnknown(s.outcome())
}

// withUnknown: a certificate of the chain that is not known could make another
// path. What is wrong with the leaf itself stays wrong.
func (q *question) withUnknown(o Outcome) Outcome {
	pathless := o.Culprit == q.leaf.fp && o.Reason != UnknownAuthority && o.Reason != BadSignature
	if q.unknown > 0 && !pathless {
		o.Detail = "a certificate of the chain is not known; without it: " + o.Detail
		o.Reason = CannotJudge
	}
	return o
}

// noticed narrows the time for which the answer holds by n's validity.
func (q *question) noticed(n *node) {
	x := n.parsed()
	if x == nil {
		return
	}
	for _, edge := range []time.Time{x.NotBefore, x.NotAfter.Add(1)} {
		if q.when.Before(edge) {
			if q.until.IsZero() || edge.Before(q.until) {
				q.until = edge
			}
		} else if edge.After(q.from) {
			q.from = edge
		}
	}
}

// candidate is a possible issuer.
type candidate struct {
	*node
	anchor bool
	// spelled says that it was found by its key identifier, and its name is
	// encoded in another way than the child has it.
	spelled bool
}

// candidates returns the possible issuers of child by name: roots first, then
// what was presented, then what is known; in each, whose key identifier fits
// first.
func (q *question) candidates(child *node, byKeyID bool) []candidate {
	var list []candidate
	take := func(nodes []*node, anchor, spelled bool) {
		begin := len(list)
		for _, n := range nodes {
			if !slices.ContainsFunc(list, func(c candidate) bool { return c.fp == n.fp }) {
				list = append(list, candidate{n, anchor, spelled})
			}
		}
		slices.SortStableFunc(list[begin:], func(a, b candidate) int { return b.names(child) - a.names(child) })
	}
	take(q.store.anchors[string(child.issuer)], true, false)
	take(q.presentedBy(func(n *node) bool { return bytes.Equal(n.subject, child.issuer) }), false, false)
	take(q.known.withSubject(child.issuer), false, false)
	if byKeyID && len(child.authority) > 0 {
		other := func(n *node) bool { return n.names(child) == 1 && sameName(n, child) }
		take(q.store.anchorsBy(child.authority, other), true, true)
		take(q.presentedBy(other), false, true)
		take(slices.DeleteFunc(slices.Clone(q.known.withKeyID(child.authority)), func(n *node) bool { return !other(n) }), false, true)
	}
	return list
}

func (q *question) presentedBy(fits func(*node) bool) []*node {
	var list []*node
	for _, n := range q.presented {
		if fits(n) {
			list = append(list, n)
		}
	}
	return list
}

func (s *Store) anchorsBy(keyID []byte, fits func(*node) bool) []*node {
	var list []*node
	for _, n := range s.byPrint {
		if bytes.Equal(n.keyID, keyID) && fits(n) {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b *node) int { return bytes.Compare(a.fp[:], b.fp[:]) })
	return list
}

func prints(path []*node) []discover.Fingerprint {
	list := make([]discover.Fingerprint, len(path))
	for i, n := range path {
		list[i] = n.fp
	}
	return list
}
