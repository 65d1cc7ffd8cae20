package report

import (
	"cmp"
	"net/netip"
	"slices"

	"blindspot/discover"
)

// Endpoints lists the endpoints of inv with the zero ListConfig.
func Endpoints(inv *discover.Inventory) (*List, error) { return ListConfig{}.Endpoints(inv) }

// endpointID is what makes an endpoint: the same address in another network or
// behind another preface is another one.
type endpointID struct {
	network, target, preface string
	transport                discover.Transport
	server                   netip.AddrPort
}

type endpointRow struct {
	usage
	endpointID
	names    set[string]
	leaves   set[discover.Fingerprint]
	shown    map[string]*presented // the certificate for each hostname
	nameless uint64                // handshakes without SNI

	refusedByClient, refusedByServer, unanswered uint64

	clearRefused, clearDeclined uint64 // sessions of clients that stayed in the clear

	fits set[discover.Fingerprint] // by record lengths alone
}

// Endpoints lists what speaks TLS, or could: address and transport, names,
// certificates, how handshakes ended, and how many sessions stayed in the clear
// after TLS was spoken of. Endpoints that only the checks use, or where no
// server went on, are listed for programs and counted in a note for people. An
// endpoint's not_after is the earliest end of the certificates that it showed
// last for each of its names.
func (cfg ListConfig) Endpoints(inv *discover.Inventory) (*List, error) {
	w := newWalker(inv, &cfg)
	rows, asked := map[endpointID]*endpointRow{}, looks[endpointID]{}
	row := func(id endpointID) *endpointRow {
		e := rows[id]
		if e == nil {
			e = &endpointRow{usage: newUsage(), endpointID: id, shown: map[string]*presented{}}
			rows[id] = e
		}
		return e
	}
	err := w.each(func(s *discover.Sighting) {
		id := endpointID{s.Network, s.Target, s.Preface, s.Transport, s.Server}
		if !asked.take(w, s, id) {
			row(id).fold(w, s)
		}
	})
	if err != nil {
		return nil, err
	}
	for _, o := range inv.Offers {
		row(endpointID{o.Network, o.Target, o.Preface, discover.TCP, o.Server}).foldOffer(w, o)
	}
	for id, list := range asked {
		if e := rows[id]; e != nil {
			e.foldLooks(w, list)
		}
	}
	return endpointList(w, rows), nil
}

// foldLooks adds what the endpoint showed us.
func (e *endpointRow) foldLooks(w *walker, list []lookAt) {
	for _, l := range list {
		e.beyond = !e.leaves.add(l.leaf) || e.beyond
		note(w, e.shown, l.hostname, l.leaf, l.at)
	}
}

// foldOffer adds sessions that stayed in the clear.
func (e *endpointRow) foldOffer(w *walker, o *discover.OfferCount) {
	e.first = earlier(e.first, o.First)
	if o.Last.After(e.last) {
		e.last = o.Last
	}
	if o.Class == discover.ClassMonitor {
		e.use = min(e.use, checksOnly)
		return
	}
	e.use = min(e.use, inClear)
	e.clients.Merge(&o.Clients, w.key)
	if o.State == discover.OfferRefused {
		e.clearRefused += o.Count
	} else {
		e.clearDeclined += o.Count
	}
}

func (e *endpointRow) fold(w *walker, s *discover.Sighting) {
	e.usage.add(s, w.key)
	w.consistent(&e.fits, s)
	switch {
	case s.Name == discover.NameNone:
		e.nameless += s.Count
	case s.Name == discover.NameValid && s.InUse():
		e.beyond = !e.names.add(s.Hostname) || e.beyond
	}
	if leaf, ok := w.leaf(s.Chain); ok {
		e.beyond = !e.leaves.add(leaf) || e.beyond
		note(w, e.shown, s.Hostname, leaf, s.Last)
	}
	switch s.Outcome {
	case discover.RefusedByClient:
		e.refusedByClient += s.Count
	case discover.RefusedByServer:
		e.refusedByServer += s.Count
	case discover.Unanswered:
		e.unanswered += s.Count
	}
}

func endpointList(w *walker, rows map[endpointID]*endpointRow) *List {
	sorted := make([]*endpointRow, 0, len(rows))
	for _, e := range rows {
		e.settle()
		sorted = append(sorted, e)
	}
	slices.SortFunc(sorted, func(x, y *endpointRow) int {
		return cmp.Or(cmp.Compare(x.use, y.use), x.server.Compare(y.server), cmp.Compare(x.transport, y.transport),
			cmp.Compare(x.network, y.network), cmp.Compare(x.target, y.target), cmp.Compare(x.preface, y.preface))
	})
	l := &List{Columns: endpointColumns()}
	l.Rows = func(yield func([]any) bool) {
		var row []any
		for _, e := range sorted {
			if row = e.row(row[:0], w); !yield(row) {
				return
			}
		}
	}
	w.consistentColumn(l)
	n := tallyOf(sorted, func(e *endpointRow) *usage { return &e.usage })
	what := quantity(uint64(n.by[inUse]), "endpoint") + " in use"
	if c := n.by[inClear]; c > 0 {
		what += " and " + number(uint64(c)) + " only in the clear"
	}
	l.Title = titled(w.inv, what)
	l.inTable = func(row []any) bool { return isInUse(row) || row[1] == useWords[inClear] }
	if others := n.others("endpoint"); others != "" {
		l.Notes = append(l.Notes, others)
	}
	hideEmpty(l, "starttls", "target", "network", "cleartext")
	l.Notes = append(l.Notes, n.notes(w.inv)...)
	return l
}

func (e *endpointRow) row(row []any, w *walker) []any {
	row = append(row, e.server.String(), useWords[e.use], e.transport.String(), orNil(e.preface), orNil(e.target), orNil(e.network),
		e.handshakes, e.distinct, sortedValues(slices.Clone(e.names.list)), fingerprintValues(e.leaves.list),
		expiry{firstEnd(w, e.shown), w.inv.Last}, versionValues(e.versions.list),
		e.refusedByClient, e.refusedByServer, e.unanswered, e.nameless, e.hidden, e.first, e.last, e.checks, e.cleartext())
	if w.fits != nil {
		row = append(row, fingerprintValues(e.fits.list))
	}
	return row
}

// cleartext counts the sessions in the clear by who did not want TLS.
func (e *endpointRow) cleartext() Counts {
	return Counts{{discover.OfferRefused, e.clearRefused}, {discover.OfferDeclined, e.clearDeclined}}
}

// hideEmpty takes columns out of tables where no row has anything in them.
func hideEmpty(l *List, keys ...string) {
	filled := make([]bool, len(l.Columns))
	for row := range l.Rows {
		for i, c := range row {
			filled[i] = filled[i] || !isEmpty(c)
		}
	}
	for i := range l.Columns {
		if !filled[i] && slices.Contains(keys, l.Columns[i].Key) {
			l.Columns[i].Title = ""
		}
	}
}

// isEmpty reports whether a cell has nothing to show.
func isEmpty(cell any) bool {
	if c, ok := cell.(Counts); ok {
		return !slices.ContainsFunc(c, func(e Count) bool { return e.N > 0 })
	}
	if v, ok := cell.(values); ok {
		return v.total == 0
	}
	return cell == nil
}

func endpointColumns() []Column {
	return []Column{
		{Key: "endpoint", Title: "endpoint"},
		{Key: "use"},
		{Key: "transport", Title: "transport", drop: 7},
		{Key: "starttls", Title: "starttls", drop: 6},
		{Key: "target", Title: "target", drop: 6, flex: 16},
		{Key: "network", Title: "network", drop: 6},
		{Key: "handshakes", Title: "handshakes", right: true},
		{Key: "clients", Title: "clients", right: true, drop: 2},
		{Key: "hostnames", Title: "hostnames", counted: true, flex: 24},
		{Key: "certificates", Title: "certificate", counted: true, drop: 3},
		{Key: "not_after", Title: "expires", drop: 1},
		{Key: "versions", Title: "version", counted: true, drop: 4},
		{Key: "refused_by_client", Title: "client refused", right: true, drop: 5},
		{Key: "refused_by_server", Title: "server refused", right: true, drop: 5},
		{Key: "unanswered"},
		{Key: "no_hostname"},
		{Key: "hidden", Title: "not seen", drop: 8},
		{Key: "first_seen"},
		{Key: "last_seen", Title: "last seen", drop: 10},
		{Key: "monitor_handshakes"},
		{Key: "cleartext", Title: "in the clear", drop: 1},
	}
}
