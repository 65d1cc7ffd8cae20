package store

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blindspot/discover"
)

func checked(t testing.TB, db *DB, full bool) Checked {
	t.Helper()
	c, err := db.Check(context.Background(), full)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func healthy(t *testing.T) *DB {
	db := temp(t)
	w := start(t, db, pcap)
	b := benchBatch(100, 2)
	for _, s := range b.Sightings {
		s.Count = 9 // at least what its clients made
	}
	write(t, w, b)
	for _, b := range random(rand.New(rand.NewPCG(3, 3)), pcap, db.SketchKey(), 2) {
		b.Part++
		write(t, w, b)
	}
	return db
}

// TestCheck damages a store in one way after the other: each is found, and
// nothing is in one that is whole.
func TestCheck(t *testing.T) {
	tests := []struct{ name, damage, want string }{
		{"whole", "", ""},
		{"folded", "fold", ""},
		{"a certificate", "UPDATE certificates SET der = substr(der, 2) WHERE id = 1", "certificates are not"},
		{"a chain", "UPDATE chains SET certificates = substr(certificates, 33)", "chains are not"},
		{"a key is gone", "DELETE FROM keys WHERE id = (SELECT min(id) FROM keys)", "key that is not there"},
		{"a profile is gone", "PRAGMA foreign_keys = OFF; DELETE FROM profiles", "profile that is not there"},
		{"a choice is gone", "DELETE FROM choices", "choice that is not there"},
		{"a bucket is gone", "DELETE FROM buckets WHERE part = 1", "bucket that is not there"},
		{"a source is gone", "PRAGMA foreign_keys = OFF; DELETE FROM sources", "source that is not there"},
		{"time", "UPDATE sightings SET first_seen = last_seen + 1 WHERE part = 1", "cannot be"},
		{"figures", "UPDATE sightings SET handshakes = -1 WHERE part = 1", "cannot be"},
		{"another hostname", "UPDATE keys SET hostname = 'evil.example' WHERE id = (SELECT min(id) FROM keys)", "keys are not"},
		{"a client list", "UPDATE sightings SET client_list = X'0401' WHERE part = 1", "clients of rows"},
		{"a client sketch", "UPDATE sightings SET client_sketch = X'0401' WHERE part = 1", "clients of rows"},
		{"too many clients", "UPDATE sightings SET handshakes = 0 WHERE part = 1", "clients of rows"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := healthy(t)
			switch tt.damage {
			case "":
			case "fold":
				foldNow(t, db, Policy{Hours: MinHours}, later)
			default:
				if err := db.writer.script(tt.damage); err != nil {
					t.Fatal(err)
				}
			}
			got := checked(t, db, true)
			text := ""
			for _, p := range got.Problems {
				text += p.What + " (" + p.Example + "); "
			}
			if tt.want == "" && text != "" || !strings.Contains(text, tt.want) {
				t.Errorf("got %q, want %q", text, tt.want)
			}
			if got.Certificates == 0 || got.Chains == 0 || got.Sightings == 0 {
				t.Errorf("got %+v: looked at nothing", got)
			}
			if quick := checked(t, db, false); tt.want == "" && len(quick.Problems) > 0 {
				t.Errorf("quick: got %+v", quick.Problems)
			}
		})
	}
}

// TestCheckFile overwrites pages of the file.
func TestCheckFile(t *testing.T) {
	db := healthy(t)
	db.Close()
	b, err := os.ReadFile(db.path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 8192; at < len(b); at += 5 * 4096 {
		copy(b[at:], strings.Repeat("damaged!", 64))
	}
	path := put(t, filepath.Join(t.TempDir(), "bad.db"), string(b))
	bad, err := Open(path, Options{ReadOnly: true})
	if err == nil {
		defer bad.Close()
		var c Checked
		if c, err = bad.Check(context.Background(), false); err == nil && len(c.Problems) == 0 {
			t.Error("a damaged file: nothing was found")
		}
	}
	if err != nil && !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want the file's name", err)
	}
}

// TestCheckNotes: what is no damage is told apart.
func TestCheckNotes(t *testing.T) {
	db := temp(t)
	s := sighting("h", 3)
	s.Chain = discover.ChainIDOf(chain)
	write(t, start(t, db, pcap), &discover.Batch{Sightings: []*discover.Sighting{s}})
	got := checked(t, db, true)
	if len(got.Problems) != 0 || len(got.Notes) != 2 {
		t.Errorf("got %+v, want notes on the chain and on handshakes that nobody counted", got)
	}
}
