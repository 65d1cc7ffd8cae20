package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/store"
)

const (
	demo      = "../../../../testdata/pcaps/demo.pcap"
	demoTruth = "../../../../testdata/pcaps/demo.truth.json"
)

// truth is the handshakes of the demo by name, as its servers and clients
// report them.
func truth(t *testing.T) map[string]uint64 {
	t.Helper()
	b, err := os.ReadFile(demoTruth)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Handshakes []struct{ SNI string } }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	names := map[string]uint64{}
	for _, h := range file.Handshakes {
		names[h.SNI]++
	}
	return names
}

func handshakes(inv *discover.Inventory, t *testing.T) map[string]uint64 {
	t.Helper()
	names := map[string]uint64{}
	for s, err := range inv.Sightings {
		if err != nil {
			t.Fatal(err)
		}
		names[s.Hostname] += s.Count
	}
	return names
}

func read(t *testing.T, r *Run, path string) *Result {
	t.Helper()
	res, err := r.Read(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func openStore(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "t.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func inventory(t *testing.T, db *store.DB, q store.Query) *discover.Inventory {
	t.Helper()
	inv, err := db.Inventory(q)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func newRun(t testing.TB, cfg Config) *Run {
	t.Helper()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMemory(t *testing.T) {
	r := newRun(t, Config{})
	res := read(t, r, demo)
	if res.Fault != nil || res.Nothing() || res.Stopped || res.Twice {
		t.Errorf("got %+v", res)
	}
	want := truth(t)
	if got := handshakes(r.Inventory(), t); !maps.Equal(got, want) {
		t.Errorf("handshakes: got %v, want %v", got, want)
	}
	if got := r.Inventory().Sensor.Packets; got != packets(t, demo) {
		t.Errorf("packets: got %d, want %d", got, packets(t, demo))
	}
	if res := read(t, r, demo); !res.Twice {
		t.Error("the same capture again was not told")
	}
}

// packets counts the records of a classic little-endian capture.
func packets(t *testing.T, path string) (n uint64) {
	t.Helper()
	each(t, path, func([]byte) { n++ })
	return n
}

// each calls do for every record header of a classic little-endian capture, and
// returns the file, with what do has changed in it.
func each(t *testing.T, path string, do func(header []byte)) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 24; at < len(b); {
		do(b[at : at+16])
		at += 16 + int(binary.LittleEndian.Uint32(b[at+8:]))
	}
	return b
}

func TestStore(t *testing.T) {
	db := openStore(t)
	r := newRun(t, Config{Store: db})
	if inv := r.Inventory(); inv != nil {
		t.Error("a run into a store has an inventory in memory")
	}
	first := read(t, r, demo)
	if first.Known.Name != "" || first.Names != 4 {
		t.Errorf("first: got %+v", first)
	}
	inv := inventory(t, db, store.Query{})
	want := truth(t)
	if got := handshakes(inv, t); !maps.Equal(got, want) {
		t.Errorf("handshakes: got %v, want %v", got, want)
	}
	again := read(t, newRun(t, Config{Store: db}), demo)
	if again.Known.Name != demo || again.KnownAt.IsZero() {
		t.Errorf("again: got %+v, want a known capture", again.Known)
	}
	if got := handshakes(inventory(t, db, store.Query{}), t); !maps.Equal(got, want) {
		t.Errorf("handshakes after reading twice: got %v, want %v", got, want)
	}
	if got := inventory(t, db, store.Query{}).Sensor.Packets; got != packets(t, demo) {
		t.Errorf("packets after reading twice: got %d, want %d", got, packets(t, demo))
	}
}

// TestBuckets reads a capture that goes on for three hours: packets belong to
// the hour that they were seen in.
func TestBuckets(t *testing.T) {
	n, all := 0, int(packets(t, demo))
	var hours [3]uint64
	b := each(t, demo, func(h []byte) {
		hour := n * 3 / all
		hours[hour]++
		binary.LittleEndian.PutUint32(h, binary.LittleEndian.Uint32(h)+uint32(hour)*3600)
		n++
	})
	path := filepath.Join(t.TempDir(), "hours.pcap")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	db := openStore(t)
	read(t, newRun(t, Config{Store: db}), path)
	start := inventory(t, db, store.Query{}).First.Truncate(time.Hour)
	for i, want := range hours {
		hour := start.Add(time.Duration(i) * time.Hour)
		got := inventory(t, db, store.Query{Since: hour, Until: hour.Add(time.Hour)}).Sensor.Packets
		if slack := uint64(256); got+slack < want || got > want+slack { // packets are read in batches
			t.Errorf("hour %d: got %d packets, want about %d", i, got, want)
		}
	}
	if got := inventory(t, db, store.Query{}).Sensor.Packets; got != uint64(all) {
		t.Errorf("packets: got %d, want %d", got, all)
	}
}

func TestWindow(t *testing.T) {
	r := newRun(t, Config{})
	read(t, r, demo)
	inv := r.Inventory()
	middle := inv.First.Add(inv.Last.Sub(inv.First) / 2)
	before, after := newRun(t, Config{Until: middle}), newRun(t, Config{Since: middle})
	a, b := read(t, before, demo), read(t, after, demo)
	var all uint64
	for _, n := range truth(t) {
		all += n
	}
	if a.Handshakes == 0 || b.Handshakes == 0 || a.Handshakes+b.Handshakes != all {
		t.Errorf("got %d before %s and %d from then on, want %d together", a.Handshakes, middle, b.Handshakes, all)
	}
	if last := before.Inventory().Last; !last.Before(middle) {
		t.Errorf("until %s: got a handshake at %s", middle, last)
	}
}

// TestLed: a capture in which handshakes dominate, so that packets are found
// ahead, gives what it gives on one processor, where they are not: events,
// figures, and what each hour says of the sensor.
func TestLed(t *testing.T) {
	one, err := os.ReadFile(demo)
	if err != nil {
		t.Fatal(err)
	}
	const header, record, ipv4 = 24, 16, 14 // of the file, of a packet, where a frame's IPv4 begins
	long, copies, packets := slices.Clone(one[:header]), 0, 0
	for ; packets < 2*leadEvery; copies++ {
		at := len(long)
		for long = append(long, one[header:]...); at < len(long); packets++ {
			h := long[at:]
			binary.LittleEndian.PutUint32(h, binary.LittleEndian.Uint32(h)+uint32(copies)*3600)
			at += record + int(binary.LittleEndian.Uint32(h[8:]))
			if frame := long[at-int(binary.LittleEndian.Uint32(h[8:])) : at]; frame[12] == 8 && frame[13] == 0 { // other ends
				frame[ipv4+13], frame[ipv4+17] = byte(copies), byte(copies)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "long.pcap")
	if err := os.WriteFile(path, long, 0o600); err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var want, wantSensor string
	for _, processors := range []int{1, 2} {
		runtime.GOMAXPROCS(processors)
		var events bytes.Buffer
		r := newRun(t, Config{Events: NewEvents(&events, "memory")})
		res := read(t, r, path)
		if res.Packets != uint64(packets) || res.Handshakes*leadBusy < res.Packets {
			t.Errorf("got %d packets and %d handshakes, want %d and more than one in %d", res.Packets, res.Handshakes, packets, leadBusy)
		}
		sensor := fmt.Sprintf("%+v %+v %d", res.Sensor, r.Inventory().Sensor, res.Names)
		if processors == 1 {
			want, wantSensor = events.String(), sensor
		} else if events.String() != want || sensor != wantSensor {
			t.Errorf("events or figures differ: got %s, want %s", sensor, wantSensor)
		}
	}
}

func TestEventsInOrder(t *testing.T) {
	var first, second bytes.Buffer
	read(t, newRun(t, Config{Events: NewEvents(&first, "memory")}), demo)
	read(t, newRun(t, Config{Events: NewEvents(&second, "memory"), Store: openStore(t)}), demo)
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("events differ with and without a store")
	}
	var last time.Time
	seq := 0
	for line := range bytes.Lines(first.Bytes()) {
		var e struct {
			Seq   int
			Ended time.Time
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if seq++; e.Seq != seq {
			t.Errorf("seq: got %d, want %d", e.Seq, seq)
		}
		if e.Ended.Before(last) {
			t.Errorf("event %d ended at %s, before the one ahead of it", seq, e.Ended)
		}
		last = e.Ended
	}
}

type fullDisk struct{}

var errFull = errors.New("no space left on device")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestEventsFail(t *testing.T) {
	db := openStore(t)
	_, err := newRun(t, Config{Events: NewEvents(fullDisk{}, "log.jsonl"), Store: db}).Read(context.Background(), demo)
	if !errors.Is(err, errFull) || !strings.Contains(err.Error(), "log.jsonl") {
		t.Errorf("got %v, want an error that names the log", err)
	}
}

func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	db := openStore(t)
	res, err := newRun(t, Config{Store: db}).Read(ctx, demo)
	if err != nil || !res.Stopped || res.Fault != nil {
		t.Errorf("got %+v, %v; want stopped", res, err)
	}
	// the whole capture can be read later
	if res := read(t, newRun(t, Config{Store: db}), demo); res.Known.Name != "" {
		t.Errorf("after the interruption: got %+v", res.Known)
	}
	if got, want := handshakes(inventory(t, db, store.Query{}), t), truth(t); !maps.Equal(got, want) {
		t.Errorf("handshakes: got %v, want %v", got, want)
	}
}

func TestFaults(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile(demo)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	usb := slices.Clone(whole[:24])
	usb[20] = 249
	usb = append(usb, 1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 'a', 'b', 'c', 'd')
	tests := []struct {
		name    string
		path    string
		fault   string // part of it
		nothing bool
	}{
		{"no such file", filepath.Join(dir, "none.pcap"), "none.pcap", true},
		{"empty", write("empty.pcap", nil), "empty.pcap", true},
		{"text", write("text.pcap", []byte("this is a text, and no capture")), "text.pcap", true},
		{"link type", write("usb.pcap", usb), "usb.pcap: link type", true},
		{"no packets", write("header.pcap", whole[:24]), "", false},
		{"cut", write("cut.pcap", whole[:len(whole)/2]), "cut.pcap: offset", false},
		{"cut in the first record", write("first.pcap", whole[:50]), "first.pcap: offset", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, cfg := range []Config{{}, {Store: openStore(t)}} {
				r := newRun(t, cfg)
				res := read(t, r, tt.path)
				if res.Nothing() != tt.nothing {
					t.Errorf("nothing: got %v, want %v", res.Nothing(), tt.nothing)
				}
				switch {
				case tt.fault == "" && res.Fault != nil, tt.fault != "" && res.Fault == nil:
					t.Errorf("fault: got %v, want %q", res.Fault, tt.fault)
				case tt.fault != "" && !strings.Contains(res.Fault.Error(), tt.fault):
					t.Errorf("fault: got %v, want %q", res.Fault, tt.fault)
				}
				if tt.name == "cut" {
					checkNote(t, r, cfg)
				}
			}
		})
	}
}

// checkNote wants the damage in the head of reports.
func checkNote(t *testing.T, r *Run, cfg Config) {
	t.Helper()
	inv := r.Inventory()
	if cfg.Store != nil {
		inv = inventory(t, cfg.Store, store.Query{})
	}
	if len(inv.Sensor.Notes) != 1 || !strings.Contains(inv.Sensor.Notes[0], "runs past the end of the file") {
		t.Errorf("notes: got %q, want one about the damage", inv.Sensor.Notes)
	}
}

func BenchmarkRead(b *testing.B) {
	info, err := os.Stat(demo)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := newRun(b, Config{}).Read(context.Background(), demo); err != nil {
			b.Fatal(err)
		}
	}
}
