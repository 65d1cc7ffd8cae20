package ingest

import (
	"context"
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blindspot/discover"
	"blindspot/discover/logs"
	"blindspot/store"
)

// eve is a handshake in Suricata's log; %s is the SHA-1 of its leaf.
const eve = `{"timestamp":"2026-11-23T10:00:05.000000+0000","flow_id":1,"event_type":"tls","src_ip":"10.77.2.7","src_port":50007,"dest_ip":"10.77.0.25","dest_port":993,"proto":"TCP","tls":{"subject":"CN=x","issuerdn":"CN=y","fingerprint":"%s","sni":"mail.shop.example","version":"TLS 1.2"}}
`

func writeLog(t *testing.T, path, text string) logs.Source {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return logs.Source{Kind: "suricata", Paths: []string{path}}
}

func colons(sum [sha1.Size]byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% x", sum), " ", ":")
}

// TestLogsBySHA1 imports a log that knows a certificate by SHA-1 only, which a
// capture has brought into the store.
func TestLogsBySHA1(t *testing.T) {
	db := openStore(t)
	read(t, newRun(t, Config{Store: db}), demo)
	var leaf *discover.Certificate
	for c, err := range db.Certificates() {
		if err != nil {
			t.Fatal(err)
		}
		leaf = c
	}
	src := writeLog(t, filepath.Join(t.TempDir(), "eve.json"), fmt.Sprintf(eve, colons(sha1.Sum(leaf.DER))))
	res, err := Logs(context.Background(), Config{Store: db}, src)
	if err != nil {
		t.Fatal(err)
	}
	if res.Handshakes != 1 || res.Names != 1 {
		t.Errorf("got %d handshakes of %d names, want 1 of 1", res.Handshakes, res.Names)
	}
	inv := inventory(t, db, store.Query{})
	for s, err := range inv.Sightings {
		if err != nil {
			t.Fatal(err)
		}
		if s.Hostname != "mail.shop.example" {
			continue
		}
		if chain := inv.Chain(s.Chain); len(chain) != 1 || chain[0] != leaf.SHA256 {
			t.Errorf("got chain %v, want %s", chain, leaf.SHA256)
		}
		return
	}
	t.Error("the handshake is not in the store")
}

func TestLogsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	db := openStore(t)
	src := writeLog(t, filepath.Join(t.TempDir(), "eve.json"), fmt.Sprintf(eve, ""))
	res, err := Logs(ctx, Config{Store: db}, src)
	if err != nil || !res.Stopped {
		t.Errorf("got %+v, %v; want it stopped", res, err)
	}
	// the whole log can be imported later
	if res, err = Logs(context.Background(), Config{Store: db}, src); err != nil || res.Nothing || res.Handshakes != 1 {
		t.Errorf("got %+v, %v; want 1 handshake", res, err)
	}
	if got := handshakes(inventory(t, db, store.Query{}), t)["mail.shop.example"]; got != 1 {
		t.Errorf("in the store: got %d handshakes, want 1", got)
	}
}

// TestLogsBrokenOff imports what an earlier, killed import left unfinished.
func TestLogsBrokenOff(t *testing.T) {
	db := openStore(t)
	src := writeLog(t, filepath.Join(t.TempDir(), "eve.json"), fmt.Sprintf(eve, ""))
	im := newImporter(Config{Store: db}, src)
	if _, err := logs.Read(src, logs.Config{Emit: im.emit}); err != nil {
		t.Fatal(err)
	}
	if err := im.flush(false); err != nil { // and then the process was killed
		t.Fatal(err)
	}
	if _, err := Logs(context.Background(), Config{Store: db}, src); err != nil {
		t.Fatal(err)
	}
	if got := handshakes(inventory(t, db, store.Query{}), t)["mail.shop.example"]; got != 1 {
		t.Errorf("got %d handshakes, want 1", got)
	}
}

func TestLogsFault(t *testing.T) {
	db := openStore(t)
	dir := t.TempDir()
	if _, err := Logs(context.Background(), Config{Store: db}, logs.Source{Kind: "suricata", Paths: []string{filepath.Join(dir, "none")}}); err == nil {
		t.Error("a missing log: got no error")
	}
	src := writeLog(t, filepath.Join(dir, "eve.json"), fmt.Sprintf(eve, ""))
	if _, err := Logs(context.Background(), Config{Store: db, Events: NewEvents(fullDisk{}, "log.jsonl")}, src); err == nil || !strings.Contains(err.Error(), "log.jsonl") {
		t.Errorf("got %v, want an error that names the event log", err)
	}
	if res, err := Logs(context.Background(), Config{Store: db}, src); err != nil || res.Nothing {
		t.Errorf("after the fault: got %+v, %v; want it imported", res, err)
	}
}
