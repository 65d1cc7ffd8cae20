package report

import (
	"cmp"
	"net/netip"
	"slices"

	"blindspot/discover"
)

// Hosts lists the hostnames of inv with the zero ListConfig.
func Hosts(inv *discover.Inventory) (*List, error) { return ListConfig{}.Hosts(inv) }

// hostKey is a hostname; the public name of an ECH provider is apart from the
// same name where it is asked for itself.
type hostKey struct {
	name   string
	public bool
}

// hostRow is a hostname as it adds up.
type hostRow struct {
	usage
	hostKey
	networks  set[string]
	endpoints set[netip.AddrPort]
	shown     map[netip.AddrPort]*presented // the certificate at each endpoint
	leaves    set[discover.Fingerprint]
	fits      set[discover.Fingerprint] // by record lengths alone
}

// Hosts lists hostnames: where and how much they are used, and by which
// certificates. Names that only the checks use, or that no server went on with,
// are listed for programs and counted in a note for people, and so are the
// public names of ECH providers, which are no names in use. A name's not_after is the earliest end of the
// certificates that its endpoints showed last.
func (cfg ListConfig) Hosts(inv *discover.Inventory) (*List, error) {
	w := newWalker(inv, &cfg)
	rows, asked := map[hostKey]*hostRow{}, looks[hostKey]{}
	var nameless uint64
	err := w.each(func(s *discover.Sighting) {
		if s.Hostname == "" {
			if s.Class != discover.ClassVerify {
				nameless += s.Count
			}
			return
		}
		k := hostKey{s.Hostname, s.Name == discover.NamePublic}
		if asked.take(w, s, k) {
			return
		}
		h := rows[k]
		if h == nil {
			h = &hostRow{usage: newUsage(), hostKey: k, shown: map[netip.AddrPort]*presented{}}
			rows[k] = h
		}
		h.fold(w, s)
	})
	if err != nil {
		return nil, err
	}
	for k, list := range asked {
		if h := rows[k]; h != nil {
			h.foldLooks(w, list)
		}
	}
	return cfg.hostList(w, rows, nameless), nil
}

// foldLooks adds what the endpoints of the name showed us.
func (h *hostRow) foldLooks(w *walker, list []lookAt) {
	for _, l := range list {
		if h.endpoints.has(l.server) {
			h.beyond = !h.leaves.add(l.leaf) || h.beyond
			note(w, h.shown, l.server, l.leaf, l.at)
		}
	}
}

func (h *hostRow) fold(w *walker, s *discover.Sighting) {
	if useOf(s) < h.use && h.use == askedFor {
		// What only was asked for elsewhere is no endpoint of a name in use.
		h.endpoints, h.shown = set[netip.AddrPort]{}, map[netip.AddrPort]*presented{}
	}
	h.usage.add(s, w.key)
	if useOf(s) <= checksOnly || h.use == askedFor {
		h.beyond = !h.endpoints.add(s.Server) || h.beyond
	}
	if s.Network != "" {
		h.networks.add(s.Network)
	}
	w.consistent(&h.fits, s)
	leaf, ok := w.leaf(s.Chain)
	if !ok {
		return
	}
	h.beyond = !h.leaves.add(leaf) || h.beyond
	note(w, h.shown, s.Server, leaf, s.Last)
}

func (cfg ListConfig) hostList(w *walker, rows map[hostKey]*hostRow, nameless uint64) *List {
	sorted := make([]*hostRow, 0, len(rows))
	for _, h := range rows {
		h.settle()
		if h.public {
			h.use = publicName
		}
		sorted = append(sorted, h)
	}
	slices.SortFunc(sorted, func(x, y *hostRow) int { return cmp.Or(x.before(&y.usage), cmp.Compare(x.name, y.name)) })
	l := &List{Columns: hostColumns()}
	if cfg.Monitored != nil {
		l.Columns = slices.Insert(l.Columns, 2, Column{Key: "monitored", Title: "monitored", drop: 2})
	}
	l.Rows = func(yield func([]any) bool) {
		var row []any
		for _, h := range sorted {
			if row = h.row(row[:0], w, cfg.Monitored); !yield(row) {
				return
			}
		}
	}
	w.consistentColumn(l)
	n := tallyOf(sorted, func(h *hostRow) *usage { return &h.usage })
	l.Title = titled(w.inv, quantity(uint64(n.by[inUse]), "hostname")+" in use")
	l.inTable = isInUse
	if others := n.others("name"); others != "" {
		l.Notes = append(l.Notes, others)
	}
	if note := publicNote(sorted); note != "" {
		l.Notes = append(l.Notes, note)
	}
	if nameless > 0 {
		l.Notes = append(l.Notes, quantity(nameless, "handshake")+" without a hostname: see 'blindspot endpoints'.")
	}
	l.Notes = append(l.Notes, n.notes(w.inv)...)
	return l
}

// publicNote counts what was asked for under public names, "" for nothing.
func publicNote(rows []*hostRow) string {
	var names, handshakes uint64
	for _, h := range rows {
		if h.public {
			names++
			handshakes += h.handshakes
		}
	}
	if names == 0 {
		return ""
	}
	return quantity(names, "public name") + " of ECH providers, under which " + quantity(handshakes, "handshake") +
		" asked for names that cannot be seen: not in this table, in --output json, jsonl and csv."
}

func (h *hostRow) row(row []any, w *walker, monitored func(string) string) []any {
	row = append(row, h.name, useWords[h.use])
	switch {
	case monitored == nil:
	case h.public:
		row = append(row, nil) // there is nothing to monitor under it
	default:
		row = append(row, monitored(h.name))
	}
	row = append(row, h.handshakes, h.distinct, addrValues(h.endpoints.list), fingerprintValues(h.leaves.list),
		expiry{firstEnd(w, h.shown), w.inv.Last}, versionValues(h.versions.list), h.hidden, h.first, h.last,
		h.checks, sortedValues(slices.Clone(h.networks.list)))
	if w.fits != nil {
		row = append(row, fingerprintValues(h.fits.list))
	}
	return row
}

func addrValues(list []netip.AddrPort) values {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, netip.AddrPort.Compare)
	texts := make([]string, 0, min(len(sorted), maxListed))
	for _, a := range sorted[:min(len(sorted), maxListed)] {
		texts = append(texts, a.String())
	}
	return values{list: texts, total: len(list)}
}

// tally counts the rows of a list.
type tally struct {
	rows   int
	by     [len(useWords)]int
	beyond int
}

func tallyOf[T any](rows []T, usageOf func(T) *usage) (n tally) {
	for _, r := range rows {
		u := usageOf(r)
		n.rows++
		n.by[u.use]++
		if u.beyond {
			n.beyond++
		}
	}
	return n
}

// notes are those that every list ends with: bounds that were reached, and what
// was not seen.
func (n *tally) notes(inv *discover.Inventory) (list []string) {
	if n.beyond > 0 {
		list = append(list, quantity(uint64(n.beyond), "row")+" with more than "+number(maxDistinct)+" different values in one cell: totals stop there.")
	}
	s := sensorOf(&inv.Sensor)
	for _, l := range s.sight(nil, nil)[1:] {
		text := l.text
		if l.label != "" {
			text = title(l.label) + ": " + text
		}
		list = append(list, text+".")
	}
	return list
}

func titled(inv *discover.Inventory, what string) string {
	if inv.First.IsZero() {
		return what
	}
	return what + ", " + period(inv.First, inv.Last)
}

func hostColumns() []Column {
	return []Column{
		{Key: "hostname", Title: "hostname", flex: 28},
		{Key: "use"},
		{Key: "handshakes", Title: "handshakes", right: true},
		{Key: "clients", Title: "clients", right: true, drop: 3},
		{Key: "endpoints", Title: "endpoints", counted: true},
		{Key: "certificates", Title: "certificate", counted: true, drop: 4},
		{Key: "not_after", Title: "expires", drop: 1},
		{Key: "versions", Title: "version", counted: true, drop: 5},
		{Key: "hidden", Title: "not seen", drop: 6},
		{Key: "first_seen"},
		{Key: "last_seen", Title: "last seen", drop: 8},
		{Key: "monitor_handshakes"},
		{Key: "networks", counted: true},
	}
}
