package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/rings"
	"blindspot/cmd/blindspot/internal/sensor"
	"blindspot/discover/verify"
	"blindspot/store"

	"github.com/spf13/cobra"
)

const (
	defaultEventsMax = "0"
	defaultPcapMax   = "100MB"
	// busyTimeout is how long a flush waits for another writer before it is
	// tried again: the end of the sensor must not wait longer.
	busyTimeout = time.Second
	minFlush    = 100 * time.Millisecond
	// maxHostnameLabels bounds --metrics-hostnames: each is a time series.
	maxHostnameLabels = 10_000
)

// liveFlags are those of the sensor. What the configuration file says holds
// where a flag is not given.
type liveFlags struct {
	read  readFlags
	judge judgeFlags // configuration and checks

	interfaces    []string
	db            string
	workers       int
	filter        string
	noPromiscuous bool
	noOwnTraffic  bool
	cutoff        string
	clients       string
	flush         string
	retention     string
	maxStore      string
	eventsMax     string
	eventsKeep    int
	pcapOut       string
	pcapMax       string
	listen        string
	hostnames     int
	verify        bool
	rate          float64
	noSandbox     bool
	user          string

	kept       sensor.Clients
	flushEvery time.Duration
	eventsSize int64
	pcapSize   int64
	storeSize  int64
	policy     store.Policy
	address    string // of --listen
	udpPorts   map[string][]uint16
}

func newLive() *cobra.Command {
	f := &liveFlags{}
	cmd := &cobra.Command{
		Use:   "live",
		Short: "Read TLS from interfaces, for as long as it runs",
		Long: `Read TLS from network interfaces, such as the one that a switch mirrors to, for as
long as it is let: into the store, where every other command finds it at any time.

It only listens. What it could not see (packets that the kernel or the interface
dropped, flows that there was no room for) is counted, by the hour, and stands at
the head of every report. While the store is slow, locked or full it goes on, and
writes when it can.

SIGTERM and SIGINT end it within 5 seconds, with everything written. SIGHUP makes
it read the configuration file, what monitoring checks and the inventory again,
and open the event log anew; what is broken leaves in force what was before.

Flags win over the section live of the configuration file, whose keys are called
like them.`,
		Example: `  blindspot live --interface eth1
  blindspot live --interface eth1 --interface eth2 --db /var/lib/blindspot/edge.db --config blindspot.yml
  blindspot live --interface eth1 --filter 'not net 10.9.0.0/16' --listen 9464 --events events.jsonl --events-max-size 100MB`,
		Args: noArguments("interface"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := config.Read(f.judge.config)
			if err != nil {
				return err
			}
			f.configured(cmd, &file.Live)
			if err := f.check(cmd); err != nil {
				return err
			}
			return f.run(cmd.Context(), file)
		},
	}
	f.add(cmd)
	return cmd
}

func (f *liveFlags) add(cmd *cobra.Command) {
	addDB(cmd, &f.db)
	addConfig(cmd, &f.judge.config)
	addMonitored(cmd, &f.judge.monitored)
	f.read.add(cmd)
	fl := cmd.Flags()
	fl.StringArrayVarP(&f.interfaces, "interface", "i", nil, "read this `INTERFACE`; may be repeated")
	fl.IntVar(&f.workers, "workers", 0, "`workers` for each interface, each a ring and a goroutine (default: the processors it may use, divided by the interfaces)")
	fl.StringVar(&f.filter, "filter", "", "take only packets that match this `expression`, in tcpdump's words")
	fl.BoolVar(&f.noPromiscuous, "no-promiscuous", false, "take only what is addressed to this machine")
	fl.BoolVar(&f.noOwnTraffic, "no-own-traffic", false, "leave out what this machine sends or, as a bridge or router, passes on")
	fl.StringVar(&f.cutoff, "cutoff", "auto", "leave packets of answered connections in the kernel: `auto` or off")
	fl.StringVar(&f.clients, "clients", string(sensor.KeepClients), "what is kept of clients: keep (addresses), prefix (/24, IPv6 /48) or none")
	fl.StringVar(&f.flush, "flush", sensor.DefaultFlush.String(), "write to the store after this `duration`")
	fl.StringVar(&f.retention, "retention", "", "how long hours and then days are kept, such as `hours=7d,days=400d` (default: for ever)")
	fl.StringVar(&f.maxStore, "max-store", "", "`size` of the store, such as 2GB: when it is larger, the oldest days go first (default: no bound)")
	fl.StringVar(&f.read.events, "events", "", "add one line of JSON for each handshake to `FILE`, - for standard output")
	fl.StringVar(&f.eventsMax, "events-max-size", defaultEventsMax, "`size`, such as 100MB, at which the event log begins a new file; 0: never")
	fl.IntVar(&f.eventsKeep, "events-keep", sensor.DefaultEventsKept, "`files` that are kept beside the event log that is being written")
	fl.StringVar(&f.pcapOut, "pcap-out", "", "keep the packets of handshakes in `FILE`, a capture that 'blindspot pcap' reads with the same result")
	fl.StringVar(&f.pcapMax, "pcap-out-max", defaultPcapMax, "`size` of that capture and the one before it together")
	fl.StringVar(&f.listen, "listen", "", "show metrics and health at this `address`, such as 127.0.0.1:9464; a port alone is on the loopback interface (default: off)")
	fl.IntVar(&f.hostnames, "metrics-hostnames", 0, "count the `N` hostnames with the most handshakes by name in the metrics")
	fl.BoolVar(&f.verify, "verify", false, "ask endpoints in use for the certificate that the wire hides, as 'blindspot verify' does")
	fl.Float64Var(&f.rate, "verify-rate", verify.DefaultRate, "`looks` begun a second, at most")
	fl.StringVar(&f.user, "user", "", "`user` that reads the packets, where root starts it (default: the owner of the store, or of its directory)")
	fl.BoolVar(&f.noSandbox, "no-sandbox", false, "go without the kernel's help in restricting what the process may do")
	fl.StringVar(&f.judge.scope, "scope", "", "what is ours: 'all' takes every server and name (default: as the configuration says)")
	_ = cmd.RegisterFlagCompletionFunc("cutoff", cobra.FixedCompletions([]string{"auto", "off"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("clients", cobra.FixedCompletions([]string{"keep", "prefix", "none"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("interface", completeInterfaces)
}

func completeInterfaces(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	list, _ := net.Interfaces() // none is an answer
	var names []string
	for i := range list {
		names = append(names, list[i].Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// configured takes from the configuration file what no flag says.
func (f *liveFlags) configured(cmd *cobra.Command, l *config.Live) {
	if len(f.interfaces) == 0 {
		f.interfaces = l.Interfaces
	}
	for flag, to := range map[string]struct {
		set *string
		to  string
	}{
		"filter": {&f.filter, l.Filter}, "sensor": {&f.read.sensor, l.Sensor}, "cutoff": {&f.cutoff, l.Cutoff}, "clients": {&f.clients, l.Clients},
		"retention": {&f.retention, l.Retention}, "max-store": {&f.maxStore, l.MaxStore},
		"events": {&f.read.events, l.Events}, "events-max-size": {&f.eventsMax, l.EventsMaxSize},
		"pcap-out": {&f.pcapOut, l.PcapOut}, "pcap-out-max": {&f.pcapMax, l.PcapOutMax}, "listen": {&f.listen, l.Listen},
	} {
		if to.to != "" && !cmd.Flags().Changed(flag) {
			*to.set = to.to
		}
	}
	if l.Flush > 0 && !cmd.Flags().Changed("flush") {
		f.flush = l.Flush.String()
	}
	if !cmd.Flags().Changed("workers") {
		f.workers = cmp.Or(l.Workers, f.workers)
	}
	if !cmd.Flags().Changed("metrics-hostnames") {
		f.hostnames = l.MetricsHostnames
	}
	if !cmd.Flags().Changed("verify") {
		f.verify = l.Verify
	}
	if l.VerifyRate > 0 && !cmd.Flags().Changed("verify-rate") {
		f.rate = l.VerifyRate
	}
}

func (f *liveFlags) check(cmd *cobra.Command) (err error) {
	if len(f.interfaces) == 0 {
		return usage(cmd, "name the interface that gets the mirrored traffic: --interface eth1%s", interfacesKnown())
	}
	for i, name := range f.interfaces {
		if name == "" {
			return usage(cmd, "--interface is empty: name one%s", interfacesKnown())
		}
		if slices.Contains(f.interfaces[:i], name) {
			return usage(cmd, "--interface %s is given twice", name)
		}
	}
	if f.workers < 0 || f.workers > maxWorkers {
		return usage(cmd, "--workers %d: want a number from 1 to %d", f.workers, maxWorkers)
	}
	if f.workers == 0 {
		f.workers = max(runtime.GOMAXPROCS(0)/len(f.interfaces), 1)
	}
	if err := rings.Check(f.filter); err != nil {
		return usage(cmd, "--filter: %v", err)
	}
	if f.cutoff != "auto" && f.cutoff != "off" {
		return usage(cmd, "--cutoff %s: want auto or off", f.cutoff)
	}
	if f.kept, err = sensor.ParseClients(f.clients); err != nil {
		return usage(cmd, "--clients %v", err)
	}
	if f.kept != sensor.KeepClients && f.pcapOut != "" {
		return usage(cmd, "--pcap-out keeps packets with the addresses of clients, which --clients %s is not to keep: leave one away", f.clients)
	}
	if f.flushEvery, err = config.ParseDuration(f.flush); err != nil || f.flushEvery < minFlush {
		return usage(cmd, "--flush %s: want a duration such as 10s, %v or more", f.flush, minFlush)
	}
	if f.hostnames < 0 || f.hostnames > maxHostnameLabels {
		return usage(cmd, "--metrics-hostnames %d: want a number from 0 to %d", f.hostnames, maxHostnameLabels)
	}
	if !(f.rate > 0 && f.rate <= maxRate) {
		return usage(cmd, "--verify-rate %v: want a number above 0, and %d at most", f.rate, maxRate)
	}
	if f.policy, err = parseRetention(f.retention); err != nil {
		return usage(cmd, "--retention %v", err)
	}
	if f.judge.scope != "" && f.judge.scope != "all" {
		return usage(cmd, "--scope %s: want all, or a scope section in the configuration file", f.judge.scope)
	}
	if f.judge.checks, err = monitoredSpecs(cmd, f.judge.monitored); err != nil {
		return err
	}
	return errors.Join(f.checkSizes(cmd), f.checkListen(cmd), f.read.check(cmd))
}

// maxWorkers is what a fan-out of the kernel can share among (PACKET_FANOUT_MAX
// is 65,536, rings of 64 MiB are not).
const maxWorkers = 256

func (f *liveFlags) checkSizes(cmd *cobra.Command) error {
	for _, s := range []struct {
		flag, word string
		least      int64
		to         *int64
	}{
		{"events-max-size", f.eventsMax, 64 << 10, &f.eventsSize},
		{"pcap-out-max", f.pcapMax, 1e6, &f.pcapSize},
		{"max-store", f.maxStore, 1e6, &f.storeSize},
	} {
		n, ok := config.ParseSize(s.word)
		if !ok || n != 0 && n < s.least {
			return usage(cmd, "--%s %s: want a size such as 100MB or 2GiB, %d bytes or more", s.flag, s.word, s.least)
		}
		*s.to = n
	}
	if f.pcapSize == 0 {
		return usage(cmd, "--pcap-out-max %s: the capture needs a bound", f.pcapMax)
	}
	if f.eventsKeep < 0 || f.eventsKeep > 1000 {
		return usage(cmd, "--events-keep %d: want a number from 0 to 1000", f.eventsKeep)
	}
	return nil
}

// checkListen completes an address: a port alone is on the loopback interface.
func (f *liveFlags) checkListen(cmd *cobra.Command) error {
	if f.listen == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(f.listen)
	if err != nil {
		host, port = "", strings.TrimPrefix(f.listen, ":")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 && port != "0" {
		return usage(cmd, "--listen %s: want a port, or ADDRESS:PORT such as 127.0.0.1:9464 or [::]:9464", f.listen)
	}
	f.address = net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port)
	return nil
}

// interfacesKnown lists the interfaces that there are.
func interfacesKnown() string {
	list, err := net.Interfaces()
	if err != nil || len(list) == 0 {
		return ""
	}
	var names []string
	for i := range list {
		names = append(names, list[i].Name)
	}
	return fmt.Sprintf(" (there are %s)", strings.Join(names, ", "))
}
