package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"blindspot/discover"
	"blindspot/discover/coverage"
	"blindspot/discover/monitored"
)

// hostile is what strangers put into names, certificates and files.
var hostile = map[string]string{
	"escape sequence":   "\x1b[31mred\x1b]0;title\x07",
	"8-bit CSI":         "a\u009b31mb",
	"raw 0x9b":          "a\x9b31mb",
	"invalid UTF-8":     "a\xff\xfe\xc3",
	"bidi override":     "a\u202eelpmaxe.kcatta\u202c",
	"bidi isolate":      "a\u2066b\u2069",
	"zero width":        "sh\u200bop\ufeff",
	"line separators":   "a\u2028b\u2029c\u0085d",
	"newline":           "a\n## b\r\n- c",
	"newline and fence": "a\n```\n<b>x</b>\n```",
	"tab and null":      "a\tb\x00c\x7f",
	"soft hyphen, tag":  "a\u00ad\U000e0041",
	"script":            `"><script>alert(1)</script>`,
	"entity":            "&lt;b&gt;&#60;",
	"image":             "![x](http://evil.example/i.png)",
	"link":              "[ok](javascript:alert(1))",
	"autolink":          "<http://evil.example>",
	"bare link":         "see http://evil.example/ and www.evil.example.",
	"mention":           "@everyone #1 @a|b",
	"table break":       "a | b || c",
	"escaped bar":       `a\|b\\|c`,
	"backticks":         "a`b``c```d",
	"emphasis":          "*a* __b__ ~~c~~ _d_",
	"heading":           "# a",
	"list":              "1. a",
	"rule":              "---",
	"formula":           "=HYPERLINK(\"http://evil.example\";\"x\")",
	"formula plus":      "+1+cmd|' /C calc'!A0",
	"formula minus":     "-1+cmd",
	"formula at":        "@SUM(1)",
	"formula full":      "＝1+1",
	"formula space":     "  =1+1",
	"formula later":     "a;=1+1\t=2",
	"formula tab":       "\t=1+1",
	"formula return":    "\r=1+1",
	"quotes":            `a"b""c,d`,
	"zalgo":             "a" + strings.Repeat("\u0301", 40),
	"long":              strings.Repeat("very-long-label.", 40) + "example",
	"wide":              strings.Repeat("漢字", 60),
}

// infested puts a text wherever text can come from strangers.
func infested(s string) *Report {
	res := &coverage.Result{
		Summary:    coverage.Summary{Handshakes: 1, Hostnames: 1},
		OutOfScope: coverage.OutOfScope{Handshakes: 1, Largest: []coverage.OutOfScopeEntry{{Hostname: s, Port: 443, Handshakes: 1}}},
		Surfaces: []coverage.SurfaceStatus{{Name: s, Owner: s, TrustStore: s, Status: "ok", Certificates: []coverage.CertificateStatus{{Issuer: s}},
			Validation: &coverage.Validation{Store: s, Trusted: 1}, MTLS: &coverage.MTLSStatus{Certificates: 1, Issuers: []string{s}, TrustDomains: []string{s}},
			Checks: map[string]int{s: 1}, HopsOut: []coverage.SurfaceHop{{Surface: s, Handshakes: 1}}}},
		Checks:   []coverage.CheckStatus{{Source: s, Ref: s, Hostname: s, Address: s, Owner: s, Witnessed: []string{s}}},
		Warnings: []monitored.Warning{{Ref: s, Text: s}, {Ref: "hosts.txt:1", Text: "the entry " + s}},
		Findings: []discover.Finding{{
			Kind: "weak-check", Severity: discover.Warning, Hostname: s, Endpoints: []string{s, "10.0.0.1:443"},
			Certificate: legacyLeaf, Surface: s, Owner: s, Handshakes: 1, Clients: 1, Share: 1,
			Detail: s, Remedy: "Look at " + s + ". See it with: openssl s_client -servername " + s,
			Evidence: map[string]any{s: s, "list": []string{s}},
		}},
	}
	inv := &discover.Inventory{Sensor: discover.Visibility{
		Handshakes: 1, Hidden: map[string]uint64{s: 1}, Lost: map[string]uint64{s: 1}, Notes: []string{s},
	}}
	return New(res, inv, at("2026-11-23T11:00:00Z"))
}

// obeyed reports a character that a terminal or an editor acts on.
func obeyed(s string) (rune, bool) {
	if !utf8.ValidString(s) {
		return utf8.RuneError, true
	}
	for _, r := range s {
		if r != '\n' && !unicode.IsPrint(r) {
			return r, true
		}
	}
	return 0, false
}

func TestHostile(t *testing.T) {
	calm := map[string]int{}
	for _, name := range Formats() {
		calm[name] = strings.Count(render(t, infested("calm.example"), name, Options{Width: 2000}), "\n")
	}
	for what, s := range hostile {
		t.Run(what, func(t *testing.T) {
			for _, name := range Formats() {
				text := render(t, infested(s), name, Options{Width: 2000})
				if r, bad := obeyed(text); bad {
					t.Errorf("%s: %q gets through:\n%q", name, r, text)
				}
				// A text is no line of its own, in no format.
				if n := strings.Count(text, "\n"); n != calm[name] && name != "table" {
					t.Errorf("%s: got %d lines, want %d:\n%s", name, n, calm[name], text)
				}
			}
		})
	}
}

func TestHostileJSON(t *testing.T) {
	for what, s := range hostile {
		text := render(t, infested(s), "json", Options{})
		if strings.ContainsAny(text, "<>&") {
			t.Errorf("%s: HTML gets through: %s", what, text)
		}
		var r struct{ Findings []discover.Finding }
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && r.Findings[0].Hostname != want {
			t.Errorf("%s: got %q back, want %q", what, r.Findings[0].Hostname, want)
		}
	}
}

func TestHostileCSV(t *testing.T) {
	for what, s := range hostile {
		rows, err := csv.NewReader(strings.NewReader(render(t, infested(s), "csv", Options{}))).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatalf("%s: %d rows, %v", what, len(rows), err)
		}
		for i, cell := range rows[1] {
			if cell != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", []rune(strings.TrimLeft(cell, " "))[0]) {
				t.Errorf("%s: %s begins a formula: %q", what, rows[0][i], cell)
			}
		}
	}
}

func TestCSVText(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"-1", "-1"}, {"-0.5", "-0.5"}, {"+3", "+3"}, {"-", "'-"}, {"-1+1", "'-1+1"}, {"--1", "'--1"},
		{"=1", "'=1"}, {"@x", "'@x"}, {" =1", "' =1"}, {"-a.example", "'-a.example"},
		{legacyLeaf, legacyLeaf}, {"1e10", "1e10"}, {"-1e10", "'-1e10"}, {"a=b", "a=b"}, {"", ""},
	} {
		if got := csvText(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestHostileMarkdown(t *testing.T) {
	for what, s := range hostile {
		text := render(t, infested(s), "markdown", Options{})
		for _, l := range strings.Split(text, "\n") {
			if strings.HasPrefix(l, "openssl ") {
				continue // within a fence that nothing in it closes
			}
			if strings.HasPrefix(l, "|") && bars(l) != 8 && bars(l) != 0 {
				t.Errorf("%s: a cell too many: %q", what, l)
			}
			if bad := loose(l); bad != "" {
				t.Errorf("%s: %q is not in code: %q", what, bad, l)
			}
		}
	}
}

// bars counts the bars that divide cells; a backslash may escape one, so that
// none may stand before it.
func bars(l string) int {
	if strings.Contains(l, `\`) {
		return -1
	}
	return strings.Count(l, "|")
}

// loose returns what a renderer would act on outside of code spans.
func loose(l string) string {
	if strings.HasPrefix(l, "```") {
		return ""
	}
	l = strings.TrimLeft(l, "#| ")
	l = strings.NewReplacer("**Use**", "", "**Endpoints**", "", "**Surface**", "", "**Owner**", "", "**Certificate**", "", "**Remedy**", "",
		"**Traffic**", "", "**Not seen**", "", "**Lost**", "", "**Note**", "", "**In use**", "", "**Checks**", "", "**Findings**", "",
		"**Out of scope**", "").Replace(l)
	for i, outside := range strings.Split(l, "`") {
		if i%2 == 1 {
			continue
		}
		outside = strings.ReplaceAll(strings.ReplaceAll(outside, "&#", ""), " | ", "")
		for _, bad := range []string{"<", ">", "[", "]", "*", "_", "~", "&", "\\", "@", "#", "!", "://", "www."} {
			if strings.Contains(outside, bad) {
				return bad
			}
		}
	}
	return ""
}

func TestVisible(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"shop.example", "shop.example"}, {"", ""}, {"ü 漢", "ü 漢"},
		{"a\nb", `a\nb`}, {"\x1b[0m", `\x1b[0m`}, {"\u202e", `\u202e`}, {"\xff", `\xff`}, {"\u009b", `\u009b`},
		{"\U000e0041", `\U000e0041`}, {"\ufffd", "\ufffd"}, {"\x7f", `\x7f`}, {"a\u00a0b", `a\u00a0b`},
		{"e\u0301", "e\u0301"}, {"e\u0301\u0301\u0301\u0301", "e\u0301\u0301\u0301" + `\u0301`},
	} {
		if got := visible(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if r, bad := obeyed(visible(s)); bad || strings.Contains(visible(s), "\n") {
			t.Errorf("visible: %q gets through", r)
		}
		if strings.Contains(markText(visible(s)), "|") {
			t.Errorf("a bar gets through: %q", markText(visible(s)))
		}
		var got string
		b := appendString(nil, s)
		if err := json.Unmarshal(b, &got); err != nil || utf8.ValidString(s) && got != s {
			t.Errorf("JSON %s: got %q, %v, want %q", b, got, err, s)
		}
		if r, bad := obeyed(string(b)); bad {
			t.Errorf("JSON: %q gets through", r)
		}
		for _, n := range []int{0, 1, 2, 5, 20} {
			if c := columns(shorten(visible(s), n)); c > n {
				t.Errorf("shortened to %d: %d columns", n, c)
			}
		}
		wrap(visible(s), 20)
		if bytes.ContainsAny(b, "<>&") {
			t.Errorf("HTML gets through: %s", b)
		}
	})
}
