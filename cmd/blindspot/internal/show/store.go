package show

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"blindspot/cmd/blindspot/internal/term"
	"blindspot/discover/report"
	"blindspot/store"
)

// storeStat is a store's size in the form that programs read.
type storeStat struct {
	Store       string           `json:"store"`
	Version     int              `json:"version"`
	Bytes       storeBytes       `json:"bytes"`
	First       *time.Time       `json:"first"`
	Last        *time.Time       `json:"last"`
	FoldedUntil *time.Time       `json:"folded_until"`
	Buckets     map[string]int64 `json:"buckets"`
	Sources     map[string]int64 `json:"sources"`
	Rows        map[string]int64 `json:"rows"`
	Dropped     uint64           `json:"dropped"`
	Late        uint64           `json:"late_rows"`
}

type storeBytes struct {
	Used int64 `json:"used"`
	File int64 `json:"file"`
	WAL  int64 `json:"wal"`
	Free int64 `json:"free"`
}

// StoreFormats are those of StoreStat and StoreCheck.
func StoreFormats() []string { return []string{"table", "json"} }

// StoreStat writes the size of a store, and what it holds.
func StoreStat(w *bufio.Writer, name string, s *store.Stat, format string, o report.Options) error {
	if format == "json" {
		return object(w, statOf(name, s))
	}
	p := &page{w: w, width: o.Width, color: o.Color}
	p.title(name + ", version " + fmt.Sprint(s.Version) + ", " + term.Bytes(s.UsedBytes()) + " in use")
	p.labelled("files", []string{"database " + term.Bytes(s.FileBytes) + ", of which " + term.Bytes(s.FreeBytes) + " are free to be used again; write-ahead log " + term.Bytes(s.WALBytes)})
	p.labelled("traffic", []string{span(s.First, s.Last)})
	p.labelled("kept by", []string{kept(s)})
	p.labelled("sources", []string{sourcesText(&s.Sources)})
	p.labelled("rows", []string{rowsText(s.Tables)})
	if s.Dropped > 0 {
		p.labelled("dropped", []string{number(s.Dropped, "handshake") + " by retention"})
	}
	if s.Late > 0 {
		p.labelled("late", []string{number(s.Late, "row") + " came after the hour was folded, and were refused"})
	}
	return nil
}

func statOf(name string, s *store.Stat) storeStat {
	out := storeStat{
		Store: name, Version: s.Version, Bytes: storeBytes{s.UsedBytes(), s.FileBytes, s.WALBytes, s.FreeBytes},
		First: orNull(s.First), Last: orNull(s.Last), FoldedUntil: orNull(s.FoldedUntil), Rows: make(map[string]int64),
		Buckets: map[string]int64{"hours": s.Buckets.Hours, "days": s.Buckets.Days, "rest": s.Buckets.Rest},
		Sources: map[string]int64{"finished": s.Sources.Finished, "reading": s.Sources.Reading, "incomplete": s.Sources.Incomplete, "merged": s.Sources.Merged},
		Dropped: s.Dropped, Late: s.Late,
	}
	for _, t := range s.Tables {
		out.Rows[t.Name] = t.Rows
	}
	return out
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func span(first, last time.Time) string {
	if first.IsZero() {
		return "none"
	}
	return minute(first) + " to " + minute(last) + " UTC"
}

func kept(s *store.Stat) string {
	text := counted(int(s.Buckets.Hours), "hour") + ", " + counted(int(s.Buckets.Days), "day") + ", " + number(uint64(s.Buckets.Rest), "rest") + " of all before"
	if !s.FoldedUntil.IsZero() {
		text += "; hours before " + minute(s.FoldedUntil) + " UTC were folded"
	}
	return text
}

func sourcesText(s *store.SourceStat) string {
	text := fmt.Sprintf("%s finished, %s being read, %s incomplete", term.Count(uint64(s.Finished)), term.Count(uint64(s.Reading)), term.Count(uint64(s.Incomplete)))
	if s.Merged > 0 {
		text += "; " + term.Count(uint64(s.Merged)) + " of them merged from other stores"
	}
	return text
}

func rowsText(list []store.TableStat) string {
	parts := make([]string, len(list))
	for i, t := range list {
		parts[i] = t.Name + " " + term.Count(uint64(t.Rows))
	}
	return strings.Join(parts, ", ")
}

// storeCheck is what a check found, in the form that programs read.
type storeCheck struct {
	Store    string            `json:"store"`
	Damaged  bool              `json:"damaged"`
	Full     bool              `json:"full"`
	Problems []store.Problem   `json:"problems"`
	Notes    []store.Problem   `json:"notes"`
	Looked   map[string]uint64 `json:"looked_at"`
}

// StoreCheck writes what a check found.
func StoreCheck(w *bufio.Writer, name string, c *store.Checked, full bool, format string, o report.Options) error {
	if format == "json" {
		return object(w, storeCheck{Store: name, Damaged: len(c.Problems) > 0, Full: full,
			Problems: append([]store.Problem{}, c.Problems...), Notes: append([]store.Problem{}, c.Notes...),
			Looked: map[string]uint64{"certificates": c.Certificates, "chains": c.Chains, "sightings": c.Sightings, "keys": c.Keys}})
	}
	p := &page{w: w, width: o.Width, color: o.Color}
	word, status := "whole", "ok"
	if len(c.Problems) > 0 {
		word, status = "damaged", "critical"
	}
	w.WriteString(visible(name) + " is " + p.paint(word, statusColor[status]) + ": looked at " + number(c.Sightings, "sighting") + ", " +
		number(c.Certificates, "certificate") + ", " + number(c.Chains, "chain") + "\n")
	for _, x := range c.Problems {
		p.labelled("problem", []string{problemText(&x)})
	}
	for _, x := range c.Notes {
		p.labelled("note", []string{problemText(&x)})
	}
	return nil
}

func problemText(x *store.Problem) string {
	text := x.What + ": " + number(x.Rows, "")
	if x.Example != "" {
		text += ", such as " + x.Example
	}
	return text
}

// object writes one value as indented JSON.
func object(w *bufio.Writer, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	w.Write(ascii(b))
	return w.WriteByte('\n')
}
