package coverage

import (
	"net/netip"
	"slices"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

// check is a check with what traffic says of it.
type check struct {
	*monitored.Check
	addr netip.Addr // dialled, where it is an address

	probes uint64 // handshakes of its own that were seen
	used   bool   // clients use what it checks
	asked  bool   // clients asked for it, though no server went on

	witnessed []*endpoint
	sees      discover.Fingerprint // what the monitor says that it saw, zero for nothing
}

// strong reports whether the check asks as clients do.
func (c *check) strong() bool { return c.Grade >= monitored.GradeName }

// onPort reports whether the check is about port; one without a port is about all.
func (c *check) onPort(port uint16) bool { return c.Port == 0 || c.Port == port }

// dials reports whether the check goes to the endpoint by its address.
func (c *check) dials(e *endpoint) bool {
	return e.target == "" && c.addr.IsValid() && c.addr == e.server.Addr().Unmap() && c.onPort(e.server.Port())
}

// checkIndex finds checks by the name they are about and the address they dial.
// Disabled checks are listed and otherwise ignored.
type checkIndex struct {
	all      []*check
	warnings []monitored.Warning
	byName   map[string][]*check
	byAddr   map[netip.Addr][]*check
	// domains are the registrable domains of names that clients use, as far
	// as checks name them.
	domains map[string]bool
}

func indexChecks(r *monitored.Result) *checkIndex {
	x := &checkIndex{
		warnings: r.Warnings,
		byName:   map[string][]*check{},
		byAddr:   map[netip.Addr][]*check{},
		domains:  map[string]bool{},
	}
	for i := range r.Checks {
		c := &check{Check: &r.Checks[i]}
		x.all = append(x.all, c)
		if addr, err := netip.ParseAddr(c.Address); err == nil {
			c.addr = addr.Unmap()
		}
		if c.Enabled {
			x.index(c)
		}
	}
	return x
}

func (x *checkIndex) index(c *check) {
	if c.addr.IsValid() {
		x.byAddr[c.addr] = append(x.byAddr[c.addr], c)
	}
	if n := c.about(); n != "" {
		x.byName[n] = append(x.byName[n], c)
		x.domains[registrable(n)] = false
	}
}

// about is the name that the check is about: the one that it asks for, else
// the one that it dials.
func (c *check) about() string {
	switch {
	case c.Hostname != "":
		return c.Hostname
	case !c.addr.IsValid():
		return c.Address
	}
	return ""
}

// note marks the checks that a sighting tells something about, in or out of scope.
func (x *checkIndex) note(s *discover.Sighting, use bool) {
	if !use || !s.InUse() {
		for _, c := range x.byName[s.Hostname] {
			c.asked = c.asked || use
		}
		return
	}
	for _, c := range x.byName[s.Hostname] {
		// Behind a public name others are used; to be asked for is enough for it
		// to be worth a check.
		c.used = c.used || s.Name == discover.NameValid && c.onPort(servedPort(s))
		c.asked = true
	}
	for _, c := range x.byAddr[s.Server.Addr().Unmap()] {
		c.used = c.used || c.Hostname == "" && s.Target == "" && c.onPort(s.Server.Port())
	}
}

func servedPort(s *discover.Sighting) uint16 {
	e := endpoint{endpointKey: endpointKey{target: s.Target, server: s.Server}}
	return e.port()
}

// witness gives the checks that c's own handshakes belong to their endpoint. A
// check that dials an address is witnessed there alone.
func (x *checkIndex) witness(c *cell) {
	var list []*check
	if c.name != nil {
		list = x.byName[c.name.text]
	} else if c.kind == discover.NameNone {
		list = x.byAddr[c.endpoint.server.Addr().Unmap()]
	}
	for _, k := range list {
		sent := ""
		if c.name != nil {
			sent = c.name.text
		}
		if k.Hostname != sent || !k.onPort(c.endpoint.port()) || k.addr.IsValid() && !k.dials(c.endpoint) {
			continue
		}
		k.probes += c.checks
		if !slices.Contains(k.witnessed, c.endpoint) && len(k.witnessed) < maxEndpoints {
			k.witnessed = append(k.witnessed, c.endpoint)
		}
	}
}

// cover is what checks do for a name.
type cover struct {
	strong []*check // ask for the name, and verify
	weak   []*check // are about the name, but not as clients are
}

// nothing is what checks do for most names of an estate without them.
var nothing cover

// of returns what checks do for a name.
func (x *checkIndex) of(host string) *cover {
	list := x.byName[host]
	if len(list) == 0 {
		return &nothing
	}
	c := &cover{}
	for _, k := range list {
		if k.strong() && k.Hostname == host {
			c.strong = append(c.strong, k)
		} else {
			c.weak = append(c.weak, k)
		}
	}
	return c
}

// on reports whether a strong check is about port.
func (c *cover) on(port uint16) bool {
	return slices.ContainsFunc(c.strong, func(k *check) bool { return k.onPort(port) })
}

func (c *cover) none() bool { return len(c.strong) == 0 && len(c.weak) == 0 }

// dialling returns the checks that go to e by its address.
func (x *checkIndex) dialling(e *endpoint) []*check {
	if len(x.byAddr) == 0 {
		return nil
	}
	var out []*check
	for _, c := range x.byAddr[e.server.Addr().Unmap()] {
		if c.dials(e) {
			out = append(out, c)
		}
	}
	return out
}
