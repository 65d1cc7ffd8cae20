package coverage

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// t0 is when the traffic of scenes begins; it ends an hour later.
var t0 = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// scene is a small inventory, written by hand.
type scene struct {
	sightings []*discover.Sighting
	certs     map[discover.Fingerprint]*discover.Certificate
	chains    map[discover.ChainID][]discover.Fingerprint
	offers    []*discover.OfferCount
	live      bool
}

func newScene() *scene {
	return &scene{certs: map[discover.Fingerprint]*discover.Certificate{}, chains: map[discover.ChainID][]discover.Fingerprint{}}
}

func (s *scene) inventory() *discover.Inventory {
	inv := &discover.Inventory{
		Live:        s.live,
		Offers:      s.offers,
		Certificate: func(f discover.Fingerprint) *discover.Certificate { return s.certs[f] },
		Chain:       func(id discover.ChainID) []discover.Fingerprint { return s.chains[id] },
		Sightings: iter.Seq2[*discover.Sighting, error](func(yield func(*discover.Sighting, error) bool) {
			for _, x := range s.sightings {
				if !yield(x, nil) {
					return
				}
			}
		}),
	}
	for _, x := range s.sightings {
		if inv.First.IsZero() || x.First.Before(inv.First) {
			inv.First = x.First
		}
		if x.Last.After(inv.Last) {
			inv.Last = x.Last
		}
	}
	return inv
}

type certOption func(*discover.Certificate)

// cert makes a certificate valid from 30 days before t0 for a year.
func (s *scene) cert(label string, names []string, opts ...certOption) *discover.Certificate {
	c := &discover.Certificate{
		SHA256: sha256.Sum256([]byte(label)), Subject: "CN=" + label, Issuer: "CN=Issuing CA",
		NotBefore: t0.Add(-30 * day), NotAfter: t0.Add(year), DNSNames: names,
		KeyType: "ECDSA", KeyBits: 256, Signature: "ECDSA-SHA256",
	}
	for _, o := range opts {
		o(c)
	}
	s.certs[c.SHA256] = c
	return c
}

func valid(from, to time.Duration) certOption {
	return func(c *discover.Certificate) { c.NotBefore, c.NotAfter = t0.Add(from), t0.Add(to) }
}

// chain registers a chain as presented.
func (s *scene) chain(certs ...*discover.Certificate) discover.ChainID {
	var list []discover.Fingerprint
	for _, c := range certs {
		list = append(list, c.SHA256)
	}
	id := discover.ChainIDOf(list)
	s.chains[id] = list
	return id
}

// leaf is a chain of one new certificate.
func (s *scene) leaf(label string, names []string, opts ...certOption) discover.ChainID {
	return s.chain(s.cert(label, names, opts...))
}

type option func(*discover.Sighting)

// see adds n handshakes of each client, over the hour from t0.
func (s *scene) see(name, server string, chain discover.ChainID, n uint64, clients []string, opts ...option) {
	x := &discover.Sighting{First: t0, Last: t0.Add(time.Hour), Bucket: t0, Width: time.Hour}
	x.Hostname, x.Transport, x.Server = name, discover.TCP, netip.MustParseAddrPort(server)
	x.Chain, x.Known, x.Version, x.Outcome = chain, discover.FromWire, "TLS 1.2", discover.Established
	if x.Name = discover.NameValid; name == "" {
		x.Name = discover.NameNone
	}
	if chain.IsZero() {
		x.Known, x.Version = discover.HiddenEncrypted, "TLS 1.3"
	}
	for _, c := range clients {
		a := netip.MustParseAddr(c)
		x.Clients.Add(netip.PrefixFrom(a, a.BitLen()), n, discover.SketchKey{})
		x.Count += n
	}
	for _, o := range opts {
		o(x)
	}
	s.sightings = append(s.sightings, x)
}

func at(from, to time.Duration) option {
	return func(x *discover.Sighting) { x.First, x.Last = t0.Add(from), t0.Add(to) }
}

func ended(o discover.Outcome, alert string) option {
	return func(x *discover.Sighting) { x.Outcome, x.Alert = o, alert }
}

func version(v string) option { return func(x *discover.Sighting) { x.Version = v } }

func refused(alert string) option { return ended(discover.RefusedByClient, alert) }

// unanswered is a name that was asked for, and no server went on with it.
func unanswered(x *discover.Sighting) {
	x.Version, x.Outcome, x.Known = "", discover.Unanswered, discover.HiddenNoAnswer
}

func byMonitor(x *discover.Sighting) { x.Class = discover.ClassMonitor }

// users returns n client addresses.
func users(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("10.9.%d.%d", i/250, i%250+1)
	}
	return out
}

// exact is a proper check of a name and port.
func exact(name string, port uint16) monitored.Check {
	return monitored.Check{
		Source: "hosts", Ref: "hosts.txt:1", Enabled: true, Scheme: "https", Hostname: name, Address: name, Port: port,
		SNIOrigin: "derived", Verifies: true, Grade: monitored.GradeExact,
	}
}

// pinned is a proper check that dials an address.
func pinned(name, addr string, port uint16) monitored.Check {
	c := exact(name, port)
	c.Address, c.SNIOrigin = addr, "explicit"
	return c
}

// byAddress is a check of an address without a server name.
func byAddress(addr string, port uint16) monitored.Check {
	c := exact("", port)
	c.Address, c.SNIOrigin, c.Grade = addr, "none", monitored.GradeDefaultCertificate
	return c
}

// ping is a check that only reaches a host.
func ping(host string) monitored.Check {
	return monitored.Check{Source: "hosts", Ref: "hosts.txt:9", Enabled: true, Scheme: "icmp", Address: host, SNIOrigin: "none", Grade: monitored.GradeReachability}
}

// shop is the name that most scenes check, so that its domain is in scope.
const shop = "api.shop.example"

func (s *scene) compare(t *testing.T, checks []monitored.Check, cfg Config) *Result {
	t.Helper()
	r, err := Compare(s.inventory(), &monitored.Result{Checks: checks}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines writes findings as "severity kind subject".
func lines(list []discover.Finding) []string {
	out := []string{}
	for _, f := range list {
		subject := f.Hostname
		if subject == "" && len(f.Endpoints) > 0 {
			subject = f.Endpoints[0]
		}
		out = append(out, fmt.Sprintf("%s %s %s", f.Severity, f.Kind, subject))
	}
	return out
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got findings\n\t%q\nwant\n\t%q", got, want)
	}
}
