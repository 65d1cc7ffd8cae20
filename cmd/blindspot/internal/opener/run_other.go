//go:build !linux

package opener

import (
	"context"
	"errors"
	"time"
)

var errPlatform = errors.New("live capture works on Linux only: record with tcpdump there, and read that with 'blindspot pcap'")

// Config says what the opener opens, and as whom both processes run.
type Config struct {
	Interfaces []string
	Workers    int
	Kernel     bool
	User       string
	Owned      string
	Make       func(iface string, worker int) (Made, error)
}

// Run is the opener.
func Run(context.Context, Config) (code int, err error) { return 0, errPlatform }

// Second reports whether this process is the opener after Run.
func Second() bool { return false }

// Client is the reader's connection to its opener.
type Client struct{}

// Inherited returns the connection of a process that Run started.
func Inherited() (*Client, error) { return nil, nil }

// Ring asks for a ring.
func (*Client) Ring(string, int) (Made, error) { return Made{}, errPlatform }

// Notify tells the service manager.
func (*Client) Notify(...string) error { return nil }

// Reloading is the state to tell when the configuration is read again.
func Reloading() string { return "RELOADING=1" }

// Watchdog is how long the service manager waits for Alive.
func (*Client) Watchdog() time.Duration { return 0 }

// Done is closed when the opener has ended.
func (*Client) Done() <-chan struct{} { return nil }

// Close ends the connection.
func (*Client) Close() error { return nil }
