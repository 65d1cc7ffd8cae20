package main

import (
	"context"
	"net/netip"
	"path/filepath"
	"testing"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/ingest"
	"blindspot/cmd/blindspot/internal/narrow"
	"blindspot/discover"
	"blindspot/discover/coverage"
)

// TestSurfacesAgree holds --surface of the lists to what the report counts: the
// same endpoints belong to the same surface.
func TestSurfacesAgree(t *testing.T) {
	file := &config.File{Surfaces: []config.Surface{
		{Name: "mutual", MTLS: discover.Yes},
		{Name: "one", Names: []string{"one.example", "*.one.example"}},
		{Name: "internal", Issuers: []string{"Internal"}},
		{Name: "clients", Clients: []netip.Prefix{netip.MustParsePrefix("10.77.4.0/24")}, Ports: []uint16{8443}},
		{Name: "net", Servers: []netip.Prefix{netip.MustParsePrefix("10.77.0.0/24"), netip.MustParsePrefix("fd77::/16")}},
		{Name: "https", Ports: []uint16{443}},
	}}
	for _, name := range captures(t) {
		t.Run(name, func(t *testing.T) {
			run := newRun(t, ingest.Config{})
			if _, err := run.Read(context.Background(), filepath.Join(pcaps, name)); err != nil {
				t.Fatal(err)
			}
			inv := run.Inventory()
			res, err := coverage.Compare(inv, nil, coverage.Config{Scope: coverage.Scope{All: true}, Surfaces: surfacesOf(file)})
			if err != nil {
				t.Fatal(err)
			}
			got := endpointsBySurface(t, inv, file)
			for _, s := range res.Surfaces {
				if name == "lab13-healthy.pcap.gz" && s.Name == "clients" {
					continue // of the scanner alone, whom the report leaves out and the lists do not
				}
				if got[s.Name] != s.Endpoints {
					t.Errorf("%s: got %d endpoints, want the report's %d", s.Name, got[s.Name], s.Endpoints)
				}
			}
		})
	}
}

func endpointsBySurface(t *testing.T, inv *discover.Inventory, file *config.File) map[string]int {
	t.Helper()
	x, err := narrow.NewSurfaces(inv, file.Surfaces)
	if err != nil {
		t.Fatal(err)
	}
	type endpoint struct {
		surface, network, target string
		transport                discover.Transport
		server                   netip.AddrPort
	}
	seen := map[endpoint]bool{}
	n := map[string]int{}
	for s, err := range inv.Sightings {
		if err != nil {
			t.Fatal(err)
		}
		e := endpoint{x.Of(s).Name, s.Network, s.Target, s.Transport, s.Server}
		if s.Count > 0 && s.InUse() && !seen[e] { // not the far side of a hop
			seen[e] = true
			n[e.surface]++
		}
	}
	return n
}
