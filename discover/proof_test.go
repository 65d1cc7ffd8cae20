package discover

import (
	"bytes"
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 to show that some are not calculated with
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type recordedProof struct {
	name string
	leaf *Certificate
	KeyProof
}

// recordedProofs reads what testdata/proof/record.go heard OpenSSL say.
func recordedProofs(tb testing.TB) []recordedProof {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "proof", "proofs.tsv"))
	if err != nil {
		tb.Fatal(err)
	}
	var list []recordedProof
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		var b [4][]byte
		for i := range b {
			if b[i], err = hex.DecodeString(fields[1+i]); err != nil {
				tb.Fatalf("%s: %v", fields[0], err)
			}
		}
		list = append(list, recordedProof{fields[0], ParseCertificate(b[1]), KeyProof{binary.BigEndian.Uint16(b[0]), b[2], b[3]}})
	}
	return list
}

// unproven are the recorded keys that the standard library cannot calculate
// with.
var unproven = []string{"ed448", "ecdsa_secp256k1"}

func TestKeyProofOfOpenSSL(t *testing.T) {
	for _, p := range recordedProofs(t) {
		t.Run(p.name, func(t *testing.T) {
			yes, no := Yes, No
			if slices.Contains(unproven, p.name) {
				yes, no = Unknown, Unknown
			}
			check(t, "as sent", p.Check(p.leaf), yes)
			for _, at := range []int{0, 40, len(p.Signed) - 1} {
				signed := bytes.Clone(p.Signed)
				signed[at] ^= 1
				check(t, "other randoms or parameters", (&KeyProof{p.Scheme, signed, p.Signature}).Check(p.leaf), no)
			}
			signature := bytes.Clone(p.Signature)
			signature[len(signature)-1] ^= 1
			check(t, "other signature", (&KeyProof{p.Scheme, p.Signed, signature}).Check(p.leaf), no)
			check(t, "shorter signature", (&KeyProof{p.Scheme, p.Signed, signature[1:]}).Check(p.leaf), no)
		})
	}
}

// Each recorded signature is checked against each other leaf: none fits.
func TestKeyProofOfAnotherKey(t *testing.T) {
	proofs := recordedProofs(t)
	for _, p := range proofs {
		for _, other := range proofs {
			if other.leaf.SPKI == p.leaf.SPKI || slices.Contains(unproven, other.name) || slices.Contains(unproven, p.name) {
				continue
			}
			want := No
			if p.Scheme == 0 && other.leaf.KeyType == keyEd25519 {
				want = Unknown // before TLS 1.2 the key says how it signs, and this one could not
			}
			check(t, p.name+" by the key of "+other.name, p.Check(other.leaf), want)
		}
	}
}

func TestKeyProofUnknown(t *testing.T) {
	p := recordedProofs(t)[2]
	for _, tc := range []struct {
		name  string
		proof *KeyProof
		leaf  *Certificate
	}{
		{"no proof", nil, p.leaf},
		{"no leaf", &p.KeyProof, nil},
		{"garbage for a leaf", &p.KeyProof, ParseCertificate([]byte("garbage"))},
		{"scheme that nobody knows", &KeyProof{0x7a7a, p.Signed, p.Signature}, p.leaf},
		{"SM2", &KeyProof{0x0708, p.Signed, p.Signature}, p.leaf},
		{"no signature", &KeyProof{p.Scheme, p.Signed, nil}, p.leaf},
		{"no randoms", &KeyProof{p.Scheme, p.Signed[:63], p.Signature}, p.leaf},
	} {
		t.Run(tc.name, func(t *testing.T) { check(t, "proof", tc.proof.Check(tc.leaf), Unknown) })
	}
	check(t, "RSA key, ECDSA signature", (&KeyProof{0x0403, p.Signed, p.Signature}).Check(p.leaf), No)
}

// Keys beyond the bounds are not calculated with.
func TestKeyProofBounds(t *testing.T) {
	long := new(big.Int).Lsh(big.NewInt(1), maxKeyBits)
	short := new(big.Int).Lsh(big.NewInt(1), maxGroupBits)
	for _, leaf := range []*Certificate{
		{KeyType: keyRSA, PublicKey: &rsa.PublicKey{N: long, E: 3}},
		{KeyType: keyDSA, PublicKey: &dsa.PublicKey{Parameters: dsa.Parameters{P: long, Q: big.NewInt(251), G: long}, Y: long}},
		{KeyType: keyDSA, PublicKey: &dsa.PublicKey{Parameters: dsa.Parameters{P: short, Q: short, G: short}, Y: short}},
	} {
		scheme := map[string]uint16{keyRSA: 0x0401, keyDSA: 0x0402}[leaf.KeyType]
		p := &KeyProof{scheme, make([]byte, 100), make([]byte, 1+maxKeyBits/8)}
		check(t, leaf.KeyType, p.Check(leaf), Unknown)
	}
}

// A server of crypto/tls, which signs with whatever key it is given, proves its
// own key and gives away another.
func TestKeyProofOfGo(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	otherRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	otherEC, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		version uint16
		certify crypto.Signer
		sign    crypto.Signer
		want    Tri
	}{
		{"RSA, TLS 1.2", tls.VersionTLS12, rsaKey, rsaKey, Yes},
		{"RSA, TLS 1.1", tls.VersionTLS11, rsaKey, rsaKey, Yes},
		{"RSA, TLS 1.0", tls.VersionTLS10, rsaKey, rsaKey, Yes},
		{"ECDSA, TLS 1.2", tls.VersionTLS12, ecKey, ecKey, Yes},
		{"ECDSA, TLS 1.0", tls.VersionTLS10, ecKey, ecKey, Yes},
		{"Ed25519, TLS 1.2", tls.VersionTLS12, edKey, edKey, Yes},
		{"another RSA key in memory", tls.VersionTLS12, rsaKey, otherRSA, No},
		{"another RSA key in memory, TLS 1.0", tls.VersionTLS10, rsaKey, otherRSA, No},
		{"another ECDSA key in memory", tls.VersionTLS12, ecKey, otherEC, No},
	} {
		t.Run(tc.name, func(t *testing.T) {
			template := &x509.Certificate{SerialNumber: big.NewInt(1)}
			der, err := x509.CreateCertificate(rand.Reader, template, template, tc.certify.Public(), tc.certify)
			if err != nil {
				t.Fatal(err)
			}
			p := recordGo(t, tc.version, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: tc.sign})
			check(t, "proof", p.Check(ParseCertificate(der)), tc.want)
		})
	}
}

// recordGo makes a handshake in memory and cuts the proof out of its bytes.
func recordGo(t *testing.T, version uint16, cert tls.Certificate) *KeyProof {
	t.Helper()
	near, far := net.Pipe()
	var sent, received bytes.Buffer
	suites := []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
	go func() {
		s := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, CipherSuites: suites})
		_ = s.Handshake() // fails where the key is another, after the client has read the signature
		far.Close()
	}()
	c := tls.Client(recorder{near, &sent, &received}, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, CipherSuites: suites})
	_ = c.Handshake()
	near.Close()
	var hello, answer, exchange []byte
	for _, m := range handshakeMessages(append(sent.Bytes(), received.Bytes()...)) {
		switch body := m[4:]; m[0] {
		case 1:
			hello = body
		case 2:
			answer = body
		case 12:
			exchange = body
		}
	}
	if hello == nil || answer == nil || exchange == nil {
		t.Fatalf("handshake broke off after %d and %d bytes", sent.Len(), received.Len())
	}
	params := 4 + int(exchange[3])
	p := &KeyProof{Signed: slices.Concat(hello[2:34], answer[2:34], exchange[:params])}
	rest := exchange[params:]
	if version == tls.VersionTLS12 {
		p.Scheme, rest = binary.BigEndian.Uint16(rest), rest[2:]
	}
	p.Signature = rest[2:]
	return p
}

type recorder struct {
	net.Conn
	sent, received io.Writer
}

func (r recorder) Write(b []byte) (int, error) {
	_, _ = r.sent.Write(b)
	return r.Conn.Write(b)
}

func (r recorder) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	_, _ = r.received.Write(b[:n])
	return n, err
}

// handshakeMessages cuts records, and messages that no record splits, from what
// crypto/tls wrote: each message in a record of its own.
func handshakeMessages(stream []byte) (list [][]byte) {
	for len(stream) >= 5 {
		n := 5 + int(binary.BigEndian.Uint16(stream[3:]))
		if n > len(stream) {
			return list
		}
		if m := stream[5:n]; stream[0] == 22 && len(m) > 4 && len(m) == 4+(int(m[1])<<16|int(m[2])<<8|int(m[3])) {
			list = append(list, m)
		}
		stream = stream[n:]
	}
	return list
}

func FuzzKeyProof(f *testing.F) {
	proofs := recordedProofs(f)
	for _, p := range proofs {
		f.Add(p.Scheme, p.leaf.DER, p.Signed, p.Signature)
	}
	f.Fuzz(func(t *testing.T, scheme uint16, leaf, signed, signature []byte) {
		(&KeyProof{scheme, signed, signature}).Check(ParseCertificate(leaf))
	})
}

func BenchmarkKeyProof(b *testing.B) {
	for _, p := range recordedProofs(b) {
		if p.name == "rsa_pss_rsae_sha256" || p.name == "ecdsa_sha256" {
			b.Run(p.name, func(b *testing.B) {
				for b.Loop() {
					p.Check(p.leaf)
				}
			})
		}
	}
}
