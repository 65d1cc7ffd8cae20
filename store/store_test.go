package store

import (
	"crypto/x509"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"blindspot/discover"
)

var (
	t0    = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	chain = []discover.Fingerprint{discover.FingerprintOf([]byte("leaf")), discover.FingerprintOf([]byte("issuer"))}
	pcap  = discover.Source{Kind: "pcap", Name: "a.pcap", Sensor: "edge-1"}
)

func open(t testing.TB, path string) *DB {
	t.Helper()
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func temp(t testing.TB) *DB { return open(t, filepath.Join(t.TempDir(), "test.db")) }

func start(t testing.TB, db *DB, src discover.Source) *Writer {
	t.Helper()
	w, err := db.Start(src)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func write(t testing.TB, w *Writer, b *discover.Batch) {
	t.Helper()
	if err := w.Write(b); err != nil {
		t.Fatal(err)
	}
}

// plain is a sighting in a form that can be compared.
type plain struct {
	discover.Sighting
	sketch string
}

func plainOf(s *discover.Sighting) plain {
	p := plain{Sighting: *s, sketch: string(s.Clients.Sketch())}
	p.Clients = discover.Clients{Exact: slices.Clone(s.Clients.Exact), More: s.Clients.More}
	if len(p.Clients.Exact) == 0 {
		p.Clients.Exact = nil
	}
	return p
}

// seen walks over the inventory.
func seen(t testing.TB, db *DB, q Query) map[discover.Key]plain {
	t.Helper()
	inv, err := db.Inventory(q)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[discover.Key]plain)
	for s, err := range inv.Sightings {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := out[s.Key]; twice {
			t.Fatalf("key %+v came twice", s.Key)
		}
		out[s.Key] = plainOf(s)
	}
	return out
}

func sighting(host string, count uint64) *discover.Sighting {
	s := &discover.Sighting{Bucket: t0, Width: time.Hour, First: t0.Add(time.Minute), Last: t0.Add(2 * time.Minute), Count: count}
	s.Key = discover.Key{Sensor: "edge-1", Name: discover.NameValid, Hostname: host, Transport: discover.TCP,
		Server: netip.MustParseAddrPort("10.0.0.10:443"), Version: "TLS 1.3", Outcome: discover.Established, Known: discover.HiddenEncrypted}
	s.Clients.Exact = []discover.ClientCount{{Addr: netip.MustParsePrefix("10.0.0.7/32"), Count: count}}
	return s
}

// full has every field set.
func full(key discover.SketchKey) *discover.Sighting {
	s := &discover.Sighting{
		Key: discover.Key{Sensor: "edge-1", Network: "plant", Name: discover.NameValid, Hostname: "api.shop.example", Target: "db:5432",
			Transport: discover.DTLS, Server: netip.MustParseAddrPort("[2001:db8::10]:8443"), Chain: discover.ChainIDOf(chain),
			ClientChain: discover.ChainIDOf(chain[:1]), Known: discover.FromWire, LengthEvidence: "consistent", Version: "DTLS 1.2",
			Preface: "proxy-v2+smtp", Outcome: discover.RefusedByClient, Alert: "client:fatal:certificate_expired", Class: discover.ClassMonitor},
		Bucket: t0, Width: time.Hour, First: t0.Add(123456789), Last: t0.Add(59*time.Minute + 1), Count: 1 << 40,
		ECH: 1, ClientAuth: 2, KeyProven: 3, KeyMismatch: 4, OCSPGood: 5, OCSPBad: 6, HelloRetry: 7, PacketsLost: 8, Forwarded: 9,
		ALPN: "h2,http/1.1", LastCipher: "TLS_AES_128_GCM_SHA256", LastGroup: "X25519MLKEM768",
	}
	for i := range 100 {
		s.Clients.Add(netip.MustParsePrefix(fmt.Sprintf("2001:db8:0:%x::1/128", i)), uint64(i+1), key)
	}
	s.Clients.Sort()
	return s
}

func TestRoundTrip(t *testing.T) {
	db := temp(t)
	tests := map[string]*discover.Sighting{
		"every field": full(db.SketchKey()),
		"zero value":  {},
		"IPv4":        sighting("a.shop.example", 3),
		"mapped IPv4": {Key: discover.Key{Hostname: "m", Server: netip.MustParseAddrPort("[::ffff:10.0.0.1]:443")}, Bucket: t0, Count: 1},
		"zone":        {Key: discover.Key{Hostname: "z", Server: netip.MustParseAddrPort("[fe80::1%eth0]:443")}, Bucket: t0, Count: 1},
		"prefixes": {Key: discover.Key{Hostname: "p"}, Bucket: t0, Clients: discover.Clients{More: 3, Exact: []discover.ClientCount{
			{Addr: netip.MustParsePrefix("10.0.0.0/8"), Count: 1 << 60}, {Addr: netip.MustParsePrefix("2001:db8::/64"), Count: 1}, {Count: 9}}}},
		"hostile text": {Key: discover.Key{Hostname: "'; DROP TABLE keys; --\x00\"", Alert: "\xff\xfe"}, Bucket: t0},
		"1969":         {Key: discover.Key{Hostname: "old"}, Bucket: time.Unix(-3600, 0).UTC(), First: time.Unix(-1, 5).UTC(), Last: time.Unix(0, 0).UTC()},
	}
	b := &discover.Batch{}
	for _, s := range tests {
		b.Sightings = append(b.Sightings, s)
	}
	w := start(t, db, pcap)
	write(t, w, b)
	got := seen(t, db, Query{})
	for name, s := range tests {
		want := plainOf(s)
		want.Width = 0 // of the fold
		if g, ok := got[s.Key]; !ok || !reflect.DeepEqual(g, want) {
			t.Errorf("%s: got\n%+v, want\n%+v", name, g, want)
		}
	}
	if len(got) != len(tests) {
		t.Errorf("got %d sightings, want %d", len(got), len(tests))
	}
}

func TestDistinctClientsSurvive(t *testing.T) {
	db := temp(t)
	s := full(db.SketchKey())
	want := s.Clients.Distinct()
	write(t, start(t, db, pcap), &discover.Batch{Sightings: []*discover.Sighting{s}})
	if got := distinct(t, seen(t, db, Query{})[s.Key]); got != want || got < 97 || got > 103 {
		t.Errorf("got %d distinct clients of 100, want %d", got, want)
	}
}

func distinct(t testing.TB, p plain) uint64 {
	t.Helper()
	c := p.Clients
	if err := c.SetSketch([]byte(p.sketch)); err != nil {
		t.Fatal(err)
	}
	return c.Distinct()
}

// TestFold checks what is added up and what is replaced.
func TestFold(t *testing.T) {
	tests := []struct {
		name  string
		write func(w1, w2 *Writer)
		count uint64
	}{
		{"written twice", func(w1, _ *Writer) {
			for range 2 {
				write(t, w1, &discover.Batch{Sightings: []*discover.Sighting{sighting("h", 5)}})
			}
		}, 5},
		{"newer replaces older", func(w1, _ *Writer) {
			write(t, w1, &discover.Batch{Sightings: []*discover.Sighting{sighting("h", 5)}})
			write(t, w1, &discover.Batch{Sightings: []*discover.Sighting{sighting("h", 8)}})
		}, 8},
		{"older after newer", func(w1, _ *Writer) {
			write(t, w1, &discover.Batch{Sightings: []*discover.Sighting{sighting("h", 8)}})
			write(t, w1, &discover.Batch{Sightings: []*discover.Sighting{sighting("h", 5)}})
		}, 8},
		{"parts add up", func(w1, _ *Writer) {
			write(t, w1, &discover.Batch{Sightings: []*discover.Sighting{sighting("h", 5)}})
			write(t, w1, &discover.Batch{Part: 1, Sightings: []*discover.Sighting{sighting("h", 3)}})
		}, 8},
		{"sources add up", func(w1, w2 *Writer) {
			write(t, w1, &discover.Batch{Sightings: []*discover.Sighting{sighting("h", 5)}})
			write(t, w2, &discover.Batch{Sightings: []*discover.Sighting{sighting("h", 3)}})
		}, 8},
		{"buckets add up", func(w1, _ *Writer) {
			late := sighting("h", 3)
			late.Bucket = t0.Add(time.Hour)
			write(t, w1, &discover.Batch{Sightings: []*discover.Sighting{sighting("h", 5), late}})
		}, 8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := temp(t)
			other := pcap
			other.Name = "b.pcap"
			tt.write(start(t, db, pcap), start(t, db, other))
			got := seen(t, db, Query{})
			s := got[sighting("h", 0).Key]
			if len(got) != 1 || s.Count != tt.count {
				t.Errorf("got %d handshakes in %d sightings, want %d in 1", s.Count, len(got), tt.count)
			}
			want := []discover.ClientCount{{Addr: netip.MustParsePrefix("10.0.0.7/32"), Count: tt.count}}
			if !slices.Equal(s.Clients.Exact, want) {
				t.Errorf("got clients %v, want %v", s.Clients.Exact, want)
			}
		})
	}
}

func TestWordsOfTheLast(t *testing.T) {
	db := temp(t)
	older, newer := sighting("h", 9), sighting("h", 1)
	older.LastCipher, newer.LastCipher = "old", "new"
	newer.Bucket, newer.Last = t0.Add(-24*time.Hour), newer.Last.Add(time.Second)
	write(t, start(t, db, pcap), &discover.Batch{Sightings: []*discover.Sighting{older, newer}})
	if got := seen(t, db, Query{})[older.Key]; got.LastCipher != "new" || !got.Bucket.Equal(newer.Bucket) {
		t.Errorf("got cipher %q of bucket %v, want that of the last handshake and the first bucket", got.LastCipher, got.Bucket)
	}
}

// TestHostnamesTogether checks the order that reports rely on.
func TestHostnamesTogether(t *testing.T) {
	db := temp(t)
	b := &discover.Batch{}
	for i := range 300 {
		s := sighting(fmt.Sprintf("h%d.shop.example", i%50), 1)
		s.Server = netip.AddrPortFrom(addr(i/50), 443)
		s.Bucket = t0.Add(time.Duration(i%7) * time.Hour)
		b.Sightings = append(b.Sightings, s)
	}
	write(t, start(t, db, pcap), b)
	inv, err := db.Inventory(Query{})
	if err != nil {
		t.Fatal(err)
	}
	done, last, n := make(map[string]bool), "", 0
	for s, err := range inv.Sightings {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if s.Hostname != last {
			if done[s.Hostname] {
				t.Fatalf("%s came in two places", s.Hostname)
			}
			done[last], last = true, s.Hostname
		}
	}
	if n != 300 {
		t.Errorf("got %d sightings, want 300", n)
	}
}

func TestQuery(t *testing.T) {
	db := temp(t)
	b := &discover.Batch{}
	for i := range 4 {
		s := sighting(fmt.Sprintf("h%d", i), 1)
		s.Bucket = t0.Add(time.Duration(i) * time.Hour)
		s.First, s.Last = s.Bucket, s.Bucket.Add(30*time.Minute)
		b.Sightings = append(b.Sightings, s)
		v := discover.Interval{Bucket: s.Bucket, Width: time.Hour}
		v.Packets = 1 << i
		b.Visibility = append(b.Visibility, v)
	}
	write(t, start(t, db, pcap), b)
	at := func(h, m int) time.Time {
		return t0.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute)
	}
	tests := []struct {
		name    string
		q       Query
		hosts   []string
		packets uint64
	}{
		{"all", Query{}, []string{"h0", "h1", "h2", "h3"}, 15},
		{"since", Query{Since: at(2, 0)}, []string{"h2", "h3"}, 12},
		{"since, inclusive", Query{Since: at(1, 30)}, []string{"h1", "h2", "h3"}, 14},
		{"since, behind the last", Query{Since: at(1, 31)}, []string{"h2", "h3"}, 14},
		{"until, exclusive", Query{Until: at(2, 0)}, []string{"h0", "h1"}, 3},
		{"both", Query{Since: at(1, 0), Until: at(1, 1)}, []string{"h1"}, 2},
		{"nothing", Query{Since: at(9, 0)}, nil, 0},
		{"sensor", Query{Sensor: "edge-1"}, []string{"h0", "h1", "h2", "h3"}, 15},
		{"other sensor", Query{Sensor: "edge-2"}, nil, 0},
	}
	for _, tt := range tests {
		var hosts []string
		for k := range seen(t, db, tt.q) {
			hosts = append(hosts, k.Hostname)
		}
		slices.Sort(hosts)
		inv, err := db.Inventory(tt.q)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(hosts, tt.hosts) || inv.Sensor.Packets != tt.packets {
			t.Errorf("%s: got %v and %d packets, want %v and %d", tt.name, hosts, inv.Sensor.Packets, tt.hosts, tt.packets)
		}
		if len(tt.hosts) == 0 != inv.First.IsZero() {
			t.Errorf("%s: first %v with hosts %v", tt.name, inv.First, tt.hosts)
		}
	}
}

func TestWindow(t *testing.T) {
	db := temp(t)
	live := discover.Source{Kind: "live", Name: "eth0", Sensor: "edge-1"}
	for _, src := range []discover.Source{pcap, live} {
		w := start(t, db, src)
		s := sighting("h", 1)
		if src.Kind == "live" {
			s.Bucket, s.First, s.Last = t0.Add(time.Hour), t0.Add(time.Hour), t0.Add(90*time.Minute)
		}
		write(t, w, &discover.Batch{Sightings: []*discover.Sighting{s}})
		inv, err := db.Inventory(Query{})
		if err != nil {
			t.Fatal(err)
		}
		if want := src.Kind == "live"; inv.Live != want {
			t.Errorf("after %s: got live %v, want %v", src.Kind, inv.Live, want)
		}
	}
	inv, err := db.Inventory(Query{})
	if err != nil {
		t.Fatal(err)
	}
	if !inv.First.Equal(t0.Add(time.Minute)) || !inv.Last.Equal(t0.Add(90*time.Minute)) {
		t.Errorf("got window %v to %v", inv.First, inv.Last)
	}
	inv, err = db.Inventory(Query{Until: t0.Add(2 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if past := t0.Add(2 * time.Hour).Before(time.Now()); inv.Live == past {
		t.Errorf("a window that ended %v ago: got live %v", time.Since(t0), inv.Live)
	}
}

func TestVisibility(t *testing.T) {
	db := temp(t)
	v := func(packets uint64, hidden map[string]uint64, notes ...string) discover.Interval {
		return discover.Interval{Bucket: t0, Width: time.Hour, Visibility: discover.Visibility{Packets: packets, Bytes: 10 * packets,
			KernelDrops: packets / 2, Handshakes: 1, Hidden: hidden, Lost: map[string]uint64{"table-full": packets}, Notes: notes}}
	}
	w := start(t, db, pcap)
	for _, b := range []*discover.Batch{
		{Visibility: []discover.Interval{v(10, map[string]uint64{"encrypted": 4})}},
		{Visibility: []discover.Interval{v(20, map[string]uint64{"encrypted": 5, "ech": 1}, "a.pcap breaks off")}},
		{Visibility: []discover.Interval{v(20, map[string]uint64{"encrypted": 5, "ech": 1}, "a.pcap breaks off")}},
		{Visibility: []discover.Interval{v(10, map[string]uint64{"encrypted": 4})}}, // late
		{Part: 1, Visibility: []discover.Interval{v(2, map[string]uint64{"resumed": 1})}},
	} {
		write(t, w, b)
	}
	inv, err := db.Inventory(Query{})
	if err != nil {
		t.Fatal(err)
	}
	want := discover.Visibility{Packets: 22, Bytes: 220, KernelDrops: 11, Handshakes: 2,
		Hidden: map[string]uint64{"encrypted": 5, "ech": 1, "resumed": 1}, Lost: map[string]uint64{"table-full": 22}, Notes: []string{"a.pcap breaks off"}}
	if !reflect.DeepEqual(inv.Sensor, want) {
		t.Errorf("got\n%+v, want\n%+v", inv.Sensor, want)
	}
}

func TestCertificates(t *testing.T) {
	db := temp(t)
	parsed := discover.ParseCertificate(benchTemplate())
	garbage := discover.ParseCertificate([]byte("no certificate"))
	logged := &discover.Certificate{SHA256: discover.FingerprintOf([]byte("known from a log")), Subject: "CN=a", Issuer: "CN=b", Serial: "-1f",
		NotBefore: t0, NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), CommonName: "a", DNSNames: []string{"a", "'\"b"},
		IPs: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1")}, URIs: []string{"spiffe://x/y"}, Emails: []string{"e@x"},
		MoreNames: 7, KeyType: "RSA", KeyBits: 2048, Curve: "-", Signature: "SHA256-RSA", SPKI: discover.FingerprintOf([]byte("key")), SelfSigned: true, CA: true,
		KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: []string{"serverAuth"}, SCTs: true, MustStaple: true, Problem: "a problem", Lenient: true}
	empty := &discover.Certificate{SHA256: discover.FingerprintOf([]byte("empty"))}
	all := []*discover.Certificate{parsed, garbage, logged, empty}
	c := discover.Chain{ID: discover.ChainIDOf(chain), Certificates: chain}
	b := &discover.Batch{Certificates: all, Chains: []discover.Chain{c}}
	w := start(t, db, pcap)
	write(t, w, b)
	write(t, w, b)
	inv, err := db.Inventory(Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range all {
		if got := inv.Certificate(want.SHA256); !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%+v, want\n%+v", got, want)
		}
	}
	if got := inv.Certificate(discover.Fingerprint{1}); got != nil {
		t.Errorf("unknown certificate: got %+v", got)
	}
	if got := inv.Chain(c.ID); !slices.Equal(got, chain) {
		t.Errorf("got chain %v, want %v", got, chain)
	}
	if got := inv.Chain(discover.ChainID{1}); got != nil {
		t.Errorf("unknown chain: got %v", got)
	}
	var listed []*discover.Certificate
	for x, err := range db.Certificates() {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, x)
	}
	if !reflect.DeepEqual(listed, all) {
		t.Errorf("got %d certificates, want the %d that were written", len(listed), len(all))
	}
}

// TestDERArrives checks that a certificate known from a log gets its DER.
func TestDERArrives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db := open(t, path)
	want := discover.ParseCertificate(benchTemplate())
	w := start(t, db, pcap)
	write(t, w, &discover.Batch{Certificates: []*discover.Certificate{{SHA256: want.SHA256, Subject: "CN=from a log"}}})
	write(t, w, &discover.Batch{Certificates: []*discover.Certificate{want}})
	write(t, w, &discover.Batch{Certificates: []*discover.Certificate{{SHA256: want.SHA256, Subject: "CN=from a log"}}})
	if got, err := db.Certificate(want.SHA256); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want the certificate with its DER", got, err)
	}
}

// TestAggregator takes the store through the aggregator's own batches, with
// and without forgetting, and compares with what it holds in memory.
func TestAggregator(t *testing.T) {
	for _, forget := range []bool{false, true} {
		db := temp(t)
		memory := discover.NewAggregator(discover.AggregatorConfig{Sensor: "edge-1", SketchKey: db.SketchKey()})
		stored := discover.NewAggregator(discover.AggregatorConfig{Sensor: "edge-1", SketchKey: db.SketchKey()})
		w := start(t, db, pcap)
		for i := range 3000 {
			o := discover.Observation{Time: t0.Add(time.Duration(i) * 3 * time.Second), Transport: discover.TCP, SNI: fmt.Sprintf("h%d.shop.example", i%17), HasSNI: true,
				Client: netip.AddrPortFrom(addr(1000+i%23), 5000), Server: netip.AddrPortFrom(addr(i%3), 443), ServerHello: true, Version: "TLS 1.3", Outcome: discover.Established,
				CertsHidden: discover.HiddenEncrypted, Cipher: "c", Group: "g"}
			copied := o
			memory.Add(&o)
			stored.Add(&copied)
			if i%250 == 249 {
				write(t, w, stored.Drain(forget && i%500 == 499))
			}
		}
		want, wantSensor := make(map[discover.Key]plain), memory.Inventory().Sensor
		for s := range memory.Inventory().Sightings {
			sum, ok := want[s.Key]
			if !ok {
				want[s.Key] = plainOf(s)
				continue
			}
			sum.Count, sum.First, sum.Last = sum.Count+s.Count, minOf(sum.First, s.First), maxOf(sum.Last, s.Last)
			want[s.Key] = sum
		}
		got := seen(t, db, Query{})
		for k, w := range want {
			g := got[k]
			if g.Count != w.Count || !g.First.Equal(w.First) || !g.Last.Equal(w.Last) || len(g.Clients.Exact) != 23 {
				t.Errorf("forget %v: %s: got %d handshakes of %d clients from %v to %v, want %d of 23 from %v to %v", forget, k.Hostname,
					g.Count, len(g.Clients.Exact), g.First, g.Last, w.Count, w.First, w.Last)
			}
		}
		inv, err := db.Inventory(Query{})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) || inv.Sensor.Handshakes != 3000 || !maps.Equal(inv.Sensor.Hidden, wantSensor.Hidden) {
			t.Errorf("forget %v: got %d keys, %+v, want %d, %+v", forget, len(got), inv.Sensor, len(want), wantSensor)
		}
	}
}

func minOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func maxOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
