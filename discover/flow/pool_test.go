package flow

import (
	"bytes"
	"context"
	"crypto/tls"
	"path/filepath"
	"reflect"
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
		fresh, _ := eventsOf(t, path, nil)
		used, _ := eventsOf(t, path, &p)
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
func eventsOf(t *testing.T, path string, p *pool) (events []byte, seen discover.Visibility) {
	t.Helper()
	file, err := capture.Open(path, capture.Config{})
	if err != nil {
		return nil, seen
	}
	defer file.Close()
	var r *Reader
	n := uint64(0)
	cfg := Config{Emit: func(o *discover.Observation) {
		n++
		events = discover.AppendEvent(events, n, o)
		if p != nil {
			r.table.Recycle(o)
		}
	}}
	r = NewReader(cfg, decode.Config{})
	if p != nil {
		r.table.observer.pool = *p
		defer func() { *p = r.table.observer.pool }()
	}
	_ = r.Read(context.Background(), file) // what is damaged is damaged for both
	return events, r.Visibility()
}

// TestCollected: what another goroutine observes of collected handshakes, some at a
// time, is what a table tells, in every capture, and is counted as it is there.
func TestCollected(t *testing.T) {
	files, err := filepath.Glob("../../testdata/pcaps/*.pcap*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures in testdata/pcaps: %v", err)
	}
	total := 0
	for _, path := range files {
		if strings.HasSuffix(path, ".golden") {
			continue
		}
		want, wantSeen := eventsOf(t, path, nil)
		got, seen := collectedOf(t, path)
		if !bytes.Equal(got, want) {
			t.Errorf("%s: events differ:\n%s\nwant\n%s", path, got, want)
		}
		if !reflect.DeepEqual(seen, wantSeen) {
			t.Errorf("%s: got %+v, want %+v", path, seen, wantSeen)
		}
		total += bytes.Count(got, []byte("\n"))
	}
	if total < 100 {
		t.Errorf("got %d events, want many", total)
	}
}

// collectedOf reads a capture and observes it in another goroutine.
func collectedOf(t *testing.T, path string) (events []byte, seen discover.Visibility) {
	t.Helper()
	file, err := capture.Open(path, capture.Config{})
	if err != nil {
		return nil, seen
	}
	defer file.Close()
	const some = 3
	full, back, done := make(chan []Collected, 1), make(chan []Collected, 4), make(chan struct{})
	v := NewObserver(Config{})
	go func() {
		defer close(done)
		n := uint64(0)
		for list := range full {
			for i := range list {
				if o := v.Observe(&list[i]); o != nil {
					n++
					events = discover.AppendEvent(events, n, o)
				}
			}
			back <- list
		}
	}()
	for range cap(back) - 1 {
		back <- make([]Collected, 0, some)
	}
	var r *Reader
	list := <-back
	r = NewReader(Config{Collect: func() *Collected {
		if len(list) == some {
			full <- list
			list = <-back
			r.Table().Release(list)
			list = list[:0]
		}
		list = list[:len(list)+1]
		return &list[len(list)-1]
	}}, decode.Config{})
	_ = r.Read(context.Background(), file)
	full <- list
	close(full)
	<-done
	seen = r.Visibility()
	observed := v.Visibility()
	seen.Add(&observed)
	return events, seen
}

// TestHandshakeAllocates: what is allocated for a handshake of a server that is
// known is its name.
func TestHandshakeAllocates(t *testing.T) {
	const most = 1
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		segs := record(t, version, testName, 1).packets(1, 2, 1460)
		var table *Table
		emitted := 0
		table = New(Config{NoFingerprints: true, Emit: func(o *discover.Observation) {
			emitted++
			table.Recycle(o)
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
