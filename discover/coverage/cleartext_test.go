package coverage

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

// clear adds n sessions of each client that stayed in the clear.
func (s *scene) clear(state, preface, server string, n uint64, clients []string, change ...func(*discover.OfferCount)) {
	o := &discover.OfferCount{First: t0, Last: t0.Add(time.Hour)}
	o.Offer = discover.Offer{Server: netip.MustParseAddrPort(server), Preface: preface, State: state}
	for _, c := range clients {
		a := netip.MustParseAddr(c)
		o.Clients.Add(netip.PrefixFrom(a, a.BitLen()), n, discover.SketchKey{})
		o.Count += n
	}
	for _, f := range change {
		f(o)
	}
	s.offers = append(s.offers, o)
}

func behind(preface string) option { return func(x *discover.Sighting) { x.Preface = preface } }

const mx = "10.0.0.25:25"

func TestCleartext(t *testing.T) {
	check := one(exact("mx.shop.example", 25))
	mail := func(s *scene) { // what a healthy server does
		s.see("mx.shop.example", mx, s.leaf("mx", []string{"mx.shop.example"}), 5, users(3), behind("smtp"))
	}
	found := []string{"notice cleartext-after-offer mx.shop.example"}
	asMonitor := func(o *discover.OfferCount) { o.Class = discover.ClassMonitor }
	runReports(t, []reportCase{
		{"not where every session began TLS", mail, check, Config{}, nil},
		{"one client went on in the clear", func(s *scene) {
			mail(s)
			s.clear(discover.OfferDeclined, "smtp", mx, 2, users(1))
		}, check, Config{}, found},
		{"the server refused", func(s *scene) {
			mail(s)
			s.clear(discover.OfferRefused, "smtp", mx, 2, users(1))
		}, check, Config{}, found},
		{"both are one finding", func(s *scene) {
			mail(s)
			s.clear(discover.OfferDeclined, "smtp", mx, 2, users(1))
			s.clear(discover.OfferRefused, "smtp", mx, 2, users(1))
		}, check, Config{}, found},
		{"an endpoint without any TLS", func(s *scene) {
			s.clear(discover.OfferRefused, "postgresql", "10.0.0.54:5432", 1, users(1))
		}, nil, Config{}, []string{"notice cleartext-after-offer 10.0.0.54:5432"}},
		{"two protocols on one endpoint", func(s *scene) {
			s.clear(discover.OfferRefused, "imap", "10.0.0.54:143", 1, users(1))
			s.clear(discover.OfferRefused, "proxy-v2+imap", "10.0.0.54:143", 1, users(1))
		}, nil, Config{}, []string{"notice cleartext-after-offer 10.0.0.54:143", "notice cleartext-after-offer 10.0.0.54:143"}},
		{"many clients are still a notice", func(s *scene) {
			s.clear(discover.OfferDeclined, "smtp", mx, 100, users(60))
		}, nil, Config{}, []string{"notice cleartext-after-offer 10.0.0.25:25"}},
		{"not for the checks, by class", func(s *scene) {
			s.clear(discover.OfferDeclined, "smtp", mx, 2, users(1), asMonitor)
		}, nil, Config{}, nil},
		{"not for the checks, by address", func(s *scene) {
			s.clear(discover.OfferDeclined, "smtp", mx, 2, []string{"10.77.3.9"})
		}, nil, Config{MonitorSources: prefixes("10.77.3.9/32")}, nil},
		{"not out of scope", func(s *scene) {
			s.clear(discover.OfferDeclined, "smtp", "198.51.100.25:25", 2, users(1))
		}, nil, Config{}, nil},
		{"of a public server, where it serves a name of ours", func(s *scene) {
			s.see("mx.shop.example", "198.51.100.25:25", s.leaf("mx", []string{"mx.shop.example"}), 5, users(3), behind("smtp"))
			s.clear(discover.OfferDeclined, "smtp", "198.51.100.25:25", 2, users(1))
		}, check, Config{}, found},
		{"in a tunnel the target counts, and not the proxy", func(s *scene) {
			s.clear(discover.OfferDeclined, "http-connect+smtp", "10.0.0.3:3128", 2, users(1), func(o *discover.OfferCount) { o.Target = "mx.example.net:25" })
		}, nil, Config{}, nil},
	})
}

// The sentence tells a server that refuses from clients that decline, and says
// how many of how many.
func TestCleartextWords(t *testing.T) {
	s := newScene()
	leaf := s.leaf("mx", []string{"mx.shop.example"})
	s.see("mx.shop.example", mx, leaf, 4, append(users(2), "10.77.3.9"), behind("smtp"))
	s.see("mx.shop.example", mx, leaf, 7, users(2))                                   // TLS from the start: another protocol
	s.see("mx.shop.example", mx, leaf, 9, users(2), behind("smtp"), byMonitor)        // no client
	s.see("mx.shop.example", mx, none, 9, users(2), behind("smtp"), unanswered)       // no TLS
	s.clear(discover.OfferDeclined, "smtp", mx, 3, []string{"10.9.0.1", "10.8.0.1"})  // 10.9.0.1 uses TLS too
	s.clear(discover.OfferRefused, "smtp", mx, 1, []string{"10.8.0.1"})               //
	s.clear(discover.OfferDeclined, "smtp", mx, 5, []string{"10.77.3.9"})             // a monitor by its address
	s.clear(discover.OfferDeclined, "imap", "10.0.0.26:143", 1, []string{"10.8.0.1"}) //
	s.clear(discover.OfferRefused, "postgresql", "10.0.0.27:5432", 2, []string{"10.8.0.2"}, func(o *discover.OfferCount) {
		o.First, o.Last, o.Network = t0.Add(time.Minute), t0.Add(2*time.Minute), "plant"
	})
	r := s.compare(t, one(exact("mx.shop.example", 25)), Config{MonitorSources: prefixes("10.77.3.9/32"),
		Surfaces: []Surface{{Name: "mail", Owner: "post", STARTTLS: []string{"smtp"}}}})
	var got []discover.Finding
	for _, f := range r.Findings {
		if f.Kind == "cleartext-after-offer" {
			got = append(got, f)
		}
	}
	if len(got) != 3 {
		t.Fatalf("got %q, want three findings", lines(got))
	}
	byName := map[string]*discover.Finding{}
	for i := range got {
		byName[got[i].Endpoints[0]] = &got[i]
	}
	for _, c := range []struct {
		endpoint        string
		clients         uint64
		surface, owner  string
		detail          string
		remedy, command string
	}{
		{mx, 2, "mail", "post",
			"Sessions of SMTP to mx.shop.example at 10.0.0.25:25 stayed in the clear: TLS was refused to clients that asked for it in 1 of 15 sessions, of 1 of 3 clients, and clients went on without it after the offer in 6, of 2 clients.",
			"smtpd_tls_security_level = encrypt", "openssl s_client -connect 10.0.0.25:25 -servername mx.shop.example -starttls smtp"},
		{"10.0.0.26:143", 1, "unassigned", "",
			"10.0.0.26:143 offers TLS within IMAP, and clients went on in the clear: the only session, of the only client.",
			"disable_plaintext_auth = yes", "-starttls imap"},
		{"10.0.0.27:5432", 1, "unassigned", "",
			"10.0.0.27:5432 refuses TLS within PostgreSQL to clients that ask for it: all 2 sessions, of the only client.",
			"Give 10.0.0.27:5432 TLS (postgresql.conf: ssl = on). Set the clients (10.8.0.2) to insist", "-starttls postgres"},
	} {
		f := byName[c.endpoint]
		if f == nil {
			t.Fatalf("%s: no finding", c.endpoint)
		}
		if f.Detail != c.detail || f.Clients != c.clients || f.Handshakes != 0 || f.Share != 0 || f.Surface != c.surface || f.Owner != c.owner {
			t.Errorf("%s: got %d clients, %d handshakes in %q of %q\n\t%s\nwant\t%s", c.endpoint, f.Clients, f.Handshakes, f.Surface, f.Owner, f.Detail, c.detail)
		}
		if !strings.Contains(f.Remedy, c.remedy) || !strings.Contains(f.Remedy, c.command) {
			t.Errorf("%s: remedy %q has not %q and %q", c.endpoint, f.Remedy, c.remedy, c.command)
		}
	}
	if f := byName["10.0.0.27:5432"]; !f.FirstSeen.Equal(t0.Add(time.Minute)) || !f.LastSeen.Equal(t0.Add(2*time.Minute)) || f.Evidence["network"] != "plant" {
		t.Errorf("got %v to %v in %v", f.FirstSeen, f.LastSeen, f.Evidence["network"])
	}
	want := `{"clients_total":3,"declined_clients":[{"client":"10.8.0.1","sessions":3},{"client":"10.9.0.1","sessions":3}],` +
		`"refused_clients":[{"client":"10.8.0.1","sessions":1}],"sessions":{"declined":6,"refused":1,"with_tls":8},"sessions_total":15,"starttls":"smtp"}`
	if text, err := json.Marshal(byName[mx].Evidence); err != nil || string(text) != want {
		t.Errorf("got evidence\n\t%s, %v\nwant\n\t%s", text, err, want)
	}
	sum := Cleartext{Refused: 3, Declined: 7, Endpoints: 3, Checks: 5}
	if r.Summary.Cleartext != sum || r.Summary.Handshakes != 8+14 {
		t.Errorf("got %+v with %d handshakes, want %+v with 22", r.Summary.Cleartext, r.Summary.Handshakes, sum)
	}
}

func TestCleartextOutOfScope(t *testing.T) {
	s := newScene()
	s.clear(discover.OfferDeclined, "smtp", "198.51.100.25:25", 2, users(3))
	s.clear(discover.OfferRefused, "smtp", "198.51.100.25:25", 1, users(1))
	r := s.compare(t, nil, Config{})
	if r.OutOfScope.Cleartext != 7 || r.Summary.Cleartext != (Cleartext{}) || len(r.Findings) != 0 {
		t.Errorf("got %+v out of scope, %+v in it, %q; want 7 sessions out of scope and nothing else", r.OutOfScope, r.Summary.Cleartext, lines(r.Findings))
	}
}

// Where a protocol stays in the clear all over a surface, that is one finding.
func TestManyCleartext(t *testing.T) {
	s := newScene()
	for i := range maxSeparate + 1 {
		s.clear(discover.OfferRefused, "postgresql", fmt.Sprintf("10.0.1.%d:5432", i+1), uint64(i+1), users(2))
	}
	s.clear(discover.OfferRefused, "mysql", "10.0.1.1:3306", 1, users(1))
	r := s.compare(t, nil, Config{})
	if len(r.Findings) != 2 {
		t.Fatalf("got %q, want one finding of PostgreSQL and one of MySQL", lines(r.Findings))
	}
	for _, f := range r.Findings {
		if f.Evidence["starttls"] != "postgresql" {
			continue
		}
		if len(f.Endpoints) != maxSeparate+1 || f.Evidence["places_total"] != maxSeparate+1 || f.Clients != 2 || !strings.Contains(f.Detail, "and 18 more refuse TLS") {
			t.Errorf("got %d endpoints, %d clients: %s", len(f.Endpoints), f.Clients, f.Detail)
		}
	}
}

// Scanners that also look for STARTTLS are counted, and raise nothing.
func TestCleartextScanners(t *testing.T) {
	s := newScene()
	s.see(shop, edge, wildcard(s), 500, users(30))
	for i := range scannerTargets {
		s.see("", fmt.Sprintf("10.0.0.%d:8443", 100+i), none, 1, []string{"10.66.6.6"}, version("TLS 1.0"))
	}
	s.clear(discover.OfferDeclined, "smtp", mx, 1, []string{"10.66.6.6"})
	s.clear(discover.OfferDeclined, "imap", "10.0.0.26:143", 1, []string{"10.66.6.6", "10.9.0.1"})
	r := s.compare(t, []monitored.Check{exact(shop, 443)}, Config{})
	equal(t, lines(r.Findings), []string{"notice cleartext-after-offer 10.0.0.26:143"})
	if c := r.Summary.Cleartext; c.Scanners != 1 || c.Declined != 2 {
		t.Errorf("got %+v, want 1 session of scanners and 2 that declined", c)
	}
}

// The report does not depend on the order of offers, nor keep them.
func TestCleartextOrder(t *testing.T) {
	s := newScene()
	for i := range 9 {
		s.clear(discover.OfferRefused, "smtp", fmt.Sprintf("10.0.%d.1:25", i%3), 1, users(i+1), func(o *discover.OfferCount) { o.Network = fmt.Sprint("n", i/3) })
	}
	want := s.compare(t, nil, Config{})
	for i, j := 0, len(s.offers)-1; i < j; i, j = i+1, j-1 {
		s.offers[i], s.offers[j] = s.offers[j], s.offers[i]
	}
	if got := s.compare(t, nil, Config{}); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got.Findings, want.Findings)
	}
	for _, o := range s.offers {
		if o.Clients.Distinct() > 9 {
			t.Errorf("the comparison changed %+v", o)
		}
	}
}
