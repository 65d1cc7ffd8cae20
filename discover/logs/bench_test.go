package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blindspot/discover"
)

// BenchmarkRead reports the rows a second of each form.
func BenchmarkRead(b *testing.B) {
	const rows = 20_000
	repeat := func(row func(i int) string) string {
		var s strings.Builder
		for i := range rows {
			s.WriteString(row(i))
		}
		return s.String()
	}
	tests := []struct{ name, kind, content string }{
		{"zeek", "zeek", sslHeader + repeat(func(i int) string { return sslLine(fmt.Sprint("C", i), fmt.Sprintf("h%d.example", i)) })},
		{"zeek-json", "zeek", repeat(func(i int) string {
			return fmt.Sprintf(`{"ts":1700000000.1,"uid":"C%d","id.orig_h":"10.0.0.7","id.orig_p":51034,"id.resp_h":"10.0.0.10","id.resp_p":443,"version":"TLSv12","server_name":"h%d.example","resumed":false,"established":true,"ssl_history":"CsxknGIti","cert_chain_fps":[%q]}`+"\n", i, i, strings.Repeat("ab", 32))
		})},
		{"suricata", "suricata", repeat(func(i int) string {
			return fmt.Sprintf(`{"timestamp":"2026-11-23T11:00:00.000123+0100","flow_id":%d,"event_type":"tls","src_ip":"10.0.0.7","src_port":51000,"dest_ip":"10.0.0.10","dest_port":443,"proto":"TCP","tls":{"sni":"h%d.example","version":"TLS 1.2","subject":"CN=a","issuerdn":"CN=b","fingerprint":"00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33"}}`+"\n", i, i)
		})},
		{"suricata-others", "suricata", repeat(func(i int) string {
			return fmt.Sprintf(`{"timestamp":"2026-11-23T11:00:00.000123+0100","flow_id":%d,"event_type":"flow","src_ip":"10.0.0.7","src_port":51000,"dest_ip":"10.0.0.10","dest_port":443,"proto":"TCP","flow":{"pkts_toserver":12,"pkts_toclient":10,"bytes_toserver":1200,"bytes_toclient":11000,"start":"2026-11-23T11:00:00.000123+0100","end":"2026-11-23T11:00:00.000123+0100","age":1,"state":"closed","reason":"timeout","alerted":false}}`+"\n", i)
		})},
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "log")
			if err := os.WriteFile(path, []byte(tt.content), 0o666); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(tt.content)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Read(Source{tt.kind, []string{path}}, Config{Emit: func(*discover.Observation, []*discover.Certificate) {}}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
