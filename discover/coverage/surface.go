package coverage

import (
	"net/netip"
	"slices"
	"strings"

	"blindspot/discover"
)

// unassigned is the surface of what no configured surface matches.
const unassigned = "unassigned"

// Surface is a named class of endpoints. Every condition that is given must
// hold; a Surface without conditions matches everything.
type Surface struct {
	Name, Owner, TrustStore string

	Servers []netip.Prefix
	Ports   []uint16
	// Names are hostnames; "*.shop.example" stands for everything under it.
	Names []string
	// Networks are names that the configuration gives to capture networks.
	Networks []string
}

func (s *Surface) matches(hostname string, e *endpoint) bool {
	return (len(s.Servers) == 0 || contains(s.Servers, e.server.Addr())) &&
		(len(s.Ports) == 0 || slices.Contains(s.Ports, e.server.Port())) &&
		(len(s.Networks) == 0 || slices.Contains(s.Networks, e.network)) &&
		(len(s.Names) == 0 || slices.ContainsFunc(s.Names, func(p string) bool { return matchesPattern(p, hostname) }))
}

// matchesPattern matches a name of the configuration: "*." covers any depth.
func matchesPattern(pattern, host string) bool {
	if rest, ok := strings.CutPrefix(pattern, "*"); ok {
		return host != "" && strings.HasPrefix(rest, ".") && strings.HasSuffix(host, strings.ToLower(rest))
	}
	n, ok := discover.Hostname(pattern)
	return ok && n == host
}

// surfaceUse is a surface with what uses it; the last one is unassigned.
type surfaceUse struct {
	Surface
	endpoints map[*endpoint]struct{}
	names     map[*name]struct{}
	leaves    map[*cert]struct{}
}

func newSurfaces(list []Surface) []surfaceUse {
	out := make([]surfaceUse, 0, len(list)+1)
	for _, s := range append(slices.Clone(list), Surface{Name: unassigned}) {
		out = append(out, surfaceUse{
			Surface:   s,
			endpoints: map[*endpoint]struct{}{},
			names:     map[*name]struct{}{},
			leaves:    map[*cert]struct{}{},
		})
	}
	return out
}

// surfaceOf returns the index of the first surface that matches.
func (a *analysis) surfaceOf(n *name, e *endpoint) int {
	host := ""
	if n != nil {
		host = n.text
	}
	last := len(a.surfaces) - 1
	for i := range a.surfaces[:last] {
		if a.surfaces[i].matches(host, e) {
			return i
		}
	}
	return last
}

// configured reports whether i is a surface of the configuration.
func (a *analysis) configured(i int) bool { return i < len(a.surfaces)-1 }
