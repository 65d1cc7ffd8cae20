package report

import (
	"blindspot/discover"
	"blindspot/discover/coverage"
	"blindspot/discover/monitored"
)

// busyReport is a situation like that of the issue that asked for the report:
// an edge, backends of which two missed a renewal, mTLS, mail, an ops plane.
func busyReport() *Report {
	first, last := at("2026-11-20T08:00:00Z"), at("2026-11-23T10:58:12Z")
	sha := func(s string) string { return discover.FingerprintOf([]byte(s)).String() }
	leaf := func(s, issuer, end string) coverage.CertificateStatus {
		return coverage.CertificateStatus{SHA256: sha(s), Issuer: issuer, NotAfter: at(end)}
	}
	find := func(kind string, s discover.Severity, host, surface, owner string, n, clients uint64, detail, remedy string, evidence map[string]any, endpoints ...string) discover.Finding {
		if evidence == nil {
			evidence = map[string]any{}
		}
		return discover.Finding{
			Kind: kind, Severity: s, Hostname: host, Surface: surface, Owner: owner, Endpoints: endpoints, Certificate: sha(host),
			Handshakes: n, Clients: clients, Share: float64(n) / 48210, FirstSeen: first, LastSeen: last, Detail: detail, Remedy: remedy, Evidence: evidence,
		}
	}
	res := &coverage.Result{
		First: first, Last: last,
		Summary: coverage.Summary{
			Hostnames: 41, Monitored: 31, WeaklyMonitored: 3, Unmonitored: 7, UnmonitoredShare: 0.118, Endpoints: 19, Certificates: 23,
			Handshakes: 48210, MonitorHandshakes: 4300, Scanners: 2, ScannerHandshakes: 812,
		},
		OutOfScope: coverage.OutOfScope{Handshakes: 91000, Largest: []coverage.OutOfScopeEntry{{Hostname: "updates.vendor.example", Port: 443, Handshakes: 60000}, {Port: 8443, Handshakes: 200}}},
		AskedOnly:  coverage.AskedOnly{Names: 14, Handshakes: 60, Stray: 2, StrayHandshakes: 2},
		Surfaces: []coverage.SurfaceStatus{
			{Name: "HAProxy edge", Owner: "infra", TrustStore: "public", Endpoints: 2, Hostnames: 22, Status: "critical", Certificates: []coverage.CertificateStatus{leaf("a", "CN=R11,O=Let's Encrypt,C=US", "2026-11-16T10:00:00Z"), leaf("b", "CN=R11,O=Let's Encrypt,C=US", "2027-01-20T00:00:00Z")}},
			{Name: "backends", Owner: "platform", TrustStore: "internal", Endpoints: 5, Hostnames: 6, Status: "critical", Certificates: []coverage.CertificateStatus{leaf("c", "CN=Internal CA 2", "2026-11-20T12:00:00Z"), leaf("d", "CN=Internal CA 2", "2027-11-20T00:00:00Z")}},
			{Name: "mesh", Owner: "platform", TrustStore: "spiffe", Endpoints: 6, Hostnames: 0, Status: "ok", Certificates: []coverage.CertificateStatus{leaf("e", "O=SPIRE", "2026-11-23T16:00:00Z")}},
			{Name: "mail", Owner: "messaging", TrustStore: "public", Endpoints: 2, Hostnames: 2, Status: "warning", Certificates: []coverage.CertificateStatus{leaf("f", "CN=R11,O=Let's Encrypt,C=US", "2026-12-01T00:00:00Z")}},
			{Name: "ops plane", TrustStore: "internal", Endpoints: 3, Hostnames: 9, Status: "warning", Certificates: []coverage.CertificateStatus{leaf("g", "CN=Internal CA 1", "2028-01-01T00:00:00Z")}},
			{Name: "unassigned", Endpoints: 1, Hostnames: 2, Status: "unknown"},
		},
		Checks: []coverage.CheckStatus{
			{Source: "prometheus", Ref: "prometheus.yml:12", Enabled: true, Hostname: "shop.example", Address: "shop.example", Port: 443, SNIOrigin: "derived", Grade: "exact", Witnessed: []string{"10.77.0.10:443"}, Used: true, Covers: []string{"10.77.0.10:443", "10.77.0.11:443"}},
			{Source: "prometheus", Ref: "targets/backends.json:8", Enabled: true, Hostname: "api.shop.internal", Address: "10.77.1.21", Port: 8443, SNIOrigin: "explicit", Grade: "exact", Used: true, Covers: []string{"10.77.1.21:8443"}, Owner: "platform"},
			{Source: "hosts", Ref: "hosts.txt:3", Enabled: true, Hostname: "old.shop.example", Address: "old.shop.example", SNIOrigin: "derived", Grade: "name"},
			{Source: "hosts", Ref: "hosts.txt:9", Enabled: false, Hostname: "", Address: "2001:db8::10", Port: 443, SNIOrigin: "none", Grade: "default-certificate"},
		},
		Warnings: []monitored.Warning{{Ref: "prometheus.yml:30", Text: `the target "${HOST}:443" has a variable that was not replaced: it is checked nowhere`}},
		Findings: []discover.Finding{
			find("unmonitored-hostname", discover.Critical, "legacy-api.shop.example", "HAProxy edge", "infra", 5688, 17,
				"legacy-api.shop.example is in use at 10.77.0.10:443 and no check names it: 5688 handshakes of 17 clients (11.8 % of traffic); its certificate expired on 2026-11-16T00:00:00Z and is still served.",
				"Add a check of legacy-api.shop.example:443 that sends the name and verifies the certificate. See it with: openssl s_client -connect 10.77.0.10:443 -servername legacy-api.shop.example -showcerts </dev/null",
				map[string]any{"port": uint16(443), "issuer": "CN=R11,O=Let's Encrypt,C=US", "not_after": "2026-11-16T00:00:00Z", "names": []map[string]any{{"hostname": "legacy-api.shop.example", "handshakes": 5000}, {"hostname": "v1.legacy-api.shop.example", "handshakes": 688}}, "names_total": 2}, "10.77.0.10:443"),
			find("expired-certificate", discover.Critical, "api.shop.internal", "backends", "platform", 3100, 4,
				"api.shop.internal at 10.77.1.24:8443, 10.77.1.25:8443 presents a certificate (api.shop.internal) that expired on 2026-11-20T12:00:00Z, seen up to 3 days later: 3100 handshakes of 4 clients (6.4 % of traffic), 3080 went on and 20 were refused by clients.",
				"Renew the certificate and load it at 10.77.1.24:8443 and 10.77.1.25:8443; make sure that the server reloads it. See it with: openssl s_client -connect 10.77.1.24:8443 -servername api.shop.internal -showcerts </dev/null",
				map[string]any{"alerts": map[string]any{"certificate_expired": 20}, "renewed_at": []string{"10.77.1.21:8443", "10.77.1.22:8443", "10.77.1.23:8443"}}, "10.77.1.24:8443", "10.77.1.25:8443"),
			find("unmonitored-endpoint", discover.Warning, "api.shop.internal", "backends", "platform", 3100, 4,
				"The check of api.shop.internal (targets/backends.json:8) reaches 10.77.1.21:8443, and clients also reach it at 10.77.1.24:8443, 10.77.1.25:8443, which show another certificate than any endpoint that the check reaches: 3100 handshakes of 4 clients (6.4 % of traffic).",
				"Check each endpoint of api.shop.internal by its address with the name as server name, beginning with 10.77.1.24:8443 (see targets/backends.json:8). See it with: openssl s_client -connect 10.77.1.24:8443 -servername api.shop.internal -showcerts </dev/null",
				map[string]any{"reason": "chain", "checks": []string{"targets/backends.json:8"}}, "10.77.1.24:8443", "10.77.1.25:8443"),
			find("weak-check", discover.Warning, "grafana.ops.shop.internal", "ops plane", "", 1900, 31,
				"The check of grafana.ops.shop.internal at prometheus.yml:18 does not verify the certificate, so it does not see what clients get from 10.77.3.20:443: 1900 handshakes of 31 clients (3.9 % of traffic).",
				"At prometheus.yml:18, make the check speak TLS to port 443, send grafana.ops.shop.internal as server name and verify the certificate. See it with: openssl s_client -connect 10.77.3.20:443 -servername grafana.ops.shop.internal -showcerts </dev/null", nil, "10.77.3.20:443"),
			find("expiring-certificate", discover.Warning, "mx1.shop.example", "mail", "messaging", 410, 9,
				"mx1.shop.example at 10.77.4.25:25 presents a certificate that ends on 2026-12-01T00:00:00Z, in 7 days.", "Renew the certificate. See it with: openssl s_client -connect 10.77.4.25:25 -servername mx1.shop.example -starttls smtp -showcerts </dev/null", nil, "10.77.4.25:25"),
			find("unmonitored-hostname", discover.Warning, "mx2.shop.example", "mail", "messaging", 120, 6,
				"mx2.shop.example is in use at 10.77.4.26:25 and no check names it: 120 handshakes of 6 clients (0.2 % of traffic).", "Add a check of mx2.shop.example:25 that sends the name and verifies the certificate. See it with: openssl s_client -connect 10.77.4.26:25 -servername mx2.shop.example -starttls smtp -showcerts </dev/null", map[string]any{"port": uint16(25)}, "10.77.4.26:25"),
			find("unmonitored-hostname", discover.Warning, "a-rather-long-name.in-a-department.in-a-region.shop.example", "unassigned", "", 90, 2,
				"a-rather-long-name.in-a-department.in-a-region.shop.example is in use at [2001:db8:77::11]:443 and no check names it.", "Add a check. See it with: openssl s_client -connect [2001:db8:77::11]:443 -servername a-rather-long-name.in-a-department.in-a-region.shop.example -quic -alpn h3 -showcerts </dev/null", map[string]any{"port": uint16(443)}, "[2001:db8:77::11]:443"),
			find("unnamed-endpoint", discover.Notice, "", "unassigned", "", 700, 3,
				"Clients use TLS at 10.77.9.9:9443 without asking for a name, and no check looks at it: 700 handshakes of 3 clients (1.5 % of traffic); its certificate is for vault.ops.", "Add a check of 10.77.9.9:9443 by its address, or let clients send a server name. See it with: openssl s_client -connect 10.77.9.9:9443 -noservername -showcerts </dev/null", nil, "10.77.9.9:9443"),
			find("unused-check", discover.Notice, "old.shop.example", "unassigned", "", 0, 0, "Nobody but the check at hosts.txt:3 uses old.shop.example in the 3 days of traffic.", "If it is retired, remove the check at hosts.txt:3.", nil),
		},
	}
	for i, c := range []coverage.ClientsStatus{
		{Handshakes: 29000, Established: 29000, Distinct: 812}, {Handshakes: 9100, Established: 9080, Refused: 20, CertificateRefused: 20, Distinct: 4},
		{Handshakes: 5000, Established: 5000, Distinct: 12}, {Handshakes: 530, Established: 530, Distinct: 15},
		{Handshakes: 3790, Established: 3784, Refused: 6, Distinct: 31}, {Handshakes: 790, Established: 790, Distinct: 5},
	} {
		res.Surfaces[i].Clients = c
	}
	res.Surfaces[0].Validation = &coverage.Validation{Store: "public", Trusted: 2}
	res.Surfaces[1].Validation = &coverage.Validation{Store: "internal", Trusted: 1, Incomplete: 1}
	res.Surfaces[2].Validation = &coverage.Validation{Store: "spiffe", Trusted: 1}
	res.Surfaces[2].MTLS = &coverage.MTLSStatus{Certificates: 4, Issuers: []string{"O=SPIRE"}, TrustDomains: []string{"shop.internal"}, EarliestExpiry: at("2026-11-23T14:00:00Z")}
	res.Surfaces[0].Checks = map[string]int{"exact": 12, "reachability": 3}
	res.Surfaces[0].HopsOut = []coverage.SurfaceHop{{Surface: "backends", Handshakes: 8200}, {Surface: "mail", Handshakes: 40}}
	res.Surfaces[1].HopsIn = []coverage.SurfaceHop{{Surface: "HAProxy edge", Handshakes: 8200}}
	inv := &discover.Inventory{First: first, Last: last, Sensor: discover.Visibility{
		Packets: 12345678, Bytes: 9876543210, Handshakes: 154000,
		Hidden: map[string]uint64{"encrypted": 92000, "resumed": 8120, "ech": 12, "no-server-answer": 5}, Lost: map[string]uint64{"table-full": 2},
		Notes: []string{"edge.pcap: breaks off at byte 104857600 within a record: read again with the whole file"},
	}}
	return New(res, inv, at("2026-11-23T11:00:00Z"))
}
