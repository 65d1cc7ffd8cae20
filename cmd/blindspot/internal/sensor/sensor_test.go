package sensor

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/cmd/blindspot/internal/ingest"
)

const pcaps = "../../../../testdata/pcaps"

// replay yields the packets of a capture as a live source does: it never ends,
// and says so by returning nothing. take says which packets are this worker's.
type replay struct {
	*capture.File
	take  func(*capture.Packet) bool
	ended func()
	last  int64 // packet time
}

func (r *replay) Next(batch []capture.Packet) (int, error) {
	n, err := r.File.Next(batch)
	if err != nil { // broken captures end too
		r.ended()
		time.Sleep(time.Millisecond)
		return 0, nil
	}
	kept := 0
	for i := range n {
		r.last = max(r.last, batch[i].Time)
		if r.take == nil || r.take(&batch[i]) {
			batch[kept] = batch[i]
			kept++
		}
	}
	return kept, nil
}

// Now keeps the clock where the capture left it.
func (r *replay) Now() int64 { return r.last + int64(slack) }

// byAddresses is a fan-out as the kernel makes it: by the innermost addresses of
// both directions.
func byAddresses(workers, worker int) func(*capture.Packet) bool {
	d := decode.New(decode.Config{})
	return func(p *capture.Packet) bool {
		var s decode.Segment
		if !d.Decode(p, &s) {
			return worker == 0
		}
		h := 0
		for i := range s.Src {
			h += int(s.Src[i]) + int(s.Dst[i])
		}
		return h%workers == worker
	}
}

// run runs a sensor over a capture, cut into workers, and returns the events.
func run(t *testing.T, path string, cfg Config) []byte {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var left sync.WaitGroup
	workers := max(cfg.Workers, 1)
	left.Add(workers)
	cfg.Interfaces = []string{"mirror0"}
	cfg.Open = func(_ context.Context, _ string, worker int) (capture.Source, error) {
		f, err := capture.Open(path, capture.Config{})
		if err != nil {
			return nil, err
		}
		r := &replay{File: f, ended: sync.OnceFunc(left.Done)}
		if workers > 1 {
			r.take = byAddresses(workers, worker)
		}
		return r, nil
	}
	var out bytes.Buffer
	log := slog.New(slog.DiscardHandler)
	cfg.Events = WriteEvents(&out, log)
	cfg.Log = log
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	go func() { left.Wait(); cancel() }()
	if err := s.Run(ctx); err != nil {
		t.Errorf("run: %v", err)
	}
	return out.Bytes()
}

// fromFile are the events of blindspot pcap.
func fromFile(t *testing.T, path string) []byte {
	t.Helper()
	var out bytes.Buffer
	r, err := ingest.New(ingest.Config{Events: ingest.NewEvents(&out, "test")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// captures are the shipped ones, but for those that nothing can be read of.
func captures(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(pcaps)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		path := filepath.Join(pcaps, e.Name())
		_, rest, found := strings.Cut(e.Name(), ".pcap")
		if !found || e.IsDir() || strings.HasSuffix(rest, ".golden") {
			continue
		}
		f, err := capture.Open(path, capture.Config{})
		if err != nil {
			continue
		}
		f.Close()
		list = append(list, path)
	}
	return list
}

// events are lines without their numbers, in an order of their own.
func events(t *testing.T, text []byte) []string {
	t.Helper()
	var list []string
	for line := range strings.Lines(string(text)) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		delete(e, "seq")
		b, _ := json.Marshal(e)
		list = append(list, string(b))
	}
	slices.SortFunc(list, cmp.Compare[string])
	return list
}

// ownClocks are captures in which a handshake ends when the packet of another
// flow, with a later time, has come: the clocks of several workers do not know
// of each other's.
var ownClocks = []string{"wire-nat.pcap", "wire-clock-back.pcap"}

// without leaves out a field of events whose values are texts.
func without(field string, lines []string) []string {
	pattern := regexp.MustCompile(`"` + field + `":"[^"]*",`)
	var out []string
	for _, l := range lines {
		out = append(out, pattern.ReplaceAllString(l, ""))
	}
	slices.Sort(out)
	return out
}

// TestLikeFile: a sensor tells of the same traffic what reading its capture
// does.
func TestLikeFile(t *testing.T) {
	for _, path := range captures(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			want := fromFile(t, path)
			if filepath.Base(path) == "format-dsb.pcapng" {
				t.Skip("an interface brings no secrets along")
			}
			if got := run(t, path, Config{}); !bytes.Equal(got, want) {
				t.Errorf("one worker:\n%s\nwant:\n%s", got, want)
			}
			if strings.Contains(path, "fragments") {
				t.Skip("the fan-out of this test tears fragments apart")
			}
			got, want2 := events(t, run(t, path, Config{Workers: 3})), events(t, want)
			if slices.Contains(ownClocks, filepath.Base(path)) {
				got, want2 = without("ended", got), without("ended", want2)
			}
			if !slices.Equal(got, want2) {
				t.Errorf("three workers:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want2, "\n"))
			}
		})
	}
}
