package main

import (
	"bytes"
	"context"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"blindspot/store"
)

// TestGapFolded: a report says the same before and after hours have become
// days, of the laboratories and of all the captures together, and so it does of
// a store into which the folded one was merged.
func TestGapFolded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads all captures")
	}
	for _, name := range []string{"incident", "incident13"} {
		l := openLab(t, name, "expected.yml")
		sameFolded(t, name, l.store(t), "--config", filepath.Join(l.dir, "blindspot.yml"))
	}
	db := filepath.Join(t.TempDir(), "all.db")
	labRun(t, "pcap", "--quiet", "--db", db, pcaps)
	sameFolded(t, "all", db, "--scope", "all")
}

func sameFolded(t *testing.T, name, path string, how ...string) {
	t.Run(name, func(t *testing.T) {
		report := func(path string) []byte {
			return withoutNow(labRun(t, append([]string{"gap", "--quiet", "-o", "json", "--db", path}, how...)...))
		}
		want := report(path)
		db, err := store.Open(path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		folded, err := db.Fold(context.Background(), store.Policy{Hours: store.MinHours}, time.Now().Add(1000*time.Hour))
		if err != nil || folded.Rows == 0 {
			t.Fatalf("got %+v, %v; want rows that were folded", folded, err)
		}
		if got := report(path); !bytes.Equal(got, want) {
			t.Errorf("folded: %s", firstDifference(got, want))
		}
		labRun(t, "db", "check", "--full", "--db", path)
		hub := filepath.Join(t.TempDir(), "hub.db")
		for range 2 {
			labRun(t, "db", "merge", "--into", hub, path)
			if got := report(hub); !bytes.Equal(got, want) {
				t.Errorf("merged: %s", firstDifference(got, want))
			}
		}
		labRun(t, "db", "check", "--full", "--db", hub)
	})
}

// now is in a report the time at which it was made.
var nowInReport = regexp.MustCompile(`"generated": ?"[^"]*"`)

func withoutNow(b []byte) []byte { return nowInReport.ReplaceAll(b, nil) }

// firstDifference is the first line that differs, of both.
func firstDifference(got, want []byte) string {
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			return "got " + string(g[i]) + ", want " + string(w[i])
		}
	}
	return "one report is longer than the other"
}
