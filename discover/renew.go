package discover

import "net/netip"

// Renew forgets what only gathers over a long run: which names, certificates
// and chains were seen. So their bounds hold for the time between two calls and
// not for months, and what comes again is handed over again, which changes
// nothing in a store. It follows a Drain with forget.
func (a *Aggregator) Renew() {
	a.names, a.asked = nameSet{}, nameSet{}
	a.certs = make(map[Fingerprint]*knownCertificate)
	a.chains = make(map[ChainID][]Fingerprint)
	a.shared = make(map[*Presented]knownChain)
	a.words = make(map[string]string)
	a.proofs.ends = make(map[proofKey]proof)
	a.proofs.credit = max(a.proofs.credit, proofCredit)
}

// Configure takes other monitors and names for what is added from now on.
func (a *Aggregator) Configure(monitors []netip.Prefix, echPublicNames []string) {
	a.cfg.Monitors, a.cfg.ECHPublicNames = monitors, echPublicNames
	a.public = publicNamesOf(echPublicNames)
}

// Classify sets the class of o's client where it has none yet, as Add does. It
// is for who takes the client's address out of o before Add.
func (a *Aggregator) Classify(o *Observation) {
	if o.Class == "" && a.isMonitor(o) {
		o.Class = ClassMonitor
	}
}

// Certificates is how many certificates are known.
func (a *Aggregator) Certificates() int { return len(a.certs) }
