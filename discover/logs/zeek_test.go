package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blindspot/discover"
)

// TestCourse: what a row says of how the handshake went. Histories are those
// that Zeek writes for such handshakes, by the letters that it documents.
func TestCourse(t *testing.T) {
	const chain = "[\"" + "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1" + "\"]"
	tests := []struct {
		name, row string
		outcome   discover.Outcome
		alert     string // of the refusal, as side:level:description
		hidden    string
		resumed   discover.Tri
		asked     discover.Tri
	}{
		{"TLS 1.2, whole", `"version":"TLSv12","established":true,"ssl_history":"CsxknGIti","cert_chain_fps":` + chain, discover.Established, "", "", discover.No, discover.No},
		{"TLS 1.2, resumed", `"version":"TLSv12","established":true,"resumed":true,"ssl_history":"CsiI"`, discover.Established, "", discover.HiddenResumed, discover.Yes, discover.No},
		{"TLS 1.2, anonymous", `"version":"TLSv12","established":true,"ssl_history":"CsknGIi"`, discover.Established, "", "", discover.No, discover.No},
		{"TLS 1.2, a warning on the way", `"version":"TLSv12","established":true,"last_alert":"unrecognized_name","ssl_history":"ClsxknGIi","cert_chain_fps":` + chain, discover.Established, "", "", discover.No, discover.No},
		{"TLS 1.2, cut after the hello", `"version":"TLSv12","ssl_history":"Cs"`, discover.OutcomeUnknown, "", discover.HiddenTruncated, discover.Unknown, discover.Unknown},
		{"the client closes", `"version":"TLSv12","last_alert":"close_notify","ssl_history":"CsxknL","cert_chain_fps":` + chain, discover.OutcomeUnknown, "", "", discover.No, discover.No},
		{"the client refuses", `"version":"TLSv12","last_alert":"bad_certificate","ssl_history":"CsxknL","cert_chain_fps":` + chain, discover.RefusedByClient, "client::bad_certificate", "", discover.No, discover.No},
		{"the client refuses twice", `"version":"TLSv12","last_alert":"unknown_ca","ssl_history":"CsxknLL","cert_chain_fps":` + chain, discover.RefusedByClient, "client:fatal:unknown_ca", "", discover.No, discover.No},
		{"the server refuses the hello", `"last_alert":"handshake_failure","ssl_history":"Cl"`, discover.RefusedByServer, "server:fatal:handshake_failure", discover.HiddenNoAnswer, discover.Unknown, discover.Unknown},
		{"the server refuses the client's certificate", `"version":"TLSv12","last_alert":"unknown_ca","ssl_history":"CsxkrnXGYIl","cert_chain_fps":` + chain, discover.RefusedByServer, "server:fatal:unknown_ca", "", discover.No, discover.Yes},
		{"a warning, and then it was cut", `"version":"TLSv12","last_alert":"unrecognized_name","ssl_history":"Clsx","cert_chain_fps":` + chain, discover.OutcomeUnknown, "", "", discover.No, discover.Unknown},
		{"TLS 1.3", `"version":"TLSv13","established":true,"ssl_history":"CsiI"`, discover.Established, "", discover.HiddenEncrypted, discover.No, discover.Unknown},
		{"TLS 1.3, PSK", `"version":"TLSv13","established":true,"resumed":true,"ssl_history":"CsiI"`, discover.Established, "", discover.HiddenResumed, discover.Yes, discover.Unknown},
		{"TLS 1.3 after a retry", `"version":"TLSv13","established":true,"ssl_history":"CjiICs"`, discover.Established, "", discover.HiddenEncrypted, discover.No, discover.Unknown},
		{"TLS 1.3, the client refuses in the clear", `"version":"TLSv13","last_alert":"certificate_expired","ssl_history":"CsiL"`, discover.RefusedByClient, "client:fatal:certificate_expired", discover.HiddenEncrypted, discover.No, discover.Unknown},
		{"no answer", `"ssl_history":"C"`, discover.Unanswered, "", discover.HiddenNoAnswer, discover.Unknown, discover.Unknown},
		{"the server's half", `"version":"TLSv12","ssl_history":"sxkn","cert_chain_fps":` + chain, discover.OutcomeUnknown, "", "", discover.No, discover.No},
		{"a certificate that is not named", `"version":"TLSv12","established":true,"ssl_history":"CsxknGIi"`, discover.Established, "", HiddenNotLogged, discover.No, discover.No},
		{"old, no answer", ``, discover.Unanswered, "", discover.HiddenNoAnswer, discover.Unknown, discover.Unknown},
		{"old, the client refuses", `"version":"TLSv12","last_alert":"certificate_expired","cert_chain_fps":` + chain, discover.RefusedByClient, "client::certificate_expired", "", discover.No, discover.Unknown},
		{"old, either could have refused", `"version":"TLSv12","last_alert":"unknown_ca","client_cert_chain_fps":` + chain + `,"cert_chain_fps":` + chain, discover.OutcomeUnknown, "", "", discover.No, discover.Yes},
		{"old, only servers say so", `"version":"TLSv12","last_alert":"no_application_protocol"`, discover.RefusedByServer, "server:fatal:no_application_protocol", discover.HiddenTruncated, discover.Unknown, discover.Unknown},
		{"old, a warning perhaps", `"version":"TLSv12","last_alert":"unrecognized_name","cert_chain_fps":` + chain, discover.OutcomeUnknown, "", "", discover.No, discover.Unknown},
		{"old, the name refused", `"last_alert":"unrecognized_name"`, discover.RefusedByServer, "server::unrecognized_name", discover.HiddenNoAnswer, discover.Unknown, discover.Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := oneZeek(t, tt.row)
			if o.Outcome != tt.outcome {
				t.Errorf("got outcome %q, want %q", o.Outcome, tt.outcome)
			}
			if got := alertText(o.Refusal()); got != tt.alert {
				t.Errorf("got alert %q, want %q", got, tt.alert)
			}
			if o.CertsHidden != tt.hidden {
				t.Errorf("got hidden %q, want %q", o.CertsHidden, tt.hidden)
			}
			if o.Resumed != tt.resumed || o.ClientAuthRequested != tt.asked {
				t.Errorf("got resumed %d, client asked %d, want %d, %d", o.Resumed, o.ClientAuthRequested, tt.resumed, tt.asked)
			}
		})
	}
}

func alertText(a discover.Alert) string {
	if (a == discover.Alert{}) {
		return ""
	}
	side := "client"
	if a.FromServer {
		side = "server"
	}
	return side + ":" + a.Level + ":" + a.Description
}

// oneZeek reads one row of ssl.log in JSON.
func oneZeek(t *testing.T, fields string) *discover.Observation {
	t.Helper()
	row := `{"_path":"ssl","ts":1700000000.5,"uid":"C1","id.orig_h":"10.0.0.7","id.orig_p":1,"id.resp_h":"10.0.0.10","id.resp_p":443,"server_name":"a.example"`
	if fields != "" {
		row += "," + fields
	}
	s := read(t, "zeek", write(t, map[string]string{"ssl.log": row + "}\n"}))
	if len(s.observations) != 1 {
		t.Fatalf("got %d observations: %v", len(s.observations), s.result.Warnings)
	}
	return s.observations[0]
}

func TestTransport(t *testing.T) {
	tests := []struct {
		name, version, conn, quic string
		want                      discover.Transport
		preface                   string
	}{
		{"no conn.log", "TLSv12", "", "", discover.TCP, ""},
		{"TCP", "TLSv12", `"proto":"tcp","service":"ssl"`, "", discover.TCP, ""},
		{"SMTP", "TLSv12", `"proto":"tcp","service":"ssl,smtp"`, "", discover.TCP, "smtp"},
		{"services as a set", "TLSv12", `"proto":"tcp","service":["ldap_tcp","ssl"]`, "", discover.TCP, "ldap"},
		{"a proxy", "TLSv13", `"proto":"tcp","service":"http,ssl"`, "", discover.TCP, "http-connect"},
		{"QUIC by conn.log", "TLSv13", `"proto":"udp","service":"quic,ssl"`, "", discover.QUIC, ""},
		{"QUIC by quic.log", "TLSv13", "", `"version":"1","client_initial_dcid":"ab"`, discover.QUIC, ""},
		{"TLS over UDP is QUIC", "TLSv13", `"proto":"udp","service":"ssl"`, "", discover.QUIC, ""},
		{"DTLS by its version", "DTLSv12", "", "", discover.DTLS, ""},
		{"DTLS without an answer", "", `"proto":"udp","service":"ssl"`, "", discover.DTLS, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			content := fmt.Sprintf(`{"_path":"ssl","ts":1,"uid":"C1","id.orig_h":"10.0.0.7","id.orig_p":1,"id.resp_h":"10.0.0.10","id.resp_p":443,"version":%q}`+"\n", tt.version)
			if tt.conn != "" {
				content += `{"_path":"conn","ts":1,"uid":"C1",` + tt.conn + "}\n"
			}
			if tt.quic != "" {
				content += `{"_path":"quic","ts":1,"uid":"C1",` + tt.quic + "}\n"
			}
			s := read(t, "zeek", write(t, map[string]string{"ssl.log": content}))
			if o := s.observations[0]; o.Transport != tt.want || o.Preface != tt.preface {
				t.Errorf("got %s, %q, want %s, %q", o.Transport, o.Preface, tt.want, tt.preface)
			}
		})
	}
}

func TestOneSided(t *testing.T) {
	tests := []struct {
		history string
		want    bool
	}{
		{"ShADadFf", false}, {"SADF", true}, {"S", false}, {"SD", false}, {"^hADdaF", false}, {"", false}, {"-", false},
	}
	for _, tt := range tests {
		if got := oneSided(tt.history); got != tt.want {
			t.Errorf("%q: got %v, want %v", tt.history, got, tt.want)
		}
	}
}

// TestHeaders: the forms that the ASCII writer has.
func TestHeaders(t *testing.T) {
	const fields = "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tserver_name\testablished\tresumed"
	const data = "1.5\tC1\t10.0.0.7\t1\t10.0.0.10\t443\ta.example\tT\tF\n"
	tests := []struct{ name, content string }{
		{"the default", "#separator \\x09\n#path\tssl\n#fields\t" + fields + "\n" + data},
		{"Windows", strings.ReplaceAll("#separator \\x09\n#path\tssl\n#fields\t"+fields+"\n"+data, "\n", "\r\n")},
		{"another separator", strings.ReplaceAll("#separator \\x7c\n#path\tssl\n#fields\t"+fields+"\n"+data, "\t", "|")},
		{"without metadata", fields + "\n" + data},
		{"a filter's name", "#separator \\x09\n#path\tssl_external\n#fields\t" + fields + "\n" + data},
		{"without an end of line", "#separator \\x09\n#path\tssl\n#fields\t" + fields + "\n" + strings.TrimSpace(data)},
		{"comments and blank lines", "#separator \\x09\n#path\tssl\n\n#fields\t" + fields + "\n\n#close\tx\n" + data},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := read(t, "zeek", write(t, map[string]string{"ssl.log": tt.content}))
			if len(s.observations) != 1 || s.observations[0].SNI != "a.example" || s.observations[0].Outcome != discover.Established {
				t.Errorf("got %s", s.text())
			}
		})
	}
	t.Run("a new header on the way", func(t *testing.T) {
		content := tests[0].content + "#separator \\x09\n#path\tssl\n#fields\tserver_name\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\n" +
			"b.example\t2.5\t10.0.0.7\t1\t10.0.0.10\t443\n"
		s := read(t, "zeek", write(t, map[string]string{"ssl.log": content}))
		if len(s.observations) != 2 || s.observations[1].SNI != "b.example" {
			t.Errorf("got %s", s.text())
		}
	})
}

// TestKnownSHA1: a certificate of an old log is named where the caller knows
// its SHA-1.
func TestKnownSHA1(t *testing.T) {
	want := discover.Fingerprint{7}
	cfg := Config{Known: func(sum SHA1) (discover.Fingerprint, bool) {
		return want, sum.String() == strings.Repeat("33", 20)
	}}
	s := readWith(t, cfg, "zeek", filepath.Join("testdata", "zeek-old"))
	for _, o := range s.observations {
		if o.SNI != "sha1.example" {
			continue
		}
		if len(o.Chain) != 1 || o.Chain[0] != want || o.CertsFrom != discover.FromWire || o.CertsHidden != "" {
			t.Errorf("got chain %v from %q, hidden %q", o.Chain, o.CertsFrom, o.CertsHidden)
		}
	}
	if n := len(s.result.Partials); n != 1 {
		t.Errorf("got %d partials, want the one that is not known", n)
	}
}

// TestEveryPrefix: what a cut log gives is the beginning of what the whole log
// gives.
func TestEveryPrefix(t *testing.T) {
	for _, tt := range []struct{ kind, path string }{
		{"zeek", "zeek/ssl.log"}, {"zeek", "zeek-json/ssl.json"}, {"suricata", "suricata/eve.json"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(tt.path)))
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), filepath.Base(tt.path))
			whole := names(t, tt.kind, filepath.Join("testdata", filepath.FromSlash(tt.path)))
			step := max(1, len(content)/500)
			for n := 0; n < len(content); n += step {
				if err := os.WriteFile(path, content[:n], 0o666); err != nil {
					t.Fatal(err)
				}
				if got := names(t, tt.kind, path); !strings.HasPrefix(whole, got) {
					t.Fatalf("prefix of %d bytes: got %q, which the whole log does not begin with", n, got)
				}
			}
		})
	}
}

// names are the names of a log's TCP handshakes that have ended with a line; a
// name that was cut within a row of tabs is none.
func names(t *testing.T, kind, path string) string {
	t.Helper()
	var b strings.Builder
	_, err := Read(Source{kind, []string{path}}, Config{Emit: func(o *discover.Observation, _ []*discover.Certificate) {
		if o.Transport == discover.TCP {
			b.WriteString(o.SNI + o.SNIRaw + "\n")
		}
	}})
	if err != nil && !strings.Contains(err.Error(), "log") {
		t.Fatal(err)
	}
	return b.String()
}
