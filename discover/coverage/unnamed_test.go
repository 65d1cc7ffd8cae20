package coverage

import (
	"fmt"
	"testing"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

func TestUnnamedAndHidden(t *testing.T) {
	check := one(exact(shop, 443))
	runReports(t, []reportCase{
		{"no name, a certificate that nothing checks", func(s *scene) {
			s.see("", edge, s.leaf("d", []string{"db.shop.example"}), 5, users(3))
		}, nil, Config{}, []string{"notice unnamed-endpoint 10.0.0.10:443"}},
		{"no name, hidden", func(s *scene) {
			s.see("", edge, none, 5, users(3))
		}, nil, Config{}, []string{"notice unnamed-endpoint 10.0.0.10:443", "notice hidden-certificate 10.0.0.10:443"}},
		{"many of one issuer are one", func(s *scene) {
			for i := range 100 {
				s.see("", fmt.Sprintf("10.4.0.%d:9100", i+1), s.leaf(fmt.Sprint("n", i), []string{fmt.Sprintf("n%d.shop.example", i)}), 50, users(3))
			}
		}, nil, Config{}, []string{"notice unnamed-endpoint 10.4.0.1:9100"}},
		{"not where the address is checked", func(s *scene) {
			s.see("", edge, none, 5, users(3))
		}, one(byAddress("10.0.0.10", 443)), Config{}, nil},
		{"not where its name is checked here", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3))
			s.see("", edge, wildcard(s), 5, users(3))
		}, check, Config{}, nil},
		{"not where its name is checked and seen nowhere else", func(s *scene) {
			s.see("", edge, s.leaf("x", []string{shop}), 5, users(3))
		}, check, Config{}, nil},
		{"but where its name is checked elsewhere", func(s *scene) {
			s.see(shop, "10.0.0.9:443", s.leaf("x", []string{shop}), 5, users(3))
			s.see("", edge, s.leaf("y", []string{shop}), 5, users(3))
		}, check, Config{}, []string{"notice unnamed-endpoint 10.0.0.10:443"}},
		{"not for health checks in TLS 1.3", func(s *scene) {
			s.see(shop, edge, none, 5, users(3))
			s.see("", edge, none, 500, users(1))
		}, check, Config{}, nil},
		{"not out of scope", func(s *scene) {
			s.see("", "203.0.113.5:443", s.leaf("o", []string{"www.example.org"}), 5, users(3))
		}, check, Config{}, nil},
		{"but for our certificate on a public address", func(s *scene) {
			s.see("", "203.0.113.5:443", s.leaf("o", []string{"vpn.shop.example"}), 5, users(3))
			s.see(shop, edge, wildcard(s), 5, users(3))
		}, check, Config{}, []string{"notice unnamed-endpoint 203.0.113.5:443"}},
		{"hidden everywhere is one notice", func(s *scene) {
			for i := range 9 {
				s.see(fmt.Sprintf("h%d.shop.example", i), edge, none, 5, users(3))
			}
		}, func() []monitored.Check {
			var out []monitored.Check
			for i := range 9 {
				out = append(out, exact(fmt.Sprintf("h%d.shop.example", i), 8443), ping(fmt.Sprintf("h%d.shop.example", i)))
			}
			return out
		}(), Config{}, append(repeat("warning unmonitored-endpoint h%d.shop.example", 9), "notice hidden-certificate "+edge)},
		{"not where a check vouches", func(s *scene) {
			s.see(shop, edge, none, 5, users(3))
		}, check, Config{}, nil},
		{"not where another handshake shows it", func(s *scene) {
			s.see("x.shop.example", edge, none, 5, users(3))
			s.see("x.shop.example", edge, wildcard(s), 1, users(1))
		}, nil, Config{}, []string{"warning unmonitored-hostname x.shop.example"}},
		{"not where our own look shows it, which is no use", func(s *scene) {
			s.see("x.shop.example", edge, none, 5, users(3))
			s.see("x.shop.example", edge, wildcard(s), 1, []string{"10.77.0.1"}, func(x *discover.Sighting) { x.Known = discover.FromVerify })
			s.see("y.shop.example", edge, wildcard(s), 1, []string{"10.77.0.1"}, func(x *discover.Sighting) { x.Known = discover.FromVerify })
		}, nil, Config{}, []string{"warning unmonitored-hostname x.shop.example"}},
		{"not for what the sensor missed", func(s *scene) {
			s.see("x.shop.example", edge, none, 5, users(3), version("TLS 1.2"), func(x *discover.Sighting) { x.Known = discover.HiddenOneSided })
		}, nil, Config{}, []string{"warning unmonitored-hostname x.shop.example"}},
		{"not for a handshake without certificates", func(s *scene) {
			s.see("x.shop.example", edge, none, 5, users(3), func(x *discover.Sighting) { x.Known = "" })
		}, nil, Config{}, []string{"warning unmonitored-hostname x.shop.example"}},
	})
}

func repeat(format string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i)
	}
	return out
}
