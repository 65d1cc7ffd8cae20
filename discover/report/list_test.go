package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
)

// world is an inventory that is built by hand.
type world struct {
	sightings []*discover.Sighting
	certs     map[discover.Fingerprint]*discover.Certificate
	chains    map[discover.ChainID][]discover.Fingerprint
}

func newWorld() *world {
	return &world{certs: map[discover.Fingerprint]*discover.Certificate{}, chains: map[discover.ChainID][]discover.Fingerprint{}}
}

// cert makes a certificate without bytes: lists read its fields only.
func (w *world) cert(name, notAfter string) *discover.Certificate {
	c := &discover.Certificate{
		SHA256: discover.FingerprintOf([]byte(name + notAfter)), Subject: "CN=" + name, Issuer: "CN=Example CA", Serial: "1f",
		DNSNames: []string{name}, NotBefore: at("2026-01-01T00:00:00Z"), NotAfter: at(notAfter),
		KeyType: "ECDSA", Curve: "P-256", KeyBits: 256, Signature: "ECDSA-SHA256",
	}
	w.certs[c.SHA256] = c
	return c
}

func (w *world) chain(list ...*discover.Certificate) discover.ChainID {
	var fs []discover.Fingerprint
	for _, c := range list {
		fs = append(fs, c.SHA256)
	}
	id := discover.ChainIDOf(fs)
	w.chains[id] = fs
	return id
}

// see adds n handshakes of a client.
func (w *world) see(host, server string, chain discover.ChainID, client string, n uint64, edit func(*discover.Sighting)) {
	s := &discover.Sighting{
		Key: discover.Key{
			Name: discover.NameValid, Hostname: host, Transport: discover.TCP, Server: netip.MustParseAddrPort(server),
			Chain: chain, Known: discover.FromWire, Version: "TLS 1.2", Outcome: discover.Established,
		},
		First: at("2026-11-23T10:00:00Z"), Last: at("2026-11-23T10:30:00Z"), Count: n,
	}
	if host == "" {
		s.Name = discover.NameNone
	}
	if chain.IsZero() {
		s.Known = discover.HiddenEncrypted
		s.Version = "TLS 1.3"
	}
	addr := netip.MustParseAddr(client)
	s.Clients.Add(netip.PrefixFrom(addr, addr.BitLen()), n, discover.SketchKey{})
	if edit != nil {
		edit(s)
	}
	w.sightings = append(w.sightings, s)
}

func (w *world) inventory() *discover.Inventory {
	return &discover.Inventory{
		First: at("2026-11-23T10:00:00Z"), Last: at("2026-11-23T11:00:00Z"),
		Sightings: func(yield func(*discover.Sighting, error) bool) {
			for _, s := range w.sightings {
				if !yield(s, nil) {
					return
				}
			}
		},
		Certificate: func(f discover.Fingerprint) *discover.Certificate { return w.certs[f] },
		Chain:       func(id discover.ChainID) []discover.Fingerprint { return w.chains[id] },
		Sensor:      discover.Visibility{Packets: 5000, Handshakes: 300, Hidden: map[string]uint64{"encrypted": 40}},
	}
}

// shop has names in use, one of checks alone, one only asked for, a renewal,
// and traffic without a name.
func shop() *world {
	w := newWorld()
	ca := w.cert("ca.example", "2030-01-01T00:00:00Z")
	old, renewed := w.cert("*.shop.example", "2026-12-01T00:00:00Z"), w.cert("*.shop.example", "2027-03-01T00:00:00Z")
	legacy := w.cert("legacy.shop.example", "2026-11-16T10:00:00Z")
	legacy.KeyType, legacy.Curve, legacy.KeyBits, legacy.Signature = "RSA", "", 1024, "SHA1-RSA"
	edge := w.chain(old, ca)
	w.see("api.shop.example", "10.0.0.10:443", edge, "10.9.0.1", 100, nil)
	w.see("api.shop.example", "10.0.0.10:443", w.chain(renewed, ca), "10.9.0.2", 60, func(s *discover.Sighting) { s.Last = at("2026-11-23T10:59:00Z") })
	w.see("api.shop.example", "10.0.0.11:443", discover.ChainID{}, "10.9.0.2", 40, nil)
	w.see("legacy.shop.example", "10.0.0.10:443", w.chain(legacy), "10.9.0.3", 50, nil)
	w.see("legacy.shop.example", "10.0.0.10:443", w.chain(legacy), "10.9.0.4", 2, func(s *discover.Sighting) {
		s.Outcome, s.Alert = discover.RefusedByClient, "client:fatal:certificate_expired"
	})
	w.see("status.shop.example", "10.0.0.10:443", edge, "10.77.3.9", 12, func(s *discover.Sighting) { s.Class = discover.ClassMonitor })
	w.see("typo.shop.example", "10.0.0.12:443", discover.ChainID{}, "10.9.0.5", 3, func(s *discover.Sighting) {
		s.Version, s.Outcome, s.Known = "", discover.Unanswered, discover.HiddenNoAnswer
	})
	w.see("", "10.0.0.13:8443", edge, "10.9.0.6", 33, nil)
	w.see("mail.shop.example", "10.0.0.14:25", edge, "10.9.0.6", 5, func(s *discover.Sighting) {
		s.Preface = "smtp"
		s.ClientChain = w.chain(w.cert("client.example", "2027-01-01T00:00:00Z"))
	})
	return w
}

func renderList(t *testing.T, l *List, name string, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteList(&b, l, name, o); err != nil {
		t.Fatalf("write %s: %v", name, err)
	}
	return b.String()
}

func lists(t *testing.T, w *world) map[string]*List {
	t.Helper()
	out := map[string]*List{}
	for name, make := range map[string]func(*discover.Inventory) (*List, error){"hosts": Hosts, "certs": Certificates, "endpoints": Endpoints} {
		l, err := make(w.inventory())
		if err != nil {
			t.Fatal(err)
		}
		out[name] = l
	}
	return out
}

func TestListGolden(t *testing.T) {
	for name, l := range lists(t, shop()) {
		for _, width := range []int{60, 80, 140} {
			golden(t, fmt.Sprintf("%s-%d.txt", name, width), renderList(t, l, "table", Options{Width: width}))
		}
		golden(t, name+".json", renderList(t, l, "json", Options{}))
		golden(t, name+".csv", renderList(t, l, "csv", Options{}))
		golden(t, name+".md", renderList(t, l, "markdown", Options{}))
	}
}

func TestEmptyLists(t *testing.T) {
	for name, l := range lists(t, newWorld()) {
		if got := renderList(t, l, "json", Options{}); strings.Join(strings.Fields(got), "") != "[]" {
			t.Errorf("%s: got JSON %q", name, got)
		}
		if got := renderList(t, l, "jsonl", Options{}); got != "" {
			t.Errorf("%s: got JSON lines %q", name, got)
		}
		if got := renderList(t, l, "csv", Options{}); strings.Count(got, "\n") != 1 {
			t.Errorf("%s: got CSV %q", name, got)
		}
		if got := renderList(t, l, "table", Options{}); !strings.Contains(got, "\nnone\n") {
			t.Errorf("%s: got table %q", name, got)
		}
	}
}

// rowsOf reads a list's JSON back.
func rowsOf(t *testing.T, l *List) (rows []map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(renderList(t, l, "json", Options{})), &rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestHosts(t *testing.T) {
	l := lists(t, shop())["hosts"]
	rows := rowsOf(t, l)
	for i, want := range []struct {
		name, use   string
		n, clients  float64
		endpoints   int
		certs       float64
		notAfter    any
		hiddenTotal int
	}{
		{"api.shop.example", "in-use", 200, 2, 2, 2, "2027-03-01T00:00:00Z", 1},
		{"legacy.shop.example", "in-use", 52, 2, 1, 1, "2026-11-16T10:00:00Z", 0},
		{"mail.shop.example", "in-use", 5, 1, 1, 1, "2026-12-01T00:00:00Z", 0},
		{"status.shop.example", "checks-only", 0, 0, 1, 1, "2026-12-01T00:00:00Z", 0},
		{"typo.shop.example", "asked-only", 3, 1, 1, 0, nil, 1},
	} {
		r := rows[i]
		if r["hostname"] != want.name || r["use"] != want.use || r["handshakes"] != want.n || r["clients"] != want.clients ||
			len(r["endpoints"].([]any)) != want.endpoints || r["certificates_total"] != want.certs ||
			r["not_after"] != want.notAfter || len(r["hidden"].(map[string]any)) != want.hiddenTotal {
			t.Errorf("row %d: got %v, want %+v", i, r, want)
		}
	}
	text := renderList(t, l, "table", Options{})
	if strings.Contains(text, "typo") || strings.Contains(text, "status") || !strings.Contains(text, "1 name that only the checks use, 1 name where no server went on") {
		t.Errorf("a name that was only asked for is in the table, or not in a note:\n%s", text)
	}
}

func TestMonitoredColumn(t *testing.T) {
	cfg := ListConfig{Monitored: func(h string) string {
		if h == "api.shop.example" {
			return "yes"
		}
		return "no"
	}}
	l, err := cfg.Hosts(shop().inventory())
	if err != nil {
		t.Fatal(err)
	}
	if rows := rowsOf(t, l); rows[0]["monitored"] != "yes" || rows[1]["monitored"] != "no" {
		t.Errorf("got %v", rows[:2])
	}
}

func TestEndpoints(t *testing.T) {
	rows := rowsOf(t, lists(t, shop())["endpoints"])
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprintf("%v %v %v %v refused=%v no-name=%v names=%v", r["endpoint"], r["use"], r["starttls"], r["handshakes"], r["refused_by_client"], r["no_hostname"], r["hostnames"]))
	}
	want := []string{
		"10.0.0.10:443 in-use <nil> 212 refused=2 no-name=0 names=[api.shop.example legacy.shop.example status.shop.example]",
		"10.0.0.11:443 in-use <nil> 40 refused=0 no-name=0 names=[api.shop.example]",
		"10.0.0.13:8443 in-use <nil> 33 refused=0 no-name=33 names=[]",
		"10.0.0.14:25 in-use smtp 5 refused=0 no-name=0 names=[mail.shop.example]",
		"10.0.0.12:443 asked-only <nil> 3 refused=0 no-name=0 names=[]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestEndpointEnds holds that a certificate that has expired is not hidden by
// another that the endpoint shows for another name.
func TestEndpointEnds(t *testing.T) {
	rows := rowsOf(t, lists(t, shop())["endpoints"])
	if got, want := rows[0]["not_after"], "2026-11-16T10:00:00Z"; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCertificates(t *testing.T) {
	rows := rowsOf(t, lists(t, shop())["certs"])
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprintf("%v %v %v %v %v", r["subject"], r["roles"], r["handshakes"], r["key"], r["problem"]))
	}
	want := []string{
		"CN=*.shop.example [server] 138 ECDSA P-256 <nil>",
		"CN=*.shop.example [server] 60 ECDSA P-256 <nil>",
		"CN=legacy.shop.example [server] 52 RSA 1024 RSA key of 1024 bits, signed with SHA-1",
		"CN=ca.example [issuer] 198 ECDSA P-256 <nil>",
		"CN=client.example [client] 5 ECDSA P-256 <nil>",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestListWidth(t *testing.T) {
	w := shop()
	w.see(strings.Repeat("very-long-label.", 12)+"example", "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535", discover.ChainID{}, "2001:db8::1", 1_000_000_000, nil)
	for name, l := range lists(t, w) {
		for _, width := range []int{80, 100, 140, 250} {
			for _, line := range strings.Split(renderList(t, l, "table", Options{Width: width}), "\n") {
				if columns(line) > width {
					t.Errorf("%s, width %d: %d columns: %q", name, width, columns(line), line)
				}
			}
		}
	}
}

func TestHostileLists(t *testing.T) {
	for what, s := range hostile {
		w := newWorld()
		c := w.cert(s, "2027-01-01T00:00:00Z")
		c.Issuer, c.Problem, c.URIs = s, s, []string{s}
		w.see(s, "10.0.0.1:443", w.chain(c), "10.9.0.1", 1, func(k *discover.Sighting) { k.Target, k.Network, k.Preface, k.Version = s, s, s, s })
		for name, l := range lists(t, w) {
			for _, format := range Formats() {
				text := renderList(t, l, format, Options{Width: 200})
				if r, bad := obeyed(text); bad {
					t.Errorf("%s, %s as %s: %q gets through", what, name, format, r)
				}
			}
			if n := strings.Count(renderList(t, l, "jsonl", Options{}), "\n"); n != 1 {
				t.Errorf("%s, %s: got %d JSON lines", what, name, n)
			}
			rows, err := csv.NewReader(strings.NewReader(renderList(t, l, "csv", Options{}))).ReadAll()
			if err != nil || len(rows) != 2 {
				t.Errorf("%s, %s: got %d CSV rows, %v", what, name, len(rows), err)
			}
			for _, line := range strings.Split(renderList(t, l, "markdown", Options{}), "\n") {
				if bad := loose(line); strings.HasPrefix(line, "|") && bad != "" {
					t.Errorf("%s, %s: %q is not in code: %q", what, name, bad, line)
				}
			}
		}
	}
}

func TestSightingError(t *testing.T) {
	want := errors.New("the store is locked")
	inv := newWorld().inventory()
	inv.Sightings = func(yield func(*discover.Sighting, error) bool) { yield(nil, want) }
	for _, make := range []func(*discover.Inventory) (*List, error){Hosts, Certificates, Endpoints} {
		if _, err := make(inv); !errors.Is(err, want) {
			t.Errorf("got %v", err)
		}
	}
}

func TestBoundedCells(t *testing.T) {
	w := newWorld()
	id := w.chain(w.cert("*.shop.example", "2027-01-01T00:00:00Z"))
	for i := range maxDistinct + 5 {
		w.see(fmt.Sprintf("t%d.shop.example", i), "10.0.0.1:443", id, "10.9.0.1", 1, nil)
	}
	l := lists(t, w)["endpoints"]
	r := rowsOf(t, l)[0]
	if n := len(r["hostnames"].([]any)); n != maxListed || r["hostnames_total"] != float64(maxDistinct) {
		t.Errorf("got %d names of %v", n, r["hostnames_total"])
	}
	if text := renderList(t, l, "table", Options{}); !strings.Contains(text, "more than 10,000 different values") {
		t.Errorf("the bound is not told:\n%s", text)
	}
}

// many yields n sightings of n/4 names at 1,000 endpoints, of ten clients each.
func many(n int) iter.Seq2[*discover.Sighting, error] {
	return func(yield func(*discover.Sighting, error) bool) {
		s := discover.Sighting{First: at("2026-11-23T10:00:00Z"), Last: at("2026-11-23T10:30:00Z"), Count: 10}
		s.Key = discover.Key{Name: discover.NameValid, Transport: discover.TCP, Known: discover.HiddenEncrypted, Outcome: discover.Established}
		for i := range n {
			s.Hostname = fmt.Sprintf("h%d.shop.example", i/4)
			s.Server = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i % 1000 >> 8), byte(i % 1000)}), 443)
			s.Version = [...]string{"TLS 1.2", "TLS 1.3"}[i%2]
			s.Clients.Exact = s.Clients.Exact[:0]
			for j := range 10 {
				s.Clients.Exact = append(s.Clients.Exact, discover.ClientCount{Addr: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 9, byte(i), byte(j)}), 32), Count: 1})
			}
			if !yield(&s, nil) {
				return
			}
		}
	}
}

func BenchmarkHosts(b *testing.B) {
	inv := &discover.Inventory{Sightings: many(200_000)}
	for b.Loop() {
		l, err := Hosts(inv)
		if err != nil {
			b.Fatal(err)
		}
		begin := time.Now()
		if err := WriteList(discard{}, l, "json", Options{}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(begin).Seconds(), "s-json")
	}
}

func BenchmarkEndpoints(b *testing.B) {
	inv := &discover.Inventory{Sightings: many(200_000)}
	for b.Loop() {
		l, err := Endpoints(inv)
		if err != nil {
			b.Fatal(err)
		}
		if err := WriteList(discard{}, l, "table", Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
