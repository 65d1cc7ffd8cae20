package trust

import (
	"bufio"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
)

func td(name string) string { return filepath.Join("testdata", name) }

// madePrints are the fingerprints that openssl and sha256sum gave.
func madePrints(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open(td("fingerprints.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	prints := map[string]string{}
	for in := bufio.NewScanner(f); in.Scan(); {
		name, fp, _ := strings.Cut(in.Text(), " ")
		prints[fp] = name
	}
	return prints
}

// names are the certificates of a store by the names that testdata gives them.
func (s *Store) names(t *testing.T) string {
	made := madePrints(t)
	var list []string
	for fp := range s.byPrint {
		list = append(list, made[fp.String()])
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func TestLoad(t *testing.T) {
	tests := []struct {
		name     string
		spec     Spec
		kind     string
		want     string
		warnings int
	}{
		{"pem", Spec{PEM: []string{td("one.pem")}}, "pem", "one", 0},
		{"pem, several in a file", Spec{PEM: []string{td("both.pem")}}, "pem", "one two", 0},
		{"pem, several files, one twice", Spec{PEM: []string{td("one.pem"), td("both.pem")}}, "pem", "one two", 0},
		{"pem with text", Spec{PEM: []string{td("text.pem")}}, "pem", "one", 0},
		{"der", Spec{PEM: []string{td("one.der")}}, "pem", "one", 0},
		{"directory", Spec{PEM: []string{td("dir")}}, "pem", "one two", 0},
		{"jks", Spec{JKS: td("stores.jks"), Password: "secret1"}, "jks", "one two", 0},
		{"jks without password", Spec{JKS: td("stores.jks")}, "jks", "one two", 0},
		{"jceks", Spec{JKS: td("stores.jceks"), Password: "secret1"}, "jks", "one two", 0},
		{"jks that is pkcs12", Spec{JKS: td("stores.p12"), Password: "secret1"}, "pkcs12", "one two", 0},
		{"jks with a key in it", Spec{JKS: td("key.jks"), Password: "secret1"}, "jks", "one", 1},
		{"pkcs12", Spec{PKCS12: td("stores.p12"), Password: "secret1"}, "pkcs12", "one two", 0},
		{"pkcs12 that is jks", Spec{PKCS12: td("stores.jks")}, "jks", "one two", 0},
		{"pkcs12, Java's password", Spec{PKCS12: td("changeit.p12")}, "pkcs12", "one", 0},
		{"pkcs12, no password", Spec{PKCS12: td("open.p12")}, "pkcs12", "one", 0},
		{"pkcs12, no password, one given", Spec{PKCS12: td("open.p12"), Password: "changeit"}, "pkcs12", "one", 0},
		{"spiffe", Spec{SPIFFE: td("spiffe.json"), TrustDomain: "example.org"}, "spiffe", "one", 0},
		{"spiffe by domain", Spec{SPIFFE: td("domains.json"), TrustDomain: "spiffe://Example.org/"}, "spiffe", "one", 0},
		{"kubernetes", Spec{Kubernetes: td("configmap.yml")}, "kubernetes", "one two", 0},
		{"kubernetes, several documents", Spec{Kubernetes: td("documents.yml")}, "kubernetes", "one", 0},
		{"kubernetes list as JSON", Spec{Kubernetes: td("list.json")}, "kubernetes", "two", 0},
		{"kubernetes secret", Spec{Kubernetes: td("secret.yml")}, "kubernetes", "one", 0},
		{"two kinds", Spec{PEM: []string{td("one.pem")}, Kubernetes: td("list.json")}, "pem+kubernetes", "one two", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.spec.Name = "x"
			s, err := Load(tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			if s.Kind != tt.kind || s.names(t) != tt.want || len(s.Warnings) != tt.warnings {
				t.Errorf("got %s of kind %s and warnings %q, want %s of kind %s and %d", s.names(t), s.Kind, s.Warnings, tt.want, tt.kind, tt.warnings)
			}
			if s.Certificates != len(strings.Fields(tt.want)) || s.Date.IsZero() || s.Path == "" {
				t.Errorf("got %d certificates, date %v, path %q", s.Certificates, s.Date, s.Path)
			}
		})
	}
}

func TestHashIsOfTheCertificates(t *testing.T) {
	a, errA := Load(Spec{PEM: []string{td("both.pem")}})
	b, errB := Load(Spec{JKS: td("stores.jks")})
	c, errC := Load(Spec{PEM: []string{td("one.pem")}})
	if errA != nil || errB != nil || errC != nil {
		t.Fatal(errA, errB, errC)
	}
	if a.Hash != b.Hash || a.Hash == c.Hash || len(a.Hash) != 64 {
		t.Errorf("got %s and %s for the same certificates, %s for others", a.Hash, b.Hash, c.Hash)
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	jks, err := os.ReadFile(td("stores.jks"))
	if err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		spec Spec
		want string // each part of it, in this order
	}{
		{"nothing", Spec{}, "names no certificates…want builtin"},
		{"unknown builtin", Spec{Builtin: "chrome"}, `no built-in store "chrome"…want mozilla or system`},
		{"no file", Spec{PEM: []string{dir + "/none.pem"}}, "none.pem…no such file"},
		{"empty file", Spec{PEM: []string{file("e", "")}}, "is empty"},
		{"no certificate", Spec{PEM: []string{file("t", "hello\n")}}, "no certificate in it…-----BEGIN CERTIFICATE-----"},
		{"private key", Spec{PEM: []string{file("k", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")}}, "a private key"},
		{"damaged", Spec{PEM: []string{file("d", "-----BEGIN CERTIFICATE-----\n!!\n")}}, "damaged"},
		{"garbage in PEM", Spec{PEM: []string{file("g", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}}, "gave no certificate…cannot be read"},
		{"OpenSSL's trusted certificate", Spec{PEM: []string{td("trusted.pem")}}, "TRUSTED CERTIFICATE…openssl x509 -in FILE"},
		{"a keystore as pem", Spec{PEM: []string{td("stores.jks")}}, "Java keystore: give it as jks"},
		{"pkcs12 as pem", Spec{PEM: []string{td("stores.p12")}}, "give it as pkcs12"},
		{"empty directory", Spec{PEM: []string{empty}}, "no file in this directory"},
		{"directory as keystore", Spec{JKS: empty}, "is a directory"},
		{"pem as jks", Spec{JKS: td("one.pem")}, "give it as pem"},
		{"text as jks", Spec{JKS: file("j", "hello, this is text")}, "neither a Java keystore nor PKCS#12…keytool -list"},
		{"jks, wrong password", Spec{JKS: td("stores.jks"), Password: "wrong"}, "password does not fit"},
		{"jks, cut", Spec{JKS: file("c", string(jks[:700]))}, "breaks off"},
		{"pkcs12, wrong password", Spec{PKCS12: td("stores.p12"), Password: "wrong"}, "password does not open it"},
		{"pkcs12, password not given", Spec{PKCS12: td("stores.p12")}, "give it as password"},
		{"pkcs12 that Java does not trust", Spec{PKCS12: td("untrusted.p12"), Password: "secret1"}, "not marked as trusted…keytool -importcert"},
		{"pkcs12 with a key", Spec{PKCS12: td("key.p12"), Password: "secret1"}, "private key"},
		{"spiffe without domain", Spec{SPIFFE: td("spiffe.json")}, "give trust_domain"},
		{"spiffe, no domain", Spec{SPIFFE: td("spiffe.json"), TrustDomain: "a/b"}, "is no trust domain"},
		{"spiffe, other domain", Spec{SPIFFE: td("domains.json"), TrustDomain: "other.org"}, `no trust domain "other.org"`},
		{"spiffe that is pem", Spec{SPIFFE: td("one.pem"), TrustDomain: "a"}, "give it as pem"},
		{"spiffe without X.509", Spec{SPIFFE: file("s", `{"keys":[{"use":"jwt-svid"}]}`), TrustDomain: "a"}, "x509-svid…spire-server bundle show"},
		{"spiffe with two in x5c", Spec{SPIFFE: file("s2", `{"keys":[{"use":"x509-svid","x5c":["",""]}]}`), TrustDomain: "a"}, "key 1 has 2 certificates"},
		{"kubernetes without ConfigMap", Spec{Kubernetes: file("y", "kind: Pod\nmetadata: {name: p}\n")}, "no ConfigMap…Pod p…kubectl get configmap"},
		{"kubernetes, no certificate", Spec{Kubernetes: file("y2", "kind: ConfigMap\nmetadata: {name: p}\ndata: {ca.crt: no}\n")}, "ConfigMap p ca.crt: no certificate"},
		{"kubernetes, no YAML", Spec{Kubernetes: file("y3", "kind: [\n")}, "read as YAML…line"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.spec.Name, tt.spec.Ref = "internal", "blindspot.yml:7"
			_, err := Load(tt.spec)
			if err == nil {
				t.Fatal("got no error")
			}
			rest := err.Error()
			for _, part := range append([]string{`blindspot.yml:7: trust store "internal": `}, strings.Split(tt.want, "…")...) {
				_, after, ok := strings.Cut(rest, part)
				if !ok {
					t.Fatalf("got %q, want %q in it", err, part)
				}
				rest = after
			}
			if pw := tt.spec.Password; pw != "" && strings.Contains(err.Error(), pw) && pw != "wrong" {
				t.Errorf("%q tells the password", err)
			}
		})
	}
}

func TestMozilla(t *testing.T) {
	s, err := Load(Spec{Name: "public", Builtin: "mozilla"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Certificates < 100 || len(s.Warnings) > 0 {
		t.Errorf("got %d certificates, warnings %q", s.Certificates, s.Warnings)
	}
	// ISRG Root X1, from letsencrypt.org/certificates.
	const isrg = "96bcec06264976f37460779acf28c5a7cfe8a3c0aae11a8ffcee05c0bddf08c6"
	if fp, _ := discover.ParseFingerprint(isrg); s.byPrint[fp] == nil {
		t.Error("ISRG Root X1 is not in it")
	}
	limited := 0
	for _, n := range s.byPrint {
		if n.limit != nil {
			limited++
			late := &x509.Certificate{NotBefore: time.Now().AddDate(100, 0, 0)}
			if n.limit([]*x509.Certificate{late}) == nil {
				t.Errorf("%s takes certificates of any date", n.name())
			}
		}
	}
	t.Logf("%d certificates of %v, %d with a distrust-after date", s.Certificates, s.Date, limited)
}

func TestVersionDate(t *testing.T) {
	tests := []struct {
		version string
		want    time.Time
	}{
		{"v0.0.0-20261030153154-30a33513ff6d", time.Date(2026, 10, 30, 15, 31, 54, 0, time.UTC)},
		{"v0.1.1-0.20261030153154-30a33513ff6d", time.Date(2026, 10, 30, 15, 31, 54, 0, time.UTC)},
		{"v1.2.3", time.Time{}},
		{"(devel)", time.Time{}},
		{"", time.Time{}},
	}
	for _, tt := range tests {
		if got := versionDate(tt.version); !got.Equal(tt.want) {
			t.Errorf("%q: got %v, want %v", tt.version, got, tt.want)
		}
	}
}

// TestSystem holds our reading of the system's store against crypto/x509's.
func TestSystem(t *testing.T) {
	pool, err := x509.SystemCertPool()
	if err != nil || pool.Equal(x509.NewCertPool()) {
		t.Skip("this system has no certificates: install ca-certificates")
	}
	s, err := Load(Spec{Name: "system", Builtin: "system"})
	if err != nil {
		t.Fatal(err)
	}
	ours := x509.NewCertPool()
	for _, n := range s.byPrint {
		ours.AddCert(n.parsed())
	}
	if !ours.Equal(pool) {
		t.Error("the certificates differ from crypto/x509's")
	}
}

func TestSystemFromEnvironment(t *testing.T) {
	t.Setenv("SSL_CERT_FILE", td("one.pem"))
	t.Setenv("SSL_CERT_DIR", t.TempDir())
	s, err := Load(Spec{Builtin: "system"})
	if err != nil || s.names(t) != "one" {
		t.Fatalf("got %v, %v", s, err)
	}
	t.Setenv("SSL_CERT_FILE", filepath.Join(t.TempDir(), "none"))
	if _, err := Load(Spec{Builtin: "system"}); err == nil || !strings.Contains(err.Error(), "install") {
		t.Errorf("got %v, want what to install", err)
	}
}

// TestJavaCacerts reads what the machine's Java trusts.
func TestJavaCacerts(t *testing.T) {
	paths, _ := filepath.Glob("/usr/lib/jvm/*/lib/security/cacerts")
	if len(paths) == 0 {
		t.Skip("no Java here: install openjdk-17-jre-headless")
	}
	for _, path := range paths {
		s, err := Load(Spec{Name: "java", JKS: path, Password: "changeit"})
		if err != nil {
			t.Error(err)
		} else if s.Certificates < 50 {
			t.Errorf("%s: got %d certificates", path, s.Certificates)
		}
	}
}

func TestRegistered(t *testing.T) {
	var kinds []string
	for _, s := range sources {
		kinds = append(kinds, s.kind)
	}
	want := "builtin mozilla system pem jks pkcs12 spiffe kubernetes"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestReadJKSPrefixes(t *testing.T) {
	data, err := os.ReadFile(td("key.jks"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		if entries, err := readJKS(data[:i], ""); err == nil {
			t.Fatalf("prefix of %d bytes: got %d entries", i, len(entries))
		}
	}
}

func FuzzReadJKS(f *testing.F) {
	for _, name := range []string{"stores.jks", "stores.jceks", "key.jks"} {
		data, err := os.ReadFile(td(name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := readJKS(data, "")
		if err != nil {
			return
		}
		for _, e := range entries {
			if len(e.der) > len(data) {
				t.Errorf("entry of %d bytes in a store of %d", len(e.der), len(data))
			}
		}
	})
}

func FuzzReadSPIFFE(f *testing.F) {
	for _, name := range []string{"spiffe.json", "domains.json"} {
		data, err := os.ReadFile(td(name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if ders, err := readSPIFFE(data, "example.org"); err == nil && len(ders) == 0 {
			t.Error("got neither a certificate nor an error")
		}
	})
}

func FuzzReadKubernetes(f *testing.F) {
	for _, seed := range []string{ // short: long ones are minimised for minutes
		"kind: ConfigMap\ndata: {ca.crt: a}\n",
		"kind: Pod\n---\nkind: Secret\ndata: {ca.crt: YQ==}\n",
		`{"kind":"List","items":[{"kind":"ConfigMap","data":{"x":"-----BEGIN CERTIFICATE-----"}}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if texts, err := readKubernetes(data); err == nil && len(texts) == 0 {
			t.Error("got neither a text nor an error")
		}
	})
}
