package flow

import (
	"bytes"
	"context"
	"crypto/tls"
	"path/filepath"
	"strings"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/discover"
)

// TestRecycledObservations: an observation that is used again says nothing of
// what it was before. All captures are read with one pool.
func TestRecycledObservations(t *testing.T) {
	files, err := filepath.Glob("../../testdata/pcaps/*.pcap*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures in testdata/pcaps: %v", err)
	}
	p, total := pool{}, 0
	for _, path := range files {
		if strings.HasSuffix(path, ".golden") {
			continue
		}
		fresh, used := eventsOf(t, path, nil), eventsOf(t, path, &p)
		if !bytes.Equal(fresh, used) {
			t.Errorf("%s: events of recycled observations differ:\n%s\nwant\n%s", path, used, fresh)
		}
		total += bytes.Count(fresh, []byte("\n"))
	}
	if total < 100 || len(p.observations) == 0 || len(p.observations) > 100 {
		t.Errorf("got %d events with %d observations, want many with few", total, len(p.observations))
	}
}

// eventsOf reads a capture, and where there is a pool gives each observation back
// once it is written down.
func eventsOf(t *testing.T, path string, p *pool) (events []byte) {
	t.Helper()
	file, err := capture.Open(path, capture.Config{})
	if err != nil {
		return nil
	}
	defer file.Close()
	var r *Reader
	n := uint64(0)
	r = NewReader(Config{Emit: func(o *discover.Observation) {
		n++
		events = discover.AppendEvent(events, n, o)
		if p != nil {
			r.table.Recycle([]*discover.Observation{o})
		}
	}}, decode.Config{})
	if p != nil {
		r.table.parse.pool = *p
		defer func() { *p = r.table.parse.pool }()
	}
	_ = r.Read(context.Background(), file) // what is damaged is damaged for both
	return events
}

// TestHandshakeAllocates: what is allocated for a handshake of a server that is
// known is its name.
func TestHandshakeAllocates(t *testing.T) {
	const most = 1
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		segs := record(t, version, testName, 1).packets(1, 2, 1460)
		var table *Table
		list := make([]*discover.Observation, 1)
		emitted := 0
		table = New(Config{NoFingerprints: true, Emit: func(o *discover.Observation) {
			emitted++
			list[0] = o
			table.Recycle(list)
		}})
		port := uint16(0)
		s := new(decode.Segment) // a Reader uses its segments again
		handshake := func() {
			port++
			for i := range segs {
				*s = segs[i]
				if s.DstPort == 443 {
					s.SrcPort = port
				} else {
					s.DstPort = port
				}
				table.Segment(s, 1)
			}
		}
		for range 2000 {
			handshake()
		}
		if n := testing.AllocsPerRun(1000, handshake); n > most {
			t.Errorf("%s: got %v allocations a handshake, want at most %d", tls.VersionName(version), n, most)
		}
		if emitted < 3000 {
			t.Errorf("%s: got %d observations, want one for each handshake", tls.VersionName(version), emitted)
		}
	}
}
