package trust

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"blindspot/discover"
)

// TestAgainstVerify builds meshes of authorities at random, cross-signed,
// expired, limited, and holds every verdict against crypto/x509's own search.
func TestAgainstVerify(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := newMesh(t, r)
		s := storeOf(t, Spec{}, m.roots...)
		known := knownOf(m.all...)
		for _, leaf := range m.leaves {
			at := years(r.IntN(6) - 3)
			presented := append(list(leaf), m.some(r)...)
			usage := Usage(r.IntN(2))
			v := s.Judge(chainOf(presented...), known, at, usage)
			if got, want := v.Presented.OK, verifies(t, leaf, m.roots, presented[1:], v.At, usage); got != want {
				t.Errorf("seed %d, as presented: got %+v, crypto/x509 says %v", seed, v.Presented, want)
			}
			if got, want := v.Complete.OK, verifies(t, leaf, m.roots, append(presented[1:], m.all...), v.At, usage); got != want {
				t.Errorf("seed %d, with all known: got %+v, crypto/x509 says %v", seed, v.Complete, want)
			}
			if v.Trusted == discover.Unknown {
				t.Errorf("seed %d: cannot be judged: %+v", seed, v.Complete)
			}
		}
	}
}

// mesh is authorities that sign each other.
type mesh struct{ roots, all, leaves []*entity }

func newMesh(t *testing.T, r *rand.Rand) *mesh {
	m := &mesh{}
	for i := range 3 {
		m.all = append(m.all, sign(t, fmt.Sprintf("root %d", i), ecKey(t), nil, ca, odd(r)))
	}
	m.roots = append(m.roots, m.all[:2]...)
	for i := range 6 {
		key := ecKey(t)
		for range 1 + r.IntN(3) { // signed by several
			issuer := m.all[r.IntN(len(m.all))]
			m.all = append(m.all, sign(t, fmt.Sprintf("ca %d", i), key, issuer, ca, odd(r)))
		}
	}
	for range 6 {
		issuer := m.all[r.IntN(len(m.all))]
		m.leaves = append(m.leaves, sign(t, "leaf", ecKey(t), issuer, leafFor([]string{"a.shop.test", "b.test"}[r.IntN(2)])))
	}
	return m
}

func (m *mesh) some(r *rand.Rand) []*entity {
	var list []*entity
	for _, e := range m.all {
		if r.IntN(2) == 0 {
			list = append(list, e)
		}
	}
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// odd gives one authority in three something to fail for.
func odd(r *rand.Rand) option {
	n := r.IntN(18)
	return func(c *x509.Certificate) {
		switch n {
		case 0:
			c.NotAfter = years(-1)
		case 1:
			c.NotBefore = years(1)
		case 2:
			c.MaxPathLenZero = true
		case 3:
			c.PermittedDNSDomains = []string{"shop.test"}
		case 4:
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		case 5:
			c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature
		}
	}
}

func verifies(t *testing.T, leaf *entity, roots, between []*entity, at time.Time, usage Usage) bool {
	t.Helper()
	pool := func(list []*entity) *x509.CertPool {
		p := x509.NewCertPool()
		for _, e := range list {
			c, err := x509.ParseCertificate(e.DER)
			if err != nil {
				t.Fatal(err)
			}
			p.AddCert(c)
		}
		return p
	}
	c, err := x509.ParseCertificate(leaf.DER)
	if err != nil {
		t.Fatal(err)
	}
	use := x509.ExtKeyUsageServerAuth
	if usage == Client {
		use = x509.ExtKeyUsageClientAuth
	}
	_, err = c.Verify(x509.VerifyOptions{Roots: pool(roots), Intermediates: pool(between), CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{use}})
	return err == nil
}

// TestMemoHoldsForItsTime asks about the same chain at many times: what is
// remembered for one must not be the answer for another.
func TestMemoHoldsForItsTime(t *testing.T) {
	root := sign(t, "root", ecKey(t), nil, ca)
	key := ecKey(t)
	first := sign(t, "inter", key, root, ca, valid(years(-3), years(-2)))
	second := sign(t, "inter", key, root, ca, valid(years(-1), years(1)))
	leaf := sign(t, "leaf", ecKey(t), second, leafFor("a.test"), valid(years(-3), years(3)))
	s := storeOf(t, Spec{}, root)
	known := knownOf(second)
	for range 2 {
		for _, tt := range []struct {
			at                  time.Time
			presented, complete Reason
		}{
			{years(-3), "", ""},
			{years(-2), "", ""},
			{years(-2).Add(time.Second), ExpiredIntermediate, ExpiredIntermediate},
			{years(-1).Add(-time.Second), ExpiredIntermediate, ExpiredIntermediate},
			{years(-1), ExpiredIntermediate, ""},
			{now, ExpiredIntermediate, ""},
			{years(1), ExpiredIntermediate, ""},
			{years(1).Add(time.Second), ExpiredIntermediate, ExpiredIntermediate},
			{years(5), ExpiredIntermediate, ExpiredIntermediate},
		} {
			v := s.Judge(chainOf(leaf, first), known, tt.at, Server)
			if v.Presented.Reason != tt.presented || v.Complete.Reason != tt.complete {
				t.Errorf("at %v: got %q and %q, want %q and %q", tt.at, v.Presented.Reason, v.Complete.Reason, tt.presented, tt.complete)
			}
		}
	}
	if v := s.Judge(chainOf(leaf, first), &Intermediates{}, now, Server); v.Trusted != discover.No {
		t.Errorf("others known: got %+v", v)
	}
}

// TestMemoForgetsWhenMoreIsKnown: a verdict holds until an authority is added.
func TestMemoForgetsWhenMoreIsKnown(t *testing.T) {
	root := sign(t, "root", ecKey(t), nil, ca)
	inter := sign(t, "inter", ecKey(t), root, ca)
	leaf := sign(t, "leaf", ecKey(t), inter, leafFor("a.test"))
	s, known := storeOf(t, Spec{}, root), &Intermediates{}
	if v := s.Judge(chainOf(leaf), known, now, Server); v.Trusted != discover.No {
		t.Fatalf("got %+v", v)
	}
	known.Add(inter.Certificate)
	known.Add(leaf.Certificate) // no authority
	v := s.Judge(chainOf(leaf), known, now, Server)
	if !v.Incomplete() || len(v.Missing) != 1 || v.Missing[0] != inter.SHA256 || v.Root != root.SHA256 || v.RootName != root.Subject {
		t.Errorf("got %+v, want an incomplete chain without %v", v, inter.SHA256)
	}
	if known.Len() != 1 {
		t.Errorf("got %d intermediates, want 1", known.Len())
	}
}

func TestUnknownCertificates(t *testing.T) {
	root := sign(t, "root", ecKey(t), nil, ca)
	inter := sign(t, "inter", ecKey(t), root, ca)
	leaf := sign(t, "leaf", ecKey(t), inter, leafFor("a.test"))
	self := sign(t, "self", ecKey(t), nil, leafFor("a.test"))
	s := storeOf(t, Spec{}, root)
	for _, tt := range []struct {
		name  string
		chain []*discover.Certificate
		want  discover.Tri
	}{
		{"no chain", nil, discover.Unknown},
		{"leaf not known", []*discover.Certificate{nil, inter.Certificate}, discover.Unknown},
		{"intermediate not known", []*discover.Certificate{leaf.Certificate, nil}, discover.Unknown},
		{"self-signed, another not known", []*discover.Certificate{self.Certificate, nil}, discover.No},
		{"stranger not known", []*discover.Certificate{leaf.Certificate, nil, inter.Certificate}, discover.Yes},
		{"garbage", []*discover.Certificate{discover.ParseCertificate([]byte("no certificate"))}, discover.Unknown},
		{"garbage behind the leaf", []*discover.Certificate{leaf.Certificate, discover.ParseCertificate([]byte{0x30, 0}), inter.Certificate}, discover.Yes},
	} {
		v := s.Judge(tt.chain, nil, now, Server)
		if v.Trusted != tt.want || (v.Complete.Reason == CannotJudge) != (tt.want == discover.Unknown) {
			t.Errorf("%s: got %+v, want %v", tt.name, v, tt.want)
		}
	}
}

// TestDistrustAfter: a root that is trusted for what it issued before a date.
func TestDistrustAfter(t *testing.T) {
	root := sign(t, "root", ecKey(t), nil, ca)
	inter := sign(t, "inter", ecKey(t), root, ca)
	before := sign(t, "leaf", ecKey(t), inter, leafFor("a.test"), valid(years(-2), years(1)))
	after := sign(t, "leaf", ecKey(t), inter, leafFor("a.test"), valid(now.AddDate(0, -1, 0), years(1)))
	s := storeOf(t, Spec{}, root)
	s.byPrint[root.SHA256].limit = func(chain []*x509.Certificate) error {
		for _, c := range chain {
			if c.NotBefore.After(years(-1)) {
				return fmt.Errorf("certificate issued after distrust-after date %q", years(-1))
			}
		}
		return nil
	}
	if v := s.Judge(chainOf(before, inter), nil, now, Server); v.Trusted != discover.Yes {
		t.Errorf("issued before: got %+v", v)
	}
	v := s.Judge(chainOf(after, inter), nil, now, Server)
	if v.Trusted != discover.No || v.Complete.Reason != Distrusted || !strings.Contains(v.Complete.Detail, "distrust-after") {
		t.Errorf("issued after: got %+v", v)
	}
}

// TestFloodOfOneName: a stranger presents many authorities of one name and key
// identifier. The work is bounded, and no verdict is wrong for it.
func TestFloodOfOneName(t *testing.T) {
	root := sign(t, "root", ecKey(t), nil, ca)
	keyID := func(c *x509.Certificate) { c.SubjectKeyId = []byte{1, 2, 3, 4} }
	real := sign(t, "inter", ecKey(t), root, ca, keyID)
	leaf := sign(t, "leaf", ecKey(t), real, leafFor("a.test"))
	stranger := sign(t, "stranger", ecKey(t), nil, ca)
	var flood []*entity
	for range maxSteps + 20 {
		flood = append(flood, sign(t, "inter", stranger.key, stranger, ca, keyID))
	}
	s := storeOf(t, Spec{}, root)
	known := knownOf(flood...)
	if known.Len() != maxSameSubject || known.Beyond() != uint64(len(flood)-maxSameSubject) {
		t.Errorf("got %d kept and %d beyond, want %d and %d", known.Len(), known.Beyond(), maxSameSubject, len(flood)-maxSameSubject)
	}
	if v := s.Judge(chainOf(leaf, real), known, now, Server); v.Trusted != discover.Yes {
		t.Errorf("presented: got %+v", v)
	}
	if v := s.Judge(chainOf(leaf), knownOf(append(list(real), flood...)...), now, Server); !v.Incomplete() {
		t.Errorf("known first: got %+v", v)
	}
	v := s.Judge(chainOf(append(list(leaf), flood...)...), nil, now, Server)
	if v.Trusted != discover.Unknown || !strings.Contains(v.Complete.Detail, "gave up") {
		t.Errorf("flood presented: got %+v", v)
	}
}

// TestBoundsAreCounted fills what a store remembers and warns of.
func TestBoundsAreCounted(t *testing.T) {
	s := &Store{}
	for i := range maxMemo + 1 {
		s.remember(memoKey{chain: discover.ChainID{byte(i), byte(i >> 8), byte(i >> 16)}}, memoEntry{})
	}
	if s.Forgotten() != maxMemo || len(s.memo) != 1 {
		t.Errorf("got %d forgotten and %d remembered, want %d and 1", s.Forgotten(), len(s.memo), maxMemo)
	}
	l := loader{spec: &Spec{}, store: s}
	for i := range maxWarnings + 7 {
		l.warnf("warning %d", i)
	}
	if n := len(s.Warnings); n != maxWarnings+1 || s.Warnings[maxWarnings] != "and 7 more warnings" {
		t.Errorf("got %d warnings, the last %q", n, s.Warnings[n-1])
	}
}

// TestLoops: authorities that sign each other in a circle end nowhere.
func TestLoops(t *testing.T) {
	root := sign(t, "root", ecKey(t), nil, ca)
	var ring []*entity
	keys := []*entity{}
	for i := range 8 {
		keys = append(keys, sign(t, fmt.Sprintf("ring %d", i), ecKey(t), nil, ca))
	}
	for i, e := range keys {
		for j, issuer := range keys {
			if i != j {
				ring = append(ring, sign(t, fmt.Sprintf("ring %d", i), e.key, issuer, ca))
			}
		}
	}
	leaf := sign(t, "leaf", ecKey(t), keys[0], leafFor("a.test"))
	begin := time.Now()
	v := storeOf(t, Spec{}, root).Judge(chainOf(leaf), knownOf(ring...), now, Server)
	if v.Trusted != discover.No || v.Complete.Reason != UnknownAuthority {
		t.Errorf("got %+v, want an unknown authority", v)
	}
	t.Logf("%v: %s", time.Since(begin), v.Complete.Detail)
}

func TestConcurrentJudgements(t *testing.T) {
	root := sign(t, "root", ecKey(t), nil, ca)
	inter := sign(t, "inter", ecKey(t), root, ca)
	s, known := storeOf(t, Spec{}, root), &Intermediates{}
	var wg sync.WaitGroup
	for range 4 {
		leaf := sign(t, "leaf", ecKey(t), inter, leafFor("a.test"))
		wg.Go(func() {
			for i := range 50 {
				known.Add(inter.Certificate)
				if v := s.Judge(chainOf(leaf), known, now.Add(time.Duration(i)*time.Hour), Server); !v.Incomplete() {
					t.Errorf("got %+v", v)
				}
			}
		})
	}
	wg.Wait()
}

// TestCaptured judges chains of 2020 at the time of their capture.
func TestCaptured(t *testing.T) {
	tests := []struct{ file, sni, issuer string }{
		{"ndpi--443-curl", "www.ntop.org", "DST Root CA X3"}, // expired in 2021; stores have dropped it
		{"ndpi--443-git", "github.com", "DigiCert High Assurance EV Root CA"},
	}
	for _, tt := range tests {
		t.Run(tt.sni, func(t *testing.T) {
			chain, at := suricataChain(t, tt.file)
			s, err := Load(Spec{Name: "public", Builtin: "mozilla"})
			if err != nil {
				t.Fatal(err)
			}
			v := s.Judge(chain, nil, at, Server)
			top := chain[len(chain)-1]
			if !strings.Contains(top.Issuer, tt.issuer) {
				t.Fatalf("the chain ends at %s", top.Issuer)
			}
			if s.anchors[string(top.IssuerDER)] == nil {
				if v.Trusted != discover.No || v.Presented.Reason != UnknownAuthority || !strings.Contains(v.Presented.Detail, tt.issuer) {
					t.Errorf("got %+v, want an unknown authority %s", v, tt.issuer)
				}
			} else if v.Trusted != discover.Yes || !strings.Contains(v.RootName, tt.issuer) || !v.At.Equal(at) {
				t.Errorf("got %+v, want trusted by %s", v, tt.issuer)
			}
			t.Logf("%v %s", v.Trusted, v.Presented.Detail)
		})
	}
}

// suricataChain reads the chain that Suricata logged.
func suricataChain(t *testing.T, name string) ([]*discover.Certificate, time.Time) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "corpus", "logs", "suricata", name+".eve.json"))
	if err != nil {
		t.Skipf("no captured chains here: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		var event struct {
			Timestamp string
			Type      string `json:"event_type"`
			TLS       struct{ Chain []string }
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		if event.Type != "tls" || len(event.TLS.Chain) == 0 {
			continue
		}
		at, err := time.Parse("2006-01-02T15:04:05.999999999-0700", event.Timestamp)
		if err != nil {
			t.Fatal(err)
		}
		var chain []*discover.Certificate
		for _, b64 := range event.TLS.Chain {
			der, err := base64.StdEncoding.DecodeString(b64)
			if err != nil {
				t.Fatal(err)
			}
			chain = append(chain, discover.ParseCertificate(der))
		}
		return chain, at
	}
	t.Fatal("no chain in it")
	return nil, time.Time{}
}

func BenchmarkJudge(b *testing.B) {
	root := sign(b, "root", ecKey(b), nil, ca)
	inter := sign(b, "inter", ecKey(b), root, ca)
	const leaves = 2000
	chains := make([][]*discover.Certificate, leaves)
	for i := range chains {
		chains[i] = chainOf(sign(b, "leaf", ecKey(b), inter, leafFor(fmt.Sprintf("%d.test", i))), inter)
	}
	known := knownOf(inter)
	for i := range 1000 {
		known.Add(sign(b, fmt.Sprintf("authority %d", i), ecKey(b), root, ca).Certificate)
	}
	trusts, others := storeOf(b, Spec{}, root), storeOf(b, Spec{}, sign(b, "other", ecKey(b), nil, ca))
	judge := func(b *testing.B, s *Store, forget bool) {
		for i := range b.N {
			if i%leaves == 0 && forget {
				s.memo, known.signs.known = nil, nil
			}
			s.Judge(chains[i%leaves], known, now, Server)
		}
	}
	b.Run("trusted", func(b *testing.B) { judge(b, trusts, true) })
	b.Run("untrusted", func(b *testing.B) { judge(b, others, true) })
	b.Run("remembered", func(b *testing.B) { judge(b, trusts, false) })
	b.Run("next store", func(b *testing.B) {
		for i := range b.N {
			if i%leaves == 0 {
				others.memo = nil
			}
			others.Judge(chains[i%leaves], known, now, Server)
		}
	})
}

func BenchmarkLoadMozilla(b *testing.B) {
	for range b.N {
		if _, err := Load(Spec{Builtin: "mozilla"}); err != nil {
			b.Fatal(err)
		}
	}
}
