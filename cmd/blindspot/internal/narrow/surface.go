package narrow

import (
	"net/netip"
	"slices"
	"strings"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/discover"
)

// Unassigned is the surface of what no configured surface matches.
const Unassigned = "unassigned"

// Surfaces says to which surface traffic belongs, as discover/coverage does.
type Surfaces struct {
	inv    *discover.Inventory
	list   []config.Surface
	mutual map[endpoint]bool                 // was seen to ask clients for a certificate
	shown  map[service]*discover.Certificate // the one that was seen for the name, nil for several
	leaves map[discover.ChainID]*discover.Certificate
}

type endpoint struct {
	network, target string
	transport       discover.Transport
	server          netip.AddrPort
}

// service is a name at an endpoint.
type service struct {
	endpoint
	hostname string
}

func endpointOf(s *discover.Sighting) endpoint {
	return endpoint{s.Network, s.Target, s.Transport, s.Server}
}

func serviceOf(s *discover.Sighting) service { return service{endpointOf(s), s.Hostname} }

// NewSurfaces looks through the inventory for what is not in every handshake:
// whether an endpoint asks for client certificates, and which certificate it
// shows where a handshake hides it.
func NewSurfaces(inv *discover.Inventory, list []config.Surface) (*Surfaces, error) {
	x := &Surfaces{
		inv: inv, list: list,
		mutual: map[endpoint]bool{}, shown: map[service]*discover.Certificate{},
		leaves: map[discover.ChainID]*discover.Certificate{},
	}
	if inv.Sightings == nil || !slices.ContainsFunc(list, func(s config.Surface) bool { return len(s.Issuers) > 0 || s.MTLS != discover.Unknown }) {
		return x, nil
	}
	for s, err := range inv.Sightings {
		if err != nil {
			return nil, err
		}
		if !s.InUse() && s.Class != discover.ClassVerify {
			continue
		}
		if s.ClientAuth > 0 || !s.ClientChain.IsZero() {
			x.mutual[endpointOf(s)] = true
		}
		if c := x.leaf(s); c != nil {
			x.show(serviceOf(s), c)
		}
	}
	return x, nil
}

// show remembers what a name at an endpoint presents, as long as it is one.
func (x *Surfaces) show(at service, c *discover.Certificate) {
	if only, some := x.shown[at]; some && (only == nil || only.SHA256 != c.SHA256) {
		c = nil
	}
	x.shown[at] = c
}

// Of returns the surface that the traffic belongs to.
func (x *Surfaces) Of(s *discover.Sighting) *config.Surface {
	for i := range x.list {
		if x.matches(&x.list[i], s) {
			return &x.list[i]
		}
	}
	return &unassigned
}

var unassigned = config.Surface{Name: Unassigned}

// Surface keeps the traffic of the surface with this name.
func (x *Surfaces) Surface(name string) Filter {
	return func(s *discover.Sighting) bool { return x.Of(s).Name == name }
}

// Owner keeps the traffic of the surfaces of an owner.
func (x *Surfaces) Owner(owner string) Filter {
	return func(s *discover.Sighting) bool { return x.Of(s).Owner == owner }
}

func (x *Surfaces) matches(c *config.Surface, s *discover.Sighting) bool {
	return (len(c.Servers) == 0 || within(c.Servers, s.Server.Addr())) &&
		(len(c.Ports) == 0 || slices.Contains(c.Ports, s.Server.Port())) &&
		(len(c.Networks) == 0 || slices.Contains(c.Networks, s.Network)) &&
		(len(c.Names) == 0 || named(c.Names, s)) &&
		(c.MTLS == discover.Unknown || (c.MTLS == discover.Yes) == x.mutual[endpointOf(s)]) &&
		(len(c.StartTLS) == 0 || startsBy(c.StartTLS, s.Preface)) &&
		(len(c.Clients) == 0 || servesOnly(c.Clients, s.Clients.Exact)) &&
		(len(c.Issuers) == 0 || x.issued(c.Issuers, s))
}

func within(list []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap()
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// named matches names of the configuration: "*." covers any depth.
func named(patterns []string, s *discover.Sighting) bool {
	return s.Name == discover.NameValid && slices.ContainsFunc(patterns, func(p string) bool {
		if below, ok := strings.CutPrefix(p, "*"); ok {
			return strings.HasSuffix(s.Hostname, below)
		}
		return p == s.Hostname
	})
}

func startsBy(words []string, preface string) bool {
	return slices.ContainsFunc(strings.Split(preface, "+"), func(w string) bool { return w != "" && slices.Contains(words, w) })
}

func servesOnly(list []netip.Prefix, clients []discover.ClientCount) bool {
	return len(clients) > 0 && !slices.ContainsFunc(clients, func(c discover.ClientCount) bool { return !within(list, c.Addr.Addr()) })
}

func (x *Surfaces) issued(issuers []string, s *discover.Sighting) bool {
	c := x.leaf(s)
	if c == nil {
		c = x.shown[serviceOf(s)]
	}
	return c != nil && slices.ContainsFunc(issuers, func(i string) bool { return strings.Contains(c.Issuer, i) })
}

// leaf is looked up once for each chain.
func (x *Surfaces) leaf(s *discover.Sighting) *discover.Certificate {
	c, ok := x.leaves[s.Chain]
	if !ok {
		c = leaf(x.inv, s)
		x.leaves[s.Chain] = c
	}
	return c
}
