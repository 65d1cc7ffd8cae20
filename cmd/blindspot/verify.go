package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/narrow"
	"blindspot/discover"
	"blindspot/discover/coverage"
	"blindspot/discover/inventory"
	"blindspot/discover/monitored"
	"blindspot/discover/verify"
	"blindspot/store"

	"github.com/spf13/cobra"
)

const (
	// defaultDue lets a verification that runs each night ask everything again.
	defaultDue = "20h"
	// maxRate is more than which nobody should be asked by accident.
	maxRate = 1000
)

type verifyFlags struct {
	source  sourceFlags // without captures
	judge   judgeFlags  // scope only
	output  outputFlags
	filter  filterFlags // names, surfaces and owners only
	dryRun  bool
	rate    float64
	timeout string
	due     string
	network string
	at      []string // --endpoint

	patience, again time.Duration
	endpoints       []netip.Prefix
	ports           []uint16 // beside each of endpoints, 0 for any
}

func newVerify() *cobra.Command {
	f := &verifyFlags{}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Ask endpoints in use for the certificate that the wire hides",
		Long: `Connect to the endpoints that traffic uses and whose certificate is hidden (TLS
1.3, resumption) or was last looked at too long ago, with the name, port, ALPN and
STARTTLS kind that the traffic used; take the certificates, and close.

This is the only command that sends anything. It asks what is in scope, once for
each name at each endpoint, slowly, and one at a time per endpoint; it completes
the handshake and sends nothing behind it, no request, no credentials and no
client certificate. A server's log shows a connection that was closed in order.
Servers that count unfinished logins may count it (MySQL and MariaDB block a host
after max_connect_errors of them in a row). Each look is told on standard error
before it begins. --dry-run tells whom it would ask, and asks nobody.

What it learns goes into the store: the reports take it for what the endpoint
presents, say that it was asked for, and count it as no use of a name. QUIC and
DTLS, what is behind a proxy, and STARTTLS kinds that are not spoken here are
listed as cannot-ask.`,
		Example: `  blindspot verify --db edge.db --config blindspot.yml --dry-run
  blindspot verify --db edge.db --config blindspot.yml
  blindspot verify --db edge.db --config blindspot.yml --name '*.shop.example' --rate 1
  blindspot verify --db edge.db --monitored hosts.txt --endpoint 10.77.1.13:443 --due 0s`,
		Args: noArguments("name"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return f.run(cmd.Context(), cmd)
		},
	}
	f.add(cmd)
	return cmd
}

func (f *verifyFlags) add(cmd *cobra.Command) {
	addDB(cmd, &f.source.db)
	addConfig(cmd, &f.judge.config)
	addMonitored(cmd, &f.judge.monitored)
	f.output.add(cmd)
	f.source.read.console.add(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.judge.scope, "scope", "", "what is ours and may be asked: 'all' takes every server and name (default: as the configuration says, else private addresses and the domains that checks name)")
	fl.StringVar(&f.source.since, "since", "", "only what traffic used from this `time` on: RFC 3339, a date, or how long ago (36h, 14d)")
	fl.StringVar(&f.source.read.sensor, "sensor", "", "name of the sensor whose traffic says whom to ask, and under which the answers are kept")
	fl.StringVar(&f.filter.surface, "surface", "", "only what belongs to this `surface` of the configuration file, or to none: unassigned")
	fl.StringVar(&f.filter.owner, "owner", "", "only what belongs to a surface of this `owner`")
	fl.StringVar(&f.filter.name, "name", "", "only hostnames that match this `pattern`, such as '*.shop.example'")
	fl.StringArrayVar(&f.at, "endpoint", nil, "only this `address`, ADDRESS:PORT or network; may be repeated")
	fl.BoolVar(&f.dryRun, "dry-run", false, "list whom it would ask and why, and ask nobody")
	fl.Float64Var(&f.rate, "rate", verify.DefaultRate, "`looks` begun a second, at most")
	fl.StringVar(&f.timeout, "timeout", verify.DefaultTimeout.String(), "`duration` of one look, at most")
	fl.StringVar(&f.due, "due", defaultDue, "ask again what was last looked at longer ago than this `duration`; 0s: only what was never seen")
	fl.StringVar(&f.network, "network", "", "name of the capture `network` that this machine is in; others are not asked")
	_ = cmd.RegisterFlagCompletionFunc("scope", cobra.FixedCompletions([]string{"all"}, cobra.ShellCompDirectiveNoFileComp))
}

func (f *verifyFlags) check(cmd *cobra.Command) (err error) {
	if !(f.rate > 0 && f.rate <= maxRate) {
		return usage(cmd, "--rate %v: want a number above 0, and %d at most", f.rate, maxRate)
	}
	if f.patience, err = config.ParseDuration(f.timeout); err != nil || f.patience <= 0 {
		return usage(cmd, "--timeout %s: want a duration above 0 such as 10s", f.timeout)
	}
	if f.again, err = config.ParseDuration(f.due); err != nil || f.again < 0 {
		return usage(cmd, "--due %s: want a duration such as 20h or 7d, or 0s to ask nothing again", f.due)
	}
	if f.source.from, err = parseTime(f.source.since, time.Now()); err != nil {
		return usage(cmd, "--since: %v", err)
	}
	if f.judge.scope != "" && f.judge.scope != "all" {
		return usage(cmd, "--scope %s: want all, or a scope section in the configuration file", f.judge.scope)
	}
	if f.judge.checks, err = monitoredSpecs(cmd, f.judge.monitored); err != nil {
		return err
	}
	return errors.Join(f.checkEndpoints(cmd), f.output.check(cmd), f.filter.check(cmd, f.judge.config != ""))
}

func (f *verifyFlags) checkEndpoints(cmd *cobra.Command) error {
	for _, word := range f.at {
		var p netip.Prefix
		port := uint16(0)
		if ap, err := netip.ParseAddrPort(word); err == nil {
			p, port = netip.PrefixFrom(ap.Addr().Unmap(), ap.Addr().Unmap().BitLen()), ap.Port()
		} else if a, err := netip.ParseAddr(word); err == nil {
			p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		} else if p, err = netip.ParsePrefix(word); err != nil {
			return usage(cmd, "--endpoint %s: want an address, ADDRESS:PORT or a network such as 10.0.0.0/24", word)
		}
		f.endpoints, f.ports = append(f.endpoints, p), append(f.ports, port)
	}
	return nil
}

// named keeps what --endpoint names.
func (f *verifyFlags) named(s *discover.Sighting) bool {
	for i, p := range f.endpoints {
		if p.Contains(s.Server.Addr().Unmap()) && (f.ports[i] == 0 || f.ports[i] == s.Server.Port()) {
			return true
		}
	}
	return false
}

func (f *verifyFlags) run(ctx context.Context, cmd *cobra.Command) error {
	file, err := config.Read(f.judge.config)
	if err != nil {
		return err
	}
	if err := f.filter.known(cmd, file); err != nil {
		return err
	}
	within, err := f.scope(file)
	if err != nil {
		return err
	}
	db, err := store.Open(f.source.db, store.Options{ReadOnly: f.dryRun, MustExist: true})
	if err != nil {
		return err
	}
	v := &verification{flags: f, db: db, now: time.Now().UTC()}
	if v.plan, err = f.plan(file, within, v); err == nil {
		err = v.run(ctx)
	}
	return errors.Join(err, db.Close())
}

// scope says what may be asked, by the same words as the gap report.
func (f *verifyFlags) scope(file *config.File) (func(*discover.Sighting) bool, error) {
	cfg := coverage.Config{Scope: coverage.Scope{All: f.judge.scope == "all", Domains: file.Scope.Domains, Servers: file.Scope.Servers}}
	checks := &monitored.Result{}
	var err error
	if specs := slices.Concat(file.Monitored, f.judge.checks); len(specs) > 0 {
		if checks, err = monitored.Read(specs); err != nil {
			return nil, err
		}
	}
	if len(file.Inventory) > 0 {
		if cfg.Inventory, err = inventory.Read(file.Inventory); err != nil {
			return nil, err
		}
	}
	return cfg.Within(checks), nil
}

// plan says whom to ask.
func (f *verifyFlags) plan(file *config.File, within func(*discover.Sighting) bool, v *verification) (*verify.Plan, error) {
	inv, err := v.db.Inventory(store.Query{Since: f.source.from, Sensor: f.source.read.sensor})
	if err != nil {
		return nil, err
	}
	filters, err := f.filter.filters(inv, file, nil, hostnames, v.now)
	if err != nil {
		return nil, err
	}
	if len(f.endpoints) > 0 {
		filters = append(filters, f.named)
	}
	return verify.ToAsk(narrow.By(inv, filters...), within, verify.Options{
		Now: v.now, Due: f.again, Network: f.network, Monitors: file.MonitorSources,
	})
}
