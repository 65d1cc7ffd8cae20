package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/store"
)

// The size of BenchmarkGapOfStore: a large company's day.
const (
	estateHours  = 10
	estateKeys   = 100_000 // in every hour, so a million sightings
	estateCerts  = 50_000
	estateChecks = 20_000
	estateNames  = 60_000
)

// BenchmarkGapOfStore is the whole program on a large store: the time and the
// memory of "blindspot gap".
func BenchmarkGapOfStore(b *testing.B) {
	if testing.Short() {
		b.Skip("takes a minute: left out with -short")
	}
	dir := b.TempDir()
	db := filepath.Join(dir, "estate.db")
	writeEstate(b, db)
	hosts := filepath.Join(dir, "hosts.txt")
	var list bytes.Buffer
	for i := range estateChecks {
		fmt.Fprintf(&list, "%s\n", estateName(i))
	}
	if err := os.WriteFile(hosts, list.Bytes(), 0o644); err != nil {
		b.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	program := filepath.Join(dir, "blindspot")
	if err := os.Symlink(self, program); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		cmd := exec.Command(program, "gap", "--quiet", "-o", "json", "--db", db, "--monitored", "hosts:"+hosts, "--scope", "all")
		out, err := cmd.Output()
		if err != nil {
			b.Fatal(err)
		}
		var r floodReport
		if err := json.Unmarshal(out, &r); err != nil {
			b.Fatal(err)
		}
		if r.Summary.Hostnames != estateNames {
			b.Fatalf("got %d hostnames, want %d", r.Summary.Hostnames, estateNames)
		}
		b.ReportMetric(cmd.ProcessState.UserTime().Seconds()+cmd.ProcessState.SystemTime().Seconds(), "cpu-s/op")
		b.ReportMetric(float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)/1024, "peak-MiB")
	}
}

func estateName(i int) string { return fmt.Sprintf("svc-%05d.team-%02d.shop.example", i, i%50) }

func writeEstate(b *testing.B, path string) {
	b.Helper()
	db, err := store.Open(path, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	w, err := db.Start(discover.Source{Kind: "pcap", Name: "estate.pcap"})
	if err != nil {
		b.Fatal(err)
	}
	certs, chains := estateChains(b)
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for hour := range estateHours {
		batch := &discover.Batch{}
		if hour == 0 {
			batch.Certificates, batch.Chains = certs, chains
		}
		for i := range estateKeys {
			batch.Sightings = append(batch.Sightings, estateSighting(i, start.Add(time.Duration(hour)*time.Hour), chains))
		}
		if err := w.Write(batch); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := w.Finish("estate"); err != nil {
		b.Fatal(err)
	}
}

func estateSighting(i int, hour time.Time, chains []discover.Chain) *discover.Sighting {
	n := i % estateNames
	s := &discover.Sighting{
		Key: discover.Key{
			Name: discover.NameValid, Hostname: estateName(n), Transport: discover.TCP,
			Server:  netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1 + byte(i/estateNames), byte(n >> 8), byte(n)}), 443),
			Version: "TLS 1.3", Known: discover.HiddenEncrypted, Outcome: discover.Established,
		},
		Bucket: hour, Width: time.Hour, First: hour, Last: hour.Add(50 * time.Minute), Count: uint64(1 + i%100),
	}
	if i%2 == 0 {
		s.Version, s.Known, s.Chain = "TLS 1.2", discover.FromWire, chains[n%len(chains)].ID
	}
	for c := range 1 + i%4 {
		s.Clients.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 200, byte(c), byte(i)}), 32), s.Count/4+1, discover.SketchKey{})
	}
	return s
}

// estateChains issues the leaves, each for one name, and one authority.
func estateChains(b *testing.B) ([]*discover.Certificate, []discover.Chain) {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	issue := func(t, parent *x509.Certificate) *discover.Certificate {
		t.NotBefore, t.NotAfter = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC)
		der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), key)
		if err != nil {
			b.Fatal(err)
		}
		return discover.ParseCertificate(der)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Estate CA"}, IsCA: true, BasicConstraintsValid: true}
	certs := []*discover.Certificate{issue(ca, ca)}
	var chains []discover.Chain
	for i := range estateCerts {
		leaf := issue(&x509.Certificate{SerialNumber: big.NewInt(int64(i) + 2), DNSNames: []string{estateName(i)}}, ca)
		list := []discover.Fingerprint{leaf.SHA256, certs[0].SHA256}
		certs = append(certs, leaf)
		chains = append(chains, discover.Chain{ID: discover.ChainIDOf(list), Certificates: list})
	}
	return certs, chains
}
