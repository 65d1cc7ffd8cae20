package coverage

import (
	"testing"

	"blindspot/discover"
)

func TestMismatch(t *testing.T) {
	check := one(exact(shop, 443))
	other := func(s *scene) discover.ChainID { return s.leaf("other", []string{"default.invalid"}) }
	runReports(t, []reportCase{
		{"clients go on with another's certificate", func(s *scene) {
			s.see(shop, edge, other(s), 5, users(3))
		}, check, Config{}, []string{"warning name-mismatch api.shop.example"}},
		{"one finding for all names", func(s *scene) {
			s.see(shop, edge, other(s), 5, users(3))
			s.see("www.shop.example", edge, other(s), 6, users(3))
		}, append(check, exact("www.shop.example", 443)), Config{}, []string{"warning name-mismatch www.shop.example"}},
		{"not where the client refuses", func(s *scene) {
			s.see(shop, edge, other(s), 1, users(1), refused("client:fatal:bad_certificate"))
		}, check, Config{}, []string{"notice client-rejects api.shop.example"}},
		{"not for the checks", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3))
			s.see(shop, edge, other(s), 5, users(3), byMonitor)
		}, check, Config{}, nil},
		{"not for SPIFFE", func(s *scene) {
			s.see(shop, edge, s.leaf("id", nil, func(c *discover.Certificate) { c.URIs = []string{"spiffe://shop.example/api"} }), 5, users(3))
		}, check, Config{}, nil},
		{"not where the common name covers it", func(s *scene) {
			s.see(shop, edge, s.leaf("cn", nil, func(c *discover.Certificate) { c.CommonName = shop }), 5, users(3))
		}, check, Config{}, nil},
		{"not without a name", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3))
			s.see("", edge, wildcard(s), 50, users(3))
		}, check, Config{}, nil},
		{"not where the certificate could not be read", func(s *scene) {
			s.see(shop, edge, s.leaf("bad", nil, func(c *discover.Certificate) { c.Problem = "odd" }), 5, users(3))
		}, check, Config{}, nil},
		{"the key does not fit", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3), func(x *discover.Sighting) { x.KeyMismatch = 15 })
		}, check, Config{}, []string{"critical key-mismatch api.shop.example"}},
		{"the key does not fit, and only checks met it", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3))
			s.see(shop, edge, wildcard(s), 5, users(1), byMonitor, ended(discover.RefusedByClient, "client:fatal:decrypt_error"), func(x *discover.Sighting) { x.KeyMismatch = 5 })
		}, check, Config{}, []string{"warning key-mismatch api.shop.example"}},
		{"not for a key that fits", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3), func(x *discover.Sighting) { x.KeyProven = 15 })
		}, check, Config{}, nil},
	})
}
