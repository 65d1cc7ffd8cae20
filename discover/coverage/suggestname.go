package coverage

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// nameAll gives the suggestions names: by their role, where traffic tells it,
// else by domain or issuer, with the network where that is not enough.
func (a *analysis) nameAll(clusters []*cluster, out []Suggestion) {
	used := map[string]int{}
	base := make([]string, len(out))
	for i, c := range clusters {
		base[i] = a.role(c, clusters, &out[i])
		used[base[i]]++
	}
	taken := map[string]bool{unassigned: true}
	for i := range out {
		name := base[i]
		if used[name] > 1 {
			name += " " + out[i].Surface.Servers[0].String()
		}
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s %s %d", base[i], out[i].Surface.Servers[0], n)
		}
		taken[name] = true
		out[i].Surface.Name = name
	}
}

// role tells what a cluster is for.
func (a *analysis) role(c *cluster, all []*cluster, s *Suggestion) string {
	switch {
	case c.members[0].mutual && len(s.TrustDomains) > 0:
		return "mesh"
	case a.watches(c):
		return "ops"
	case a.calledBy(c, all):
		return "backends"
	case a.calls(c, all), len(c.addresses()) == 1 && s.Share >= substantial:
		return "edge"
	case c.members[0].mutual:
		return "mtls"
	}
	if d := commonDomain(s.Hostnames); d != "" {
		return d
	}
	if len(s.Authorities) > 0 {
		return clean(issuerName(s.Authorities[0]))
	}
	return "endpoints"
}

// watches reports whether the checks come from the cluster's own network.
func (a *analysis) watches(c *cluster) bool {
	return slices.ContainsFunc(c.members, func(p *profile) bool {
		return slices.ContainsFunc(a.cfg.MonitorSources, func(m netip.Prefix) bool {
			return netOf(p).prefix.Contains(m.Addr()) && m.Bits() >= netOf(p).prefix.Bits()
		})
	})
}

// calledBy reports whether most handshakes with the cluster, as far as clients
// are known, are made by the servers of another one, or passed on by them.
func (a *analysis) calledBy(c *cluster, all []*cluster) bool {
	var from, of uint64
	servers := othersOf(c, all)
	for _, p := range c.members {
		if slices.ContainsFunc(a.before(p.endpoint), func(f netip.AddrPort) bool { return servers[f.Addr().Unmap()] }) {
			return true
		}
		for _, x := range p.cells {
			for _, k := range x.clients.Exact {
				of += k.Count
				if servers[k.Addr.Addr().Unmap()] {
					from += k.Count
				}
			}
		}
	}
	return 2*from > of
}

func othersOf(c *cluster, all []*cluster) map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	for _, o := range all {
		if o != c {
			for _, addr := range o.addresses() {
				out[addr] = true
			}
		}
	}
	return out
}

// calls reports whether another cluster is one of backends to this one alone.
func (a *analysis) calls(c *cluster, all []*cluster) bool {
	return slices.ContainsFunc(all, func(o *cluster) bool { return o != c && a.calledBy(o, []*cluster{c, o}) })
}

// commonDomain is the longest domain that all hostnames are under.
func commonDomain(hosts []string) string {
	if len(hosts) == 0 {
		return ""
	}
	d := hosts[0]
	for _, h := range hosts[1:] {
		for h != d && !strings.HasSuffix(h, "."+d) {
			_, rest, ok := strings.Cut(d, ".")
			if !ok {
				return ""
			}
			d = rest
		}
	}
	if !strings.Contains(d, ".") && len(hosts) > 1 {
		return ""
	}
	return d
}
