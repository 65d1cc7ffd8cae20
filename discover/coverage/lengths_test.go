package coverage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/inventory"
	"blindspot/discover/monitored"
)

// hiddenAs is a handshake of TLS 1.3 whose records have the lengths of a chain.
func hiddenAs(bytes int, key string) option {
	return lengthsAre(fmt.Sprintf("separable cert=%d key=%s asks=3f2a", bytes, key))
}

func lengthsAre(evidence string) option {
	return func(x *discover.Sighting) { x.LengthEvidence = evidence }
}

// sized gives a certificate that many bytes.
func sized(n int) certOption { return func(c *discover.Certificate) { c.DER = make([]byte, n) } }

// Messages of one certificate are 13 bytes longer than it (RFC 8446 §4.4.2:
// header, empty context, lengths of list and certificate, no extensions).
const inMessage = 4 + 1 + 3 + 3 + 2

func TestLengthSplit(t *testing.T) {
	const b1, b2, b3 = "10.1.0.1:8443", "10.1.0.2:8443", "10.1.0.3:8443"
	const split = "notice split-deployment api.shop.example"
	check := []monitored.Check{exact(shop, 8443)}
	surface := Config{Surfaces: []Surface{{Name: "backends", Servers: prefixes("10.1.0.0/16")}}}
	see := func(s *scene, server string, bytes int, opts ...option) {
		s.see(shop, server, hidden, 5, users(3), append([]option{hiddenAs(bytes, "rsa-2048")}, opts...)...)
	}
	runReports(t, []reportCase{
		{"two endpoints, two lengths", func(s *scene) { see(s, b1, 1756); see(s, b2, 1609) }, check, surface, []string{split}},
		{"neighbours with the same clients, without a surface", func(s *scene) { see(s, b1, 1756); see(s, b2, 1609) }, check, Config{}, []string{split}},
		{"one finding for all names", func(s *scene) {
			for _, n := range []string{shop, "www.shop.example"} {
				s.see(n, b1, hidden, 5, users(3), hiddenAs(1756, "rsa-2048"))
				s.see(n, b2, hidden, 5, users(3), hiddenAs(1609, "rsa-2048"))
			}
		}, []monitored.Check{exact(shop, 8443), exact("www.shop.example", 8443)}, surface, []string{split}},
		{"padding is no difference", func(s *scene) {
			see(s, b1, 1756)
			s.see(shop, b2, hidden, 5, users(3), lengthsAre("padded cert=1756 key=rsa-2048 asks=3f2a"))
		}, check, surface, nil},
		{"a backend that was left behind", func(s *scene) {
			see(s, b1, 1756, at(0, 4*time.Hour))
			see(s, b1, 1609, at(4*time.Hour, 9*time.Hour))
			see(s, b2, 1756, at(0, 9*time.Hour))
		}, check, surface, []string{split}},
		{"behind a load balancer that passes handshakes on", func(s *scene) {
			see(s, "10.1.9.9:8443", 1756)
			see(s, "10.1.9.9:8443", 1609)
			see(s, b1, 1756, forwarded(15))
			see(s, b2, 1609, forwarded(15))
		}, check, surface, []string{split}},

		{"not equal lengths", func(s *scene) { see(s, b1, 1756); see(s, b2, 1756) }, check, surface, nil},
		{"not hellos that ask for other things", func(s *scene) {
			see(s, b1, 1756)
			s.see(shop, b2, hidden, 5, users(3), lengthsAre("separable cert=1609 key=rsa-2048 asks=ffff"))
		}, check, surface, nil},
		{"not a staple that comes and goes", func(s *scene) {
			s.see(shop, b1, hidden, 5, users(3), lengthsAre("separable cert=2227 key=rsa-2048 asks=3f2b may=status"))
			s.see(shop, b2, hidden, 5, users(3), lengthsAre("separable cert=1756 key=rsa-2048 asks=3f2b may=status"))
		}, check, surface, nil},
		{"nor what may be compressed", func(s *scene) {
			s.see(shop, b1, hidden, 5, users(3), lengthsAre("separable cert=1411 key=rsa-2048 asks=3f2b may=compress"))
			s.see(shop, b2, hidden, 5, users(3), lengthsAre("separable cert=1756 key=rsa-2048 asks=3f2b may=compress"))
		}, check, surface, nil},
		{"not a pair of keys", func(s *scene) {
			see(s, b1, 1756)
			s.see(shop, b2, hidden, 5, users(3), hiddenAs(1099, "p256"))
		}, check, surface, nil},
		{"not in a mesh, where each instance has its own", func(s *scene) {
			s.see(shop, b1, hidden, 5, users(3), lengthsAre("separable cert=549 key=p256 request=48 asks=3f2a"))
			s.see(shop, b2, hidden, 5, users(3), lengthsAre("separable cert=550 key=p256 request=48 asks=3f2a"))
		}, check, surface, nil},
		{"not what was replaced before our own looks", func(s *scene) {
			for i, b := range []string{b1, b2} {
				see(s, b, 1756+i, at(0, 4*time.Hour))
				see(s, b, 800+i+inMessage, at(4*time.Hour, 9*time.Hour))
				ephemeral := func(c *discover.Certificate) { c.NotBefore, c.NotAfter = t0.Add(time.Hour), t0.Add(2*day) }
				s.asked(shop, b, s.leaf(string(rune('a'+i)), []string{shop}, rsa, sized(800+i), ephemeral), 10*time.Hour)
			}
		}, check, surface, nil},
		{"not packed messages", func(s *scene) {
			s.see(shop, b1, hidden, 5, users(3), lengthsAre("packed total=2048 asks=3f2a"))
			s.see(shop, b2, hidden, 5, users(3), lengthsAre("packed total=1600 asks=3f2a"))
		}, check, surface, nil},
		{"not one certificate with and without its issuer", func(s *scene) {
			ca := s.cert("Issuing CA", nil, sized(900), func(c *discover.Certificate) { c.CA = true })
			s.see("www.shop.example", b3, s.chain(s.cert("www", []string{"www.shop.example"}), ca), 5, users(3))
			see(s, b1, 1756)
			see(s, b2, 1756-900-3-2)
		}, append(check, exact("www.shop.example", 8443)), surface, nil},
		{"not a renewal everywhere", func(s *scene) {
			for _, b := range []string{b1, b2, b3} {
				see(s, b, 1756, at(0, 4*time.Hour))
				see(s, b, 1609, at(4*time.Hour, 9*time.Hour))
			}
		}, check, surface, nil},
		{"not a renewal that takes its time", func(s *scene) {
			for i, b := range []string{b1, b2, b3} {
				see(s, b, 1756, at(0, time.Duration(2+2*i)*time.Hour))
				see(s, b, 1609, at(time.Duration(2+2*i)*time.Hour, 9*time.Hour))
			}
		}, check, surface, nil},
		{"not a renewal of one endpoint", func(s *scene) {
			see(s, b1, 1756, at(0, 4*time.Hour))
			see(s, b1, 1609, at(4*time.Hour, 9*time.Hour))
		}, check, surface, nil},
		{"not a renewal that one endpoint's traffic did not live to see", func(s *scene) {
			see(s, b1, 1756, at(0, 4*time.Hour))
			see(s, b1, 1609, at(4*time.Hour, 9*time.Hour))
			see(s, b2, 1756, at(0, 3*time.Hour))
		}, check, surface, nil},
		{"nor one that was gone within the grace", func(s *scene) {
			see(s, b1, 1756, at(0, 4*time.Hour))
			see(s, b1, 1609, at(4*time.Hour, 9*time.Hour))
			see(s, b2, 1756, at(0, 4*time.Hour+30*time.Minute))
		}, check, surface, nil},
		{"not where one endpoint shows both by turns", func(s *scene) { see(s, b1, 1756); see(s, b1, 1609); see(s, b2, 1756) }, check, surface, nil},
		{"not other ports", func(s *scene) { see(s, b1, 1756); see(s, "10.1.0.2:9443", 1609) },
			[]monitored.Check{exact(shop, 8443), exact(shop, 9443)}, surface, nil},
		{"not servers far from each other, without a surface", func(s *scene) { see(s, b1, 1756); see(s, "10.2.0.2:8443", 1609) }, check, Config{}, nil},
		{"not an edge and its backend, without a surface", func(s *scene) {
			see(s, b1, 1756)
			s.see(shop, b2, hidden, 5, []string{"10.1.0.1", "10.9.0.1"}, hiddenAs(1609, "rsa-2048"))
		}, check, Config{}, nil},
		{"not behind a proxy", func(s *scene) {
			behind := func(x *discover.Sighting) { x.Target = shop + ":8443" }
			see(s, b1, 1756, behind)
			see(s, b2, 1609, behind)
		}, check, surface, nil},
		{"not what only the checks met", func(s *scene) { see(s, b1, 1756); see(s, b2, 1609, byMonitor) }, check, surface, nil},
		{"not where our own look was shown both", func(s *scene) {
			see(s, b1, 800+inMessage)
			see(s, b2, 900+inMessage)
			s.asked(shop, b1, s.leaf("a", []string{shop}, rsa, sized(800)), time.Hour)
			s.asked(shop, b2, s.leaf("b", []string{shop}, rsa, sized(900)), time.Hour+time.Second)
		}, check, surface, []string{"warning split-deployment api.shop.example"}},
	})
}

func TestLengthSplitSays(t *testing.T) {
	const b1, b2 = "10.1.0.1:8443", "10.1.0.2:8443"
	s := newScene()
	for i, c := range []struct {
		server   string
		bytes    int
		from, to time.Duration
	}{{b1, 1756, 0, 4}, {b1, 1609, 4, 9}, {b2, 1756, 0, 9}} {
		s.see(shop, c.server, hidden, uint64(i+1), users(3), hiddenAs(c.bytes, "rsa-2048"), at(c.from*time.Hour, c.to*time.Hour))
	}
	r := s.compare(t, one(exact(shop, 8443)), Config{Surfaces: []Surface{{Name: "backends", Servers: prefixes("10.1.0.0/16")}}})
	if len(r.Findings) != 1 {
		t.Fatalf("got %q, want one finding", lines(r.Findings))
	}
	f := r.Findings[0]
	const want = "api.shop.example on port 8443: the lengths of the encrypted certificates differ, so at least two chains are served; known by record lengths: " +
		"1609 bytes at 10.1.0.1:8443 since 2026-11-23T14:00:00Z; 1756 bytes at 10.1.0.2:8443: 15 handshakes of 3 clients (83.3 % of traffic)."
	if f.Detail != want {
		t.Errorf("got %q,\nwant %q", f.Detail, want)
	}
	if f.Evidence["known_by"] != "record-lengths" || !slices.Equal(f.Endpoints, []string{b1, b2}) || f.Certificate != "" {
		t.Errorf("got endpoints %v, certificate %q, evidence %v", f.Endpoints, f.Certificate, f.Evidence)
	}
}

func TestConsistent(t *testing.T) {
	const b1, b2 = "10.1.0.1:443", "10.1.0.2:443"
	names := []string{shop}
	record := func(c *discover.Certificate) inventory.Record {
		return inventory.Record{SHA256: c.SHA256, Serial: c.Serial, Names: c.DNSNames, NotBefore: c.NotBefore, NotAfter: c.NotAfter, Current: true, Certificate: c}
	}
	holds := func(list ...*discover.Certificate) Config {
		r := &inventory.Result{}
		for _, c := range list {
			r.Records = append(r.Records, record(c))
		}
		return Config{Inventory: r}
	}
	newest, old, other := sized(800), sized(803), sized(800)
	const bytes = 800 + inMessage
	for _, tt := range []struct {
		name  string
		build func(s *scene) Config
		fits  int
		known int
		named string // label of the certificate
		few   bool   // hardly anything else was seen
		lacks int    // of the others that were seen, those that the inventory does not hold
	}{
		{
			name: "the inventory holds it, and lengths tell it apart",
			build: func(s *scene) Config {
				x := s.cert("new", names, newest)
				s.see(shop, b1, s.chain(x), 5, users(3))
				return holds(x, s.cert("old", names, old))
			},
			fits: 1, known: 2, named: "new",
		},
		{
			name: "too little was seen to know whether the inventory is whole",
			build: func(s *scene) Config {
				x := s.cert("new", names, newest)
				s.see(shop, b1, s.chain(x), 5, users(3))
				return holds(x, s.cert("old", names, old))
			},
			fits: 1, known: 2, few: true,
		},
		{
			name: "the inventory is not whole elsewhere",
			build: func(s *scene) Config {
				x := s.cert("new", names, newest)
				s.see(shop, b1, s.chain(x), 5, users(3))
				return holds(x, s.cert("old", names, old))
			},
			fits: 1, known: 2, lacks: 2,
		},
		{
			name: "with the issuer that the inventory has beside it",
			build: func(s *scene) Config {
				ca := s.cert("Issuing CA", nil, sized(600), func(c *discover.Certificate) { c.CA = true })
				x := s.cert("new", names, sized(800-5-600))
				s.see(shop, b1, s.chain(x), 5, users(3))
				cfg := holds(x, s.cert("old", names, old))
				cfg.Inventory.Intermediates = []*discover.Certificate{ca}
				return cfg
			},
			fits: 1, known: 2, named: "new",
		},
		{
			name: "several fit: none is named",
			build: func(s *scene) Config {
				x := s.cert("new", names, newest)
				s.see(shop, b1, s.chain(x), 5, users(3))
				return holds(x, s.cert("old", names, other))
			},
			fits: 2, known: 2,
		},
		{
			name: "by traffic alone: a renewal may have its length",
			build: func(s *scene) Config {
				s.see(shop, b1, s.leaf("new", names, newest), 5, users(3))
				s.see(shop, "10.1.0.3:443", s.leaf("old", names, old), 5, users(3), at(0, time.Minute))
				return Config{}
			},
			fits: 1, known: 2,
		},
		{
			name: "one is known: nothing says that lengths tell",
			build: func(s *scene) Config {
				x := s.cert("new", names, newest)
				s.see(shop, b1, s.chain(x), 5, users(3))
				return holds(x)
			},
			fits: 1, known: 1,
		},
		{
			name: "the inventory does not know what else is in use",
			build: func(s *scene) Config {
				x := s.cert("new", names, newest)
				s.see(shop, b1, s.chain(x), 5, users(3))
				s.see("m.shop.example", b1, s.leaf("stranger", []string{"m.shop.example"}), 5, users(3))
				return holds(x, s.cert("old", names, old))
			},
			fits: 1, known: 2,
		},
		{
			name: "nothing of the domain was seen, so nothing says that the inventory is whole",
			build: func(s *scene) Config {
				return holds(s.cert("new", names, newest), s.cert("old", names, old))
			},
			fits: 1, known: 2,
		},
		{
			name: "a record of which only that it exists is known",
			build: func(s *scene) Config {
				x := s.cert("new", names, newest)
				s.see(shop, b1, s.chain(x), 5, users(3))
				cfg := holds(x, s.cert("old", names, old))
				cfg.Inventory.Records = append(cfg.Inventory.Records, inventory.Record{Names: names, Serial: "0123456789abcdef0123", NotAfter: t0.Add(90 * day)})
				return cfg
			},
			fits: 1, known: 2,
		},
		{
			name: "another kind of key",
			build: func(s *scene) Config {
				x := s.cert("new", names, newest, rsa)
				s.see(shop, b1, s.chain(x), 5, users(3))
				return holds(x, s.cert("old", names, old))
			},
			known: 1,
		},
		{
			name: "none of those that are known",
			build: func(s *scene) Config {
				x := s.cert("new", names, sized(801))
				s.see(shop, b1, s.chain(x), 5, users(3))
				return holds(x, s.cert("old", names, old))
			},
			known: 2,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			cfg := tt.build(s)
			for i := range 210 {
				if tt.few || cfg.Inventory == nil {
					break
				}
				host := fmt.Sprintf("h%d.other.example", i)
				c := s.cert(host, []string{host})
				s.see(host, "10.1.0.9:443", s.chain(c), 1, users(1))
				if i >= tt.lacks {
					cfg.Inventory.Records = append(cfg.Inventory.Records, record(c))
				}
			}
			s.see(shop, b2, hidden, 5, users(3), hiddenAs(bytes, "p256"))
			cfg.Surfaces = []Surface{{Name: "shop", Servers: prefixes("10.1.0.0/16")}}
			f := hiddenFinding(t, s.compare(t, one(ping(shop)), cfg))
			list := f.Evidence["lengths"].([]lengthEvidence)
			if len(list) != 1 || list[0].Fits != tt.fits || list[0].Known != tt.known || list[0].Bytes != bytes {
				t.Fatalf("got %+v, want %d of %d that fit", list, tt.fits, tt.known)
			}
			want := ""
			for sum, c := range s.certs {
				if tt.named != "" && c.Subject == "CN="+tt.named {
					want = sum.String()
				}
			}
			if list[0].ConsistentWith != want {
				t.Errorf("got consistent with %q, want %q", list[0].ConsistentWith, want)
			}
			if says := strings.Contains(f.Detail, "are consistent with"); says != (want != "") || (f.Evidence["known_by"] == "consistent-with") != says {
				t.Errorf("%s: known by %v", f.Detail, f.Evidence["known_by"])
			}
			if f.Severity != discover.Notice || f.Certificate != "" {
				t.Errorf("got %s, certificate %q", f.Severity, f.Certificate)
			}
		})
	}
}

// hiddenFinding is the report's hidden-certificate.
func hiddenFinding(t *testing.T, r *Result) *discover.Finding {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f discover.Finding) bool { return f.Kind == "hidden-certificate" })
	if i < 0 {
		t.Fatalf("got %q, want hidden-certificate", lines(r.Findings))
	}
	return &r.Findings[i]
}

// What the lengths of records contradict, a look is not lent to.
func TestLengthsContradictLook(t *testing.T) {
	const b1, byLookAlone = "10.1.0.1:443", "warning expired-certificate api.shop.example"
	expired := func(s *scene) discover.ChainID { return s.leaf("a", []string{shop}, valid(-90*day, -day), sized(800)) }
	check := one(exact(shop, 443))
	runReports(t, []reportCase{
		{"the same length", func(s *scene) {
			s.see(shop, b1, hidden, 5, users(3), hiddenAs(800+inMessage, "p256"))
			s.asked(shop, b1, expired(s), time.Hour)
		}, check, Config{}, []string{"critical expired-certificate api.shop.example"}},
		{"another length", func(s *scene) {
			s.see(shop, b1, hidden, 5, users(3), hiddenAs(801+inMessage, "p256"))
			s.asked(shop, b1, expired(s), time.Hour)
		}, check, Config{}, []string{byLookAlone}},
		{"another key", func(s *scene) {
			s.see(shop, b1, hidden, 5, users(3), hiddenAs(800+inMessage, "rsa-2048"))
			s.asked(shop, b1, expired(s), time.Hour)
		}, check, Config{}, []string{byLookAlone}},
	})
}

// An endpoint that presented a certificate before and after showed it in
// between, too.
func TestConsistentBracketed(t *testing.T) {
	const b1, b2 = "10.1.0.1:443", "10.1.0.2:443"
	for _, tt := range []struct {
		name  string
		build func(s *scene, x discover.ChainID)
		want  bool
	}{
		{"before and after", func(s *scene, x discover.ChainID) {
			s.see(shop, b1, x, 1, users(1), at(0, time.Minute))
			s.see(shop, b1, x, 1, users(1), at(2*time.Hour, 2*time.Hour))
		}, true},
		{"before", func(s *scene, x discover.ChainID) { s.see(shop, b1, x, 1, users(1), at(0, time.Minute)) }, false},
		{"after", func(s *scene, x discover.ChainID) { s.see(shop, b1, x, 1, users(1), at(2*time.Hour, 2*time.Hour)) }, false},
		{"elsewhere", func(s *scene, x discover.ChainID) { s.see(shop, b2, x, 1, users(1), at(0, 2*time.Hour)) }, false},
		{"for another name", func(s *scene, x discover.ChainID) {
			s.see("www.shop.example", b1, x, 1, users(1), at(0, 2*time.Hour))
		}, false},
		{"another one of that length between", func(s *scene, x discover.ChainID) {
			s.see(shop, b1, x, 1, users(1), at(0, 2*time.Hour))
			s.see(shop, b1, s.leaf("y", []string{shop}, sized(800)), 1, users(1), at(time.Hour, time.Hour))
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			x := s.leaf("x", []string{shop, "www.shop.example"}, sized(800))
			tt.build(s, x)
			s.see(shop, b1, hidden, 5, users(3), hiddenAs(800+inMessage, "p256"), at(30*time.Minute, 90*time.Minute))
			fits, err := Consistent(s.inventory(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if (fits != nil) != tt.want {
				t.Fatalf("something may be named: got %v, want %v", fits != nil, tt.want)
			}
			if fits == nil {
				return
			}
			for _, y := range s.sightings {
				leaf, ok := fits(y)
				if want := y.LengthEvidence != ""; ok != want || ok && leaf != s.chains[x][0] {
					t.Errorf("%s %s: got %s, %v, want %v", y.Hostname, y.Known, leaf.Short(), ok, want)
				}
			}
		})
	}
}
