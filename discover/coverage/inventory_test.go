package coverage

import (
	"fmt"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/inventory"
	"blindspot/discover/monitored"
)

// record is a certificate in the inventory, as a PEM directory has it.
func record(c *discover.Certificate, change ...func(*inventory.Record)) inventory.Record {
	r := inventory.Record{
		SHA256: c.SHA256, Serial: c.Serial, Issuer: c.Issuer, Names: c.Names(), NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		Source: "pem", Ref: "issued.pem:1", Current: true, Certificate: c,
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

// row is the same in a table, without the certificate.
func row(c *discover.Certificate, change ...func(*inventory.Record)) inventory.Record {
	r := record(c, change...)
	r.SHA256, r.Certificate, r.Source, r.Ref = discover.Fingerprint{}, nil, "csv", "owners.csv:2"
	return r
}

func retired(r *inventory.Record) { r.Current = false }

func ownedBy(owner string) func(*inventory.Record) {
	return func(r *inventory.Record) { r.Owner = owner }
}

func serial(hex string) certOption { return func(c *discover.Certificate) { c.Serial = hex } }

func TestInventory(t *testing.T) {
	const unknown, undelivered, stale = "warning unknown-certificate api.shop.example", "warning undelivered-certificate api.shop.example", "warning stale-certificate api.shop.example"
	names := []string{shop}
	var (
		was = func(s *scene) *discover.Certificate {
			return s.cert("was", names, valid(-340*day, 25*day), serial("1a"))
		}
		is    = func(s *scene) *discover.Certificate { return s.cert("is", names, valid(-6*day, year), serial("2b")) }
		other = func(s *scene) *discover.Certificate {
			return s.cert("other", []string{"other.shop.example"}, serial("3c"))
		}
	)
	for _, c := range []struct {
		name  string
		build func(s *scene) []inventory.Record
		want  []string
	}{
		{"all is in it", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(is(s)), 5, users(3))
			return []inventory.Record{record(is(s)), row(is(s)), record(was(s), retired)}
		}, nil},
		{"one is not in it", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(is(s)), 5, users(3))
			s.see("other.shop.example", edge, s.chain(other(s)), 5, users(3))
			return []inventory.Record{row(other(s))}
		}, []string{unknown}},
		{"nothing is in it", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(is(s)), 5, users(3))
			return nil
		}, nil},
		{"not for a certificate of a day", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.leaf("mesh", names, valid(-time.Hour, 23*time.Hour)), 5, users(3))
			return []inventory.Record{record(s.cert("x", []string{"x.shop.internal"}))}
		}, nil},
		{"not where only the checks met it", func(s *scene) []inventory.Record {
			s.see(shop, edge, none, 5, users(3))
			s.see(shop, edge, s.chain(is(s)), 5, users(1), byMonitor)
			return []inventory.Record{record(s.cert("x", []string{"x.shop.internal"}))}
		}, nil},
		{"renewed, and the old one is served", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(was(s)), 5, users(3))
			return []inventory.Record{record(is(s)), row(is(s)), row(was(s), retired)}
		}, []string{stale, undelivered}},
		{"renewed, and both are called current", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(was(s)), 5, users(3))
			return []inventory.Record{record(is(s)), record(was(s))}
		}, []string{stale, undelivered}},
		{"renewed, and the new one came in the window", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(was(s)), 5, users(3), at(0, 20*time.Minute))
			s.see(shop, edge, s.chain(is(s)), 5, users(3), at(21*time.Minute, time.Hour))
			return []inventory.Record{record(is(s)), record(was(s), retired)}
		}, nil},
		{"not within a day of the renewal", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(was(s)), 5, users(3))
			return []inventory.Record{record(s.cert("fresh", names, valid(-5*time.Hour, year))), record(was(s), retired)}
		}, nil},
		{"not for another authority's certificate of the same name", func(s *scene) []inventory.Record {
			outer := s.cert("outer", names, valid(-60*day, 300*day), issuer("CN=Public"))
			s.see(shop, edge, s.chain(outer), 5, users(3))
			s.see(shop, "10.1.0.1:8443", none, 5, []string{"10.0.0.10"})
			return []inventory.Record{record(outer), record(is(s))}
		}, nil},
		{"not for another deployment that is served", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(was(s)), 5, users(3))
			s.see(shop, "10.9.9.9:8443", s.chain(is(s)), 5, []string{"10.8.8.8"})
			return []inventory.Record{record(is(s)), record(was(s))}
		}, nil},
		{"not for another target", func(s *scene) []inventory.Record {
			to := func(t string) func(*inventory.Record) {
				return func(r *inventory.Record) { r.Targets = []string{t} }
			}
			s.see(shop, edge, s.chain(was(s)), 5, users(3))
			return []inventory.Record{record(is(s), to("10.0.0.99:443")), record(was(s), to(edge))}
		}, nil},
		{"nobody uses its name", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(is(s)), 5, users(3))
			return []inventory.Record{record(is(s)), record(other(s)), row(other(s))}
		}, []string{"notice undelivered-certificate other.shop.example"}},
		{"nor any of its domain", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(is(s)), 5, users(3))
			return []inventory.Record{record(is(s)), record(s.cert("x", []string{"x.elsewhere.example"}))}
		}, nil},
		{"not where its name is asked for, and what it gets is hidden", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(is(s)), 5, users(3))
			s.see(shop, "10.0.0.11:443", none, 5, users(3))
			return []inventory.Record{record(is(s)), record(s.cert("next", names, valid(-2*day, 2*year)))}
		}, []string{"warning stale-certificate api.shop.example"}},
		{"not for the other half of a pair", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(is(s)), 5, users(3))
			return []inventory.Record{record(is(s)), record(s.cert("rsa", names, valid(-6*day, year), rsa))}
		}, nil},
		{"not for a wildcard beside its own certificate", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(is(s)), 5, users(3))
			return []inventory.Record{record(is(s)), record(s.cert("wild", []string{"*.shop.example"}, valid(-90*day, year)))}
		}, nil},
		{"not for what has ended, or has no host's name", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(is(s)), 5, users(3))
			return []inventory.Record{
				record(is(s)), record(s.cert("gone", []string{"gone.shop.example"}, valid(-90*day, -day))),
				record(s.cert("id", nil, func(c *discover.Certificate) { c.URIs = []string{"spiffe://shop.example/a"} })),
			}
		}, nil},
		{"not where the checks are served it", func(s *scene) []inventory.Record {
			s.see(shop, edge, s.chain(is(s)), 5, users(3))
			s.see("other.shop.example", edge, s.chain(other(s)), 5, users(1), byMonitor)
			return []inventory.Record{record(is(s)), record(other(s))}
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene()
			cfg := Config{Inventory: &inventory.Result{Records: c.build(s)}}
			var checks []monitored.Check
			for _, n := range []string{shop, "other.shop.example"} {
				if s.asks(n) {
					checks = append(checks, exact(n, 0))
				}
			}
			r := s.compare(t, checks, cfg)
			var got []string
			for _, f := range r.Findings {
				if f.Kind != "unused-check" {
					got = append(got, lines([]discover.Finding{f})...)
				}
				t.Log(f.Detail, "\n\t", f.Remedy)
			}
			equal(t, got, c.want)
		})
	}
}

// asks reports whether somebody asks for a name.
func (s *scene) asks(n string) bool {
	for _, x := range s.sightings {
		if x.Hostname == n {
			return true
		}
	}
	return false
}

// Many are one finding, owners come from the inventory, and its names are in scope.
func TestInventoryGroups(t *testing.T) {
	s := newScene()
	var records []inventory.Record
	for i := range maxSeparate + 1 {
		n := fmt.Sprintf("u%d.shop.example", i)
		s.see(n, "192.0.2.10:443", s.leaf(n, []string{n}), 5, users(3))
		records = append(records, record(s.cert(fmt.Sprint("idle", i), []string{fmt.Sprintf("i%d.shop.example", i)}, serial(fmt.Sprintf("%032x", i+1)))))
	}
	s.see(shop, "192.0.2.10:443", s.chain(s.cert("own", []string{shop}, valid(-90*day, 5*day))), 5, users(3))
	records = append(records, record(s.cert("own", []string{shop}, valid(-90*day, 5*day)), ownedBy("team")))
	r := s.compare(t, nil, Config{Inventory: &inventory.Result{Records: records}})
	counts := map[string]int{}
	for _, f := range r.Findings {
		counts[f.Kind]++
		if f.Kind == "expiring-certificate" && f.Owner != "team" {
			t.Errorf("owner %q, want the inventory's", f.Owner)
		}
	}
	if counts["unknown-certificate"] != 1 || counts["undelivered-certificate"] != 1 || counts["expiring-certificate"] != 1 {
		t.Errorf("got %v, want one finding of each kind", counts)
	}
}
