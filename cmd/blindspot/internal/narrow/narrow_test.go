package narrow

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/discover"
	"blindspot/discover/monitored"
)

func TestMatches(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"shop.example", "shop.example", true},
		{"shop.example", "www.shop.example", false},
		{"*.shop.example", "www.shop.example", true},
		{"*.shop.example", "a.b.shop.example", true},
		{"*.shop.example", "shop.example", false},
		{"*api*", "legacy-api.shop.example", true},
		{"api*", "legacy-api.shop.example", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"*a*b", "xaxxb", true},
		{"*a*b", "xaxxbc", false},
		{"*ab", "aab", true},
		{"**", "", true},
		{"", "", true},
		{"", "a", false},
		{strings.Repeat("*a", 50) + "b", strings.Repeat("a", 5000), false}, // in time
	}
	for _, tt := range tests {
		if got := matches(tt.pattern, tt.s); got != tt.want {
			t.Errorf("%.20q of %.20q: got %v, want %v", tt.pattern, tt.s, got, tt.want)
		}
	}
}

func FuzzMatches(f *testing.F) {
	f.Add("*.shop.example", "www.shop.example")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !matches("*"+s+"*", s) && !strings.ContainsAny(s, "*?") {
			t.Errorf("*%q* does not match it", s)
		}
		if matches(pattern, s) && !strings.ContainsAny(pattern, "*?") && pattern != s {
			t.Errorf("%q matches %q", pattern, s)
		}
	})
}

// day is a time to count from.
var day = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// scene is an inventory of few sightings; a chain is the one certificate that
// ends so many days after day.
type scene struct {
	sightings []*discover.Sighting
	offers    []*discover.OfferCount
	certs     map[discover.Fingerprint]*discover.Certificate
	chains    map[discover.ChainID][]discover.Fingerprint
}

func newScene() *scene {
	return &scene{certs: map[discover.Fingerprint]*discover.Certificate{}, chains: map[discover.ChainID][]discover.Fingerprint{}}
}

func (s *scene) certificate(days int, issuer string, names ...string) discover.ChainID {
	f := discover.FingerprintOf([]byte{byte(len(s.certs))})
	s.certs[f] = &discover.Certificate{SHA256: f, NotAfter: day.AddDate(0, 0, days), Issuer: issuer, DNSNames: names}
	chain := []discover.Fingerprint{f}
	id := discover.ChainIDOf(chain)
	s.chains[id] = chain
	return id
}

// saw adds a sighting; hour is when.
func (s *scene) saw(hostname, server string, hour int, chain discover.ChainID, change ...func(*discover.Sighting)) {
	at := day.Add(time.Duration(hour) * time.Hour)
	x := &discover.Sighting{
		Key:   discover.Key{Hostname: hostname, Server: netip.MustParseAddrPort(server), Transport: discover.TCP, Version: "TLS 1.2", Chain: chain, Outcome: discover.Established},
		First: at, Last: at, Count: 1,
	}
	if hostname != "" {
		x.Name = discover.NameValid
	}
	for _, c := range change {
		c(x)
	}
	s.sightings = append(s.sightings, x)
}

func (s *scene) inventory() *discover.Inventory {
	return &discover.Inventory{
		Offers:      s.offers,
		Certificate: func(f discover.Fingerprint) *discover.Certificate { return s.certs[f] },
		Chain:       func(id discover.ChainID) []discover.Fingerprint { return s.chains[id] },
		Sightings: func(yield func(*discover.Sighting, error) bool) {
			for _, x := range s.sightings {
				if !yield(x, nil) {
					return
				}
			}
		},
	}
}

// kept lists what filters keep as "hostname@server".
func kept(t *testing.T, inv *discover.Inventory, filters ...Filter) (list []string) {
	t.Helper()
	for s, err := range By(inv, filters...).Sightings {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s.Hostname+"@"+s.Server.String())
	}
	return list
}

// public makes a sighting one of an ECH provider's public name.
func public(x *discover.Sighting) { x.Name = discover.NamePublic }

func TestName(t *testing.T) {
	s := newScene()
	s.saw("www.shop.example", "10.0.0.1:443", 0, discover.ChainID{})
	s.saw("other.example", "10.0.0.2:443", 0, s.certificate(1, "", "www.shop.example"))
	s.saw("", "10.0.0.3:443", 0, s.certificate(1, "", "mail.shop.example"))
	s.saw("", "10.0.0.4:443", 0, discover.ChainID{})
	s.saw("ech.shop.example", "10.0.0.5:443", 0, discover.ChainID{}, public)
	inv := s.inventory()
	want := []string{"www.shop.example@10.0.0.1:443", "@10.0.0.3:443", "ech.shop.example@10.0.0.5:443"}
	if got := kept(t, inv, Name(inv, "*.Shop.Example.")); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestExpiring(t *testing.T) {
	s := newScene()
	old, renewed := s.certificate(-1, ""), s.certificate(300, "")
	s.saw("renewed.example", "10.0.0.1:443", 0, old)
	s.saw("renewed.example", "10.0.0.1:443", 1, renewed)
	s.saw("renewed.example", "10.0.0.2:443", 1, old) // this one was forgotten
	s.saw("renewed.example", "10.0.0.2:443", 2, discover.ChainID{})
	s.saw("soon.example", "10.0.0.1:443", 0, s.certificate(10, ""))
	s.saw("hidden.example", "10.0.0.1:443", 0, discover.ChainID{})
	inv := s.inventory()
	tests := []struct {
		days int
		want []string
	}{
		{0, []string{"renewed.example@10.0.0.2:443", "renewed.example@10.0.0.2:443"}},
		{10, []string{"renewed.example@10.0.0.2:443", "renewed.example@10.0.0.2:443"}},
		{11, []string{"renewed.example@10.0.0.2:443", "renewed.example@10.0.0.2:443", "soon.example@10.0.0.1:443"}},
	}
	for _, tt := range tests {
		keep, err := Expiring(inv, day.AddDate(0, 0, tt.days))
		if err != nil {
			t.Fatal(err)
		}
		if got := kept(t, inv, keep); !slices.Equal(got, tt.want) {
			t.Errorf("within %d days: got %v, want %v", tt.days, got, tt.want)
		}
	}
}

func TestChecks(t *testing.T) {
	x := NewChecks([]monitored.Check{
		{Enabled: true, Hostname: "strong.example", Address: "strong.example", Port: 443, Grade: monitored.GradeExact},
		{Enabled: true, Hostname: "anyport.example", Grade: monitored.GradeName},
		{Enabled: true, Address: "ping.example", Grade: monitored.GradeReachability},
		{Enabled: true, Hostname: "insecure.example", Port: 443, Grade: monitored.GradeReachability},
		{Enabled: true, Address: "10.0.0.9", Port: 443, Grade: monitored.GradeDefaultCertificate},
		{Enabled: true, Hostname: "strong.example", Address: "10.0.0.8", Port: 443, Grade: monitored.GradeExact},
		{Hostname: "off.example", Port: 443, Grade: monitored.GradeExact},
	})
	for name, want := range map[string]string{
		"strong.example": "yes", "anyport.example": "yes", "ping.example": "weakly", "insecure.example": "weakly", "off.example": "no", "other.example": "no",
	} {
		if got := x.Monitored(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	tests := []struct {
		hostname, server string
		noName, noPort   bool
	}{
		{"strong.example", "10.0.0.1:443", false, false},
		{"strong.example", "10.0.0.1:8443", false, true},
		{"anyport.example", "10.0.0.1:8443", false, false},
		{"other.example", "10.0.0.1:443", true, true},
		{"off.example", "10.0.0.1:443", true, true},
		{"other.example", "10.0.0.8:443", true, true},  // that check asks for another name
		{"other.example", "10.0.0.9:443", true, false}, // no name is asked for there
		{"", "10.0.0.8:443", false, false},
		{"", "10.0.0.8:444", true, true},
		{"", "[::ffff:10.0.0.9]:443", false, false},
		{"", "10.0.0.1:443", true, true},
	}
	for _, tt := range tests {
		s := newScene()
		s.saw(tt.hostname, tt.server, 0, discover.ChainID{})
		if got := x.NoName(s.sightings[0]); got != tt.noName {
			t.Errorf("%s at %s: by name: got %v, want %v", tt.hostname, tt.server, got, tt.noName)
		}
		if got := x.NoPort(s.sightings[0]); got != tt.noPort {
			t.Errorf("%s at %s: by port: got %v, want %v", tt.hostname, tt.server, got, tt.noPort)
		}
	}
	s := newScene()
	s.saw("ech.example", "10.0.0.1:443", 0, discover.ChainID{}, public)
	if x.NoName(s.sightings[0]) || !x.NoPort(s.sightings[0]) {
		t.Error("a public name of ECH is no unmonitored hostname; its endpoint is one that no check is about")
	}
}

func TestSurfaces(t *testing.T) {
	prefix := func(p string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(p)} }
	list := []config.Surface{
		{Name: "mesh", MTLS: discover.Yes, Owner: "platform"},
		{Name: "mail", StartTLS: []string{"smtp", "imap"}},
		{Name: "internal", Issuers: []string{"Internal"}, Owner: "platform"},
		{Name: "ops", Clients: prefix("10.9.0.0/16")},
		{Name: "site", Networks: []string{"site-a"}},
		{Name: "web", Servers: prefix("10.0.0.0/24"), Ports: []uint16{443}, Names: []string{"*.shop.example", "shop.example"}},
	}
	s := newScene()
	internal := s.certificate(1, "CN=Internal CA")
	s.saw("a.example", "10.0.1.1:443", 0, discover.ChainID{}, func(x *discover.Sighting) { x.ClientAuth = 1 })
	s.saw("a.example", "10.0.1.1:443", 1, discover.ChainID{}) // the same endpoint, resumed
	s.saw("b.example", "10.0.1.2:25", 0, discover.ChainID{}, func(x *discover.Sighting) { x.Preface = "proxy-v1+smtp" })
	s.saw("c.example", "10.0.1.3:443", 0, internal)
	s.saw("c.example", "10.0.1.3:443", 1, discover.ChainID{}) // hidden, and known from above
	s.saw("d.example", "10.0.1.3:443", 1, discover.ChainID{}) // another name at the same endpoint
	s.saw("e.example", "10.0.1.4:443", 0, discover.ChainID{}, func(x *discover.Sighting) {
		x.Clients.Exact = []discover.ClientCount{{Addr: netip.MustParsePrefix("10.9.1.1/32"), Count: 1}}
	})
	s.saw("f.example", "10.0.1.5:443", 0, discover.ChainID{}, func(x *discover.Sighting) { x.Network = "site-a" })
	s.saw("shop.example", "10.0.0.1:443", 0, discover.ChainID{})
	s.saw("shop.example", "10.0.0.1:8443", 0, discover.ChainID{})
	want := []string{"mesh", "mesh", "mail", "internal", "internal", Unassigned, "ops", "site", "web", Unassigned}
	inv := s.inventory()
	x, err := NewSurfaces(inv, list)
	if err != nil {
		t.Fatal(err)
	}
	for i, sighting := range s.sightings {
		if got := x.Of(sighting).Name; got != want[i] {
			t.Errorf("sighting %d, %s at %s: got %s, want %s", i, sighting.Hostname, sighting.Server, got, want[i])
		}
	}
	if got := len(kept(t, inv, x.Owner("platform"))); got != 4 {
		t.Errorf("owner platform: got %d sightings, want 4", got)
	}
	if got := len(kept(t, inv, x.Surface("mesh"), x.Owner("platform"))); got != 2 {
		t.Errorf("surface mesh: got %d sightings, want 2", got)
	}
}

// TestOffers: sessions in the clear are narrowed by where they are; they have
// no name and no certificate.
func TestOffers(t *testing.T) {
	s := newScene()
	for _, server := range []string{"10.0.0.1:25", "10.0.0.2:25", "10.0.0.2:143"} {
		o := &discover.OfferCount{Count: 1}
		o.Server, o.Preface, o.State = netip.MustParseAddrPort(server), "smtp", discover.OfferRefused
		s.offers = append(s.offers, o)
	}
	s.offers[2].Preface = "imap"
	inv := s.inventory()
	surfaces, err := NewSurfaces(inv, []config.Surface{{Name: "mail", Owner: "post", StartTLS: []string{"smtp"}}})
	if err != nil {
		t.Fatal(err)
	}
	expiring, err := Expiring(inv, day)
	if err != nil {
		t.Fatal(err)
	}
	checks := NewChecks([]monitored.Check{{Enabled: true, Address: "10.0.0.1", Port: 25, Grade: monitored.GradeDefaultCertificate}})
	for _, tt := range []struct {
		name    string
		filters []Filter
		want    []string
	}{
		{"all", nil, []string{"10.0.0.1:25", "10.0.0.2:25", "10.0.0.2:143"}},
		{"a surface", []Filter{surfaces.Surface("mail")}, []string{"10.0.0.1:25", "10.0.0.2:25"}},
		{"no surface", []Filter{surfaces.Surface(Unassigned)}, []string{"10.0.0.2:143"}},
		{"not dialled", []Filter{checks.NoPort}, []string{"10.0.0.2:25", "10.0.0.2:143"}},
		{"both", []Filter{checks.NoPort, surfaces.Owner("post")}, []string{"10.0.0.2:25"}},
		{"a name", []Filter{Name(inv, "*")}, nil},
		{"expiring", []Filter{expiring}, nil},
	} {
		var got []string
		for _, o := range By(inv, tt.filters...).Offers {
			got = append(got, o.Server.String())
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if len(inv.Offers) != 3 {
		t.Error("narrowing changed the inventory")
	}
}
