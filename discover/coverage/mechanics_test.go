package coverage

import (
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

// A sighting may mix clients and monitors: only the clients' part is use.
func TestMonitorsAreSubtracted(t *testing.T) {
	s := newScene()
	s.see(shop, edge, wildcard(s), 10, []string{"10.77.3.9", "10.9.0.1", "10.9.0.2"})
	s.see("only.shop.example", edge, wildcard(s), 10, []string{"10.77.3.9"})
	cfg := Config{MonitorSources: []netip.Prefix{netip.MustParsePrefix("10.77.3.9/32")}}
	r := s.compare(t, []monitored.Check{exact(shop, 443), exact("only.shop.example", 443)}, cfg)
	if r.Summary.Handshakes != 20 || r.Summary.MonitorHandshakes != 20 || r.Summary.Hostnames != 1 {
		t.Errorf("got summary %+v, want 20 handshakes, 20 of monitors, 1 hostname", r.Summary)
	}
	equal(t, lines(r.Findings), []string{"notice unused-check only.shop.example"})
	for _, c := range r.Checks {
		if !slices.Equal(c.Witnessed, []string{edge}) {
			t.Errorf("check of %s: witnessed %v, want %s", c.Hostname, c.Witnessed, edge)
		}
		if want := c.Hostname == shop; c.Used != want {
			t.Errorf("check of %s: used %v, want %v", c.Hostname, c.Used, want)
		}
	}
}

// Where more clients made a sighting than are known one by one, those beyond
// are clients, unless all that are known are monitors.
func TestManyMonitors(t *testing.T) {
	monitors := Config{MonitorSources: prefixes("10.9.0.0/16")}
	for _, c := range []struct {
		name    string
		clients []string
		want    uint64
	}{
		{"all are monitors", users(60), 0},
		{"one is none", append([]string{"10.8.0.1"}, users(60)...), 61 - 31},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene()
			s.see(shop, edge, wildcard(s), 1, c.clients)
			r := s.compare(t, []monitored.Check{exact(shop, 443)}, monitors)
			if r.Summary.Handshakes != c.want {
				t.Errorf("got %d handshakes of clients, want %d", r.Summary.Handshakes, c.want)
			}
		})
	}
}

func TestScope(t *testing.T) {
	checks := []monitored.Check{exact("www.shop.example", 443), exact("app.shop.co.uk", 443), pinned("x.shop.example", "198.51.100.4", 443), exact("db01", 443)}
	for _, c := range []struct {
		name  string
		scope Scope
		host  string
		addr  string
		want  bool
	}{
		{"private address", Scope{}, "anything.example.net", "192.168.1.1", true},
		{"unique local address", Scope{}, "anything.example.net", "fd00::1", true},
		{"shared address space", Scope{}, "anything.example.net", "100.64.0.1", true},
		{"a registrable domain that a check names", Scope{}, "deep.legacy.shop.example", "203.0.113.1", true},
		{"under a public suffix of two labels", Scope{}, "other.shop.co.uk", "203.0.113.1", true},
		{"another domain of that suffix", Scope{}, "shop2.co.uk", "203.0.113.1", false},
		{"an address that a check dials", Scope{}, "anything.example.net", "198.51.100.4", true},
		{"a single label", Scope{}, "db01", "203.0.113.1", true},
		{"not a name that ends alike", Scope{}, "notshop.example", "203.0.113.1", false},
		{"nothing else", Scope{}, "www.example.net", "203.0.113.1", false},
		{"domains leave private addresses out", Scope{Domains: []string{"shop.internal"}}, "www.example.net", "10.0.0.1", false},
		{"domains", Scope{Domains: []string{"*.Shop.internal."}}, "a.shop.internal", "203.0.113.1", true},
		{"servers", Scope{Servers: prefixes("203.0.113.0/24")}, "www.example.net", "203.0.113.1", true},
		{"servers leave names out", Scope{Servers: prefixes("203.0.113.0/24")}, "www.shop.example", "198.51.100.9", false},
		{"all", Scope{All: true}, "www.example.net", "198.51.100.9", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScope(c.scope, checks)
			if got := s.name(c.host) || s.server(netip.MustParseAddr(c.addr)); got != c.want {
				t.Errorf("%s at %s: got %v, want %v", c.host, c.addr, got, c.want)
			}
		})
	}
}

func TestSurfaces(t *testing.T) {
	cfg := Config{Surfaces: []Surface{
		{Name: "admin", Owner: "ops", Names: []string{"*.admin.shop.example"}},
		{Name: "edge", Owner: "infra", TrustStore: "public", Servers: prefixes("10.0.0.10/32"), Ports: []uint16{443}},
		{Name: "backends", Owner: "platform", Servers: prefixes("10.1.0.0/16")},
		{Name: "idle", Servers: prefixes("10.2.0.0/16")},
	}}
	s := newScene()
	s.see("a.admin.shop.example", edge, none, 5, users(3))
	s.see("www.shop.example", edge, wildcard(s), 5, users(3))
	s.see("b.shop.example", "10.1.2.3:8443", s.leaf("b", []string{"b.shop.example"}, valid(-90*day, -day)), 5, users(3))
	s.see("c.shop.example", "10.5.5.5:443", wildcard(s), 5, users(3))
	r := s.compare(t, []monitored.Check{exact("a.admin.shop.example", 443), exact("www.shop.example", 443), exact("b.shop.example", 8443), exact("c.shop.example", 443)}, cfg)
	var got []string
	for _, x := range r.Surfaces {
		got = append(got, x.Name+" "+x.Owner+" "+x.TrustStore+" "+x.Status)
		if x.Name != "idle" && (x.Endpoints != 1 || x.Hostnames != 1) {
			t.Errorf("%s: got %d endpoints, %d hostnames, want 1 of each", x.Name, x.Endpoints, x.Hostnames)
		}
	}
	equal(t, got, []string{"admin ops  unknown", "edge infra public ok", "backends platform  critical", "idle   unknown", "unassigned   ok"})
	if f := r.Findings[0]; f.Surface != "backends" || f.Owner != "platform" {
		t.Errorf("got finding of %s, %s", f.Surface, f.Owner)
	}
}

func TestCommand(t *testing.T) {
	at := func(k endpointKey, preface string) *endpoint { return &endpoint{endpointKey: k, preface: preface} }
	v4, v6 := netip.MustParseAddrPort("10.0.0.1:443"), netip.MustParseAddrPort("[2001:db8::1]:443")
	n := &name{text: "_x.shop.example"}
	for _, c := range []struct {
		name string
		cell cell
		want string
	}{
		{"a name", cell{name: n, endpoint: at(endpointKey{server: v4}, ""), how: untold},
			"openssl s_client -connect 10.0.0.1:443 -servername _x.shop.example -showcerts </dev/null"},
		{"IPv6, no name", cell{endpoint: at(endpointKey{server: v6}, ""), how: untold},
			"openssl s_client -connect '[2001:db8::1]:443' -noservername -showcerts </dev/null"},
		{"STARTTLS behind a PROXY header", cell{endpoint: at(endpointKey{server: v4}, "proxy-v1+postgresql"), how: untold},
			"openssl s_client -connect 10.0.0.1:443 -noservername -starttls postgres -showcerts </dev/null"},
		{"a proxy's target is quoted", cell{endpoint: at(endpointKey{server: v4, target: "a'; rm -rf /;:443"}, "http-connect"), how: untold},
			`openssl s_client -proxy 10.0.0.1:443 -connect 'a'\''; rm -rf /;:443' -noservername -showcerts </dev/null`},
		{"an old version", cell{endpoint: at(endpointKey{server: v4}, ""), how: &how{howKey: howKey{version: "TLS 1.0"}}},
			"openssl s_client -connect 10.0.0.1:443 -noservername -tls1 -cipher DEFAULT@SECLEVEL=0 -showcerts </dev/null"},
		{"QUIC", cell{endpoint: at(endpointKey{server: v4, transport: discover.QUIC}, ""), how: untold},
			"openssl s_client -connect 10.0.0.1:443 -noservername -quic -alpn h3 -showcerts </dev/null"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := command(&c.cell); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Texts of strangers must not reach a terminal as they are.
func TestHostileCertificate(t *testing.T) {
	s := newScene()
	evil := "\x1b[2J\x07=cmd()\n" + strings.Repeat("A", 5000)
	x := s.leaf("evil", nil, valid(-90*day, -day), func(c *discover.Certificate) {
		c.Subject, c.Issuer, c.URIs, c.Problem = evil, evil, []string{evil}, "odd"
	})
	s.see(shop, edge, x, 5, users(3))
	r := s.compare(t, nil, Config{})
	text, err := json.Marshal(r.Findings)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 6000 || strings.Contains(string(text), `\u001b`) || strings.Contains(string(text), `\u0007`) {
		t.Errorf("got %d bytes: %.300s", len(text), text)
	}
}

// Whatever is unknown of a sighting must neither panic nor raise anything.
func TestUnknowns(t *testing.T) {
	s := newScene()
	missing := discover.ChainIDOf([]discover.Fingerprint{{1}})
	s.see(shop, edge, missing, 5, users(3)) // the chain is not in the store
	half := s.chain(&discover.Certificate{SHA256: discover.Fingerprint{2}})
	s.see(shop, edge, half, 5, users(3)) // the certificate is not in the store
	s.see(shop, edge, s.leaf("empty", nil, func(c *discover.Certificate) {
		*c = discover.Certificate{SHA256: c.SHA256, Problem: "garbage"}
	}), 5, users(3))
	s.see("", edge, wildcard(s), 5, nil, func(x *discover.Sighting) { x.Name, x.Count = discover.NameUnseen, 7 })
	s.see("", edge, wildcard(s), 5, users(2), func(x *discover.Sighting) { x.Name = discover.NameInvalid })
	r := s.compare(t, []monitored.Check{exact(shop, 443)}, Config{})
	equal(t, lines(r.Findings), []string{})
	inv := s.inventory()
	inv.Certificate, inv.Chain = nil, nil
	if _, err := Compare(inv, nil, Config{}); err != nil {
		t.Error(err)
	}
	if r, err := Compare(&discover.Inventory{}, nil, Config{}); err != nil || len(r.Findings) != 0 {
		t.Errorf("empty inventory: got %v, %v", r, err)
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("disk on fire")
	inv := &discover.Inventory{Sightings: func(yield func(*discover.Sighting, error) bool) { yield(nil, broken) }}
	if _, err := Compare(inv, nil, Config{}); !errors.Is(err, broken) {
		t.Errorf("got error %v, want %v", err, broken)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		3 * day: "3 days", 47 * time.Hour: "47 hours", 90 * time.Minute: "90 minutes", -5 * time.Second: "5 seconds", time.Second: "1 second",
	} {
		if got := span(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

// Surfaces may be told apart by issuer, client network, preface and whether
// clients need a certificate; a sighting is cut where its clients differ.
func TestSurfaceProperties(t *testing.T) {
	cfg := Config{
		MonitorSources: prefixes("10.77.3.9/32"),
		Surfaces: []Surface{
			{Name: "partners", Clients: prefixes("192.0.2.0/24")},
			{Name: "mail", STARTTLS: []string{"smtp"}},
			{Name: "mesh", MTLS: discover.Yes},
			{Name: "internal", Issuers: []string{"Inner CA"}, MTLS: discover.No},
		},
	}
	s := newScene()
	inner := s.leaf("inner", []string{"*.shop.example"}, func(c *discover.Certificate) { c.Issuer = "CN=Inner CA,O=Shop" })
	s.see(shop, edge, wildcard(s), 5, []string{"192.0.2.1", "192.0.2.2", "10.9.0.1", "10.77.3.9"})
	s.see("mx.shop.example", "10.0.0.25:25", wildcard(s), 5, users(2), func(x *discover.Sighting) { x.Preface = "proxy-v2+smtp" })
	s.see("svc.shop.example", "10.0.0.30:8443", inner, 5, users(2), func(x *discover.Sighting) { x.ClientAuth = 1 })
	s.see("app.shop.example", "10.0.0.31:8443", inner, 5, users(2))
	s.see("app.shop.example", "10.0.0.31:8443", none, 5, users(2)) // hidden here, seen above
	r := s.compare(t, nil, cfg)
	got := map[string]uint64{}
	for _, x := range r.Surfaces {
		got[x.Name] = x.Clients.Handshakes
	}
	want := map[string]uint64{"partners": 10, "mail": 10, "mesh": 10, "internal": 20, "unassigned": 5}
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s: got %d handshakes, want %d", name, got[name], n)
		}
	}
	if r.Summary.Handshakes != 55 || r.Summary.MonitorHandshakes != 5 {
		t.Errorf("got %d handshakes, %d of monitors; want 55 and 5", r.Summary.Handshakes, r.Summary.MonitorHandshakes)
	}
}
