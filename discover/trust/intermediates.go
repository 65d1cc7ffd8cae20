package trust

import (
	"slices"
	"sync"

	"blindspot/discover"
)

// Intermediates come from strangers, too.
const (
	maxIntermediates = 200_000
	maxSameSubject   = 256
)

// Intermediates are the authorities' certificates that are known from
// anywhere: traffic, the inventory. The zero value is ready and empty, and nil
// knows none. Add all of them before judging: verdicts are remembered until
// another one is added. It is safe for concurrent use.
type Intermediates struct {
	mu        sync.RWMutex
	bySubject map[string][]*node
	byKeyID   map[string][]*node
	nodes     map[discover.Fingerprint]*node
	changes   uint64
	beyond    uint64

	signs signatures
}

// Add takes a certificate of an authority; of others nothing is kept. Add
// what is vouched for first: what comes beyond a bound is only counted.
func (in *Intermediates) Add(c *discover.Certificate) {
	if c == nil || !c.CA || len(c.SubjectDER) == 0 {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.nodes[c.SHA256] != nil {
		return
	}
	if in.nodes == nil {
		in.bySubject, in.byKeyID = map[string][]*node{}, map[string][]*node{}
		in.nodes = map[discover.Fingerprint]*node{}
	}
	same := in.bySubject[string(c.SubjectDER)]
	if len(in.nodes) >= maxIntermediates || len(same) >= maxSameSubject {
		in.beyond++
		return
	}
	n := newNode(c)
	in.nodes[c.SHA256] = n
	in.bySubject[string(c.SubjectDER)] = append(same, n)
	if id := string(c.SubjectKeyID); id != "" && len(in.byKeyID[id]) < maxSameSubject {
		in.byKeyID[id] = append(in.byKeyID[id], n)
	}
	in.changes++
}

// Len returns how many there are.
func (in *Intermediates) Len() int {
	if in == nil {
		return 0
	}
	in.mu.RLock()
	defer in.mu.RUnlock()
	return len(in.nodes)
}

// Beyond counts the ones that were not kept: more in all, or more of one
// subject, than a bound.
func (in *Intermediates) Beyond() uint64 {
	if in == nil {
		return 0
	}
	in.mu.RLock()
	defer in.mu.RUnlock()
	return in.beyond
}

func (in *Intermediates) generation() uint64 {
	if in == nil {
		return 0
	}
	in.mu.RLock()
	defer in.mu.RUnlock()
	return in.changes
}

// node returns the node of c, so that it is parsed once.
func (in *Intermediates) node(c *discover.Certificate) *node {
	if in != nil {
		in.mu.RLock()
		n := in.nodes[c.SHA256]
		in.mu.RUnlock()
		if n != nil {
			return n
		}
	}
	return newNode(c)
}

func (in *Intermediates) withSubject(name []byte) []*node {
	if in == nil {
		return nil
	}
	in.mu.RLock()
	defer in.mu.RUnlock()
	return slices.Clip(in.bySubject[string(name)])
}

func (in *Intermediates) withKeyID(id []byte) []*node {
	if in == nil || len(id) == 0 {
		return nil
	}
	in.mu.RLock()
	defer in.mu.RUnlock()
	return slices.Clip(in.byKeyID[string(id)])
}
