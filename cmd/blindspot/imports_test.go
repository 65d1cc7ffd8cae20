// This file holds the architecture: who may import whom.

package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "blindspot"

// allowed says which of our packages each package may import: these, and with
// /... all below. It is the picture of ARCHITECTURE.md. Nothing here means
// nothing of ours, ever.
var allowed = map[string][]string{
	"capture":        nil,
	"capture/decode": {"capture"},
	"capture/filter": {"capture"},
	"capture/ring":   {"capture"},
	"capture/kernel": {"capture", "capture/decode"},

	"tlsparse":          nil,
	"tlsparse/quic":     {"tlsparse", "tlsparse/internal/protect"},
	"tlsparse/dtls":     {"tlsparse", "tlsparse/internal/protect"},
	"tlsparse/starttls": {"tlsparse"},
	"tlsparse/keylog":   {"tlsparse", "tlsparse/internal/protect"},

	"tlsparse/internal/protect": nil,

	"discover":           nil,
	"discover/flow":      {"capture/...", "tlsparse/...", "discover", "discover/lengths"},
	"discover/lengths":   {"tlsparse"}, // what of a hello decides the answer's length
	"discover/logs":      {"discover"},
	"discover/verify":    {"discover", "tlsparse"}, // finds the chain that Go's client cannot parse
	"discover/monitored": {"discover"},
	"discover/inventory": {"discover"},
	"discover/coverage":  {"discover", "discover/lengths", "discover/monitored", "discover/inventory", "discover/trust"},
	"discover/trust":     {"discover"},
	"discover/report":    {"discover", "discover/coverage", "discover/trust"},

	"store": {"discover"},

	"packaging": nil, // only tests

	"cmd/blindspot":                  {"..."},
	"cmd/blindspot/internal/config":  {"discover", "discover/monitored", "discover/inventory", "discover/trust", "cmd/blindspot/internal/nearest", "cmd/blindspot/internal/ports"},
	"cmd/blindspot/internal/ingest":  {"capture/...", "discover", "discover/flow", "discover/logs", "store", "tlsparse/keylog", "cmd/blindspot/internal/term"},
	"cmd/blindspot/internal/narrow":  {"discover", "discover/monitored", "cmd/blindspot/internal/config"},
	"cmd/blindspot/internal/nearest": nil,
	"cmd/blindspot/internal/plugin":  {"discover", "discover/report", "cmd/blindspot/internal/nearest", "cmd/blindspot/internal/term"},
	"cmd/blindspot/internal/ports":   {"capture/decode", "cmd/blindspot/internal/nearest"},
	"cmd/blindspot/internal/show":    {"discover", "discover/coverage", "discover/report", "discover/verify", "store", "cmd/blindspot/internal/term"},
	"cmd/blindspot/internal/term":    nil,

	"cmd/blindspot/internal/evidence": {"capture/...", "discover/flow"},
	"cmd/blindspot/internal/metrics":  {"cmd/blindspot/internal/sensor"},
	"cmd/blindspot/internal/opener":   {"capture", "capture/ring"},
	"cmd/blindspot/internal/rings":    {"capture/..."},
	"cmd/blindspot/internal/sandbox":  nil,
	"cmd/blindspot/internal/sensor":   {"capture/...", "discover", "discover/flow", "store", "tlsparse/keylog", "cmd/blindspot/internal/evidence"},
	"cmd/blindspot/internal/watch":    {"discover", "discover/coverage", "discover/monitored", "discover/verify", "store"},
}

// modules says where other people's modules may be imported.
var modules = map[string][]string{
	"github.com/andybalholm/brotli":          {"tlsparse/..."},
	"github.com/cilium/ebpf":                 {"capture/kernel"},
	"github.com/google/gopacket":             {"capture/..."},
	"github.com/klauspost/compress":          {"capture/...", "tlsparse/..."},
	"github.com/axiomhq/hyperloglog":         {"discover"},
	"github.com/elastic/go-seccomp-bpf":      {"cmd/..."},
	"github.com/landlock-lsm/go-landlock":    {"cmd/..."},
	"github.com/mattn/go-sqlite3":            {"store"},
	"github.com/prometheus/prometheus":       {"discover/monitored"},
	"github.com/prometheus/common":           {"discover/monitored"},
	"github.com/prometheus/client_golang":    {"cmd/..."},
	"github.com/spf13/cobra":                 {"cmd/..."},
	"github.com/spf13/pflag":                 {"cmd/..."},
	"go.yaml.in/yaml/v3":                     {"discover/monitored", "discover/inventory", "discover/trust", "cmd/..."},
	"golang.org/x/crypto":                    {"tlsparse/...", "discover/..."},
	"golang.org/x/crypto/x509roots/fallback": {"discover/trust"},
	"golang.org/x/net":                       {"capture/...", "discover/..."},
	"golang.org/x/sys":                       {"capture/...", "cmd/..."},
	"golang.org/x/term":                      {"cmd/..."},
	"golang.org/x/text":                      {"discover/..."},
	"software.sslmate.com/src/go-pkcs12":     {"discover/trust"},
}

type pkg struct {
	ImportPath string
	Imports    []string
	Standard   bool
	Module     *struct{ Path string }
}

func TestImports(t *testing.T) {
	packages := listPackages(t)
	byPath := map[string]*pkg{}
	for _, p := range packages {
		byPath[p.ImportPath] = p
	}
	for _, p := range packages {
		name, ours := ours(p)
		if !ours || name == "" {
			continue
		}
		may, known := allowed[name]
		if !known {
			t.Errorf("%s is not in the table: give it a line here and a place in ARCHITECTURE.md", name)
			continue
		}
		for _, path := range p.Imports {
			if imported := byPath[path]; imported != nil {
				checkImport(t, name, imported, may)
			}
		}
	}
}

func checkImport(t *testing.T, name string, imported *pkg, may []string) {
	t.Helper()
	if imported.Standard || imported.Module == nil {
		return
	}
	if other, ours := ours(imported); ours {
		if !matches(other, may) {
			t.Errorf("%s imports %s: it may import %v", name, other, may)
		}
		return
	}
	where, known := modules[unversioned(imported.Module.Path)]
	switch {
	case !known:
		t.Errorf("%s imports %s: its module is not in the table; another module needs a strong reason", name, imported.ImportPath)
	case !matches(name, where):
		t.Errorf("%s imports %s: that may be imported in %v", name, imported.ImportPath, where)
	}
}

// unversioned takes the major version off a module's path, where it is no
// module of its own here.
func unversioned(path string) string {
	if _, known := modules[path]; known {
		return path
	}
	i := strings.LastIndex(path, "/v")
	if i < 0 || strings.Trim(path[i+2:], "0123456789") != "" {
		return path
	}
	return path[:i]
}

// ours returns the path of p within this module.
func ours(p *pkg) (name string, ok bool) {
	if p.ImportPath == module {
		return "", true
	}
	return strings.CutPrefix(p.ImportPath, module+"/")
}

// matches reports whether name is one of patterns, or below one that ends in
// "...".
func matches(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		root, below := strings.CutSuffix(p, "...")
		if !below {
			return name == p
		}
		return name == strings.TrimSuffix(root, "/") || strings.HasPrefix(name, root)
	})
}

// listPackages returns our packages and all that they depend on. Imports of
// test files are not in it.
func listPackages(t *testing.T) []*pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-pgo=off", "-e", "-deps", "-json=ImportPath,Imports,Standard,Module", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []*pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		p := &pkg{}
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		list = append(list, p)
	}
}

func TestImportRules(t *testing.T) {
	tests := []struct {
		name     string
		patterns []string
		want     bool
	}{
		{"discover", []string{"discover"}, true},
		{"discover/flow", []string{"discover"}, false},
		{"capture", []string{"capture/..."}, true},
		{"capture/decode", []string{"capture/..."}, true},
		{"capturex", []string{"capture/..."}, false},
		{"store", []string{"..."}, true},
		{"store", nil, false},
	}
	for _, tt := range tests {
		if got := matches(tt.name, tt.patterns); got != tt.want {
			t.Errorf("%s in %v: got %v, want %v", tt.name, tt.patterns, got, tt.want)
		}
	}
}
