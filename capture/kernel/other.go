//go:build !linux

package kernel

import "errors"

var errPlatform = errors.New("programs in the kernel: only on Linux")

// Cutoff is only on Linux.
type Cutoff struct{ snapshot []uint32 }

// Fanout is only on Linux.
type Fanout struct{}

// Load returns an error.
func Load(Config) (*Cutoff, error) { return nil, errPlatform }

// LoadFanout returns an error.
func LoadFanout(Config) (*Fanout, error) { return nil, errPlatform }

// FromFDs returns an error.
func FromFDs(FDs) (*Cutoff, error) { return nil, errPlatform }

// FDs returns none.
func (*Cutoff) FDs() FDs { return FDs{} }

// Close does nothing.
func (*Cutoff) Close() error { return nil }

// Answered does nothing.
func (*Cutoff) Answered(*Key, int64) {}

// Opened does nothing.
func (*Cutoff) Opened(*Key) {}

// Forget does nothing.
func (*Cutoff) Forget(*Key) error { return nil }

// Flush does nothing.
func (*Cutoff) Flush() {}

// Stats returns none.
func (*Cutoff) Stats() (Stats, error) { return Stats{}, nil }

func (*Cutoff) begin()  {}
func (*Cutoff) settle() {}

// FD returns none.
func (*Fanout) FD() int { return -1 }

// Close does nothing.
func (*Fanout) Close() error { return nil }
