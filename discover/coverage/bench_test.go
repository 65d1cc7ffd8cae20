package coverage

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	bigint "math/big"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"blindspot/discover"
	"blindspot/discover/inventory"
	"blindspot/discover/monitored"
	"blindspot/discover/trust"
)

// estate is a large network: certs real certificates of one authority, each
// for its own ten names on two servers, n sightings of these, checks of some,
// an inventory of all and a trust store.
type estate struct {
	inv    *discover.Inventory
	checks *monitored.Result
	cfg    Config
}

func newEstate(b *testing.B, n, certs, checks int) *estate {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	sign := func(tmpl, parent *x509.Certificate) *discover.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), key)
		if err != nil {
			b.Fatal(err)
		}
		return discover.ParseCertificate(der)
	}
	ca := &x509.Certificate{
		SerialNumber: bigint.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotBefore: t0.Add(-year), NotAfter: t0.Add(year),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	root := sign(ca, ca)
	s := newScene()
	records := &inventory.Result{}
	chains := make([]discover.ChainID, certs)
	for i := range chains {
		c := sign(&x509.Certificate{
			SerialNumber: new(bigint.Int).Lsh(bigint.NewInt(int64(i+2)), 64), Subject: pkix.Name{CommonName: fmt.Sprint(i)},
			NotBefore: t0.Add(-30 * day), NotAfter: t0.Add(60 * day), DNSNames: []string{fmt.Sprintf("*.d%d.shop.example", i)},
		}, ca)
		s.certs[c.SHA256], chains[i] = c, s.chain(c)
		records.Records = append(records.Records, record(c))
	}
	path := filepath.Join(b.TempDir(), "root.pem")
	_ = os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.DER}), 0o600)
	st, err := trust.Load(trust.Spec{Name: "internal", PEM: []string{path}})
	if err != nil {
		b.Fatal(err)
	}
	x := &estate{inv: s.inventory(), checks: &monitored.Result{}}
	x.cfg = Config{Inventory: records, Stores: []*trust.Store{st}, Surfaces: []Surface{
		{Name: "edge", Servers: prefixes("10.0.0.0/9"), TrustStore: "internal"}, {Name: "rest", Servers: prefixes("10.128.0.0/9"), TrustStore: "internal"},
	}}
	for i := range checks {
		x.checks.Checks = append(x.checks.Checks, exact(fmt.Sprintf("h%d.d%d.shop.example", i%10, i), 443))
	}
	x.inv.First, x.inv.Last = t0, t0.Add(day)
	x.inv.Sightings = sightings(n, chains)
	return x
}

// sightings yields n of them, ten names a chain, as a store does: one value.
func sightings(n int, chains []discover.ChainID) func(func(*discover.Sighting, error) bool) {
	var clients []netip.Prefix
	for _, u := range users(2000) {
		clients = append(clients, netip.PrefixFrom(netip.MustParseAddr(u), 32))
	}
	return func(yield func(*discover.Sighting, error) bool) {
		for i := range n {
			k, host := i%len(chains), i/len(chains)%10
			x := discover.Sighting{First: t0, Last: t0.Add(day), Count: 9}
			x.Name, x.Hostname = discover.NameValid, fmt.Sprintf("h%d.d%d.shop.example", host, k)
			x.Transport, x.Outcome = discover.TCP, discover.Established
			x.Server = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(k >> 8), byte(k), byte(i / len(chains) / 10 % 2)}), 443)
			x.Chain, x.Known, x.Version = chains[k], discover.FromWire, "TLS 1.2"
			if i%3 == 0 {
				x.Chain, x.Known, x.Version = discover.ChainID{}, discover.HiddenEncrypted, "TLS 1.3"
			}
			for j := range 3 {
				x.Clients.Add(clients[i%1990+j], 3, discover.SketchKey{})
			}
			if !yield(&x, nil) {
				return
			}
		}
	}
}

// BenchmarkEstate is the size that a report has to answer for in seconds.
func BenchmarkEstate(b *testing.B) {
	const n, certs, checks = 1_000_000, 50_000, 20_000
	x := newEstate(b, n, certs, checks)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.ReportAllocs()
	for b.Loop() {
		r, err := Compare(x.inv, x.checks, x.cfg)
		if err != nil {
			b.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(len(r.Findings)), "findings")
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "sightings/s")
	b.ReportMetric(float64(after.HeapSys-before.HeapSys)/(1<<20), "MB-heap-grown")
}
