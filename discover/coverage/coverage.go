package coverage

import (
	"net/netip"
	"slices"
	"time"

	"blindspot/discover"
	"blindspot/discover/inventory"
	"blindspot/discover/monitored"
	"blindspot/discover/trust"
)

// defaultExpiringWithin is two weeks, the contract's default.
const defaultExpiringWithin = 336 * time.Hour

// clockSkew is how far the clocks of sensors and issuers may disagree before a
// certificate counts as expired or not yet valid.
const clockSkew = time.Minute

// Config says what belongs to us and how it is judged. The zero value works.
type Config struct {
	Scope Scope
	// Gathered, where set, is called when the sightings were walked: the
	// comparison walks them once.
	Gathered func()
	// MonitorSources are the addresses that the checks themselves come from.
	MonitorSources []netip.Prefix
	// ExpiringWithin is how early a certificate's end is reported; 0 is two
	// weeks. Certificates that live shorter than three times as long are
	// judged by their own lifetime.
	ExpiringWithin time.Duration
	// Surfaces are tried in order; the first match wins.
	Surfaces []Surface
	// Inventory is what the certificate inventory says; without records it
	// raises nothing.
	Inventory *inventory.Result
	// Stores are the trust stores, to which surfaces refer by name.
	Stores []*trust.Store
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

	hash      seeded
	cells     numbers // of order, while sightings are gathered
	order     []*cell // in the order of first appearance, then in their own
	sifted    sifted
	folds     slab[cell]
	names     hostnames
	nameList  []*name // of names, once all are there
	endpoints numbers // of epList, while sightings are gathered
	epList    []*endpoint
	places    slab[endpoint]
	hows      hows
	clients   clientNumbers // those that alone made a cell
	chains    map[discover.ChainID]*chain
	certs     map[discover.Fingerprint]*cert
	asked     map[string]struct{}
	out       map[OutOfScopeEntry]uint64
	surfaces  []surfaceUse
	byIssuer  bool       // a surface is known by its issuer
	looked    bool       // there are looks of our own
	byClient  []*Surface // those with client networks
	partsBuf  [1]part
	class     uint64                      // of the part that is being folded
	vouchers  map[leafAt]*check           // checks by what they see
	byServer  map[netip.Addr][]*endpoint  // of the addresses that checks dial
	behind    map[hopEnd][]netip.AddrPort // where handshakes come from that a server was passed
	stock     *stock
	domains   map[string]bool                                // see domainsInUse
	sights    map[discover.Fingerprint]*discover.Certificate // see sighted
	courts    *courts
	crowd     *crowded // see clientsOf
	offers    map[offerKey]*offered
	offerList []*offered            // in scope, by endpoint
	scanning  map[netip.Prefix]bool // see markProbes
	lengths   map[string]*lengthWords
	kin       map[*name]*kin      // see kinOf
	nearest   *authorities        // see authorities
	wholes    map[string]delivery // by domain, see whole

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
	seeds := newSeeded()
	a := &analysis{
		cfg: cfg, inv: inv, at: inv.Last,
		checks: indexChecks(checks),
		hash:   seeds, clients: clientNumbers{hash: seeds},
		chains:   map[discover.ChainID]*chain{},
		certs:    map[discover.Fingerprint]*cert{},
		asked:    map[string]struct{}{},
		out:      map[OutOfScopeEntry]uint64{},
		vouchers: map[leafAt]*check{},
		sights:   map[discover.Fingerprint]*discover.Certificate{},
		byServer: map[netip.Addr][]*endpoint{},
		lengths:  map[string]*lengthWords{},
		kin:      map[*name]*kin{},
		behind:   hopEnds(inv.Hops),
		stock:    newStock(cfg.Inventory),
	}
	if inv.Live && !cfg.Now.IsZero() {
		a.at = cfg.Now
	}
	a.scope = newScope(cfg.Scope, checks.Checks)
	if a.scope.learns(cfg.Scope) {
		a.scope.addRecords(cfg.Inventory)
	}
	a.prepareSurfaces()
	a.readOffers()
	return a
}

// prepareSurfaces notes which properties tell the surfaces apart.
func (a *analysis) prepareSurfaces() {
	a.surfaces = newSurfaces(a.cfg.Surfaces)
	for i := range a.cfg.Surfaces {
		if s := &a.cfg.Surfaces[i]; len(s.Clients) > 0 && len(a.byClient) < maxClientSurfaces {
			a.byClient = append(a.byClient, s)
		}
	}
	a.byIssuer = slices.ContainsFunc(a.cfg.Surfaces, func(s Surface) bool { return len(s.Issuers) > 0 })
}
