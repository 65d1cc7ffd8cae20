package trust

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
)

// scene is a chain before a store, with what is to come out. Where a verdict
// is not OK, the reason stands for it.
type scene struct {
	name      string
	roots     []*entity
	chain     []*entity
	known     []*entity
	at        time.Time // now, where zero
	client    bool
	domain    string
	presented Reason // "" is OK
	complete  Reason
	detail    string // part of Complete's, or Presented's where that is OK
	// openssl says why OpenSSL judges otherwise; "" where it agrees.
	openssl string
}

func (s *scene) usage() Usage {
	if s.client {
		return Client
	}
	return Server
}

func list(e ...*entity) []*entity { return e }

// scenes holds every reason once, next to its healthy neighbour.
func scenes(t *testing.T) []scene {
	root := sign(t, "root", ecKey(t), nil, ca)
	other := sign(t, "other root", ecKey(t), nil, ca)
	inter := sign(t, "inter", ecKey(t), root, ca)
	second := sign(t, "second", ecKey(t), inter, ca)
	leaf := sign(t, "leaf", ecKey(t), inter, leafFor("a.test"))
	deep := sign(t, "deep", ecKey(t), second, leafFor("a.test"))
	expired := sign(t, "leaf", ecKey(t), inter, leafFor("a.test"), valid(years(-3), now.AddDate(0, 0, -3)))
	future := sign(t, "leaf", ecKey(t), inter, leafFor("a.test"), valid(years(1), years(2)))
	selfSigned := sign(t, "self", ecKey(t), nil, leafFor("a.test"))
	list1 := []scene{
		{name: "healthy", roots: list(root), chain: list(leaf, inter)},
		{name: "healthy, root first and a stranger", roots: list(root), chain: list(leaf, root, other, inter)},
		{name: "healthy, unordered", roots: list(root), chain: list(deep, root, inter, second)},
		{name: "incomplete", roots: list(root), chain: list(leaf), known: list(inter, other), presented: UnknownAuthority},
		{name: "incomplete in the middle", roots: list(root), chain: list(deep, second), known: list(inter), presented: UnknownAuthority},
		{name: "unknown authority", roots: list(other), chain: list(leaf, inter, root), presented: UnknownAuthority, complete: UnknownAuthority, detail: `root "CN=root,O=blindspot test" is not in the store`},
		{name: "unknown intermediate", roots: list(root), chain: list(leaf), known: list(other), presented: UnknownAuthority, complete: UnknownAuthority, detail: `no certificate of "CN=inter,O=blindspot test", the issuer of "CN=leaf,O=blindspot test"`},
		{name: "self-signed", roots: list(root), chain: list(selfSigned), presented: SelfSigned, complete: SelfSigned},
		{name: "self-signed, trusted", roots: list(selfSigned), chain: list(selfSigned)},
		{name: "leaf expired", roots: list(root), chain: list(expired, inter)},
		{name: "leaf expired, authority unknown", roots: list(other), chain: list(expired, inter), presented: UnknownAuthority, complete: UnknownAuthority},
		{name: "leaf not yet valid", roots: list(root), chain: list(future, inter)},
		{name: "intermediate in the store", roots: list(inter), chain: list(leaf)},
	}
	return append(append(append(append(list1, timeScenes(t, root)...), authorityScenes(t, root)...), algorithmScenes(t, root)...), otherScenes(t, root, inter, leaf)...)
}

func timeScenes(t *testing.T, root *entity) []scene {
	key := ecKey(t)
	old := sign(t, "aged", key, root, ca, valid(years(-5), now.AddDate(0, -1, 0)))
	renewed := sign(t, "aged", key, root, ca)
	early := sign(t, "early", ecKey(t), root, ca, valid(years(1), years(5)))
	leaf := sign(t, "leaf", ecKey(t), old, leafFor("a.test"))
	underEarly := sign(t, "leaf", ecKey(t), early, leafFor("a.test"))
	oldRoot := sign(t, "old root", ecKey(t), nil, ca, valid(years(-10), now.AddDate(0, 0, -1)))
	newRoot := sign(t, "new root", ecKey(t), nil, ca, valid(years(1), years(10)))
	underOld := sign(t, "leaf", ecKey(t), oldRoot, leafFor("a.test"))
	underNew := sign(t, "leaf", ecKey(t), newRoot, leafFor("a.test"))
	// The root that expired, and the same key cross-signed by another.
	cross := sign(t, "old root", oldRoot.key, root, ca)
	return []scene{
		{name: "expired intermediate", roots: list(root), chain: list(leaf, old), presented: ExpiredIntermediate, complete: ExpiredIntermediate, detail: `intermediate "CN=aged,O=blindspot test" expired 2026-10-20T12:00:00Z`},
		{name: "expired intermediate, before it did", roots: list(root), chain: list(leaf, old), at: now.AddDate(0, -2, 0)},
		{name: "expired intermediate, its last second", roots: list(root), chain: list(leaf, old), at: now.AddDate(0, -1, 0), openssl: "it leaves out the last second, which belongs to the validity (RFC 5280 §4.1.2.5)"},
		{name: "expired intermediate, renewed one known", roots: list(root), chain: list(leaf, old), known: list(renewed), presented: ExpiredIntermediate},
		{name: "expired intermediate, renewed one presented too", roots: list(root), chain: list(leaf, old, renewed)},
		{name: "intermediate not yet valid", roots: list(root), chain: list(underEarly, early), presented: NotYetValidIntermediate, complete: NotYetValidIntermediate},
		{name: "expired root", roots: list(oldRoot), chain: list(underOld), presented: ExpiredRoot, complete: ExpiredRoot},
		{name: "expired root, cross-signed", roots: list(oldRoot, root), chain: list(underOld, oldRoot, cross), openssl: "it ends at the first trusted root of the name"},
		{name: "expired root, cross-signed one known", roots: list(oldRoot, root), chain: list(underOld), known: list(cross), presented: ExpiredRoot, openssl: "it ends at the first trusted root of the name"},
		{name: "root not yet valid", roots: list(newRoot), chain: list(underNew), presented: NotYetValidRoot, complete: NotYetValidRoot},
	}
}

func authorityScenes(t *testing.T, root *entity) []scene {
	noCA := sign(t, "no authority", ecKey(t), root, leafFor("b.test"))
	underNoCA := sign(t, "leaf", ecKey(t), noCA, leafFor("a.test"))
	noSign := sign(t, "no signer", ecKey(t), root, ca, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
	underNoSign := sign(t, "leaf", ecKey(t), noSign, leafFor("a.test"))
	short := sign(t, "short", ecKey(t), root, ca, func(c *x509.Certificate) { c.MaxPathLenZero = true })
	long := sign(t, "below short", ecKey(t), short, ca)
	underShort := sign(t, "leaf", ecKey(t), short, leafFor("a.test"))
	tooDeep := sign(t, "leaf", ecKey(t), long, leafFor("a.test"))
	limited := sign(t, "limited", ecKey(t), root, ca, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"shop.test"}
	})
	inside := sign(t, "leaf", ecKey(t), limited, leafFor("a.shop.test"))
	outside := sign(t, "leaf", ecKey(t), limited, leafFor("a.other.test"))
	addresses := sign(t, "addresses", ecKey(t), root, ca, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.ExcludedIPRanges = true, []*net.IPNet{{IP: net.IP{10, 0, 0, 0}, Mask: net.CIDRMask(8, 32)}}
	})
	inRange := sign(t, "leaf", ecKey(t), addresses, leafFor("a.test"), func(c *x509.Certificate) { c.IPAddresses = []net.IP{{10, 1, 1, 1}} })
	clientLeaf := sign(t, "client", ecKey(t), root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	anyLeaf := sign(t, "any", ecKey(t), root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} })
	plain := sign(t, "plain", ecKey(t), root)
	mailCA := sign(t, "mail", ecKey(t), root, ca, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} })
	underMail := sign(t, "leaf", ecKey(t), mailCA, leafFor("a.test"))
	return []scene{
		{name: "not a CA", roots: list(root), chain: list(underNoCA, noCA), presented: NotCA, complete: NotCA, detail: `"CN=no authority,O=blindspot test" is not a CA`},
		{name: "may not sign", roots: list(root), chain: list(underNoSign, noSign), presented: NotCA, complete: NotCA, detail: "key usage"},
		{name: "path length", roots: list(root), chain: list(tooDeep, long, short), presented: PathLength, complete: PathLength, detail: "allows 0 intermediates below it, and there are 1"},
		{name: "path length kept", roots: list(root), chain: list(underShort, short)},
		{name: "name constraint", roots: list(root), chain: list(outside, limited), presented: NameConstraint, complete: NameConstraint, detail: `"CN=limited,O=blindspot test" does not allow the names`},
		{name: "name constraint kept", roots: list(root), chain: list(inside, limited)},
		{name: "address constraint", roots: list(root), chain: list(inRange, addresses), presented: NameConstraint, complete: NameConstraint},
		{name: "client's certificate on a server", roots: list(root), chain: list(clientLeaf), presented: KeyUsage, complete: KeyUsage, detail: "not made for a TLS server"},
		{name: "client's certificate on a client", roots: list(root), chain: list(clientLeaf), client: true},
		{name: "any usage", roots: list(root), chain: list(anyLeaf), openssl: "it takes any usage for no TLS server"},
		{name: "no usage stated", roots: list(root), chain: list(plain)},
		{name: "authority for mail", roots: list(root), chain: list(underMail, mailCA), presented: KeyUsage, complete: KeyUsage, detail: `"CN=mail,O=blindspot test" may not sign for a TLS server`},
	}
}

func algorithmScenes(t *testing.T, root *entity) []scene {
	signer := sign(t, "rsa", rsaKey(t, 2048), root, ca)
	plain := sign(t, "leaf", ecKey(t), signer, leafFor("a.test"))
	sha1 := sign(t, "leaf", ecKey(t), signer, leafFor("a.test"), func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA })
	sha256RSA := []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b}
	md5RSA := []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04}
	md5 := resign(t, plain, signer.key, crypto.MD5, sha256RSA, md5RSA)
	pss := sign(t, "leaf", ecKey(t), signer, leafFor("a.test"), func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA256WithRSAPSS })
	// An algorithm that nobody has: ecdsa-with-SHA2 with a number beyond.
	fromRoot := sign(t, "leaf", ecKey(t), root, leafFor("a.test"))
	unknown := resign(t, fromRoot, root.key, crypto.SHA256, []byte{0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02}, []byte{0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x09})
	t.Setenv("GODEBUG", "rsa1024min=0")
	weak := sign(t, "weak", rsaKey(t, 768), root, ca)
	underWeak := sign(t, "leaf", ecKey(t), weak, leafFor("a.test"))
	t.Setenv("GODEBUG", "")
	// The same name and key identifier with another key.
	keyID := func(c *x509.Certificate) { c.SubjectKeyId = []byte{1, 2, 3, 4} }
	real, fake := sign(t, "twin", ecKey(t), root, ca, keyID), sign(t, "twin", ecKey(t), root, ca, keyID)
	underReal := sign(t, "leaf", ecKey(t), real, leafFor("a.test"))
	rekeyed := sign(t, "twin", ecKey(t), root, ca)
	return []scene{
		{name: "SHA-1", roots: list(root), chain: list(sha1, signer), presented: SignatureAlgorithm, complete: SignatureAlgorithm, detail: "is signed with SHA1-RSA"},
		{name: "SHA-256", roots: list(root), chain: list(plain, signer)},
		{name: "RSA-PSS", roots: list(root), chain: list(pss, signer)},
		{name: "MD5", roots: list(root), chain: list(md5, signer), presented: SignatureAlgorithm, complete: SignatureAlgorithm, detail: "is signed with MD5-RSA"},
		{name: "MD5 of an unknown authority", roots: list(root), chain: list(md5), presented: UnknownAuthority, complete: UnknownAuthority},
		{name: "unknown algorithm", roots: list(root), chain: list(unknown), presented: CannotJudge, complete: CannotJudge, detail: "cannot be checked"},
		{name: "weak key", roots: list(root), chain: list(underWeak, weak), presented: WeakKey, complete: WeakKey, detail: "has 768 bits"},
		{name: "bad signature", roots: list(root), chain: list(underReal, fake), presented: BadSignature, complete: BadSignature, detail: "does not check"},
		{name: "bad signature beside the right one", roots: list(root), chain: list(underReal, fake, real), openssl: "it tries one path only"},
		{name: "another key of that name", roots: list(root), chain: list(underReal, rekeyed), known: list(real), presented: UnknownAuthority},
	}
}

func otherScenes(t *testing.T, root, inter, leaf *entity) []scene {
	poison := sign(t, "pre", ecKey(t), inter, leafFor("a.test"), func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: oidPoison, Critical: true, Value: []byte{5, 0}}}
	})
	critical := sign(t, "odd", ecKey(t), inter, leafFor("a.test"), func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 55555, 1}, Critical: true, Value: []byte{5, 0}}}
	})
	// A negative serial, which crypto/x509 refuses and others take.
	number := func(c *x509.Certificate) { c.SerialNumber = big.NewInt(0x1234) }
	negative := func(e *entity, key crypto.Signer) *entity {
		return resign(t, e, key, crypto.SHA256, []byte{0x02, 0x02, 0x12, 0x34}, []byte{0x02, 0x02, 0x80, 0x01})
	}
	odd := negative(sign(t, "leaf", ecKey(t), inter, leafFor("a.test"), number), inter.key)
	oddInter := negative(sign(t, "odd inter", ecKey(t), root, ca, number), root.key)
	parsable := sign(t, "odd inter", oddInter.key, root, ca)
	underOdd := sign(t, "leaf", ecKey(t), parsable, leafFor("a.test"))
	oddRoot := sign(t, "odd root", ecKey(t), nil, ca)
	underOddRoot := sign(t, "leaf", ecKey(t), oddRoot, leafFor("a.test"))
	oddRoot = negative(sign(t, "odd root", oddRoot.key, nil, ca, number), oddRoot.key)
	upper := sign(t, "Spelled CA", ecKey(t), root, ca)
	underUpper := sign(t, "leaf", ecKey(t), sign(t, "SPELLED CA", upper.key, root, ca), leafFor("a.test"))
	svid := sign(t, "svid", ecKey(t), root, spiffe("spiffe://shop.test/ns/a"))
	foreign := sign(t, "svid", ecKey(t), root, spiffe("spiffe://other.test/ns/a"))
	two := sign(t, "svid", ecKey(t), root, spiffe("spiffe://shop.test/a"), spiffe("spiffe://shop.test/b"))
	const only = "it knows nothing of SPIFFE"
	return []scene{
		{name: "precertificate", roots: list(root), chain: list(poison, inter), presented: Precertificate, complete: Precertificate},
		{name: "critical extension", roots: list(root), chain: list(critical, inter), presented: CannotJudge, complete: CannotJudge, detail: "1.3.6.1.4.1.55555.1"},
		{name: "unparsable leaf", roots: list(root), chain: list(odd, inter), presented: CannotJudge, complete: CannotJudge, detail: "negative serial", openssl: "it takes negative serials"},
		{name: "unparsable intermediate", roots: list(root), chain: list(underOdd, oddInter), presented: CannotJudge, complete: CannotJudge, detail: `"CN=odd inter,O=blindspot test" cannot be parsed: `, openssl: "it takes negative serials"},
		{name: "unparsable intermediate, parsable one known", roots: list(root), chain: list(underOdd, oddInter), known: list(parsable), presented: CannotJudge, openssl: "it takes negative serials"},
		{name: "unparsable intermediate that did not sign", roots: list(root), chain: list(leaf, inter, oddInter)},
		{name: "unparsable root", roots: list(oddRoot), chain: list(underOddRoot), presented: CannotJudge, complete: CannotJudge, detail: "negative serial", openssl: "it takes negative serials"},
		{name: "name spelled differently", roots: list(root), chain: list(underUpper, upper), presented: CannotJudge, complete: CannotJudge, detail: "encoded in another way", openssl: "it compares names without case"},
		{name: "SPIFFE", roots: list(root), chain: list(svid), domain: "shop.test"},
		{name: "SPIFFE, client", roots: list(root), chain: list(svid), domain: "shop.test", client: true},
		{name: "SPIFFE, foreign", roots: list(root), chain: list(foreign), domain: "shop.test", presented: ForeignTrustDomain, complete: ForeignTrustDomain, detail: `"other.test"`, openssl: only},
		{name: "SPIFFE, no id", roots: list(root), chain: list(leaf, inter), domain: "shop.test", presented: ForeignTrustDomain, complete: ForeignTrustDomain, detail: "no SPIFFE ID", openssl: only},
		{name: "SPIFFE, two ids", roots: list(root), chain: list(two), domain: "shop.test", presented: ForeignTrustDomain, complete: ForeignTrustDomain, openssl: only},
	}
}

func TestJudge(t *testing.T) {
	for _, sc := range scenes(t) {
		t.Run(sc.name, func(t *testing.T) {
			if sc.at.IsZero() {
				sc.at = now
			}
			s := storeOf(t, Spec{TrustDomain: sc.domain}, sc.roots...)
			v := s.Judge(chainOf(sc.chain...), knownOf(sc.known...), sc.at, sc.usage())
			if v.Presented.Reason != sc.presented || v.Presented.OK != (sc.presented == "") {
				t.Errorf("as presented: got %+v, want %q", v.Presented, sc.presented)
			}
			if v.Complete.Reason != sc.complete || v.Complete.OK != (sc.complete == "") {
				t.Errorf("with all known: got %+v, want %q", v.Complete, sc.complete)
			}
			detail := v.Complete.Detail
			if detail == "" {
				detail = v.Presented.Detail
			}
			if !strings.Contains(detail, sc.detail) {
				t.Errorf("got %q, want %q in it", detail, sc.detail)
			}
			checkVerdict(t, &sc, v)
			checkMemo(t, &sc, s, v)
		})
	}
}

// checkVerdict: what follows from the two outcomes.
func checkVerdict(t *testing.T, sc *scene, v Verdict) {
	t.Helper()
	want := discover.TriOf(sc.complete == "")
	if sc.complete == CannotJudge {
		want = discover.Unknown
	}
	if v.Trusted != want {
		t.Errorf("trusted: got %v, want %v", v.Trusted, want)
	}
	incomplete := sc.complete == "" && sc.presented != "" && sc.presented != CannotJudge
	if v.Incomplete() != incomplete {
		t.Errorf("incomplete: got %v, want %v", v.Incomplete(), incomplete)
	}
	if (len(v.Missing) > 0) != (sc.complete == "" && sc.presented != "") {
		t.Errorf("missing: got %v", v.Missing)
	}
	if v.Root.IsZero() != (sc.complete != "") || (v.RootName == "") != v.Root.IsZero() {
		t.Errorf("root: got %v %q", v.Root, v.RootName)
	}
	if len(v.Complete.Chain) == 0 || v.Complete.Chain[0] != sc.chain[0].SHA256 {
		t.Errorf("path: got %v, want one that begins with the leaf", v.Complete.Chain)
	}
	if v.Complete.OK == v.Complete.Culprit.IsZero() == false {
		t.Errorf("culprit: got %v", v.Complete.Culprit)
	}
	leaf := sc.chain[0].Certificate
	if leaf.Expired(v.At) || leaf.NotYetValid(v.At) || v.Moved != !v.At.Equal(sc.at) {
		t.Errorf("judged at %v (moved: %v), want a time within the leaf's validity", v.At, v.Moved)
	}
}

// checkMemo: the same question has the same answer.
func checkMemo(t *testing.T, sc *scene, s *Store, first Verdict) {
	t.Helper()
	known := knownOf(sc.known...)
	fresh := s.Judge(chainOf(sc.chain...), known, sc.at, sc.usage())
	again := s.Judge(chainOf(sc.chain...), known, sc.at, sc.usage())
	for _, v := range []Verdict{fresh, again} {
		if v.Trusted != first.Trusted || v.Presented.Detail != first.Presented.Detail || v.Complete.Detail != first.Complete.Detail || !v.At.Equal(first.At) || v.Moved != first.Moved {
			t.Errorf("again: got %+v, want %+v", v, first)
		}
	}
}

// TestJudgeAgainstOpenSSL asks openssl verify about the same scenes.
func TestJudgeAgainstOpenSSL(t *testing.T) {
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl here: install it")
	}
	for _, sc := range scenes(t) {
		t.Run(sc.name, func(t *testing.T) {
			if sc.at.IsZero() {
				sc.at = now
			}
			s := storeOf(t, Spec{}, sc.roots...)
			v := s.Judge(chainOf(sc.chain...), nil, sc.at, sc.usage())
			at := v.At
			if v.Moved && at.Before(sc.at) { // it leaves out the last second
				at = at.Add(-time.Second)
			}
			presented := opensslVerify(t, path, &sc, at, sc.chain[1:])
			complete := opensslVerify(t, path, &sc, at, append(sc.chain[1:], sc.known...))
			agree := presented.ok == (sc.presented == "") && complete.ok == (sc.complete == "")
			if agree == (sc.openssl == "") {
				return
			}
			t.Errorf("openssl says %v %s as presented and %v %s with all known; we say %q and %q; explained by %q",
				presented.ok, presented.text, complete.ok, complete.text, sc.presented, sc.complete, sc.openssl)
		})
	}
}

type opensslAnswer struct {
	ok   bool
	text string
}

func opensslVerify(t *testing.T, path string, sc *scene, at time.Time, untrusted []*entity) opensslAnswer {
	t.Helper()
	purpose := "sslserver"
	if sc.client {
		purpose = "sslclient"
	}
	args := []string{"verify", "-no-CApath", "-no-CAstore", "-CAfile", pemFile(t, sc.roots...), "-partial_chain",
		"-attime", strconv.FormatInt(at.Unix(), 10), "-purpose", purpose, "-auth_level", "1"}
	if len(untrusted) > 0 {
		args = append(args, "-untrusted", pemFile(t, untrusted...))
	}
	out, err := exec.Command(path, append(args, pemFile(t, sc.chain[0]))...).CombinedOutput()
	return opensslAnswer{err == nil, string(out)}
}
