package logs

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"blindspot/discover"
)

// fuzz reads content as a log of a kind and checks what must hold of any.
func fuzz(f *testing.F, kind string, seeds ...string) {
	for _, seed := range seeds {
		b, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(seed)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(dir, "log")
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		given := map[discover.Fingerprint]bool{}
		handshakes := uint64(0)
		result, err := Read(Source{kind, []string{path}}, Config{Emit: func(o *discover.Observation, certs []*discover.Certificate) {
			handshakes++
			checkObservation(t, o)
			for _, c := range certs {
				if given[c.SHA256] {
					t.Errorf("certificate %s was handed over twice", c.SHA256)
				}
				given[c.SHA256] = true
			}
		}})
		if err != nil {
			return
		}
		if result.Handshakes != handshakes || result.Handshakes > result.Rows || len(result.Warnings) > maxWarnings+8 {
			t.Errorf("got %d handshakes of %d rows, %d warnings, emitted %d", result.Handshakes, result.Rows, len(result.Warnings), handshakes)
		}
	})
}

func checkObservation(t *testing.T, o *discover.Observation) {
	if line := discover.AppendEvent(nil, 1, o); !utf8.Valid(line) || bytes.Count(line, []byte("\n")) != 1 {
		t.Errorf("event %q", line)
	}
	if o.SNI != "" {
		if name, ok := discover.Hostname(o.SNI); !ok || name != o.SNI {
			t.Errorf("name %q is not normalised", o.SNI)
		}
	}
	if !o.Client.IsValid() || !o.Server.IsValid() || o.Time.IsZero() || o.Transport == 0 || o.Outcome == "" {
		t.Errorf("got %+v", o)
	}
	if (len(o.Chain) > 0) != (o.CertsFrom != "") || o.CertsFrom != "" && o.CertsHidden != "" {
		t.Errorf("chain of %d from %q, hidden %q", len(o.Chain), o.CertsFrom, o.CertsHidden)
	}
}

func FuzzZeek(f *testing.F) {
	fuzz(f, "zeek", "zeek/ssl.log", "zeek-json/ssl.json", "zeek-json/ssl.2026-11-23-10.log", "zeek-old/ssl.log")
}

func FuzzSuricata(f *testing.F) { fuzz(f, "suricata", "suricata/eve.json") }
