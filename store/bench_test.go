package store

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"flag"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"blindspot/discover"
)

var benchRows = flag.Int("store.rows", 100_000, "sightings in BenchmarkWrite and BenchmarkInventory")

var benchTime = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// benchBatch is n sightings in hours buckets, on n/20 chains of two
// certificates, in an order that has nothing to do with their keys.
func benchBatch(n, hours int) *discover.Batch {
	b := &discover.Batch{}
	chains := make([]discover.ChainID, max(1, n/20))
	for i := range chains {
		leaf, issuer := benchCert(i), benchCert(-1-i%50)
		chain := []discover.Fingerprint{leaf.SHA256, issuer.SHA256}
		chains[i] = discover.ChainIDOf(chain)
		if b.Certificates = append(b.Certificates, leaf); i < 50 {
			b.Certificates = append(b.Certificates, issuer)
		}
		b.Chains = append(b.Chains, discover.Chain{ID: chains[i], Certificates: chain})
	}
	for i := range n {
		key := i / hours
		s := &discover.Sighting{Bucket: benchTime.Add(time.Duration(i%hours) * time.Hour), Width: time.Hour, Count: 1 + uint64(i%7)}
		s.First, s.Last = s.Bucket.Add(time.Duration(i)), s.Bucket.Add(time.Minute+time.Duration(i))
		s.Key = discover.Key{Sensor: "edge-1", Name: discover.NameValid, Hostname: fmt.Sprintf("host-%d.shop.example", key*2654435761%(1+n/2)),
			Transport: discover.TCP, Server: netip.AddrPortFrom(addr(key%5000), 443), Chain: chains[key%len(chains)],
			Known: discover.FromWire, Version: "TLS 1.2", Outcome: discover.Established}
		for c := range 1 + i%3 {
			s.Clients.Exact = append(s.Clients.Exact, discover.ClientCount{Addr: netip.PrefixFrom(addr(1<<20+i%1000+c), 32), Count: 1})
		}
		s.ALPN, s.LastCipher, s.LastGroup = "h2,http/1.1", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "x25519"
		b.Sightings = append(b.Sightings, s)
	}
	return b
}

func addr(i int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(10<<24+i))
	return netip.AddrFrom4(b)
}

// benchTemplate is a real certificate whose serial number is replaced; nobody
// checks its signature.
var benchTemplate = sync.OnceValue(func() []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	x := &x509.Certificate{SerialNumber: big.NewInt(0x7172737475767778), Subject: pkix.Name{CommonName: "www.shop.example"}, NotBefore: benchTime,
		NotAfter: benchTime.AddDate(0, 3, 0), DNSNames: []string{"www.shop.example", "shop.example"}, KeyUsage: x509.KeyUsageDigitalSignature}
	issuer := &x509.Certificate{Subject: pkix.Name{CommonName: "Example CA", Organization: []string{"Example"}}}
	der, err := x509.CreateCertificate(rand.Reader, x, issuer, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return der
})

func benchCert(i int) *discover.Certificate {
	der := bytes.Clone(benchTemplate())
	binary.BigEndian.PutUint64(der[bytes.Index(der, []byte("qrstuvwx")):], uint64(i+1<<40))
	return discover.ParseCertificate(der)
}

// cpu is the processor time of the process so far, which other processes on
// the machine do not stretch as they do the time of day.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func reportCPU(b *testing.B, before time.Duration) {
	b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(*benchRows*b.N), "cpu-ns/sighting")
}

func benchStore(b *testing.B, batches ...*discover.Batch) *DB {
	db, err := Open(filepath.Join(b.TempDir(), "bench.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	w, err := db.Start(discover.Source{Kind: "pcap", Name: "bench.pcap", Sensor: "edge-1"})
	if err != nil {
		b.Fatal(err)
	}
	for _, batch := range batches {
		if err := w.Write(batch); err != nil {
			b.Fatal(err)
		}
	}
	return db
}

func BenchmarkWrite(b *testing.B) {
	for _, hours := range []int{1, 24} {
		all := benchBatch(*benchRows, hours)
		batch := &discover.Batch{Sightings: all.Sightings}
		b.Run(fmt.Sprintf("hours=%d", hours), func(b *testing.B) {
			b.ReportAllocs()
			before := cpu()
			var bytes int64
			for b.Loop() {
				db := benchStore(b, batch)
				db.Close()
				bytes = size(db.file)
				b.StopTimer()
				os.Remove(db.file)
				b.StartTimer()
			}
			reportCPU(b, before)
			b.ReportMetric(float64(*benchRows*b.N)/b.Elapsed().Seconds(), "sightings/s")
			b.ReportMetric(float64(bytes)/float64(*benchRows), "bytes/sighting")
		})
	}
}

// BenchmarkRewrite writes the same batch again, as a live sensor's flush does.
func BenchmarkRewrite(b *testing.B) {
	batch := &discover.Batch{Sightings: benchBatch(*benchRows, 1).Sightings}
	db := benchStore(b, batch)
	defer db.Close()
	before := cpu()
	w := &Writer{db: db, id: 1}
	for b.Loop() {
		if err := w.Write(batch); err != nil {
			b.Fatal(err)
		}
	}
	reportCPU(b, before)
	b.ReportMetric(float64(*benchRows*b.N)/b.Elapsed().Seconds(), "sightings/s")
}

func BenchmarkInventory(b *testing.B) {
	for _, hours := range []int{1, 24} {
		b.Run(fmt.Sprintf("hours=%d", hours), func(b *testing.B) {
			db := benchStore(b, benchBatch(*benchRows, hours))
			defer db.Close()
			runtime.GC()
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				inv, err := db.Inventory(Query{})
				if err != nil {
					b.Fatal(err)
				}
				judged := make(map[discover.ChainID]bool) // as a report does: once for each chain
				for s, err := range inv.Sightings {
					if err != nil {
						b.Fatal(err)
					}
					if judged[s.Chain] {
						continue
					}
					judged[s.Chain] = true
					for _, f := range inv.Chain(s.Chain) {
						if inv.Certificate(f) == nil {
							b.Fatal("certificate not found")
						}
					}
				}
			}
			reportCPU(b, before)
			b.ReportMetric(float64(*benchRows*b.N)/b.Elapsed().Seconds(), "sightings/s")
		})
	}
}
