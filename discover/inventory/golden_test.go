package inventory

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files; review the diff")

// golden compares v with testdata/golden/name.json. The files were reviewed
// against facts.tsv, which is what OpenSSL says of the certificates.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	got := buf.Bytes()
	path := filepath.Join("testdata", "golden", name+".json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			t.Fatalf("%s:%d: got %s, want %s", path, i+1, g[i], w[i])
		}
	}
	t.Fatalf("%s: got %d lines, want %d", path, len(g), len(w))
}

// shown is a Result with its CA certificates by subject.
type shown struct {
	*Result
	CAs []string `json:"intermediates"`
}

var sources = []struct {
	name string
	spec Spec
}{
	{"bundle", Spec{Kind: "pem", Path: "testdata/bundle.pem"}},
	{"pem", Spec{Kind: "pem", Path: "testdata/pem"}},
	{"certbot", Spec{Kind: "certbot", Path: "testdata/certbot"}},
	{"venafi", Spec{Kind: "csv", Path: "testdata/venafi.csv"}},
	{"keyfactor", Spec{Kind: "csv", Path: "testdata/keyfactor.csv"}},
	{"servicenow", Spec{Kind: "csv", Path: "testdata/servicenow.csv"}},
	{"people", Spec{Kind: "csv", Path: "testdata/people.csv", Options: map[string]string{"notafter": "Läuft ab", "serial": "Seriennummer"}}},
	{"kubernetes", Spec{Kind: "kubernetes", Path: "testdata/kubernetes.yaml"}},
	{"kubernetes-list", Spec{Kind: "kubernetes", Path: "testdata/kubernetes.json"}},
	{"vault-issue", Spec{Kind: "vault", Path: "testdata/vault-issue.json"}},
	{"vault-list", Spec{Kind: "vault", Path: "testdata/vault-list.json"}},
	{"vault-detailed", Spec{Kind: "vault", Path: "testdata/vault-detailed.json"}},
	{"step", Spec{Kind: "step", Path: "testdata/step.json"}},
	{"acm-list", Spec{Kind: "acm", Path: "testdata/acm-list.json"}},
	{"acm-describe", Spec{Kind: "acm", Path: "testdata/acm-describe.json"}},
	{"crtsh", Spec{Kind: "crtsh", Path: "testdata/crtsh.json"}},
}

func TestGolden(t *testing.T) {
	for _, test := range sources {
		t.Run(test.name, func(t *testing.T) {
			r, err := Read([]Spec{test.spec})
			if err != nil {
				t.Fatal(err)
			}
			show := shown{Result: r, CAs: []string{}}
			for _, c := range r.Intermediates {
				show.CAs = append(show.CAs, c.Subject)
			}
			golden(t, test.name, show)
			if len(test.spec.Options) > 0 {
				return
			}
			// The kind must be found without being named.
			told, err := Read([]Spec{{Path: test.spec.Path}})
			if err != nil {
				t.Fatal(err)
			}
			if got := told.Sources[0].Kind; got != test.spec.Kind {
				t.Errorf("told by content: got kind %q, want %q", got, test.spec.Kind)
			}
		})
	}
}
