package coverage

import (
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

func TestUnmonitoredEndpoint(t *testing.T) {
	inSurface := Config{Surfaces: []Surface{{Name: "edge", Owner: "infra", Servers: prefixes("10.0.0.0/24")}}}
	runReports(t, []reportCase{
		{"another port", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3))
			s.see(shop, "10.0.0.10:8443", wildcard(s), 5, users(3))
		}, one(exact(shop, 443)), Config{}, []string{"warning unmonitored-endpoint api.shop.example"}},
		{"not where a second check has the port", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3))
			s.see(shop, "10.0.0.10:8443", wildcard(s), 5, users(3))
		}, []monitored.Check{exact(shop, 443), exact(shop, 8443)}, Config{}, nil},
		{"witnessed here, another certificate there", func(s *scene) {
			s.see(shop, edge, s.leaf("new", []string{shop}), 5, []string{"10.7.7.7"}, byMonitor)
			s.see(shop, "10.0.0.11:443", s.leaf("old", []string{shop}), 5, users(3))
		}, one(exact(shop, 443)), Config{}, []string{"warning unmonitored-endpoint api.shop.example"}},
		{"the same where clients reach both", func(s *scene) {
			s.see(shop, edge, s.leaf("new", []string{shop}), 5, []string{"10.7.7.7"}, byMonitor)
			s.see(shop, edge, s.leaf("new", []string{shop}), 5, users(3))
			s.see(shop, "10.0.0.11:443", s.leaf("old", []string{shop}), 5, users(3))
		}, one(exact(shop, 443)), Config{}, []string{"warning split-deployment api.shop.example", "warning unmonitored-endpoint api.shop.example"}},
		{"and where a surface says that they are alike", func(s *scene) {
			s.see(shop, edge, s.leaf("new", []string{shop}), 5, []string{"10.7.7.7"}, byMonitor)
			s.see(shop, edge, s.leaf("new", []string{shop}), 5, []string{"10.8.8.8"})
			s.see(shop, "10.0.0.11:443", s.leaf("old", []string{shop}), 5, users(3))
		}, one(exact(shop, 443)), inSurface, []string{"warning split-deployment api.shop.example", "warning unmonitored-endpoint api.shop.example"}},
		{"not for another address with the same certificate", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, []string{"10.7.7.7"}, byMonitor)
			s.see(shop, "10.0.0.11:443", wildcard(s), 5, users(3))
		}, one(exact(shop, 443)), Config{}, nil},
		{"not where a certificate is hidden", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, []string{"10.7.7.7"}, byMonitor)
			s.see(shop, "10.0.0.11:443", none, 5, users(3))
		}, one(exact(shop, 443)), Config{}, nil},
		{"not where time allows for a renewal", func(s *scene) {
			s.see(shop, "10.0.0.11:443", s.leaf("old", []string{shop}), 5, users(3), at(0, time.Minute))
			s.see(shop, edge, s.leaf("new", []string{shop}, valid(-day, year)), 5, []string{"10.7.7.7"}, byMonitor, at(2*time.Minute, time.Hour))
		}, one(exact(shop, 443)), Config{}, nil},
		{"but where the old one comes after the new", func(s *scene) {
			s.see(shop, edge, s.leaf("new", []string{shop}, valid(-day, year)), 5, []string{"10.7.7.7"}, byMonitor, at(0, time.Minute))
			s.see(shop, "10.0.0.11:443", s.leaf("old", []string{shop}), 5, users(3), at(2*time.Minute, time.Hour))
		}, one(exact(shop, 443)), Config{}, []string{"warning unmonitored-endpoint api.shop.example"}},
		{"not for an RSA/ECDSA pair", func(s *scene) {
			s.see(shop, edge, s.leaf("ec", []string{shop}), 5, []string{"10.7.7.7"}, byMonitor)
			s.see(shop, "10.0.0.11:443", s.leaf("rsa", []string{shop}, func(c *discover.Certificate) { c.KeyType, c.KeyBits = "RSA", 2048 }), 5, users(3))
		}, one(exact(shop, 443)), Config{}, nil},
		{"not for short-lived certificates of one issuer", func(s *scene) {
			s.see(shop, edge, s.leaf("a", []string{shop}, valid(-time.Hour, 23*time.Hour)), 5, []string{"10.7.7.7"}, byMonitor)
			s.see(shop, "10.0.0.11:443", s.leaf("b", []string{shop}, valid(-time.Hour, 23*time.Hour)), 5, users(3))
		}, one(exact(shop, 443)), Config{}, nil},
		{"not for the backends of the edge", func(s *scene) {
			s.see(shop, edge, s.leaf("outer", []string{shop}), 5, []string{"10.7.7.7"}, byMonitor)
			s.see(shop, edge, s.leaf("outer", []string{shop}), 5, users(3))
			s.see(shop, "10.0.0.21:443", s.leaf("inner", []string{shop}), 5, []string{"10.0.0.10"})
			s.see(shop, "10.0.0.22:443", s.leaf("inner", []string{shop}), 5, []string{"10.0.0.9"})
		}, one(exact(shop, 443)), Config{}, nil},
		{"not for an endpoint of another surface", func(s *scene) {
			s.see(shop, edge, s.leaf("outer", []string{shop}), 5, []string{"10.7.7.7"}, byMonitor)
			s.see(shop, "10.1.0.21:443", s.leaf("inner", []string{shop}), 5, users(3))
		}, one(exact(shop, 443)), inSurface, nil},
		{"an address in the check, and clients at another", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3))
			s.see(shop, "10.0.0.11:443", wildcard(s), 5, users(3))
		}, one(pinned(shop, "10.0.0.10", 443)), Config{}, []string{"notice unmonitored-endpoint api.shop.example"}},
		{"not where the address in the check is not seen at all", func(s *scene) {
			s.see(shop, "10.0.0.11:443", wildcard(s), 5, users(3))
		}, one(pinned(shop, "203.0.113.9", 443)), Config{}, nil},
		{"not where each address has its check", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3))
			s.see(shop, "10.0.0.11:443", s.leaf("old", []string{shop}), 5, users(3))
		}, []monitored.Check{pinned(shop, "10.0.0.10", 443), pinned(shop, "10.0.0.11", 443)}, Config{}, []string{"warning split-deployment api.shop.example"}},
	})
}
