package main

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/narrow"
	"blindspot/cmd/blindspot/internal/nearest"
	"blindspot/discover"
	"blindspot/discover/monitored"
	"blindspot/discover/report"

	"github.com/spf13/cobra"
)

// filterFlags take of a list what was asked for.
type filterFlags struct {
	surface, owner, name string
	expiring             string
	unmonitored          bool
	monitored            []string

	within time.Duration // of --expiring
	specs  []monitored.Spec
}

func (f *filterFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.surface, "surface", "", "only what belongs to this `surface` of the configuration file, or to none: unassigned")
	fl.StringVar(&f.owner, "owner", "", "only what belongs to a surface of this `owner`")
	fl.StringVar(&f.name, "name", "", "only hostnames that match this `pattern`, such as '*.shop.example'")
	fl.StringVar(&f.expiring, "expiring", "", "only certificates that end within this `duration`, such as 14d, or have ended; 0s for the latter")
	fl.BoolVar(&f.unmonitored, "unmonitored", false, "only what no check is about; needs --monitored, or a monitored section")
	addMonitored(cmd, &f.monitored)
}

func (f *filterFlags) check(cmd *cobra.Command, configured bool) (err error) {
	if f.expiring != "" {
		if f.within, err = config.ParseDuration(f.expiring); err != nil || f.within < 0 {
			return usage(cmd, "--expiring %s: want a duration such as 336h or 14d", f.expiring)
		}
	}
	for _, flag := range []string{"surface", "owner"} {
		if cmd.Flags().Changed(flag) && !configured {
			return usage(cmd, "--%s: surfaces and owners are named in the configuration file: give it with --config", flag)
		}
	}
	if f.unmonitored && len(f.monitored) == 0 && !configured {
		return usage(cmd, "--unmonitored: say what monitoring checks: --monitored kind:path, or a configuration file with a monitored section")
	}
	f.specs, err = monitoredSpecs(cmd, f.monitored)
	return err
}

// known checks the words of flags against the configuration file.
func (f *filterFlags) known(cmd *cobra.Command, file *config.File) error {
	surfaces, owners := []string{narrow.Unassigned}, []string{}
	for _, s := range file.Surfaces {
		surfaces = append(surfaces, s.Name)
		if s.Owner != "" && !slices.Contains(owners, s.Owner) {
			owners = append(owners, s.Owner)
		}
	}
	if f.surface != "" && !slices.Contains(surfaces, f.surface) {
		return usage(cmd, "--surface %s: there is no such surface%s the surfaces are %s", f.surface, orColon(nearest.Hint(f.surface, surfaces)), strings.Join(surfaces, ", "))
	}
	if f.owner != "" && !slices.Contains(owners, f.owner) {
		if len(owners) == 0 {
			return usage(cmd, "--owner %s: no surface has an owner: give it one in the configuration file", f.owner)
		}
		return usage(cmd, "--owner %s: no surface has this owner%s the owners are %s", f.owner, orColon(nearest.Hint(f.owner, owners)), strings.Join(owners, ", "))
	}
	return nil
}

// checks reads what monitoring checks where that is asked for, nil otherwise.
func (f *filterFlags) checks(cmd *cobra.Command, file *config.File) (*narrow.Checks, error) {
	if !f.unmonitored && len(f.specs) == 0 {
		return nil, nil
	}
	specs := slices.Concat(file.Monitored, f.specs)
	if len(specs) == 0 {
		return nil, usage(cmd, "--unmonitored: the configuration file names nothing that is monitored: add a monitored section, or --monitored kind:path")
	}
	res, err := monitored.Read(specs)
	if err != nil {
		return nil, err
	}
	return narrow.NewChecks(res.Checks), nil
}

// what of the traffic is listed.
type what int

const (
	hostnames what = iota
	certificates
	endpoints
)

// filters returns what the flags ask for. at is the time that --expiring counts
// from.
func (f *filterFlags) filters(inv *discover.Inventory, file *config.File, checks *narrow.Checks, of what, at time.Time) ([]narrow.Filter, error) {
	var list []narrow.Filter
	if f.surface != "" || f.owner != "" {
		x, err := narrow.NewSurfaces(inv, file.Surfaces)
		if err != nil {
			return nil, err
		}
		if f.surface != "" {
			list = append(list, x.Surface(f.surface))
		}
		if f.owner != "" {
			list = append(list, x.Owner(f.owner))
		}
	}
	if f.name != "" {
		list = append(list, narrow.Name(inv, f.name))
	}
	if f.expiring != "" && of != certificates {
		ends, err := narrow.Expiring(inv, f.until(at))
		if err != nil {
			return nil, err
		}
		list = append(list, ends)
	}
	switch {
	case f.unmonitored && of == hostnames:
		list = append(list, checks.NoName)
	case f.unmonitored:
		list = append(list, checks.NoPort)
	}
	return list, nil
}

// until is the time that certificates have to outlive. The last second belongs
// to a certificate.
func (f *filterFlags) until(at time.Time) time.Time { return at.Add(f.within) }

// rows keeps of a list of certificates those that end soon, whoever presents
// them.
func (f *filterFlags) rows(l *report.List, inv *discover.Inventory, at time.Time) {
	until, n := f.until(at), 0
	all := l.Rows
	l.Rows = iter.Seq[[]any](func(yield func([]any) bool) {
		for row := range all {
			if ends(inv, row, until) && !yield(row) {
				return
			}
		}
	})
	for range l.Rows {
		n++
	}
	l.Title = fmt.Sprintf("%d of them end before %s; %s", n, until.UTC().Format("2006-01-02 15:04"), l.Title)
}

// ends reports whether the certificate in a row's first cell ends before until.
func ends(inv *discover.Inventory, row []any, until time.Time) bool {
	f, ok := row[0].(discover.Fingerprint)
	if !ok || inv.Certificate == nil {
		return false
	}
	c := inv.Certificate(f)
	return c != nil && !c.NotAfter.IsZero() && c.NotAfter.Before(until)
}

// note says which part of all a list is, "" for all of it.
func (f *filterFlags) note() string {
	var list []string
	for _, e := range []struct{ what, word string }{
		{"surface ", f.surface}, {"owner ", f.owner}, {"names like ", f.name}, {"certificates that end within ", f.expiring},
	} {
		if e.word != "" {
			list = append(list, e.what+e.word)
		}
	}
	if f.unmonitored {
		list = append(list, "what no check is about")
	}
	if len(list) == 0 {
		return ""
	}
	return "Only " + strings.Join(list, ", ") + "."
}
