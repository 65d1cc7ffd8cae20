package report

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"blindspot/discover"
	"blindspot/discover/coverage"
)

// Report is the gap report in the words and the order of its JSON. Its lists
// are never nil.
type Report struct {
	Generated time.Time                `json:"generated"`
	Window    Window                   `json:"window"`
	Summary   Summary                  `json:"summary"`
	Sensor    Sensor                   `json:"sensor"`
	Surfaces  []coverage.SurfaceStatus `json:"surfaces"`
	Checks    []Check                  `json:"checks"`
	Findings  []discover.Finding       `json:"findings"`

	Warnings   []Warning           `json:"warnings"`
	OutOfScope coverage.OutOfScope `json:"out_of_scope"`
	AskedOnly  coverage.AskedOnly  `json:"asked_only"`
}

// Window bounds the traffic; both are nil where there was none.
type Window struct {
	First *time.Time `json:"first"`
	Last  *time.Time `json:"last"`
}

// Summary counts what clients use within the scope.
type Summary struct {
	Hostnames        int        `json:"hostnames"`
	Monitored        int        `json:"monitored"`
	Unmonitored      int        `json:"unmonitored"`
	UnmonitoredShare float64    `json:"unmonitored_share"`
	Endpoints        int        `json:"endpoints"`
	Certificates     int        `json:"certificates"`
	Handshakes       uint64     `json:"handshakes"`
	Findings         Severities `json:"findings"`

	WeaklyMonitored   int    `json:"weakly_monitored"`
	MonitorHandshakes uint64 `json:"monitor_handshakes"`
	Scanners          int    `json:"scanners"`
	ScannerHandshakes uint64 `json:"scanner_handshakes"`
	// VerifiedHandshakes hid their certificate, which 'blindspot verify' asked
	// for.
	VerifiedHandshakes uint64 `json:"verified_handshakes,omitempty"`
	Beyond             uint64 `json:"beyond"`

	Cleartext coverage.Cleartext `json:"cleartext"`
}

// Severities counts findings.
type Severities struct {
	Critical int `json:"critical"`
	Warning  int `json:"warning"`
	Notice   int `json:"notice"`
}

// Sensor is what was seen and what could not be seen.
type Sensor struct {
	Packets     uint64 `json:"packets"`
	KernelDrops uint64 `json:"kernel_drops"`
	Handshakes  uint64 `json:"handshakes"`
	Hidden      Counts `json:"hidden"`
	Lost        Counts `json:"lost"`

	// CutOff and Filtered count packets that the kernel left out, which is no
	// loss; of live sensors only.
	CutOff   uint64 `json:"cut_off,omitempty"`
	Filtered uint64 `json:"filtered,omitempty"`

	Bytes uint64   `json:"bytes"`
	Notes []string `json:"notes"` // about single sources: where a capture broke off
}

// Check is one check with what it reaches and whether clients use it.
type Check struct {
	Source    string   `json:"source"`
	Ref       string   `json:"ref"`
	Hostname  string   `json:"hostname"`
	Address   string   `json:"address"`
	Port      uint16   `json:"port"`
	SNIOrigin string   `json:"sni_origin"`
	Grade     string   `json:"grade"`
	Witnessed []string `json:"witnessed"`
	Used      bool     `json:"used"`

	Enabled bool     `json:"enabled"`
	Owner   string   `json:"owner"`
	Covers  []string `json:"covers"` // endpoints in use that it covers
	// Sees is the certificate that the monitor says it saw.
	Sees string `json:"sees,omitempty"`
}

// Warning is an entry of a check source that could not be understood, or only
// in part.
type Warning struct {
	Ref  string `json:"ref"`
	Text string `json:"text"`
}

// The causes that a report always has, also where they are zero.
var (
	hiddenCauses = []string{"encrypted", "resumed", "one-sided", "truncated", discover.CountECH, discover.CountECHPublic, discover.CountESNI, discover.CountEarlyData}
	lostCauses   = []string{"table-full", "reassembly", "unparsed"}
)

// New puts together what Compare found in inv. It keeps neither.
func New(res *coverage.Result, inv *discover.Inventory, generated time.Time) *Report {
	r := &Report{
		Generated:  generated.UTC(),
		Window:     Window{First: instant(res.First), Last: instant(res.Last)},
		Summary:    summaryOf(res),
		Sensor:     sensorOf(&inv.Sensor),
		Surfaces:   slices.Clone(res.Surfaces),
		Checks:     make([]Check, len(res.Checks)),
		Findings:   slices.Clone(res.Findings),
		Warnings:   make([]Warning, len(res.Warnings)),
		OutOfScope: res.OutOfScope,
		AskedOnly:  res.AskedOnly,
	}
	r.Surfaces, r.Findings = orEmpty(r.Surfaces), orEmpty(r.Findings)
	r.OutOfScope.Largest = orEmpty(r.OutOfScope.Largest)
	for i := range res.Checks {
		r.Checks[i] = checkOf(&res.Checks[i])
	}
	for i, w := range res.Warnings {
		r.Warnings[i] = Warning{Ref: w.Ref, Text: w.Text}
	}
	for i := range r.Surfaces {
		settleSurface(&r.Surfaces[i])
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Endpoints = orEmpty(f.Endpoints)
		f.FirstSeen, f.LastSeen = f.FirstSeen.UTC(), f.LastSeen.UTC()
		if f.Evidence == nil {
			f.Evidence = map[string]any{}
		}
	}
	return r
}

// settleSurface leaves no list of s nil.
func settleSurface(s *coverage.SurfaceStatus) {
	s.Certificates = orEmpty(s.Certificates)
	if s.Checks == nil {
		s.Checks = map[string]int{}
	}
	if s.MTLS != nil {
		m := *s.MTLS
		m.Issuers, m.TrustDomains = orEmpty(m.Issuers), orEmpty(m.TrustDomains)
		s.MTLS = &m
	}
}

func summaryOf(res *coverage.Result) Summary {
	s := &res.Summary
	return Summary{
		Hostnames: s.Hostnames, Monitored: s.Monitored, Unmonitored: s.Unmonitored,
		UnmonitoredShare: s.UnmonitoredShare,
		Endpoints:        s.Endpoints, Certificates: s.Certificates, Handshakes: s.Handshakes,
		Findings:          severitiesOf(res.Findings),
		WeaklyMonitored:   s.WeaklyMonitored,
		MonitorHandshakes: s.MonitorHandshakes,
		Scanners:          s.Scanners, ScannerHandshakes: s.ScannerHandshakes,
		VerifiedHandshakes: s.Verified,
		Beyond:             s.Beyond, Cleartext: s.Cleartext,
	}
}

func severitiesOf(findings []discover.Finding) (n Severities) {
	for i := range findings {
		switch findings[i].Severity {
		case discover.Critical:
			n.Critical++
		case discover.Warning:
			n.Warning++
		default:
			n.Notice++
		}
	}
	return n
}

func sensorOf(v *discover.Visibility) Sensor {
	return Sensor{
		Packets: v.Packets, KernelDrops: v.KernelDrops, Handshakes: v.Handshakes,
		Hidden: countsOf(v.Hidden, hiddenCauses), Lost: countsOf(v.Lost, lostCauses),
		CutOff: v.Kinds[discover.KindCutOff], Filtered: v.Kinds[discover.KindFiltered],
		Bytes: v.Bytes, Notes: orEmpty(slices.Clone(v.Notes)),
	}
}

func checkOf(c *coverage.CheckStatus) Check {
	return Check{
		Source: c.Source, Ref: c.Ref, Hostname: c.Hostname, Address: c.Address, Port: c.Port,
		SNIOrigin: c.SNIOrigin, Grade: c.Grade, Witnessed: orEmpty(c.Witnessed), Used: c.Used,
		Enabled: c.Enabled, Owner: c.Owner, Covers: orEmpty(c.Covers), Sees: c.Sees,
	}
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Count is a figure by its cause.
type Count struct {
	Cause string
	N     uint64
}

// Counts are figures by cause, written as a JSON object in their order.
type Counts []Count

// countsOf orders m: the causes of always first, then the others by name.
func countsOf(m map[string]uint64, always []string) Counts {
	c := make(Counts, 0, len(m)+len(always))
	for _, cause := range always {
		c = append(c, Count{cause, m[cause]})
	}
	for _, cause := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(always, cause) {
			c = append(c, Count{cause, m[cause]})
		}
	}
	return c
}

// MarshalJSON writes an object of figures.
func (c Counts) MarshalJSON() ([]byte, error) { return c.appendJSON(nil), nil }

func (c Counts) appendJSON(b []byte) []byte {
	b = append(b, '{')
	for i := range c {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, c[i].Cause)
		b = append(b, ':')
		b = strconv.AppendUint(b, c[i].N, 10)
	}
	return append(b, '}')
}

// add adds n for cause; there are few causes.
func (c *Counts) add(cause string, n uint64) {
	for i := range *c {
		if (*c)[i].Cause == cause {
			(*c)[i].N += n
			return
		}
	}
	*c = append(*c, Count{cause, n})
}

// most orders by figure, largest first.
func (c Counts) most() Counts {
	out := slices.Clone(c)
	slices.SortStableFunc(out, func(x, y Count) int { return cmp.Or(cmp.Compare(y.N, x.N), cmp.Compare(x.Cause, y.Cause)) })
	return out
}
