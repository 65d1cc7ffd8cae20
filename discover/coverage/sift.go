package coverage

import "blindspot/discover"

// sifted are the cells that single kinds of findings look at, in their order.
// One pass finds them all, in place of one for each kind.
type sifted struct {
	refused    []*cell // clients gave up with an alert
	certified  []*cell // the client presented a certificate
	unnamed    []*cell // real, without a name
	hidden     []*cell // real, the wire hides the certificate
	outside    []*cell // outside of the chain's validity
	ending     []*cell // the leaf ends soon
	mismatched []*cell // signed with another key
	misnamed   []*cell // see misnamed
	weak       []*cell // real, established, with a weak certificate in the chain
	retired    []*cell // real, established, with a version of legacy
}

func (a *analysis) sift(c *cell) {
	s := &a.sifted
	if c.client != nil {
		s.certified = append(s.certified, c)
	}
	if c.phase != phaseValid {
		s.outside = append(s.outside, c)
	}
	if c.mismatched > 0 {
		s.mismatched = append(s.mismatched, c)
	}
	if c.real() {
		a.siftReal(c)
	}
}

func (a *analysis) siftReal(c *cell) {
	s := &a.sifted
	if c.kind == discover.NameNone {
		s.unnamed = append(s.unnamed, c)
	}
	if c.known == discover.HiddenEncrypted || c.known == discover.HiddenResumed {
		s.hidden = append(s.hidden, c)
	}
	if c.outcome == discover.RefusedByClient {
		s.refused = append(s.refused, c)
	}
	if l := c.leaf(); l != nil && a.endsSoon(l) {
		s.ending = append(s.ending, c)
	}
	if !c.established() {
		return
	}
	if c.retired {
		s.retired = append(s.retired, c)
	}
	if weakCertificate(c) != nil {
		s.weak = append(s.weak, c)
	}
	if c.misnamed() {
		s.misnamed = append(s.misnamed, c)
	}
}
