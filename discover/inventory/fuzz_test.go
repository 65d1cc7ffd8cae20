package inventory

import (
	"os"
	"testing"

	"blindspot/discover"
)

// readFuzzed feeds a reader with bytes: it may refuse them, and every record
// that it makes must hold together.
func readFuzzed(t *testing.T, spec Spec, data []byte) {
	t.Helper()
	data = append([]byte(nil), data...)
	forgetKeys(data)
	text, err := decodeText(data)
	if err == nil {
		detectText(text)
	}
	in := &input{Spec: Spec{Kind: spec.Kind, Path: "fuzz/none", Options: spec.Options}, body: data, loaded: true}
	b := &batch{kind: spec.Kind, seen: map[discover.Fingerprint]bool{}}
	if formats[spec.Kind].read(in, b) != nil {
		return
	}
	r := &Result{}
	r.take("fuzz/none", b)
	r.Intermediates = b.authorities
	x := NewIndex(r)
	for i := range r.Records {
		rec := &r.Records[i]
		if rec.Source == "" || rec.Ref == "" || rec.Names == nil {
			t.Errorf("incomplete record %+v", rec)
		}
		for _, name := range rec.Names {
			if again, ok := normalName(name); !ok || again != name {
				t.Errorf("name %q is not normal", name)
			}
		}
		if serial, err := parseSerial(rec.Serial, hexadecimal); rec.Certificate == nil && (err != nil || serial != rec.Serial) {
			t.Errorf("serial %q is not normal", rec.Serial)
		}
		if c := rec.Certificate; c != nil {
			// a precertificate has no fingerprint to be found by, and a damaged one nothing else
			if found, _ := x.Find(c); found == nil && !(rec.SHA256.IsZero() && c.Problem != "") {
				t.Errorf("the certificate of %s is not found", rec.Ref)
			}
			x.Newer(c)
		}
	}
}

func fuzzSources(f *testing.F, kind string) {
	for _, source := range sources {
		if info, err := os.Stat(source.spec.Path); source.spec.Kind == kind && err == nil && !info.IsDir() {
			f.Add([]byte(readString(f, source.spec.Path)))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { readFuzzed(t, Spec{Kind: kind}, data) })
}

func FuzzPEM(f *testing.F)        { fuzzSources(f, "pem") }
func FuzzCSV(f *testing.F)        { fuzzSources(f, "csv") }
func FuzzKubernetes(f *testing.F) { fuzzSources(f, "kubernetes") }
func FuzzVault(f *testing.F)      { fuzzSources(f, "vault") }
func FuzzStep(f *testing.F)       { fuzzSources(f, "step") }
func FuzzACM(f *testing.F)        { fuzzSources(f, "acm") }
func FuzzCrtSh(f *testing.F)      { fuzzSources(f, "crtsh") }

// FuzzDN wants a name that was normalised to stay as it is.
func FuzzDN(f *testing.F) {
	f.Add(`CN=Shop Internal CA, O="Shop, Ltd.", C=DE`)
	f.Add(`/C=DE/O=Shop, Ltd./CN=a\+b`)
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > maxName/4 {
			return
		}
		issuerWords(s)
		once := normalDN(s)
		if twice := normalDN(once); twice != once {
			t.Errorf("%q: got %q, then %q", s, once, twice)
		}
	})
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"2026-04-03T12:30:05Z", "03/04/2026 1:00 PM", "3.4.2026", "1775219405.5", "Apr  3 12:30:05 2026 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, order := range []dateOrder{dayFirst, monthFirst} {
			if got, err := parseDate(s, order); err == nil && !got.IsZero() && (got.Year() < 1949 || got.Year() > 10000) {
				t.Errorf("%q: got %v", s, got)
			}
		}
	})
}
