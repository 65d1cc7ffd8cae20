package report

import (
	"time"

	"blindspot/discover"
	"blindspot/discover/coverage"
	"blindspot/discover/monitored"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

const legacyLeaf = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// sample is the demo's situation with something of everything around it.
func sample() (*coverage.Result, *discover.Inventory) {
	first, last := at("2026-11-23T10:00:00.25Z"), at("2026-11-23T10:58:12Z")
	res := &coverage.Result{
		First: first, Last: last,
		Summary: coverage.Summary{
			Hostnames: 4, Monitored: 2, WeaklyMonitored: 1, Unmonitored: 1, UnmonitoredShare: 0.2,
			Endpoints: 3, Certificates: 3, Handshakes: 1240, MonitorHandshakes: 60, Scanners: 1, ScannerHandshakes: 9,
		},
		OutOfScope: coverage.OutOfScope{Handshakes: 3200, Largest: []coverage.OutOfScopeEntry{
			{Hostname: "updates.vendor.example", Port: 443, Handshakes: 3000}, {Port: 8443, Handshakes: 200},
		}},
		AskedOnly: coverage.AskedOnly{Names: 2, Handshakes: 5, Stray: 1, StrayHandshakes: 1},
		Surfaces: []coverage.SurfaceStatus{
			{Name: "HAProxy edge", Owner: "infra", TrustStore: "public", Endpoints: 1, Hostnames: 3, Status: "critical",
				Certificates: []coverage.CertificateStatus{{SHA256: legacyLeaf, Issuer: "CN=Example CA", NotAfter: at("2026-11-16T10:00:00Z")}}},
			{Name: "unassigned", Endpoints: 2, Hostnames: 1, Status: "unknown"},
		},
		Checks: []coverage.CheckStatus{
			{Source: "prometheus", Ref: "prometheus.yml:12", Enabled: true, Hostname: "api.shop.example", Address: "api.shop.example", Port: 443,
				SNIOrigin: "derived", Grade: "exact", Witnessed: []string{"10.0.0.10:443"}, Used: true, Covers: []string{"10.0.0.10:443"}},
			{Source: "hosts", Ref: "hosts.txt:3", Enabled: true, Hostname: "old.shop.example", Address: "old.shop.example", SNIOrigin: "derived", Grade: "name"},
		},
		Warnings: []monitored.Warning{{Ref: "prometheus.yml:30", Text: `the target "${HOST}:443" has a variable that was not replaced: it is checked nowhere`}},
		Findings: []discover.Finding{
			{
				Kind: "unmonitored-hostname", Severity: discover.Critical, Hostname: "legacy.shop.example",
				Endpoints: []string{"10.0.0.10:443"}, Certificate: legacyLeaf, Surface: "HAProxy edge", Owner: "infra",
				Handshakes: 248, Clients: 17, Share: 0.2, FirstSeen: first, LastSeen: last,
				Detail:   "No check names legacy.shop.example, which clients use at 10.0.0.10:443: 248 handshakes of 17 clients (20.0 % of traffic), on a certificate that expired 7 days before.",
				Remedy:   "Add a check of legacy.shop.example:443 that sends the name and verifies the certificate. See it with: openssl s_client -connect 10.0.0.10:443 -servername legacy.shop.example -showcerts </dev/null",
				Evidence: map[string]any{"port": uint16(443), "issuer": "CN=Example CA"},
			},
			{
				Kind: "weak-check", Severity: discover.Warning, Hostname: "a-rather-long-name.in-a-department.in-a-region.shop.example",
				Endpoints: []string{"10.0.0.11:443", "[2001:db8::11]:443"}, Surface: "unassigned",
				Handshakes: 1, Clients: 1, Share: 0.0008, FirstSeen: first, LastSeen: first,
				Detail:   "The check at prometheus.yml:18 does not verify the certificate, so it does not see what clients get.",
				Remedy:   "At prometheus.yml:18, verify the certificate.",
				Evidence: map[string]any{"grade": "reachability"},
			},
			{
				Kind: "unused-check", Severity: discover.Notice, Endpoints: nil, Surface: "unassigned",
				Detail: "Nobody but the checks uses old.shop.example, checked at hosts.txt:3.", Remedy: "If it is retired, remove the check at hosts.txt:3.",
			},
		},
	}
	inv := &discover.Inventory{First: first, Last: last, Sensor: discover.Visibility{
		Packets: 1234567, Bytes: 987654321, KernelDrops: 0, Handshakes: 4509,
		Hidden: map[string]uint64{"encrypted": 3900, "resumed": 120, "ech": 12, "ech_public": 7, "early_data": 3, "no-server-answer": 5},
		Lost:   map[string]uint64{"table-full": 2, "names": 0},
		Notes:  []string{"edge.pcap: breaks off at byte 104857600 within a record: read again with the whole file"},
	}}
	return res, inv
}

func sampleReport() *Report {
	res, inv := sample()
	return New(res, inv, at("2026-11-23T11:00:00Z"))
}

func emptyReport() *Report {
	res, inv := &coverage.Result{}, &discover.Inventory{}
	res.First, res.Last = at("2026-11-23T10:00:00Z"), at("2026-11-23T10:05:00Z")
	res.Summary = coverage.Summary{Hostnames: 2, Monitored: 2, Endpoints: 1, Certificates: 1, Handshakes: 40}
	inv.Sensor = discover.Visibility{Packets: 900, Handshakes: 40}
	return New(res, inv, at("2026-11-23T11:00:00Z"))
}
