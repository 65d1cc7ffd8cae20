package verify

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
)

var (
	trafficEnd = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	lookTime   = trafficEnd.Add(48 * time.Hour)
)

type option func(*discover.Sighting)

// use is a sighting of eight handshakes by one client, of TLS 1.3 unless an
// option says otherwise.
func use(name, server string, opts ...option) *discover.Sighting {
	s := &discover.Sighting{First: trafficEnd.Add(-time.Hour), Last: trafficEnd, Count: 8}
	s.Hostname, s.Name, s.Transport, s.Server = name, discover.NameValid, discover.TCP, netip.MustParseAddrPort(server)
	s.Version, s.Outcome, s.Known = "TLS 1.3", discover.Established, discover.HiddenEncrypted
	if name == "" {
		s.Name = discover.NameNone
	}
	s.Clients.Add(netip.MustParsePrefix("10.9.0.1/32"), 8, discover.SketchKey{})
	for _, o := range opts {
		o(s)
	}
	return s
}

func leafOf(label string) discover.Fingerprint { return sha256.Sum256([]byte(label)) }

func shows(label string) option {
	return func(s *discover.Sighting) {
		s.Chain, s.Known, s.Version = discover.ChainIDOf([]discover.Fingerprint{leafOf(label)}), discover.FromWire, "TLS 1.2"
	}
}

// looked makes it a look of ours that ago.
func looked(label string, ago time.Duration) option {
	return func(s *discover.Sighting) {
		shows(label)(s)
		s.Known, s.Class, s.Count, s.Clients = discover.FromVerify, discover.ClassVerify, 1, discover.Clients{}
		s.First, s.Last = lookTime.Add(-ago), lookTime.Add(-ago)
	}
}

func ago(d time.Duration) option {
	return func(s *discover.Sighting) { s.First, s.Last = trafficEnd.Add(-d), trafficEnd.Add(-d) }
}

func with(f func(*discover.Sighting)) option { return f }

func inventory(list []*discover.Sighting) *discover.Inventory {
	inv := &discover.Inventory{Last: trafficEnd}
	inv.Sightings = iter.Seq2[*discover.Sighting, error](func(yield func(*discover.Sighting, error) bool) {
		for _, s := range list {
			if !yield(s, nil) {
				return
			}
		}
	})
	inv.Chain = func(id discover.ChainID) []discover.Fingerprint {
		for _, label := range []string{"a", "b"} {
			if chain := []discover.Fingerprint{leafOf(label)}; discover.ChainIDOf(chain) == id {
				return chain
			}
		}
		return nil
	}
	return inv
}

func TestToAsk(t *testing.T) {
	const shop, at = "api.shop.example", "10.0.0.1:443"
	monitor := with(func(s *discover.Sighting) { s.Class = discover.ClassMonitor })
	preface := func(w string) option { return func(s *discover.Sighting) { s.Preface = w } }
	for _, tt := range []struct {
		name    string
		traffic []*discover.Sighting
		due     time.Duration
		want    []string // targets, and places that cannot be asked, with half of why
	}{
		{name: "hidden", traffic: []*discover.Sighting{use(shop, at)}, want: []string{"api.shop.example 10.0.0.1:443 hidden"}},
		{name: "without a name", traffic: []*discover.Sighting{use("", at)}, want: []string{" 10.0.0.1:443 hidden"}},
		{name: "each backend of a name", traffic: []*discover.Sighting{use(shop, "10.0.0.2:443"), use(shop, at), use(shop, at)},
			want: []string{"api.shop.example 10.0.0.1:443 hidden", "api.shop.example 10.0.0.2:443 hidden"}},
		{name: "resumed", traffic: []*discover.Sighting{use(shop, at, with(func(s *discover.Sighting) { s.Known = discover.HiddenResumed }))},
			want: []string{"api.shop.example 10.0.0.1:443 hidden"}},
		{name: "seen in another handshake", traffic: []*discover.Sighting{use(shop, at), use(shop, at, shows("a"))}},
		{name: "seen by the checks", traffic: []*discover.Sighting{use(shop, at), use(shop, at, shows("a"), monitor)}},
		{name: "seen for another name", traffic: []*discover.Sighting{use(shop, at), use("other.example", at, shows("a"))},
			want: []string{"api.shop.example 10.0.0.1:443 hidden"}},
		{name: "seen in what a server did not go on with", traffic: []*discover.Sighting{use(shop, at),
			use(shop, at, shows("a"), with(func(s *discover.Sighting) { s.Version, s.Outcome = "", discover.Unanswered }))},
			want: []string{"api.shop.example 10.0.0.1:443 hidden"}},
		{name: "no certificate by design", traffic: []*discover.Sighting{use(shop, at, with(func(s *discover.Sighting) { s.Known = "" }))}},
		{name: "never in use", traffic: []*discover.Sighting{use(shop, at, with(func(s *discover.Sighting) { s.Version, s.Outcome = "", discover.Unanswered }))}},
		{name: "used by checks alone", traffic: []*discover.Sighting{use(shop, at, monitor)}},
		{name: "used by checks alone, by their address", traffic: []*discover.Sighting{use(shop, at, with(func(s *discover.Sighting) {
			s.Clients = discover.Clients{}
			s.Clients.Add(netip.MustParsePrefix("10.9.9.9/32"), 8, discover.SketchKey{})
		}))}},
		{name: "out of scope", traffic: []*discover.Sighting{use("elsewhere.example", "203.0.113.1:443")}},
		{name: "asked before", traffic: []*discover.Sighting{use(shop, at), use(shop, at, looked("a", 30*time.Hour))}},
		{name: "asked before, and due", due: 24 * time.Hour, traffic: []*discover.Sighting{use(shop, at), use(shop, at, looked("a", 30*time.Hour))},
			want: []string{"api.shop.example 10.0.0.1:443 due " + leafOf("a").Short() + " verify"}},
		{name: "asked before, and not due", due: 48 * time.Hour, traffic: []*discover.Sighting{use(shop, at), use(shop, at, looked("a", 30*time.Hour))}},
		{name: "asked before, and not in use", due: time.Hour, traffic: []*discover.Sighting{use(shop, at, looked("a", 30*time.Hour))}},
		{name: "seen, and due by the end of the traffic", due: 24 * time.Hour, traffic: []*discover.Sighting{use(shop, at), use(shop, at, shows("a"), ago(25*time.Hour))},
			want: []string{"api.shop.example 10.0.0.1:443 due " + leafOf("a").Short() + " wire"}},
		{name: "seen at the end of the traffic", due: time.Hour, traffic: []*discover.Sighting{use(shop, at, shows("a"))}},
		{name: "the later of two certificates", due: time.Hour, traffic: []*discover.Sighting{use(shop, at, shows("a"), ago(25*time.Hour)), use(shop, at, looked("b", 3*time.Hour))},
			want: []string{"api.shop.example 10.0.0.1:443 due " + leafOf("b").Short() + " verify"}},
		{name: "STARTTLS", traffic: []*discover.Sighting{use("mx.shop.example", "10.0.0.1:25", preface("smtp"))},
			want: []string{"mx.shop.example 10.0.0.1:25 smtp hidden"}},
		{name: "STARTTLS that is not spoken", traffic: []*discover.Sighting{use(shop, at, preface("rdp"))},
			want: []string{"cannot: api.shop.example 10.0.0.1:443 rdp: TLS begins behind rdp"}},
		{name: "STARTTLS behind a PROXY header", traffic: []*discover.Sighting{use(shop, at, preface("proxy-v1+smtp"))},
			want: []string{"cannot: api.shop.example 10.0.0.1:443 proxy-v1+smtp: TLS begins behind proxy-v1+smtp"}},
		{name: "behind a proxy", traffic: []*discover.Sighting{use(shop, at, with(func(s *discover.Sighting) { s.Target, s.Preface = "api.shop.example:443", "http-connect" }))},
			want: []string{"cannot: api.shop.example 10.0.0.1:443 http-connect: it is behind a proxy"}},
		{name: "QUIC", traffic: []*discover.Sighting{use(shop, at, with(func(s *discover.Sighting) { s.Transport = discover.QUIC }))},
			want: []string{"cannot: api.shop.example 10.0.0.1:443: QUIC is not asked, and no use"}},
		{name: "QUIC beside TCP", traffic: []*discover.Sighting{use(shop, at, with(func(s *discover.Sighting) { s.Transport = discover.QUIC })), use(shop, at)},
			want: []string{"api.shop.example 10.0.0.1:443 hidden", "cannot: api.shop.example 10.0.0.1:443: QUIC is not asked; the same port"}},
		{name: "DTLS", traffic: []*discover.Sighting{use(shop, at, with(func(s *discover.Sighting) { s.Transport = discover.DTLS }))},
			want: []string{"cannot: api.shop.example 10.0.0.1:443: DTLS is not asked"}},
		{name: "another network", traffic: []*discover.Sighting{use(shop, at, with(func(s *discover.Sighting) { s.Network = "berlin" }))},
			want: []string{"cannot: api.shop.example 10.0.0.1:443: it is in berlin"}},
		{name: "a name behind ECH", traffic: []*discover.Sighting{use("cloudflare-ech.com", at, with(func(s *discover.Sighting) { s.Name = discover.NamePublic }))},
			want: []string{"cannot: cloudflare-ech.com 10.0.0.1:443: the name is an ECH provider's"}},
		{name: "a name that is none", traffic: []*discover.Sighting{use("", at, with(func(s *discover.Sighting) { s.Name = discover.NameInvalid }))},
			want: []string{"cannot:  10.0.0.1:443: the name that clients ask for"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inScope := func(s *discover.Sighting) bool { return s.Server.Addr().IsPrivate() }
			opts := Options{Now: lookTime, Due: tt.due, Monitors: []netip.Prefix{netip.MustParsePrefix("10.9.9.9/32")}}
			p, err := ToAsk(inventory(tt.traffic), inScope, opts)
			if err != nil {
				t.Fatal(err)
			}
			got := planned(p)
			if !slices.EqualFunc(got, tt.want, strings.HasPrefix) {
				t.Errorf("got\n\t%q\nwant\n\t%q", got, tt.want)
			}
			slices.Reverse(tt.traffic)
			if p, err = ToAsk(inventory(tt.traffic), inScope, opts); err != nil || !slices.Equal(planned(p), got) {
				t.Errorf("in another order got\n\t%q, %v\nwant\n\t%q", planned(p), err, got)
			}
		})
	}
}

func planned(p *Plan) []string {
	var out []string
	text := func(p *Place) string {
		return strings.TrimSuffix(fmt.Sprintf("%s %s %s", p.Hostname, p.Server, p.Preface), " ")
	}
	for i := range p.Targets {
		x := &p.Targets[i]
		line := text(&x.Place) + " " + string(x.Why)
		if !x.Known.IsZero() {
			line += " " + x.Known.Short() + " " + x.KnownFrom
		}
		out = append(out, line)
	}
	for i := range p.Unasked {
		out = append(out, "cannot: "+text(&p.Unasked[i].Place)+": "+p.Unasked[i].Why)
	}
	return out
}

func TestToAskWithoutScope(t *testing.T) {
	p, err := ToAsk(inventory([]*discover.Sighting{use("a.example", "10.0.0.1:443")}), nil, Options{})
	if err != nil || len(p.Targets) != 0 {
		t.Errorf("got %v, %v, want nobody to be asked where nothing says what is ours", p.Targets, err)
	}
}

func TestToAskALPN(t *testing.T) {
	alpn := func(list string, d time.Duration) *discover.Sighting {
		return use("a.example", "10.0.0.1:443", ago(d), func(s *discover.Sighting) { s.ALPN = list })
	}
	for _, tt := range []struct {
		name    string
		traffic []*discover.Sighting
		want    []string
	}{
		{"none", []*discover.Sighting{alpn("", 0)}, nil},
		{"the last list", []*discover.Sighting{alpn("h2,http/1.1", time.Minute), alpn("http/1.1", time.Hour)}, []string{"h2", "http/1.1"}},
		{"no validation of ACME", []*discover.Sighting{alpn("h2", time.Hour), alpn("acme-tls/1", 0)}, []string{"h2"}},
		{"not too many", []*discover.Sighting{alpn(strings.Repeat("x,", 100), 0)}, slices.Repeat([]string{"x"}, maxALPN)},
	} {
		p, err := ToAsk(inventory(tt.traffic), func(*discover.Sighting) bool { return true }, Options{})
		if err != nil || len(p.Targets) != 1 || !slices.Equal(p.Targets[0].ALPN, tt.want) {
			t.Errorf("%s: got %+v, %v, want ALPN %q", tt.name, p, err, tt.want)
		}
	}
}

func TestPrefaces(t *testing.T) {
	want := []string{"ftp", "imap", "irc", "ldap", "mysql", "nntp", "pop3", "postgresql", "sieve", "smtp", "xmpp"}
	if got := Prefaces(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
