package coverage

import (
	"fmt"
	"testing"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

func TestClientRejects(t *testing.T) {
	check := one(exact(shop, 443))
	good := func(s *scene) { s.see(shop, edge, wildcard(s), 50, users(20)) }
	protected := refused("client:protected")
	runReports(t, []reportCase{
		{"one client, again and again", func(s *scene) {
			good(s)
			s.see(shop, edge, wildcard(s), 5, []string{"10.8.0.1"}, refused("client:fatal:unknown_ca"))
		}, check, Config{}, []string{"warning client-rejects api.shop.example"}},
		{"all clients", func(s *scene) {
			s.see(shop, edge, wildcard(s), 5, users(3), refused("client:fatal:unknown_ca"))
		}, check, Config{}, []string{"critical client-rejects api.shop.example"}},
		{"in TLS 1.3, with an alert in the clear", func(s *scene) {
			s.see(shop, edge, none, 50, users(20))
			s.see(shop, edge, none, 5, []string{"10.8.0.1"}, refused("client:fatal:unknown_ca"))
		}, check, Config{}, []string{"warning client-rejects api.shop.example"}},
		{"one client, once", func(s *scene) {
			good(s)
			s.see(shop, edge, wildcard(s), 1, []string{"10.8.0.1"}, refused("client:fatal:unknown_ca"))
		}, check, Config{}, []string{"notice client-rejects api.shop.example"}},
		{"not for the checks", func(s *scene) {
			good(s)
			s.see(shop, edge, wildcard(s), 5, []string{"10.8.0.1"}, refused("client:fatal:unknown_ca"), byMonitor)
		}, check, Config{}, nil},
		{"not for other alerts", func(s *scene) {
			good(s)
			s.see(shop, edge, wildcard(s), 5, []string{"10.8.0.1"}, refused("client:fatal:handshake_failure"))
			s.see(shop, edge, wildcard(s), 5, []string{"10.8.0.1"}, ended(discover.RefusedByServer, "server:fatal:certificate_required"))
		}, check, Config{}, nil},
		{"not for a typing error", func(s *scene) {
			good(s)
			s.see("ap.shop.example.net", edge, wildcard(s), 1, []string{"10.8.0.1"}, refused("client:fatal:bad_certificate"))
		}, check, Config{}, nil},
		{"a client that refuses everything is one", func(s *scene) {
			for i := range 6 {
				n := fmt.Sprintf("s%d.shop.example", i)
				s.see(n, fmt.Sprintf("10.0.1.%d:443", i+1), s.leaf(n, []string{n}), 50, users(20))
				s.see(n, fmt.Sprintf("10.0.1.%d:443", i+1), s.leaf(n, []string{n}), 5, []string{"10.8.0.1"}, refused("client:fatal:unknown_ca"))
			}
		}, []monitored.Check{exact("s0.shop.example", 443), exact("s1.shop.example", 443), exact("s2.shop.example", 443), exact("s3.shop.example", 443), exact("s4.shop.example", 443), exact("s5.shop.example", 443)},
			Config{}, []string{"notice client-rejects 10.0.1.1:443"}},
		{"one that refuses everything, each once, is one too", func(s *scene) {
			for i := range 6 {
				n := fmt.Sprintf("s%d.shop.example", i)
				s.see(n, fmt.Sprintf("10.0.1.%d:443", i+1), s.leaf(n, []string{n}), 50, users(20))
				s.see(n, fmt.Sprintf("10.0.1.%d:443", i+1), s.leaf(n, []string{n}), 1, []string{"10.8.0.1"}, refused("client:fatal:unknown_ca"))
			}
		}, []monitored.Check{exact("s0.shop.example", 443), exact("s1.shop.example", 443), exact("s2.shop.example", 443), exact("s3.shop.example", 443), exact("s4.shop.example", 443), exact("s5.shop.example", 443)},
			Config{}, []string{"notice client-rejects 10.0.1.1:443"}},
		{"an encrypted alert, again and again", func(s *scene) {
			good(s)
			s.see(shop, edge, none, 5, []string{"10.8.0.1"}, protected)
		}, check, Config{}, []string{"notice client-rejects api.shop.example"}},
		{"not an encrypted alert, twice", func(s *scene) {
			good(s)
			s.see(shop, edge, none, 2, []string{"10.8.0.1"}, protected)
		}, check, Config{}, nil},
		{"not where the client's network goes on", func(s *scene) {
			good(s)
			s.see(shop, edge, none, 5, []string{"10.8.0.1"}, protected)
			s.see(shop, edge, none, 5, []string{"10.8.0.2"})
		}, check, Config{}, nil},
	})
}
