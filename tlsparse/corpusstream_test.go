package tlsparse

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket/layers"
)

// stream is one direction of a connection, in order; a hole ends it.
type stream struct {
	bytes []byte
	next  uint32
	open  bool
	later map[uint32][]byte
}

// add takes a segment; the first copy of a byte wins.
func (s *stream) add(seq uint32, payload []byte) {
	if !s.open {
		s.open, s.next, s.later = true, seq, make(map[uint32][]byte)
	}
	s.later[seq] = bytes.Clone(payload)
	for again := true; again; {
		again = false
		for seq, p := range s.later {
			if old := int32(s.next - seq); old >= 0 {
				delete(s.later, seq)
				if int(old) < len(p) {
					s.bytes = append(s.bytes, p[old:]...)
					s.next += uint32(len(p)) - uint32(old)
					again = true
				}
			}
		}
	}
}

// streams returns the directions of all TCP connections of a capture that begin
// with a SYN, by "source destination".
func streams(t *testing.T, name string) map[string]*stream {
	all := make(map[string]*stream)
	eachTCP(t, name, func(tcp *layers.TCP, src, dst string) {
		key := src + " " + dst
		if tcp.SYN {
			if all[key] == nil {
				all[key] = &stream{open: true, next: tcp.Seq + 1, later: make(map[uint32][]byte)}
			}
		}
		if s := all[key]; s != nil && len(tcp.Payload) > 0 {
			s.add(tcp.Seq+b2u(tcp.SYN), tcp.Payload)
		}
	})
	return all
}

func b2u(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// side is what one direction of a handshake says.
type side struct {
	random       []byte
	version      uint16
	suite        uint16
	chains       [][][]byte
	exchange     []byte
	requests     [][]byte
	broken       bool
	messageTypes []uint8
}

// readSide deframes a direction that begins with TLS.
func readSide(b []byte) (s side) {
	var d Deframer
	for {
		e := d.Step(b, 1<<20)
		switch e.Kind {
		case EventNeed:
			return s
		case EventBroken:
			s.broken = true
			return s
		case EventMessage:
			s.messageTypes = append(s.messageTypes, e.Type)
			s.message(e)
		}
	}
}

func (s *side) message(e Event) {
	switch e.Type {
	case TypeClientHello:
		var h ClientHello
		if ParseClientHello(e.Body, &h) == nil {
			s.random = h.Random
		}
	case TypeServerHello:
		var h ServerHello
		if ParseServerHello(e.Body, &h) == nil {
			s.random, s.version, s.suite = h.Random, h.SelectedVersion, h.CipherSuite
		}
	case TypeCertificate:
		if chain, err := ParseCertificate(e.Body, nil); err == nil {
			s.chains = append(s.chains, chain)
		}
	case TypeServerKeyExchange:
		s.exchange = e.Body
	case TypeCertificateRequest:
		s.requests = append(s.requests, e.Body)
	}
}

func fingerprints(chain [][]byte) string {
	var list []string
	for _, der := range chain {
		sum := sha256.Sum256(der)
		list = append(list, hex.EncodeToString(sum[:]))
	}
	return strings.Join(list, ",")
}

// TestCorpusChains compares the chains of connections that begin with TLS with
// what TShark says, and checks the servers' key exchange signatures, which hold
// only if randoms, parameters and scheme were read aright.
func TestCorpusChains(t *testing.T) {
	want := make(map[string][]string)
	known := make(map[string]bool)
	for _, row := range readTSV(t, "truth.certs.tsv") {
		if row["proto"] == "tls" {
			known[row["sha256"]] = true
			key := row["file"] + " " + row["sender"] + " " + row["receiver"]
			want[key] = append(want[key], row["sha256"])
		}
	}
	files := make(map[string]bool)
	for key := range want {
		files[strings.Fields(key)[0]] = true
	}
	var chains, extra, proven, unproven, requests int
	for name := range files {
		all := streams(t, name)
		for key, s := range all {
			if ProbeServerHello(s.bytes) != Yes && ProbeClientHello(s.bytes) != Yes {
				continue
			}
			server := readSide(bytes.Clone(s.bytes))
			var got []string
			for _, chain := range server.chains {
				got = append(got, fingerprints(chain))
				chains++
			}
			truth := want[name+" "+key]
			if truth == nil && len(got) == 1 && known[got[0]] {
				extra++ // TShark lost the connection; the chain is real
			} else if !slices.Equal(got, truth) {
				t.Errorf("%s %s:\n got %q\nwant %q", name, key, got, truth)
			}
			for _, r := range server.requests {
				requests++
				if err := ParseCertificateRequest(r, server.version, new(CertificateRequest)); err != nil {
					t.Errorf("%s %s: certificate request: %v", name, key, err)
				}
			}
			ends := strings.Fields(key)
			if client := all[ends[1]+" "+ends[0]]; server.exchange != nil && client != nil {
				switch provesKey(t, readSide(bytes.Clone(client.bytes)).random, server) {
				case Yes:
					proven++
				case No:
					unproven++
					t.Errorf("%s %s: the key exchange is not signed by the leaf", name, key)
				}
			}
		}
	}
	t.Logf("%d chains compared, %d more where TShark lost the connection, %d key exchanges proven, %d not, %d certificate requests",
		chains-extra, extra, proven, unproven, requests)
}

// provesKey verifies a key exchange signature; Maybe where it cannot.
func provesKey(t *testing.T, clientRandom []byte, server side) Answer {
	var x ServerKeyExchange
	if err := ParseServerKeyExchange(server.exchange, server.suite, server.version, &x); err != nil {
		t.Errorf("key exchange of %s: %v", CipherSuiteName(server.suite), err)
		return Maybe
	}
	if !x.Signed || clientRandom == nil || len(server.chains) == 0 || len(server.chains[0]) == 0 {
		return Maybe
	}
	leaf, err := x509.ParseCertificate(server.chains[0][0])
	if err != nil {
		return Maybe
	}
	signed := KeyExchangeSigned(nil, clientRandom, server.random, x.Params)
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		return verifyRSA(key, x, signed)
	case *ecdsa.PublicKey:
		return answer(ecdsa.VerifyASN1(key, digest(x.Scheme, signed, crypto.SHA1), x.Signature))
	}
	return Maybe
}

func verifyRSA(key *rsa.PublicKey, x ServerKeyExchange, signed []byte) Answer {
	if x.Scheme>>8 == 8 && x.Scheme&0xff >= 4 && x.Scheme&0xff <= 6 {
		hash := []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}[x.Scheme&0xff-4]
		h := hash.New()
		h.Write(signed)
		return answer(rsa.VerifyPSS(key, hash, h.Sum(nil), x.Signature, nil) == nil)
	}
	if x.Scheme == 0 {
		m, s := md5.Sum(signed), sha1.Sum(signed)
		return answer(rsa.VerifyPKCS1v15(key, crypto.MD5SHA1, append(m[:], s[:]...), x.Signature) == nil)
	}
	hash := hashes[x.Scheme>>8]
	if hash == 0 {
		return Maybe
	}
	return answer(rsa.VerifyPKCS1v15(key, hash, digest(x.Scheme, signed, 0), x.Signature) == nil)
}

var hashes = map[uint16]crypto.Hash{1: crypto.MD5, 2: crypto.SHA1, 3: crypto.SHA224, 4: crypto.SHA256, 5: crypto.SHA384, 6: crypto.SHA512}

func digest(scheme uint16, signed []byte, otherwise crypto.Hash) []byte {
	hash, ok := hashes[scheme>>8]
	if !ok {
		hash = otherwise
	}
	h := hash.New()
	h.Write(signed)
	return h.Sum(nil)
}

func answer(b bool) Answer {
	if b {
		return Yes
	}
	return No
}

// TestCorpusJA4 compares JA4 with nDPI's expected results.
func TestCorpusJA4(t *testing.T) {
	type row struct{ ja4, ja3 string }
	want := make(map[string]row)
	for _, r := range readTSV(t, "truth.ja4.tsv") {
		if r["proto"] == "tls" && r["ja4"] != "" {
			want[r["file"]+" "+r["client"]+" "+r["server"]] = row{r["ja4"], r["ja3"]}
		}
	}
	files := make(map[string]bool)
	for key := range want {
		files[strings.Fields(key)[0]] = true
	}
	var equal, different int
	seen := make(map[string]bool)
	var h ClientHello
	for name := range files {
		eachTCP(t, name, func(tcp *layers.TCP, src, dst string) {
			key := name + " " + src + " " + dst
			w, ok := want[key]
			if !ok || seen[key] || !helloOf(tcp.Payload, &h) {
				return
			}
			seen[key] = true
			if ja3, _ := JA3(&h); ja3 != w.ja3 && w.ja3 != "" {
				return // another hello than nDPI's
			}
			got := JA4(&h, 't')
			switch {
			case got == w.ja4:
				equal++
			case nDPIDiffers(got, w.ja4, &h):
				different++
			default:
				t.Errorf("%s: got %s, nDPI %s, ALPN %q", key, got, w.ja4, h.ALPN)
			}
		})
	}
	t.Logf("JA4: %d equal, %d where nDPI differs from the specification", equal, different)
}

// nDPIDiffers reports whether nDPI's JA4 differs only where it departs from
// JA4's specification: "d" and "i" go by the name that it knows for the flow,
// the last character of the ALPN is that of what it kept of it, and no
// extensions hash to the SHA-256 of nothing.
func nDPIDiffers(got, ndpi string, h *ClientHello) bool {
	if len(got) != len(ndpi) {
		return false
	}
	alpn := ndpi[9] == got[9]
	if len(h.ALPN) > 0 {
		alpn = alpn || ndpi[9] == '0' || bytes.IndexByte(h.ALPN[0], ndpi[9]) >= 0
	}
	hash := got[24:] == ndpi[24:] || got[24:] == "000000000000" && ndpi[24:] == "e3b0c44298fc"
	return alpn && hash && got[:3] == ndpi[:3] && got[4:9] == ndpi[4:9] && got[10:24] == ndpi[10:24]
}

// TestCorpusDeframer: real streams give the same events whole and in pieces.
func TestCorpusDeframer(t *testing.T) {
	const visible = 12 << 10
	files := make(map[string]bool)
	for _, row := range readTSV(t, "truth.certs.tsv") {
		files[row["file"]] = true
	}
	compared := 0
	for name := range files {
		for key, s := range streams(t, name) {
			b := s.bytes[:min(len(s.bytes), visible)]
			if ProbeServerHello(b) != Yes && ProbeClientHello(b) != Yes {
				continue
			}
			compared++
			want, _, _ := deframe(t, b, 0, testLimit, false)
			for _, piece := range []int{1, 100} {
				if got, _, _ := deframe(t, b, piece, testLimit, true); !slices.Equal(got, want) {
					t.Errorf("%s %s, in pieces of %d:\n got %.300q\nwant %.300q", name, key, piece, got, want)
				}
			}
		}
	}
	t.Logf("%d streams compared", compared)
}
