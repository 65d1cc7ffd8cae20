package monitored

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const apiData = "testdata/prometheus-api/"

// apiFiles are the answers of Prometheus 2.42 by the path that gives them.
var apiFiles = map[string]string{
	"/api/v1/targets":       "targets.json",
	"/api/v1/query":         "chain.json",
	"/api/v1/status/config": "config.json",
}

// newPrometheus serves the saved answers as Prometheus does; wrap may answer
// in its place.
func newPrometheus(t *testing.T, wrap func(w http.ResponseWriter, r *http.Request) bool) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wrap != nil && wrap(w, r) {
			return
		}
		file, ok := apiFiles[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		http.ServeFile(w, r, apiData+file)
	}))
	t.Cleanup(server.Close)
	return server
}

// TestOnlineReadsWhatItsFilesSay reads a server and the configuration that it
// runs: both must end in the same checks.
func TestOnlineReadsWhatItsFilesSay(t *testing.T) {
	server := newPrometheus(t, nil)
	online, err := Read([]Spec{{Kind: "prometheus", Path: server.URL, Options: map[string]string{"blackbox": apiData + "blackbox.yml"}}})
	if err != nil {
		t.Fatal(err)
	}
	files, err := Read([]Spec{{Kind: "prometheus", Path: apiData + "prometheus.yml"}})
	if err != nil {
		t.Fatal(err)
	}
	got, want := summaries(t, online.Checks), summaries(t, files.Checks)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(online.Warnings) != 0 {
		t.Errorf("got warnings %v, want none", online.Warnings)
	}
	if got := online.Sources[0]; got.Kind != "prometheus-api" || got.Path != server.URL {
		t.Errorf("got source %+v", got)
	}
}

// summaries leaves out what a source cannot know of the other.
func summaries(t *testing.T, checks []Check) []string {
	t.Helper()
	var list []string
	for _, c := range checks {
		c.Source, c.Ref, c.SeenFingerprint, c.Warnings = "", "", "", nil
		c.TrustStore = filepath.Base(c.TrustStore)
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(text))
	}
	slices.Sort(list)
	return list
}

// TestSeenFingerprints holds the leaf of each check against what the servers
// presented when the fixtures were made (openssl x509 -fingerprint -sha256).
func TestSeenFingerprints(t *testing.T) {
	const shop = "b3689ab196fc5c253904d67c0ad122a026ab7872fc94e41fb36f8aeb185c32ed"
	const other = "7fdd45ea6e788f9859b06f9e49080fe433807e9a925d05f2716811ce78951abc"
	want := map[string]string{
		"web/https://shop.example/":            shop,
		"web/https://127.0.0.1/":               shop,
		"web/https://api.shop.example:8443/":   "", // verification failed: nothing is reported
		"web/https://old.shop.example:9444/":   "", // redirected to other.example
		"web/https://gone.shop.example/":       "",
		"web/http://shop.example/":             "",
		"web/shop.example":                     "",
		"twice/https://www.shop.example/":      shop,
		"twice/https://api.shop.example:8443/": other,
		"vhosts/www.shop.example":              shop,
		"mail/mail.shop.example:993":           shop,
		"remote/https://shop.example/remote":   "",
		"node/127.0.0.1:9443":                  "",
		"legacy/legacy.shop.example:9443":      "",
		"gone/gone.shop.example:9443":          "",
	}
	r, err := Read([]Spec{apiSpec})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range r.Checks {
		got[c.Labels["job"]+"/"+c.Labels["instance"]] = c.SeenFingerprint
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if seen, ok := got[name]; !ok || seen != want[name] {
			t.Errorf("%s: got %q, %v, want %q", name, seen, ok, want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d targets with a check, want %d", len(got), len(want))
	}
}

// apiSpec reads the answers from files.
var apiSpec = Spec{Kind: "prometheus-api", Path: apiData + "targets.json", Options: map[string]string{
	"blackbox": apiData + "blackbox.yml", "chain": apiData + "chain.json", "config": apiData + "prometheus.yml",
}}

func TestOnlineCredentials(t *testing.T) {
	token := write(t, "s3cret-token\n")
	tests := []struct {
		name, user string
		options    map[string]string
		want       string // Authorization that the server wants
	}{
		{"none", "", nil, ""},
		{"basic", "monitor:s3cret@", nil, "Basic bW9uaXRvcjpzM2NyZXQ="},
		{"bearer", "", map[string]string{"bearer": token}, "Bearer s3cret-token"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newPrometheus(t, func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Authorization") == test.want {
					return false
				}
				w.WriteHeader(http.StatusUnauthorized)
				return true
			})
			path := strings.Replace(server.URL, "http://", "http://"+test.user, 1)
			r, err := Read([]Spec{{Kind: "prometheus-api", Path: path, Options: test.options}})
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "s3cret") {
				t.Errorf("the result holds the credentials: %s", text)
			}
		})
	}
}

// TestOnlineErrors wants the URL without credentials, and what to do.
func TestOnlineErrors(t *testing.T) {
	elsewhere := newPrometheus(t, nil)
	say := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}
	}
	targets, err := os.ReadFile(apiData + "targets.json")
	if err != nil {
		t.Fatal(err)
	}
	queryError, err := os.ReadFile(apiData + "error.json")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"login page", say(200, "<html>"), "ask URL: the answer is no JSON: is it behind a login"},
		{"unauthorized", say(401, ""), "ask URL: 401 Unauthorized: give user:password@ in the URL, or bearer=FILE"},
		{"not found", say(404, "404 page not found"), "ask URL: 404 Not Found: no Prometheus API there: give the URL before /api/v1"},
		{"server error", say(503, "starting"), "ask URL: 503 Service Unavailable"},
		{"API error", say(400, string(queryError)), `URL: the server answers: invalid parameter "query"`},
		{"cut JSON", say(200, string(targets[:1000])), "URL:1:1001: the JSON ends too early"},
		{"other JSON", say(200, "{}"), "URL: this is no answer of Prometheus's API"},
		{"binary", say(200, "{\x00"), "URL:1:2: a NUL byte"},
		{"redirect away", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)+r.URL.String(), http.StatusFound)
		}, `ask URL: redirected to another host, "localhost:`},
		{"redirect loop", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.String(), http.StatusFound)
		}, "ask URL: redirected more than 5 times"},
		{"cut body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		}, "ask URL: unexpected EOF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(test.handler)
			defer server.Close()
			path := strings.Replace(server.URL, "http://", "http://user:s3cret@", 1)
			_, err := Read([]Spec{{Kind: "prometheus", Path: path}})
			want := strings.Replace(test.want, "URL", server.URL+pathTargets, 1)
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got error\n\t%v, want\n\t%s", err, want)
			}
		})
	}
}

func TestOnlineFollowsRedirectsOfTheServer(t *testing.T) {
	server := newPrometheus(t, func(w http.ResponseWriter, r *http.Request) bool {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/prometheus"); ok {
			http.Redirect(w, r, rest+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
			return true
		}
		return false
	})
	r, err := Read([]Spec{{Kind: "prometheus", Path: server.URL + "/prometheus/api/v1/targets"}})
	if err != nil || len(r.Checks) == 0 {
		t.Errorf("got %v, %v, want checks", r, err)
	}
}

// TestOnlineWithoutTheRest reads a server that tells its targets only.
func TestOnlineWithoutTheRest(t *testing.T) {
	server := newPrometheus(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v1/targets" {
			http.NotFound(w, r)
			return true
		}
		return false
	})
	r, err := Read([]Spec{{Kind: "prometheus-api", Path: server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, w := range r.Warnings {
		said = append(said, w.Text)
	}
	text := strings.Join(said, "\n")
	for _, want := range []string{"which certificates the exporter saw is not known: ask ", "how scrapes over https verify is not known: ask "} {
		if !strings.Contains(text, want) {
			t.Errorf("got warnings\n%s\nwant one with %q", text, want)
		}
	}
}

// TestOnlineOverTLS verifies the server with the roots of option ca only.
func TestOnlineOverTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.FileServer(http.Dir(apiData)))
	defer server.Close()
	_, err := Read([]Spec{{Kind: "prometheus", Path: server.URL}})
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, want the certificate refused", err)
	}
	ca := write(t, string(pemOf(server.Certificate().Raw)))
	_, err = Read([]Spec{{Kind: "prometheus", Path: server.URL, Options: map[string]string{"ca": ca}}})
	if err == nil || !strings.Contains(err.Error(), "404 Not Found") {
		t.Errorf("got %v, want the answer 404", err)
	}
}

func TestErrorsOfAPIOptions(t *testing.T) {
	tests := []struct {
		name, path, option, value, want string
	}{
		{"bearer missing", "http://127.0.0.1:1", "bearer", "testdata/none", "bearer token: open testdata/none: no such file"},
		{"bearer of two words", "http://127.0.0.1:1", "bearer", apiData + "blackbox.yml", "bearer token: " + apiData + "blackbox.yml holds no token"},
		{"ca without PEM", "http://127.0.0.1:1", "ca", apiData + "blackbox.yml", apiData + "blackbox.yml:1:1: no certificate in PEM"},
		{"no server", "http://127.0.0.1:1", "", "", "ask http://127.0.0.1:1/api/v1/targets?state=active: dial tcp 127.0.0.1:1: connect: connection refused"},
		{"scheme", "ftp://user:s3cret@127.0.0.1", "", "", `monitored source "ftp://…@127.0.0.1": no URL of a Prometheus server`},
		{"chain is no vector", apiData + "targets.json", "chain", apiData + "targets.json", apiData + "targets.json:1:1: the result is no vector"},
		{"chain is an error", apiData + "targets.json", "chain", apiData + "error.json", apiData + "error.json: the server answers: invalid parameter"},
		{"config is none", apiData + "targets.json", "config", apiData + "targets.json", apiData + "targets.json:1:1: no scrape_configs"},
		{"chain as targets", apiData + "chain.json", "", "", apiData + "chain.json:1:1: has no activeTargets"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			spec := Spec{Kind: "prometheus-api", Path: test.path}
			if test.option != "" {
				spec.Options = map[string]string{test.option: test.value}
			}
			_, err := Read([]Spec{spec})
			if test.want == "" {
				if err != nil {
					t.Errorf("got error %v, want none", err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}

func TestAnyCovers(t *testing.T) {
	tests := []struct {
		names []string
		host  string
		want  bool
	}{
		{[]string{"shop.example"}, "shop.example", true},
		{[]string{"a.example", " *.shop.example"}, "www.shop.example", true},
		{[]string{"*.shop.example"}, "shop.example", false},
		{[]string{"*.shop.example"}, "a.b.shop.example", false},
		{[]string{"SHOP.example."}, "shop.example", true},
		{[]string{"other.example"}, "shop.example", false},
		{[]string{"*.example"}, "example", false},
		{nil, "shop.example", true},
		{[]string{""}, "shop.example", true},
	}
	for _, test := range tests {
		if got := anyCovers(test.names, test.host); got != test.want {
			t.Errorf("%q, %s: got %v, want %v", test.names, test.host, got, test.want)
		}
	}
}

func FuzzPrometheusAPI(f *testing.F) {
	fuzzKind(f, "prometheus-api", apiData+"targets.json", apiData+"error.json", "testdata/prometheus/targets.answer.json")
}

// FuzzChains joins whatever series to a check.
func FuzzChains(f *testing.F) {
	for _, seed := range []string{"chain.json", "error.json"} {
		text, err := os.ReadFile(apiData + seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "web", "https://shop.example/")
	}
	f.Fuzz(func(t *testing.T, text, job, instance string) {
		index, err := parseChains("chain.json", text)
		if err != nil {
			return
		}
		c, err := urlCheck("prometheus-api", "ref", "https://shop.example/")
		if err != nil {
			t.Fatal(err)
		}
		index.join(&c, map[string]string{"job": job, "instance": instance})
		checkHolds(t, c)
	})
}
