package coverage

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/inventory"
	"blindspot/discover/monitored"
	"blindspot/discover/trust"
)

func TestTrust(t *testing.T) {
	root := issue(t, "Root", nil, authority)
	ca := issue(t, "Issuing CA", root, authority)
	leaf := issue(t, "leaf", ca, host(shop))
	other := issue(t, "Other Root", nil, authority)
	crossed := reissue(t, ca, other)
	foreign := issue(t, "foreign", other, host(shop))
	expired := issue(t, "expired", ca, lived(-90*day, -2*day, host(shop)))
	oldCA := issue(t, "Issuing CA 0", root, lived(-90*day, -day, authority))
	underOld := issue(t, "under old", oldCA, host(shop))
	client := issue(t, "client", ca, spiffe("spiffe://shop.example/api"))
	stranger := issue(t, "stranger", other, spiffe("spiffe://shop.example/x"))
	public, internal := store(t, "public", other), store(t, "internal", root)
	both := []*trust.Store{public, internal}
	cfg := Config{Stores: both, Surfaces: []Surface{{Name: "all", TrustStore: "internal", Servers: prefixes("10.0.0.0/8")}}}
	withStock := cfg
	withStock.Inventory = &inventory.Result{Intermediates: []*discover.Certificate{ca.Certificate}}
	check := one(exact(shop, 443))
	mutual := func(s *scene, certs ...*real) option {
		id := s.present(certs...)
		return func(x *discover.Sighting) { x.ClientChain, x.ClientAuth = id, x.Count }
	}
	runReports(t, []reportCase{
		{"a whole chain is trusted", func(s *scene) { s.see(shop, edge, s.present(leaf, ca), 5, users(3)) }, check, cfg, nil},
		{"so is one with the root, in disorder", func(s *scene) { s.see(shop, edge, s.present(leaf, root, other, ca), 5, users(3)) }, check, cfg, nil},
		{"of an authority that another store has", func(s *scene) { s.see(shop, edge, s.present(foreign), 5, users(3)) }, check, cfg,
			[]string{"warning untrusted-certificate api.shop.example"}},
		{"and clients refuse it", func(s *scene) {
			s.see(shop, edge, s.present(foreign), 5, users(3), refused("client:fatal:unknown_ca"))
		}, check, cfg, []string{"critical untrusted-certificate api.shop.example", "critical client-rejects api.shop.example"}},
		{"not in a surface without a store", func(s *scene) { s.see(shop, "192.168.0.1:443", s.present(foreign), 5, users(3)) }, check, cfg, nil},
		{"not where the store is not loaded", func(s *scene) { s.see(shop, edge, s.present(foreign), 5, users(3)) }, check,
			Config{Surfaces: cfg.Surfaces}, nil},
		{"not for the leaf's own end", func(s *scene) { s.see(shop, edge, s.present(expired, ca), 5, users(3)) }, check, cfg,
			[]string{"critical expired-certificate api.shop.example"}},
		{"for an intermediate that ended", func(s *scene) { s.see(shop, edge, s.present(underOld, oldCA), 5, users(3)) }, check, cfg,
			[]string{"warning expired-certificate api.shop.example", "warning untrusted-certificate api.shop.example"}},
		{"not where only checks met it", func(s *scene) {
			s.see(shop, edge, s.present(leaf, ca), 5, users(3))
			s.see(shop, edge, s.present(foreign), 5, users(1), byMonitor)
		}, check, cfg, nil},
		{"not where it cannot be judged", func(s *scene) { s.see(shop, edge, wildcard(s), 5, users(3)) }, check, cfg, nil},
		{"not where a certificate of the chain is not known", func(s *scene) {
			id := s.present(leaf, ca)
			delete(s.certs, ca.SHA256)
			s.see(shop, edge, id, 5, users(3))
		}, check, cfg, nil},
		{"incomplete, by the inventory", func(s *scene) { s.see(shop, edge, s.present(leaf), 5, users(3)) }, check, withStock,
			[]string{"warning incomplete-chain api.shop.example"}},
		{"incomplete, by other traffic, at one endpoint of two", func(s *scene) {
			s.see(shop, edge, s.present(leaf), 5, users(3))
			s.see(shop, "10.0.0.11:443", s.present(leaf, ca), 5, users(3))
		}, check, cfg, []string{"warning incomplete-chain api.shop.example"}},
		{"incomplete, where another issue of the intermediate is sent", func(s *scene) {
			s.see(shop, edge, s.present(leaf, crossed), 5, users(3))
			s.see(shop, "10.0.0.11:443", s.present(leaf, ca), 5, users(3))
		}, check, cfg, []string{"warning incomplete-chain api.shop.example"}},
		{"untrusted, where nobody knows the intermediate", func(s *scene) { s.see(shop, edge, s.present(leaf), 5, users(3)) }, check, cfg,
			[]string{"warning untrusted-certificate api.shop.example"}},
		{"a client's certificate", func(s *scene) {
			s.see(shop, edge, s.present(leaf, ca), 5, users(3), mutual(s, client, ca))
		}, check, cfg, nil},
		{"a client's certificate without its intermediate", func(s *scene) {
			s.see(shop, edge, s.present(leaf, ca), 5, users(3), mutual(s, client))
		}, check, cfg, []string{"warning incomplete-chain api.shop.example"}},
		{"a client's certificate of another authority", func(s *scene) {
			s.see(shop, edge, s.present(leaf, ca), 5, users(3), mutual(s, stranger))
		}, check, cfg, []string{"warning untrusted-certificate api.shop.example"}},
	})
}

func TestManyUntrusted(t *testing.T) {
	root, other := issue(t, "Root", nil, authority), issue(t, "Other", nil, authority)
	s := newScene()
	var checks []monitored.Check
	for i := range maxSeparate + 1 {
		n := fmt.Sprintf("h%d.shop.example", i)
		s.see(n, fmt.Sprintf("10.0.0.%d:443", i+1), s.present(issue(t, n, other, host(n))), 5, users(3))
		checks = append(checks, exact(n, 443))
	}
	r := s.compare(t, checks, Config{Stores: []*trust.Store{store(t, "internal", root)}, Surfaces: []Surface{{Name: "all", TrustStore: "internal", Ports: []uint16{443}}}})
	if len(r.Findings) != 1 || r.Findings[0].Evidence["certificates_total"] != maxSeparate+1 {
		t.Errorf("got %q, want one finding of %d certificates", lines(r.Findings), maxSeparate+1)
	}
}

// The evidence has every store's verdict, and the surface's status says who
// validates and what clients do.
func TestVerdicts(t *testing.T) {
	root, other := issue(t, "Root", nil, authority), issue(t, "Other", nil, authority)
	ca := issue(t, "CA", root, authority)
	public, internal := store(t, "public", other), store(t, "internal", root)
	s := newScene()
	client := issue(t, "client", root, lived(-time.Hour, 20*time.Hour, spiffe("spiffe://Shop.Example/api")))
	id := s.present(client)
	s.see(shop, edge, s.present(issue(t, "a", other, host(shop))), 5, users(3))
	s.see("b.shop.example", edge, s.present(issue(t, "b", ca, host("b.shop.example")), ca), 4, users(2), func(x *discover.Sighting) { x.ClientChain = id })
	s.see("b.shop.example", edge, s.present(issue(t, "c", root, host("b.shop.example"))), 1, users(1), refused("client:fatal:unknown_ca"))
	cfg := Config{Stores: []*trust.Store{public, internal}, Surfaces: []Surface{{Name: "edge", TrustStore: "internal", Ports: []uint16{443}}}}
	r := s.compare(t, []monitored.Check{exact(shop, 443), exact("b.shop.example", 443)}, cfg)
	var f *discover.Finding
	for i := range r.Findings {
		if r.Findings[i].Kind == "untrusted-certificate" {
			f = &r.Findings[i]
		}
	}
	if f == nil {
		t.Fatalf("got %q", lines(r.Findings))
	}
	list := f.Evidence["stores"].([]storeVerdict)
	if len(list) != 2 || !*list[0].Trusted || *list[1].Trusted || list[1].Reason != "unknown authority" || list[0].Hash != public.Hash || list[0].Date == "" {
		t.Errorf("got stores %+v", list)
	}
	if !strings.Contains(f.Remedy, "store public trusts it") {
		t.Errorf("remedy does not name the store that passes: %s", f.Remedy)
	}
	got := r.Surfaces[0]
	if v := got.Validation; v == nil || v.Store != "internal" || v.Trusted != 2 || v.Untrusted != 1 || v.Hash != internal.Hash {
		t.Errorf("got validation %+v", v)
	}
	if c := got.Clients; c.Handshakes != 24 || c.Established != 23 || c.Refused != 1 || c.CertificateRefused != 1 || c.Distinct != 3 {
		t.Errorf("got clients %+v", c)
	}
	if m := got.MTLS; m == nil || m.Certificates != 1 || m.TrustDomains[0] != "shop.example" || !m.EarliestExpiry.Equal(client.NotAfter) {
		t.Errorf("got mtls %+v", m)
	}
	if got.Checks["exact"] != 2 {
		t.Errorf("got checks %v", got.Checks)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}
