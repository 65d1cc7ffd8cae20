package inventory

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestKinds(t *testing.T) {
	want := []string{"acm", "certbot", "crtsh", "csv", "kubernetes", "pem", "step", "vault"}
	if got := Kinds(); !slices.Equal(got, want) {
		t.Errorf("got kinds %v, want %v", got, want)
	}
}

func TestParseSpec(t *testing.T) {
	tests := []struct {
		in   string
		want Spec
		err  string // part of the error
	}{
		{in: "pem:/etc/ssl/issued", want: Spec{Kind: "pem", Path: "/etc/ssl/issued"}},
		{in: "/etc/letsencrypt", want: Spec{Path: "/etc/letsencrypt"}},
		{in: "./a:b", want: Spec{Path: "./a:b"}},
		{in: "pem:a,b=c", want: Spec{Kind: "pem", Path: "a,b=c"}},
		{in: "csv:x,1.csv,serial=Serial Number,notafter=Valid To", want: Spec{Kind: "csv", Path: "x,1.csv",
			Options: map[string]string{"serial": "Serial Number", "notafter": "Valid To"}}},
		{in: "csv:x.csv,dates=dmy", want: Spec{Kind: "csv", Path: "x.csv", Options: map[string]string{"dates": "dmy"}}},
		{in: "", err: "empty inventory source"},
		{in: "csv:", err: "names no path"},
		{in: "venafi:x", err: `unknown kind "venafi" of inventory source: the kinds are acm, certbot, crtsh`},
		{in: "https://me:secret@vault/v1", err: "inventory source https://…@vault/v1 is a URL: save its answer"},
	}
	for _, test := range tests {
		t.Run(test.in, func(t *testing.T) {
			got, err := ParseSpec(test.in)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("got error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, test.want)
			}
		})
	}
}

func TestDetect(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"PEM behind text", "Bag Attributes\n-----BEGIN CERTIFICATE-----\n", "pem"},
		{"secret with PEM", "apiVersion: v1\nkind: Secret\nstringData:\n  tls.crt: |\n    -----BEGIN CERTIFICATE-----\n", "kubernetes"},
		{"list of secrets", `{"apiVersion": "v1", "kind": "List", "items": []}`, "kubernetes"},
		{"Vault's answer", `{"data": {"certificate": "-----BEGIN CERTIFICATE-----\n"}}`, "vault"},
		{"Vault's list", `["17:67:16:b0:b9:45:58:c0:3a:29:e3:cb:d6:98:33:7a:a6:3b:66:c1"]`, "vault"},
		{"ACM's PEM", `{"Certificate": "-----BEGIN CERTIFICATE-----", "CertificateChain": ""}`, "acm"},
		{"a table", "Owner;Serial;Valid To\n", "csv"},
		{"a table behind a title", "Certificates 2026\n\nCN,Thumbprint,Expires\n", "csv"},
		{"a table of something else", "name,port\nshop.example,443\n", ""},
		{"prose", "These are our certificates.\n", ""},
		{"other JSON", `{"a": "b"}`, ""},
		{"empty", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, ok := detectText(test.text)
			if f.kind != test.want || ok != (test.want != "") {
				t.Errorf("got %q, %v, want %q", f.kind, ok, test.want)
			}
		})
	}
}

// TestErrors writes broken sources and wants the position and what to do.
func TestErrors(t *testing.T) {
	const key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
	tests := []struct {
		name, kind, text string
		want             string // behind the path
	}{
		{"binary", "", "\x7fELF\x00\x01", ":1:5: a NUL byte: this is no text file"},
		{"UTF-16", "csv", "\xff\xfes\x00", ":1:1: is UTF-16: save it as UTF-8"},
		{"Latin-1", "csv", "CN,Serial\nb\xfccher.example,01\n", ":2:2: no UTF-8: save the file as UTF-8"},
		{"no format", "", "some prose here\n", ": cannot tell its format by its content: give kind:"},
		{"key in place of a certificate", "pem", key, ": holds a private key and no certificate: give the certificate's file"},
		{"no certificate", "pem", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", ": holds no certificate: give the certificate's file"},
		{"no PEM", "pem", "hello\n", ": holds no certificate in PEM or DER: export it as PEM"},
		{"file for a directory", "certbot", "x", ": is no directory: certbot reads the one that holds live/ and archive/"},
		{"empty CSV", "csv", "", ":1:1: the file is empty: a csv begins with the names of its columns"},
		{"CSV header", "csv", "name;port\nshop.example;443\n", `:1:1: no column of the header "name;port" is known to identify a certificate: name the columns, as in csv:path,serial=Serial Number`},
		{"CSV without identity", "csv", "\nOwner,Valid To\nme,2026-01-01\n", `:2:1: no column of the header "Owner,Valid To" is known to identify`},
		{"CSV quote", "csv", "CN,Serial\nshop.example,\"4\"43\n", ":2:16: extraneous or missing \" in quoted-field: quote the whole field"},
		{"CSV quote behind a title", "csv", "Title\n\nCN,Serial\nsh\"op.example,443\n", ":4:3: bare \" in non-quoted-field"},
		{"JSON", "crtsh", "[\n {\"id\": 1,}\n]\n", ":2:11: invalid character '}'"},
		{"JSON cut", "acm", "{\n \"CertificateSummaryList\": [", ":2:29: the JSON ends too early: is the file complete?"},
		{"JSON cut between values", "vault", "{\"data\": {}}\n{\"data\"", ":2:8: the JSON ends too early"},
		{"JSON empty", "step", " \n", ":1:1: the file is empty"},
		{"JSON deep", "vault", strings.Repeat("[", 100), ": nested deeper than 64"},
		{"YAML syntax", "kubernetes", "apiVersion: v1\nkind: Secret\n\tdata: {}\n", ":3: found a tab character that violates indentation: correct the YAML there"},
		{"YAML of something else", "kubernetes", "a: b\n", ":1:1: no Kubernetes object: every document needs apiVersion and kind"},
		{"YAML alias of itself", "kubernetes", "apiVersion: v1\nkind: A\na: &a [*a]\n", ":1:1: nested deeper than 64"},
		{"YAML aliases", "kubernetes", "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" +
			"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n", ":1:1: the document has more than 5000000 values"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, test.text)
			_, err := Read([]Spec{{Kind: test.kind, Path: path}})
			if err == nil {
				t.Fatal("got no error")
			}
			got := err.Error()
			if test.name == "JSON deep" { // at the 65th bracket
				got = strings.Replace(got, ":1:65", "", 1)
				got = strings.Replace(got, ":1:66", "", 1)
			}
			if want := path + test.want; !strings.HasPrefix(got, want) {
				t.Errorf("got error\n\t%v, want\n\t%s", err, want)
			}
		})
	}
}

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "source")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestErrorsOfSources are errors in the sources themselves.
func TestErrorsOfSources(t *testing.T) {
	options := func(k, v string) map[string]string { return map[string]string{k: v} }
	tests := []struct {
		name string
		spec Spec
		want string
	}{
		{"missing file", Spec{Kind: "pem", Path: "testdata/none"}, "inventory source: open testdata/none: no such file"},
		{"missing, bare", Spec{Path: "testdata/none"}, "inventory source: open testdata/none: no such file"},
		{"unknown kind", Spec{Kind: "adcs", Path: "x"}, `unknown kind "adcs" of inventory source: the kinds are acm,`},
		{"no options", Spec{Kind: "pem", Path: "testdata/bundle.pem", Options: options("serial", "x")}, `inventory source pem: unknown option "serial": it has none`},
		{"unknown option", Spec{Kind: "csv", Path: "testdata/venafi.csv", Options: options("color", "x")}, `inventory source csv: unknown option "color": it has dates, serials, sha256`},
		{"dates", Spec{Kind: "csv", Path: "testdata/venafi.csv", Options: options("dates", "ymd")}, "inventory source csv: dates=ymd: say dmy or mdy"},
		{"serials", Spec{Kind: "csv", Path: "testdata/venafi.csv", Options: options("serials", "8")}, "inventory source csv: serials=8: say dec or hex"},
		{"no such column", Spec{Kind: "csv", Path: "testdata/venafi.csv", Options: options("owner", "Boss")}, `testdata/venafi.csv:1:1: no column "Boss" for owner in the header "Certificate Name,Common Name`},
		{"directory", Spec{Kind: "vault", Path: "testdata"}, "testdata: is a directory: vault reads a file"},
		{"no certbot", Spec{Kind: "certbot", Path: "testdata/certs"}, "testdata/certs: holds no certificates in live/ or archive/"},
		{"URL", Spec{Kind: "vault", Path: "http://user:secret@vault:8200"}, "inventory source http://…@vault:8200 is a URL: save its answer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Read([]Spec{test.spec})
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}

// TestWarnings are entries that a source is not refused for.
func TestWarnings(t *testing.T) {
	pem := readString(t, "testdata/certs/shop-old.pem")
	tests := []struct {
		name, kind, text string
		records          int
		want             string // ":line: text"
	}{
		{"broken block", "pem", "-----BEGIN CERTIFICATE-----\nA!A\n-----END CERTIFICATE-----\n" + pem, 1, ":1: the certificate is broken: illegal base64 data"},
		{"garbage in a block", "pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 1, ":1: the certificate cannot be read"},
		{"PKCS#7", "pem", "-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n" + pem, 1, ":1: certificates packed as PKCS#7"},
		{"block in a block", "pem", "-----BEGIN CERTIFICATE-----\nAAAA\n" + pem, 1, ":1: the certificate has no line -----END CERTIFICATE-----"},
		{"bad hash", "csv", "CN,Thumbprint\na.example,abc\n", 1, `:2: fingerprint "abc" is neither SHA-256 nor SHA-1 in hex`},
		{"bad name", "csv", "CN,Serial\na..example,a1\n", 1, `:2: "a..example" is neither a hostname nor an address`},
		{"serials", "csv", "CN,Serial\na.example,1001\n", 1, ": the serial numbers do not tell decimal and hexadecimal apart"},
		{"bad base64", "kubernetes", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {tls.crt: '%'}\n", 0, `:1: secret "default/a": tls.crt is no base64`},
		{"redacted", "kubernetes", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {tls.crt: UkVEQUNURUQ=}\n", 0, ":1: no certificate in PEM: was it left out of the export?"},
		{"issuers", "vault", "{\"data\": {\"keys\": [\n\"7b493f17-6c98-2b74-1f9d-f3fa0d0e6e3c\"]}}", 0, `:2: "7b493f17-6c98-2b74-1f9d-f3fa0d0e6e3c" is the id of an issuer`},
		{"other JSON", "vault", `{"errors": ["permission denied"]}`, 0, ":1: no certificate and no list of them"},
		{"other JSON", "step", `{"a": 1}`, 0, ":1: no fingerprint_sha256: give the JSON of step certificate inspect"},
		{"other JSON", "acm", `{"a": 1}`, 0, ":1: no certificate of ACM"},
		{"other JSON", "crtsh", `[{"id": 1}]`, 0, ":1: an entry without serial_number and issuer_name"},
		{"nothing", "crtsh", `[]`, 0, ": no certificate found: this source says nothing"},
	}
	for _, test := range tests {
		t.Run(test.kind+" "+test.name, func(t *testing.T) {
			path := write(t, test.text)
			r, err := Read([]Spec{{Kind: test.kind, Path: path}})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Records) != test.records {
				t.Errorf("got %d records, want %d", len(r.Records), test.records)
			}
			for _, w := range r.Warnings {
				if strings.HasPrefix(w.Ref+": "+w.Text, path+test.want) {
					return
				}
			}
			t.Errorf("got warnings %v, want %s", r.Warnings, test.want)
		})
	}
}

func readString(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWarningsAreBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString("CN,Serial\n")
	for i := range 3 * maxWarnings {
		fmt.Fprintf(&text, "a..%d,\n", i)
	}
	r, err := Read([]Spec{{Kind: "csv", Path: write(t, text.String())}})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(r.Warnings); got != maxWarnings+1 {
		t.Errorf("got %d warnings, want %d", got, maxWarnings+1)
	}
	if last := r.Warnings[maxWarnings].Text; last != "2000 more entries could not be understood" {
		t.Errorf("got %q at the end", last)
	}
}

// TestEveryPrefix reads every beginning of each fixture that is a file.
func TestEveryPrefix(t *testing.T) {
	for _, source := range sources {
		if info, err := os.Stat(source.spec.Path); err != nil || info.IsDir() {
			continue
		}
		text := readString(t, source.spec.Path)
		step := max(1, len(text)/400)
		for n := 0; n < len(text); n += step {
			readFuzzed(t, source.spec, []byte(text[:n]))
		}
	}
}

// TestForgetKeys blanks nothing but keys.
func TestForgetKeys(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"PEM", "a\n-----BEGIN RSA PRIVATE KEY-----\nAB==\n-----END RSA PRIVATE KEY-----\nb", "a\n-----BEGIN RSA PRIVATE KEY-----\nxxxx\n-----END RSA PRIVATE KEY-----\nb"},
		{"cut", "-----BEGIN PRIVATE KEY-----\nAB==\n", "-----BEGIN PRIVATE KEY-----\nxxxx\n"},
		{"JSON, cut", `{"private_key":"-----BEGIN EC PRIVATE KEY-----\nAB","serial":"01"}`, `{"private_key":"-----BEGIN EC PRIVATE KEY-----xxxx","serial":"01"}`},
		{"certificate", "-----BEGIN CERTIFICATE-----\nAB==\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nAB==\n-----END CERTIFICATE-----\n"},
		{"base64 that is cut", "tls.key: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCkFCC\nkind: Secret", "tls.key: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nkind: Secret"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := []byte(test.in)
			forgetKeys(b)
			if string(b) != test.want {
				t.Errorf("got\n%s, want\n%s", b, test.want)
			}
		})
	}
}

// TestHostsAsNames reads the list that most people keep.
func TestHostsAsNames(t *testing.T) {
	r, err := Read([]Spec{{Path: write(t, "Host,Expires,Owner\nhttps://shop.example/,2026-06-04,Web\n[2001:db8::1]:8443,2026-06-04,\n")}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, rec := range r.Records {
		got = append(got, rec.Names...)
		got = append(got, rec.Targets...)
	}
	if want := []string{"shop.example", "shop.example:443", "2001:db8::1", "[2001:db8::1]:8443"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, how := NewIndex(r).Find(certificate(t, "shop-new")); how != ByNamesValidity {
		t.Errorf("found by %q, want %q", how, ByNamesValidity)
	}
}

// TestIntermediatesOnce wants a CA's certificate once, from however many
// sources.
func TestIntermediatesOnce(t *testing.T) {
	r, err := Read([]Spec{{Path: "testdata/bundle.pem"}, {Path: "testdata/certbot"}, {Path: "testdata/kubernetes.yaml"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Intermediates) != 1 || len(r.Sources) != 3 {
		t.Errorf("got %d CA certificates of %d sources, want 1 of 3", len(r.Intermediates), len(r.Sources))
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}
