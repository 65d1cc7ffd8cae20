package coverage

import (
	"fmt"
	"slices"
	"strings"

	"blindspot/discover"
)

func init() { register(kind{name: "weak-tls", rank: 20, find: findWeakTLS}) }

// findWeakTLS finds versions that are retired, and certificates with a short
// key or a broken signature, in handshakes that were completed.
//
// It must not appear for handshakes that were refused or given up, for what
// only checks and scanners negotiated, for a root served with the chain, nor
// for the signature of a self-signed certificate, which proves nothing.
func findWeakTLS(a *analysis) []discover.Finding {
	var out []discover.Finding
	for _, cells := range groupBy(a.sifted.weak, func(c *cell) (leafKey, bool) {
		return leafKey{weakCertificate(c), c.surface}, true
	}) {
		out = append(out, a.weakCertFinding(cells))
	}
	old := a.sifted.retired
	for _, cells := range groupBy(old, versionKey(old)) {
		out = append(out, a.weakVersion(cells))
	}
	return out
}

// weakCertificate returns the weak certificate that a cell's chain holds.
func weakCertificate(c *cell) *cert {
	if c.chain == nil {
		return nil
	}
	return c.chain.weak
}

// findWeak returns the weak certificate that a chain holds: the leaf, or an
// intermediate. Roots are the clients' own.
func (ch *chain) findWeak() *cert {
	if ch.leaf.weak != "" {
		return ch.leaf
	}
	for _, x := range ch.extra {
		if x.weak != "" && !x.SelfSigned && x.Subject != x.Issuer {
			return x
		}
	}
	return nil
}

func (a *analysis) weakCertFinding(cells []*cell) discover.Finding {
	f := a.finding("weak-tls", cells)
	w := weakCertificate(cells[0])
	f.Severity = pick(false, material(&f))
	role := "certificate"
	if w != cells[0].leaf() {
		role = "intermediate"
	}
	f.Detail = fmt.Sprintf("%s %s a weak %s (%s; %s): %s.", where(&f), verb(&f, "presents", "present"), role, describe(w), w.weak, used(&f))
	f.Remedy = shows("Issue a new one with an RSA key of at least 2048 bits or an ECDSA key, signed with SHA-256.", cells)
	f.Evidence["weak"] = w.weak
	f.Evidence["role"] = role
	f.Evidence["weak_certificate"] = w.SHA256.String()
	return f
}

// versionKey groups by endpoint, and endpoints whose clients mostly ask for
// the same name, which are one pool.
func versionKey(old []*cell) func(*cell) (rejectKey, bool) {
	top := map[*endpoint]*cell{}
	for _, c := range old {
		if t := top[c.endpoint]; t == nil || c.use > t.use {
			top[c.endpoint] = c
		}
	}
	return func(c *cell) (rejectKey, bool) {
		t := top[c.endpoint]
		if t.name == nil {
			return rejectKey{leafKey{nil, t.surface}, nil, c.endpoint}, true
		}
		return rejectKey{leafKey{nil, t.surface}, t.name, nil}, true
	}
}

func (a *analysis) weakVersion(cells []*cell) discover.Finding {
	f := a.finding("weak-tls", cells)
	f.Severity = pick(false, material(&f))
	counts := map[string]uint64{}
	for _, c := range cells {
		counts[c.version] += c.use
	}
	var versions []string
	for v := range counts {
		versions = append(versions, v)
	}
	slices.Sort(versions)
	f.Detail = fmt.Sprintf("%s %s used with %s, retired by %s: %s.",
		where(&f), verb(&f, "is", "are"), strings.Join(versions, " and "), legacy[versions[0]], used(&f))
	f.Remedy = shows(fmt.Sprintf("Upgrade the clients (%s), then switch everything below TLS 1.2 off at %s.",
		some(clientTexts(cells)), some(f.Endpoints)), cells)
	f.Evidence["versions"] = counts
	f.Evidence["clients"] = clientTexts(cells)
	return f
}
