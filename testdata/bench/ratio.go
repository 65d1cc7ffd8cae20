package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
)

const (
	recorded    = "testdata/bench/ratios.json"
	ratioRounds = 7
	walkTimes   = 20
	starts      = 10                                  // processes of a start-up measurement
	tolerance   = 1.5                                 // times what is recorded
	retries     = 2                                   // of a measurement over it: other work on the machine passes
	smallPcap   = "testdata/pcaps/openssl-names.pcap" // some 100 KB
)

// measurement is one figure: the processor time of argv as a multiple of that
// of the floor, which runs in turn with it.
type measurement struct {
	name        string
	argv, floor []string
	runs        int     // of argv in each round
	floorUnits  float64 // what one run of the floor stands for
}

// measurements lists all figures for a binary. Reading is set against walking
// over the same capture, starting against the start of this program.
func measurements(binary string) ([]measurement, error) {
	dir, err := workloadDir()
	if err != nil {
		return nil, err
	}
	if err := makeWorkloads(dir); err != nil {
		return nil, err
	}
	me, err := self()
	if err != nil {
		return nil, err
	}
	var list []measurement
	for _, w := range workloads {
		floor := []string{me, "walk", fmt.Sprint(walkTimes), w.path(dir)}
		list = append(list,
			measurement{"pcap " + w.name, []string{binary, "pcap", "--quiet", "--db", "{tmp}/b.db", w.path(dir)}, floor, w.runs, walkTimes},
			measurement{"gap " + w.name, gapOf(binary, w.path(dir)), floor, w.runs, walkTimes})
	}
	nothing := []string{me, "walk", "1", smallPcap}
	return append(list,
		measurement{"start --version", []string{binary, "--version"}, nothing, starts, 1},
		measurement{"start gap", gapOf(binary, smallPcap), nothing, starts, 1}), nil
}

// ratio measures both in turn and returns the median of the rounds' ratios.
func (m measurement) ratio() (float64, error) {
	var ratios []float64
	for range ratioRounds {
		var took, floor float64
		for range m.runs {
			u, err := once(m.argv...)
			if err != nil {
				return 0, err
			}
			f, err := once(m.floor...)
			if err != nil {
				return 0, err
			}
			took, floor = took+u.cpu, floor+f.cpu/m.floorUnits
		}
		if floor == 0 {
			return 0, errors.New("the floor took no time that can be measured")
		}
		ratios = append(ratios, took/floor)
	}
	return median(ratios), nil
}

// record writes down the ratios of a binary.
func record(binary string) error {
	list, err := measurements(binary)
	if err != nil {
		return err
	}
	ratios := make(map[string]float64)
	for _, m := range list {
		r, err := m.ratio()
		if err != nil {
			return err
		}
		ratios[m.name] = float64(int(r*10+0.5)) / 10
		fmt.Printf("%-18s %6.1f\n", m.name, r)
	}
	b, err := json.MarshalIndent(ratios, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(recorded, append(b, '\n'), 0o644)
}

// check fails where a ratio is more than 1.5 times the recorded one.
func check(binary string) error {
	b, err := os.ReadFile(recorded)
	if err != nil {
		return err
	}
	var ratios map[string]float64
	if err := json.Unmarshal(b, &ratios); err != nil {
		return fmt.Errorf("%s: %w", recorded, err)
	}
	list, err := measurements(binary)
	if err != nil {
		return err
	}
	var failed error
	for _, m := range list {
		limit, ok := ratios[m.name]
		if !ok {
			return fmt.Errorf("%s has no %q: make bench-record", recorded, m.name)
		}
		delete(ratios, m.name)
		failed = errors.Join(failed, m.within(limit))
	}
	for _, name := range slices.Sorted(maps.Keys(ratios)) {
		failed = errors.Join(failed, fmt.Errorf("%s has %q, which nothing measures", recorded, name))
	}
	return failed
}

// within measures, and once more where it is over the limit.
func (m measurement) within(limit float64) error {
	var r float64
	for range 1 + retries {
		var err error
		if r, err = m.ratio(); err != nil {
			return err
		}
		fmt.Printf("%-18s %6.1f times the floor, recorded %.1f\n", m.name, r, limit)
		if r <= limit*tolerance {
			return nil
		}
	}
	return fmt.Errorf("%s takes %.1f times the floor, over %.1f times the recorded %.1f", m.name, r, tolerance, limit)
}
