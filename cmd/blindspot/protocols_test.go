package main

import (
	"bufio"
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"blindspot/cmd/blindspot/internal/show"
	"blindspot/discover/report"
)

const readme = "../../README.md"

// protocols is what 'blindspot protocols' writes.
func protocols(t *testing.T, format string, width int) string {
	t.Helper()
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	if err := show.Protocols(w, understood(), format, report.Options{Width: width}); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	return b.String()
}

// TestProtocolsReadme compares the table in the README with the command's.
func TestProtocolsReadme(t *testing.T) {
	var table []string
	for line := range strings.Lines(protocols(t, "markdown", 0)) {
		if strings.HasPrefix(line, "|") {
			table = append(table, line)
		}
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	between := regexp.MustCompile(`(?s)(<!-- protocols:begin -->\n).*(<!-- protocols:end -->)`)
	parts := between.FindSubmatch(text)
	if parts == nil {
		t.Fatal("README.md has no <!-- protocols:begin --> and <!-- protocols:end -->")
	}
	want := string(parts[1]) + strings.Join(table, "") + string(parts[2])
	if string(parts[0]) == want {
		return
	}
	if *update {
		text = between.ReplaceAllLiteral(text, []byte(want))
		if err := os.WriteFile(readme, text, 0o644); err != nil { //nolint:gosec // a document
			t.Fatal(err)
		}
		return
	}
	t.Error("the table of README.md is not what 'blindspot protocols -o markdown' says; renew it with: go test ./cmd/blindspot -run TestProtocolsReadme -update")
}

// TestProtocols: each row is complete and there once, and is whole on a terminal
// of 80 columns.
func TestProtocols(t *testing.T) {
	seen := map[string]bool{}
	groups := map[string]int{}
	for _, p := range understood() {
		if p.Name == "" || p.Description == "" || p.KnownBy == "" || p.Source == "" {
			t.Errorf("%+v: want every field", p)
		}
		if seen[p.Group+p.Name] {
			t.Errorf("%s %s is there twice", p.Group, p.Name)
		}
		seen[p.Group+p.Name] = true
		groups[p.Group]++
	}
	for _, name := range []string{"transportTLS 1.3", "transportDTLS 1.2", "transportQUIC v2", "prefacesmtp", "prefaceproxy-v2", "tunnelvxlan", "tunnelerspan", "link typeethernet-ii", "capturezstd"} {
		if !seen[name] {
			t.Errorf("%s is not there", name)
		}
	}
	if len(groups) != 5 {
		t.Errorf("got the groups %v, want five", groups)
	}
	text := protocols(t, "table", 80)
	if strings.Contains(text, "…") {
		t.Errorf("a description is too long for 80 columns:\n%s", text)
	}
	if !strings.Contains(text, "Too narrow for: known by, source.") {
		t.Error("80 columns: want a note on what is left out")
	}
	if text = protocols(t, "table", 300); !strings.Contains(text, "EtherType 0x8847, 0x8848; IP protocol 137; UDP port 6635") || !strings.Contains(text, "RFC 8926") || strings.Contains(text, "narrow") {
		t.Errorf("300 columns: want everything:\n%s", text)
	}
}
