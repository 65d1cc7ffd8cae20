package coverage

import (
	"fmt"
	"slices"

	"blindspot/discover"
)

// witnessBySight marks checks whose monitor says which certificate it saw: it
// reaches the endpoints that present that one.
func (a *analysis) witnessBySight() {
	for _, k := range a.checks.all {
		fp, err := discover.ParseFingerprint(k.SeenFingerprint)
		if err != nil || !k.Enabled {
			continue
		}
		k.sees = fp
		for _, c := range a.cellsOf(k) {
			if l := c.leaf(); l != nil && l.SHA256 == fp && !slices.Contains(k.witnessed, c.endpoint) && len(k.witnessed) < maxEndpoints {
				k.witnessed = append(k.witnessed, c.endpoint)
			}
		}
	}
}

// cellsOf are the cells that a check may be about: those of the name that it
// sends, or, where it sends none, of the endpoint that it dials.
func (a *analysis) cellsOf(k *check) []*cell {
	if k.Hostname != "" {
		n := a.names.find(k.Hostname)
		if n == nil {
			return nil
		}
		return filter(n.cells, func(c *cell) bool {
			return k.onPort(c.endpoint.port()) && (!k.addr.IsValid() || k.dials(c.endpoint))
		})
	}
	var out []*cell
	for _, e := range a.byServer[k.addr] {
		if k.dials(e) {
			out = append(out, e.under(nil)...)
		}
	}
	return out
}

// sight is the certificate that a check sees, in the evidence of findings.
type sight struct {
	Check       string `json:"check"`
	Certificate string `json:"certificate"`
	// By is "fingerprint" where the monitor says it, "handshake" where its own
	// was seen.
	By string `json:"by"`
}

// checkSees tells what the checks of the cells' names and ports see.
func (a *analysis) checkSees(cells []*cell) []sight {
	var out []sight
	add := func(k *check, fp discover.Fingerprint, by string) {
		s := sight{k.Ref, fp.String(), by}
		if len(out) < maxListed && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, c := range cells {
		if c.name == nil {
			continue
		}
		for _, k := range c.name.cover.strong {
			if !k.onPort(c.endpoint.port()) {
				continue
			}
			if !k.sees.IsZero() {
				add(k, k.sees, "fingerprint")
			}
			if l := c.leaf(); c.checks > 0 && l != nil && slices.Contains(k.witnessed, c.endpoint) {
				add(k, l.SHA256, "handshake")
			}
		}
	}
	return out
}

// seesText says in a finding's sentence what the checks see.
func seesText(list []sight) string {
	if len(list) == 0 {
		return ""
	}
	fp, _ := discover.ParseFingerprint(list[0].Certificate)
	for _, s := range list[1:] {
		if s.Certificate != list[0].Certificate {
			return ""
		}
	}
	return fmt.Sprintf("; the check at %s sees %s only", list[0].Check, fp.Short())
}

// addSees puts what the checks see into a finding's evidence.
func (a *analysis) addSees(f *discover.Finding, cells []*cell) {
	if sees := a.checkSees(cells); len(sees) > 0 {
		f.Evidence["check_sees"] = sees
	}
}

// sighted returns a certificate that a monitor says it saw, from the traffic
// or the inventory, nil where neither has it.
func (a *analysis) sighted(fp discover.Fingerprint) *cert {
	if c := a.certs[fp]; c != nil && c.known {
		return c
	}
	if a.sights[fp] == nil && a.inv.Certificate != nil {
		a.sights[fp] = a.inv.Certificate(fp)
	}
	if a.sights[fp] == nil && a.cfg.Inventory != nil {
		for i := range a.cfg.Inventory.Records {
			if r := &a.cfg.Inventory.Records[i]; r.SHA256 == fp && r.Certificate != nil {
				a.sights[fp] = r.Certificate
				break
			}
		}
	}
	if a.sights[fp] == nil {
		return nil
	}
	return &cert{Certificate: a.sights[fp], known: true, names: a.sights[fp].Names()}
}
