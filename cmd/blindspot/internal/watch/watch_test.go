package watch

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/coverage"
	"blindspot/store"
)

// filled is a store with handshakes of names, and what adds more.
func filled(t *testing.T) (*store.DB, func(names ...string)) {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "live.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w, err := db.Start(discover.Source{Kind: "live", Name: "mirror0"})
	if err != nil {
		t.Fatal(err)
	}
	a := discover.NewAggregator(discover.AggregatorConfig{SketchKey: db.SketchKey()})
	return db, func(names ...string) {
		t.Helper()
		for _, name := range names {
			a.Add(&discover.Observation{
				Time: time.Now(), Ended: time.Now(), Transport: discover.TCP, Hello: true, ServerHello: true, Version: "TLS 1.3", CertsHidden: discover.HiddenEncrypted,
				Client: netip.MustParseAddrPort("10.0.0.7:51034"), Server: netip.MustParseAddrPort("10.0.0.10:443"), SNI: name, HasSNI: true, Outcome: discover.Established,
			})
		}
		if err := w.Write(a.Drain(false)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFindings: what is there at the beginning is counted, what comes is told,
// once.
func TestFindings(t *testing.T) {
	db, add := filled(t)
	add("old.shop.example")
	var log bytes.Buffer
	w := New(Config{Store: db, Log: slog.New(slog.NewTextHandler(&log, nil))}, &Settings{Judge: true, Coverage: coverage.Config{Scope: coverage.Scope{All: true}}})
	look := func() *Found {
		t.Helper()
		log.Reset()
		w.look(t.Context(), time.Now())
		if w.Found() == nil {
			t.Fatalf("nothing is found\n%s", &log)
		}
		return w.Found()
	}
	first := look()
	if first.Total == 0 || strings.Contains(log.String(), "old.shop.example") || !strings.Contains(log.String(), fmt.Sprintf("findings=%d", first.Total)) {
		t.Errorf("at the beginning %d findings, told as\n%s", first.Total, &log)
	}
	sum := 0
	for _, c := range first.Counts {
		sum += c.N
	}
	if sum != first.Total {
		t.Errorf("counts %+v of %d findings", first.Counts, first.Total)
	}
	add("new.shop.example")
	if second := look(); second.Total <= first.Total || !strings.Contains(log.String(), "hostname=new.shop.example") || strings.Contains(log.String(), "hostname=old.shop.example") {
		t.Errorf("%d findings after %d, told as\n%s", second.Total, first.Total, &log)
	}
	if look(); log.Len() > 0 {
		t.Errorf("told again:\n%s", &log)
	}
}

// TestNothingToJudgeBy: without checks or a scope there is nothing to find.
func TestNothingToJudgeBy(t *testing.T) {
	db, add := filled(t)
	add("shop.example")
	w := New(Config{Store: db, Log: slog.New(slog.DiscardHandler)}, &Settings{})
	w.look(t.Context(), time.Now())
	if w.Found() != nil {
		t.Errorf("got %+v", w.Found())
	}
	w.Apply(&Settings{Judge: true, Coverage: coverage.Config{Scope: coverage.Scope{All: true}}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	for end := time.Now().Add(10 * time.Second); w.Found() == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("new settings are not looked at")
		}
	}
	cancel()
	<-done
}
