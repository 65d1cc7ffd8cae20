package coverage

import (
	"net/netip"
	"time"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

// defaultExpiringWithin is two weeks, the contract's default.
const defaultExpiringWithin = 336 * time.Hour

// clockSkew is how far the clocks of sensors and issuers may disagree before a
// certificate counts as expired or not yet valid.
const clockSkew = time.Minute

// Config says what belongs to us and how it is judged. The zero value works.
type Config struct {
	Scope Scope
	// MonitorSources are the addresses that the checks themselves come from.
	MonitorSources []netip.Prefix
	// ExpiringWithin is how early a certificate's end is reported; 0 is two
	// weeks. Certificates that live shorter than three times as long are
	// judged by their own lifetime.
	ExpiringWithin time.Duration
	// Surfaces are tried in order; the first match wins.
	Surfaces []Surface
	// Now is used only where Inventory.Live says that the traffic goes on.
	Now time.Time
	// SketchKey is the key of the sketches in the inventory's sightings.
	SketchKey discover.SketchKey
}

// Compare goes over the inventory once and sets it against the checks. It
// keeps neither; checks may be nil. The error is that of reading the inventory.
func Compare(inv *discover.Inventory, checks *monitored.Result, cfg Config) (*Result, error) {
	a := newAnalysis(inv, checks, cfg)
	if err := a.gather(); err != nil {
		return nil, err
	}
	a.settle()
	return a.result(), nil
}

// analysis is one comparison under way: first the folded traffic (gather.go),
// then its links (settle.go), from which the findings are read.
type analysis struct {
	cfg    Config
	inv    *discover.Inventory
	scope  *scope
	checks *checkIndex
	at     time.Time // validity is judged at this time: end of traffic, or now

	cells     map[cellKey]*cell
	order     []*cell // in the order of first appearance
	names     map[string]*name
	nameList  []*name
	endpoints map[endpointKey]*endpoint
	epList    []*endpoint
	chains    map[discover.ChainID]*chain
	certs     map[discover.Fingerprint]*cert
	words     map[string]uint32
	asked     map[string]struct{}
	out       map[OutOfScopeEntry]uint64
	surfaces  []surfaceUse
	vouchers  map[leafAt]*check       // checks by what they see
	inUse     map[netip.Addr]struct{} // servers that clients use

	total   uint64 // handshakes in use by clients, in scope
	summary Summary
	foreign OutOfScope
	askOnly AskedOnly
}

func newAnalysis(inv *discover.Inventory, checks *monitored.Result, cfg Config) *analysis {
	if cfg.ExpiringWithin <= 0 {
		cfg.ExpiringWithin = defaultExpiringWithin
	}
	if checks == nil {
		checks = &monitored.Result{}
	}
	a := &analysis{
		cfg: cfg, inv: inv, at: inv.Last,
		checks:    indexChecks(checks),
		cells:     map[cellKey]*cell{},
		names:     map[string]*name{},
		endpoints: map[endpointKey]*endpoint{},
		chains:    map[discover.ChainID]*chain{},
		certs:     map[discover.Fingerprint]*cert{},
		words:     map[string]uint32{"": 0},
		asked:     map[string]struct{}{},
		out:       map[OutOfScopeEntry]uint64{},
		vouchers:  map[leafAt]*check{},
		inUse:     map[netip.Addr]struct{}{},
	}
	if inv.Live && !cfg.Now.IsZero() {
		a.at = cfg.Now
	}
	a.scope = newScope(cfg.Scope, checks.Checks)
	a.surfaces = newSurfaces(cfg.Surfaces)
	return a
}
