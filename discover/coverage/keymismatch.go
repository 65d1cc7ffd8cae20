package coverage

import (
	"fmt"

	"blindspot/discover"
)

func init() { register(kind{name: "key-mismatch", rank: 9, find: findKeyMismatches}) }

// findKeyMismatches finds servers that sign with another key than that of the
// certificate they present: half of a renewal was loaded.
//
// It must not appear where the signature could not be checked, which is
// unknown; nor where only scanners met it. Where only checks did, it is a
// warning.
func findKeyMismatches(a *analysis) []discover.Finding {
	var out []discover.Finding
	for _, cells := range groupBy(a.sifted.mismatched, func(c *cell) (leafKey, bool) {
		return leafKey{c.leaf(), c.surface}, c.leaf() != nil && (c.real() || c.use == 0 && c.checks > 0)
	}) {
		f := a.finding("key-mismatch", cells)
		var bad uint64
		for _, c := range cells {
			bad += c.mismatched
		}
		f.Severity = pick(f.Handshakes > 0, true)
		f.Detail = fmt.Sprintf("%s %s a certificate (%s) and %s with another key (%s of %d): %s.",
			where(&f), verb(&f, "presents", "present"), describe(cells[0].leaf()), verb(&f, "signs", "sign"), count(bad, "handshake"), max(bad, f.Handshakes), behaviour(cells))
		f.Remedy = shows(fmt.Sprintf("Load certificate and key of the same renewal at %s, and restart what still holds the old key.", some(f.Endpoints)), cells)
		f.Evidence["mismatched"] = bad
		f.Evidence["outcomes"] = outcomes(cells)
		out = append(out, f)
	}
	return out
}
