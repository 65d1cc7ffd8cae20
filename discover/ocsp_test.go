package discover

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

func ocspFile(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "ocsp", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func ocspCert(tb testing.TB, name string) *Certificate {
	tb.Helper()
	if name == "" {
		return nil
	}
	block, _ := pem.Decode(ocspFile(tb, name+".pem"))
	return ParseCertificate(block.Bytes)
}

// ocspTimes reads what OpenSSL says of the response in responses.txt.
func ocspTimes(t *testing.T, name string) (thisUpdate, nextUpdate time.Time) {
	t.Helper()
	_, text, _ := strings.Cut(string(ocspFile(t, "responses.txt")), "== "+name+"\n")
	text, _, _ = strings.Cut(text, "== ")
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		at, err := time.Parse("Jan _2 15:04:05 2006 MST", value)
		switch {
		case err != nil:
		case key == "This Update":
			thisUpdate = at
		case key == "Next Update":
			nextUpdate = at
		}
	}
	return thisUpdate, nextUpdate
}

const day = 24 * time.Hour

func TestOCSPStatus(t *testing.T) {
	for _, tc := range []struct {
		name, response, leaf, issuer string
		after                        time.Duration // since thisUpdate; nextUpdate is 7 days later
		want                         string
	}{
		{"good", "good", "good", "ca", day, "good"},
		{"issuer not known", "good", "good", "", day, "good"},
		{"revoked", "revoked", "revoked", "ca", day, "revoked"},
		{"on hold", "held", "held", "ca", day, "revoked"},
		{"unknown to the responder", "unknown", "unknown", "ca", day, "unknown"},
		{"signed by an appointed responder", "delegated", "good", "ca", day, "good"},
		{"responder known by its key", "keyid", "good", "ca", day, "good"},
		{"without certificates", "bare", "good", "ca", day, "good"},
		{"without nextUpdate", "endless", "good", "ca", 900 * day, "good"},
		{"signed with SHA-512", "sha512", "good", "ca", day, "good"},
		{"named by SHA-256", "sha256id", "good", "ca", day, "good"},
		{"first of several", "several", "good", "ca", day, "good"},
		{"second of several", "several", "second", "ca", day, "good"},
		{"just out of date", "good", "good", "ca", 7*day + time.Minute, "good"},
		{"out of date", "good", "good", "ca", 7*day + time.Hour, "expired"},
		{"from the future", "good", "good", "ca", -time.Hour, "expired"},
		{"from a clock a little ahead", "good", "good", "ca", -time.Minute, "good"},
		{"revocation out of date", "revoked", "revoked", "ca", 30 * day, "revoked"},
		{"hold out of date", "held", "held", "ca", 30 * day, "expired"},
		{"for another certificate", "good", "revoked", "ca", day, ""},
		{"for another issuer's certificate of this number", "good", "stranger", "", day, ""},
		{"for another key of this issuer", "good", "good", "twin", day, ""},
		{"signed by another issuer", "bare", "good", "other", day, ""},
		{"signed by a certificate for servers", "impostor", "good", "ca", day, ""},
		{"signed by another's responder", "stranger", "good", "ca", day, ""},
		{"an error", "trylater", "good", "ca", day, ""},
		{"no leaf", "good", "", "ca", day, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			thisUpdate, nextUpdate := ocspTimes(t, tc.response)
			got := ReadOCSP(ocspFile(t, tc.response+".der"), ocspCert(t, tc.leaf), ocspCert(t, tc.issuer), thisUpdate.Add(tc.after))
			check(t, "status", got.Status, tc.want)
			if (got.Problem == "") != (tc.want != "") {
				t.Errorf("problem: got %q with status %q", got.Problem, got.Status)
			}
			if got.Status != "" {
				check(t, "this update", got.ThisUpdate.UTC(), thisUpdate.UTC())
				check(t, "next update", got.NextUpdate.UTC(), nextUpdate.UTC())
			}
		})
	}
}

func TestOCSPRevokedAt(t *testing.T) {
	at, _ := ocspTimes(t, "revoked")
	got := ReadOCSP(ocspFile(t, "revoked.der"), ocspCert(t, "revoked"), ocspCert(t, "ca"), at)
	check(t, "revoked at", got.RevokedAt.UTC(), time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)) // generate.sh, index
}

// No response with a changed byte in what is signed is believed.
func TestOCSPTampered(t *testing.T) {
	der, leaf, ca := ocspFile(t, "bare.der"), ocspCert(t, "good"), ocspCert(t, "ca")
	at, _ := ocspTimes(t, "bare")
	resp, err := ocsp.ParseResponse(der, nil)
	if err != nil {
		t.Fatal(err)
	}
	start := strings.Index(string(der), string(resp.TBSResponseData))
	for i := start; i < start+len(resp.TBSResponseData); i++ {
		der[i] ^= 1
		if got := OCSPStatus(der, leaf, ca, at); got != "" {
			t.Errorf("byte %d changed: got %q, want nothing", i, got)
		}
		der[i] ^= 1
	}
}

func TestOCSPPrefixes(t *testing.T) {
	der, leaf := ocspFile(t, "good.der"), ocspCert(t, "good")
	at, _ := ocspTimes(t, "good")
	for i := range der {
		if got := OCSPStatus(der[:i], leaf, nil, at); got != "" {
			t.Errorf("prefix of %d bytes: got %q, want nothing", i, got)
		}
	}
}

// What package ocsp reads, ours reads alike.
func FuzzOCSP(f *testing.F) {
	paths, _ := filepath.Glob(filepath.Join("testdata", "ocsp", "*.der"))
	for _, p := range paths {
		f.Add(ocspFile(f, filepath.Base(p)))
	}
	leaf, ca := ocspCert(f, "good"), ocspCert(f, "ca")
	words := map[int]string{ocsp.Good: "good", ocsp.Revoked: "revoked", ocsp.Unknown: "unknown"}
	f.Fuzz(func(t *testing.T, der []byte) {
		OCSPStatus(der, leaf, ca, time.Unix(1.8e9, 0))
		theirs, err := ocsp.ParseResponse(der, nil)
		if err != nil {
			return
		}
		ours, err := parseOCSPResponse(der)
		if err != nil {
			t.Skip(err) // they allow what DER does not
		}
		s := &ours.singles[0]
		check(t, "status", s.status, words[theirs.Status])
		check(t, "serial", serialText(s.serial), theirs.SerialNumber.Text(16))
		check(t, "this update", s.thisUpdate.UTC(), theirs.ThisUpdate.UTC())
		check(t, "next update", s.nextUpdate.UTC(), theirs.NextUpdate.UTC())
		check(t, "signed", string(ours.signed), string(theirs.TBSResponseData))
		check(t, "signature", string(ours.signature), string(theirs.Signature))
	})
}
