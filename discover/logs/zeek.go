package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

func init() {
	register(format{kind: "zeek", named: zeekName, look: lookZeek, read: readZeek})
}

// zeekName knows Zeek's logs in a directory: ssl.log, ssl.2026-11-23-10.log,
// ssl.10:00:00-11:00:00.log.gz, ssl_20261123_10.json, json_streaming_ssl.1.log.
func zeekName(base string) bool { return zeekNames.MatchString(base) }

var zeekNames = regexp.MustCompile(`^(?:json_streaming_)?(ssl|x509|conn|quic|files)([._-]\d|\.log|\.json|\.ndjson|\.tsv)`)

// zeekLogs are the logs that are of use.
var zeekLogs = map[string]bool{"ssl": true, "x509": true, "conn": true, "quic": true, "files": true}

// mixedLog is a file of JSON rows that each name their log in "_path", as the
// streaming writers do.
const mixedLog = "mixed"

func lookZeek(start []byte) (look, bool) {
	first := string(firstLine(start))
	switch {
	case strings.HasPrefix(first, "#"):
		return lookZeekHeader(string(start))
	case strings.HasPrefix(first, "{"):
		return lookZeekJSON(first)
	}
	columns := strings.Split(first, "\t") // LogAscii's plain mode: one header row
	if len(columns) < 2 || columns[0] != "ts" {
		return look{}, false
	}
	log := logOfColumns(func(name string) bool { return slicesHas(columns, name) })
	return look{log, "a Zeek log"}, true
}

// lookZeekHeader reads the metadata of an ASCII log.
func lookZeekHeader(start string) (look, bool) {
	zeek, path := false, ""
	for line := range strings.Lines(start) {
		line = strings.TrimRight(line, "\r\n")
		if !strings.HasPrefix(line, "#") {
			break
		}
		key, value := cutHeader(line)
		switch key {
		case "separator", "fields", "types", "set_separator":
			zeek = true
		case "path":
			path = value
		}
	}
	if !zeek {
		return look{}, false
	}
	return zeekLook(path), true
}

// zeekLook is the look of a log by its path: "ssl", also "ssl.worker" and
// "ssl_external" of a site's own filters.
func zeekLook(path string) look {
	name := path
	if i := strings.IndexAny(path, "._-"); i > 0 {
		name = path[:i]
	}
	if !zeekLogs[name] || strings.HasPrefix(path, "conn-summary") {
		name = ""
	}
	return look{name, fmt.Sprintf("a Zeek log (%s)", path)}
}

func lookZeekJSON(first string) (look, bool) {
	var row jsonRow
	if json.Unmarshal([]byte(first), &row.fields) != nil {
		return look{}, false
	}
	has := func(name string) bool { _, ok := row.text(name); return ok || len(row.list(name)) > 0 }
	switch {
	case row.fields == nil, has("event_type") && has("src_ip"):
		return look{}, false
	case has("_path"):
		return look{mixedLog, "a Zeek log in JSON"}, true
	case !has("ts"):
		return look{}, false
	}
	return look{logOfColumns(has), "a Zeek log in JSON"}, true
}

// logOfColumns tells a log by fields that every row of it has.
func logOfColumns(has func(string) bool) string {
	switch {
	case has("_path"):
		return mixedLog
	case has("established") && has("resumed"), has("cert_chain_fps"), has("cert_chain_fuids"):
		return "ssl"
	case has("certificate.serial"), has("certificate.subject"):
		return "x509"
	case has("client_initial_dcid"), has("server_scid"):
		return "quic"
	case has("conn_state"), has("proto") && has("missed_bytes"):
		return "conn"
	case has("fuid") && has("source"):
		return "files"
	}
	return ""
}

// readZeek reads first what handshakes are joined with, then the handshakes.
func readZeek(r *run) error {
	z := newZeek(r)
	handshakes := false
	for _, f := range r.files {
		handshakes = handshakes || f.look.log == "ssl" || f.look.log == mixedLog
	}
	if !handshakes {
		return errors.New("no ssl.log is among the files: the other logs do not say who uses a certificate")
	}
	for _, f := range r.files {
		if f.look.log == "ssl" {
			continue
		}
		if err := z.read(f, z.join); err != nil {
			return err
		}
	}
	for _, f := range r.files {
		if f.look.log != "ssl" && f.look.log != mixedLog {
			continue
		}
		f.again = f.look.log == mixedLog
		if err := z.read(f, z.handshake); err != nil {
			return err
		}
	}
	z.advise()
	return nil
}

// zeek is what one Read of Zeek's logs knows.
type zeek struct {
	run   *run
	certs *zeekCertificates
	conns zeekConns
}

func newZeek(r *run) *zeek {
	return &zeek{run: r, certs: newZeekCertificates(), conns: make(zeekConns)}
}

// read calls do for every row of a file.
func (z *zeek) read(f *file, do func(f *file, log string, row row) error) error {
	t := table{}
	return f.each(z.run, func(line []byte) error {
		switch {
		case line[0] != '#' && t.columns != nil && useless(f.look.log, line), line[0] == '{' && useless(f.look.log, line):
			return nil
		case line[0] == '{':
			row := jsonRow{}
			if err := json.Unmarshal(line, &row.fields); err != nil {
				return f.unreadable("no JSON object: %v", err)
			}
			log := f.look.log
			if path, ok := row.text("_path"); ok {
				log = zeekLook(path).log
			}
			return do(f, log, &row)
		case line[0] == '#':
			t.header(string(line))
			return errNoRow
		case t.columns == nil && t.plainHeader(string(line)):
			return errNoRow
		}
		row, err := t.row(string(line))
		if err != nil {
			return f.unreadable("%v", err)
		}
		log := f.look.log
		if t.path != "" {
			log = zeekLook(t.path).log
		}
		return do(f, log, row)
	})
}

// needed are words of which a row of conn.log or files.log, which are long,
// holds one if it has to do with TLS.
var needed = map[string][]string{
	"conn":  {"ssl", "quic", "dtls", "SSL", "QUIC", "DTLS"},
	"files": {"x509", "pkix-cert", "SSL", "DTLS"},
}

// useless reports a row that need not be taken apart.
func useless(log string, line []byte) bool {
	words, long := needed[log]
	if !long {
		return false
	}
	for _, word := range words {
		if bytes.Contains(line, []byte(word)) {
			return false
		}
	}
	return true
}

// join takes the rows that handshakes are joined with.
func (z *zeek) join(_ *file, log string, row row) error {
	switch log {
	case "ssl":
		return errNoRow
	case "x509":
		return z.certs.addX509(row)
	case "files":
		return z.certs.addFile(row)
	case "conn":
		return z.conns.addConn(row)
	case "quic":
		return z.conns.addQUIC(row)
	}
	return skip("other-log")
}

// advise says what the user can do about what is missing.
func (z *zeek) advise() {
	r := z.run
	if n := r.res.Gaps["transport"]; n > 0 {
		r.advise("%d handshakes of TLS 1.3 may be QUIC, which ssl.log does not tell from TCP: import conn.log or quic.log with it", n)
	}
	if n := r.res.Gaps["no-fields"]; n > 0 {
		r.advise("%d handshakes show certificates that no x509.log describes: Zeek logs each once a day, so import the x509.log of the day before as well", n)
	}
	if n := r.res.Gaps["not-logged"]; n > 0 {
		r.advise("%d handshakes show certificates of which the logs do not hold the SHA-256: Zeek 4.1 and later log it, older ones in files.log where policy/frameworks/files/hash-all-files adds it", n)
	}
}
