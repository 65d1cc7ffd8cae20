package logs

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blindspot/discover"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// kinds is written by hand: a file that is lost takes its kind with it.
func TestKinds(t *testing.T) {
	if got, want := Kinds(), []string{"suricata", "zeek"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// seen is what a Read told.
type seen struct {
	observations []*discover.Observation
	certs        []*discover.Certificate
	result       *Result
}

func read(t *testing.T, kind string, paths ...string) *seen {
	t.Helper()
	return readWith(t, Config{}, kind, paths...)
}

func readWith(t *testing.T, cfg Config, kind string, paths ...string) *seen {
	t.Helper()
	s := &seen{}
	cfg.Emit = func(o *discover.Observation, certs []*discover.Certificate) {
		s.observations = append(s.observations, o)
		s.certs = append(s.certs, certs...)
	}
	var err error
	if s.result, err = Read(Source{kind, paths}, cfg); err != nil {
		t.Fatal(err)
	}
	return s
}

// write makes files in a new directory and returns it. Content of a name that
// ends in .gz is compressed.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".gz") {
			content = zipped(content)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

// text writes all that was told, for golden files and comparisons.
func (s *seen) text() string {
	var b strings.Builder
	for i, o := range s.observations {
		b.Write(discover.AppendEvent(nil, uint64(i+1), o))
	}
	for _, c := range s.certs {
		fmt.Fprintf(&b, "certificate %s\n  subject %s\n  issuer %s\n  serial %s, %s to %s, ca %v, self-signed %v\n  key %s %d %s, signature %s\n  names %q %q %q %q\n",
			c.SHA256, c.Subject, c.Issuer, c.Serial, c.NotBefore.Format("2006-01-02T15:04:05Z"), c.NotAfter.Format("2006-01-02T15:04:05Z"), c.CA, c.SelfSigned,
			c.KeyType, c.KeyBits, c.Curve, c.Signature, c.DNSNames, c.IPs, c.URIs, c.Emails)
	}
	for _, p := range s.result.Partials {
		fmt.Fprintf(&b, "partial %+v\n", p)
	}
	fmt.Fprintf(&b, "rows %d, handshakes %d, skipped %v, gaps %v\n", s.result.Rows, s.result.Handshakes, s.result.Skipped, s.result.Gaps)
	for _, f := range s.result.Files {
		fmt.Fprintf(&b, "file %s: %s, rows %d, handshakes %d\n", filepath.ToSlash(f.Path), f.Log, f.Rows, f.Handshakes)
	}
	for _, w := range s.result.Warnings {
		fmt.Fprintf(&b, "warning %s: %s\n", filepath.ToSlash(w.Ref), w.Text)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update rewrites it):\n%s", path, firstDifference(got, string(want)))
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d\ngot  %s\nwant %s", i+1, g[i], slices.Concat(w, []string{""})[min(i, len(w))])
		}
	}
	return fmt.Sprintf("want %d lines more", len(w)-len(g))
}

func TestGolden(t *testing.T) {
	tests := []struct{ name, kind string }{
		{"zeek", "zeek"}, {"zeek-json", "zeek"}, {"zeek-old", "zeek"}, {"suricata", "suricata"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			golden(t, tt.name, read(t, tt.kind, filepath.Join("testdata", tt.name)).text())
		})
	}
}

func TestWrongKind(t *testing.T) {
	const eve = `{"timestamp":"2026-11-23T10:00:00.000000+0000","event_type":"dns"}` + "\n"
	tests := []struct {
		name, kind, content, want string
	}{
		{"eve for zeek", "zeek", eve, "looks like Suricata's eve.json: use blindspot import suricata"},
		{"zeek for eve", "suricata", sslHeader, "looks like a Zeek log (ssl): use blindspot import zeek"},
		{"a capture", "zeek", "\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "looks like a capture (pcap): use blindspot pcap"},
		{"zstd", "suricata", "\x28\xb5\x2f\xfd\x00", "compressed with zstd: decompress it first"},
		{"text", "zeek", "Nov 23 10:00:00 host sshd[1]: hello\n", "is text that no log of a known kind begins with"},
		{"other JSON", "suricata", `{"a":1}` + "\n", "holds JSON of another kind"},
		{"binary", "suricata", "\x7fELF\x00\x00", "is binary and no log"},
		{"another log of Zeek", "zeek", "#separator \\x09\n#path\tdns\n#fields\tts\tuid\n1.0\tC1\n", "no ssl.log is among the files"},
		{"an empty file", "zeek", "", "no ssl.log is among the files"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(write(t, map[string]string{"ssl.log": tt.content}), "ssl.log")
			_, err := Read(Source{tt.kind, []string{path}}, Config{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestSourceErrors(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name  string
		src   Source
		wants string
	}{
		{"unknown kind", Source{"snort", []string{dir}}, `"snort" are not understood: use one of suricata, zeek`},
		{"no path", Source{"zeek", nil}, "no log was named"},
		{"no file", Source{"zeek", []string{filepath.Join(dir, "none")}}, "no such file"},
		{"nothing in it", Source{"suricata", []string{dir}}, "holds no log of this kind"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Read(tt.src, Config{}); err == nil || !strings.Contains(err.Error(), tt.wants) {
				t.Errorf("got error %v, want %q", err, tt.wants)
			}
		})
	}
}

// TestIdentity: what was read is known by its content, not by where it lies,
// how it is called, rotated in what order, or packed.
func TestIdentity(t *testing.T) {
	a, b := sslHeader+sslLine("C1", "a.example"), sslHeader+sslLine("C2", "b.example")
	id := func(files map[string]string) string { return read(t, "zeek", write(t, files)).result.Identity }
	want := id(map[string]string{"ssl.log": a, "ssl.2.log": b})
	if got := id(map[string]string{"2026-11-23/ssl.10:00:00-11:00:00.log.gz": b, "current/ssl.log": a}); got != want {
		t.Errorf("the same logs elsewhere: got %s, want %s", got, want)
	}
	if got := id(map[string]string{"ssl.log": a}); got == want {
		t.Error("one of two logs: got the same identity")
	}
	if len(want) != 64 {
		t.Errorf("got %q, want 64 hex digits", want)
	}
}

// TestSameContentOnce: a log and its compressed copy are one log.
func TestSameContentOnce(t *testing.T) {
	content := sslHeader + sslLine("C1", "a.example")
	s := read(t, "zeek", write(t, map[string]string{"ssl.log": content, "ssl.10-11.log.gz": content}))
	if len(s.observations) != 1 || s.result.Skipped["file-twice"] != 1 {
		t.Errorf("got %d handshakes, %v skipped, want 1 and one file twice", len(s.observations), s.result.Skipped)
	}
}

// TestRotated: Zeek's directory with a link to the current logs, and others
// that are of no use.
func TestRotated(t *testing.T) {
	dir := write(t, map[string]string{
		"2026-11-22/ssl.09:00:00-10:00:00.log.gz":   sslHeader + sslLine("C1", "one.example"),
		"2026-11-22/ssl.10:00:00-11:00:00.log":      sslHeader + sslLine("C2", "two.example"),
		"2026-11-22/conn-summary.10:00-11:00.log":   "not for programs\n",
		"2026-11-22/dns.10:00:00-11:00:00.log":      "#separator \\x09\n#path\tdns\n#fields\tts\n",
		"2026-11-22/known_certs.10:00-11:00.log.gz": "x",
		"spool/ssl.log":               sslHeader + sslLine("C3", "three.example"),
		"spool/ssl.2026-11-23-10.log": sslHeader + sslLine("C4", "four.example"),
	})
	if err := os.Symlink(filepath.Join(dir, "spool"), filepath.Join(dir, "current")); err != nil {
		t.Skip("no symbolic links here")
	}
	if err := os.Symlink(dir, filepath.Join(dir, "spool", "loop")); err != nil {
		t.Fatal(err)
	}
	var names []string
	s := read(t, "zeek", dir)
	for _, o := range s.observations {
		names = append(names, o.SNI)
	}
	if want := []string{"one.example", "two.example", "four.example", "three.example"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q; warnings %v", names, want, s.result.Warnings)
	}
}

// TestBrokenOff: a compressed log that was cut gives what is before the cut.
func TestBrokenOff(t *testing.T) {
	content := sslHeader
	for i := range 2000 {
		content += sslLine(fmt.Sprintf("C%d", i), fmt.Sprintf("host-%d.example", i*7919))
	}
	whole := zipped(content)
	dir := t.TempDir()
	path := filepath.Join(dir, "ssl.log.gz")
	if err := os.WriteFile(path, []byte(whole[:len(whole)/2]), 0o666); err != nil {
		t.Fatal(err)
	}
	s := read(t, "zeek", path)
	if n := len(s.observations); n == 0 || n >= 2000 {
		t.Errorf("got %d handshakes, want some", n)
	}
	if s.result.Skipped["broken-off"] != 1 || !strings.Contains(s.result.Warnings[0].Text, "breaks off") {
		t.Errorf("got %v, %v", s.result.Skipped, s.result.Warnings)
	}
}

// TestLongLine: a line beyond the bound is skipped, those around it are not.
func TestLongLine(t *testing.T) {
	content := sslHeader + sslLine("C1", "a.example") + strings.Repeat("x", maxLine+1) + "\n" + sslLine("C2", "b.example")
	s := read(t, "zeek", write(t, map[string]string{"ssl.log": content}))
	if len(s.observations) != 2 || s.result.Skipped["line-too-long"] != 1 {
		t.Errorf("got %d handshakes, %v", len(s.observations), s.result.Skipped)
	}
	if got, want := s.result.Warnings[0].Ref, "ssl.log:9"; !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestManyBadRows: the first are told, all are counted.
func TestManyBadRows(t *testing.T) {
	content := sslHeader + strings.Repeat("half a row\n", 3*maxWarnings) + sslLine("C1", "a.example")
	s := read(t, "zeek", write(t, map[string]string{"ssl.log": content}))
	r := s.result
	if len(s.observations) != 1 || r.Skipped["malformed"] != 3*maxWarnings || len(r.Warnings) != maxWarnings+2 {
		t.Errorf("got %d handshakes, %v skipped, %d warnings", len(s.observations), r.Skipped, len(r.Warnings))
	}
	if last := r.Warnings[maxWarnings].Text; last != "40 more warnings are left out" {
		t.Errorf("got %q", last)
	}
}

const sslHeader = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tssl\n" +
	"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tversion\tserver_name\tresumed\tlast_alert\testablished\tssl_history\tcert_chain_fps\n" +
	"#types\ttime\tstring\taddr\tport\taddr\tport\tstring\tstring\tbool\tstring\tbool\tstring\tvector[string]\n"

func sslLine(uid, name string) string {
	return "1700000000.123456\t" + uid + "\t10.0.0.7\t51034\t10.0.0.10\t443\tTLSv12\t" + name + "\tF\t-\tT\tCsxknGIti\t" + strings.Repeat("ab", 32) + "\n"
}
