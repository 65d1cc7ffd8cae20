package coverage

import (
	"testing"

	"blindspot/discover"
)

func TestWeakTLS(t *testing.T) {
	check := one(exact(shop, 443))
	short := func(c *discover.Certificate) { c.KeyType, c.KeyBits, c.Signature = "RSA", 1024, "SHA256-RSA" }
	runReports(t, []reportCase{
		{"TLS 1.0", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3), version("TLS 1.0"))
			s.see(shop, edge, wildcard(s), 5, users(3), version("TLS 1.1"))
		}, check, Config{}, []string{"warning weak-tls api.shop.example"}},
		{"TLS 1.0, one client of many", func(s *scene) {
			s.see(shop, edge, wildcard(s), 500, users(30))
			s.see(shop, edge, wildcard(s), 5, []string{"10.8.0.1"}, version("TLS 1.0"))
		}, check, Config{}, []string{"notice weak-tls api.shop.example"}},
		{"a short key", func(s *scene) {
			s.see(shop, edge, s.leaf("w", []string{shop}, short), 5, users(3))
		}, check, Config{}, []string{"warning weak-tls api.shop.example"}},
		{"an intermediate signed with SHA-1", func(s *scene) {
			ca := s.cert("Issuing CA", nil, func(c *discover.Certificate) { c.Issuer, c.Signature = "CN=Root", "SHA1-RSA" })
			s.see(shop, edge, s.chain(s.cert("x", []string{shop}), ca), 5, users(3))
		}, check, Config{}, []string{"warning weak-tls api.shop.example"}},
		{"not where it was refused", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3), version("TLS 1.0"), ended(discover.RefusedByServer, "server:fatal:protocol_version"))
			s.see(shop, edge, wildcard(s), 5, users(3), version("TLS 1.0"), ended(discover.OutcomeUnknown, ""))
		}, check, Config{}, nil},
		{"not for the checks", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3))
			s.see(shop, edge, wildcard(s), 5, users(3), version("TLS 1.0"), byMonitor)
		}, check, Config{}, nil},
		{"not for a root that was served", func(s *scene) {
			ca := s.cert("Issuing CA", nil, short, func(c *discover.Certificate) { c.Issuer, c.SelfSigned = c.Subject, true })
			s.see(shop, edge, s.chain(s.cert("x", []string{shop}), ca), 5, users(3))
		}, check, Config{}, nil},
		{"not for the signature of a self-signed one", func(s *scene) {
			s.see(shop, edge, s.leaf("x", []string{shop}, func(c *discover.Certificate) { c.SelfSigned, c.Signature = true, "SHA1-RSA" }), 5, users(3))
		}, check, Config{}, nil},
	})
}
