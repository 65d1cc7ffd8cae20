package trust

import (
	"time"

	"blindspot/discover"
)

// Usage is what a leaf is used for.
type Usage int8

// The usages of a leaf.
const (
	Server Usage = iota
	Client
)

// Reason is why a chain does not verify: a fixed word, for grouping.
type Reason string

// The reasons. Detail of an Outcome says which certificate.
const (
	UnknownAuthority        Reason = "unknown authority"
	SelfSigned              Reason = "self-signed"
	ExpiredIntermediate     Reason = "expired intermediate"
	ExpiredRoot             Reason = "expired root"
	NotYetValidIntermediate Reason = "intermediate not yet valid"
	NotYetValidRoot         Reason = "root not yet valid"
	NotCA                   Reason = "not a CA"
	PathLength              Reason = "path too long"
	NameConstraint          Reason = "name constraint"
	Policy                  Reason = "certificate policy"
	KeyUsage                Reason = "key usage"
	BadSignature            Reason = "bad signature"
	SignatureAlgorithm      Reason = "signature algorithm"
	WeakKey                 Reason = "weak key"
	Distrusted              Reason = "distrusted"
	ForeignTrustDomain      Reason = "foreign trust domain"
	Precertificate          Reason = "precertificate"
	CannotJudge             Reason = "cannot be judged" // which is not untrusted
)

// Outcome is one judgement of a chain.
type Outcome struct {
	OK     bool
	Reason Reason // "" where OK
	// Detail is half a sentence for people, "" where OK. Names in it are
	// quoted, and come from strangers.
	Detail string
	// Culprit is the certificate that Detail is about, zero where OK.
	Culprit discover.Fingerprint
	// Chain is the path from the leaf to the root, or as far as it got.
	Chain []discover.Fingerprint
}

// Verdict is what a store says of a chain. Its slices are shared: do not
// change them.
type Verdict struct {
	Store   string
	Trusted discover.Tri // Unknown: cannot be judged
	// Presented is the judgement of the chain as presented, whatever its order
	// and whoever else is in it; Complete the one with all known intermediates.
	Presented, Complete Outcome
	// Root is where Complete ends, zero where it is not trusted.
	Root     discover.Fingerprint
	RootName string
	// Missing are the intermediates of Complete's path that were not presented:
	// what the server has to be given where the verdict is Incomplete.
	Missing []discover.Fingerprint
	// At is the time judged for: the one asked for or, where the leaf was not
	// valid then (Moved), the nearest one at which it was.
	At    time.Time
	Moved bool
}

// Incomplete reports a chain that verifies with known intermediates, and not
// as presented.
func (v Verdict) Incomplete() bool {
	return v.Complete.OK && !v.Presented.OK && v.Presented.Reason != CannotJudge
}
