package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"blindspot/discover/lengths"
)

// report writes the tables of ARCHITECTURE.md.
func report(w io.Writer, all []*trial) {
	names, by := byStack(all)
	fmt.Fprintf(w, "%d handshakes: %d stacks, %d clients, keys %s.\n\n", len(all), len(names), len(clients), strings.Join(keyKinds, ", "))
	header(w, "server", "handshakes", "habit", "length read", "right", "kind of key right", "another length, another chain: right", "where a status or timestamps were asked for")
	for _, name := range append(names, "") {
		list, title := by[name], name
		if name == "" {
			list, title = all, "all, one server against another"
		}
		r, plain, more := readingOf(list), differing(list, true), differing(list, false)
		row(w, title, fmt.Sprint(r.trials), r.habitText(), percent(r.exact, r.trials), percent(r.right, r.exact), percent(r.keyRight, r.key),
			percent(plain.right, plain.said), percent(more.right, more.said))
	}
	fmt.Fprintln(w)
	header(w, "circumstance", "handshakes", "length read", "right", "kind of key right")
	for _, x := range circumstances {
		r := readingOf(filter(all, x.is))
		row(w, x.name, fmt.Sprint(r.trials), percent(r.exact, r.trials), percent(r.right, r.exact), percent(r.keyRight, r.key))
	}
	fmt.Fprintln(w)
	columns := []string{"renewals", "told apart by length"}
	for _, k := range knowledges {
		columns = append(columns, "known: "+k.name+"; named", "right")
	}
	columns = append(columns, "an inventory may lack, for 99 %")
	header(w, columns...)
	readable := filter(all, func(t *trial) bool { return t.evidence.Exact() && t.evidence.Plain() })
	for _, x := range series {
		d := differing(filter(readable, func(t *trial) bool { return t.Series == x.name }), true)
		cells := []string{x.title, percent(d.found, d.due)}
		var by []score
		for _, k := range knowledges {
			c := consistent(readable, x.name, k)
			by = append(by, c)
			cells = append(cells, percent(c.said, c.due), percent(c.right, c.said))
		}
		row(w, append(cells, mayLack(by[1], by[2]))...)
	}
	fmt.Fprintln(w)
	for _, name := range names {
		fmt.Fprintf(w, "%s: %s\n", name, by[name][0].Version)
	}
}

// mayLack is which share of the certificates that are served an inventory may
// not know, so that of those named 99 % are right: listed is what is named where
// it knows the one served, unlisted where it does not.
func mayLack(listed, unlisted score) string {
	if unlisted.said == 0 || listed.due == 0 {
		return "–"
	}
	right, wrong := float64(listed.said)/float64(listed.due), float64(unlisted.said)/float64(unlisted.due)
	return fmt.Sprintf("%.1f %%", 100*0.01*right/(0.99*wrong+0.01*right))
}

func row(w io.Writer, cells ...string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }

func header(w io.Writer, cells ...string) {
	row(w, cells...)
	row(w, slices.Repeat([]string{"---"}, len(cells))...)
}

// circumstances are what may disturb the reading.
var circumstances = []struct {
	name string
	is   func(*trial) bool
}{
	{"one certificate", func(t *trial) bool { return len(t.Chain) == 1 }},
	{"two", func(t *trial) bool { return len(t.Chain) == 2 }},
	{"three", func(t *trial) bool { return len(t.Chain) == 3 }},
	{"four", func(t *trial) bool { return len(t.Chain) == 4 }},
	{"a HelloRetryRequest before", func(t *trial) bool { return t.Retry }},
	{"a request for a client certificate", func(t *trial) bool { return strings.Contains(t.Service, "-auth-") }},
	{"with 150 authorities in it", func(t *trial) bool { return strings.HasSuffix(t.Service, "-auth-long") }},
	{"a staple, not asked for", func(t *trial) bool { return t.Stapled != t.Message && t.evidence.Plain() }},
	{"a staple, asked for", func(t *trial) bool { return t.Stapled != t.Message && !t.evidence.Plain() }},
	{"tickets before the client's Finished", func(t *trial) bool { return len(t.Records) > 5 }},
}

func filter(all []*trial, keep func(*trial) bool) []*trial {
	return slices.DeleteFunc(slices.Clone(all), func(t *trial) bool { return !keep(t) })
}

func byStack(all []*trial) (names []string, by map[string][]*trial) {
	by = map[string][]*trial{}
	for _, t := range all {
		if by[t.Stack] == nil {
			names = append(names, t.Stack)
		}
		by[t.Stack] = append(by[t.Stack], t)
	}
	return names, by
}

func (r *reading) habitText() string {
	var out []string
	for h := range lengths.Packed + 1 {
		if n := r.habits[h]; n == r.trials {
			return h.String()
		} else if n > 0 {
			out = append(out, fmt.Sprintf("%s %s", h, percent(n, r.trials)))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// percent is a share with a digit where it is not whole, "–" of nothing.
func percent(part, whole int) string {
	switch {
	case whole == 0:
		return "–"
	case part == whole:
		return "100 %"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}

// sampleOf are the handshakes that the tests of discover/lengths read: of each
// server a few, with everything that may disturb.
func sampleOf(all []*trial) []*trial {
	return filter(all, func(t *trial) bool {
		switch t.Client {
		case "openssl":
			return t.Series == "" && (t.Key == "rsa-2048" || t.Key == "p256" && t.Stapled == t.Message || strings.HasSuffix(t.Service, "-chain2"))
		case "Go", "gnutls-cli":
			return strings.HasSuffix(t.Service, "-staple") || t.Service == "rsa-2048-chain2" || t.Service == "p256-auth-long"
		case "openssl, retry":
			return t.Service == "rsa-2048-chain2"
		}
		return false
	})
}
