package coverage

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

func issuer(dn string) certOption { return func(c *discover.Certificate) { c.Issuer = dn } }

func rsa(c *discover.Certificate) { c.KeyType, c.KeyBits = "RSA", 2048 }

// forwarded makes a sighting one of the far sides of handshakes.
func forwarded(n uint64) option {
	return func(x *discover.Sighting) { x.Forwarded, x.Count, x.Clients = n, 0, discover.Clients{} }
}

func TestSplit(t *testing.T) {
	const b1, b2, b3 = "10.1.0.1:8443", "10.1.0.2:8443", "10.1.0.3:8443"
	const split, stale = "warning split-deployment api.shop.example", "warning stale-certificate api.shop.example"
	names := []string{shop}
	check := []monitored.Check{exact(shop, 8443)}
	surface := Config{Surfaces: []Surface{{Name: "backends", Servers: prefixes("10.1.0.0/16")}}}
	old := func(s *scene, o ...certOption) discover.ChainID {
		return s.leaf("old", names, append([]certOption{valid(-300*day, 65*day)}, o...)...)
	}
	renewed := func(s *scene, o ...certOption) discover.ChainID {
		return s.leaf("new", names, append([]certOption{valid(-6*day, 359*day)}, o...)...)
	}
	runReports(t, []reportCase{
		{"two endpoints, two certificates", func(s *scene) {
			s.see(shop, b1, renewed(s), 5, users(3))
			s.see(shop, b2, old(s), 5, users(3))
		}, check, surface, []string{split, stale}},
		{"two of one renewal", func(s *scene) {
			s.see(shop, b1, s.leaf("a", names), 5, users(3))
			s.see(shop, b2, s.leaf("b", names), 5, users(3))
		}, check, surface, []string{split}},
		{"one finding for all names of the same certificates", func(s *scene) {
			a, b := s.leaf("a", []string{"*.shop.example"}), s.leaf("b", []string{"*.shop.example"})
			for _, n := range []string{shop, "www.shop.example", "m.shop.example"} {
				s.see(n, b1, a, 5, users(3))
				s.see(n, b2, b, 5, users(3))
			}
		}, []monitored.Check{exact(shop, 8443), exact("www.shop.example", 8443), exact("m.shop.example", 8443)}, surface, []string{"warning split-deployment api.shop.example"}},
		{"not one certificate on many addresses", func(s *scene) {
			for i := range 40 {
				s.see(shop, fmt.Sprintf("10.1.%d.9:8443", i), renewed(s), 5, users(3))
			}
		}, check, surface, nil},
		{"not a pair of RSA and ECDSA", func(s *scene) {
			s.see(shop, b1, renewed(s), 5, users(3))
			s.see(shop, b1, s.leaf("rsa", names, valid(-6*day, 359*day), rsa), 5, users(3))
			s.see(shop, b2, s.leaf("rsa", names, valid(-6*day, 359*day), rsa), 5, users(3))
		}, check, surface, nil},
		{"but an ECDSA certificate and an RSA one that has ended", func(s *scene) {
			s.see(shop, b1, renewed(s), 5, users(3))
			s.see(shop, b2, s.leaf("rsa", names, valid(-300*day, -day), rsa), 5, users(3))
		}, check, surface, []string{"critical expired-certificate api.shop.example", "critical stale-certificate api.shop.example", split}},
		{"not a rotation that all endpoints follow", func(s *scene) {
			for i, b := range []string{b1, b2, b3} {
				turn := time.Duration(10*i+10) * time.Minute
				s.see(shop, b, old(s), 5, users(3), at(0, turn))
				s.see(shop, b, renewed(s), 5, users(3), at(turn, time.Hour))
			}
		}, check, surface, nil},
		{"not a rotation that is under way", func(s *scene) {
			s.see(shop, b1, old(s), 5, users(3), at(0, 50*time.Minute))
			s.see(shop, b1, renewed(s), 5, users(3), at(50*time.Minute, time.Hour))
			s.see(shop, b2, old(s), 5, users(3))
		}, check, surface, nil},
		{"but one that an endpoint did not follow within the grace", func(s *scene) {
			s.see(shop, b1, old(s), 5, users(3), at(0, 50*time.Minute))
			s.see(shop, b1, renewed(s), 5, users(3), at(50*time.Minute, 5*time.Hour))
			s.see(shop, b2, old(s), 5, users(3), at(0, 5*time.Hour))
		}, check, surface, []string{split, stale}},
		{"not an endpoint that was last seen before", func(s *scene) {
			s.see(shop, b1, renewed(s), 5, users(3), at(time.Hour, 5*time.Hour))
			s.see(shop, b2, old(s), 5, users(3), at(0, 50*time.Minute))
		}, check, surface, nil},
		{"not one that was last seen within the grace, long ago", func(s *scene) {
			s.see(shop, b1, renewed(s), 5, users(3), at(0, 5*time.Hour))
			s.see(shop, b2, old(s), 5, users(3), at(0, 50*time.Minute))
		}, check, surface, nil},
		{"a notice where the new one is fresh", func(s *scene) {
			s.see(shop, b1, s.leaf("fresh", names, valid(-2*time.Hour, 360*day)), 5, users(3))
			s.see(shop, b2, old(s), 5, users(3))
		}, check, surface, []string{"notice split-deployment api.shop.example"}},
		{"not in a mesh", func(s *scene) {
			for i, b := range []string{b1, b2, b3} {
				s.see(shop, b, s.leaf(fmt.Sprint("m", i), names, valid(-time.Duration(i)*time.Hour, 24*time.Hour-time.Duration(i)*time.Hour)), 5, users(3))
			}
		}, check, surface, nil},
		{"but in a mesh of two authorities", func(s *scene) {
			s.see(shop, b1, s.leaf("m1", names, valid(-time.Hour, 23*time.Hour)), 5, users(3))
			s.see(shop, b2, s.leaf("m2", names, valid(-time.Hour, 23*time.Hour), issuer("CN=Other")), 5, users(3))
		}, check, surface, []string{split}},
		{"not for an edge and its backends in two surfaces", func(s *scene) {
			s.see(shop, "10.0.0.10:8443", old(s, issuer("CN=Public")), 5, users(3))
			s.see(shop, b1, renewed(s), 5, []string{"10.0.0.10"})
		}, check, surface, nil},
		{"nor in one", func(s *scene) {
			s.see(shop, "10.1.0.10:8443", old(s, issuer("CN=Public")), 5, users(3))
			s.see(shop, b1, renewed(s), 5, []string{"10.1.0.10"})
		}, check, surface, nil},
		{"not for other networks and issuers where no surface says", func(s *scene) {
			s.see(shop, b1, old(s, issuer("CN=Public")), 5, users(3))
			s.see(shop, "10.2.0.1:8443", renewed(s), 5, users(3))
		}, check, Config{}, nil},
		{"not for other ports", func(s *scene) {
			s.see(shop, b1, old(s, issuer("CN=Public")), 5, users(3))
			s.see(shop, "10.1.0.1:443", renewed(s), 5, users(3))
		}, []monitored.Check{exact(shop, 8443), exact(shop, 443)}, Config{}, []string{stale}},
		{"not for certificates of some clients", func(s *scene) {
			s.see(shop, b1, old(s), 5, []string{"10.9.0.1", "10.9.0.2"})
			s.see(shop, b1, renewed(s), 5, []string{"10.9.0.3"}, at(0, 59*time.Minute))
		}, check, surface, nil},
		{"but where one address gives both to the same clients, on and on", func(s *scene) {
			s.see(shop, b1, old(s), 5, users(3), at(0, 5*time.Hour))
			s.see(shop, b1, renewed(s), 5, users(3), at(0, 5*time.Hour))
		}, check, surface, []string{split, stale}},
		{"not where one does not fit the name", func(s *scene) {
			s.see(shop, b1, renewed(s), 5, users(3))
			s.see(shop, b2, s.leaf("default", []string{"default.invalid"}), 5, users(3))
		}, check, surface, []string{"warning name-mismatch api.shop.example"}},
		{"not where only checks met the other", func(s *scene) {
			s.see(shop, b1, renewed(s), 5, users(3))
			s.see(shop, b2, old(s), 5, users(3), byMonitor)
		}, []monitored.Check{pinned(shop, "10.1.0.1", 8443), pinned(shop, "10.1.0.2", 8443)}, surface, nil},
		{"not where it is hidden", func(s *scene) {
			s.see(shop, b1, renewed(s), 5, users(3))
			s.see(shop, b2, none, 5, users(3))
		}, check, surface, nil},
	})
}

// Behind a load balancer that passes TLS on, the far sides tell which server
// presents what; their handshakes are counted where clients made them.
func TestSplitBehindLoadBalancer(t *testing.T) {
	s := newScene()
	old, renewed := s.leaf("old", []string{shop}, valid(-300*day, -day)), s.leaf("new", []string{shop}, valid(-6*day, year))
	s.see(shop, "10.0.0.10:443", old, 5, users(3))
	s.see(shop, "10.0.0.10:443", renewed, 5, users(3))
	s.see(shop, "10.1.0.1:443", old, 5, users(3), forwarded(15))
	s.see(shop, "10.1.0.2:443", renewed, 5, users(3), forwarded(15))
	inv := s.inventory()
	vip := netip.MustParseAddrPort("10.0.0.10:443")
	for _, b := range []string{"10.1.0.1:443", "10.1.0.2:443"} {
		inv.Hops = append(inv.Hops, discover.HopCount{Hop: discover.Hop{From: vip, To: netip.MustParseAddrPort(b)}, Count: 15})
	}
	cfg := Config{Surfaces: []Surface{{Name: "edge", Servers: prefixes("10.0.0.0/24")}, {Name: "backends", Servers: prefixes("10.1.0.0/24")}}}
	r, err := Compare(inv, &monitored.Result{Checks: one(exact(shop, 443))}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	for _, f := range r.Findings {
		kinds[f.Kind+" "+f.Surface] = strings.Join(f.Endpoints, " ")
	}
	if got := kinds["stale-certificate backends"]; got != "10.1.0.1:443" {
		t.Errorf("stale at %q, want 10.1.0.1:443; findings %v", got, kinds)
	}
	if got := kinds["split-deployment backends"]; got != "10.1.0.1:443 10.1.0.2:443" {
		t.Errorf("split at %q; findings %v", got, kinds)
	}
	if r.Summary.Handshakes != 30 {
		t.Errorf("got %d handshakes, want the 30 of clients", r.Summary.Handshakes)
	}
	if e, b := r.Surfaces[0], r.Surfaces[1]; len(e.HopsOut) != 1 || e.HopsOut[0] != (SurfaceHop{"backends", 30}) || len(b.HopsIn) != 1 || b.HopsIn[0] != (SurfaceHop{"edge", 30}) {
		t.Errorf("got hops %v and %v", e.HopsOut, b.HopsIn)
	}
}

func TestStaleText(t *testing.T) {
	s := newScene()
	old, renewed := s.leaf("old", []string{shop}, valid(-300*day, -2*day)), s.leaf("new", []string{shop}, valid(-6*day, year))
	s.see(shop, "10.77.1.21:8443", renewed, 5, users(3))
	s.see(shop, "10.77.1.24:8443", old, 5, users(3))
	s.see(shop, "10.77.1.25:8443", old, 5, users(3))
	r := s.compare(t, one(exact(shop, 8443)), Config{})
	for _, f := range r.Findings {
		if f.Kind != "stale-certificate" {
			continue
		}
		for _, want := range []string{"renewed on 2026-11-17", "10.77.1.24:8443, 10.77.1.25:8443 still serve the certificate that expired on 2026-11-21"} {
			if !strings.Contains(f.Detail, want) {
				t.Errorf("detail has no %q: %s", want, f.Detail)
			}
		}
		if e := f.Evidence["still_old"].([]showingEvidence); len(e) != 2 || e[0].FirstSeen != "2026-11-23T10:00:00Z" || e[0].Handshakes != 15 {
			t.Errorf("got evidence %+v", e)
		}
		return
	}
	t.Errorf("no stale-certificate in %q", lines(r.Findings))
}

// What a monitor says it saw is a witness, and evidence.
func TestSeenFingerprint(t *testing.T) {
	seen := func(s *scene, label string, opts ...certOption) []monitored.Check {
		c := exact(shop, 443)
		c.SeenFingerprint = s.cert(label, []string{shop}, opts...).SHA256.String()
		return one(c)
	}
	for _, c := range []struct {
		name  string
		build func(s *scene) []monitored.Check
		want  []string
	}{
		{"clients get what it sees", func(s *scene) []monitored.Check {
			s.see(shop, edge, s.leaf("a", []string{shop}), 5, users(3))
			return seen(s, "a")
		}, nil},
		{"clients get another one at one address of two", func(s *scene) []monitored.Check {
			s.see(shop, edge, s.leaf("a", []string{shop}), 5, users(3))
			s.see(shop, "10.0.0.11:443", s.leaf("b", []string{shop}), 5, users(3))
			return seen(s, "a")
		}, []string{"warning split-deployment api.shop.example", "warning unmonitored-endpoint api.shop.example"}},
		{"clients get another one everywhere", func(s *scene) []monitored.Check {
			s.see(shop, edge, s.leaf("b", []string{shop}), 5, users(3))
			return seen(s, "a")
		}, []string{"warning unmonitored-endpoint api.shop.example"}},
		{"not where one endpoint hides its certificate", func(s *scene) []monitored.Check {
			s.see(shop, edge, none, 5, users(3))
			s.see(shop, "10.0.0.21:443", s.leaf("b", []string{shop}), 5, []string{"10.0.0.10"})
			return seen(s, "a")
		}, nil},
		{"not where it is installed later", func(s *scene) []monitored.Check {
			s.see(shop, edge, s.leaf("b", []string{shop}), 5, users(3))
			return seen(s, "a", valid(2*time.Hour, year))
		}, nil},
		{"not for the other half of a pair", func(s *scene) []monitored.Check {
			s.see(shop, edge, s.leaf("b", []string{shop}), 5, users(3))
			return seen(s, "a", rsa)
		}, nil},
		{"not where nobody knows it", func(s *scene) []monitored.Check {
			s.see(shop, edge, s.leaf("b", []string{shop}), 5, users(3))
			checks := seen(s, "a")
			clear(s.certs)
			s.leaf("b", []string{shop})
			return checks
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene()
			checks := c.build(s)
			r := s.compare(t, checks, Config{})
			if c.want == nil {
				c.want = []string{}
			}
			equal(t, lines(r.Findings), c.want)
			for _, f := range r.Findings {
				t.Log(f.Detail)
				if f.Evidence["check_sees"] == nil {
					t.Errorf("%s: no evidence of what the check sees", f.Kind)
				}
			}
			if r.Checks[0].Sees != checks[0].SeenFingerprint {
				t.Errorf("check sees %q", r.Checks[0].Sees)
			}
		})
	}
}
