package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blindspot/cmd/blindspot/internal/ingest"
	"blindspot/discover"
)

// TestDecrypted: with the key log beside a capture, the certificates that its
// servers and clients sent are there, hidden or not, and nothing else has
// changed but what was encrypted.
func TestDecrypted(t *testing.T) {
	opened := 0
	for _, name := range captures(t) {
		keys := stem(name) + ".keys"
		logged, err := os.ReadFile(keys)
		if err != nil || !bytes.Contains(logged, []byte("_HANDSHAKE_")) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			seen := readKeyed(t, name, keys)
			plain := parseEvents(t, events(t, name))
			if len(seen) != len(plain) {
				t.Fatalf("got %d events, want the %d of the capture without keys", len(seen), len(plain))
			}
			for i, h := range readTruth(t, stem(name)+".truth.json") {
				if h.Hop || h.ClientRandom == "" {
					continue
				}
				at := slices.IndexFunc(seen, func(e *event) bool { return word(e.ClientRandom) == h.ClientRandom && e.Client == h.Client })
				if at < 0 {
					continue // TestTruth's
				}
				e := seen[at]
				if !bytes.Contains(logged, []byte("SERVER_HANDSHAKE_TRAFFIC_SECRET "+h.ClientRandom)) {
					continue // a program that writes no key log
				}
				if len(h.Certs) > 0 && !h.Visible && len(plain[at].Certs) == 0 && word(e.CertsHidden) != "truncated" {
					if !slices.Equal(e.Certs, h.Certs) {
						t.Errorf("handshake %d, %s → %s %q (%s): got certificates %q, want %q", i+1, h.Client, h.Server, h.SNI, h.Note, e.Certs, h.Certs)
					} else {
						opened++
					}
				}
				if len(h.ClientCerts) > 0 && !slices.Equal(e.ClientCerts, h.ClientCerts) {
					t.Errorf("handshake %d, %s → %s %q (%s): got client certificates %q, want %q", i+1, h.Client, h.Server, h.SNI, h.Note, e.ClientCerts, h.ClientCerts)
				}
				if h.ALPNChosen != "" && word(e.ALPNChosen) != h.ALPNChosen && len(e.Certs) > 0 {
					t.Errorf("handshake %d: got ALPN %q, want %q", i+1, word(e.ALPNChosen), h.ALPNChosen)
				}
				if h.KeyProof != nil && e.KeyProof != nil && *e.KeyProof != *h.KeyProof {
					t.Errorf("handshake %d: got key proof %t, want %t", i+1, *e.KeyProof, *h.KeyProof)
				}
				if e.Outcome != h.Outcome && e.Outcome != plain[at].Outcome {
					t.Errorf("handshake %d: got outcome %s, want %s", i+1, e.Outcome, h.Outcome)
				}
			}
		})
	}
	t.Logf("%d hidden chains opened", opened)
	if opened == 0 && !t.Failed() {
		t.Error("no hidden chain was opened")
	}
}

func readKeyed(t *testing.T, name, keys string) []*event {
	t.Helper()
	var out bytes.Buffer
	cfg := ingest.Config{Events: ingest.NewEvents(&out, "memory"), Decode: decodeAs[name], KeyLogs: []string{keys}}
	run := newRun(t, cfg)
	if _, err := run.Read(context.Background(), filepath.Join(pcaps, name)); err != nil {
		t.Fatal(err)
	}
	return parseEvents(t, out.Bytes())
}

// TestDecryptedDTLS13: the secrets that a capture carries open DTLS 1.3; the
// peers are wolfSSL's examples, each with a certificate.
func TestDecryptedDTLS13(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "corpus", "pcaps", "ndpi--dtls.pcap")
	if _, err := os.Stat(path); err != nil {
		t.Skip("the corpus of captures is not here: ", err)
	}
	var out bytes.Buffer
	run := newRun(t, ingest.Config{Events: ingest.NewEvents(&out, "memory")})
	if _, err := run.Read(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range parseEvents(t, out.Bytes()) {
		if word(e.Version) != "DTLS 1.3" || word(e.CertsFrom) != "decrypted" {
			continue
		}
		found++
		if len(e.Certs) == 0 || len(e.ClientCerts) == 0 {
			t.Fatalf("got chains %q and %q, want both", e.Certs, e.ClientCerts)
		}
		f, err := discover.ParseFingerprint(e.Certs[0])
		if err != nil {
			t.Fatal(err)
		}
		leaf := run.Inventory().Certificate(f)
		if leaf == nil || !strings.Contains(leaf.Subject, "www.wolfssl.com") {
			t.Errorf("got leaf %v, want that of www.wolfssl.com", leaf)
		}
	}
	if found != 1 {
		t.Errorf("got %d opened handshakes of DTLS 1.3, want 1", found)
	}
}
