package coverage

import (
	"maps"
	"slices"
	"strings"

	"blindspot/discover"
	"blindspot/discover/lengths"
)

// Bounds on the chains that are made up from one certificate: how many issuers
// one above the other, and how many in all.
const (
	maxIssuers      = 4
	maxCompositions = 64
	maxSizes        = 64 // lengths of authorities that are set against differences
)

// kin are the certificates that are known for a name, from wherever: what its
// endpoints or others presented, and what the inventory holds.
type kin struct {
	leaves []relative
	// blind: there is one of which only that it exists is known, so it may have
	// any length.
	blind bool
}

// relative is a certificate with the lengths that a message with it may have.
type relative struct {
	leaf     *cert
	messages []int
}

// authorities are the certificates of issuers by subject, and all others by
// name; made once, and only where something asks.
type authorities struct {
	bySubject map[string][]*cert
	byName    map[string][]*cert
	blind     map[string]bool // names with a record whose certificate is not known
	sums      map[int]bool    // see addSums
}

func (a *analysis) authorities() *authorities {
	if a.nearest != nil {
		return a.nearest
	}
	x := &authorities{bySubject: map[string][]*cert{}, byName: map[string][]*cert{}, blind: map[string]bool{}, sums: map[int]bool{}}
	a.nearest = x
	all := maps.Clone(a.certs) // what the inventory holds was not seen
	if a.stock != nil {
		for i := range a.stock.records {
			addUnseen(all, a.stock.records[i].Certificate)
		}
		for _, c := range a.cfg.Inventory.Intermediates {
			addUnseen(all, c)
		}
	}
	for _, c := range slices.SortedFunc(maps.Values(all), older) {
		if c.known && c.Subject != "" && c.CA {
			x.bySubject[c.Subject] = append(x.bySubject[c.Subject], c)
		}
		for _, n := range c.names {
			x.byName[n] = append(x.byName[n], c)
		}
	}
	x.addSums()
	a.noteBlind(x)
	return x
}

func addUnseen(all map[discover.Fingerprint]*cert, full *discover.Certificate) {
	if full != nil && all[full.SHA256] == nil {
		all[full.SHA256] = readCert(full)
	}
}

// noteBlind notes the names of records whose certificate is nowhere to be seen.
func (a *analysis) noteBlind(x *authorities) {
	if a.stock == nil {
		return
	}
	seen := a.delivered()
	for i := range a.stock.records {
		if r := &a.stock.records[i]; r.Certificate == nil && !seen.has(r) {
			for _, n := range r.Names {
				x.blind[n] = true
			}
		}
	}
}

// namesFor are the names of certificates that are good for host.
func namesFor(host string) []string {
	if _, parent, ok := strings.Cut(host, "."); ok {
		return []string{host, "*." + parent}
	}
	return []string{host}
}

// kinOf returns the certificates that are known for a name.
func (a *analysis) kinOf(n *name) *kin {
	if k, ok := a.kin[n]; ok {
		return k
	}
	x := a.authorities()
	k := &kin{}
	a.kin[n] = k
	add := func(c *cert, message int) {
		i := slices.IndexFunc(k.leaves, func(r relative) bool { return r.leaf == c })
		if i < 0 {
			i = len(k.leaves)
			k.leaves = append(k.leaves, relative{c, x.messages(c)})
		}
		if message > 0 {
			k.leaves[i].messages = append(k.leaves[i].messages, message)
		}
	}
	for _, host := range namesFor(n.text) {
		k.blind = k.blind || x.blind[host]
		for _, c := range x.byName[host] {
			add(c, 0)
		}
	}
	for _, c := range n.cells {
		if l := c.leaf(); l != nil {
			add(l, c.chain.message())
		}
	}
	k.blind = k.blind || slices.ContainsFunc(k.leaves, func(r relative) bool { return len(r.messages) == 0 })
	return k
}

// differByIssuers reports whether one or two known authorities make up the
// difference of two messages' lengths: the certificate may be the same.
func (a *analysis) differByIssuers(x, y int) bool {
	return a.authorities().sums[max(x, y)-min(x, y)]
}

// addSums notes by how much a message is longer with one more authority in it,
// or with two.
func (x *authorities) addSums() {
	var sizes []int
	for _, list := range x.bySubject {
		for _, c := range list {
			if c.size > 0 {
				sizes = append(sizes, lengths.Message([]int{c.size})-lengths.Message(nil))
			}
		}
	}
	slices.Sort(sizes)
	sizes = bounded(slices.Compact(sizes), maxSizes)
	for i, one := range sizes {
		x.sums[one] = true
		for _, two := range sizes[i:] {
			x.sums[one+two] = true
		}
	}
}

// message is the length of the chain's Certificate message, 0 where a
// certificate's is not known.
func (ch *chain) message() int {
	list := []int{ch.leaf.size}
	for _, c := range ch.extra {
		list = append(list, c.size)
	}
	if slices.Contains(list, 0) {
		return 0
	}
	return lengths.Message(list)
}

// messages are the lengths that a message with the certificate has with none,
// one or more of its issuers.
func (x *authorities) messages(c *cert) []int {
	var out []int
	var walk func(c *cert, below []int)
	walk = func(c *cert, below []int) {
		if c.size == 0 || len(below) > maxIssuers || len(out) >= maxCompositions {
			return
		}
		list := append(slices.Clip(below), c.size)
		if m := lengths.Message(list); !slices.Contains(out, m) {
			out = append(out, m)
		}
		if c.Subject == c.Issuer {
			return
		}
		for _, issuer := range x.bySubject[c.Issuer] {
			walk(issuer, list)
		}
	}
	walk(c, nil)
	return out
}
