package narrow

import (
	"net"
	"net/netip"
	"strconv"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

// Checks knows what checks are about. Disabled ones are none.
type Checks struct {
	// about is by name, or by address for checks that ask for no name; port 0
	// is all ports.
	about   ports
	dialled ports                      // by address, whatever is asked for
	grade   map[string]monitored.Grade // the best for a name that is asked for
}

type ports map[string]map[uint16]bool

// NewChecks indexes checks.
func NewChecks(list []monitored.Check) *Checks {
	x := &Checks{about: ports{}, dialled: ports{}, grade: map[string]monitored.Grade{}}
	for i := range list {
		c := &list[i]
		if !c.Enabled {
			continue
		}
		address := c.Address
		if a, err := netip.ParseAddr(address); err == nil {
			address = a.Unmap().String()
			x.dialled.add(address, c.Port)
		}
		if c.Hostname == "" {
			x.about.add(address, c.Port)
			continue
		}
		x.about.add(c.Hostname, c.Port)
		x.grade[c.Hostname] = max(x.grade[c.Hostname], c.Grade)
	}
	return x
}

func (p ports) add(about string, port uint16) {
	if about == "" {
		return
	}
	if p[about] == nil {
		p[about] = map[uint16]bool{}
	}
	p[about][port] = true
}

func (p ports) on(about string, port uint16) bool { return p[about][port] || p[about][0] }

// Monitored tells how a hostname is monitored: "yes" where a check asks for it
// and verifies, "weakly" where one is about it, "no".
func (x *Checks) Monitored(hostname string) string {
	switch {
	case x.grade[hostname] >= monitored.GradeName:
		return "yes"
	case x.about[hostname] != nil:
		return "weakly"
	}
	return "no"
}

// NoName keeps the traffic of names that no check is about, and traffic without
// a name to addresses that none dials. A public name of ECH is nothing to check.
func (x *Checks) NoName(s *discover.Sighting) bool {
	switch s.Name {
	case discover.NameValid:
		return x.about[s.Hostname] == nil
	case discover.NamePublic:
		return false
	}
	return !x.dialled.on(s.Server.Addr().Unmap().String(), s.Server.Port())
}

// NoPort keeps what no check is about: neither the name on this port, nor the
// address.
func (x *Checks) NoPort(s *discover.Sighting) bool {
	address, port := s.Server.Addr().Unmap().String(), s.Server.Port()
	if s.Hostname != "" {
		return !x.about.on(s.Hostname, servedPort(s)) && !x.about.on(address, port)
	}
	return !x.dialled.on(address, port)
}

// servedPort is the port that a check has to name: behind a proxy, the target's.
func servedPort(s *discover.Sighting) uint16 {
	if _, p, err := net.SplitHostPort(s.Target); err == nil {
		if n, err := strconv.ParseUint(p, 10, 16); err == nil {
			return uint16(n)
		}
	}
	return s.Server.Port()
}
