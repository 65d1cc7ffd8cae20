package coverage

import (
	"fmt"

	"blindspot/discover"
)

func init() { register(kind{name: "unknown-certificate", rank: 15, find: findUnknown}) }

// findUnknown finds certificates that clients meet in scope and that the
// inventory does not have. More than maxSeparate of one issuer in one surface
// are one finding.
//
// It must not appear without an inventory, or for one without records; for
// ephemeral certificates, which no inventory lists; for what could not be read;
// for what only checks or scanners met; nor for client certificates.
func findUnknown(a *analysis) []discover.Finding {
	if a.stock == nil {
		return nil
	}
	unknown := filter(a.order, func(c *cell) bool {
		l := c.leaf()
		return l != nil && l.known && c.shows() && !l.isEphemeral() && a.stock.of(l).record == nil
	})
	var out []discover.Finding
	for _, kin := range groupBy(unknown, func(c *cell) (issuerKey, bool) { return issuerOf(c), true }) {
		groups := groupBy(kin, func(c *cell) (leafKey, bool) { return leafKey{c.leaf(), c.surface}, true })
		if len(groups) > maxSeparate {
			groups = [][]*cell{kin}
		}
		for _, cells := range groups {
			out = append(out, a.unknown(cells))
		}
	}
	return out
}

func (a *analysis) unknown(cells []*cell) discover.Finding {
	f := a.shownFinding("unknown-certificate", cells)
	f.Severity = pick(false, material(&f))
	l := topLeaf(cells)
	prints, total := leafPrints(cells)
	what := fmt.Sprintf("a certificate (%s) of %s that the inventory does not have", describe(l), clean(l.Issuer))
	if total > 1 {
		what = fmt.Sprintf("%d certificates of %s that the inventory does not have", total, clean(l.Issuer))
		f.Evidence["certificates"] = prints
		f.Evidence["certificates_total"] = total
	}
	f.Detail = fmt.Sprintf("%s %s %s: %s; it is %s.", where(&f), verb(&f, "presents", "present"), what, a.howUsed(&f, cells), endText(l, f.LastSeen))
	f.Remedy = shows("Find out who issued it and who renews it, and add it to the inventory, or replace it by one that is there.", cells)
	f.Evidence["serial"] = l.Serial
	return f
}

// leafPrints lists the fingerprints of cells, the first maxListed of them, and
// counts them all.
func leafPrints(cells []*cell) (list []string, total int) {
	seen := map[*cert]bool{}
	for _, c := range cells {
		if l := c.leaf(); l != nil && !seen[l] {
			seen[l] = true
			list = append(list, l.SHA256.String())
		}
	}
	return bounded(list, maxListed), len(list)
}
