package inventory

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
)

// fact is what OpenSSL says of a certificate in testdata/certs.
type fact struct {
	sha256, sha1, spki, serial, issuer string
	notBefore, notAfter                time.Time
}

func readFacts(t *testing.T) map[string]fact {
	t.Helper()
	text, err := os.ReadFile("testdata/facts.tsv")
	if err != nil {
		t.Fatal(err)
	}
	facts := map[string]fact{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		f := strings.Split(line, "\t")
		hash := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, ":", "")) }
		at := func(s string) time.Time {
			v, err := time.Parse("2006-01-02 15:04:05Z", s)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		facts[f[0]] = fact{hash(f[1]), hash(f[2]), f[3], strings.ToLower(strings.TrimLeft(f[4], "0")), f[5], at(f[6]), at(f[7])}
	}
	return facts
}

func certificate(t testing.TB, name string) *discover.Certificate {
	t.Helper()
	c := firstCertificate("testdata/certs/" + name + ".pem")
	if c == nil {
		t.Fatalf("testdata/certs/%s.pem holds no certificate", name)
	}
	return c
}

// TestFacts sets every record of every format against what OpenSSL says of the
// certificate that the fixture was written from.
func TestFacts(t *testing.T) {
	facts := readFacts(t)
	bySerial := map[string]fact{}
	for name, f := range facts {
		if name != "precert" {
			bySerial[f.serial] = f
		}
	}
	checked := 0
	for _, source := range sources {
		r, err := Read([]Spec{source.spec})
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range r.Records {
			f, ok := bySerial[rec.Serial]
			if rec.Serial == "" || source.name == "vault-detailed" && rec.Serial == "1001" {
				continue
			}
			if !ok {
				t.Errorf("%s: serial %s is none of OpenSSL's", rec.Ref, rec.Serial)
				continue
			}
			checked++
			for _, d := range differences(rec, f) {
				t.Errorf("%s (%s): %s", source.name, rec.Ref, d)
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d records were checked", checked)
	}
}

func differences(r Record, f fact) []string {
	var out []string
	differ := func(what, got, want string) {
		if got != "" && got != want {
			out = append(out, fmt.Sprintf("got %s %s, want %s", what, got, want))
		}
	}
	hash := func(h discover.Fingerprint) string {
		if h.IsZero() {
			return ""
		}
		return h.String()
	}
	differ("sha256", hash(r.SHA256), f.sha256)
	differ("sha1", r.SHA1, f.sha1)
	differ("spki", hash(r.SPKI), f.spki)
	if strings.Contains(r.Issuer, "=") {
		differ("issuer", r.Issuer, f.issuer)
	}
	switch day := r.NotAfter.Truncate(24 * time.Hour); {
	case r.NotAfter.IsZero():
	case r.NotAfter.Equal(day): // of a list without times
		differ("not after", r.NotAfter.Format(time.DateOnly), f.notAfter.Format(time.DateOnly))
	default:
		differ("not after", r.NotAfter.String(), f.notAfter.String())
	}
	if !r.NotBefore.IsZero() {
		differ("not before", r.NotBefore.String(), f.notBefore.String())
	}
	return out
}

// The private keys in the fixtures are this text in base64, and that again in
// base64 where the format wraps it.
var canaries = []string{"this is no key but a canary", "dGhpcyBpcyBubyBrZXkgYnV0IGEgY2FuYXJ5", "ZEdocGN5QnBjeUJ1YnlCclpYa2dZblYwSUdFZ1kyRnVZWEo1"}

func holdsCanary(s string) bool {
	for _, canary := range canaries {
		if strings.Contains(s, canary) {
			return true
		}
	}
	return false
}

// TestNoPrivateKeys looks for the keys of the fixtures in all that Read
// returns, and in the bytes that the readers get to see.
func TestNoPrivateKeys(t *testing.T) {
	for _, source := range sources {
		t.Run(source.name, func(t *testing.T) {
			r, err := Read([]Spec{source.spec})
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range r.Records {
				if rec.Certificate != nil {
					text = append(text, rec.Certificate.DER...)
				}
			}
			if holdsCanary(string(text)) {
				t.Error("a private key came through")
			}
		})
	}
	for _, path := range []string{"testdata/pem/edge/shop.pem", "testdata/pem/edge/shop-rsa.pem", "testdata/kubernetes.yaml", "testdata/kubernetes.json", "testdata/vault-issue.json"} {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !holdsCanary(string(raw)) && !holdsCanary(decodeAll(string(raw))) {
			t.Errorf("%s holds no key to forget: the test tests nothing", path)
		}
		data, err := readFile(path, maxFile)
		if err != nil {
			t.Fatal(err)
		}
		if holdsCanary(string(data)) || holdsCanary(decodeAll(string(data))) {
			t.Errorf("%s: its private key was kept", path)
		}
		if len(data) != len(raw) || strings.Count(string(data), "\n") != strings.Count(string(raw), "\n") {
			t.Errorf("%s: lines moved", path)
		}
	}
}

// decodeAll decodes every long word of base64.
func decodeAll(s string) string {
	var out strings.Builder
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r > 127 || !isBase64(byte(r)) }) {
		if text, err := secretData(&value{kind: isObject, keys: []string{"data"}, list: []value{
			{kind: isObject, keys: []string{"k"}, list: []value{{kind: isText, text: word}}}}}, "k"); err == nil && len(word) > 40 {
			out.WriteString(text)
		}
	}
	return out.String()
}

// TestKeyFilesAreNotOpened has certificates in files whose names say that they
// are keys: none of them may become a record.
func TestKeyFilesAreNotOpened(t *testing.T) {
	facts := readFacts(t)
	tests := []struct{ kind, path, absent string }{
		{"pem", "testdata/pem", "shop-old"},    // app.key
		{"certbot", "testdata/certbot", "idn"}, // privkey1.pem
	}
	for _, test := range tests {
		r, err := Read([]Spec{{Kind: test.kind, Path: test.path}})
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range r.Records {
			if rec.SHA256.String() == facts[test.absent].sha256 {
				t.Errorf("%s: %s was opened", test.path, rec.Ref)
			}
		}
	}
	for name, want := range map[string]bool{
		"privkey.pem": true, "privkey3.pem": true, "shop.key": true, "shop-key.pem": true, "shop.example_key.pem": true, "key.pem": true, "shop.key.pem": true,
		"shop.pem": false, "keystone.example.pem": false, "monkey.pem": false, "fullchain.pem": false,
	} {
		if got := namesKey(name); got != want {
			t.Errorf("%s names a key: got %v, want %v", name, got, want)
		}
	}
}
