package lengths_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/discover"
	"blindspot/discover/flow"
	"blindspot/discover/lengths"
	"blindspot/tlsparse/keylog"
)

// What lengths say of captures is what their key logs open.
func TestCaptures(t *testing.T) {
	files, err := filepath.Glob("../../testdata/pcaps/*.pcap*")
	if err != nil {
		t.Fatal(err)
	}
	// Small records, and early data before the answer, are not read.
	if read, hidden := compare(t, files); read == 0 || read*100 < hidden*95 {
		t.Errorf("%d lengths were read of %d hidden chains, want nearly all", read, hidden)
	}
}

// compare reads captures and returns how many lengths were read, of how many
// chains that were opened.
func compare(t *testing.T, files []string) (read, hidden int) {
	t.Helper()
	ders := map[discover.Fingerprint][]byte{}
	for _, file := range files {
		for _, o := range opened(t, file) {
			for _, c := range o.DER {
				ders[c.SHA256] = c.DER
			}
			hidden++
			e, ok := lengths.Parse(o.LengthEvidence)
			if !ok || !e.Exact() {
				t.Logf("not read: %s %s: %q", filepath.Base(file), o.SNI, o.LengthEvidence)
				continue
			}
			read++
			if problem := disagrees(o, e, ders); problem != "" {
				t.Errorf("%s %s: %s: %s", filepath.Base(file), o.SNI, e.String(), problem)
			}
		}
	}
	return read, hidden
}

// opened returns the handshakes of a capture whose hidden chain its secrets, or
// the key log beside it, open.
func opened(t *testing.T, file string) (out []*discover.Observation) {
	t.Helper()
	f, err := capture.Open(file, capture.Config{})
	if err != nil {
		return nil // no capture
	}
	defer f.Close()
	log := &keylog.Log{}
	base, _, _ := strings.Cut(filepath.Base(file), ".")
	if text, err := os.ReadFile(filepath.Join(filepath.Dir(file), base+".keys")); err == nil {
		log.Add(base, text)
	}
	r := flow.NewReader(flow.Config{Keys: log, Emit: func(o *discover.Observation) {
		if o.CertsFrom == discover.FromDecrypted && len(o.Chain) > 0 && o.Transport == discover.TCP && o.Version == "TLS 1.3" {
			out = append(out, o)
		}
	}}, decode.Config{})
	_ = r.Read(context.Background(), f) // what comes before a damage counts
	return out
}

// disagrees says what of the chain the evidence does not fit, "" for nothing.
func disagrees(o *discover.Observation, e lengths.Evidence, der map[discover.Fingerprint][]byte) string {
	var chain []int
	for _, fp := range o.Chain {
		if der[fp] == nil {
			return "no bytes of " + fp.Short()
		}
		chain = append(chain, len(der[fp]))
	}
	want := lengths.Message(chain)
	if e.Asks.Extra&lengths.Status != 0 && len(o.OCSPResponse) > 0 {
		want += 2 + 2 + 1 + 3 + len(o.OCSPResponse) // RFC 8446 §4.4.2.1, RFC 6066 §8
	}
	if e.Certificate != want {
		return fmt.Sprintf("the message has %d bytes", want)
	}
	if key := keyOf(der[o.Chain[0]]); key != "" && key != e.Key {
		return "the key is " + key
	}
	return ""
}

func keyOf(der []byte) string {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return ""
	}
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("rsa-%d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return fmt.Sprintf("p%d", k.Curve.Params().BitSize)
	case ed25519.PublicKey:
		return "ed25519"
	}
	return ""
}
