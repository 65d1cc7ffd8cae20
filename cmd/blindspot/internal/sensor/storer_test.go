package sensor

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"blindspot/capture"
	"blindspot/discover"
	"blindspot/store"

	"github.com/mattn/go-sqlite3"
)

// held is a store that another process keeps for itself.
func held(t *testing.T, path string) (release func()) {
	t.Helper()
	c, err := (&sqlite3.SQLiteDriver{}).Open("file:" + path + "?_txlock=exclusive")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.(*sqlite3.SQLiteConn).Exec("BEGIN EXCLUSIVE", nil); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := c.(*sqlite3.SQLiteConn).Exec("COMMIT", nil); err != nil {
			t.Error(err)
		}
		c.Close()
	}
}

// total reads what a store has.
func total(t *testing.T, db *store.DB) (handshakes uint64, names int, seen discover.Visibility) {
	t.Helper()
	inv, err := db.Inventory(store.Query{})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for s, err := range inv.Sightings {
		if err != nil {
			t.Fatal(err)
		}
		handshakes += s.Count
		known[s.Hostname] = true
	}
	return handshakes, len(known), inv.Sensor
}

// TestStoreLocked: while the store is locked the sensor goes on, and when it is
// free again everything is in it, once.
func TestStoreLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live.db")
	db, err := store.Open(path, store.Options{BusyTimeout: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	capturePath := filepath.Join(pcaps, "demo.pcap")
	want := len(events(t, fromFile(t, capturePath)))
	f, err := capture.Open(capturePath, capture.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	release := held(t, path)
	s, err := New(Config{
		Interfaces: []string{"mirror0"}, Store: db, Flush: 20 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
		Open: func(context.Context, string, int) (capture.Source, error) {
			return &replay{File: f, ended: func() {
				select {
				case <-ended:
				default:
					close(ended)
				}
			}}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	<-ended
	for s.Status().Flushing.Failures < 2 {
		time.Sleep(5 * time.Millisecond)
	}
	if text := s.Status().Flushing.Failing; !strings.Contains(text, "locked") {
		t.Errorf("the failure is %q, want one that says locked", text)
	}
	release()
	for s.Status().Flushing.Flushes == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	if text := s.Status().Flushing.Failing; text != "" {
		t.Errorf("still failing: %q", text)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	handshakes, _, seen := total(t, db)
	if handshakes != uint64(want) || seen.Handshakes != uint64(want) || seen.Packets != f.Stats().Packets {
		t.Errorf("got %d handshakes in sightings, %d in figures, %d packets; want %d, %d, %d", handshakes, seen.Handshakes, seen.Packets, want, want, f.Stats().Packets)
	}
	if n := seen.Kinds["tcp"] + seen.Kinds["udp"] + seen.Kinds["other"] + seen.Kinds["not-ip"]; n != seen.Packets {
		t.Errorf("packets by kind are %v, of %d", seen.Kinds, seen.Packets)
	}
	sources, err := db.Sources()
	if err != nil || len(sources) != 1 || sources[0].Kind != "live" || sources[0].Name != "mirror0" || sources[0].State != store.Finished {
		t.Errorf("got sources %+v, %v", sources, err)
	}
}

// TestStoreNeverFree: a store that stays locked does not keep the sensor from
// ending, which then says what it could not store.
func TestStoreNeverFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live.db")
	db, err := store.Open(path, store.Options{BusyTimeout: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	release := held(t, path)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := New(Config{Interfaces: []string{"mirror0"}, Store: db, Flush: 20 * time.Millisecond, Open: func(context.Context, string, int) (capture.Source, error) {
		f, err := capture.Open(filepath.Join(pcaps, "demo.pcap"), capture.Config{})
		return &replay{File: f, ended: cancel}, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err = s.Run(ctx)
	if err == nil || !strings.Contains(err.Error(), "could not be stored") || !strings.Contains(err.Error(), "locked") {
		t.Errorf("got %v, want an error that says what could not be stored and why", err)
	}
	if took := time.Since(began); took > Patience+500*time.Millisecond {
		t.Errorf("it took %v to end", took)
	}
}

// TestEndInTheMiddle: a sensor that is ended while packets come has told and
// stored the same handshakes, and every packet that it took is counted.
func TestEndInTheMiddle(t *testing.T) {
	for _, workers := range []int{1, 3} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			db, err := store.Open(filepath.Join(t.TempDir(), "live.db"), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var out bytes.Buffer
			var taken atomic.Uint64
			s, err := New(Config{
				Interfaces: []string{"mirror0"}, Workers: workers, Store: db, Flush: time.Millisecond, Events: WriteEvents(&out, slog.New(slog.DiscardHandler)),
				Open: func(_ context.Context, _ string, worker int) (capture.Source, error) {
					f, err := capture.Open(filepath.Join(pcaps, "demo.pcap"), capture.Config{})
					share := byAddresses(workers, worker)
					return &replay{File: f, ended: func() {}, take: func(p *capture.Packet) bool {
						if !share(p) {
							return false
						}
						if taken.Add(1) == 700 {
							cancel()
						}
						return true
					}}, err
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Run(ctx); err != nil {
				t.Fatal(err)
			}
			handshakes, _, seen := total(t, db)
			lines := uint64(len(events(t, out.Bytes())))
			if handshakes == 0 || handshakes != lines || seen.Handshakes != lines {
				t.Errorf("%d handshakes stored, %d in figures, %d told", handshakes, seen.Handshakes, lines)
			}
			if st := s.Status(); st.Packets() < 700 || st.Folding.Stats.Handshakes != lines {
				t.Errorf("status has %d packets and %d handshakes, want 700 or more and %d", st.Packets(), st.Folding.Stats.Handshakes, lines)
			}
		})
	}
}

// TestMaintainBeside: while the store is being maintained, for as long as that
// takes, flushes go on, and the end of the run ends it.
func TestMaintainBeside(t *testing.T) {
	db, err := store.Open(filepath.Join(t.TempDir(), "live.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var calls, ended atomic.Int32
	began := make(chan struct{})
	f, err := capture.Open(filepath.Join(pcaps, "demo.pcap"), capture.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	first := make([]capture.Packet, 1)
	if _, err := f.Next(first); err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{
		Interfaces: []string{"mirror0"}, Store: db, Flush: time.Millisecond,
		Maintain: func(ctx context.Context) {
			if calls.Add(1) == 1 {
				close(began)
			}
			<-ctx.Done()
			ended.Add(1)
		},
		Open: func(context.Context, string, int) (capture.Source, error) { return &steady{packet: first[0]}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	select {
	case <-began:
	case <-time.After(10 * time.Second):
		t.Fatal("the store is not maintained")
	}
	before := s.Status().Flushing.Flushes
	for end := time.Now().Add(10 * time.Second); s.Status().Flushing.Flushes < before+3; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no flush in 10 s while the store is maintained")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if calls.Load() != 1 || ended.Load() != 1 {
		t.Errorf("%d calls, of which %d ended before the run; want one", calls.Load(), ended.Load())
	}
}

// steady brings a packet every millisecond.
type steady struct {
	packet capture.Packet
	stats  capture.Stats
}

func (s *steady) Next(batch []capture.Packet) (int, error) {
	time.Sleep(time.Millisecond)
	batch[0] = s.packet
	batch[0].Time = time.Now().UnixNano()
	s.stats.Packets++
	s.stats.Bytes += uint64(s.packet.Length)
	return 1, nil
}

func (s *steady) Stats() capture.Stats { return s.stats }
func (s *steady) Close() error         { return nil }
