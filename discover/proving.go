package discover

import "net/netip"

const (
	maxProofs = 1 << 20
	// maxProofTries is how many signatures that do not fit are believed, before
	// no more are checked: one costs ten times as much as all else of a
	// handshake.
	maxProofTries = 3
	// proofCredit is how many signatures of established handshakes are checked
	// without counting what they cost; of those beyond, it is one for so many
	// handshakes with a signature: proofEvery.
	proofCredit = 512
	proofEvery  = 128
	// misfitCost is how many of those checks one counts as that does not fit: the
	// client has found that it does, so that the traffic was made or changed, and
	// more of it tells nothing new.
	misfitCost = 8
)

// provings is what checking servers' signatures gave.
type provings struct {
	ends   map[proofKey]proof
	credit int
	seen   uint
}

// proof is what checking an endpoint's signatures gave, and how often it was
// tried.
type proof struct {
	result Tri
	tries  int
}

type proofKey struct {
	server netip.AddrPort
	leaf   Fingerprint
}

// prove says whether the server of o has the key of its leaf.
//
// A client of a handshake that was established has checked the signature itself
// (RFC 5246 §7.4.3), and a key that does not fit ends in its alert. So the first
// such handshakes of a leaf are checked, wherever they are, and once its key is
// proven, those that follow count as proven too. What was not established is
// checked for each endpoint: there it may be the reason.
func (p *provings) prove(o *Observation, leaf *knownCertificate) Tri {
	if p.seen++; p.seen%proofEvery == 0 {
		p.credit = min(p.credit+1, proofCredit)
	}
	if o.Outcome == Established && leaf.proven {
		return Yes
	}
	k := proofKey{o.Server, leaf.SHA256}
	end := p.ends[k]
	switch {
	case o.Outcome != Established && (end.result == Yes || end.tries >= maxProofTries),
		o.Outcome == Established && (leaf.tries >= maxProofTries || p.credit <= 0):
		return end.result
	case o.Outcome != Established:
		return p.check(o, leaf, k, end)
	}
	p.credit--
	leaf.tries++
	result := p.check(o, leaf, k, end)
	if result == No {
		p.credit -= misfitCost - 1
	}
	return result
}

// check does the arithmetic.
func (p *provings) check(o *Observation, leaf *knownCertificate, k proofKey, end proof) Tri {
	result := o.Proof.Check(leaf.Certificate)
	if result == Yes {
		leaf.proven = true
	}
	if len(p.ends) >= maxProofs {
		clear(p.ends)
	}
	p.ends[k] = proof{result, end.tries + 1}
	return result
}
