package report

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"blindspot/discover"
)

// Certificates lists the certificates of inv with the zero ListConfig.
func Certificates(inv *discover.Inventory) (*List, error) { return ListConfig{}.Certificates(inv) }

// certificateRow is a certificate as it adds up. Of what it says, only what the
// list shows is kept.
type certificateRow struct {
	usage
	sha256    discover.Fingerprint
	known     bool
	subject   string
	issuer    string
	serial    string
	names     values
	sources   []string // "wire", "decrypted", "verify", …
	notBefore time.Time
	notAfter  time.Time
	key       string
	signature string
	problem   string

	leaf, issuing, client bool // where it stood in chains
	endpoints             set[netip.AddrPort]
	hostnames             set[string]
}

// Certificates lists certificates, those of servers, their issuers as
// presented, and those of clients: what they say, and where they are in use.
func (cfg ListConfig) Certificates(inv *discover.Inventory) (*List, error) {
	w := newWalker(inv, &cfg)
	rows := map[discover.Fingerprint]*certificateRow{}
	fits := map[discover.Fingerprint]uint64{}
	err := w.each(func(s *discover.Sighting) {
		if leaf, ok := w.fitting(s); ok {
			fits[leaf] += s.Count
		}
		for i, f := range w.chain(s.Chain) {
			r := rowOf(rows, inv, f)
			r.leaf, r.issuing = r.leaf || i == 0, r.issuing || i > 0
			r.fold(s, w.key)
		}
		for _, f := range w.chain(s.ClientChain) {
			r := rowOf(rows, inv, f)
			r.client = true
			r.fold(s, w.key)
		}
	})
	if err != nil {
		return nil, err
	}
	l := certificateList(inv, rows)
	if w.fits != nil {
		addConsistent(l, fits)
	}
	return l, nil
}

// addConsistent counts, of each certificate, the handshakes that hid theirs and
// whose record lengths are consistent with it.
func addConsistent(l *List, fits map[discover.Fingerprint]uint64) {
	rows := l.Rows
	l.Columns = append(l.Columns, Column{Key: "consistent_handshakes", Title: "consistent", right: true, drop: 4})
	l.Rows = func(yield func([]any) bool) {
		rows(func(row []any) bool { return yield(append(row, fits[row[0].(discover.Fingerprint)])) })
	}
}

func rowOf(rows map[discover.Fingerprint]*certificateRow, inv *discover.Inventory, f discover.Fingerprint) *certificateRow {
	r := rows[f]
	if r != nil {
		return r
	}
	r = &certificateRow{usage: newUsage(), sha256: f}
	rows[f] = r
	if inv.Certificate == nil {
		return r
	}
	if c := inv.Certificate(f); c != nil {
		r.describe(c)
	}
	return r
}

func (r *certificateRow) describe(c *discover.Certificate) {
	r.known = true
	r.subject, r.issuer, r.serial = c.Subject, c.Issuer, c.Serial
	r.notBefore, r.notAfter = c.NotBefore, c.NotAfter
	r.key, r.signature = keyText(c), c.Signature
	names := c.Names()
	for _, ip := range c.IPs {
		names = append(names, ip.String())
	}
	names = append(names, c.URIs...)
	r.names = sortedValues(names)
	r.names.total += c.MoreNames
	r.names.list = slices.Clone(r.names.list) // not the backing array of thousands
	var problems []string
	for _, p := range []string{c.Problem, c.WeakReason()} {
		if p != "" {
			problems = append(problems, p)
		}
	}
	r.problem = strings.Join(problems, "; ")
}

// keyText is "ECDSA P-256", "RSA 2048".
func keyText(c *discover.Certificate) string {
	switch {
	case c.Curve != "":
		return c.KeyType + " " + c.Curve
	case c.KeyBits > 0 && strings.HasPrefix(c.KeyType, "RSA") || c.KeyType == "DSA":
		return c.KeyType + " " + strconv.Itoa(c.KeyBits)
	}
	return c.KeyType
}

func (r *certificateRow) fold(s *discover.Sighting, key discover.SketchKey) {
	r.usage.add(s, key)
	if at, found := slices.BinarySearch(r.sources, s.Known); !found && s.Known != "" {
		r.sources = slices.Insert(r.sources, at, s.Known)
	}
	r.beyond = !r.endpoints.add(s.Server) || r.beyond
	if s.Name == discover.NameValid {
		r.beyond = !r.hostnames.add(s.Hostname) || r.beyond
	}
}

func (r *certificateRow) roles() values {
	v := values{}
	for _, e := range []struct {
		is   bool
		word string
	}{{r.leaf, "server"}, {r.issuing, "issuer"}, {r.client, "client"}} {
		if e.is {
			v.list = append(v.list, e.word)
		}
	}
	v.total = len(v.list)
	return v
}

// title is what people know the certificate by.
func (r *certificateRow) title() string {
	switch {
	case r.names.total > 0:
		return r.names.show()
	case r.subject != "":
		return r.subject
	case !r.known:
		return "(not kept)"
	}
	return "(no name)"
}

func certificateList(inv *discover.Inventory, rows map[discover.Fingerprint]*certificateRow) *List {
	sorted := make([]*certificateRow, 0, len(rows))
	for _, r := range rows {
		r.settle()
		sorted = append(sorted, r)
	}
	slices.SortFunc(sorted, func(x, y *certificateRow) int {
		return cmp.Or(-cmp.Compare(b2i(x.leaf), b2i(y.leaf)), x.before(&y.usage), slices.Compare(x.sha256[:], y.sha256[:]))
	})
	l := &List{Columns: certificateColumns()}
	l.Rows = func(yield func([]any) bool) {
		var row []any
		for _, r := range sorted {
			if row = r.row(row[:0], inv.Last); !yield(row) {
				return
			}
		}
	}
	n := tallyOf(sorted, func(r *certificateRow) *usage { return &r.usage })
	l.Title = titled(inv, quantity(uint64(n.rows), "certificate")+" seen")
	hideEmpty(l, "problem")
	l.Notes = n.notes(inv)
	return l
}

func (r *certificateRow) row(row []any, at time.Time) []any {
	return append(row, r.sha256, r.title(), r.roles(), orNil(r.subject), r.names, orNil(r.issuer), orNil(r.serial),
		r.notBefore, expiry{r.notAfter, at}, orNil(r.key), orNil(r.signature), addrValues(r.endpoints.list),
		sortedValues(slices.Clone(r.hostnames.list)), r.handshakes, r.distinct, r.first, r.last, orNil(r.problem), r.checks, values{list: r.sources, total: len(r.sources)})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func certificateColumns() []Column {
	return []Column{
		{Key: "sha256", Title: "sha256"},
		{Title: "certificate", flex: 24},
		{Key: "roles", Title: "role", counted: true, drop: 5},
		{Key: "subject"},
		{Key: "names", counted: true},
		{Key: "issuer", Title: "issuer", flex: 14, drop: 6},
		{Key: "serial"},
		{Key: "not_before"},
		{Key: "not_after", Title: "expires"},
		{Key: "key", Title: "key", drop: 4},
		{Key: "signature"},
		{Key: "endpoints", Title: "endpoints", counted: true, drop: 2},
		{Key: "hostnames", Title: "hostnames", counted: true, flex: 24, drop: 7},
		{Key: "handshakes", Title: "handshakes", right: true, drop: 3},
		{Key: "clients", Title: "clients", right: true, drop: 8},
		{Key: "first_seen"},
		{Key: "last_seen", Title: "last seen", drop: 9},
		{Key: "problem", Title: "problem", flex: 20, drop: 1},
		{Key: "monitor_handshakes"},
		{Key: "known_by", Title: "known by", counted: true, drop: 10},
	}
}
