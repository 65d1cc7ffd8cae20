package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/discover"
	"blindspot/discover/coverage"
	"blindspot/discover/inventory"
	"blindspot/discover/monitored"
	"blindspot/discover/trust"

	"github.com/spf13/cobra"
)

// judgeFlags are those of the commands that set traffic against checks, the
// inventory and the trust stores.
type judgeFlags struct {
	source    sourceFlags
	config    string
	monitored []string
	inventory []string
	scope     string

	checks  []monitored.Spec
	records []inventory.Spec
	// unchecked says that the command has something to tell without checks.
	unchecked bool
	// once says that the command does not walk the sightings again.
	once bool
}

func (f *judgeFlags) add(cmd *cobra.Command) {
	f.source.add(cmd)
	addConfig(cmd, &f.config)
	addMonitored(cmd, &f.monitored)
	fl := cmd.Flags()
	fl.StringArrayVar(&f.inventory, "inventory", nil, "the certificate inventory: `kind:path` ("+strings.Join(inventory.Kinds(), ", ")+"), or a path whose content tells; may be repeated")
	fl.StringVar(&f.scope, "scope", "", "what is ours: 'all' takes every server and name (default: as the configuration says, else private addresses and the domains that checks name)")
	_ = cmd.RegisterFlagCompletionFunc("scope", cobra.FixedCompletions([]string{"all"}, cobra.ShellCompDirectiveNoFileComp))
}

func addMonitored(cmd *cobra.Command, words *[]string) {
	cmd.Flags().StringArrayVar(words, "monitored", nil, "what monitoring checks: `kind:path` ("+strings.Join(monitored.Kinds(), ", ")+"), or a path whose content tells; may be repeated")
}

func (f *judgeFlags) check(cmd *cobra.Command) (err error) {
	if f.scope != "" && f.scope != "all" {
		return usage(cmd, "--scope %s: want all, or a scope section in the configuration file", f.scope)
	}
	if !f.unchecked && len(f.monitored) == 0 && f.config == "" && f.scope != "all" { // all: whatever is in use, checked or not
		return usage(cmd, "say what monitoring checks: --monitored kind:path, or a configuration file with a monitored section; or --scope all, to report everything in use as if nothing were checked; what is in use alone lists 'blindspot hosts'")
	}
	if f.checks, err = monitoredSpecs(cmd, f.monitored); err != nil {
		return err
	}
	for _, word := range f.inventory {
		spec, err := inventory.ParseSpec(word)
		if err != nil {
			return usage(cmd, "--inventory: %v", err)
		}
		f.records = append(f.records, spec)
	}
	return f.source.check(cmd)
}

// monitoredSpecs reads the words of --monitored.
func monitoredSpecs(cmd *cobra.Command, words []string) (list []monitored.Spec, err error) {
	for _, word := range words {
		spec, err := monitored.ParseSpec(word)
		if err != nil {
			return nil, usage(cmd, "--monitored: %v", err)
		}
		list = append(list, spec)
	}
	return list, nil
}

// comparison is traffic set against what is known otherwise.
type comparison struct {
	inv    *discover.Inventory
	result *coverage.Result
	config coverage.Config
	now    time.Time

	done func() error
	told error // errTold: some of the captures gave nothing
}

// close ends the use of the inventory.
func (c *comparison) close() error { return errors.Join(c.done(), c.told) }

// compare reads everything and compares. Without a comparison the error says
// why there is none.
func (f *judgeFlags) compare(ctx context.Context, cmd *cobra.Command) (*comparison, error) {
	c, checks, err := f.prepare(ctx, cmd)
	if err != nil {
		return nil, err
	}
	defer collectFor(c.inv)()
	if f.once {
		c.config.Gathered = c.inv.LetGo
	}
	if c.result, err = coverage.Compare(c.inv, checks, c.config); err != nil {
		return nil, errors.Join(err, c.close())
	}
	c.warn()
	return c, nil
}

// prepare reads everything; the comparison has no result yet.
func (f *judgeFlags) prepare(ctx context.Context, cmd *cobra.Command) (*comparison, *monitored.Result, error) {
	file, err := config.Read(f.config)
	if err != nil {
		return nil, nil, err
	}
	checks, err := f.readChecks(cmd, file)
	if err != nil {
		return nil, nil, err
	}
	c := &comparison{now: time.Now().UTC()}
	if c.config, err = f.coverage(file, c.now); err != nil {
		return nil, nil, err
	}
	if c.inv, c.done, c.told = f.source.inventory(ctx, cmd, file); c.inv == nil || c.told != nil && !errors.Is(c.told, errTold) {
		return nil, nil, c.told
	}
	c.config.SketchKey = f.source.sketches
	return c, checks, nil
}

// readChecks reads what monitoring checks, nil where nothing says it.
func (f *judgeFlags) readChecks(cmd *cobra.Command, file *config.File) (*monitored.Result, error) {
	specs := slices.Concat(file.Monitored, f.checks)
	if len(specs) > 0 {
		return monitored.Read(specs)
	}
	if !f.unchecked && f.scope != "all" {
		return nil, usage(cmd, "%s names nothing that is monitored: add a monitored section, or --monitored kind:path", f.config)
	}
	return nil, nil
}

// coverage reads what certificates are judged by.
func (f *judgeFlags) coverage(file *config.File, now time.Time) (coverage.Config, error) {
	cfg := coverage.Config{
		Scope:          coverage.Scope{All: f.scope == "all", Domains: file.Scope.Domains, Servers: file.Scope.Servers},
		MonitorSources: file.MonitorSources,
		ExpiringWithin: file.ExpiringWithin,
		Surfaces:       surfacesOf(file),
		Now:            now,
	}
	if specs := slices.Concat(file.Inventory, f.records); len(specs) > 0 {
		records, err := inventory.Read(specs)
		if err != nil {
			return cfg, err
		}
		cfg.Inventory = records
	}
	for _, spec := range file.TrustStores {
		store, err := trust.Load(spec)
		if err != nil {
			return cfg, err
		}
		cfg.Stores = append(cfg.Stores, store)
	}
	return cfg, nil
}

// surfacesOf are the surfaces of the configuration file.
func surfacesOf(file *config.File) []coverage.Surface {
	var list []coverage.Surface
	for _, s := range file.Surfaces {
		list = append(list, coverage.Surface{
			Name: s.Name, Owner: s.Owner, TrustStore: s.TrustStore,
			Servers: s.Servers, Ports: s.Ports, Names: s.Names, Networks: s.Networks,
			Issuers: s.Issuers, Clients: s.Clients, STARTTLS: s.StartTLS, MTLS: s.MTLS,
		})
	}
	return list
}

// warn adds what the inventory and the trust stores left out to what the checks
// did: all of it belongs into the report.
func (c *comparison) warn() {
	if c.config.Inventory != nil {
		for _, w := range c.config.Inventory.Warnings {
			c.result.Warnings = append(c.result.Warnings, monitored.Warning{Ref: w.Ref, Text: w.Text})
		}
	}
	for _, s := range c.config.Stores {
		for _, text := range s.Warnings {
			c.result.Warnings = append(c.result.Warnings, monitored.Warning{Ref: s.Ref, Text: "trust store " + s.Name + ": " + text})
		}
	}
}
