package coverage

import (
	"fmt"
	"strings"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

func init() { register(kind{name: "weak-check", rank: 3, find: findWeakChecks}) }

// verifiesAtAll reports whether the check sees and verifies a certificate.
func verifiesAtAll(c *check) bool { return c.Grade >= monitored.GradeDefaultCertificate }

// findWeakChecks finds names in use that checks are about, but not as clients
// are: no server name, no verification, only reachability. And it finds checks
// that dial an address without a name, where all that clients use there are
// names that no other check covers.
//
// It must not appear where another check covers the name (a ping beside a
// proper check is fine), nor for names that nobody uses, nor where clients send
// no name either: then a check by address is just what is needed.
func findWeakChecks(a *analysis) []discover.Finding {
	var out []discover.Finding
	for _, n := range a.nameList {
		if n.use > 0 && len(n.cover.strong) == 0 && len(n.cover.weak) > 0 {
			out = append(out, a.weakCheck(n))
		}
	}
	for _, e := range a.epList {
		if e.use == 0 {
			continue
		}
		for _, k := range a.checks.dialling(e) {
			if f, ok := a.namelessCheck(e, k); ok {
				out = append(out, f)
			}
		}
	}
	return out
}

func (a *analysis) weakCheck(n *name) discover.Finding {
	cells := n.realCells()
	f := a.finding("weak-check", cells)
	f.Severity = pick(outOfValidity(cells), true)
	k := n.cover.weak[0]
	f.Detail = fmt.Sprintf("The check of %s at %s %s, so it does not see what clients get from %s: %s.",
		n.text, k.Ref, weakness(k), some(f.Endpoints), used(&f))
	f.Remedy = shows(fmt.Sprintf("At %s, make the check speak TLS to port %d, send %s as server name and verify the certificate.",
		k.Ref, mostUsed(cells).endpoint.port(), n.text), cells)
	f.Evidence["checks"] = refs(n.cover.weak)
	f.Evidence["grade"] = k.Grade.String()
	f.Evidence["reason"] = weakness(k)
	return f
}

// weakness says what a check does not do.
func weakness(k *check) string {
	switch {
	case k.Grade == monitored.GradeDefaultCertificate:
		return "sends no server name and sees only the default certificate"
	case k.Hostname != "":
		return "does not verify the certificate"
	case k.Scheme == "http" || k.Scheme == "ws":
		return "speaks plain HTTP"
	case k.Scheme != "":
		return "only tests that the host is reachable (" + clean(strings.ToLower(k.Scheme)) + ")"
	}
	return "only tests that the host is reachable"
}

// namelessCheck judges a check that dials an endpoint by its address without a
// server name. Where clients send none either, it does what they do.
func (a *analysis) namelessCheck(e *endpoint, k *check) (discover.Finding, bool) {
	if k.Hostname != "" || k.Port == 0 && !verifiesAtAll(k) {
		return discover.Finding{}, false // named; or a ping, which is about the host
	}
	var cells []*cell
	for _, c := range e.cells {
		if !c.real() {
			continue
		}
		if c.name == nil || a.covered(c) {
			return discover.Finding{}, false
		}
		cells = append(cells, c)
	}
	if len(cells) == 0 {
		return discover.Finding{}, false
	}
	f := a.finding("weak-check", cells)
	f.Severity = discover.Notice
	f.Detail = fmt.Sprintf("The check of %s at %s %s, while clients ask there for %s, which no check covers: %s.",
		e.text(), k.Ref, weakness(k), some(names(nameCounts(cells))), used(&f))
	f.Remedy = shows(fmt.Sprintf("At %s, give the check the server name that clients send (%s).", k.Ref, f.Hostname), cells)
	f.Evidence["checks"] = []string{k.Ref}
	f.Evidence["grade"] = k.Grade.String()
	f.Evidence["reason"] = weakness(k)
	return f, true
}
