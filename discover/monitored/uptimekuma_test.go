package monitored

import (
	"crypto/sha256"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3"
)

// kumaDB makes a database of a script, and leaves it as mode says: closed, or
// open with its last changes in the write-ahead log only.
func kumaDB(t *testing.T, script string, open bool) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a b?c#d%e") // what a URI would misread
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "kuma.db")
	u := url.URL{Scheme: "file", Path: path}
	db, err := sql.Open("sqlite3", u.String())
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	statements, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	if open {
		t.Cleanup(func() { _ = db.Close() })
		statements = append([]byte("PRAGMA journal_mode=WAL;"), statements...)
	}
	if _, err := db.Exec(string(statements)); err != nil {
		t.Fatal(err)
	}
	if !open {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// TestKumaDatabase reads databases of several releases, at rest and while they
// are written, and wants them untouched.
func TestKumaDatabase(t *testing.T) {
	tests := []struct {
		name, script, golden string
		open                 bool
	}{
		{"at rest", "testdata/uptime-kuma/kuma.sql", "uptime-kuma", false},
		{"with a log", "testdata/uptime-kuma/kuma.sql", "uptime-kuma", true},
		{"old", "testdata/uptime-kuma/old.sql", "uptime-kuma-old", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := kumaDB(t, test.script, test.open)
			before := filesOf(t, filepath.Dir(path))
			r, err := Read([]Spec{{Path: path}})
			if err != nil {
				t.Fatal(err)
			}
			if after := filesOf(t, filepath.Dir(path)); !slices.Equal(before, after) {
				t.Errorf("the files were touched: before\n%q, after\n%q", before, after)
			}
			if got := r.Sources[0].Kind; got != "uptime-kuma" {
				t.Errorf("got kind %q", got)
			}
			r.Sources[0].Path = "kuma.db"
			for i := range r.Checks {
				r.Checks[i].Ref = strings.Replace(r.Checks[i].Ref, path, "kuma.db", 1)
			}
			for i := range r.Warnings {
				r.Warnings[i].Ref = strings.Replace(r.Warnings[i].Ref, path, "kuma.db", 1)
			}
			golden(t, test.golden, r)
		})
	}
}

// filesOf lists a folder's files with what they hold. The -shm file is the
// writer's own index.
func filesOf(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		list = append(list, e.Name()+" "+string(sum[:]))
	}
	return list
}

func TestKumaLeavesNoCopies(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	path := kumaDB(t, "testdata/uptime-kuma/kuma.sql", true)
	if _, err := Read([]Spec{{Kind: "uptime-kuma", Path: path}}); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(temp, "blindspot-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("got %q, %v left, want nothing", left, err)
	}
}

// TestKumaCopyNoticesCheckpoints copies a database while a checkpoint runs.
func TestKumaCopyNoticesCheckpoints(t *testing.T) {
	path := kumaDB(t, "testdata/uptime-kuma/kuma.sql", true)
	to := filepath.Join(t.TempDir(), "copy")
	before, err := stateOf(path)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := copyDatabase(path, to); err != nil || !same {
		t.Errorf("at rest: got %v, %v, want a copy", same, err)
	}
	u := url.URL{Scheme: "file", Path: path}
	db, err := sql.Open("sqlite3", u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	after, err := stateOf(path)
	if err != nil || before == after {
		t.Errorf("a checkpoint is not noticed: %v", err)
	}
}

func TestKumaDatabaseErrors(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.sql")
	if err := os.WriteFile(other, []byte("CREATE TABLE sighting (id INTEGER);"), 0o644); err != nil {
		t.Fatal(err)
	}
	path := kumaDB(t, other, false)
	_, err := Read([]Spec{{Path: path}})
	if want := path + ": no table monitor: this is no database of Uptime Kuma"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	broken := write(t, sqliteMagic+strings.Repeat("x", 4096))
	if _, err := Read([]Spec{{Path: broken}}); err == nil || !strings.HasPrefix(err.Error(), broken+": ") {
		t.Errorf("got error %v, want one that names %s", err, broken)
	}
}

func FuzzKuma(f *testing.F) {
	fuzzKind(f, "uptime-kuma", "testdata/uptime-kuma/metrics.txt", "testdata/uptime-kuma/backup.json")
}

// FuzzKumaInfo reads what a database may hold of a certificate.
func FuzzKumaInfo(f *testing.F) {
	f.Add(`{"valid":true,"certInfo":{"fingerprint256":"00:11","validFor":["a"]}}`, `{"Host":"a"}`, "https://a/", "http", "443")
	f.Add(`null`, `[]`, "a", "smtp", "99999")
	f.Fuzz(func(t *testing.T, info, headers, address, typ, port string) {
		m := &kumaMonitor{ref: "ref", typ: typ, url: address, hostname: address, grpcURL: address, database: address, headers: headers, port: port, enabled: true}
		m.tlsInfo(info)
		r := &Result{}
		m.add(r)
		for _, c := range r.Checks {
			checkHolds(t, c)
		}
	})
}
