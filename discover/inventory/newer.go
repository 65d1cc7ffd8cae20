package inventory

import (
	"slices"
	"strings"
	"time"

	"blindspot/discover"
)

// minRenewal is how much later a certificate must begin to replace another one
// for the same names: several are often issued in one go, one a server. For
// certificates that live for hours it is a third of their life.
const minRenewal = 24 * time.Hour

// Newer returns the current record that replaces c: one of its lineage, or one
// for the same names and by whatever issuer, that begins later. It is nil where
// there is none. A certificate of another key type is no successor within
// pairWindow. Of several it is the one that begins last.
func (x *Index) Newer(c *discover.Certificate) *Record {
	if c.NotBefore.IsZero() {
		return nil
	}
	names := certificateNames(c)
	own, _ := x.Find(c)
	if own != nil && own.Replaces != "" {
		r := successor(x.line[lineageKey(own)], own, c, true, func(r nameSet) bool {
			return len(r) == 0 || len(names) == 0 || slices.ContainsFunc(names, r.covers)
		})
		if r != nil {
			return r
		}
	}
	if len(names) == 0 {
		return nil
	}
	coversAll := func(r nameSet) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return !r.covers(name) })
	}
	r := successor(x.names[names[0]], own, c, false, coversAll)
	if _, parent, ok := strings.Cut(names[0], "."); ok && !strings.HasPrefix(names[0], "*.") {
		wild := successor(x.names["*."+parent], own, c, false, coversAll)
		if r == nil || wild != nil && latestFirst(wild, r) < 0 {
			r = wild
		}
	}
	return r
}

// successor returns the first record of a list in the order of latestFirst that
// is current and replaces c, and whose names fit.
func successor(list []*Record, own *Record, c *discover.Certificate, lineage bool, fits func(nameSet) bool) *Record {
	for _, r := range list {
		if !r.NotBefore.IsZero() && !r.NotBefore.After(c.NotBefore) {
			// Nothing behind it begins later; records without NotBefore follow.
			if i := slices.IndexFunc(list, func(r *Record) bool { return r.NotBefore.IsZero() }); i > 0 {
				return successor(list[i:], own, c, lineage, fits)
			}
			return nil
		}
		if r != own && r.Current && replaces(r, c, lineage) && fits(newNameSet(r.Names)) {
			return r
		}
	}
	return nil
}

// replaces reports whether r begins enough later than c to be its successor.
func replaces(r *Record, c *discover.Certificate, lineage bool) bool {
	if r.NotBefore.IsZero() {
		return r.NotAfter.Sub(c.NotAfter) >= minRenewal
	}
	later := r.NotBefore.Sub(c.NotBefore)
	if lineage {
		return later > 0
	}
	gap := minRenewal
	if r.Certificate != nil && r.Certificate.KeyType != c.KeyType {
		gap = pairWindow
	}
	if life := c.NotAfter.Sub(c.NotBefore) / 3; life > 0 && life < gap {
		gap = life
	}
	return later >= gap
}

// latestFirst orders records by when they begin, the latest first. Those that
// do not say it follow, by when they end.
func latestFirst(a, b *Record) int {
	if a.NotBefore.IsZero() || b.NotBefore.IsZero() {
		if c := b.NotBefore.Compare(a.NotBefore); c != 0 {
			return c
		}
		return b.NotAfter.Compare(a.NotAfter)
	}
	return b.NotBefore.Compare(a.NotBefore)
}
