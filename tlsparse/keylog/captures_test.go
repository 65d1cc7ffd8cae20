package keylog_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/tlsparse"
	"blindspot/tlsparse/keylog"
	"blindspot/tlsparse/quic"
)

const captures = "../../testdata/pcaps"

// truth is what the programs of a capture did, by their own word.
type truth struct {
	Handshakes []struct {
		Transport    string   `json:"transport"`
		Version      string   `json:"version"`
		ALPN         string   `json:"alpn_chosen"`
		Certs        []string `json:"certs"`
		ClientCerts  []string `json:"client_certs"`
		ClientRandom string   `json:"client_random"`
		Resumed      bool     `json:"resumed"`
		ECH          string   `json:"ech"`
		Asked        *bool    `json:"client_auth_requested"`
		KeyProof     *bool    `json:"key_proof"`
		Outcome      string   `json:"outcome"`
		OCSP         string   `json:"ocsp"`
	} `json:"handshakes"`
}

// conversation is both directions of a TCP connection.
type conversation struct {
	base  [2]uint32
	known [2]bool
	bytes [2][]byte
	have  [2][]bool
}

func (c *conversation) add(dir int, s *decode.Segment) {
	seq := s.Seq
	if s.Flags&decode.SYN != 0 {
		seq++
	}
	if !c.known[dir] {
		c.known[dir], c.base[dir] = true, seq
	}
	at := int(int32(seq - c.base[dir]))
	if at < 0 || at > 1<<20 {
		return
	}
	end := at + len(s.Payload)
	for len(c.bytes[dir]) < end {
		c.bytes[dir] = append(c.bytes[dir], 0)
		c.have[dir] = append(c.have[dir], false)
	}
	for i, b := range s.Payload {
		if !c.have[dir][at+i] {
			c.bytes[dir][at+i], c.have[dir][at+i] = b, true
		}
	}
}

// stream returns the bytes of a direction up to the first hole.
func (c *conversation) stream(dir int) []byte {
	if i := slices.Index(c.have[dir], false); i >= 0 {
		return c.bytes[dir][:i]
	}
	return c.bytes[dir]
}

// opened is a handshake that was opened, by the random in its hello.
type opened struct {
	hidden keylog.Hidden
	ech    bool // with the secrets of another hello
	states string
	suite  uint16

	// Up to TLS 1.2: the messages behind the ChangeCipherSpecs.
	messages   []message
	fromServer []bool
}

// see notes that a hello was there, opened or not.
func see(found map[string]*opened, random []byte) {
	if _, ok := found[hex.EncodeToString(random)]; !ok {
		found[hex.EncodeToString(random)] = nil
	}
}

// readCapture opens what can be opened in a capture. What was seen and not
// opened is nil.
func readCapture(t *testing.T, path string, log *keylog.Log) map[string]*opened {
	t.Helper()
	src, err := capture.Open(path, capture.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var (
		decoder = decode.New(decode.Config{})
		batch   = make([]capture.Packet, 64)
		seg     decode.Segment
		order   []*conversation
		flows   = map[string]*conversation{}
		found   = map[string]*opened{}
		conns   = map[string]*quicConversation{}
	)
	for {
		n, err := src.Next(batch)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			break
		}
		for i := range batch[:n] {
			if !decoder.Decode(&batch[i], &seg) {
				continue
			}
			a, b := fmt.Sprint(seg.Src, seg.SrcPort), fmt.Sprint(seg.Dst, seg.DstPort)
			name, dir := a+b, 0
			if a > b {
				name, dir = b+a, 1
			}
			if seg.Proto == decode.UDP {
				if conns[name] == nil {
					conns[name] = &quicConversation{reader: &quic.Reader{KeepHandshake: true}}
				}
				conns[name].datagram(t, &seg, log, found)
				continue
			}
			if c := flows[name]; c == nil || seg.Flags == decode.SYN && c.known[dir] && c.base[dir] != seg.Seq+1 { // the ports are used again
				flows[name] = &conversation{}
				order = append(order, flows[name])
			}
			flows[name].add(dir, &seg)
		}
	}
	for _, c := range order {
		readConversation(t, c, log, found)
	}
	return found
}

// clear is what one direction says in the clear, and where its protected records
// begin.
type clear struct {
	messages []message
	sealed   []byte
	changed  []byte // behind the ChangeCipherSpec
}

type message struct {
	typ  uint8
	body []byte
}

func readClear(stream []byte) (c clear) {
	raw := slices.Clone(stream)
	var d tlsparse.Deframer
	for {
		switch ev := d.Step(stream, 256<<10); ev.Kind {
		case tlsparse.EventMessage:
			c.messages = append(c.messages, message{ev.Type, slices.Clone(ev.Body)})
			c.sealed = nil
		case tlsparse.EventProtected:
			if c.sealed == nil {
				c.sealed = raw[d.Consumed()-tlsparse.RecordHeaderLen:]
			}
		case tlsparse.EventChangeCipherSpec:
			if c.changed == nil {
				c.changed = raw[d.Consumed():]
			}
		case tlsparse.EventNeed, tlsparse.EventBroken:
			return c
		}
	}
}

// readConversation opens a TLS 1.3 handshake over TCP. A preface is passed over
// by looking for a hello.
func readConversation(t *testing.T, c *conversation, log *keylog.Log, found map[string]*opened) {
	t.Helper()
	for client := range 2 {
		up, down := c.stream(client), c.stream(1-client)
		for len(up) > 0 && tlsparse.ProbeClientHello(up) == tlsparse.No {
			up = up[1:]
		}
		for len(down) > 0 && tlsparse.ProbeServerHello(down) == tlsparse.No {
			down = down[1:]
		}
		if tlsparse.ProbeClientHello(up) == tlsparse.Yes && len(down) > 0 {
			openConversation(t, readClear(up), readClear(down), log, found)
			return
		}
	}
}

func openConversation(t *testing.T, up, down clear, log *keylog.Log, found map[string]*opened) {
	t.Helper()
	if len(up.messages) == 0 || len(down.messages) == 0 || up.messages[0].typ != tlsparse.TypeClientHello {
		return
	}
	var hello tlsparse.ClientHello
	var answer tlsparse.ServerHello
	tlsparse.ParseClientHello(up.messages[0].body, &hello)
	see(found, hello.Random)
	if down.messages[0].typ == tlsparse.TypeServerHello && tlsparse.ParseServerHello(down.messages[0].body, &answer) == nil && answer.SelectedVersion < tlsparse.VersionTLS13 {
		openConversation12(t, &hello, &answer, up, down, log, found)
		return
	}
	last := down.messages[len(down.messages)-1]
	if last.typ != tlsparse.TypeServerHello || tlsparse.ParseServerHello(last.body, &answer) != nil || answer.SelectedVersion != tlsparse.VersionTLS13 {
		return
	}
	transcript := keylog.NewTranscript(answer.CipherSuite)
	transcript.Message(tlsparse.TypeClientHello, up.messages[0].body)
	if len(down.messages) == 2 && len(up.messages) == 2 {
		transcript.Retry()
		transcript.Message(tlsparse.TypeServerHello, down.messages[0].body)
		transcript.Message(tlsparse.TypeClientHello, up.messages[1].body)
	}
	transcript.Message(tlsparse.TypeServerHello, last.body)
	o := &opened{hidden: keylog.Hidden{Transcript: transcript}, suite: answer.CipherSuite}
	secrets, ok := log.Lookup(hello.Random)
	if !ok && hello.ECH == tlsparse.ECHOuter {
		_, ok = log.Unclaimed(func(s *keylog.Secrets) bool {
			if !keylog.Fits(s.Server(), answer.CipherSuite, down.sealed) {
				return false
			}
			secrets, o.ech, o.hidden.Transcript = *s, true, nil
			return true
		})
	}
	if !ok {
		return
	}
	defer secrets.Wipe()
	for _, side := range []struct {
		server bool
		secret []byte
		sealed []byte
	}{{true, secrets.Server(), down.sealed}, {false, secrets.Client(), up.sealed}} {
		op, err := keylog.NewOpener(side.secret, answer.CipherSuite, !side.server && hello.EarlyData)
		if errors.Is(err, keylog.ErrNoSecret) {
			continue // a client that gave up before it had one
		}
		if err != nil {
			t.Errorf("%x: %v", hello.Random, err)
			continue
		}
		op.Flight(side.sealed)
		o.hidden.Read(side.server, op)
		o.states += fmt.Sprint(op, op.Stats(), op.Alerts())
	}
	found[hex.EncodeToString(hello.Random)] = o
}

// openConversation12 opens what follows the ChangeCipherSpec up to TLS 1.2.
func openConversation12(t *testing.T, hello *tlsparse.ClientHello, answer *tlsparse.ServerHello, up, down clear, log *keylog.Log, found map[string]*opened) {
	t.Helper()
	secrets, ok := log.Lookup(hello.Random)
	if !ok || len(secrets.Master()) == 0 || up.changed == nil || down.changed == nil {
		return
	}
	o := &opened{suite: answer.CipherSuite}
	session := keylog.Session{
		Version: answer.SelectedVersion, Suite: answer.CipherSuite, EncryptThenMAC: answer.EncryptThenMAC,
		ClientRandom: hello.Random, ServerRandom: answer.Random,
	}
	for _, side := range []struct {
		server bool
		sealed []byte
	}{{true, down.changed}, {false, up.changed}} {
		op, err := keylog.NewOpener12(secrets.Master(), session, side.server)
		if err != nil {
			t.Errorf("%x: %v", hello.Random, err)
			return
		}
		op.Flight(side.sealed)
		o.states += fmt.Sprint(op, op.Stats(), op.Alerts())
		for typ, body, ok := op.Next(); ok; typ, body, ok = op.Next() {
			o.messages = append(o.messages, message{typ, slices.Clone(body)})
			o.fromServer = append(o.fromServer, side.server)
		}
	}
	found[hex.EncodeToString(hello.Random)] = o
}

// quicConversation is the QUIC connections between one pair of ports.
type quicConversation struct {
	reader *quic.Reader
	list   []*quicConn
}

type quicConn struct {
	conn   quic.Conn
	clear  []message
	hello  tlsparse.ClientHello
	opened *opened
	events quic.Seen
}

func (q *quicConversation) datagram(t *testing.T, s *decode.Segment, log *keylog.Log, found map[string]*opened) {
	t.Helper()
	if len(s.Payload) == 0 {
		return
	}
	var conns []*quic.Conn
	for _, c := range q.list {
		conns = append(conns, &c.conn)
	}
	i := q.reader.Pick(conns, s.Payload, s.Missing)
	if i < 0 {
		if quic.Probe(s.Payload) == tlsparse.No {
			return
		}
		i = len(q.list)
		q.list = append(q.list, &quicConn{})
	}
	c := q.list[i]
	c.events |= q.reader.Datagram(&c.conn, s.Payload, s.Missing, quic.Unknown).Seen
	c.messages(t, q.reader, log, found)
}

func (c *quicConn) messages(t *testing.T, r *quic.Reader, log *keylog.Log, found map[string]*opened) {
	t.Helper()
	for {
		m, ok := r.Next(&c.conn)
		if !ok {
			return
		}
		body := slices.Clone(m.Body)
		if m.Encrypted {
			c.opened.hidden.Message(m.From == quic.Server, m.Type, body)
			continue
		}
		c.clear = append(c.clear, message{m.Type, body})
		var answer tlsparse.ServerHello
		if m.Type == tlsparse.TypeClientHello {
			tlsparse.ParseClientHello(body, &c.hello)
			see(found, c.hello.Random)
		}
		if m.Type != tlsparse.TypeServerHello || tlsparse.ParseServerHello(body, &answer) != nil || answer.HelloRetryRequest {
			continue
		}
		secrets, ok := log.Lookup(c.hello.Random)
		if !ok {
			continue
		}
		transcript := keylog.NewTranscript(answer.CipherSuite)
		var before []message
		for _, m := range c.clear { // of the hellos around a Retry, the last counts
			if n := len(before); n > 0 && m.typ == tlsparse.TypeClientHello && before[n-1].typ == m.typ {
				before = before[:n-1]
			}
			before = append(before, m)
		}
		for i, m := range before {
			if i == 1 && len(before) > 2 {
				transcript.Retry()
			}
			transcript.Message(m.typ, m.body)
		}
		c.opened = &opened{hidden: keylog.Hidden{Transcript: transcript}, suite: answer.CipherSuite}
		found[hex.EncodeToString(c.hello.Random)] = c.opened
		if _, err := r.Unlock(&c.conn, answer.CipherSuite, secrets.Client(), secrets.Server()); err != nil {
			t.Errorf("%x: %v", c.hello.Random, err)
		}
		secrets.Wipe()
	}
}

func fingerprints(list []tlsparse.Certificate13) (out []string) {
	for _, c := range list {
		sum := sha256.Sum256(c.Data)
		out = append(out, hex.EncodeToString(sum[:]))
	}
	return out
}

// TestCaptures opens every shipped capture that has a key log beside it, and
// compares with what its programs were told to present.
func TestCaptures(t *testing.T) {
	logs, err := filepath.Glob(filepath.Join(captures, "*.keys"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no key logs in %s: %v", captures, err)
	}
	var total, unlogged, withChain, proofs, clients int
	suites := map[string]int{}
	for _, path := range logs {
		base := strings.TrimSuffix(path, ".keys")
		name := filepath.Base(base)
		var want truth
		text, err := os.ReadFile(base + ".truth.json")
		if err != nil {
			continue
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		var log keylog.Log
		f := keylog.Follow(&log, path)
		if err := f.Poll(); err != nil {
			t.Fatal(err)
		}
		f.Finish()
		f.Close()
		if s := log.Stats(); s.Bad > 0 {
			t.Errorf("%s: %d bad lines: %v", name, s.Bad, log.Faults())
		}
		file := captureOf(base)
		if file == "" {
			continue
		}
		found := readCapture(t, file, &log)
		cut := strings.Contains(name, "snaplen")
		for _, h := range want.Handshakes {
			if !strings.Contains(h.Version, "1.3") || strings.HasPrefix(h.Version, "DTLS") || cut {
				continue
			}
			total++
			o, seen := found[h.ClientRandom] // not in a tunnel on a port of its own
			if o == nil {
				random, _ := hex.DecodeString(h.ClientRandom)
				if _, ok := log.Lookup(random); ok && seen {
					t.Errorf("%s: %s %s was not opened", name, h.Transport, h.ClientRandom)
				}
				unlogged++
				continue
			}
			suites[h.Transport+" "+tlsparse.CipherSuiteName(o.suite)]++
			hidden := &o.hidden
			got, gotClient := fingerprints(hidden.Server.Certificates), fingerprints(hidden.Client.Certificates)
			if hidden.RawPublicKeys {
				got = h.Certs
			}
			if len(h.Certs) > 0 && !h.Resumed && !slices.Equal(got, h.Certs) {
				t.Errorf("%s: %s: got %v, want %v; %s", name, h.ClientRandom, got, h.Certs, o.states)
			}
			if len(h.ClientCerts) > 0 && !slices.Equal(gotClient, h.ClientCerts) && !hidden.ClientRawPublicKeys {
				t.Errorf("%s: %s: client %v, want %v; %s", name, h.ClientRandom, gotClient, h.ClientCerts, o.states)
			}
			if h.ALPN != "" && string(hidden.ALPN) != h.ALPN {
				t.Errorf("%s: %s: protocol %q, want %q", name, h.ClientRandom, hidden.ALPN, h.ALPN)
			}
			if h.Asked != nil && !h.Resumed && *h.Asked != hidden.ClientAuthRequested {
				t.Errorf("%s: %s: client certificate asked for %v, want %v", name, h.ClientRandom, hidden.ClientAuthRequested, *h.Asked)
			}
			if (h.ECH == "accepted") != o.ech || (h.ECH == "rejected") != hidden.ECHRejected {
				t.Errorf("%s: %s: ech accepted %v, rejected %v, want %q", name, h.ClientRandom, o.ech, hidden.ECHRejected, h.ECH)
			}
			if hidden.Malformed > 0 {
				t.Errorf("%s: %s: %v", name, h.ClientRandom, hidden.Err)
			}
			if len(got) > 0 {
				withChain++
			}
			if len(gotClient) > 0 {
				clients++
			}
			if leaf := hidden.Server.Certificates; len(leaf) > 0 && !o.ech && !hidden.RawPublicKeys {
				// It signs with another key than its certificate's.
				mismatch := name == "go-key-mismatch" || h.KeyProof != nil && !*h.KeyProof
				if err := verify(leaf[0].Data, &hidden.Server.Proof); (err != nil) != mismatch {
					t.Errorf("%s: %s: the server's signature: %v", name, h.ClientRandom, err)
				}
				proofs++
			}
			if leaf := hidden.Client.Certificates; len(leaf) > 0 && !hidden.ClientRawPublicKeys {
				if err := verify(leaf[0].Data, &hidden.Client.Proof); err != nil {
					t.Errorf("%s: %s: the client's signature: %v", name, h.ClientRandom, err)
				}
			}
		}
	}
	if withChain < 200 || proofs < 200 {
		t.Errorf("only %d chains and %d proofs", withChain, proofs)
	}
	t.Logf("%d handshakes of TLS 1.3, %d without secrets: %d chains opened, %d of clients, %d proofs; %v", total, unlogged, withChain, clients, proofs, suites)
}

// TestCaptures12 opens the Finished messages of every handshake up to TLS 1.2 of
// which the secret is known.
func TestCaptures12(t *testing.T) {
	logs, err := filepath.Glob(filepath.Join(captures, "*.keys"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no key logs in %s: %v", captures, err)
	}
	suites := map[string]int{}
	total := 0
	for _, path := range logs {
		base := strings.TrimSuffix(path, ".keys")
		file := captureOf(base)
		if file == "" || strings.Contains(base, "snaplen") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var log keylog.Log
		log.Add(path, text)
		for random, o := range readCapture(t, file, &log) {
			if o == nil || o.messages == nil {
				continue
			}
			finished := map[bool]bool{}
			for i, m := range o.messages {
				if m.typ == tlsparse.TypeFinished {
					finished[o.fromServer[i]] = len(m.body) == 12
				}
			}
			if !finished[true] || !finished[false] {
				t.Errorf("%s: %s: %s: %v; %s", filepath.Base(base), random, tlsparse.CipherSuiteName(o.suite), finished, o.states)
			}
			suites[tlsparse.CipherSuiteName(o.suite)]++
			total++
		}
	}
	t.Logf("%d handshakes; %v", total, suites)
}

// TestRenegotiation reads the certificate of a second handshake, within the
// first one's protection.
func TestRenegotiation(t *testing.T) {
	base := filepath.Join(captures, "openssl-renegotiation")
	text, err := os.ReadFile(base + ".keys")
	if err != nil {
		t.Fatal(err)
	}
	var log keylog.Log
	log.Add("keys", text)
	for _, o := range readCapture(t, base+".pcap", &log) {
		if o == nil {
			continue
		}
		var types []uint8
		var chain []string
		for i, m := range o.messages {
			if !o.fromServer[i] {
				continue
			}
			types = append(types, m.typ)
			if m.typ == tlsparse.TypeCertificate {
				certs, err := tlsparse.ParseCertificate(m.body, nil)
				if err != nil {
					t.Error(err)
				}
				for _, der := range certs {
					sum := sha256.Sum256(der)
					chain = append(chain, hex.EncodeToString(sum[:]))
				}
			}
		}
		want := []string{"df04445dec9f556a5cdf15eee2db082148d5b0d71d1e27386295f1e9884f8a19", "a23d0fe3ee0e31104a6160b7682be0081673e97f6f8f944c4bd6ab736f7777e6"}
		if !slices.Equal(chain, want) {
			t.Errorf("got %v in %v, want %v; %s", chain, types, want, o.states)
		}
		return
	}
	t.Error("not opened")
}

// verify checks a signature with a leaf's key. One of an algorithm that Go does
// not have counts as right.
func verify(leaf []byte, p *keylog.Proof) error {
	algorithm, ok := map[uint16]x509.SignatureAlgorithm{
		0x0403: x509.ECDSAWithSHA256, 0x0503: x509.ECDSAWithSHA384, 0x0603: x509.ECDSAWithSHA512,
		0x0804: x509.SHA256WithRSAPSS, 0x0805: x509.SHA384WithRSAPSS, 0x0806: x509.SHA512WithRSAPSS,
		0x0809: x509.SHA256WithRSAPSS, 0x0807: x509.PureEd25519,
	}[p.Scheme]
	c, err := x509.ParseCertificate(leaf)
	if err != nil || !ok || c.PublicKey == nil {
		return nil
	}
	return c.CheckSignature(algorithm, p.Signed, p.Signature)
}

func captureOf(base string) string {
	for _, ext := range []string{".pcap", ".pcap.gz", ".pcapng"} {
		if _, err := os.Stat(base + ext); err == nil {
			return base + ext
		}
	}
	return ""
}
