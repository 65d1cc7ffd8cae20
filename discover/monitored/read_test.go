package monitored

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestKinds(t *testing.T) {
	want := []string{"csv", "file_sd", "gatus", "hosts", "icinga", "kubernetes", "nagios", "prometheus", "prometheus-api", "uptime-kuma", "urls"}
	if got := Kinds(); !slices.Equal(got, want) {
		t.Errorf("got kinds %v, want %v", got, want)
	}
}

func TestGradesAreOrdered(t *testing.T) {
	grades := []Grade{0, GradeReachability, GradeDefaultCertificate, GradeName, GradeExact}
	words := []string{"", "reachability", "default-certificate", "name", "exact"}
	for i, g := range grades {
		if g.String() != words[i] {
			t.Errorf("got %q, want %q", g.String(), words[i])
		}
		if i > 0 && g <= grades[i-1] {
			t.Errorf("%v is not above %v", g, grades[i-1])
		}
	}
}

func TestParseSpec(t *testing.T) {
	tests := []struct {
		in   string
		want Spec
		err  string // part of the error
	}{
		{in: "hosts:hosts.txt", want: Spec{Kind: "hosts", Path: "hosts.txt"}},
		{in: "hosts.txt", want: Spec{Path: "hosts.txt"}},
		{in: "./a:b", want: Spec{Path: "./a:b"}},
		{in: "/etc/x:y", want: Spec{Path: "/etc/x:y"}},
		{in: "hosts:/a:b", want: Spec{Kind: "hosts", Path: "/a:b"}},
		{in: "hosts:a,b=c", want: Spec{Kind: "hosts", Path: "a,b=c"}},
		{in: "prometheus:p.yml,blackbox=b.yml", want: Spec{Kind: "prometheus", Path: "p.yml", Options: map[string]string{"blackbox": "b.yml"}}},
		{in: "prometheus:p,1.yml", want: Spec{Kind: "prometheus", Path: "p,1.yml"}},
		{in: "", err: "empty monitored source"},
		{in: "hosts:", err: "names no path"},
		{in: "zabbix:hosts.xml", err: `unknown kind "zabbix" of monitored source: the kinds are csv, file_sd, gatus, hosts, icinga, kubernetes, nagios, prometheus, prometheus-api, uptime-kuma, urls`},
		{in: "prometheus:http://p:9090", want: Spec{Kind: "prometheus", Path: "http://p:9090"}},
		{in: "prometheus:https://u:p@p/x,bearer=t,blackbox=b.yml", want: Spec{Kind: "prometheus", Path: "https://u:p@p/x", Options: map[string]string{"bearer": "t", "blackbox": "b.yml"}}},
		{in: "prometheus:p.yml,bearer=t", want: Spec{Kind: "prometheus", Path: "p.yml,bearer=t"}},
		{in: "https://prometheus:9090", err: "is a URL: say what it is"},
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
		{"one host", "shop.example\n", "hosts"},
		{"hosts with comments", "# ours\nshop.example:443 # edge\n[2001:db8::1]:443\n", "hosts"},
		{"wildcards are hosts", "*.shop.example\nshop.example\n", "hosts"},
		{"hosts and URLs", "shop.example\nhttps://shop.example/\n", "hosts"},
		{"URLs", "# ours\nhttps://shop.example/\nsmtp+starttls://mail.shop.example\n", "urls"},
		{"CSV", "hostname,port\nshop.example,443\n", "csv"},
		{"CSV with semicolons", "\"Owner\";\"Hostname\"\nweb;shop.example\n", "csv"},
		{"file_sd in JSON", `[{"targets": ["a:443"]}]`, "file_sd"},
		{"file_sd in YAML", "# ours\n---\n- targets: ['a:443']\n", "file_sd"},
		{"Prometheus", "global: {}\nscrape_configs:\n- job_name: a\n", "prometheus"},
		{"Prometheus, quoted key", "\"scrape_config_files\": [a.yml]\n", "prometheus"},
		{"broken Prometheus", "scrape_configs:\n\t- job_name: a\n", "prometheus"},
		{"blackbox", "modules:\n  http_2xx:\n    prober: http\n", ""},
		{"prose", "This is a text about hosts.\nIt names none of them.\n", ""},
		{"comments only", "# nothing\n", ""},
		{"empty", "", ""},
		{"CSV without hostname", "name,port\nshop.example,443\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, ok := detect(test.text)
			if f.kind != test.want || ok != (test.want != "") {
				t.Errorf("got %q, %v, want %q", f.kind, ok, test.want)
			}
		})
	}
}

// TestErrors writes broken sources and wants the position and what to do.
func TestErrors(t *testing.T) {
	job := "scrape_configs:\n- job_name: web\n"
	tests := []struct {
		name, kind, text string
		want             string // behind the path
	}{
		{"binary", "", "\x7fELF\x00\x01", ":1:5: a NUL byte: this is no text file"},
		{"UTF-16", "hosts", "\xff\xfes\x00", ":1:1: is UTF-16: save it as UTF-8"},
		{"Latin-1", "hosts", "shop.example\nb\xfccher.example\n", ":2:2: no UTF-8: save the file as UTF-8"},
		{"no format", "", "some prose here\n", ": cannot tell its format by its content: give kind:"},
		{"empty CSV", "csv", "", ":1:1: the file is empty: a csv begins with the header hostname,port,sni,owner,ca"},
		{"CSV header", "csv", "\nname;port\nshop.example;443\n", `:2:1: no column hostname in the header "name;port"`},
		{"CSV double column", "csv", "hostname,port,Port\n", `:1:1: the header names column "port" twice`},
		{"CSV quote", "csv", "hostname,port\nshop.example,\"4\"43\n", ":2:16: extraneous or missing \" in quoted-field"},
		{"CSV bare quote", "csv", "hostname,port\nsh\"op.example,443\n", ":2:3: bare \" in non-quoted-field"},
		{"file_sd JSON", "file_sd", "[\n {\"targets\": [\"a:443\",]}\n]\n", ":2:23: invalid character ']'"},
		{"file_sd JSON cut", "file_sd", "[\n {\"targets\": [\"a:443\"", ":2:22: the JSON ends too early"},
		{"file_sd JSON twice", "file_sd", "[{\"targets\": [\"a:443\"]}]\n[]", ":2:1: something follows the JSON value"},
		{"file_sd type", "file_sd", "[{\"targets\":\n \"a:443\"}]", ":2:2: a string `a:443` stands where a list belongs"},
		{"file_sd type of target", "file_sd", "- targets:\n    - a: 443\n", ":2:7: a mapping stands where a string belongs"},
		{"file_sd no list", "file_sd", "targets: [a]\n", ":1:1: a file_sd file is a list of groups with targets"},
		{"YAML syntax", "prometheus", "scrape_configs:\n  - job_name: a\n  static: : b\nglobal: {}\n", ":3: did not find expected '-' indicator: correct the YAML there"},
		{"YAML syntax behind brackets", "prometheus", "scrape_configs:\n- job_name: a\n  static_configs: [{\n   targets: [\n    a,\n    b]}]\n- job_name: b\n scheme: https\n", ":8: did not find"},
		{"YAML quote", "prometheus", "scrape_configs:\n  - job_name: 'a\n    scheme: https\n", ":2: found unexpected end of stream"},
		{"YAML tab", "prometheus", "scrape_configs:\n\t- job_name: a\n", ":2: found character that cannot start any token"},
		{"YAML empty", "prometheus", "# nothing\n", ":1:1: the file is empty"},
		{"YAML type", "prometheus", "scrape_configs:\n  job_name: a\n", ":2:3: a mapping stands where a list belongs"},
		{"no job name", "prometheus", "scrape_configs:\n- scheme: https\n", ":2:3: a scrape config has no job_name: give it one"},
		{"static_configs", "prometheus", job + "  static_configs:\n  - targets: shop.example\n", ":4:14: a string `shop.ex...` stands where a list belongs"},
		{"regex", "prometheus", job + "  relabel_configs:\n  - regex: '('\n    action: keep\n", ":4:5: error parsing regexp: missing closing )"},
		{"action", "prometheus", job + "  relabel_configs:\n  - action: shuffle\n", ":4:5: unknown relabel action \"shuffle\""},
		{"rule without target", "prometheus", job + "  relabel_configs:\n  - source_labels: [a]\n", ":4:5: relabel_configs of job \"web\": relabel configuration for replace action requires 'target_label' value"},
		{"file_sd pattern", "prometheus", job + "  file_sd_configs:\n  - files: ['*/web.json']\n", ":4:13: file_sd_configs \"*/web.json\": Prometheus takes names that end in"},
		{"file_sd ending", "prometheus", job + "  file_sd_configs:\n  - files: [web.txt]\n", ":4:13: file_sd_configs \"web.txt\": Prometheus takes"},
		{"job files pattern", "prometheus", "scrape_config_files: ['*/*.yml']\n", ":1:23: scrape_config_files \"*/*.yml\": Prometheus takes * in the last segment only"},
		{"aliases", "prometheus", "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" +
			"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\nscrape_configs: [*g,*g,*g]\n", ":1:1: aliases make more than"},
		{"alias of itself", "prometheus", "scrape_configs: &a [*a]\n", ":1:1: aliases make more than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, test.text)
			_, err := Read([]Spec{{Kind: test.kind, Path: path}})
			if err == nil {
				t.Fatal("got no error")
			}
			if want := path + test.want; !strings.HasPrefix(err.Error(), want) {
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

// TestErrorsOfNamedFiles are errors in files that a source names.
func TestErrorsOfNamedFiles(t *testing.T) {
	config := "scrape_configs:\n- job_name: web\n  file_sd_configs: [{files: ['*.json']}]\n"
	tests := []struct {
		name string
		file string
		text string
		want string
	}{
		{"file_sd", "web.json", "[\n{]", "web.json:2:2: invalid character ']'"},
		{"blackbox", "blackbox.yml", "modules:\n  a: [\n", "blackbox.yml:"},
		{"blackbox without modules", "blackbox.yml", "a: b\n", "blackbox.yml:1:1: no modules: this is no configuration of a blackbox exporter"},
		{"blackbox type", "blackbox.yml", "modules:\n  a:\n    prober: [http]\n", "blackbox.yml:3:13: a list stands where a string belongs"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "prometheus.yml")
			for name, text := range map[string]string{path: config, filepath.Join(dir, test.file): test.text} {
				if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Read([]Spec{{Kind: "prometheus", Path: path}})
			if err == nil || !strings.HasPrefix(err.Error(), filepath.Join(dir, test.want)) {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}

func TestErrorsOfSpecs(t *testing.T) {
	hosts := write(t, "shop.example\n")
	tests := []struct {
		name string
		spec Spec
		want string
	}{
		{"missing file", Spec{Kind: "hosts", Path: "testdata/none.txt"}, "monitored source: open testdata/none.txt: no such file or directory"},
		{"directory", Spec{Path: "testdata"}, "monitored source: read testdata: is a directory"},
		{"kind", Spec{Kind: "kuma2", Path: hosts}, `unknown kind "kuma2" of monitored source: the kinds are csv`},
		{"option of none", Spec{Kind: "hosts", Path: hosts, Options: map[string]string{"blackbox": "b"}}, `monitored source hosts: unknown option "blackbox": it has none`},
		{"option", Spec{Kind: "prometheus", Path: realConfig, Options: map[string]string{"black": "b"}}, `monitored source prometheus: unknown option "black": it has blackbox`},
		{"blackbox missing", Spec{Kind: "prometheus", Path: realConfig, Options: map[string]string{"blackbox": "testdata/none.yml"}}, "monitored source: open testdata/none.yml: no such file"},
		{"URL", Spec{Kind: "gatus", Path: "http://user:secret@gatus:8080"}, "monitored source http://…@gatus:8080 is a URL: gatus reads files"},
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

func TestEmptySourceIsAWarning(t *testing.T) {
	r, err := Read([]Spec{{Kind: "hosts", Path: write(t, "# none yet\n")}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Checks) != 0 || len(r.Warnings) != 1 || len(r.Sources) != 1 {
		t.Errorf("got %+v, want one warning", r)
	}
}

// TestRelabellingIsBounded runs rules that double a label.
func TestRelabellingIsBounded(t *testing.T) {
	text := "scrape_configs:\n- job_name: web\n  static_configs: [{targets: ['shop.example:443']}]\n  relabel_configs:\n" +
		strings.Repeat("  - {source_labels: [__address__], target_label: __address__, replacement: $1$1}\n", 60)
	r, err := Read([]Spec{{Kind: "prometheus", Path: write(t, text)}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0].Text, "relabelling writes more than") {
		t.Errorf("got warnings %v, want one about relabelling", r.Warnings)
	}
}
