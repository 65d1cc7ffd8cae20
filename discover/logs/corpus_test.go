package logs

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/discover"
	"blindspot/discover/flow"
)

// corpus returns a path below the corpus of other people's captures and logs,
// which lies beside the repository.
func corpus(t *testing.T, parts ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "shared", "corpus"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the corpus is not here: %v", err)
	}
	return path
}

// tsv reads rows of a table by the names of its columns. It shares nothing with
// the reader under test.
func tsv(t *testing.T, path string) []map[string]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var rows []map[string]string
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "#fields\t"); ok {
			names = strings.Split(rest, "\t")
			continue
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		if names == nil {
			names = cells
			continue
		}
		row := map[string]string{}
		for i, name := range names {
			row[name] = cells[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// TestSuricataOfCorpus: Suricata's log of a capture gives the hostname and the
// chain that TShark sees in it, and those that blindspot sees.
func TestSuricataOfCorpus(t *testing.T) {
	logs, _ := filepath.Glob(filepath.Join(corpus(t, "logs", "suricata"), "*.eve.json"))
	if len(logs) == 0 {
		t.Fatal("no log is there")
	}
	names, chains := tsv(t, corpus(t, "truth.tsv")), tsv(t, corpus(t, "truth.certs.tsv"))
	for _, path := range logs {
		name := strings.TrimSuffix(filepath.Base(path), ".eve.json") + ".pcap"
		t.Run(name, func(t *testing.T) {
			want := map[string]string{} // name to chain
			for _, r := range names {
				if r["file"] == name && r["sni"] != "" {
					want[r["sni"]] = ""
				}
			}
			for _, r := range chains {
				for sni := range want {
					if r["file"] == name && r["role"] == "server" {
						want[sni] = r["sha256"]
					}
				}
			}
			got := surface(read(t, "suricata", path).observations)
			if !maps.Equal(got, want) || len(got) == 0 {
				t.Errorf("TShark: got %v, want %v", got, want)
			}
			if ours := surface(replay(t, corpus(t, "pcaps", name))); !maps.Equal(got, ours) {
				t.Errorf("blindspot: got %v, want %v", got, ours)
			}
		})
	}
}

// surface is what matters of observations: names and their chains.
func surface(list []*discover.Observation) map[string]string {
	m := map[string]string{}
	for _, o := range list {
		var chain []string
		for _, f := range o.Chain {
			chain = append(chain, f.String())
		}
		m[o.SNI] = strings.Join(chain, ",")
	}
	return m
}

// replay reads a capture as blindspot does.
func replay(t *testing.T, path string) []*discover.Observation {
	t.Helper()
	file, err := capture.Open(path, capture.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var list []*discover.Observation
	reader := flow.NewReader(flow.Config{Emit: func(o *discover.Observation) { list = append(list, o) }}, decode.Config{})
	if err := reader.Read(context.Background(), file); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestZeekOfCorpus: Zeek's own expected logs give what is written in them.
func TestZeekOfCorpus(t *testing.T) {
	dirs, _ := filepath.Glob(filepath.Join(corpus(t, "logs", "zeek"), "*"))
	if len(dirs) == 0 {
		t.Fatal("no log is there")
	}
	transports := map[string]string{"ssl.dtls": "dtls"} // what the others have is told by conn.log
	starttls := map[string]string{"imap.starttls": "imap", "mysql.encrypted": "mysql"}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			s := read(t, "zeek", dir)
			rows := tsv(t, filepath.Join(dir, "ssl.log"))
			if len(s.observations) != len(rows) || len(s.result.Skipped) != 0 {
				t.Fatalf("got %d handshakes of %d rows, skipped %v", len(s.observations), len(rows), s.result.Skipped)
			}
			for i, row := range rows {
				compareZeek(t, s.observations[i], row)
			}
			o, name := s.observations[0], filepath.Base(dir)
			if got, want := o.Transport.String(), orDefault(transports[name], "tcp"); got != want {
				t.Errorf("got transport %s, want %s", got, want)
			}
			if o.Preface != starttls[name] {
				t.Errorf("got STARTTLS %q, want %q", o.Preface, starttls[name])
			}
			if described := len(s.certs); described != len(o.Chain) && s.result.Gaps["no-fields"] == 0 {
				t.Errorf("got the fields of %d certificates, want %d", described, len(o.Chain))
			}
		})
	}
}

func compareZeek(t *testing.T, o *discover.Observation, row map[string]string) {
	t.Helper()
	var chain []string
	for _, f := range o.Chain {
		chain = append(chain, f.String())
	}
	got := []string{o.Client.Addr().String(), o.Server.Addr().String(), orDefault(o.SNI, "-"), orDefault(strings.Join(chain, ","), "-"), orDefault(o.Cipher, "-")}
	want := []string{row["id.orig_h"], row["id.resp_h"], row["server_name"], row["cert_chain_fps"], row["cipher"]}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if established := o.Outcome == discover.Established; established != (row["established"] == "T") {
		t.Errorf("got outcome %q, want established %s", o.Outcome, row["established"])
	}
	if o.Version == "TLS 1.3" != (o.CertsHidden == discover.HiddenEncrypted) {
		t.Errorf("got %q hidden %q", o.Version, o.CertsHidden)
	}
}

// TestFieldsOfCorpus: x509.log's fields read as the certificate itself does. A
// capture of the same mail server holds the same certificates.
func TestFieldsOfCorpus(t *testing.T) {
	dir := corpus(t, "logs", "zeek", "smtp.starttls")
	byPrint := map[discover.Fingerprint]*discover.Certificate{}
	for _, name := range []string{"ndpi--smtp-starttls.pcap", "pcapplusplus--tls.pcap"} {
		for _, o := range replay(t, corpus(t, "pcaps", name)) {
			for _, raw := range o.DER {
				byPrint[raw.SHA256] = discover.ParseCertificate(raw.DER)
			}
		}
	}
	compared := 0
	for _, got := range read(t, "zeek", dir).certs {
		if want := byPrint[got.SHA256]; want != nil {
			compareFields(t, got, want)
			compared++
		}
	}
	if compared == 0 {
		t.Skip("the capture shows none of the certificates in the clear part that is read")
	}
}

func compareFields(t *testing.T, got, want *discover.Certificate) {
	t.Helper()
	tests := []struct {
		field     string
		got, want any
	}{
		{"subject", got.Subject, want.Subject},
		{"issuer", got.Issuer, want.Issuer},
		{"serial", got.Serial, want.Serial},
		{"common name", got.CommonName, want.CommonName},
		{"not before", got.NotBefore.Unix(), want.NotBefore.Unix()},
		{"not after", got.NotAfter.Unix(), want.NotAfter.Unix()},
		{"names", strings.Join(got.DNSNames, ","), strings.Join(want.DNSNames, ",")},
		{"CA", got.CA, want.CA},
		{"key", got.KeyType, want.KeyType},
		{"key bits", got.KeyBits, want.KeyBits},
		{"curve", got.Curve, want.Curve},
		{"signature", got.Signature, want.Signature},
		{"self-signed", got.SelfSigned, want.SelfSigned},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s of %s: got %v, want %v", tt.field, want.Subject, tt.got, tt.want)
		}
	}
}
