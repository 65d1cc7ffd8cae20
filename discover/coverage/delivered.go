package coverage

import (
	"slices"
	"strings"
	"time"

	"blindspot/discover/inventory"
)

// longSerial is the length in hex digits from which a serial number alone tells
// certificates apart.
const longSerial = 14

// zones is how far two dates may differ that mean the same day somewhere.
const zones = 38 * time.Hour

// delivered are the certificates that were seen, by whomever, as the inventory
// may know them: it lists one certificate in several sources, with more or
// less of what tells it apart.
type delivered struct {
	records map[*inventory.Record]bool
	serials map[string][]*cert
	names   map[string][]*cert
}

// delivered is made once: a.stock must not be nil.
func (a *analysis) delivered() *delivered {
	if a.stock.seen != nil {
		return a.stock.seen
	}
	d := &delivered{records: map[*inventory.Record]bool{}, serials: map[string][]*cert{}, names: map[string][]*cert{}}
	for _, c := range a.certs {
		if !c.known {
			continue
		}
		if r := a.stock.of(c).record; r != nil {
			d.records[r] = true
		}
		if c.Serial != "" {
			d.serials[c.Serial] = append(d.serials[c.Serial], c)
		}
		k := nameList(c.names)
		d.names[k] = append(d.names[k], c)
	}
	a.stock.seen = d
	return d
}

func nameList(names []string) string { return strings.Join(sorted(names), " ") }

// has reports whether the certificate of a record was seen.
func (d *delivered) has(r *inventory.Record) bool {
	if d.records[r] {
		return true
	}
	if slices.ContainsFunc(d.serials[r.Serial], func(c *cert) bool {
		return len(r.Serial) >= longSerial || issuerName(r.Issuer) == issuerName(c.Issuer)
	}) {
		return true
	}
	return r.SHA256.IsZero() && r.Serial == "" && slices.ContainsFunc(d.names[nameList(r.Names)], func(c *cert) bool {
		return c.NotAfter.Sub(r.NotAfter).Abs() < zones
	})
}

// sameRecord reports whether two records are of one certificate.
func sameRecord(x, y *inventory.Record) bool {
	return x == y || x != nil && y != nil &&
		(!x.SHA256.IsZero() && x.SHA256 == y.SHA256 || x.Serial != "" && x.Serial == y.Serial)
}
