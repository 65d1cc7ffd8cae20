package coverage

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

func TestKinds(t *testing.T) {
	want := []string{
		"unmonitored-hostname", "unmonitored-endpoint", "weak-check", "unused-check", "expired-certificate",
		"expiring-certificate", "not-yet-valid-certificate", "name-mismatch", "key-mismatch", "untrusted-certificate",
		"incomplete-chain", "split-deployment", "stale-certificate", "client-rejects", "unknown-certificate", "undelivered-certificate",
		"unnamed-endpoint", "hidden-certificate", "cleartext-after-offer", "weak-tls",
	}
	var got []string
	for _, k := range kinds {
		got = append(got, k.name)
	}
	equal(t, got, want)
}

// The demo: an edge with a monitored name, and a name that nobody checks, with
// a fifth of the traffic on an expired certificate.
func TestDemo(t *testing.T) {
	s := newScene()
	s.see(shop, "10.0.0.10:443", s.leaf("api", []string{shop}), 8, users(4))
	s.see("legacy.shop.example", "10.0.0.10:443", s.leaf("legacy", []string{"legacy.shop.example"}, valid(-100*day, -3*day)), 4, users(2))
	r := s.compare(t, []monitored.Check{exact(shop, 443)}, Config{})
	equal(t, lines(r.Findings), []string{
		"critical unmonitored-hostname legacy.shop.example",
		"critical expired-certificate legacy.shop.example",
	})
	f := r.Findings[0]
	if f.Share != 0.2 || f.Handshakes != 8 || f.Clients != 2 || !slices.Equal(f.Endpoints, []string{"10.0.0.10:443"}) {
		t.Errorf("got share %v, %d handshakes, %d clients at %v", f.Share, f.Handshakes, f.Clients, f.Endpoints)
	}
	for _, f := range r.Findings {
		if want := "openssl s_client -connect 10.0.0.10:443 -servername legacy.shop.example"; !strings.Contains(f.Remedy, want) {
			t.Errorf("%s: remedy %q has no %q", f.Kind, f.Remedy, want)
		}
	}
	sum := r.Summary
	if sum.Hostnames != 2 || sum.Monitored != 1 || sum.Unmonitored != 1 || sum.UnmonitoredShare != 0.2 || sum.Handshakes != 40 || sum.Endpoints != 1 || sum.Certificates != 2 {
		t.Errorf("got summary %+v", sum)
	}
	if !r.Checks[0].Used || !slices.Equal(r.Checks[0].Covers, []string{"10.0.0.10:443"}) {
		t.Errorf("got check %+v", r.Checks[0])
	}
}

// A healthy network: everything is checked, and the usual noise is there.
func TestHealthy(t *testing.T) {
	s := newScene()
	edge, backends := "10.0.0.10:443", []string{"10.1.0.1:8443", "10.1.0.2:8443", "10.1.0.3:8443"}
	public := s.leaf("public", []string{shop, "www.shop.example"})
	public2 := s.leaf("public-rsa", []string{shop, "www.shop.example"}, func(c *discover.Certificate) { c.KeyType, c.KeyBits = "RSA", 2048 })
	inner := s.leaf("inner", []string{shop}, func(c *discover.Certificate) { c.Issuer = "CN=Inner CA" })
	// Clients at the edge, in TLS 1.3 and 1.2; RSA and ECDSA; the check from its own address.
	s.see(shop, edge, public, 20, users(20))
	s.see(shop, edge, public2, 2, users(3))
	s.see(shop, edge, discover.ChainID{}, 50, users(40))
	s.see("www.shop.example", edge, discover.ChainID{}, 50, users(40))
	s.see(shop, edge, public, 30, []string{"10.77.3.9"})
	// The edge encrypts again towards its backends, and asks after their health.
	for _, b := range backends {
		s.see(shop, b, inner, 100, []string{"10.0.0.11"})
		s.see("", b, inner, 60, []string{"10.0.0.11"})
	}
	// A mesh: certificates of a day, one for each instance, in rotation.
	for i := range 6 {
		x := s.leaf(fmt.Sprint("mesh", i), []string{"orders.mesh.shop.example"}, valid(-time.Duration(i)*3*time.Hour, 24*time.Hour-time.Duration(i)*3*time.Hour))
		s.see("orders.mesh.shop.example", fmt.Sprintf("10.2.0.%d:15000", i+1), x, 40, users(5))
	}
	// A renewal that went well: the old one would end soon.
	old, renewed := s.leaf("old", []string{"pay.shop.example"}, valid(-80*day, 10*day)), s.leaf("new", []string{"pay.shop.example"}, valid(-day, 89*day))
	s.see("pay.shop.example", "10.0.0.12:443", old, 9, users(9), at(0, 20*time.Minute))
	s.see("pay.shop.example", "10.0.0.12:443", renewed, 9, users(9), at(21*time.Minute, time.Hour))
	// One that ended after its last use.
	s.see("pay.shop.example", "10.0.0.12:443", s.leaf("older", []string{"pay.shop.example"}, valid(-90*day, 30*time.Minute)), 9, users(9), at(0, 10*time.Minute))
	// A scanner: random names at the default certificate, no names, old versions, names that nobody serves.
	for i := range 40 {
		s.see(fmt.Sprintf("x%d.shop.example", i), edge, public, 1, []string{"10.66.6.6"})
		s.see(fmt.Sprintf("y%d.shop.example", i), edge, discover.ChainID{}, 1, []string{"10.66.6.6"}, unanswered)
	}
	for _, e := range append(backends, edge) {
		s.see("", e, inner, 1, []string{"10.66.6.6"}, version("TLS 1.0"))
		s.see("", e, inner, 1, []string{"10.66.6.6"}, refused("client:fatal:unknown_ca"))
	}
	// A typing error, refused by the browser and once clicked away.
	s.see("ww.shop.example", edge, public, 1, []string{"10.9.0.3"}, refused("client:fatal:bad_certificate"))
	s.see("wwww.shop.example", edge, public, 1, []string{"10.9.0.4"})
	// Somebody else's.
	s.see("www.example.org", "198.51.100.7:443", s.leaf("else", []string{"www.example.org"}, valid(-90*day, -day)), 500, users(30))

	checks := []monitored.Check{
		exact(shop, 443), exact("www.shop.example", 443), exact("pay.shop.example", 443), exact("orders.mesh.shop.example", 15000),
		exact(shop, 8443), ping(shop), ping("www.shop.example"),
	}
	r := s.compare(t, checks, Config{MonitorSources: []netip.Prefix{netip.MustParsePrefix("10.77.3.9/32")}})
	equal(t, lines(r.Findings), []string{})
	for _, f := range r.Findings {
		t.Log(f.Detail)
	}
	if r.Summary.Hostnames != 4 || r.Summary.Monitored != 4 || r.Summary.MonitorHandshakes != 30 || r.Summary.Scanners != 1 {
		t.Errorf("got summary %+v", r.Summary)
	}
	if r.OutOfScope.Handshakes != 15000 || r.OutOfScope.Largest[0].Hostname != "www.example.org" {
		t.Errorf("got out of scope %+v", r.OutOfScope)
	}
	if r.AskedOnly.Names != 40 || r.AskedOnly.Stray != 2 {
		t.Errorf("got asked only %+v", r.AskedOnly)
	}
	for _, c := range r.Checks {
		if !c.Used && c.Grade == "exact" {
			t.Errorf("check of %s:%d is not used", c.Hostname, c.Port)
		}
	}
}

// The same traffic in any order gives the same report.
func TestOrder(t *testing.T) {
	s := newScene()
	x := s.leaf("wild", []string{"*.shop.example"}, valid(-80*day, 5*day))
	for i := range 50 {
		s.see(fmt.Sprintf("t%d.shop.example", i), fmt.Sprintf("10.0.0.%d:443", i%5+1), x, uint64(i%7+1), users(i%4+1))
		s.see("", fmt.Sprintf("10.3.0.%d:443", i%9+1), discover.ChainID{}, 5, users(2))
	}
	first := s.compare(t, []monitored.Check{exact(shop, 443)}, Config{})
	slices.Reverse(s.sightings)
	second := s.compare(t, []monitored.Check{exact(shop, 443)}, Config{})
	if got, want := fmt.Sprint(second.Findings), fmt.Sprint(first.Findings); got != want {
		t.Errorf("reversed:\n%s\nwant\n%s", got, want)
	}
}

// big streams n sightings of n/10 names at 2,000 endpoints with 500 chains. As a
// store does, it yields one and the same sighting again and again.
func big(n int) *discover.Inventory {
	s := newScene()
	var chains []discover.ChainID
	for i := range 500 {
		chains = append(chains, s.leaf(fmt.Sprint("c", i), []string{fmt.Sprintf("*.d%d.shop.example", i)}))
	}
	var clients []netip.Prefix
	for _, u := range users(200) {
		clients = append(clients, netip.PrefixFrom(netip.MustParseAddr(u), 32))
	}
	inv := s.inventory()
	inv.First, inv.Last = t0, t0.Add(time.Hour)
	inv.Sightings = func(yield func(*discover.Sighting, error) bool) {
		var x discover.Sighting
		for i := range n {
			k := i % (n / 10)
			x = discover.Sighting{First: t0, Last: t0.Add(time.Hour), Count: 9}
			x.Name, x.Hostname = discover.NameValid, fmt.Sprintf("h%d.d%d.shop.example", k, k%500)
			x.Transport, x.Outcome = discover.TCP, discover.Established
			x.Server = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(k % 2000 / 200), byte(k % 200), 1}), 443)
			x.Chain, x.Known, x.Version = chains[k%500], discover.FromWire, "TLS 1.2"
			if i%3 == 0 {
				x.Chain, x.Known, x.Version = discover.ChainID{}, discover.HiddenEncrypted, "TLS 1.3"
			}
			for j := range 3 {
				x.Clients.Add(clients[i%190+j], 3, discover.SketchKey{})
			}
			if !yield(&x, nil) {
				return
			}
		}
	}
	return inv
}

func TestManySightings(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	r, err := Compare(big(100_000), &monitored.Result{Checks: []monitored.Check{exact(shop, 443)}}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if took > time.Minute {
		t.Errorf("100,000 sightings took %v", took)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 512<<20 {
		t.Errorf("100,000 sightings allocated %d MB", grown>>20)
	}
	if r.Summary.Hostnames != 10_000 || r.Summary.Unmonitored != 10_000 {
		t.Errorf("got summary %+v", r.Summary)
	}
	unmonitored := 0
	for _, f := range r.Findings {
		if f.Kind == "unmonitored-hostname" {
			unmonitored++
		}
	}
	if unmonitored != 500 {
		t.Errorf("got %d findings for 500 wildcard certificates, want one each", unmonitored)
	}
}

func BenchmarkCompare(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			inv := big(n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Compare(inv, nil, Config{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "sightings/s")
		})
	}
}
