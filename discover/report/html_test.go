package report

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"blindspot/discover"
	"blindspot/discover/coverage"

	"golang.org/x/net/html"
)

// parsed reads an HTML output as a browser does.
func parsed(t *testing.T, text string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// elements returns all elements below n for which keep holds.
func elements(n *html.Node, keep func(*html.Node) bool) (list []*html.Node) {
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && keep(c) {
			list = append(list, c)
		}
	}
	return list
}

func tagged(tags ...string) func(*html.Node) bool {
	return func(n *html.Node) bool { return slices.Contains(tags, n.Data) }
}

func classed(class string) func(*html.Node) bool {
	return func(n *html.Node) bool { return slices.Contains(strings.Fields(attr(n, "class")), class) }
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// skeleton is the structure of a page: each element with its ancestors and the
// names of its attributes, without the order in which siblings stand.
func skeleton(n *html.Node) []string {
	var list []string
	var walk func(n *html.Node, path string)
	walk = func(n *html.Node, path string) {
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			switch c.Type {
			case html.ElementNode:
				var names []string
				for _, a := range c.Attr {
					names = append(names, a.Key)
				}
				p := path + ">" + c.Data + fmt.Sprint(names)
				list = append(list, p)
				walk(c, p)
			case html.CommentNode, html.DoctypeNode:
				list = append(list, path+">"+fmt.Sprint(c.Type))
			}
		}
	}
	walk(n, "")
	slices.Sort(list)
	return list
}

// pages are all that is written as HTML.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{
		"sample": render(t, sampleReport(), "html", Options{}),
		"busy":   render(t, busyReport(), "html", Options{}),
		"empty":  render(t, emptyReport(), "html", Options{}),
	}
	for name, l := range lists(t, shop()) {
		out[name] = renderList(t, l, "html", Options{})
	}
	return out
}

// TestHTMLAsksForNothing holds that a page loads nothing, runs nothing but its
// own script, and that its policy says so to the browser.
func TestHTMLAsksForNothing(t *testing.T) {
	for name, text := range pages(t) {
		doc := parsed(t, text)
		policy := ""
		for _, n := range elements(doc, func(*html.Node) bool { return true }) {
			for _, a := range n.Attr {
				switch {
				case a.Key == "href" && !strings.HasPrefix(a.Val, "#"),
					a.Key == "src", a.Key == "srcset", a.Key == "style", a.Key == "action", a.Key == "background",
					strings.HasPrefix(a.Key, "on"):
					t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
				}
			}
			if attr(n, "http-equiv") == "Content-Security-Policy" {
				policy = attr(n, "content")
			}
			switch n.Data {
			case "link", "img", "iframe", "object", "embed", "base", "form", "image", "use":
				t.Errorf("%s: <%s>", name, n.Data)
			case "style", "script":
				h := sha256.Sum256([]byte(textOf(n)))
				if want := n.Data + "-src 'sha256-" + base64.StdEncoding.EncodeToString(h[:]) + "'"; !strings.Contains(policy, want) {
					t.Errorf("%s: the policy %q does not allow its own %s", name, policy, n.Data)
				}
			}
		}
		if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: got policy %q", name, policy)
		}
		for _, bad := range []string{"url(", "@import", "innerHTML", "eval(", "fetch(", "://"} {
			if strings.Contains(pageStyle+pageScript, bad) {
				t.Errorf("style or script has %q", bad)
			}
		}
	}
}

// TestHTMLIsSound holds what makes a page work for keyboards and screen readers.
func TestHTMLIsSound(t *testing.T) {
	for name, text := range pages(t) {
		doc := parsed(t, text)
		ids := map[string]int{}
		for _, n := range elements(doc, func(n *html.Node) bool { return hasAttr(n, "id") }) {
			ids[attr(n, "id")]++
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s: id %q is there %d times", name, id, n)
			}
		}
		for _, n := range elements(doc, func(*html.Node) bool { return true }) {
			for _, ref := range []string{attr(n, "aria-labelledby"), attr(n, "data-for"), strings.TrimPrefix(attr(n, "href"), "#")} {
				if ref != "" && ids[ref] == 0 {
					t.Errorf("%s: <%s> points at %q, which is not there", name, n.Data, ref)
				}
			}
		}
		for _, table := range elements(doc, classed("sortable")) {
			soundTable(t, name, table)
		}
		if n := len(elements(doc, tagged("h1"))); n != 1 {
			t.Errorf("%s: %d headings of the first order", name, n)
		}
		if strings.Contains(text, "%!") || strings.Contains(text, "<nil>") {
			t.Errorf("%s: a format went wrong", name)
		}
	}
}

func soundTable(t *testing.T, name string, table *html.Node) {
	t.Helper()
	head := elements(table, func(n *html.Node) bool { return n.Data == "th" && n.Parent.Parent.Data == "thead" })
	if len(elements(table, tagged("caption"))) != 1 {
		t.Errorf("%s: a table without a caption", name)
	}
	for _, th := range head {
		if attr(th, "scope") != "col" {
			t.Errorf("%s: a heading without scope: %q", name, textOf(th))
		}
	}
	for _, tr := range elements(table, tagged("tr")) {
		if classed("inner")(tr.Parent.Parent) {
			continue
		}
		cells := 0
		for c := tr.FirstChild; c != nil; c = c.NextSibling {
			if n := attr(c, "colspan"); n == fmt.Sprint(len(head)) {
				cells += len(head)
			} else {
				cells++
			}
		}
		if cells != len(head) {
			t.Errorf("%s: %d cells under %d headings: %s", name, cells, len(head), textOf(tr))
		}
	}
}

// TestHTMLWithoutScript holds that all is there and shown without the script.
func TestHTMLWithoutScript(t *testing.T) {
	r := busyReport()
	doc := parsed(t, render(t, r, "html", Options{}))
	for _, n := range elements(doc, func(n *html.Node) bool { return hasAttr(n, "hidden") }) {
		if id := attr(n, "id"); id != "theme" && id != "no-match" && !classed("tools")(n) {
			t.Errorf("<%s id=%q> is hidden", n.Data, id)
		}
	}
	body := elements(doc, tagged("body"))[0]
	text := textOf(body)
	want := []string{"Coverage gap", "154,000 handshakes in 12,345,678 packets", "92,000 encrypted (TLS 1.3, QUIC)", "edge.pcap: breaks off", "updates.vendor.example",
		"checked weakly 3.9 % of traffic", "no check of the name 11.8 % of traffic", "31 of 41 checked", "✕ 1 critical, 1 warning", "[2001:db8::10]:443"}
	for i := range r.Findings {
		f := &r.Findings[i]
		remedy, command := remedyOf(f)
		want = append(want, f.Kind, f.Hostname, f.Detail, remedy, command, f.Certificate)
		want = append(want, f.Endpoints...)
	}
	for _, s := range want {
		if !strings.Contains(text, s) {
			t.Errorf("%q is not there", s)
		}
	}
	if n := len(elements(doc, func(n *html.Node) bool { return strings.HasPrefix(attr(n, "id"), "finding-") && n.Data == "tbody" })); n != len(r.Findings) {
		t.Errorf("got %d findings, want %d", n, len(r.Findings))
	}
}

// TestHostileHTML holds that no text changes the structure of a page: what
// harmless text is in, hostile text is in, and nothing else.
func TestHostileHTML(t *testing.T) {
	calm := skeleton(parsed(t, render(t, infested("calm.example"), "html", Options{})))
	for what, s := range hostile {
		doc := parsed(t, render(t, infested(s), "html", Options{}))
		if got := skeleton(doc); !slices.Equal(got, calm) {
			t.Errorf("%s: the structure changes: %s", what, firstDifference(got, calm))
		}
		name := elements(doc, func(n *html.Node) bool { return n.Data == "td" && classed("name")(n) })
		if got := textOf(name[0]); got != visible(s) {
			t.Errorf("%s: got name %q, want %q", what, got, visible(s))
		}
	}
}

func TestHostileHTMLLists(t *testing.T) {
	build := func(s string) map[string]*List {
		w := newWorld()
		c := w.cert(s, "2027-01-01T00:00:00Z")
		c.Issuer, c.Problem, c.URIs = s, s, []string{s}
		w.see(s, "10.0.0.1:443", w.chain(c), "10.9.0.1", 1, func(k *discover.Sighting) { k.Target, k.Network, k.Preface, k.Version = s, s, s, s })
		return lists(t, w)
	}
	calm := build("calm.example")
	for what, s := range hostile {
		for name, l := range build(s) {
			got := skeleton(parsed(t, renderList(t, l, "html", Options{})))
			want := skeleton(parsed(t, renderList(t, calm[name], "html", Options{})))
			if !slices.Equal(got, want) {
				t.Errorf("%s, %s: the structure changes: %s", what, name, firstDifference(got, want))
			}
		}
	}
}

func firstDifference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("got %s, want %s", got[i], want[i])
		}
	}
	return fmt.Sprintf("got %d elements, want %d", len(got), len(want))
}

func FuzzMarkup(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		list := &List{Title: s, Columns: []Column{{Title: s}}, Notes: []string{s}, Rows: slices.Values([][]any{{s}, {listed([]string{s, s, s, s, s})}})}
		if err := WriteList(&b, list, "html", Options{}); err != nil {
			t.Fatal(err)
		}
		doc, err := html.Parse(&b)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(elements(doc, tagged("script"))); n != 1 {
			t.Fatalf("%q: %d scripts", s, n)
		}
		li := elements(doc, classed("entries"))
		if len(li) != 1 || textOf(li[0].FirstChild) != visible(s) {
			t.Errorf("%q comes out as something else", s)
		}
	})
}

func TestEvidence(t *testing.T) {
	f := &discover.Finding{Evidence: map[string]any{
		"stores": []map[string]any{{"name": "public", "trusted": false}, {"name": "internal", "trusted": true, "root": "CN=R"}},
		"alerts": map[string]uint64{"certificate_expired": 20},
		"big":    uint64(18446744073709551615),
		"deep":   map[string]any{"a": map[string]any{"b": map[string]any{"c": map[string]any{"d": []int{1, 2}}}}},
		"empty":  []string{}, "nothing": nil, "mixed": []any{1, "two", true, []string{"x"}},
	}}
	var b bytes.Buffer
	_ = flushed(&b, func(w *bufio.Writer) error { (&markup{w}).evidence(f); return nil })
	doc := parsed(t, b.String())
	got := map[string]string{}
	for _, dt := range elements(doc, tagged("dt")) {
		got[textOf(dt)] = textOf(dt.NextSibling)
	}
	for key, want := range map[string]string{
		"alerts": "certificate expired20", "big": "18446744073709551615", "empty": "", "nothing": "-", "mixed": "1twoyesx",
		"c": "{d: 1, 2}", "stores": "nametrustedpublicnointernalyesroot: CN=R", "endpoints": "none",
	} {
		if got[key] != want {
			t.Errorf("%s: got %q, want %q", key, got[key], want)
		}
	}
}

func TestCoverageShares(t *testing.T) {
	r := busyReport()
	by := r.gapsBySurface()
	if got := by["backends"][stateElsewhere]; percent(got) != "6.4 %" {
		t.Errorf("backends: got %v", got)
	}
	if by["mesh"] != nil {
		t.Errorf("mesh: got %v", by["mesh"])
	}
	if got, want := (shares{0, 0.1, 0, 0.25, 0}).rest().words(), "65 % checked, 10 % checked weakly, 25 % no check of the name"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (shares{0, 0.8, 0.8}).rest()[stateChecked]; got != 0 {
		t.Errorf("more than everything: got %v checked", got)
	}
}

// TestHops holds that each hop is an edge from one box to another, and lies
// within the picture, whatever the places of the two.
func TestHops(t *testing.T) {
	const n = 9
	for from := range n {
		for to := range n {
			r := busyReport()
			r.Surfaces = nil
			for i := range n {
				s := coverage.SurfaceStatus{Name: fmt.Sprint("s", i), Status: "ok"}
				if i == from {
					s.HopsOut = []coverage.SurfaceHop{{Surface: fmt.Sprint("s", to), Handshakes: 7}, {Surface: "elsewhere", Handshakes: 1}}
				}
				r.Surfaces = append(r.Surfaces, s)
			}
			doc := parsed(t, render(t, r, "html", Options{}))
			hops := elements(doc, classed("hop"))
			if want := 1; from == to && len(hops) != 0 || from != to && len(hops) != want {
				t.Fatalf("%d to %d: got %d edges", from, to, len(hops))
			}
			if from == to {
				continue
			}
			if got, want := textOf(elements(hops[0], tagged("title"))[0]), fmt.Sprintf("s%d passes 7 handshakes on to s%d", from, to); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			var width, height float64
			svg := elements(doc, classed("map"))[0]
			if _, err := fmt.Sscanf(attr(svg, "viewBox"), "0 0 %g %g", &width, &height); err != nil {
				t.Fatal(err)
			}
			label := elements(hops[0], tagged("text"))[0]
			var x, y float64
			if _, err := fmt.Sscan(attr(label, "x")+" "+attr(label, "y"), &x, &y); err != nil || x < 10 || x > width-10 || y < 10 || y > height {
				t.Errorf("%d to %d: the label is at %g, %g of %g × %g (%v)", from, to, x, y, width, height, err)
			}
		}
	}
}
