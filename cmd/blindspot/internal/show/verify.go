package show

import (
	"bufio"
	"net/netip"
	"slices"
	"strings"
	"time"

	"blindspot/discover"
	"blindspot/discover/report"
	"blindspot/discover/verify"
)

// Look is one row of a verification: what was asked, or would be, and what came
// of it.
type Look struct {
	Hostname string   `json:"hostname"`
	Endpoint string   `json:"endpoint"`
	StartTLS string   `json:"starttls"`
	Network  string   `json:"network"`
	ALPN     []string `json:"alpn"`
	// Why it is asked: hidden, due; "" where it cannot be.
	Why string `json:"why"`
	// Result is certificate, cannot-ask, would-ask, or what went wrong.
	Result string `json:"result"`
	// Compared says how the certificate stands to the one that was known there:
	// same, changed, first.
	Compared    string     `json:"compared"`
	Certificate string     `json:"certificate"`
	NotAfter    *time.Time `json:"not_after"`
	Known       string     `json:"known"`      // leaf that was known there before
	KnownFrom   string     `json:"known_from"` // wire, decrypted, verify
	KnownAt     *time.Time `json:"known_at"`
	AskedAt     *time.Time `json:"asked_at"`
	Outcome     string     `json:"outcome"`
	Handshakes  uint64     `json:"handshakes"` // of clients
	LastUse     *time.Time `json:"last_use"`
	Detail      string     `json:"detail"`

	server netip.AddrPort
}

// The results of looks that are no failure.
const (
	LookCertificate = "certificate"
	LookWouldAsk    = "would-ask"
	LookCannotAsk   = "cannot-ask"
)

// Looks is a verification.
type Looks struct {
	Title string
	Rows  []Look
	Notes []string
	At    time.Time
}

// NewLook is a target that would be asked.
func NewLook(t *verify.Target) Look {
	l := placed(&t.Place)
	l.ALPN, l.Why, l.Result = append(l.ALPN, t.ALPN...), string(t.Why), LookWouldAsk
	l.Handshakes, l.LastUse = t.Handshakes, instant(t.LastUse)
	if !t.Known.IsZero() {
		l.Known, l.KnownFrom, l.KnownAt = t.Known.String(), t.KnownFrom, instant(t.KnownAt)
	}
	return l
}

// NewUnasked is a place that cannot be asked.
func NewUnasked(u *verify.Unasked) Look {
	l := placed(&u.Place)
	l.Result, l.Detail = LookCannotAsk, u.Why
	if u.Target != "" {
		l.Detail = "to " + u.Target + ": " + l.Detail
	}
	return l
}

func placed(p *verify.Place) Look {
	return Look{Hostname: p.Hostname, Endpoint: p.Server.String(), StartTLS: p.Preface, Network: p.Network, ALPN: []string{}, server: p.Server}
}

// Found completes the row with what a look was shown.
func (l *Look) Found(o *discover.Observation, leaf *discover.Certificate) {
	l.Result, l.Certificate, l.Outcome, l.AskedAt = LookCertificate, o.Chain[0].String(), string(o.Outcome), instant(o.Time)
	switch l.Known {
	case "":
		l.Compared = "first"
	case l.Certificate:
		l.Compared = "same"
	default:
		l.Compared = "changed"
	}
	if leaf != nil {
		l.NotAfter, l.Detail = instant(leaf.NotAfter), leaf.Problem
	}
	if o.KeyProven == discover.No {
		l.Detail = "the server signs with another key"
	}
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Write writes the verification in the named format.
func (v *Looks) Write(w *bufio.Writer, format string, o report.Options) error {
	slices.SortStableFunc(v.Rows, func(x, y Look) int {
		if c := strings.Compare(x.Hostname, y.Hostname); c != 0 {
			return c
		}
		return x.server.Compare(y.server)
	})
	switch format {
	case "json", "jsonl":
		return objects(w, v.Rows, format == "jsonl")
	case "csv":
		return report.WriteList(w, v.list(), format, o)
	}
	return report.WriteList(w, v.table(format, o.Width), format, o)
}

// list has every field, for programs.
func (v *Looks) list() *report.List {
	l := &report.List{Title: v.Title, Columns: columns("hostname", "endpoint", "starttls", "network", "alpn", "why", "result", "compared",
		"certificate", "not_after", "known", "known_from", "known_at", "asked_at", "outcome", "handshakes", "last_use", "detail")}
	l.Rows = func(yield func([]any) bool) {
		for i := range v.Rows {
			r := &v.Rows[i]
			row := []any{text(r.Hostname), r.Endpoint, text(r.StartTLS), text(r.Network), text(strings.Join(r.ALPN, listSeparator)), text(r.Why), r.Result, text(r.Compared),
				text(r.Certificate), moment(r.NotAfter), text(r.Known), text(r.KnownFrom), moment(r.KnownAt), moment(r.AskedAt), text(r.Outcome),
				r.Handshakes, moment(r.LastUse), text(r.Detail)}
			if !yield(row) {
				return
			}
		}
	}
	return l
}

func moment(t *time.Time) any {
	if t == nil {
		return nil
	}
	return *t
}

// table is for people.
func (v *Looks) table(format string, width int) *report.List {
	header := []string{"hostname", "endpoint", "result", "certificate", "expires", "compared", "detail"}
	rows := make([][]string, len(v.Rows))
	for i := range v.Rows {
		r := &v.Rows[i]
		rows[i] = []string{dash(r.Hostname), r.Endpoint, r.Result, dash(brief(r.Certificate)), v.expires(r), dash(compared(r)), dash(about(r))}
		if r.StartTLS != "" {
			rows[i][1] += " " + r.StartTLS
		}
	}
	header, rows = filled(header, rows)
	if format == "table" {
		narrow(header, rows, width, []int{0, len(header) - 1}, nil)
	}
	l := &report.List{Title: v.Title, Rows: cells(rows), Notes: v.Notes}
	for _, h := range header {
		l.Columns = append(l.Columns, report.Column{Key: h, Title: h})
	}
	return l
}

// filled leaves out the columns that have nothing in any row, but for the first
// three.
func filled(header []string, rows [][]string) ([]string, [][]string) {
	var keep []int
	for i := range header {
		if i < 3 || slices.ContainsFunc(rows, func(r []string) bool { return r[i] != "-" }) {
			keep = append(keep, i)
		}
	}
	pick := func(list []string) []string {
		out := make([]string, len(keep))
		for i, k := range keep {
			out[i] = list[k]
		}
		return out
	}
	for i := range rows {
		rows[i] = pick(rows[i])
	}
	return pick(header), rows
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

const briefly = 12

func brief(hex string) string { return hex[:min(len(hex), briefly)] }

func (v *Looks) expires(r *Look) string {
	switch {
	case r.NotAfter == nil:
		return "-"
	case r.NotAfter.Before(v.At):
		return r.NotAfter.Format(time.DateOnly) + " (expired)"
	}
	return r.NotAfter.Format(time.DateOnly)
}

// compared says how a certificate stands to the one that was known before.
func compared(r *Look) string {
	from := "on the wire"
	if r.KnownFrom == discover.FromVerify {
		from = "when last asked"
	}
	switch r.Compared {
	case "same":
		return "as " + from
	case "changed":
		return "changed, " + from + " " + brief(r.Known)
	case "first":
		return "new"
	}
	return ""
}

// about is why it is asked, and what there is to know beside.
func about(r *Look) string {
	if r.Result != LookWouldAsk {
		return r.Detail
	}
	why := "hidden"
	if r.Why == string(verify.Due) {
		why = "due"
	}
	return why + ", " + number(r.Handshakes, "handshake") + ", last " + lastUse(r)
}

func lastUse(r *Look) string {
	if r.LastUse == nil {
		return "-"
	}
	return minute(*r.LastUse)
}
