//go:build !linux

package rings

import (
	"errors"

	"blindspot/capture"
)

// Check says what is wrong with a filter.
func Check(string) error { return nil }

var errOther = errors.New("live capture is built for Linux alone: elsewhere, pipe into 'blindspot pcap -', as with: tcpdump -U -w - | blindspot pcap -")

func (c Config) open(string) ([]*Opened, error) { return nil, errOther }

// Read is the half that reads.
func (c Config) Read(string, int, *Opened) (capture.Source, error) { return nil, errOther }
