package coverage

import (
	"fmt"
	"slices"
	"strings"

	"blindspot/discover"
	"blindspot/discover/trust"
)

func init() { register(kind{name: "incomplete-chain", rank: 11, find: findIncomplete}) }

// findIncomplete finds chains that the surface's own trust store trusts with
// intermediates that are known from elsewhere, and not as presented; those of
// clients too. Some clients find the missing ones by themselves, others fail.
//
// It must not appear in a surface without a store, where the chain verifies as
// presented in whatever order, or where only checks or scanners met it; nor
// for the endpoints that send the whole chain of the same certificate.
func findIncomplete(a *analysis) []discover.Finding {
	if a.courts == nil {
		return nil
	}
	var out []discover.Finding
	for _, usage := range [...]trust.Usage{trust.Server, trust.Client} {
		for _, cells := range groupBy(a.order, func(c *cell) (judged, bool) {
			v := c.verdict(usage)
			if v == nil || !v.Incomplete() || !c.shows() {
				return judged{}, false
			}
			return judgedOf(c, usage), true
		}) {
			out = append(out, a.incomplete(cells, usage))
		}
	}
	return out
}

func (a *analysis) incomplete(cells []*cell, usage trust.Usage) discover.Finding {
	top := mostUsed(cells)
	v := top.verdict(usage)
	f := a.judgedFinding("incomplete-chain", cells, usage)
	f.Severity = pick(false, material(&f) || refusedFor(cells))
	var missing, prints []string
	for _, fp := range v.Missing {
		missing = append(missing, a.missingText(top, fp, usage))
		prints = append(prints, fp.String())
	}
	list := strings.Join(missing, ", ")
	aged := apartText(a.courts.own[top.surface], f.LastSeen)
	if usage == trust.Client {
		f.Detail = fmt.Sprintf("Clients present to %s a client certificate (%s) without its intermediate (%s), so that a server which does not have it refuses them: %s%s.",
			where(&f), describe(top.client.leaf), list, a.howUsed(&f, cells), aged)
		f.Remedy = fmt.Sprintf("Append %s to the certificate file of the clients (%s).", list, some(clientTexts(cells)))
	} else {
		f.Detail = fmt.Sprintf("%s %s the certificate (%s) without its intermediate (%s), so that clients which do not have it refuse it: %s%s.",
			where(&f), verb(&f, "sends", "send"), describe(top.chain.leaf), list, a.howUsed(&f, cells), aged)
		f.Remedy = fmt.Sprintf("Append %s to the certificate file at %s, and reload. See it with: %s",
			list, some(f.Endpoints), command(top, rootsOf(a.courts.own[top.surface])...))
	}
	f.Evidence["missing"] = bounded(missing, maxListed)
	f.Evidence["missing_sha256"] = bounded(prints, maxListed)
	f.Evidence["reason"] = string(v.Presented.Reason)
	return f
}

// missingText names a missing intermediate. Where one of the same name was
// sent that leads elsewhere, it says by whom the right one is issued.
func (a *analysis) missingText(c *cell, fp discover.Fingerprint, usage trust.Usage) string {
	name := a.authority(fp)
	ch := c.chain
	if usage == trust.Client {
		ch = c.client
	}
	if slices.ContainsFunc(ch.extra, func(x *cert) bool { return x.known && clean(x.Subject) == name }) {
		name += ", as issued by " + a.issuerOf(fp) + " in place of the one that is sent"
	}
	return name
}
