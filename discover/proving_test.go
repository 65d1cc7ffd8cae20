package discover

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
)

// provingStep is a handshake of a leaf whose server signed, or did not.
type provingStep struct {
	server  string
	outcome Outcome
	signed  bool
	want    Tri
}

func TestProving(t *testing.T) {
	const one, two, three, four, five = "10.0.0.1:443", "10.0.0.2:443", "10.0.0.3:443", "10.0.0.4:443", "10.0.0.5:443"
	for _, test := range []struct {
		name   string
		credit int
		steps  []provingStep
	}{
		{"each established handshake after the first counts as proven", proofCredit, []provingStep{
			{one, Established, true, Yes}, {one, Established, false, Yes}, {two, Established, false, Yes},
		}},
		{"what was not established is checked at each endpoint, until it fits there", proofCredit, []provingStep{
			{one, Established, true, Yes}, {one, RefusedByClient, false, Yes}, {two, OutcomeUnknown, false, No}, {three, RefusedByClient, true, Yes},
		}},
		{"another key in the memory of one server, until it is started again", proofCredit, []provingStep{
			{one, RefusedByClient, false, No}, {one, RefusedByClient, false, No}, {one, RefusedByClient, false, No}, {one, RefusedByClient, false, No},
			{two, Established, true, Yes}, {one, Established, true, Yes}, {one, RefusedByClient, false, No},
		}},
		{"another key, alone with its leaf", proofCredit, []provingStep{
			{one, RefusedByClient, false, No}, {one, RefusedByClient, false, No}, {one, RefusedByClient, false, No}, {one, RefusedByClient, true, No},
			{one, Established, true, Yes},
		}},
		{"clients that do not check", proofCredit, []provingStep{
			{one, Established, false, No}, {two, Established, false, No}, {three, Established, false, No},
			{three, Established, true, No}, {four, Established, true, Unknown}, {five, RefusedByClient, true, Yes}, {four, Established, false, Yes},
		}},
		{"no credit", 0, []provingStep{
			{one, Established, true, Unknown}, {two, RefusedByClient, false, No}, {one, Established, true, Unknown}, {two, Established, true, No},
			{three, RefusedByServer, true, Yes}, {one, Established, false, Yes},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			recorded := recordedProofs(t)[2]
			wrong := recorded.KeyProof
			wrong.Signature = bytes.Clone(wrong.Signature)
			wrong.Signature[len(wrong.Signature)-1] ^= 1
			a := NewAggregator(AggregatorConfig{})
			a.proofs.credit = test.credit
			for i, s := range test.steps {
				o := proved(recorded.leaf, &recorded.KeyProof, s.server, s.outcome)
				if !s.signed {
					o.Proof = &wrong
				}
				a.Add(o)
				if o.KeyProven != s.want {
					t.Errorf("step %d, %s at %s: got %v, want %v", i+1, s.outcome, s.server, o.KeyProven, s.want)
				}
			}
		})
	}
}

func proved(leaf *Certificate, p *KeyProof, server string, outcome Outcome) *Observation {
	o := observation("a.example", 1, outcome)
	o.Server = netip.MustParseAddrPort(server)
	o.CertsFrom, o.Chain, o.DER = FromWire, []Fingerprint{leaf.SHA256}, []RawCertificate{{leaf.SHA256, leaf.DER}}
	o.Proof = p
	return o
}

// TestProvingCredit: of leaves beyond the credit, one in proofEvery handshakes
// is checked, and where none fits one in misfitCost times as many.
func TestProvingCredit(t *testing.T) {
	recorded := recordedProofs(t)[2]
	wrong := recorded.KeyProof
	wrong.Signature = bytes.Clone(wrong.Signature)
	wrong.Signature[len(wrong.Signature)-1] ^= 1
	for _, test := range []struct {
		name          string
		credit, times int // of proofEvery handshakes
		proof         *KeyProof
		want          int
	}{
		{"all fit", 2, 2, &recorded.KeyProof, 2 + 2},
		{"none fits", 3 * misfitCost, 2 * misfitCost, &wrong, 3 + 2},
	} {
		p := provings{ends: map[proofKey]proof{}, credit: test.credit}
		checked := 0
		for range test.times * proofEvery {
			leaf := &knownCertificate{Certificate: recorded.leaf}
			if p.prove(proved(recorded.leaf, test.proof, "10.0.0.1:443", Established), leaf); leaf.tries > 0 {
				checked++
			}
		}
		if checked != test.want {
			t.Errorf("%s: got %d signatures checked of %d handshakes, want %d", test.name, checked, test.times*proofEvery, test.want)
		}
	}
}

// TestPresented: a chain that observations share is folded as one that they do
// not share.
func TestPresented(t *testing.T) {
	server, client := ParseCertificate(certFile(t, "server")), ParseCertificate(certFile(t, "P-256"))
	own, shared := NewAggregator(AggregatorConfig{}), NewAggregator(AggregatorConfig{})
	chain := Present([]RawCertificate{{server.SHA256, server.DER}})
	asked := Present([]RawCertificate{{client.SHA256, client.DER}})
	for range 3 {
		a, b := observation("a.example", 1, Established), observation("a.example", 1, Established)
		a.Chain, a.ClientChain = []Fingerprint{server.SHA256}, []Fingerprint{client.SHA256}
		a.DER = []RawCertificate{{server.SHA256, server.DER}, {client.SHA256, client.DER}}
		b.Show(chain, false)
		b.Show(asked, true)
		if !slices.Equal(a.Chain, b.Chain) || !slices.Equal(a.ClientChain, b.ClientChain) || len(b.DER) != 2 || len(chain.DER) != 1 {
			t.Fatalf("got chains %v and %v with %d certificates", b.Chain, b.ClientChain, len(b.DER))
		}
		own.Add(a)
		shared.Add(b)
	}
	x, y := own.Drain(false), shared.Drain(false)
	if len(y.Certificates) != 2 || len(y.Chains) != 2 || len(x.Certificates) != 2 || len(x.Chains) != 2 {
		t.Errorf("got %d certificates and %d chains, want 2 and 2", len(y.Certificates), len(y.Chains))
	}
	if x.All()[0].Key != y.All()[0].Key || y.All()[0].Count != 3 {
		t.Errorf("got %+v, want %+v", y.All()[0].Key, x.All()[0].Key)
	}
}

func TestPresentedSame(t *testing.T) {
	p := Present([]RawCertificate{{Fingerprint{1}, []byte("leaf")}, {Fingerprint{2}, []byte("issuer")}})
	for _, test := range []struct {
		name  string
		certs []string
		want  bool
	}{
		{"same", []string{"leaf", "issuer"}, true},
		{"one less", []string{"leaf"}, false},
		{"one more", []string{"leaf", "issuer", "root"}, false},
		{"cut elsewhere", []string{"leafi", "ssuer"}, false},
		{"another", []string{"leaf", "issueR"}, false},
	} {
		var certs [][]byte
		for _, c := range test.certs {
			certs = append(certs, []byte(c))
		}
		check(t, test.name, p.Same(certs), test.want)
	}
}
