// Package rings opens the rings of a sensor with their programs in the kernel,
// in the process that may, and reads them, in the one that may not.
package rings

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"blindspot/capture"
	"blindspot/capture/ring"
)

// Config says what is captured. Both halves have the same.
type Config struct {
	Workers       int    // rings of each interface
	Filter        string // in tcpdump's words, "" for none
	NoPromiscuous bool
	NoOwnTraffic  bool // leave out what this machine sends
	CutOff        bool // leave packets of answered flows in the kernel, where it can
	UDPPorts      map[string][]uint16
}

// Info is what the opening half tells the other.
type Info struct {
	Link   capture.LinkType `json:"link"`
	CutOff bool             `json:"cut_off,omitempty"` // descriptors of its maps follow that of the ring
	CPUs   int              `json:"cpus,omitempty"`    // of the kernel, for its counters
	// Missing says what the kernel does not do, and why, a sentence each.
	Missing []string `json:"missing,omitempty"`
}

// Opened is a ring, to be read by Config.Read.
type Opened struct {
	Files []*os.File
	Info  Info
}

// Text is the Info as it is passed between processes.
func (o *Opened) Text() json.RawMessage {
	b, err := json.Marshal(o.Info)
	if err != nil {
		panic(err) // it is ours
	}
	return b
}

func (o *Opened) close() {
	for _, f := range o.Files {
		_ = f.Close()
	}
}

// Set opens the rings of interfaces. All rings of an interface are opened
// together, so that none takes packets that belong to another.
type Set struct {
	cfg Config

	mu      sync.Mutex
	waiting map[string]map[int]*Opened // opened, and not asked for yet
}

// New returns a set without a ring.
func New(cfg Config) *Set { return &Set{cfg: cfg, waiting: map[string]map[int]*Opened{}} }

// Open returns a ring. It needs the privilege to capture. A worker that asks
// again has lost its ring: the interface is another one then, and all its rings
// are opened anew.
func (s *Set) Open(iface string, worker int) (*Opened, error) {
	if worker < 0 || worker >= s.cfg.Workers {
		return nil, fmt.Errorf("worker %d of %s: there are %d", worker, iface, s.cfg.Workers)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[iface][worker] == nil {
		for _, o := range s.waiting[iface] {
			o.close()
		}
		delete(s.waiting, iface)
		list, err := s.cfg.open(iface)
		if err != nil {
			return nil, err
		}
		s.waiting[iface] = map[int]*Opened{}
		for i, o := range list {
			s.waiting[iface][i] = o
		}
	}
	o := s.waiting[iface][worker]
	delete(s.waiting[iface], worker)
	return o, nil
}

// With a cut-off, what it saves depends on how soon the kernel is told of a
// flow: the reader gets packets in smaller blocks, sooner. A ring has the same
// size either way. A block still holds the largest frame that an interface with
// BIG TCP usually makes.
const (
	cutBlockSize = 256 << 10
	cutBlocks    = 256
	cutRetire    = 4 * time.Millisecond
)

// ring is what both halves of a ring have in common, with a cut-off or without.
func (c Config) ring(iface string, worker int, cut bool) ring.Config {
	r := ring.Config{Interface: iface, Worker: worker, NoPromiscuous: c.NoPromiscuous, IgnoreOutgoing: c.NoOwnTraffic}
	if cut {
		r.BlockSize, r.Blocks, r.Retire = cutBlockSize, cutBlocks, cutRetire
	}
	return r
}
