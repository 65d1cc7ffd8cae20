package coverage

import (
	"fmt"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

func TestValidity(t *testing.T) {
	names := []string{shop}
	check := one(exact(shop, 443))
	// Another site, so that it is no split deployment.
	busyEdge := func(s *scene) {
		s.see(shop, "10.0.0.9:443", s.leaf("good", names), 1000, users(20), func(x *discover.Sighting) { x.Network = "other site" })
	}
	runReports(t, []reportCase{
		{"expired, used by many", func(s *scene) {
			s.see(shop, edge, s.leaf("x", names, valid(-90*day, -2*day)), 5, users(3))
		}, check, Config{}, []string{"critical expired-certificate api.shop.example"}},
		{"expired, used by few", func(s *scene) {
			busyEdge(s)
			s.see(shop, edge, s.leaf("x", names, valid(-90*day, -2*day)), 5, users(1))
		}, check, Config{}, []string{"warning expired-certificate api.shop.example"}},
		{"expired, and clients refuse it", func(s *scene) {
			s.see(shop, edge, s.leaf("x", names, valid(-90*day, -2*day)), 5, users(3), refused("client:fatal:certificate_expired"))
		}, check, Config{}, []string{"critical expired-certificate api.shop.example", "critical client-rejects api.shop.example"}},
		{"expired in the middle of the window", func(s *scene) {
			s.see(shop, edge, s.leaf("x", names, valid(-90*day, 30*time.Minute)), 5, users(3))
		}, check, Config{}, []string{"critical expired-certificate api.shop.example"}},
		{"expired, and only the checks met it", func(s *scene) {
			busyEdge(s)
			s.see(shop, edge, s.leaf("x", names, valid(-90*day, -2*day)), 5, users(1), byMonitor)
		}, []monitored.Check{pinned(shop, "10.0.0.9", 443), pinned(shop, "10.0.0.10", 443)}, Config{}, []string{"notice expired-certificate api.shop.example"}},
		{"expired on many endpoints is one", func(s *scene) {
			x := s.leaf("x", names, valid(-90*day, -2*day))
			for i := range 9 {
				s.see(shop, fmt.Sprintf("10.0.0.%d:443", i+1), x, 5, users(3))
			}
		}, check, Config{}, []string{"critical expired-certificate api.shop.example"}},
		{"not expired after its last use", func(s *scene) {
			s.see(shop, edge, s.leaf("x", names, valid(-90*day, 30*time.Minute)), 5, users(3), at(0, 29*time.Minute))
			busyEdge(s)
		}, check, Config{}, nil},
		{"not expired by the skew of a clock", func(s *scene) {
			s.see(shop, edge, s.leaf("x", names, valid(-90*day, time.Hour-30*time.Second)), 5, users(3))
			s.see(shop, edge, s.leaf("y", names, valid(-day, 89*day)), 5, users(3))
		}, check, Config{}, nil},
		{"not expired where only a scanner met it", func(s *scene) {
			busyEdge(s)
			for i := range 12 {
				s.see("", fmt.Sprintf("10.3.0.%d:443", i+1), s.leaf("x", names, valid(-90*day, -2*day)), 1, []string{"10.66.6.6"}, version("TLS 1.0"))
			}
		}, check, Config{}, nil},
		{"but where one client makes all of a small capture", func(s *scene) {
			for i := range 12 {
				s.see("", fmt.Sprintf("10.3.0.%d:443", i+1), s.leaf("x", names, valid(-90*day, -2*day)), 1, []string{"10.9.0.1"}, refused("client:fatal:certificate_expired"))
			}
		}, check, Config{}, []string{"critical expired-certificate 10.3.0.1:443", "warning client-rejects 10.3.0.1:443"}},
		{"but where a program that dials addresses met it", func(s *scene) {
			for i := range 9 {
				s.see("", fmt.Sprintf("10.3.0.%d:443", i+1), s.leaf("x", names, valid(-90*day, -2*day)), 1, []string{"10.66.6.6"})
			}
		}, func() []monitored.Check {
			var out []monitored.Check
			for i := range 9 {
				out = append(out, byAddress(fmt.Sprintf("10.3.0.%d", i+1), 443))
			}
			return out
		}(), Config{}, []string{"critical expired-certificate 10.3.0.1:443"}},
		{"an intermediate expired", func(s *scene) {
			ca := s.cert("Issuing CA", nil, valid(-900*day, -2*day), func(c *discover.Certificate) { c.Issuer, c.CA = "CN=Root", true })
			s.see(shop, edge, s.chain(s.cert("x", names), ca), 5, users(3))
		}, check, Config{}, []string{"warning expired-certificate api.shop.example"}},
		{"not for a root that was served", func(s *scene) {
			ca := s.cert("Issuing CA", nil, valid(-900*day, -2*day), func(c *discover.Certificate) { c.Issuer, c.CA, c.SelfSigned = c.Subject, true, true })
			s.see(shop, edge, s.chain(s.cert("x", names), ca), 5, users(3))
		}, check, Config{}, nil},
		{"not for an intermediate served in a valid version too", func(s *scene) {
			ca := func(label string, to time.Duration) *discover.Certificate {
				return s.cert(label, nil, valid(-900*day, to), func(c *discover.Certificate) { c.Subject, c.Issuer, c.CA = "CN=Issuing CA", "CN=Root", true })
			}
			s.see(shop, edge, s.chain(s.cert("x", names), ca("a", -2*day), ca("b", year)), 5, users(3))
		}, check, Config{}, nil},
		{"not for a stranger in the chain", func(s *scene) {
			ca := s.cert("Another CA", nil, valid(-900*day, -2*day), func(c *discover.Certificate) { c.Issuer = "CN=Root" })
			s.see(shop, edge, s.chain(s.cert("x", names), ca), 5, users(3))
		}, check, Config{}, nil},
		{"a client certificate expired", func(s *scene) {
			id := s.leaf("client", nil, valid(-90*day, -2*day))
			s.see(shop, edge, s.leaf("x", names), 5, users(3), func(x *discover.Sighting) { x.ClientChain = id })
		}, check, Config{}, []string{"warning expired-certificate api.shop.example"}},
		{"not yet valid", func(s *scene) {
			s.see(shop, edge, s.leaf("x", names, valid(2*day, 90*day)), 5, users(3))
		}, check, Config{}, []string{"critical not-yet-valid-certificate api.shop.example"}},
		{"not for a certificate used from its first minute", func(s *scene) {
			s.see(shop, edge, s.leaf("x", names, valid(30*time.Second, 90*day)), 5, users(3))
		}, check, Config{}, nil},
		{"expiring", func(s *scene) {
			s.see(shop, edge, s.leaf("x", names, valid(-80*day, 10*day)), 5, users(3))
		}, check, Config{}, []string{"warning expiring-certificate api.shop.example"}},
		{"not expiring within what is configured", func(s *scene) {
			s.see(shop, edge, s.leaf("x", names, valid(-80*day, 10*day)), 5, users(3))
		}, check, Config{ExpiringWithin: 9 * day}, nil},
		{"not where a newer one is there", func(s *scene) {
			s.see(shop, edge, s.leaf("x", names, valid(-80*day, 10*day)), 5, users(3))
			s.see(shop, edge, s.leaf("y", names, valid(-day, 89*day)), 5, users(3))
		}, check, Config{}, nil},
		{"but where only the other half of a pair is newer", func(s *scene) {
			s.see(shop, edge, s.leaf("x", names, valid(-80*day, 10*day)), 5, users(3))
			s.see(shop, edge, s.leaf("y", names, valid(-day, 89*day), func(c *discover.Certificate) { c.KeyType, c.KeyBits = "RSA", 2048 }), 5, users(3))
		}, check, Config{}, []string{"warning expiring-certificate api.shop.example"}},
		{"not for a mesh in rotation", func(s *scene) {
			s.see(shop, edge, s.leaf("x", names, valid(-12*time.Hour, 12*time.Hour)), 5, users(3))
		}, check, Config{}, nil},
		{"not for ACME's six days at two thirds", func(s *scene) {
			s.see(shop, edge, s.leaf("x", names, valid(-4*day, 2*day)), 5, users(3))
		}, check, Config{}, nil},
		{"but for six days of which an hour is left", func(s *scene) {
			s.see(shop, edge, s.leaf("x", names, valid(-6*day, 2*time.Hour)), 5, users(3))
		}, check, Config{}, []string{"warning expiring-certificate api.shop.example"}},
		{"not expiring where only the checks met it", func(s *scene) {
			busyEdge(s)
			s.see(shop, edge, s.leaf("x", names, valid(-80*day, 10*day)), 5, users(3), byMonitor)
		}, one(pinned(shop, "10.0.0.9", 443)), Config{}, nil},
	})
}

func TestLive(t *testing.T) {
	build := func(to time.Duration) func(*scene) {
		return func(s *scene) {
			s.live = true
			s.see(shop, edge, s.leaf("x", []string{shop}, valid(-80*day, to)), 5, users(3))
		}
	}
	check := one(exact(shop, 443))
	runReports(t, []reportCase{
		{"expired since its last use", build(2 * time.Hour), check, Config{Now: t0.Add(3 * time.Hour)}, []string{"warning expired-certificate api.shop.example"}},
		{"not where its last use was long ago", build(2 * time.Hour), check, Config{Now: t0.Add(3 * day)}, nil},
		{"not before its end", build(20 * day), check, Config{Now: t0.Add(3 * time.Hour)}, nil},
		{"expiring by now", build(20 * day), check, Config{Now: t0.Add(6*day + 12*time.Hour)}, []string{"warning expiring-certificate api.shop.example"}},
		{"not expiring where it was not used for a week", build(20 * day), check, Config{Now: t0.Add(9 * day)}, nil},
	})
}
