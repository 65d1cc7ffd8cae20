package verify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// tlsServer completes handshakes and notes when connections came and how many
// there were at a time.
type tlsServer struct {
	at netip.AddrPort

	mu      sync.Mutex
	came    []time.Time
	open    int
	most    int
	names   []string
	extra   int   // bytes of requests behind the handshake
	parting error // of the last connection: nil for close_notify
}

func newTLSServer(t *testing.T, id *identity, hold time.Duration) *tlsServer {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(id.cert, id.key)
	if err != nil {
		t.Fatal(err)
	}
	s := &tlsServer{}
	s.at = plainServer(t, func(c net.Conn) {
		s.mu.Lock()
		s.came = append(s.came, time.Now())
		s.open++
		s.most = max(s.most, s.open)
		s.mu.Unlock()
		time.Sleep(hold)
		tc := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}})
		err := tc.Handshake()
		extra, rest := 0, make([]byte, 1<<10)
		for err == nil {
			var n int
			n, err = tc.Read(rest)
			extra += n
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open--
		s.extra += extra
		s.names = append(s.names, tc.ConnectionState().ServerName)
		s.parting = err
	})
	return s
}

// settled waits until the server has seen the end of n connections.
func (s *tlsServer) settled(t *testing.T, n int) {
	t.Helper()
	for range 200 {
		s.mu.Lock()
		done := len(s.names) == n && s.open == 0
		s.mu.Unlock()
		if done {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%d connections have ended, want %d", len(s.names), n)
}

// TestRunKeepsRate looks at a run from the servers' side.
func TestRunKeepsRate(t *testing.T) {
	const rate, n = 20, 12
	id := newIdentity(t, "a.example")
	one, two := newTLSServer(t, id, 80*time.Millisecond), newTLSServer(t, id, 0)
	var targets []Target
	for i := range n {
		s := one
		if i%2 == 1 {
			s = two
		}
		targets = append(targets, Target{Place: Place{Hostname: fmt.Sprintf("n%d.example", i), Server: s.at}})
	}
	asker := &Asker{Rate: rate, Timeout: 10 * time.Second}
	got := map[string]bool{}
	began := time.Now()
	if err := asker.Run(context.Background(), targets, func(r Result) {
		if r.Err != nil {
			t.Errorf("%s: %v", r.Target.Hostname, r.Err)
			return
		}
		got[r.Observation.SNI] = true
	}); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	if len(got) != n {
		t.Errorf("got answers for %d names, want %d", len(got), n)
	}
	one.settled(t, n/2)
	two.settled(t, n/2)
	if one.most != 1 || two.most != 1 {
		t.Errorf("got %d and %d connections to one endpoint at the same time, want 1", one.most, two.most)
	}
	if one.extra+two.extra != 0 {
		t.Errorf("got %d bytes behind the handshake, want none", one.extra+two.extra)
	}
	// The first look begins at once, the others 50 ms apart. A clock may be late
	// on either side, so only the whole is held against the rate.
	if least := (n - 1) * time.Second / rate; took < least*9/10 {
		t.Errorf("took %v for %d looks at %d a second, want %v at least", took, n, rate, least)
	}
	came := append(append([]time.Time{}, one.came...), two.came...)
	var first, last time.Time
	for _, c := range came {
		if first.IsZero() || c.Before(first) {
			first = c
		}
		if c.After(last) {
			last = c
		}
	}
	if got := float64(len(came)-1) / last.Sub(first).Seconds(); got > rate*1.5 {
		t.Errorf("the servers saw %.1f connections a second, want %d at most", got, rate)
	}
}

// TestRunPartsInOrder sees the end of a look as a server does.
func TestRunPartsInOrder(t *testing.T) {
	s := newTLSServer(t, newIdentity(t, "a.example"), 0)
	if _, err := ask(t, Place{Hostname: "under_score.example", Server: s.at}); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, Place{Server: s.at}); err != nil {
		t.Fatal(err)
	}
	s.settled(t, 2)
	if s.names[0] != "under_score.example" || s.names[1] != "" {
		t.Errorf("got names %q, want the one that traffic used, and none", s.names)
	}
	if s.parting == nil || s.parting.Error() != "EOF" { // what Go's server says of close_notify
		t.Errorf("the server saw the connection end by %v, want close_notify", s.parting)
	}
}

// TestRunIsParallel: one server that hangs delays no other.
func TestRunIsParallel(t *testing.T) {
	hanging := plainServer(t, func(c net.Conn) { c.Read(make([]byte, 1<<20)); c.Read(make([]byte, 1)) })
	fine := newTLSServer(t, newIdentity(t, "a.example"), 0)
	targets := []Target{
		{Place: Place{Hostname: "h.example", Server: hanging}}, {Place: Place{Hostname: "h2.example", Server: hanging}},
		{Place: Place{Hostname: "a.example", Server: fine.at}},
	}
	var order []string
	began := time.Now()
	err := (&Asker{Rate: 100, Timeout: time.Second}).Run(context.Background(), targets, func(r Result) { order = append(order, r.Target.Hostname) })
	if err != nil {
		t.Fatal(err)
	}
	if len(order) != 3 || order[0] != "a.example" {
		t.Errorf("got results of %v, want a.example first", order)
	}
	if took := time.Since(began); took < 2*time.Second*9/10 {
		t.Errorf("took %v: two looks at one endpoint that hangs are one after the other, want 2s", took)
	}
}

func TestRunStops(t *testing.T) {
	hanging := plainServer(t, func(c net.Conn) { c.Read(make([]byte, 1<<20)); c.Read(make([]byte, 1)) })
	var targets []Target
	for i := range 50 {
		targets = append(targets, Target{Place: Place{Hostname: fmt.Sprintf("n%d.example", i), Server: hanging}})
	}
	ctx, cancel := context.WithCancel(context.Background())
	asker := &Asker{Rate: 100, Timeout: time.Minute, Began: func(*Target) { time.AfterFunc(50*time.Millisecond, cancel) }}
	told := 0
	err := asker.Run(ctx, targets, func(r Result) {
		told++
		wantFailure(t, r.Err, Handshake, Stopped)
	})
	if !errors.Is(err, context.Canceled) || told != 1 {
		t.Errorf("got %v and %d results, want the context's error and that of the one look", err, told)
	}
}

func TestServe(t *testing.T) {
	s := newTLSServer(t, newIdentity(t, "a.example"), 0)
	q := NewQueue(QueueConfig{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	results := make(chan Result)
	done := make(chan error)
	go func() {
		done <- (&Asker{Rate: 100}).Serve(ctx, q, func(r Result) { results <- r })
	}()
	for _, name := range []string{"a.example", "b.example"} {
		q.Add(Target{Place: Place{Hostname: name, Server: s.at}}, time.Now())
		if r := <-results; r.Err != nil || r.Target.Hostname != name {
			t.Errorf("got %v of %s, want the certificate of %s", r.Err, r.Target.Hostname, name)
		}
	}
	if q.Add(Target{Place: Place{Hostname: "a.example", Server: s.at}}, time.Now()) {
		t.Error("a place that was just asked went into the queue again")
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// TestAskNNTP plays RFC 4642 §2.2.2: no news server is packaged that has TLS
// without further set-up.
func TestAskNNTP(t *testing.T) {
	id := newIdentity(t, "news.example")
	pair, err := tls.LoadX509KeyPair(id.cert, id.key)
	if err != nil {
		t.Fatal(err)
	}
	at := plainServer(t, func(c net.Conn) {
		fmt.Fprint(c, "200 news.example InterNetNews NNRP server ready (posting ok)\r\n")
		line := make([]byte, len("STARTTLS\r\n"))
		if _, err := c.Read(line); err != nil || string(line) != "STARTTLS\r\n" {
			return
		}
		fmt.Fprint(c, "382 Continue with TLS negotiation\r\n")
		tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}}).Handshake()
	})
	got, err := ask(t, Place{Hostname: "news.example", Server: at, Preface: "nntp"})
	if err != nil || got.leaf != id.fingerprint().String() {
		t.Errorf("got %+v, %v, want leaf %s", got, err, id.fingerprint())
	}
}
