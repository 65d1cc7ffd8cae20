package coverage

import (
	"testing"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

// public makes a sighting one of an ECH provider's public name.
func public(x *discover.Sighting) { x.Name, x.ECH = discover.NamePublic, x.Count }

const provider = "ech.shop.example"

// TestPublicNameRaisesNothing: what is asked for under a public name is not
// known, so nothing can be said of it, and nothing is to be checked.
func TestPublicNameRaisesNothing(t *testing.T) {
	use := func(s *scene) { s.see(shop, edge, wildcard(s), 5, users(3)) }
	check := one(exact(shop, 443))
	both := []monitored.Check{exact(shop, 443), exact(provider, 443)}
	runReports(t, []reportCase{
		{"nothing monitors it", func(s *scene) {
			use(s)
			s.see(provider, edge, none, 5, users(3), public)
		}, check, Config{}, nil},
		{"at an endpoint of its own", func(s *scene) {
			use(s)
			s.see(provider, "10.0.0.20:443", none, 5, users(3), public)
		}, check, Config{}, nil},
		{"the same without ECH is a hostname", func(s *scene) {
			use(s)
			s.see(provider, edge, wildcard(s), 5, users(3))
		}, check, Config{}, []string{"notice unmonitored-hostname ech.shop.example"}},
		{"a certificate of another name", func(s *scene) {
			use(s)
			s.see(provider, edge, s.leaf("x", []string{shop}), 5, users(3), public)
		}, check, Config{}, nil},
		{"a check of it is not unused", func(s *scene) {
			use(s)
			s.see(provider, edge, none, 5, users(3), public)
		}, both, Config{}, nil},
		{"a check of it is, where nobody asks for it", use, both, Config{}, []string{"notice unused-check ech.shop.example"}},
		{"the check's own handshakes", func(s *scene) {
			use(s)
			s.see(provider, edge, none, 5, users(3), public)
			s.see(provider, edge, wildcard(s), 5, users(1), byMonitor)
		}, both, Config{}, nil},
		{"one client at many servers is no scanner", func(s *scene) {
			s.see(shop, edge, wildcard(s), 50, users(3))
			for _, server := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"} {
				s.see(provider, "10.0.1."+server+":443", none, 1, []string{"10.9.9.9"}, public)
			}
		}, check, Config{}, nil},
	})
}

// TestPublicNameIsNoHostname: the summary does not count it, its endpoint it does.
func TestPublicNameIsNoHostname(t *testing.T) {
	s := newScene()
	s.see(shop, edge, wildcard(s), 5, users(3))
	s.see(provider, "10.0.0.20:443", none, 5, users(3), public)
	s.see("cloudflare-ech.com", "104.16.1.1:443", none, 7, users(2), public)
	r := s.compare(t, one(exact(shop, 443)), Config{})
	if n := r.Summary; n.Hostnames != 1 || n.Monitored != 1 || n.Unmonitored != 0 || n.Endpoints != 2 || n.Handshakes != 30 || n.Scanners != 0 {
		t.Errorf("got %+v", n)
	}
	want := OutOfScopeEntry{Hostname: "cloudflare-ech.com", Port: 443, Handshakes: 14, ECHPublic: true}
	if o := r.OutOfScope; o.Handshakes != 14 || len(o.Largest) != 1 || o.Largest[0] != want {
		t.Errorf("got %+v out of scope, want %+v", o, want)
	}
	if r.AskedOnly.Names != 0 {
		t.Errorf("got %+v asked for", r.AskedOnly)
	}
	list, err := Suggest(s.inventory(), Config{Scope: Scope{All: true}})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range list {
		for _, n := range g.Hostnames {
			if n != shop {
				t.Errorf("%s is suggested as a name of %s", n, g.Surface.Name)
			}
		}
	}
}
