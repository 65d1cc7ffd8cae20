package coverage

import (
	"blindspot/discover/inventory"
)

// stock is the inventory made ready for questions, nil where it has no records.
type stock struct {
	*inventory.Index
	records []inventory.Record
	found   map[*cert]stocked
	newer   map[*cert]*inventory.Record
	seen    *delivered // see analysis.delivered
	owners  map[string]string
}

// stocked is the record of a certificate, nil for none, and how it was found.
type stocked struct {
	record *inventory.Record
	how    string
}

func newStock(r *inventory.Result) *stock {
	if r == nil || len(r.Records) == 0 {
		return nil
	}
	s := &stock{
		Index: inventory.NewIndex(r), records: r.Records,
		found: map[*cert]stocked{}, newer: map[*cert]*inventory.Record{}, owners: map[string]string{},
	}
	for i := range r.Records {
		r := &r.Records[i]
		for _, k := range ownerKeys(r) {
			if r.Owner != "" && s.owners[k] == "" {
				s.owners[k] = r.Owner
			}
		}
	}
	return s
}

// ownerKeys are what ties the records of one certificate together that stand
// in several sources, of which only some may name its owner.
func ownerKeys(r *inventory.Record) []string {
	var out []string
	if !r.SHA256.IsZero() {
		out = append(out, r.SHA256.String())
	}
	if len(r.Serial) >= longSerial {
		out = append(out, r.Serial)
	}
	return out
}

// owner is who a record, or another one of the same certificate, names.
func (s *stock) owner(r *inventory.Record) string {
	if r == nil {
		return ""
	}
	if r.Owner != "" {
		return r.Owner
	}
	for _, k := range ownerKeys(r) {
		if o := s.owners[k]; o != "" {
			return o
		}
	}
	return ""
}

// of returns the record of c.
func (s *stock) of(c *cert) stocked {
	f, ok := s.found[c]
	if !ok {
		f.record, f.how = s.Find(c.Certificate)
		s.found[c] = f
	}
	return f
}

// newerThan returns the current record that replaces c, nil for none.
func (s *stock) newerThan(c *cert) *inventory.Record {
	r, ok := s.newer[c]
	if !ok {
		r = s.Newer(c.Certificate)
		s.newer[c] = r
	}
	return r
}

// recordEvidence is a record in the evidence of findings.
type recordEvidence struct {
	SHA256    string   `json:"sha256,omitempty"`
	Serial    string   `json:"serial,omitempty"`
	Names     []string `json:"names"`
	NotBefore string   `json:"not_before"`
	NotAfter  string   `json:"not_after"`
	Owner     string   `json:"owner,omitempty"`
	Targets   []string `json:"targets,omitempty"`
	Ref       string   `json:"ref"`
}

func evidenceOf(r *inventory.Record) recordEvidence {
	e := recordEvidence{
		Serial: r.Serial, Names: bounded(r.Names, maxListed), NotBefore: stamp(r.NotBefore), NotAfter: stamp(r.NotAfter),
		Owner: r.Owner, Targets: bounded(r.Targets, maxListed), Ref: r.Ref,
	}
	if !r.SHA256.IsZero() {
		e.SHA256 = r.SHA256.String()
	}
	return e
}
