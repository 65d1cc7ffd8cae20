package flow

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"blindspot/capture/decode"
	"blindspot/discover"
)

// dialogue is what two ends of a real handshake wrote, in turn.
type dialogue struct {
	turns []turn
	leaf  [32]byte
}

type turn struct {
	server bool
	data   []byte
}

// recorder notes what is written through a connection.
type recorder struct {
	net.Conn
	mu     *sync.Mutex
	d      *dialogue
	server bool
}

func (r recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	r.d.turns = append(r.d.turns, turn{r.server, append([]byte(nil), p...)})
	r.mu.Unlock()
	return r.Conn.Write(p)
}

// record lets crypto/tls talk to itself. The server sends pad more
// certificates, so that its flight is long.
func record(t testing.TB, version uint16, name string, pad int) dialogue {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	chain := [][]byte{der}
	for range pad {
		chain = append(chain, der)
	}
	d := dialogue{leaf: sha256.Sum256(der)}
	var mu sync.Mutex
	c, s := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv := tls.Server(recorder{s, &mu, &d, true}, &tls.Config{Certificates: []tls.Certificate{{Certificate: chain, PrivateKey: key}}, MinVersion: version, MaxVersion: version})
		io.Copy(srv, srv)
	}()
	cl := tls.Client(recorder{c, &mu, &d, false}, &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
	if _, err := cl.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(cl, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	cl.Close()
	<-done
	return d
}

// packets cuts a dialogue into segments of at most mss bytes, SYNs first.
func (d dialogue) packets(clientISN, serverISN uint32, mss int) []decode.Segment {
	seq := [2]uint32{clientISN, serverISN}
	list := []decode.Segment{segment(false, seq[0], decode.SYN, nil), segment(true, seq[1], decode.SYN|decode.ACK, nil)}
	seq[0]++
	seq[1]++
	for _, t := range d.turns {
		i := 0
		if t.server {
			i = 1
		}
		for p := t.data; len(p) > 0; {
			n := min(mss, len(p))
			list = append(list, segment(t.server, seq[i], decode.ACK, p[:n]))
			seq[i] += uint32(n)
			p = p[n:]
		}
	}
	return list
}

func segment(server bool, seq uint32, flags uint8, p []byte) decode.Segment {
	s := decode.Segment{
		Time: 1_700_000_000_000_000_000, Proto: decode.TCP, Flags: flags, Seq: seq, Payload: p,
		Src: v4(10, 0, 0, 7), Dst: v4(10, 0, 0, 10), SrcPort: 51034, DstPort: 443,
	}
	if server {
		s.Src, s.Dst, s.SrcPort, s.DstPort = s.Dst, s.Src, s.DstPort, s.SrcPort
	}
	return s
}

func v4(a, b, c, d byte) [16]byte {
	return [16]byte{10: 0xff, 11: 0xff, 12: a, 13: b, 14: c, 15: d}
}

// run feeds segments, a millisecond apart, and closes the table.
func run(t testing.TB, cfg Config, segs []decode.Segment) ([]*discover.Observation, *Table) {
	t.Helper()
	var got []*discover.Observation
	cfg.Emit = func(o *discover.Observation) { got = append(got, o) }
	table := New(cfg)
	for i := range segs {
		s := segs[i]
		s.Time += int64(i) * 1e6
		table.Segment(&s, uint64(i+1))
	}
	table.Close()
	if table.buffers.used != 0 || table.live != 0 {
		t.Errorf("after Close: %d bytes and %d entries are still held", table.buffers.used, table.live)
	}
	return got, table
}

func checkOne(t testing.TB, got []*discover.Observation, d dialogue, name string) *discover.Observation {
	t.Helper()
	if len(got) != 1 {
		t.Fatalf("got %d observations, want 1", len(got))
	}
	o := got[0]
	if o.SNI != name {
		t.Errorf("got name %q, want %q", o.SNI, name)
	}
	if o.Outcome != discover.Established {
		t.Errorf("got outcome %q, want established", o.Outcome)
	}
	if o.Server.String() != "10.0.0.10:443" || o.Client.String() != "10.0.0.7:51034" {
		t.Errorf("got client %v and server %v", o.Client, o.Server)
	}
	if o.Version == "TLS 1.2" && (len(o.Chain) == 0 || o.Chain[0] != discover.Fingerprint(d.leaf)) {
		t.Errorf("got chain %v, want leaf %x", o.Chain, d.leaf)
	}
	return o
}

const testName = "api.shop.example"

func TestHandshakeInAnyOrder(t *testing.T) {
	rng := mrand.New(mrand.NewPCG(1, 2))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, mss := range []int{1460, 700, 97, 7, 1} {
			d := record(t, version, testName, 2)
			for round := range 20 {
				segs := d.packets(rng.Uint32(), ^uint32(40), mss) // the server's numbers wrap
				window := 1 + round%6
				jumble(rng, segs[2:], window)
				got, _ := run(t, Config{}, segs)
				checkOne(t, got, d, testName)
				if t.Failed() {
					t.Fatalf("version %#x, mss %d, window %d, round %d", version, mss, window, round)
				}
			}
		}
	}
}

// jumble swaps segments within a window and repeats some.
func jumble(rng *mrand.Rand, segs []decode.Segment, window int) {
	for i := range segs {
		j := i + rng.IntN(window)
		if j < len(segs) {
			segs[i], segs[j] = segs[j], segs[i]
		}
	}
}

func TestEveryPacketTwice(t *testing.T) {
	d := record(t, tls.VersionTLS12, testName, 3)
	var twice []decode.Segment
	for _, s := range d.packets(1, 2, 500) {
		twice = append(twice, s, s)
	}
	again := append(twice, twice...) // the whole mirror session a second time
	got, table := run(t, Config{}, again)
	checkOne(t, got, d, testName)
	if table.Stats().Handshakes != 1 {
		t.Errorf("got %d handshakes, want 1", table.Stats().Handshakes)
	}
}

func TestFirstCopyWins(t *testing.T) {
	d := record(t, tls.VersionTLS12, testName, 0)
	var segs []decode.Segment
	for _, s := range d.packets(1, 2, 300) {
		segs = append(segs, s)
		if len(s.Payload) > 0 {
			forged := s
			forged.Payload = make([]byte, len(s.Payload))
			segs = append(segs, forged)
		}
	}
	got, _ := run(t, Config{}, segs)
	checkOne(t, got, d, testName)
}

func TestMissingSYN(t *testing.T) {
	for _, mss := range []int{1460, 100} {
		d := record(t, tls.VersionTLS12, testName, 0)
		segs := d.packets(7, 9, mss)[2:]
		got, _ := run(t, Config{}, segs)
		checkOne(t, got, d, testName)
	}
}

func TestSecondSegmentFirstWithoutSYN(t *testing.T) {
	d := record(t, tls.VersionTLS13, testName, 0) // its hello has a post-quantum share
	segs := d.packets(7, 9, 1000)[2:]
	segs[0], segs[1] = segs[1], segs[0]
	got, _ := run(t, Config{}, segs)
	checkOne(t, got, d, testName)
}

func TestOneSideOnly(t *testing.T) {
	for _, test := range []struct {
		name    string
		version uint16
		server  bool
		sni     string
		chain   int
		hidden  string
		outcome discover.Outcome
	}{
		{"client of TLS 1.2", tls.VersionTLS12, false, testName, 0, discover.HiddenOneSided, discover.Established},
		{"server of TLS 1.2", tls.VersionTLS12, true, "", 1, "", discover.Established},
		{"server of TLS 1.3", tls.VersionTLS13, true, "", 0, discover.HiddenEncrypted, discover.OutcomeUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			var segs []decode.Segment
			for _, s := range record(t, test.version, testName, 0).packets(1, 2, 1000) {
				if (s.SrcPort == 443) == test.server {
					segs = append(segs, s)
				}
			}
			got, _ := run(t, Config{}, segs)
			if len(got) != 1 {
				t.Fatalf("got %d observations, want 1", len(got))
			}
			o := got[0]
			if o.SNI != test.sni || len(o.Chain) != test.chain || o.CertsHidden != test.hidden || o.Outcome != test.outcome {
				t.Errorf("got name %q, %d certificates, hidden %q, outcome %q; want %q, %d, %q, %q",
					o.SNI, len(o.Chain), o.CertsHidden, o.Outcome, test.sni, test.chain, test.hidden, test.outcome)
			}
		})
	}
}

func TestPortReuse(t *testing.T) {
	first, second := record(t, tls.VersionTLS12, "one.example", 0), record(t, tls.VersionTLS12, "two.example", 0)
	for _, syn := range []int{0, 2} { // with the SYNs of the second connection, and without
		segs := append(first.packets(1000, 2000, 1460), second.packets(5_000_000, 6_000_000, 1460)[syn:]...)
		got, _ := run(t, Config{}, segs)
		if len(got) != 2 || got[0].SNI != "one.example" || got[1].SNI != "two.example" {
			t.Fatalf("got %d observations, want those of both connections", len(got))
		}
	}
}

func TestUnanswered(t *testing.T) {
	d := record(t, tls.VersionTLS12, testName, 0)
	segs := d.packets(1, 2, 1460)[:3]
	segs = append(segs, segment(true, 3, decode.ACK, nil))
	got, _ := run(t, Config{}, segs)
	if len(got) != 1 || got[0].Outcome != discover.Unanswered || got[0].CertsHidden != discover.HiddenNoAnswer {
		t.Fatalf("got %+v, want one unanswered observation", got)
	}
}

// TestIdleTimeout: an unanswered hello is told of when packet time passes its
// timeout, not only at the end.
func TestIdleTimeout(t *testing.T) {
	d := record(t, tls.VersionTLS12, testName, 0)
	n := 0
	table := New(Config{Emit: func(*discover.Observation) { n++ }})
	for i, s := range d.packets(1, 2, 1460)[:3] {
		table.Segment(&s, uint64(i))
	}
	now := int64(1_700_000_000_000_000_000)
	table.Advance(now + int64(idleOpen) - 1)
	if n != 0 {
		t.Fatal("told of before its timeout")
	}
	table.Advance(now + int64(idleOpen))
	if n != 1 {
		t.Fatalf("got %d observations at the timeout, want 1", n)
	}
}

// TestSYNFlood: connections under way outlive any number of bare SYNs, and
// what was given up is counted to the last entry.
func TestSYNFlood(t *testing.T) {
	const flows, flood = 100, 5000
	d := record(t, tls.VersionTLS12, testName, 0)
	segs := d.packets(1, 2, 1460)
	all := append([]decode.Segment(nil), segs[:3]...) // SYNs and hello
	for i := range flood {
		s := segment(false, uint32(i), decode.SYN, nil)
		s.SrcPort, s.Src = uint16(i), v4(192, 168, byte(i>>8), byte(i))
		all = append(all, s)
	}
	all = append(all, segs[3:]...)
	got, table := run(t, Config{MaxFlows: flows}, all)
	checkOne(t, got, d, testName)
	st := table.Stats()
	if want := uint64(flood + 1 - flows); st.EvictedSYN != want || st.EvictedOpen != 0 {
		t.Errorf("got %d SYNs and %d open flows evicted, want %d and 0", st.EvictedSYN, st.EvictedOpen, want)
	}
}

// TestBufferBound: half hellos beyond MaxBuffered end early and are counted.
func TestBufferBound(t *testing.T) {
	const limit = 64 << 10
	hello := record(t, tls.VersionTLS13, testName, 0).turns[0].data
	half := hello[:len(hello)/2]
	var segs []decode.Segment
	for i := range 1000 {
		s := segment(false, 1, decode.ACK, half)
		s.SrcPort = uint16(i)
		segs = append(segs, s)
	}
	got, table := run(t, Config{MaxBuffered: limit}, segs)
	st := table.Stats()
	size := uint64(1 << (minBufferBits + classFor(len(half))))
	if want := 1000 - limit/size; st.NoBuffer != want {
		t.Errorf("got %d handshakes ended for want of room, want %d", st.NoBuffer, want)
	}
	if uint64(len(got))+st.HalfHello != 1000 {
		t.Errorf("got %d observations and %d half hellos, want 1000 together", len(got), st.HalfHello)
	}
}

// TestClockJump: one packet from the far future ends nothing.
func TestClockJump(t *testing.T) {
	d := record(t, tls.VersionTLS12, testName, 0)
	segs := d.packets(1, 2, 400)
	segs[4].Time += int64(20 * 365 * 24 * time.Hour)
	got, table := run(t, Config{}, segs)
	checkOne(t, got, d, testName)
	if n := table.Stats().ClockJumps; n != 1 {
		t.Errorf("got %d clock jumps, want 1", n)
	}
}

// TestClockJumpForGood: a capture joined to an older one goes on in its time.
func TestClockJumpForGood(t *testing.T) {
	d := record(t, tls.VersionTLS12, testName, 0)
	old := segment(false, 99, decode.ACK, []byte("GET / HTTP/1.0\r\n\r\n"))
	old.SrcPort = 99
	segs := []decode.Segment{old}
	for _, s := range d.packets(1, 2, 400)[2:] {
		s.Time += int64(5 * 365 * 24 * time.Hour)
		segs = append(segs, s)
	}
	got, _ := run(t, Config{}, segs)
	o := checkOne(t, got, d, testName)
	if o.Ended.Before(o.Time) {
		t.Errorf("ended %v, before it began at %v", o.Ended, o.Time)
	}
}

// TestAnsweredFlowAllocates: packets of answered and of foreign flows cost no
// allocation.
func TestAnsweredFlowAllocates(t *testing.T) {
	d := record(t, tls.VersionTLS12, testName, 0)
	table := New(Config{})
	for i, s := range d.packets(1, 2, 1460) {
		table.Segment(&s, uint64(i))
	}
	bulk := segment(true, 100_000, decode.ACK, make([]byte, 1448))
	other := segment(false, 1, decode.ACK, []byte("SSH-2.0-OpenSSH_9.9\r\n"))
	other.SrcPort = 22
	for _, test := range []struct {
		name string
		seg  decode.Segment
	}{{"answered", bulk}, {"foreign", other}} {
		s := test.seg
		for range 5 {
			s.Seq += 1448
			table.Segment(&s, 1)
		}
		if n := testing.AllocsPerRun(1000, func() {
			s.Seq += 1448
			s.Time += 1e6
			table.Segment(&s, 1)
		}); n != 0 {
			t.Errorf("%s flow: got %v allocations a packet, want 0", test.name, n)
		}
	}
}

func TestForeignAndMidStream(t *testing.T) {
	ssh := segment(false, 1, decode.ACK, []byte("SSH-2.0-OpenSSH_9.9\r\n"))
	open := segment(true, 77, decode.ACK, append([]byte{23, 3, 3, 1, 0}, make([]byte, 256)...))
	open.DstPort = 9999
	var segs []decode.Segment
	for range maxUnsynced {
		segs = append(segs, ssh, open)
		ssh.Seq += uint32(len(ssh.Payload))
		open.Seq += uint32(len(open.Payload))
	}
	got, table := run(t, Config{}, segs)
	if st := table.Stats(); len(got) != 0 || st.Foreign != 1 || st.MidStream != 1 {
		t.Errorf("got %d observations, %d foreign, %d mid-stream; want 0, 1, 1", len(got), st.Foreign, st.MidStream)
	}
}

func FuzzSegments(f *testing.F) {
	plain := record(f, tls.VersionTLS12, testName, 0)
	for _, d := range []dialogue{plain, record(f, tls.VersionTLS13, testName, 0), openvpnPackets(plain, 28, 200, true)} {
		var seed []byte
		for _, s := range d.packets(1, 2, 400) {
			seed = append(seed, byte(len(s.Payload)>>8), byte(len(s.Payload)), s.Flags, byte(s.SrcPort), byte(s.Seq>>8), byte(s.Seq))
			seed = append(seed, s.Payload...)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var segs []decode.Segment
		for len(in) > 6 && len(segs) < 200 {
			n := min(int(in[0])<<8|int(in[1]), len(in)-6)
			s := segment(in[3]&1 != 0, uint32(in[4])<<8|uint32(in[5]), in[2], in[6:6+n])
			s.Time += int64(in[3]) * 1e9
			segs = append(segs, s)
			in = in[6+n:]
		}
		run(t, Config{MaxFlows: 4, MaxBuffered: 16 << 10}, segs)
	})
}
