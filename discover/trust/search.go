package trust

import (
	"slices"

	"blindspot/discover"
)

// The bounds of one search. Public chains have up to five certificates, and
// the meshes of cross-signed authorities some dozens of candidates. Candidates
// count whether their signature is remembered or not, so that the same
// question has the same answer.
const (
	maxDepth = 16
	maxSteps = 400 // candidates looked at
)

// search looks for a path from the leaf to a root of the store. It returns the
// first one without fault. A tolerant search goes on through faults, to tell
// the path that comes nearest.
type search struct {
	*question
	tolerant bool
	// fertile, where not nil, are the certificates that a root can be reached
	// from: the others are passed over. If the leaf is none of them, every
	// certificate is gone through once, for the explanation.
	fertile map[discover.Fingerprint]bool
	visited map[discover.Fingerprint]bool

	steps     int
	exhausted bool

	found []*node
	best  explanation
}

// run reports whether there is a path.
func (s *search) run(leafFaults []fault) bool {
	path := []*node{s.leaf}
	if n := s.store.byPrint[s.leaf.fp]; n != nil { // the leaf itself is trusted
		if s.arrive(path, leafFaults) {
			return true
		}
	}
	return s.walk(path, leafFaults)
}

// walk tries every issuer of path's last certificate.
func (s *search) walk(path []*node, faults []fault) bool {
	child := path[len(path)-1]
	above := false // somebody signed it
	for _, c := range s.candidates(child, s.tolerant) {
		if s.spent() {
			return false
		}
		if slices.ContainsFunc(path, c.same) {
			above = above || !c.same(child)
			continue
		}
		e := s.signs.check(child, c.node)
		s.noticed(c.node)
		if e == edgeNone {
			if s.tolerant && c.names(child) == 1 {
				s.offer(path, append(slices.Clip(faults), forged(child, c.node)), deadEnd)
			}
			continue
		}
		above = true
		if s.step(path, c, append(slices.Clip(faults), s.faultsOf(path, c, e)...)) {
			return true
		}
	}
	if s.tolerant {
		s.offer(path, append(slices.Clip(faults), s.nobody(path, above)), deadEnd)
	}
	return false
}

// step goes on to c, whose signature fits.
func (s *search) step(path []*node, c candidate, faults []fault) bool {
	if len(faults) > 0 && !s.tolerant {
		return false
	}
	next := append(slices.Clip(path), c.node)
	if c.anchor {
		return s.arrive(next, faults)
	}
	return len(next) < maxDepth && s.enter(c.node) && s.walk(next, faults)
}

// arrive judges a path that ends in a root.
func (s *search) arrive(path []*node, faults []fault) bool {
	if len(faults) > 0 && !s.tolerant {
		return false
	}
	faults = append(slices.Clip(faults), s.wholeFaults(path, len(faults) == 0)...)
	if len(faults) == 0 {
		s.found = path
		return true
	}
	if s.tolerant {
		s.offer(path, faults, atRoot)
	}
	return false
}

// spent reports that the search has cost enough.
func (s *search) spent() bool {
	s.steps++
	over := s.steps > maxSteps
	s.exhausted = s.exhausted || over
	return over
}

// enter reports whether it is worth to go on from n.
func (s *search) enter(n *node) bool {
	switch {
	case s.fertile == nil || s.fertile[n.fp]:
		return true
	case s.fertile[s.leaf.fp] || s.visited[n.fp]:
		return false
	}
	if s.visited == nil {
		s.visited = map[discover.Fingerprint]bool{}
	}
	s.visited[n.fp] = true
	return true
}

// survey returns the certificates that a root of the store can be reached
// from, whatever the faults on the way; nil where that is too much work. Unlike
// paths, of which a mesh of cross-signed authorities has too many to try,
// certificates are looked at once.
func (q *question) survey() map[discover.Fingerprint]bool {
	s := search{question: q}
	children := map[discover.Fingerprint][]discover.Fingerprint{}
	seen := map[discover.Fingerprint]bool{q.leaf.fp: true}
	var reached []discover.Fingerprint
	for queue := []*node{q.leaf}; len(queue) > 0; queue = queue[1:] {
		child := queue[0]
		for _, c := range q.candidates(child, true) {
			if s.spent() {
				return nil
			}
			if q.signs.check(child, c.node) == edgeNone {
				continue
			}
			children[c.fp] = append(children[c.fp], child.fp)
			if c.anchor {
				reached = append(reached, c.fp)
			} else if !seen[c.fp] {
				seen[c.fp] = true
				queue = append(queue, c.node)
			}
		}
	}
	fertile := map[discover.Fingerprint]bool{}
	for len(reached) > 0 {
		fp := reached[len(reached)-1]
		reached = reached[:len(reached)-1]
		if !fertile[fp] {
			fertile[fp] = true
			reached = append(reached, children[fp]...)
		}
	}
	return fertile
}
