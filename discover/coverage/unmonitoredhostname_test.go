package coverage

import (
	"fmt"
	"net/netip"
	"testing"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

func TestUnmonitoredHostname(t *testing.T) {
	old := "legacy.shop.example"
	runReports(t, []reportCase{
		{"a name in use that no check names", func(s *scene) {
			s.see(old, edge, s.leaf("l", []string{old}), 5, users(3))
		}, nil, Config{}, []string{"warning unmonitored-hostname legacy.shop.example"}},
		{"with a hidden certificate", func(s *scene) {
			s.see(old, edge, none, 5, users(3))
		}, nil, Config{}, []string{"warning unmonitored-hostname legacy.shop.example", "notice hidden-certificate legacy.shop.example"}},
		{"used by one client, hardly ever", func(s *scene) {
			s.see(shop, edge, wildcard(s), 1000, users(3))
			s.see(old, edge, wildcard(s), 1, users(1))
		}, one(exact(shop, 443)), Config{}, []string{"notice unmonitored-hostname legacy.shop.example"}},
		{"a thousand tenants under a wildcard are one", func(s *scene) {
			for i := range 1000 {
				s.see(fmt.Sprintf("t%d.shop.example", i), edge, wildcard(s), 2+uint64(i/999), users(3))
			}
		}, nil, Config{}, []string{"warning unmonitored-hostname t999.shop.example"}},
		{"tenants in TLS 1.3 go with the wildcard seen on their endpoint", func(s *scene) {
			s.see("a.shop.example", edge, wildcard(s), 5, users(3))
			s.see("b.shop.example", edge, none, 6, users(3))
		}, nil, Config{}, []string{"warning unmonitored-hostname b.shop.example", "notice hidden-certificate b.shop.example"}},
		{"the names written in one certificate are apart", func(s *scene) {
			x := s.leaf("x", []string{"a.shop.example", "b.shop.example"})
			s.see("a.shop.example", edge, x, 5, users(3))
			s.see("b.shop.example", edge, x, 4, users(3))
		}, nil, Config{}, []string{"warning unmonitored-hostname a.shop.example", "warning unmonitored-hostname b.shop.example"}},
		{"a notice where another name's check sees the same certificate there", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3))
			s.see(old, edge, wildcard(s), 5, users(3))
		}, one(exact(shop, 443)), Config{}, []string{"notice unmonitored-hostname legacy.shop.example"}},
		{"not for a checked name", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3))
		}, one(exact(shop, 443)), Config{}, nil},
		{"not for a name checked without a port", func(s *scene) {
			s.see(shop, "10.0.0.10:8443", wildcard(s), 5, users(3))
		}, one(exact(shop, 0)), Config{}, nil},
		{"not for names that were only asked for", func(s *scene) {
			s.see(old, edge, none, 500, users(30), unanswered)
			s.see("x.shop.example", edge, none, 5, users(3), unanswered, ended(discover.RefusedByServer, "server:fatal:unrecognized_name"))
		}, nil, Config{}, nil},
		{"not for names that only the checks use", func(s *scene) {
			s.see(old, edge, wildcard(s), 5, []string{"10.77.3.9"})
			s.see(old, edge, wildcard(s), 5, []string{"10.5.5.5"}, byMonitor)
		}, nil, Config{MonitorSources: []netip.Prefix{netip.MustParsePrefix("10.77.3.0/24")}}, nil},
		{"not for somebody else's name", func(s *scene) {
			s.see("www.example.org", "203.0.113.5:443", s.leaf("o", []string{"www.example.org"}), 50, users(3))
		}, one(exact(shop, 443)), Config{}, nil},
		{"not for a proxy's target outside of the scope", func(s *scene) {
			s.see("www.example.org", "10.0.0.3:3128", none, 50, users(3), func(x *discover.Sighting) { x.Target = "www.example.org:443" })
		}, one(exact(shop, 443)), Config{}, nil},
		{"but for our name on a public address", func(s *scene) {
			s.see(old, "203.0.113.5:443", s.leaf("o", []string{old}), 50, users(3))
			s.see(shop, "203.0.113.5:443", wildcard(s), 50, users(3))
		}, one(exact(shop, 443)), Config{}, []string{"warning unmonitored-hostname legacy.shop.example"}},
		{"and for all with scope all", func(s *scene) {
			s.see("www.example.org", "203.0.113.5:443", s.leaf("o", []string{"www.example.org"}), 50, users(3))
		}, nil, Config{Scope: Scope{All: true}}, []string{"warning unmonitored-hostname www.example.org"}},
		{"not for a disabled check's part: it counts as none", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3))
		}, one(func() monitored.Check { c := exact(shop, 443); c.Enabled = false; return c }()), Config{},
			[]string{"warning unmonitored-hostname api.shop.example"}},
		{"not for stray names on a working endpoint", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3))
			s.see("typo.example.net", edge, wildcard(s), 1, []string{"10.9.9.9"})
		}, one(exact(shop, 443)), Config{}, nil},
		{"not for a client that guesses names", func(s *scene) {
			s.see(shop, edge, wildcard(s), 1, users(3))
			for i := range 5 {
				s.see(fmt.Sprintf("g%d.example.net", i), edge, wildcard(s), 1, []string{"10.9.9.9"})
			}
		}, one(exact(shop, 443)), Config{}, nil},
		{"not for one that guesses in TLS 1.3", func(s *scene) {
			s.see(shop, edge, none, 5, users(3))
			for i := range 12 {
				s.see(fmt.Sprintf("g%d.shop.example", i), edge, none, 1, []string{"10.9.9.9"})
			}
		}, one(exact(shop, 443)), Config{}, nil},
		{"but for the one client of a small capture", func(s *scene) {
			s.see(shop, edge, none, 50, users(1))
			for i := range 9 {
				s.see(fmt.Sprintf("g%d.shop.example", i), edge, none, 1, users(1))
			}
		}, one(exact(shop, 443)), Config{}, append(repeat("warning unmonitored-hostname g%d.shop.example", 9), "notice hidden-certificate "+edge)},
	})
}
