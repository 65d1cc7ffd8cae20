package config

import (
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Live holds the settings of the sensor, in the words of its flags, which win.
// What is not set is empty.
type Live struct {
	Interfaces       []string
	Workers          int
	Filter           string
	Sensor           string
	Flush            time.Duration
	Cutoff           string
	Clients          string
	Retention        string
	MaxStore         string
	Events           string
	EventsMaxSize    string
	PcapOut          string
	PcapOutMax       string
	Listen           string
	MetricsHostnames int
	Verify           bool
	VerifyRate       float64
}

// live reads the section of the sensor.
func (d *decoder) live(n *yaml.Node) error {
	l := &d.file.Live
	word := func(to *string, want string) func(*yaml.Node) error {
		return func(n *yaml.Node) (err error) { *to, err = d.text(n, want); return err }
	}
	return d.mapping(n, fields{
		"interfaces":        func(n *yaml.Node) (err error) { l.Interfaces, err = d.words(n, "the name of an interface"); return err },
		"workers":           func(n *yaml.Node) (err error) { l.Workers, err = d.number(n, "a number of workers"); return err },
		"filter":            word(&l.Filter, "a filter in tcpdump's words"),
		"sensor":            word(&l.Sensor, "a name"),
		"flush":             func(n *yaml.Node) (err error) { l.Flush, err = d.duration(n); return err },
		"cutoff":            word(&l.Cutoff, "auto or off"),
		"clients":           word(&l.Clients, "keep, prefix or none"),
		"retention":         word(&l.Retention, "such as hours=7d,days=400d"),
		"max_store":         word(&l.MaxStore, "a size such as 2GB"),
		"events":            func(n *yaml.Node) (err error) { l.Events, err = d.fileOrStdout(n); return err },
		"events_max_size":   word(&l.EventsMaxSize, "a size such as 100MB"),
		"pcap_out":          func(n *yaml.Node) (err error) { l.PcapOut, err = d.filePath(n); return err },
		"pcap_out_max":      word(&l.PcapOutMax, "a size such as 100MB"),
		"listen":            word(&l.Listen, "a port, or an address such as 127.0.0.1:9464"),
		"metrics_hostnames": func(n *yaml.Node) (err error) { l.MetricsHostnames, err = d.number(n, "a number"); return err },
		"verify":            func(n *yaml.Node) (err error) { l.Verify, err = d.yes(n); return err },
		"verify_rate":       func(n *yaml.Node) (err error) { l.VerifyRate, err = d.rate(n); return err },
	})
}

// number reads a whole number from 0 on.
func (d *decoder) number(n *yaml.Node, want string) (int, error) {
	s, err := d.text(n, want)
	if err != nil {
		return 0, err
	}
	v, err := strconv.Atoi(s)
	if err != nil || v < 0 {
		return 0, d.errorf(n, "%q: want %s, from 0 on", s, want)
	}
	return v, nil
}

// rate reads a number above 0.
func (d *decoder) rate(n *yaml.Node) (float64, error) {
	s, err := d.text(n, "a number a second")
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v > 0) {
		return 0, d.errorf(n, "%q: want a number a second, above 0", s)
	}
	return v, nil
}

// yes reads true or false.
func (d *decoder) yes(n *yaml.Node) (bool, error) {
	var v bool
	s, err := d.text(n, "true or false")
	if err != nil {
		return false, err
	}
	if deref(n).Decode(&v) != nil {
		return false, d.errorf(n, "%q is neither true nor false", s)
	}
	return v, nil
}

// fileOrStdout reads a path, or - for standard output.
func (d *decoder) fileOrStdout(n *yaml.Node) (string, error) {
	if s, err := d.text(n, "a path, or -"); err != nil || s == "-" {
		return s, err
	}
	return d.filePath(n)
}

// sizeUnits are the words behind a size.
var sizeUnits = []struct {
	word string
	by   float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"B", 1}, {"", 1},
}

// ParseSize reads a number of bytes such as 500MB or 2GiB; the empty text is 0.
func ParseSize(s string) (int64, bool) {
	if s == "" {
		return 0, true
	}
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(s, u.word)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		const most = 1 << 60
		if err != nil || !(v >= 0) || v*u.by > most {
			return 0, false
		}
		return int64(v * u.by), true
	}
	return 0, false
}
