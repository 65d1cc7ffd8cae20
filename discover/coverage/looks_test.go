package coverage

import (
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/monitored"
	"blindspot/discover/trust"
)

// asked adds a look of ours at a time.
func (s *scene) asked(name, server string, chain discover.ChainID, when time.Duration, opts ...option) {
	s.see(name, server, chain, 0, nil, append([]option{at(when, when), func(x *discover.Sighting) {
		x.Count, x.Class, x.Known, x.Version = 1, discover.ClassVerify, discover.FromVerify, "TLS 1.3"
	}}, opts...)...)
}

// hidden is the chain of handshakes that do not show theirs.
var hidden discover.ChainID

func TestLooks(t *testing.T) {
	checks := []monitored.Check{exact(shop, 443)}
	names := []string{shop}
	expired := valid(-100*day, -3*day)
	for _, tt := range []struct {
		name    string
		build   func(s *scene)
		checks  []monitored.Check
		want    []string
		knownBy string // of the first finding
		detail  string // words of the first finding
	}{
		{
			name:   "without a look",
			build:  func(s *scene) { s.see(shop, "10.0.0.1:443", hidden, 8, users(2)) },
			checks: []monitored.Check{byAddress("10.0.0.99", 443)},
			want:   []string{"warning unmonitored-hostname api.shop.example", "notice hidden-certificate api.shop.example"},
		},
		{
			name: "a look settles what is hidden",
			build: func(s *scene) {
				s.see(shop, "10.0.0.1:443", hidden, 8, users(2))
				s.asked(shop, "10.0.0.1:443", s.leaf("a", names), 4*time.Hour)
			},
			checks:  []monitored.Check{byAddress("10.0.0.99", 443)},
			want:    []string{"warning unmonitored-hostname api.shop.example"},
			knownBy: "verify", detail: "No handshake showed this certificate: blindspot asked for it itself, last at 2026-11-23T14:00:00Z.",
		},
		{
			name: "resumed handshakes too",
			build: func(s *scene) {
				s.see(shop, "10.0.0.1:443", hidden, 8, users(2), func(x *discover.Sighting) { x.Known = discover.HiddenResumed })
				s.asked(shop, "10.0.0.1:443", s.leaf("a", names), 4*time.Hour)
			},
			checks: checks,
		},
		{
			name: "not for another name, nor at another endpoint",
			build: func(s *scene) {
				s.see(shop, "10.0.0.1:443", hidden, 8, users(2))
				s.asked("other.shop.example", "10.0.0.1:443", s.leaf("a", []string{"other.shop.example"}, expired), 4*time.Hour)
				s.asked(shop, "10.0.0.2:443", s.leaf("b", names, expired), 4*time.Hour)
			},
			checks: checks,
		},
		{
			name: "backends that are well",
			build: func(s *scene) {
				id := s.leaf("a", names)
				for _, e := range []string{"10.0.0.1:443", "10.0.0.2:443", "10.0.0.3:443"} {
					s.see(shop, e, hidden, 8, users(4))
					s.asked(shop, e, id, 4*time.Hour)
				}
			},
			checks: checks,
		},
		{
			name: "a backend that missed a renewal",
			build: func(s *scene) {
				fresh, old := s.leaf("new", names, valid(-10*day, year)), s.leaf("old", names, valid(-100*day, 30*day))
				for i, e := range []string{"10.0.0.1:443", "10.0.0.2:443", "10.0.0.3:443"} {
					s.see(shop, e, hidden, 8, users(4))
					id := fresh
					if i == 0 { // asked before the others
						id = old
					}
					s.asked(shop, e, id, 4*time.Hour+time.Duration(i)*time.Second)
				}
			},
			checks:  checks,
			want:    []string{"warning split-deployment api.shop.example", "warning stale-certificate api.shop.example"},
			knownBy: "verify", detail: "with 2 certificates at the same time",
		},
		{
			name: "an expired one, by the time of the look",
			build: func(s *scene) {
				s.see(shop, "10.0.0.1:443", hidden, 8, users(8))
				s.asked(shop, "10.0.0.1:443", s.leaf("a", names, valid(-100*day, 2*time.Hour)), 26*time.Hour)
			},
			checks:  checks,
			want:    []string{"critical expired-certificate api.shop.example"},
			knownBy: "verify", detail: "seen up to 24 hours later: 64 handshakes of 8 clients",
		},
		{
			name: "the last look counts",
			build: func(s *scene) {
				s.see(shop, "10.0.0.1:443", hidden, 8, users(8))
				s.asked(shop, "10.0.0.1:443", s.leaf("old", names, expired), 2*time.Hour)
				s.asked(shop, "10.0.0.1:443", s.leaf("new", names, valid(-day, year)), 30*time.Hour)
			},
			checks: checks,
		},
		{
			name: "a certificate for another name",
			build: func(s *scene) {
				s.see(shop, "10.0.0.1:443", hidden, 8, users(8))
				s.asked(shop, "10.0.0.1:443", s.leaf("a", []string{"www.shop.example"}), 4*time.Hour)
			},
			checks:  checks,
			want:    []string{"warning name-mismatch api.shop.example"},
			knownBy: "verify", detail: "get a certificate that does not cover it",
		},
		{
			name: "another key",
			build: func(s *scene) {
				s.see(shop, "10.0.0.1:443", hidden, 8, users(8))
				s.asked(shop, "10.0.0.1:443", s.leaf("a", names), 4*time.Hour, func(x *discover.Sighting) { x.KeyMismatch = 1 })
			},
			checks:  checks,
			want:    []string{"critical key-mismatch api.shop.example"},
			knownBy: "verify",
		},
		{
			name: "what the wire showed stays, and is not set against the look of an endpoint out of use",
			build: func(s *scene) {
				s.see(shop, "10.0.0.1:443", s.leaf("a", names), 8, users(8))
				s.asked(shop, "10.0.0.2:443", s.leaf("old", names, expired), 4*time.Hour)
			},
			checks: checks,
		},
		{
			name: "expired since the wire showed it",
			build: func(s *scene) {
				id := s.leaf("a", names, valid(-100*day, 30*day))
				s.see(shop, "10.0.0.1:443", id, 8, users(8))
				s.asked(shop, "10.0.0.1:443", id, 31*day)
			},
			checks:  checks,
			want:    []string{"warning expired-certificate api.shop.example"},
			knownBy: "verify", detail: "clients use the endpoint, and were not seen to meet it",
		},
		{
			name: "on the wire and by a look",
			build: func(s *scene) {
				id := s.leaf("a", names, expired)
				s.see(shop, "10.0.0.1:443", id, 8, users(8))
				s.see(shop, "10.0.0.1:443", hidden, 8, users(8))
				s.asked(shop, "10.0.0.1:443", id, 4*time.Hour)
			},
			checks:  checks,
			want:    []string{"critical expired-certificate api.shop.example"},
			knownBy: "wire, verify", detail: "128 handshakes of 8 clients",
		},
		{
			name: "a renewal between what the check was seen to meet and the look",
			build: func(s *scene) {
				s.see(shop, "10.0.0.1:443", s.leaf("old", names), 2, []string{"10.8.0.1"}, byMonitor)
				s.see(shop, "10.0.0.2:443", hidden, 8, users(8))
				s.asked(shop, "10.0.0.2:443", s.leaf("new", names, valid(5*time.Hour, year)), 26*time.Hour)
			},
			checks: checks,
		},
		{
			name: "another chain than the check was seen to meet",
			build: func(s *scene) {
				s.see(shop, "10.0.0.1:443", hidden, 2, []string{"10.8.0.1"}, byMonitor)
				s.see(shop, "10.0.0.2:443", hidden, 8, users(8))
				s.asked(shop, "10.0.0.1:443", s.leaf("one", names), 4*time.Hour)
				s.asked(shop, "10.0.0.2:443", s.leaf("other", names), 4*time.Hour)
			},
			checks:  checks,
			want:    []string{"warning unmonitored-endpoint api.shop.example"},
			knownBy: "verify", detail: "shows another certificate than any endpoint that the check reaches",
		},
		{
			name: "a name that only we asked for is in no use",
			build: func(s *scene) {
				s.see(shop, "10.0.0.1:443", s.leaf("a", names), 8, users(8))
				s.asked("lost.shop.example", "10.0.0.1:443", s.leaf("old", names, expired), 4*time.Hour)
			},
			checks: checks,
		},
		{
			name: "out of scope",
			build: func(s *scene) {
				s.see(shop, "10.0.0.1:443", s.leaf("a", names), 8, users(8))
				s.see("elsewhere.example", "203.0.113.1:443", hidden, 8, users(8))
				s.asked("elsewhere.example", "203.0.113.1:443", s.leaf("old", []string{"elsewhere.example"}, expired), 4*time.Hour)
			},
			checks: checks,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			tt.build(s)
			traffic := slices.DeleteFunc(slices.Clone(s.sightings), func(x *discover.Sighting) bool { return x.Class == discover.ClassVerify })
			for range 2 {
				r := s.compareAt(t, tt.checks, traffic)
				equal(t, lines(r.Findings), append([]string{}, tt.want...))
				if len(r.Findings) > 0 && tt.knownBy+tt.detail != "" {
					f := &r.Findings[0]
					if got, _ := f.Evidence["known_by"].(string); got != tt.knownBy || !strings.Contains(f.Detail, tt.detail) {
						t.Errorf("got known by %q: %s\nwant %q, %q", got, f.Detail, tt.knownBy, tt.detail)
					}
				}
				without := s.only(traffic).compareAt(t, tt.checks, traffic)
				looked, plain := r.Summary, without.Summary
				looked.Findings, plain.Findings, looked.Certificates, plain.Certificates = nil, nil, 0, 0
				if got, want := [...]any{looked.Hostnames, looked.Handshakes, looked.Endpoints, looked.MonitorHandshakes, r.OutOfScope.Handshakes, r.AskedOnly.Names},
					[...]any{plain.Hostnames, plain.Handshakes, plain.Endpoints, plain.MonitorHandshakes, without.OutOfScope.Handshakes, without.AskedOnly.Names}; got != want {
					t.Errorf("with looks the figures are %v, without %v", got, want)
				}
				for i := range r.Checks {
					if r.Checks[i].Used != without.Checks[i].Used || !slices.Equal(r.Checks[i].Witnessed, without.Checks[i].Witnessed) {
						t.Errorf("with looks the check is %+v, without %+v", r.Checks[i], without.Checks[i])
					}
				}
				slices.Reverse(s.sightings)
			}
		})
	}
}

// compareAt compares with the time of the traffic alone, as a store has it.
func (s *scene) compareAt(t *testing.T, checks []monitored.Check, traffic []*discover.Sighting) *Result {
	t.Helper()
	inv, window := s.inventory(), s.only(traffic).inventory()
	inv.First, inv.Last = window.First, window.Last
	r, err := Compare(inv, &monitored.Result{Checks: checks}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// only is the scene with these sightings.
func (s *scene) only(traffic []*discover.Sighting) *scene {
	c := *s
	c.sightings = traffic
	return &c
}

// TestLooksAreJudged: what a look was shown is judged by the surface's store, as
// what handshakes showed is.
func TestLooksAreJudged(t *testing.T) {
	root, other := issue(t, "Root", nil, authority), issue(t, "Other Root", nil, authority)
	ca := issue(t, "Issuing CA", root, authority)
	leaf, foreign := issue(t, "leaf", ca, host(shop)), issue(t, "foreign", other, host(shop))
	cfg := Config{Stores: []*trust.Store{store(t, "internal", root)}, Surfaces: []Surface{{Name: "all", TrustStore: "internal", Servers: prefixes("10.0.0.0/8")}}}
	for _, tt := range []struct {
		name  string
		chain []*real
		want  []string
	}{
		{"a whole chain", []*real{leaf, ca}, nil},
		{"a chain without its intermediate", []*real{leaf}, []string{"warning incomplete-chain api.shop.example"}},
		{"a chain of another authority", []*real{foreign}, []string{"warning untrusted-certificate api.shop.example"}},
	} {
		s := newScene()
		s.see(shop, edge, hidden, 5, users(3))
		s.see("other.shop.example", "10.0.0.11:443", s.present(issue(t, "other", ca, host("other.shop.example")), ca), 5, users(3))
		s.asked(shop, edge, s.present(tt.chain...), 4*time.Hour)
		r := s.compare(t, []monitored.Check{exact(shop, 443), exact("other.shop.example", 443)}, cfg)
		equal(t, lines(r.Findings), append([]string{}, tt.want...))
		for _, f := range r.Findings {
			if f.Evidence["known_by"] != "verify" || f.Handshakes != 15 || f.Clients != 3 || !f.LastSeen.Equal(t0.Add(4*time.Hour)) {
				t.Errorf("%s: got %+v, want it known by the look at 14:00, with 15 handshakes of 3 clients", tt.name, f)
			}
		}
	}
}
