package coverage

import (
	"testing"

	"blindspot/discover/monitored"
)

func TestWeakCheck(t *testing.T) {
	unverified := exact(shop, 443)
	unverified.Verifies, unverified.Grade = false, monitored.GradeReachability
	use := func(s *scene) { s.see(shop, edge, wildcard(s), 5, users(3)) }
	runReports(t, []reportCase{
		{"only a ping", use, one(ping(shop)), Config{}, []string{"warning weak-check api.shop.example"}},
		{"without verification", use, one(unverified), Config{}, []string{"warning weak-check api.shop.example"}},
		{"an address without a name", use, one(byAddress("10.0.0.10", 443)), Config{},
			[]string{"warning unmonitored-hostname api.shop.example", "notice weak-check api.shop.example"}},
		{"not beside a proper check", use, []monitored.Check{ping(shop), unverified, byAddress("10.0.0.10", 443), exact(shop, 443)}, Config{}, nil},
		{"not for a ping of the address", use, []monitored.Check{ping("10.0.0.10"), exact(shop, 443)}, Config{}, nil},
		{"not by address where clients send no name", func(s *scene) {
			s.see("", edge, wildcard(s), 5, users(3))
		}, one(byAddress("10.0.0.10", 443)), Config{}, nil},
		{"not for names that nobody uses", func(s *scene) {
			s.see("", edge, wildcard(s), 5, users(3))
		}, []monitored.Check{byAddress("10.0.0.10", 443), ping(shop)}, Config{}, nil},
	})
}
