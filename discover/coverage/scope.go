package coverage

import (
	"net/netip"
	"strings"

	"blindspot/discover"
	"blindspot/discover/inventory"
	"blindspot/discover/monitored"

	"golang.org/x/net/publicsuffix"
)

// Scope says what is ours. The zero Scope is the contract's default: servers in
// private address space, and names under the registrable domains that checks
// name.
type Scope struct {
	All     bool
	Domains []string       // names under them are ours
	Servers []netip.Prefix // what they serve is ours
}

// privateSpace is address space that is never somebody else's service: RFC
// 1918, 4193, 6598, 3927, 4291 §2.5.6 and loopback.
var privateSpace = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7",
	"100.64.0.0/10", "169.254.0.0/16", "fe80::/10", "127.0.0.0/8", "::1/128")

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// scope is a Scope made ready for questions.
type scope struct {
	all     bool
	domains map[string]struct{}
	servers []netip.Prefix
}

func newScope(s Scope, checks []monitored.Check) *scope {
	out := &scope{all: s.All, domains: map[string]struct{}{}, servers: s.Servers}
	for _, d := range s.Domains {
		d = strings.TrimPrefix(strings.TrimPrefix(d, "*"), ".")
		if n, ok := discover.Hostname(d); ok {
			out.domains[n] = struct{}{}
		}
	}
	if out.learns(s) {
		out.servers = append(out.servers, privateSpace...)
		out.addChecked(checks)
	}
	return out
}

// Within returns a function that reports whether traffic is ours as Compare
// takes it, by its server and its name; what only its certificate makes ours is
// not. checks may be nil.
func (c *Config) Within(checks *monitored.Result) func(*discover.Sighting) bool {
	if checks == nil {
		checks = &monitored.Result{}
	}
	own := newScope(c.Scope, checks.Checks)
	if own.learns(c.Scope) {
		own.addRecords(c.Inventory)
	}
	return func(s *discover.Sighting) bool {
		e := endpoint{endpointKey: endpointKey{network: s.Network, target: s.Target, transport: s.Transport, server: s.Server}}
		return own.endpoint(&e) || s.Name == discover.NameValid && own.name(s.Hostname)
	}
}

// learns reports whether s leaves it to checks and inventory what is ours.
func (*scope) learns(s Scope) bool { return !s.All && len(s.Domains) == 0 && len(s.Servers) == 0 }

// addRecords takes the names in the inventory for ours.
func (s *scope) addRecords(r *inventory.Result) {
	if r == nil {
		return
	}
	for i := range r.Records {
		for _, host := range r.Records[i].Names {
			host = strings.TrimPrefix(host, "*.")
			if _, err := netip.ParseAddr(host); err != nil && host != "" {
				s.domains[registrable(host)] = struct{}{}
			}
		}
	}
}

// addChecked takes what checks name for ours, also the disabled ones: that
// nobody looks at the moment does not make a name somebody else's.
func (s *scope) addChecked(checks []monitored.Check) {
	for i := range checks {
		for _, host := range [...]string{checks[i].Hostname, checks[i].Address} {
			if addr, err := netip.ParseAddr(host); err == nil {
				s.servers = append(s.servers, netip.PrefixFrom(addr, addr.BitLen()))
			} else if host != "" {
				s.domains[registrable(host)] = struct{}{}
			}
		}
	}
}

// registrable returns the domain that somebody registered host under, host
// itself where there is none.
func registrable(host string) string {
	if d, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return d
	}
	return host
}

// name reports whether host is, or is under, a domain of ours.
func (s *scope) name(host string) bool {
	if s.all {
		return true
	}
	for host != "" && len(s.domains) > 0 {
		if _, ok := s.domains[host]; ok {
			return true
		}
		_, host, _ = strings.Cut(host, ".")
	}
	return false
}

// server reports whether addr is ours.
func (s *scope) server(addr netip.Addr) bool {
	return s.all || contains(s.servers, addr)
}

// endpoint reports whether e is ours. Behind a proxy, the target asked for
// counts and not the proxy.
func (s *scope) endpoint(e *endpoint) bool {
	if e.target == "" {
		return s.server(e.server.Addr())
	}
	host := targetHost(e.target)
	if addr, err := netip.ParseAddr(host); err == nil {
		return s.server(addr.Unmap())
	}
	n, ok := discover.Hostname(host)
	return s.all || ok && s.name(n)
}

// certificate reports whether a certificate names something of ours.
func (s *scope) certificate(c *cert) bool {
	if c == nil {
		return false
	}
	for _, n := range c.names {
		if s.name(strings.TrimPrefix(n, "*.")) {
			return true
		}
	}
	return false
}

func contains(list []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, p := range list {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
