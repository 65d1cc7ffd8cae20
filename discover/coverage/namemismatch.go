package coverage

import (
	"fmt"

	"blindspot/discover"
)

func init() { register(kind{name: "name-mismatch", rank: 8, find: findMismatches}) }

// findMismatches finds certificates that do not cover the name that a client
// asked for, where the handshake was completed all the same. It is one finding
// for a certificate and its endpoints, with the names in the evidence.
//
// It must not appear where only checks or scanners asked; for stray names
// (probe.go); where the client refused or left (that is client-rejects, or
// nothing); without a server name, such as a load balancer's health check;
// where the certificate covers the name by its common name only, as the client
// accepted that; for certificates that name no host (SPIFFE), or that could not
// be read whole; nor where encrypted client hello may hide the real name of a
// decrypted handshake.
func findMismatches(a *analysis) []discover.Finding {
	var out []discover.Finding
	for _, cells := range groupBy(a.sifted.misnamed, func(c *cell) (leafKey, bool) {
		return leafKey{c.leaf(), c.surface}, true
	}) {
		f := a.finding("name-mismatch", cells)
		l := cells[0].leaf()
		f.Severity = pick(false, material(&f))
		list := nameCounts(cells)
		f.Detail = fmt.Sprintf("Clients ask %s for %s and get a certificate that does not cover it (it is for %s): %s went on all the same.",
			some(f.Endpoints), some(names(list)), describe(l), used(&f))
		f.Remedy = shows(fmt.Sprintf("Issue a certificate with %s at %s, or point clients to a name that the certificate has.",
			some(names(list)), some(f.Endpoints)), cells)
		f.Evidence["names"] = bounded(list, maxListed)
		f.Evidence["names_total"] = len(list)
		f.Evidence["certificate_names"] = bounded(l.names, maxListed)
		out = append(out, f)
	}
	return out
}

// misnamed reports whether a client that went on got a certificate for something
// else.
func (c *cell) misnamed() bool {
	return c.real() && c.name != nil && c.established() && c.leaf().fits(c.name.text) == discover.No &&
		(c.known != discover.FromDecrypted || c.ech == 0)
}
