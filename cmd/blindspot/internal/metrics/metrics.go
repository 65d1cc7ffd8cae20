// Package metrics shows a sensor's counters to Prometheus, and whether it sees.
//
// Counters are read when they are asked for; nothing is counted here. Hostnames
// come from strangers: they are labels only where that was asked for, and then
// bounded in number.
package metrics

import (
	"strconv"
	"time"

	"blindspot/cmd/blindspot/internal/sensor"

	"github.com/prometheus/client_golang/prometheus"
)

// Findings counts the findings of a kind.
type Findings struct {
	Kind, Severity string
	Count          int
}

// Reload is what became of the last attempt to read the configuration.
type Reload struct {
	OK   bool
	Last time.Time // that succeeded
}

// Source is what is shown. Each function may be called at any time, from any
// goroutine; one that is nil has nothing to show.
type Source struct {
	Version, Commit, Go string

	Status     func() sensor.Status
	Findings   func() ([]Findings, bool) // false: they are not known
	Judged     func() time.Time          // when they were found
	Reload     func() Reload
	StoreBytes func() int64
	Evidence   func() (kept, lost uint64)
	Verify     func() (asked, failed, waiting uint64)
	Interfaces []string
}

type collector struct{ src *Source }

// Describe implements prometheus.Collector. Labels of some metrics are known
// only when they are collected, but their names are.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range all {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	s := c.src
	g := gather{ch}
	g.gauge(buildInfo, 1, s.Version, s.Commit, s.Go)
	if s.Status != nil {
		st := s.Status()
		g.gauge(startTime, seconds(st.Began))
		g.workers(&st)
		g.lost(&st)
		g.folding(st.Folding)
		g.flushing(st.Flushing)
		g.counter(eventsLost, st.Events)
	}
	if s.StoreBytes != nil {
		g.gauge(storeBytes, float64(s.StoreBytes()))
	}
	if s.Reload != nil {
		r := s.Reload()
		g.gauge(reloadOK, flag(r.OK))
		g.gauge(reloadTime, seconds(r.Last))
	}
	if s.Evidence != nil {
		kept, lost := s.Evidence()
		g.counter(evidencePackets, kept, "kept")
		g.counter(evidencePackets, lost, "lost")
	}
	if s.Verify != nil {
		asked, failed, waiting := s.Verify()
		g.counter(looks, asked, "answered")
		g.counter(looks, failed, "failed")
		g.gauge(looksWaiting, float64(waiting))
	}
	g.findings(s)
}

// gather sends metrics.
type gather struct{ ch chan<- prometheus.Metric }

func (g gather) counter(d *prometheus.Desc, n uint64, labels ...string) {
	g.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func (g gather) gauge(d *prometheus.Desc, v float64, labels ...string) {
	g.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func flag(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// seconds is a time as Prometheus has it, 0 for none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// workers shows what the packet lines tell, by interface and worker.
func (g gather) workers(st *sensor.Status) {
	up := map[string]bool{}
	last := map[string]time.Time{}
	for _, w := range st.Workers {
		iface, n := w.Interface, strconv.Itoa(w.Worker)
		up[iface] = up[iface] || w.Up
		if w.Last.After(last[iface]) {
			last[iface] = w.Last
		}
		g.counter(packets, w.Capture.Packets, iface, n)
		g.counter(byteCount, w.Capture.Bytes, iface, n)
		g.counter(truncated, w.Capture.Truncated, iface, n)
		g.counter(drops, w.Capture.KernelDrops, iface, n, "kernel")
		g.counter(drops, w.Capture.InterfaceDrops, iface, n, "interface")
		g.counter(cutOff, w.Extra.CutOff, iface, n)
		g.counter(cutOffBytes, w.Extra.CutBytes, iface, n)
		g.counter(unasked, w.Extra.Unasked, iface, n)
		g.counter(freezes, w.Capture.QueueFreezes, iface, n)
		g.counter(clockSteps, w.Capture.ClockSteps, iface, n)
		g.gauge(ringFill, w.Extra.Fill, iface, n)
		g.gauge(flowsOpen, float64(w.Flow.Open), iface, n)
		g.counter(flows, w.Flow.Flows, iface, n)
		g.counter(evicted, w.Flow.EvictedSYN, iface, n, "syn")
		g.counter(evicted, w.Flow.EvictedOpen, iface, n, "open")
		g.counter(evicted, w.Flow.EvictedDone, iface, n, "answered")
		g.counter(foreign, w.Flow.Foreign, iface, n)
	}
	g.counter(softnetDrops, st.Softnet)
	for iface := range up {
		g.gauge(sourceUp, flag(up[iface]), iface)
		g.gauge(lastPacket, seconds(last[iface]), iface)
	}
	g.kinds(st)
}

// kinds counts packets by what they are.
func (g gather) kinds(st *sensor.Status) {
	sum := map[string]uint64{}
	for _, w := range st.Workers {
		for kind, n := range sensor.Kinds(&w.Decode) {
			sum[kind] += n
		}
	}
	for kind, n := range sum {
		g.counter(packetKinds, n, kind)
	}
}

// lost counts what was given up, under the words of the report.
func (g gather) lost(st *sensor.Status) {
	for cause, n := range st.Lost() {
		g.counter(lostTotal, n, cause)
	}
}

func (g gather) folding(f *sensor.Folding) {
	if f == nil {
		return
	}
	for _, t := range f.Tally {
		g.counter(handshakes, t.Count, t.Transport, or(t.Version, "none"), or(t.Hidden, "none"), or(t.Outcome, "none"))
	}
	g.counter(repeated, f.Repeated)
	g.counter(hops, f.Hops)
	g.gauge(sightings, float64(f.Sightings))
	g.gauge(namesKnown, float64(f.Stats.Names), "in-use")
	g.gauge(namesKnown, float64(f.Stats.AskedOnly), "asked-only")
	if len(f.Hostnames) == 0 {
		return
	}
	for _, h := range f.Hostnames {
		g.counter(hostnames, h.Count, h.Hostname)
	}
	g.counter(hostnames, f.Other, "other")
}

func or(word, none string) string {
	if word == "" {
		return none
	}
	return word
}

func (g gather) flushing(f *sensor.Flushing) {
	if f == nil {
		return
	}
	buckets := map[float64]uint64{}
	sum := uint64(0)
	for i, le := range sensor.FlushBuckets {
		sum += f.Durations[i]
		buckets[le] = sum
	}
	g.ch <- prometheus.MustNewConstHistogram(flushSeconds, f.Flushes, f.Seconds, buckets)
	g.counter(flushFailures, f.Failures)
	g.counter(rows, f.Rows)
	g.gauge(flushTime, seconds(f.Last))
	g.gauge(storeUp, flag(f.Failing == ""))
}

func (g gather) findings(s *Source) {
	if s.Findings == nil {
		return
	}
	list, known := s.Findings()
	if !known {
		return
	}
	for _, f := range list {
		g.gauge(findings, float64(f.Count), f.Kind, f.Severity)
	}
	g.gauge(findingsTime, seconds(s.Judged()))
}
