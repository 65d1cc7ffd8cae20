package inventory

import (
	"slices"
	"strings"
	"time"

	"blindspot/discover"
)

// How a record was found, from the strongest evidence to the weakest.
const (
	BySHA256        = "sha256"
	BySHA1          = "sha1"
	ByIssuerSerial  = "issuer-serial"
	BySerial        = "serial"         // the record names no issuer
	ByKeyNames      = "key-names"      // the same key for the same names
	ByNamesValidity = "names-validity" // names that it has, and its time of expiry
)

// Index finds records. It does not change after NewIndex and is safe for
// concurrent use; the records that it returns belong to the Result.
type Index struct {
	sha256 map[discover.Fingerprint][]*Record
	sha1   map[string][]*Record
	serial map[string][]*Record
	spki   map[discover.Fingerprint][]*Record
	names  map[string][]*Record // by each name, in the order of latestFirst
	line   map[string][]*Record // by lineage, in the same order

	expiry map[nameTime][]*Record // by each name, with the time of expiry

	issuers map[string][]string // issuerWords of the records' issuers
	order   map[*Record]int
}

// NewIndex indexes the records of r, which must not change afterwards. The CA
// certificates of r are found too, because a server may serve one as its own.
func NewIndex(r *Result) *Index {
	x := &Index{
		sha256: map[discover.Fingerprint][]*Record{}, sha1: map[string][]*Record{}, serial: map[string][]*Record{},
		spki: map[discover.Fingerprint][]*Record{}, names: map[string][]*Record{}, line: map[string][]*Record{},
		expiry: map[nameTime][]*Record{}, issuers: map[string][]string{}, order: make(map[*Record]int, len(r.Records)),
	}
	for i := range r.Records {
		x.add(&r.Records[i])
	}
	for _, lists := range []map[string][]*Record{x.names, x.line} {
		for _, list := range lists {
			slices.SortStableFunc(list, latestFirst)
		}
	}
	for _, c := range r.Intermediates {
		if len(x.sha256[c.SHA256]) == 0 {
			rec := recordOf(c)
			x.sha256[c.SHA256] = []*Record{&rec}
		}
	}
	return x
}

func (x *Index) add(r *Record) {
	x.order[r] = len(x.order)
	if !r.SHA256.IsZero() {
		x.sha256[r.SHA256] = append(x.sha256[r.SHA256], r)
	}
	if r.SHA1 != "" {
		x.sha1[r.SHA1] = append(x.sha1[r.SHA1], r)
	}
	if r.Serial != "" {
		x.serial[r.Serial] = append(x.serial[r.Serial], r)
	}
	if !r.SPKI.IsZero() {
		x.spki[r.SPKI] = append(x.spki[r.SPKI], r)
	}
	for _, name := range r.Names {
		x.names[name] = append(x.names[name], r)
		if !r.NotAfter.IsZero() {
			key := nameTime{name, minuteOf(r.NotAfter)}
			x.expiry[key] = append(x.expiry[key], r)
		}
	}
	if r.Replaces != "" {
		key := lineageKey(r)
		x.line[key] = append(x.line[key], r)
	}
	if _, ok := x.issuers[r.Issuer]; !ok {
		x.issuers[r.Issuer] = issuerWords(r.Issuer)
	}
}

// nameTime is a name and a time of expiry, in minutes since 1970.
type nameTime struct {
	name   string
	minute int64
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// minutesFor returns the minutes under which sameTime finds what is said of a
// time: its own with its neighbours, and the midnights around it.
func minutesFor(exact time.Time) []int64 {
	m := minuteOf(exact)
	minutes := []int64{m - 1, m, m + 1}
	const day = 24 * time.Hour
	for t := exact.Add(-day - zones).Truncate(day); !t.After(exact.Add(zones)); t = t.Add(day) {
		if n := minuteOf(t); n < m-1 || n > m+1 {
			minutes = append(minutes, n)
		}
	}
	return minutes
}

// lineageKey keeps the lineages of different kinds of sources apart.
func lineageKey(r *Record) string { return r.Source + " " + r.Replaces }

// Find returns the record of c and how it was found, nil where the inventory
// does not know c. A record that contradicts c in anything that identifies it
// is none of c. Of several a current one is preferred, then the first.
func (x *Index) Find(c *discover.Certificate) (rec *Record, how string) {
	if rec := best(x.sha256[c.SHA256], nil); rec != nil {
		return rec, BySHA256
	}
	hash := ""
	if len(x.sha1) > 0 && len(c.DER) > 0 {
		hash = sha1Of(c.DER)
		if rec := best(x.sha1[hash], func(r *Record) bool { return r.SHA256.IsZero() }); rec != nil {
			return rec, BySHA1
		}
	}
	if rec, how := x.findSerial(c, hash); rec != nil {
		return rec, how
	}
	names := newNameSet(certificateNames(c))
	if !c.SPKI.IsZero() {
		rec := best(x.spki[c.SPKI], func(r *Record) bool {
			return agrees(r, c, hash) && len(names) > 0 && len(r.Names) == len(names) && names.hasAll(r.Names)
		})
		if rec != nil {
			return rec, ByKeyNames
		}
	}
	if rec := x.findNames(c, names, hash); rec != nil {
		return rec, ByNamesValidity
	}
	return nil, ""
}

// minSerial is the length in hex digits from which a serial number alone tells
// certificates apart: 64 random bits, as the CA/Browser Forum wants them, less
// the zeros in front.
const minSerial = 14

func (x *Index) findSerial(c *discover.Certificate, hash string) (*Record, string) {
	list := x.serial[c.Serial]
	if len(list) == 0 || c.Serial == "" {
		return nil, ""
	}
	full := issuerWords(c.Issuer)
	rec := best(list, func(r *Record) bool {
		return r.Issuer != "" && agrees(r, c, hash) && withinIssuer(x.issuers[r.Issuer], full)
	})
	if rec != nil {
		return rec, ByIssuerSerial
	}
	if len(c.Serial) < minSerial {
		return nil, ""
	}
	rec = best(list, func(r *Record) bool { return r.Issuer == "" && agrees(r, c, hash) })
	return rec, BySerial
}

// findNames looks for a record that says little: names that c has all of, and
// c's time of expiry.
func (x *Index) findNames(c *discover.Certificate, names nameSet, hash string) *Record {
	var list []*Record
	tried := map[*Record]bool{}
	minutes := minutesFor(c.NotAfter)
	for name := range names {
		for _, minute := range minutes {
			for _, r := range x.expiry[nameTime{name, minute}] {
				if !sameTime(r.NotAfter, c.NotAfter) || tried[r] {
					continue
				}
				tried[r] = true
				if r.couldBe(c, names, hash) {
					list = append(list, r)
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b *Record) int { return x.order[a] - x.order[b] })
	return best(list, nil)
}

func (r *Record) couldBe(c *discover.Certificate, names nameSet, hash string) bool {
	return (r.NotBefore.IsZero() || sameTime(r.NotBefore, c.NotBefore)) &&
		agrees(r, c, hash) && names.hasAll(r.Names)
}

// agrees reports whether nothing that identifies a certificate speaks against
// the record being c's. hash is c's SHA-1, where it is known.
func agrees(r *Record, c *discover.Certificate, hash string) bool {
	switch {
	case !r.SHA256.IsZero() && r.SHA256 != c.SHA256,
		r.SHA1 != "" && hash != "" && r.SHA1 != hash,
		!r.SPKI.IsZero() && !c.SPKI.IsZero() && r.SPKI != c.SPKI,
		r.Serial != "" && c.Serial != "" && r.Serial != c.Serial:
		return false
	}
	return true
}

// best returns the first current record that fits, or the first that fits.
func best(list []*Record, fits func(*Record) bool) *Record {
	var first *Record
	for _, r := range list {
		if fits != nil && !fits(r) {
			continue
		}
		if r.Current {
			return r
		}
		if first == nil {
			first = r
		}
	}
	return first
}

// zones is the largest offset from UTC.
const zones = 14 * time.Hour

// sameTime compares what an inventory says with a certificate's time. Lists cut
// seconds, and many have only the day, in some zone.
func sameTime(said, exact time.Time) bool {
	apart := exact.Sub(said)
	if said.Equal(said.Truncate(24 * time.Hour)) {
		return apart > -zones && apart < 24*time.Hour+zones
	}
	if said.Second() == 0 {
		return apart >= 0 && apart < time.Minute
	}
	return apart > -time.Second && apart < time.Second
}

// nameSet is a certificate's names, of which there can be thousands.
type nameSet map[string]bool

func newNameSet(names []string) nameSet {
	s := make(nameSet, len(names))
	for _, name := range names {
		s[name] = true
	}
	return s
}

func (s nameSet) hasAll(names []string) bool {
	for _, name := range names {
		if !s[name] {
			return false
		}
	}
	return true
}

// covers reports whether the names are good for name: it is among them, or a
// wildcard for its parent is.
func (s nameSet) covers(name string) bool {
	_, parent, ok := strings.Cut(name, ".")
	return s[name] || ok && !strings.HasPrefix(name, "*.") && s["*."+parent]
}
