package monitored

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// fuzzKind feeds a reader with texts: it may refuse them, and every check that
// it makes must hold together.
func fuzzKind(f *testing.F, kind string, seeds ...string) {
	for _, seed := range seeds {
		text, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) { readFuzzed(t, kind, text) })
}

func readFuzzed(t *testing.T, kind, text string) {
	text, err := decodeText([]byte(text))
	if err != nil {
		return
	}
	detect(text)
	r := &Result{}
	in := &input{Spec: Spec{Kind: kind, Path: "fuzz/none"}, body: text, loaded: true}
	if err := formats[kind].read(in, r); err != nil {
		return
	}
	for _, c := range r.Checks {
		checkHolds(t, c)
	}
}

func checkHolds(t *testing.T, c Check) {
	t.Helper()
	named := c.Grade == GradeExact || c.Grade == GradeName
	switch {
	case c.Grade == 0, c.Source == "", c.Ref == "":
		t.Errorf("incomplete check %+v", c)
	case named && (c.Hostname == "" || !c.Verifies):
		t.Errorf("check without name or verification is graded %v: %+v", c.Grade, c)
	case c.Grade == GradeExact && c.Port == 0:
		t.Errorf("check without port is graded exact: %+v", c)
	case (c.Hostname == "") != (c.SNIOrigin == originNone):
		t.Errorf("name and origin contradict each other: %+v", c)
	}
}

func FuzzHosts(f *testing.F) { fuzzKind(f, "hosts", "testdata/hosts.txt") }

func FuzzURLs(f *testing.F) { fuzzKind(f, "urls", "testdata/urls.txt") }

func FuzzCSV(f *testing.F) { fuzzKind(f, "csv", "testdata/inventory.csv", "testdata/semicolon.csv") }

func FuzzFileSD(f *testing.F) {
	fuzzKind(f, "file_sd", "testdata/file_sd.json", "testdata/prometheus/targets/services.yml")
}

// FuzzBlackbox reads a configuration of modules and probes with each of them.
func FuzzBlackbox(f *testing.F) {
	text, err := os.ReadFile("testdata/prometheus/blackbox.yml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text), "https://shop.example/", "www.shop.example")
	f.Add(blackboxDefault, "shop.example:443", "")
	f.Fuzz(func(t *testing.T, text, target, hostname string) {
		b, err := parseBlackbox("blackbox.yml", text)
		if err != nil {
			return
		}
		for name := range b.Modules {
			if c, err := b.find(name).check("ref", target, hostname); err == nil {
				checkHolds(t, c)
			}
		}
	})
}

// FuzzPrometheus leaves out texts that name files elsewhere.
func FuzzPrometheus(f *testing.F) {
	for _, seed := range []string{realConfig, "testdata/jobfiles/jobs.d/web.yml"} {
		text, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		var config promConfig
		if decodeYAML(text, &config) == nil && namesFilesElsewhere(&config) {
			return
		}
		readFuzzed(t, "prometheus", text)
	})
}

func namesFilesElsewhere(config *promConfig) bool {
	patterns := config.ScrapeConfigFiles
	for _, sc := range config.ScrapeConfigs {
		for _, sd := range sc.V.FileSD {
			patterns = append(patterns, sd.Files...)
		}
	}
	return slices.ContainsFunc(patterns, func(p at[string]) bool { return !filepath.IsLocal(p.V) })
}
