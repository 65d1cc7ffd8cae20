package inventory

import (
	"strings"
	"testing"
	"time"

	"blindspot/discover"
)

func indexOf(t testing.TB, specs ...Spec) *Index {
	t.Helper()
	r, err := Read(specs)
	if err != nil {
		t.Fatal(err)
	}
	return NewIndex(r)
}

func specOf(t testing.TB, name string) Spec {
	t.Helper()
	for _, s := range sources {
		if s.name == name {
			return s.spec
		}
	}
	t.Fatalf("no source %q", name)
	return Spec{}
}

func TestFind(t *testing.T) {
	tests := []struct{ source, cert, how, ref string }{
		{"pem", "shop-new", BySHA256, "shop.crt:1"},
		{"pem", "ca", BySHA256, ""}, // an intermediate
		{"pem", "shop-old", "", ""},
		{"bundle", "shop-new", ByIssuerSerial, "bundle.pem:17"}, // by its precertificate
		{"bundle", "precert", ByIssuerSerial, "bundle.pem:17"},
		{"certbot", "shop-old", BySHA256, "cert1.pem:1"},
		{"venafi", "shop-old", BySHA1, "venafi.csv:2"},
		{"venafi", "shop-rsa", "", ""},
		{"keyfactor", "wild", BySHA1, "keyfactor.csv:2"},
		{"servicenow", "shop-new", BySHA256, "servicenow.csv:2"},
		{"servicenow", "self", "", ""}, // serial 1 alone says nothing
		{"people", "shop-new", BySerial, "people.csv:4"},
		{"people", "shop-rsa", "", ""}, // same names and day, another serial
		{"people", "idn", BySerial, "people.csv:5"},
		{"kubernetes", "shop-new", BySHA256, "kubernetes.yaml:3"},
		{"kubernetes", "idn", ByNamesValidity, "kubernetes.yaml:29"},
		{"kubernetes", "wild", "", ""},
		{"kubernetes-list", "wild", BySHA256, "kubernetes.json:18"},
		{"vault-issue", "shop-old", BySHA256, "vault-issue.json:25"},
		{"vault-list", "shop-new", BySerial, "vault-list.json:3"},
		{"vault-detailed", "wild", ByIssuerSerial, "vault-detailed.json:12"},
		{"step", "wild", BySHA256, "step.json:2"},
		{"acm-list", "shop-new", ByNamesValidity, "acm-list.json:3"},
		{"acm-list", "shop-rsa", "", ""},
		{"acm-list", "shop-old", "", ""},
		{"acm-describe", "wild", ByIssuerSerial, "acm-describe.json:2"},
		{"crtsh", "shop-new", ByIssuerSerial, "crtsh.json:1"},
		{"crtsh", "self", "", ""},
	}
	for _, test := range tests {
		t.Run(test.source+" "+test.cert, func(t *testing.T) {
			rec, how := indexOf(t, specOf(t, test.source)).Find(certificate(t, test.cert))
			if how != test.how {
				t.Fatalf("got %q, want %q", how, test.how)
			}
			if (rec == nil) != (how == "") {
				t.Fatalf("got record %v found by %q", rec, how)
			}
			if rec != nil && !strings.HasSuffix(rec.Ref, test.ref) {
				t.Errorf("got %s, want %s", rec.Ref, test.ref)
			}
		})
	}
}

// TestFindByKey has an inventory that knows keys only.
func TestFindByKey(t *testing.T) {
	c := certificate(t, "shop-new")
	rec := Record{SPKI: c.SPKI, Names: []string{"www.shop.example", "shop.example"}, Current: true}
	x := NewIndex(&Result{Records: []Record{rec}})
	if _, how := x.Find(c); how != ByKeyNames {
		t.Errorf("got %q, want %q", how, ByKeyNames)
	}
	rec.Names = rec.Names[:1]
	if _, how := NewIndex(&Result{Records: []Record{rec}}).Find(c); how != "" {
		t.Errorf("other names: got %q, want none", how)
	}
}

// TestFindContradicted has records that agree in the weaker evidence and differ
// in the stronger.
func TestFindContradicted(t *testing.T) {
	c := certificate(t, "shop-new")
	other := discover.FingerprintOf([]byte("other"))
	same := recordOf(c)
	tests := []struct {
		name   string
		change func(*Record)
		how    string
	}{
		{"no hashes", func(r *Record) { r.SHA256, r.SHA1 = discover.Fingerprint{}, "" }, ByIssuerSerial},
		{"other sha256", func(r *Record) { r.SHA256 = other }, ""},
		{"other sha1", func(r *Record) { r.SHA256, r.SHA1 = discover.Fingerprint{}, sha1Of([]byte("other")) }, ""},
		{"other key", func(r *Record) { r.SHA256, r.SHA1, r.SPKI = discover.Fingerprint{}, "", other }, ""},
		{"other serial, same key", func(r *Record) { r.SHA256, r.SHA1, r.Serial = discover.Fingerprint{}, "", "1" }, ""},
		{"other issuer, same key", func(r *Record) { r.SHA256, r.SHA1, r.Issuer = discover.Fingerprint{}, "", "CN=Precertificate Signer" }, ByKeyNames},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rec := same
			test.change(&rec)
			if _, how := NewIndex(&Result{Records: []Record{rec}}).Find(c); how != test.how {
				t.Errorf("got %q, want %q", how, test.how)
			}
		})
	}
}

// TestFindByTimes has records that know a name and an end, as lists write it,
// of a certificate that ends 2026-06-04 08:59:59 UTC.
func TestFindByTimes(t *testing.T) {
	c := certificate(t, "shop-new")
	tests := []struct {
		said string
		want bool
	}{
		{"2026-06-04T08:59:59Z", true},
		{"2026-06-04T10:59:59+02:00", true},
		{"2026-06-04T08:59:00Z", true},
		{"2026-06-04T00:00:00Z", true},
		{"2026-06-03T00:00:00Z", true}, // the day in Honolulu
		{"2026-06-05T00:00:00Z", false},
		{"2026-06-02T00:00:00Z", false},
		{"2026-06-04T09:00:00Z", false},
		{"2026-06-04T08:59:57Z", false},
		{"2027-06-04T08:59:59Z", false},
	}
	for _, test := range tests {
		at, err := parseDate(test.said, orderUnknown)
		if err != nil {
			t.Fatal(err)
		}
		x := NewIndex(&Result{Records: []Record{{Names: []string{"shop.example"}, NotAfter: at}}})
		if _, how := x.Find(c); (how == ByNamesValidity) != test.want {
			t.Errorf("%s: got %q, want %v", test.said, how, test.want)
		}
	}
}

func TestFindPrefersCurrent(t *testing.T) {
	c := certificate(t, "shop-new")
	old, current := recordOf(c), recordOf(c)
	old.Current, old.Ref, current.Ref = false, "old", "current"
	if rec, _ := NewIndex(&Result{Records: []Record{old, current}}).Find(c); rec.Ref != "current" {
		t.Errorf("got %s, want the current one", rec.Ref)
	}
}

func TestNewer(t *testing.T) {
	tests := []struct {
		source, cert string
		ref          string // of the successor, "" for none
	}{
		{"certbot", "shop-old", "cert2.pem:1"},
		{"certbot", "shop-new", ""},
		{"certbot", "shop-rsa", ""}, // a pair with the current one
		{"certbot", "wild", ""},
		{"certbot", "self", ""},
		{"pem", "shop-old", "shop-rsa.pem:4"}, // not in the inventory; the pair's later one
		{"pem", "shop-new", ""},               // the RSA one is four minutes later
		{"bundle", "shop-old", "bundle.pem:17"},
		{"venafi", "shop-old", "venafi.csv:3"},
		{"crtsh", "shop-old", "crtsh.json:1"},
		{"crtsh", "shop-new", ""},
		{"people", "shop-old", ""}, // the row names www.shop.example alone
		{"acm-list", "shop-old", "acm-list.json:3"},
		{"acm-describe", "wild", ""},
	}
	for _, test := range tests {
		t.Run(test.source+" "+test.cert, func(t *testing.T) {
			rec := indexOf(t, specOf(t, test.source)).Newer(certificate(t, test.cert))
			switch {
			case (rec == nil) != (test.ref == ""):
				t.Fatalf("got %+v, want %q", rec, test.ref)
			case rec != nil && !strings.HasSuffix(rec.Ref, test.ref):
				t.Errorf("got %s, want %s", rec.Ref, test.ref)
			}
		})
	}
}

// TestNewerRules has records against shop-old, which is valid for 90 days.
func TestNewerRules(t *testing.T) {
	c := certificate(t, "shop-old")
	day := 24 * time.Hour
	base := Record{Names: []string{"shop.example", "www.shop.example"}, NotBefore: c.NotBefore.Add(60 * day), NotAfter: c.NotAfter.Add(60 * day), Current: true}
	tests := []struct {
		name   string
		change func(*Record)
		want   bool
	}{
		{"renewal", func(*Record) {}, true},
		{"by another issuer", func(r *Record) { r.Issuer = "CN=Other" }, true},
		{"more names", func(r *Record) { r.Names = append([]string{"api.shop.example"}, r.Names...) }, true},
		{"fewer names", func(r *Record) { r.Names = r.Names[:1] }, false},
		{"wildcard for one of them", func(r *Record) { r.Names = []string{"*.shop.example", "shop.example"} }, true},
		{"wildcard without the other", func(r *Record) { r.Names = []string{"*.shop.example"} }, false},
		{"old generation", func(r *Record) { r.Current = false }, false},
		{"issued in the same go", func(r *Record) { r.NotBefore = c.NotBefore.Add(time.Hour) }, false},
		{"older", func(r *Record) { r.NotBefore = c.NotBefore.Add(-day) }, false},
		{"no beginning, later end", func(r *Record) { r.NotBefore = time.Time{} }, true},
		{"no beginning, same end", func(r *Record) { r.NotBefore, r.NotAfter = time.Time{}, c.NotAfter }, false},
		{"other key type, days later", func(r *Record) {
			r.Certificate, r.NotBefore = &discover.Certificate{KeyType: "RSA"}, c.NotBefore.Add(3*day)
		}, false},
		{"same key type, days later", func(r *Record) {
			r.Certificate, r.NotBefore = &discover.Certificate{KeyType: "ECDSA"}, c.NotBefore.Add(3*day)
		}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rec := base
			test.change(&rec)
			if got := NewIndex(&Result{Records: []Record{rec}}).Newer(c) != nil; got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// TestNewerOfMany wants the latest of several, records without a beginning
// among them.
func TestNewerOfMany(t *testing.T) {
	c := certificate(t, "shop-old")
	var records []Record
	for i := range 5 {
		records = append(records, Record{Ref: string(rune('a' + i)), Names: certificateNames(c), Current: i != 4,
			NotBefore: c.NotBefore.AddDate(0, i-1, 0), NotAfter: c.NotAfter.AddDate(0, i-1, 0)})
	}
	records = append(records, Record{Ref: "end only", Names: certificateNames(c), Current: true, NotAfter: c.NotAfter.AddDate(1, 0, 0)})
	if got := NewIndex(&Result{Records: records}).Newer(c); got == nil || got.Ref != "d" {
		t.Errorf("got %+v, want d", got)
	}
	if got := NewIndex(&Result{Records: append(records[:2:2], records[5])}).Newer(c); got == nil || got.Ref != "end only" {
		t.Errorf("got %+v, want the one that says only when it ends", got)
	}
}

// BenchmarkFind looks for a certificate that the inventory does not know, and
// for its successor, among 50,000 for the same name that were issued one a
// minute, as in a mesh.
func BenchmarkFind(b *testing.B) {
	c := certificate(b, "shop-new")
	r := &Result{}
	for i := range 50_000 {
		rec := recordOf(c)
		rec.SHA256 = discover.FingerprintOf([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		rec.SPKI, rec.SHA1, rec.Serial = rec.SHA256, "", rec.SHA256.String()[:32]
		at := time.Duration(i-25_000) * time.Minute
		rec.NotBefore, rec.NotAfter = c.NotBefore.Add(at), c.NotAfter.Add(at)
		r.Records = append(r.Records, rec)
	}
	x := NewIndex(r)
	for b.Loop() {
		x.Find(c)
		x.Newer(c)
	}
}

// BenchmarkNewIndex indexes 50,000 records.
func BenchmarkNewIndex(b *testing.B) {
	c := certificate(b, "shop-new")
	r := &Result{}
	for i := range 50_000 {
		rec := recordOf(c)
		rec.SHA256 = discover.FingerprintOf([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		rec.SPKI, rec.SHA1, rec.Serial = rec.SHA256, rec.SHA256.String()[:40], rec.SHA256.String()[:32]
		rec.Names = []string{rec.Serial + ".shop.example", rec.Serial + ".shop.internal"}
		r.Records = append(r.Records, rec)
	}
	for b.Loop() {
		NewIndex(r)
	}
}

// BenchmarkRead reads 20,000 certificates in PEM.
func BenchmarkRead(b *testing.B) {
	pem := readString(b, "testdata/certs/shop-new.pem")
	path := write(b, strings.Repeat(pem, 20_000))
	b.SetBytes(int64(len(pem)) * 20_000)
	for b.Loop() {
		if _, err := Read([]Spec{{Kind: "pem", Path: path}}); err != nil {
			b.Fatal(err)
		}
	}
}
