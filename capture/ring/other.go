//go:build !linux

package ring

import (
	"errors"

	"blindspot/capture"
)

// Ring is for Linux only.
type Ring struct{}

func unsupported(cfg Config) error {
	return cfg.fault("read a live interface", "this works on Linux; read captures instead", errors.ErrUnsupported)
}

// Open is for Linux only.
func Open(cfg Config) (int, error) { return -1, unsupported(cfg) }

// OpenAll is for Linux only.
func OpenAll(cfg Config, _ int) ([]int, error) { return nil, unsupported(cfg) }

// Group is for Linux only.
func Group(int) (uint16, error) { return 0, errors.ErrUnsupported }

// Link is for Linux only.
func Link(name string) (capture.LinkType, error) { return 0, unsupported(Config{Interface: name}) }

// New is for Linux only.
func New(_ int, cfg Config) (*Ring, error) { return nil, unsupported(cfg) }

// Paths is for Linux only.
func Paths() []string { return nil }

// Info is for Linux only.
func (*Ring) Info() Info { return Info{} }

// Next is for Linux only.
func (*Ring) Next([]capture.Packet) (int, error) { return 0, errors.ErrUnsupported }

// Stats is for Linux only.
func (*Ring) Stats() capture.Stats { return capture.Stats{} }

// Fill is for Linux only.
func (*Ring) Fill() float64 { return 0 }

// Waits is for Linux only.
func (*Ring) Waits() uint64 { return 0 }

// Now is for Linux only.
func (*Ring) Now() int64 { return 0 }

// Wake is for Linux only.
func (*Ring) Wake() {}

// Close is for Linux only.
func (*Ring) Close() error { return nil }

// Offloads is for Linux only.
func Offloads(string) []string { return nil }
