package logs

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("y", 200<<10) // more than the reader's buffer
	tests := []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"one", "a\n", []string{"a"}},
		{"no end", "a\nb", []string{"a", "b"}},
		{"Windows", "a\r\nb\r\n", []string{"a", "b"}},
		{"blank", "\n\na\n", []string{"", "", "a"}},
		{"long", "a\n" + long + "\nb\n", []string{"a", long, "b"}},
		{"as long as allowed", strings.Repeat("z", maxLine-1) + "\n", []string{strings.Repeat("z", maxLine-1)}},
		{"too long", strings.Repeat("z", maxLine+1) + "\nb\n", []string{"too long", "b"}},
		{"too long, no end", "a\n" + strings.Repeat("z", maxLine+1), []string{"a", "too long"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			l := newLines(strings.NewReader(tt.text))
			for {
				line, err := l.next()
				if errors.Is(err, io.EOF) {
					break
				}
				if errors.Is(err, errTooLong) {
					line = []byte("too long")
				} else if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(line))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %d lines, want %d", len(got), len(tt.want))
			}
		})
	}
}

// TestNames: what is taken of a directory.
func TestNames(t *testing.T) {
	tests := []struct {
		kind, base string
		want       bool
	}{
		{"zeek", "ssl.log", true}, {"zeek", "x509.log", true}, {"zeek", "conn.log.gz", true}, {"zeek", "quic.log", true}, {"zeek", "files.log", true},
		{"zeek", "ssl.2026-11-23-10.log", true}, {"zeek", "ssl.10:00:00-11:00:00.log.gz", true}, {"zeek", "ssl_20261123_10:00:00-11:00:00-0500.log.gz", true},
		{"zeek", "ssl.json", true}, {"zeek", "json_streaming_ssl.1.log", true}, {"zeek", "x509-20261123.log", true},
		{"zeek", "conn-summary.10:00:00-11:00:00.log", false}, {"zeek", "known_certs.log", false}, {"zeek", "dns.log", false}, {"zeek", "sslstrip.log", false}, {"zeek", "stats.log", false},
		{"suricata", "eve.json", true}, {"suricata", "eve.json.1", true}, {"suricata", "eve.json-20261123.gz", true}, {"suricata", "eve-2026-11-23.json", true},
		{"suricata", "eve.3.json", true}, {"suricata", "site-a.eve.json", true}, {"suricata", "tls.json", true},
		{"suricata", "fast.log", false}, {"suricata", "stats.json", false}, {"suricata", "steve.json", false}, {"suricata", "eve.log", false},
	}
	for _, tt := range tests {
		if got := formats[tt.kind].named(tt.base); got != tt.want {
			t.Errorf("%s, %s: got %v, want %v", tt.kind, tt.base, got, tt.want)
		}
	}
}

// TestPartialsBound: certificates beyond the bound are not told, those before
// it still count.
func TestPartialsBound(t *testing.T) {
	p := partials{at: make(map[partialKey]int)}
	at := time.Unix(1, 0)
	for i := range maxPartials {
		if !p.seen(Partial{SHA1: fmt.Sprint(i)}, at) {
			t.Fatalf("refused after %d", i)
		}
	}
	if p.seen(Partial{SHA1: "one more"}, at) {
		t.Error("took one more than the bound")
	}
	if !p.seen(Partial{SHA1: "7"}, at) || p.sorted()[0].Handshakes != 2 || len(p.list) != maxPartials {
		t.Error("a known one does not count any more")
	}
}

// TestConnsBound: connections beyond the bound are counted, those before it are
// still completed.
func TestConnsBound(t *testing.T) {
	if testing.Short() {
		t.Skip("fills a table of a million connections")
	}
	conns := make(zeekConns, maxConns)
	for i := range maxConns {
		if err := conns.add(fmt.Sprint(i), zeekConn{}); err != nil {
			t.Fatal(err)
		}
	}
	var reason *badRow
	if err := conns.add("one more", zeekConn{}); !errors.As(err, &reason) || reason.reason != "conn-beyond-bound" {
		t.Errorf("got %v", err)
	}
	if err := conns.add("7", zeekConn{quic: true}); err != nil || !conns["7"].quic {
		t.Errorf("a known one is not completed: %v", err)
	}
}

// TestPendingBound: QUIC hellos wait in bounded number, and come out in the
// order in which they came.
func TestPendingBound(t *testing.T) {
	var order []uint16
	r := newRun(Config{Emit: func(o *discover.Observation, _ []*discover.Certificate) { order = append(order, o.Client.Port()) }})
	p, f := newPending(), &file{}
	hello := func(i int) *discover.Observation {
		return &discover.Observation{SNI: "a.example", Client: netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(i))}
	}
	for i := range 2 * maxPending {
		p.add(r, f, fmt.Sprint(i), hello(i))
	}
	if len(order) != maxPending || len(p.queue) != maxPending || len(p.at) != maxPending {
		t.Fatalf("got %d out, %d waiting, %d by flow", len(order), len(p.queue), len(p.at))
	}
	if p.answer("0", "") || !p.answer(fmt.Sprint(2*maxPending-1), "") {
		t.Error("the oldest waits still, or the newest does not")
	}
	p.flush(r)
	for i, port := range order {
		if port != uint16(i) {
			t.Fatalf("number %d is the hello of port %d", i, port)
		}
	}
}

// TestRetry: the hello that follows a Retry is the same handshake.
func TestRetry(t *testing.T) {
	const event = `{"timestamp":"2026-11-23T10:00:00.0+0000","flow_id":5,"event_type":"quic","src_ip":"10.0.0.7","src_port":1,"dest_ip":"10.0.0.10","dest_port":443,"proto":"UDP","quic":{"sni":%q}}` + "\n"
	s := read(t, "suricata", write(t, map[string]string{"eve.json": fmt.Sprintf(event, "a.example") + fmt.Sprintf(event, "a.example") + fmt.Sprintf(event, "b.example")}))
	if len(s.observations) != 2 || s.result.Skipped["quic-repeated"] != 1 {
		t.Errorf("got %d handshakes, %v", len(s.observations), s.result.Skipped)
	}
}
