package dtls

import (
	"bufio"
	"crypto"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blindspot/tlsparse"
)

// trace is a conversation that TestRecord wrote down.
type trace struct {
	name                     string
	sni                      string
	serverChain, clientChain string
	datagrams                []traced
}

type traced struct {
	client bool
	lost   bool // it never reached the other side
	b      []byte
}

func readTraces(t testing.TB) (traces []trace) {
	files, err := filepath.Glob("testdata/*.trace")
	if err != nil || len(files) != len(recordings) {
		t.Fatalf("%d traces in testdata, want %d (write them with -record)", len(files), len(recordings))
	}
	for _, name := range files {
		traces = append(traces, readTrace(t, name))
	}
	return traces
}

func readTrace(t testing.TB, name string) trace {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tr := trace{name: strings.TrimSuffix(filepath.Base(name), ".trace")}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		word, rest, _ := strings.Cut(sc.Text(), " ")
		switch word {
		case "#":
		case "sni":
			tr.sni = rest
		case "server-chain":
			tr.serverChain = rest
		case "client-chain":
			tr.clientChain = rest
		default:
			b, err := hex.DecodeString(rest)
			if err != nil {
				t.Fatal(name, err)
			}
			tr.datagrams = append(tr.datagrams, traced{strings.HasSuffix(word, ">"), strings.HasPrefix(word, "lost"), b})
		}
	}
	return tr
}

// side returns the datagrams of one side.
func (tr *trace) side(client, withLost bool) (list [][]byte) {
	for _, d := range tr.datagrams {
		if d.client == client && (withLost || !d.lost) {
			list = append(list, d.b)
		}
	}
	return list
}

// describe writes an event down.
func describe(e Event) string {
	switch e.Kind {
	case EventMessage:
		return fmt.Sprintf("message %d #%d %x", e.Type, e.Seq, e.Body)
	case EventPartial:
		return fmt.Sprintf("partial %d #%d %x of %d", e.Type, e.Seq, e.Body, e.N)
	case EventTooLong:
		return fmt.Sprintf("too long %d #%d of %d", e.Type, e.Seq, e.N)
	case EventGap:
		return fmt.Sprintf("gap of %d from #%d", e.N, e.Seq)
	case EventRestart:
		return "restart"
	case EventChangeCipherSpec:
		return "change"
	case EventAlert:
		return fmt.Sprintf("alert %x", e.Body)
	case EventProtected:
		return fmt.Sprintf("protected %d in %d of %d", e.Type, e.Epoch, e.N)
	case EventBroken:
		return fmt.Sprintf("broken at %d", e.N)
	}
	return "?"
}

// assemble returns the events of a direction.
func assemble(datagrams ...[]byte) (events []string, stats Stats) {
	var a Assembler
	emit := func(e Event) { events = append(events, describe(e)) }
	for _, b := range datagrams {
		a.Datagram(b, emit)
	}
	a.Flush(emit)
	return events, a.Stats()
}

// messages returns those events that tell of messages.
func messages(events []string) []string {
	return slices.DeleteFunc(slices.Clone(events), func(e string) bool {
		return !strings.HasPrefix(e, "message")
	})
}

// kinds shortens events to what they are.
func kinds(events []string) string {
	var b strings.Builder
	for _, e := range events {
		switch f := strings.Fields(e); f[0] {
		case "message":
			fmt.Fprintf(&b, "%s%s ", f[1], f[2])
		default:
			b.WriteString(strings.ReplaceAll(e, " ", "-") + " ")
		}
	}
	return strings.TrimSpace(b.String())
}

// TestTraces holds what the commands behind the traces did: names and chains
// from the certificates' files, the order of messages from RFC 6347 §4.2.4.
func TestTraces(t *testing.T) {
	const data = "protected-23-in-1-of-30 protected-21-in-1-of-26"
	want := map[string][2]string{ // client, server
		"openssl-mutual": {
			"1#0 1#1 11#2 16#3 15#4 change protected-22-in-1-of-48 " + data,
			"3#0 2#1 11#2 12#3 13#4 14#5 4#6 change protected-22-in-1-of-48 protected-21-in-1-of-26",
		},
		"openssl-lossy": {
			"1#0 1#1 11#2 16#3 15#4 change protected-22-in-1-of-48 protected-22-in-1-of-48 " + data,
			"3#0 2#1 11#2 12#3 13#4 14#5 4#6 change protected-22-in-1-of-48 protected-22-in-1-of-48 protected-21-in-1-of-26",
		},
		"openssl-dtls10": {
			"1#0 1#1 11#2 16#3 15#4 change protected-22-in-1-of-68 protected-23-in-1-of-52 protected-21-in-1-of-52",
			"3#0 2#1 11#2 12#3 13#4 14#5 4#6 change protected-22-in-1-of-68 protected-21-in-1-of-52",
		},
		"openssl-rejected": {"1#0 1#1 alert-0230", "3#0 2#1 11#2 12#3 14#4"},
		"openssl-resumed":  {"1#0 1#1 change protected-22-in-1-of-48 " + data, "3#0 2#1 change protected-22-in-1-of-48 protected-21-in-1-of-26"},
		"gnutls-mutual": {
			"1#0 1#1 11#2 16#3 15#4 change protected-22-in-1-of-48 " + data,
			"3#0 2#1 11#2 12#3 13#4 14#5 4#6 change protected-22-in-1-of-48 protected-23-in-1-of-30",
		},
		"gnutls-lossy": {
			"1#0 11#1 16#2 15#3 change protected-22-in-1-of-48 protected-22-in-1-of-48 " + data,
			"2#0 11#1 12#2 13#3 14#4 4#5 change protected-22-in-1-of-48 protected-23-in-1-of-30",
		},
	}
	for _, tr := range readTraces(t) {
		t.Run(tr.name, func(t *testing.T) {
			client, _ := assemble(tr.side(true, true)...)
			server, _ := assemble(tr.side(false, true)...)
			if got, want := kinds(client), want[tr.name][0]; got != want {
				t.Errorf("client:\ngot  %s\nwant %s", got, want)
			}
			if got, want := kinds(server), want[tr.name][1]; got != want {
				t.Errorf("server:\ngot  %s\nwant %s", got, want)
			}
			if got := chainOf(t, server); got != tr.serverChain {
				t.Errorf("server's chain: got %s, want %s", got, tr.serverChain)
			}
			if got := chainOf(t, client); got != tr.clientChain {
				t.Errorf("client's chain: got %s, want %s", got, tr.clientChain)
			}
			checkHellos(t, client, tr.sni)
			checkProbes(t, &tr)
		})
	}
}

func bodyOf(t *testing.T, event string) []byte {
	b, err := hex.DecodeString(event[strings.LastIndex(event, " ")+1:])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func chainOf(t *testing.T, events []string) string {
	var sums []string
	for _, e := range events {
		if strings.HasPrefix(e, "message 11 ") {
			chain, err := tlsparse.ParseCertificate(bodyOf(t, e), nil)
			if err != nil {
				t.Error(err)
			}
			for _, c := range chain {
				sum := sha256.Sum256(c)
				sums = append(sums, hex.EncodeToString(sum[:]))
			}
		}
	}
	return strings.Join(sums, ",")
}

func checkHellos(t *testing.T, events []string, sni string) {
	for _, e := range events {
		if !strings.HasPrefix(e, "message 1 ") {
			continue
		}
		body := bodyOf(t, e)
		plain, err := ClientHelloBody(body, nil)
		if err != nil {
			t.Fatal(err)
		}
		var h tlsparse.ClientHello
		if err := tlsparse.ParseClientHello(plain, &h); err != nil || string(h.ServerName) != sni || h.Malformed || h.TrailingBytes > 0 {
			t.Errorf("hello: %v, name %q, want %q", err, h.ServerName, sni)
		}
		if _, cookie, _, ok := splitCookie(body); !ok || (len(cookie) > 0) != strings.Contains(e, "#1") {
			t.Errorf("cookie %x, %v in %.20s", cookie, ok, e)
		}
	}
}

// TestTracesSignature checks the servers' signatures over their key exchange:
// hellos, chain and parameters are bit for bit what the server signed.
func TestTracesSignature(t *testing.T) {
	for _, tr := range readTraces(t) {
		if tr.serverChain == "" {
			continue // resumed
		}
		var ch tlsparse.ClientHello
		var sh tlsparse.ServerHello
		var x tlsparse.ServerKeyExchange
		var key *rsa.PublicKey
		for _, client := range []bool{true, false} {
			var a Assembler
			for _, b := range tr.side(client, true) {
				a.Datagram(b, func(e Event) {
					if e.Kind != EventMessage {
						return
					}
					body := slices.Clone(e.Body)
					switch e.Type {
					case tlsparse.TypeClientHello:
						body, _ = ClientHelloBody(body, nil)
						tlsparse.ParseClientHello(body, &ch)
					case tlsparse.TypeServerHello:
						tlsparse.ParseServerHello(body, &sh)
					case tlsparse.TypeCertificate:
						if chain, _ := tlsparse.ParseCertificate(body, nil); !client {
							leaf, err := x509.ParseCertificate(chain[0])
							if err != nil {
								t.Fatal(tr.name, err)
							}
							key = leaf.PublicKey.(*rsa.PublicKey)
						}
					case tlsparse.TypeServerKeyExchange:
						tlsparse.ParseServerKeyExchange(body, sh.CipherSuite, sh.SelectedVersion, &x)
					}
				})
			}
		}
		signed := tlsparse.KeyExchangeSigned(nil, ch.Random, sh.Random, x.Params)
		if err := verify(key, x.Scheme, signed, x.Signature); err != nil {
			t.Errorf("%s: %s, scheme %#x: %v", tr.name, tlsparse.VersionName(sh.SelectedVersion, true), x.Scheme, err)
		}
	}
}

// verify checks an RSA signature with SHA-256, or that of DTLS 1.0 (RFC 4346
// §7.4.3).
func verify(key *rsa.PublicKey, scheme uint16, signed, signature []byte) error {
	if scheme == 0 {
		first, second := md5.Sum(signed), sha1.Sum(signed)
		return rsa.VerifyPKCS1v15(key, crypto.MD5SHA1, append(first[:], second[:]...), signature)
	}
	sum := sha256.Sum256(signed)
	switch scheme {
	case 0x0804: // rsa_pss_rsae_sha256
		return rsa.VerifyPSS(key, crypto.SHA256, sum[:], signature, nil)
	case 0x0401: // rsa_pkcs1_sha256
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	}
	return errors.New("a scheme that this test does not know")
}

// checkProbes: a datagram of a handshake's plaintext passes, and no prefix of
// it is refused.
func checkProbes(t *testing.T, tr *trace) {
	for _, d := range tr.datagrams {
		want := tlsparse.No
		if d.b[4] == 0 && d.b[0] != tlsparse.RecordChangeCipherSpec {
			want = tlsparse.Yes
		}
		if got := Probe(d.b); got != want {
			t.Errorf("probe: got %v, want %v of %.40x", got, want, d.b)
		}
		for i := range d.b {
			if got := Probe(d.b[:i]); want == tlsparse.Yes && got == tlsparse.No {
				t.Fatalf("prefix of %d bytes: got no of %.40x", i, d.b)
			}
		}
	}
}

// TestTracesDelivery: however the datagrams of a direction come, the messages
// are the same.
func TestTracesDelivery(t *testing.T) {
	for _, tr := range readTraces(t) {
		for _, client := range []bool{true, false} {
			list := tr.side(client, true)
			events, _ := assemble(list...)
			want := messages(events)
			check := func(how string, list [][]byte) {
				t.Helper()
				events, stats := assemble(list...)
				if got := messages(events); !slices.Equal(got, want) {
					t.Errorf("%s, client %v, %s:\ngot  %s\nwant %s", tr.name, client, how, kinds(got), kinds(want))
				}
				if stats.Malformed+stats.Overflow+stats.TooLong+stats.Broken > 0 {
					t.Errorf("%s, client %v, %s: %+v", tr.name, client, how, stats)
				}
			}
			check("without what was lost", tr.side(client, false))
			var twice [][]byte
			for _, b := range list {
				twice = append(twice, b, b)
			}
			check("twice", twice)
			check("all once more", slices.Concat(list, list))
			from, to := middle(list)
			for seed := range uint64(50) {
				shuffled := slices.Clone(list)
				rand.New(rand.NewPCG(seed, 1)).Shuffle(to-from, func(i, j int) {
					shuffled[from+i], shuffled[from+j] = shuffled[from+j], shuffled[from+i]
				})
				check(fmt.Sprint("shuffled, seed ", seed), shuffled)
			}
		}
	}
}

// middle delimits the datagrams between the last first hello and the
// ChangeCipherSpec.
func middle(list [][]byte) (from, to int) {
	events := 0
	for to < len(list) {
		e, _ := assemble(list[:to+1]...)
		if strings.Contains(kinds(e), "change") {
			break
		}
		if hellos := strings.Count(kinds(e), "1#") + strings.Count(kinds(e), "2#1") + strings.Count(kinds(e), "3#"); hellos > events {
			from, events = to+1, hellos
		}
		to++
	}
	return min(from, to), to
}

// TestTracesPrefix: of a capture that breaks off, or whose packets are cut, only
// whole messages are told of.
func TestTracesPrefix(t *testing.T) {
	for _, tr := range readTraces(t) {
		for _, client := range []bool{true, false} {
			list := tr.side(client, true)
			all, _ := assemble(list...)
			for n := range list {
				for _, cut := range []int{0, 1, 13, 20, 25, 60, len(list[n]) / 2, len(list[n]) - 1} {
					part := slices.Clone(list[:n+1])
					part[n] = part[n][:min(cut, len(part[n]))]
					events, _ := assemble(part...)
					got := messages(events)
					if want := messages(all); len(got) > len(want) || !slices.Equal(got, want[:len(got)]) {
						t.Fatalf("%s, client %v, %d datagrams, the last cut to %d: %s", tr.name, client, n+1, cut, kinds(got))
					}
				}
			}
		}
	}
}
