package report

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// chromium runs a headless browser that has no network, and returns its
// standard output. The test is skipped where there is none.
func chromium(t *testing.T, args ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser is not started with -short")
	}
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil && path == "" {
			path = p
		}
	}
	if path == "" {
		t.Skip("no Chromium in the path (on Debian: apt install chromium): the HTML report was not opened in a browser")
	}
	profile, err := os.MkdirTemp("", "blindspot-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir: what a browser's last process still writes fails no test.
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
		"--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=" + profile, "--window-size=1200,900",
	}, args...)...)
	cmd.WaitDelay = 5 * time.Second
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", path, err, messages.String())
	}
	return out.String()
}

// withScript puts a script behind those of a page, and lets its policy run it.
func withScript(t *testing.T, page, script string) string {
	t.Helper()
	h := sha256.Sum256([]byte(script))
	out := strings.Replace(page, "; script-src ", "; script-src &#39;sha256-"+base64.StdEncoding.EncodeToString(h[:])+"&#39; ", 1)
	out = strings.Replace(out, "</body>", "<script>"+script+"</script></body>", 1)
	if len(out) < len(page)+len(script) {
		t.Fatal("the page has no policy or no end")
	}
	return out
}

// inBrowser opens a page in Chromium, runs the script in it, and returns what
// the script wrote: its steps with what they saw.
func inBrowser(t *testing.T, page, script string) map[string]any {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(withScript(t, page, script)), 0o600); err != nil {
		t.Fatal(err)
	}
	dom := chromium(t, "--virtual-time-budget=5000", "--dump-dom", "file://"+file)
	out := elements(parsed(t, dom), func(n *html.Node) bool { return attr(n, "id") == "seen-by-test" })
	if len(out) != 1 {
		t.Fatalf("the script did not come to its end:\n%s", dom[max(len(dom)-2000, 0):])
	}
	var seen map[string]any
	if err := json.Unmarshal([]byte(textOf(out[0])), &seen); err != nil {
		t.Fatal(err)
	}
	return seen
}

// readerScript does with the report what a reader does, and notes what is shown.
const readerScript = `
"use strict";
const seen = {};
const $$ = (s, r = document) => Array.from(r.querySelectorAll(s));
const shown = e => e.getClientRects().length > 0;
const names = () => $$("table.findings > tbody").filter(shown).map(b => b.rows[0].cells[0].textContent + " " + b.rows[0].cells[1].textContent);
const tables = () => $$("table.findings").filter(shown).length;
const type = text => { const i = $$("#finding-tools input")[0]; i.value = text; i.dispatchEvent(new Event("input")); };
const pick = (column, value) => { const s = $$("#finding-tools select[data-column='" + column + "']")[0]; s.value = value; s.dispatchEvent(new Event("change")); };
const press = (table, at) => { const th = table.tHead.rows[0].cells[at]; th.querySelector("button").click(); return th.getAttribute("aria-sort"); };
const column = (table, at) => Array.from(table.tBodies).map(b => b.rows[0].cells[at].textContent);
const warnings = $$(".group.warning table.findings")[0];

seen.start = names();
seen.sortHandshakes = [press(warnings, 5), column(warnings, 5)];
seen.sortHandshakesAgain = [press(warnings, 5), column(warnings, 5)];
seen.sortName = [press(warnings, 1), column(warnings, 1)];
seen.sorted = $$("th[aria-sort]", warnings).length;
seen.detailMoves = warnings.tBodies[0].textContent.includes("a-rather-long-name.in-a-department.in-a-region.shop.example is in use");

type("mx SHOP"); seen.search = names(); seen.count = $$("#finding-tools output")[0].textContent; seen.tablesLeft = tables();
type("nothing has this"); seen.searchNothing = [names(), shown(document.getElementById("no-match"))];
type("");
pick(3, "platform"); seen.owner = names();
pick(2, "backends"); pick(0, "unmonitored-endpoint"); seen.allThree = names();
pick(0, ""); pick(2, ""); pick(3, ""); seen.reset = names().length;
$$("a.box")[3].dispatchEvent(new MouseEvent("click", { bubbles: true })); seen.box = names();
pick(2, "");

const background = () => getComputedStyle(document.body).backgroundColor;
const theme = document.getElementById("theme");
seen.theme = [background(), theme.textContent];
theme.click(); seen.themeAfter = [background(), theme.textContent];
theme.click(); seen.themeBack = background() === seen.theme[0];

const evidence = () => $$("table.findings details[open]").length;
document.getElementById("unfold").click(); seen.unfolded = evidence();
document.getElementById("unfold").click(); seen.foldedAgain = evidence();
dispatchEvent(new Event("beforeprint")); seen.printing = $$("details:not([open])").length;
dispatchEvent(new Event("afterprint")); seen.printed = evidence();

const copy = $$(".command button")[0];
copy.click(); seen.copied = [String(getSelection()), copy.textContent];
seen.focusable = copy.tabIndex === 0 && warnings.tHead.querySelector("button").tabIndex === 0;

const checks = document.getElementById("checks-table");
checks.tHead.rows[0].cells[2].querySelector("button").click();
seen.checks = Array.from(checks.tBodies[0].rows).map(r => r.cells[2].textContent);
const find = $$(".tools[data-for='checks-table'] input")[0]; find.value = "hosts.txt:9"; find.dispatchEvent(new Event("input"));
seen.checksFound = Array.from(checks.tBodies[0].rows).filter(shown).length;
seen.sideways = document.documentElement.scrollWidth <= innerWidth;
seen.requests = performance.getEntriesByType("resource").length;

const violations = [];
new ReportingObserver(list => list.forEach(r => violations.push(r.body.effectiveDirective || r.type)), { buffered: true }).observe();
setTimeout(() => {
  seen.violations = violations;
  const out = document.createElement("pre");
  out.id = "seen-by-test";
  out.textContent = JSON.stringify(seen);
  document.body.append(out);
}, 300);
`

func TestChromium(t *testing.T) {
	seen := inBrowser(t, render(t, busyReport(), "html", Options{}), readerScript)
	long := "a-rather-long-name.in-a-department.in-a-region.shop.example"
	want := map[string]any{
		"start": list("unmonitored-hostname legacy-api.shop.example", "expired-certificate api.shop.internal", "unmonitored-endpoint api.shop.internal",
			"weak-check grafana.ops.shop.internal", "expiring-certificate mx1.shop.example", "unmonitored-hostname mx2.shop.example",
			"unmonitored-hostname "+long, "unnamed-endpoint 10.77.9.9:9443", "unused-check old.shop.example"),
		"sortHandshakes":      list("descending", list("3,100", "1,900", "410", "120", "90")),
		"sortHandshakesAgain": list("ascending", list("90", "120", "410", "1,900", "3,100")),
		"sortName":            list("ascending", list(long, "api.shop.internal", "grafana.ops.shop.internal", "mx1.shop.example", "mx2.shop.example")),
		"sorted":              1.0, "detailMoves": true,
		"search": list("expiring-certificate mx1.shop.example", "unmonitored-hostname mx2.shop.example"), "count": "2 of 9 shown", "tablesLeft": 1.0,
		"searchNothing": list(list(), true),
		"owner":         list("expired-certificate api.shop.internal", "unmonitored-endpoint api.shop.internal"),
		"allThree":      list("unmonitored-endpoint api.shop.internal"), "reset": 9.0,
		"box":   list("expiring-certificate mx1.shop.example", "unmonitored-hostname mx2.shop.example"),
		"theme": list("rgb(244, 246, 248)", "Dark"), "themeAfter": list("rgb(16, 21, 26)", "Light"), "themeBack": true,
		"unfolded": 9.0, "foldedAgain": 0.0, "printing": 0.0, "printed": 0.0,
		"checks":      list("api.shop.internal", "old.shop.example", "shop.example", "-"),
		"checksFound": 1.0, "sideways": true, "focusable": true, "requests": 0.0, "violations": list(),
	}
	for step, w := range want {
		g, _ := json.Marshal(seen[step])
		if b, _ := json.Marshal(w); !bytes.Equal(g, b) {
			t.Errorf("%s: got %s, want %s", step, g, b)
		}
	}
	copied, _ := seen["copied"].([]any)
	const command = "openssl s_client -connect 10.77.0.10:443 -servername legacy-api.shop.example -showcerts </dev/null"
	if len(copied) != 2 || copied[0] != command || !slices.Contains([]any{"Copied", "Selected"}, copied[1]) {
		t.Errorf("copied: got %q", copied)
	}
}

// list is a JSON array.
func list(v ...any) []any { return append([]any{}, v...) }

// TestChromiumPrints holds that a report prints, and that what is folded on
// the screen is on paper.
func TestChromiumPrints(t *testing.T) {
	dir := t.TempDir()
	page := render(t, busyReport(), "html", Options{})
	folded, open := filepath.Join(dir, "folded.html"), filepath.Join(dir, "open.html")
	for name, text := range map[string]string{folded: page, open: strings.ReplaceAll(page, "<details>", "<details open>")} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var sheets [2]int
	for i, name := range []string{folded, open} {
		pdf := name + ".pdf"
		chromium(t, "--virtual-time-budget=5000", "--no-pdf-header-footer", "--print-to-pdf="+pdf, "file://"+name)
		b, err := os.ReadFile(pdf)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(b, []byte("%PDF-")) {
			t.Fatalf("no PDF: %q", b[:min(len(b), 20)])
		}
		sheets[i] = bytes.Count(b, []byte("/Type /Page\n"))
	}
	if sheets[0] < 2 || sheets[0] != sheets[1] {
		t.Errorf("got %d pages, and %d with everything unfolded", sheets[0], sheets[1])
	}
}

// TestChromiumHostile opens a report where every text is hostile: no script
// but the page's own ran, and nothing was asked for.
func TestChromiumHostile(t *testing.T) {
	r := infested("calm.example")
	r.Findings = nil
	for _, s := range hostile {
		r.Findings = append(r.Findings, infested(s).Findings...)
		r.Checks = append(r.Checks, infested(s).Checks...)
		r.Surfaces = append(r.Surfaces, infested(s).Surfaces...)
	}
	seen := inBrowser(t, render(t, r, "html", Options{}), `
"use strict";
const out = document.createElement("pre");
out.id = "seen-by-test";
document.querySelectorAll("button").forEach(b => b.click());
document.querySelectorAll("a.box").forEach(b => b.dispatchEvent(new MouseEvent("click")));
const select = document.querySelector("#finding-tools select[data-column='2']");
out.textContent = JSON.stringify({
  scripts: document.scripts.length, images: document.images.length, links: document.querySelectorAll("a:not([href^='#'])").length,
  findings: document.querySelectorAll("table.findings > tbody").length, surfaces: select.options.length - 1,
  requests: performance.getEntriesByType("resource").length, sideways: document.documentElement.scrollWidth <= innerWidth,
});
document.body.append(out);`)
	distinct := map[string]bool{}
	for _, s := range hostile {
		distinct[visible(s)] = true
	}
	for step, want := range map[string]any{
		"scripts": 2.0, "images": 0.0, "links": 0.0, "findings": float64(len(hostile)), "surfaces": float64(len(distinct)), "requests": 0.0, "sideways": true,
	} {
		if seen[step] != want {
			t.Errorf("%s: got %v, want %v", step, seen[step], want)
		}
	}
}
