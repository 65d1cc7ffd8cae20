package ring

import (
	"time"

	"golang.org/x/net/bpf"
)

// Config says what is captured and how. The zero value works but for the
// interface. It is plain data: the opener and the reader may live in two
// processes, and must then use the same BlockSize, Blocks and Retire.
type Config struct {
	Interface string

	BlockSize int           // bytes, a power of two from 64 KiB; no frame may be longer. 0: 512 KiB
	Blocks    int           // of one ring. 0: 128, which with the default size is 64 MiB
	Retire    time.Duration // after which a block goes to the reader though it is not full. 0: 50 ms
	Timeout   time.Duration // after which Next returns without packets. 0: 100 ms

	Snaplen        int  // bytes kept of a packet. 0: all that fit into a block
	NoPromiscuous  bool // see only what the interface accepts anyway
	IgnoreOutgoing bool // leave out what this host sends; always so on loopback, where everything arrives as well
	HardwareTime   bool // the time stamps of the interface's own clock, where it was told to make them (hwstamp_ctl)

	Filter   []bpf.RawInstruction `json:",omitempty"` // classic program, as filter.Compile makes it
	Program  int                  `json:"-"`          // descriptor of a loaded eBPF socket filter, instead of Filter. 0: none
	Programs []int                `json:"-"`          // for OpenAll: one for each ring, instead of Program

	Fanout Fanout
	Worker int // place of this ring in its fan-out; worker 0 also counts the drops of the interface
}

// Fanout shares the packets of an interface among several rings.
type Fanout struct {
	Mode    Mode
	Group   uint16 // that Open joins; 0: a new group, see Group. OpenAll sets it
	Program int    `json:"-"` // descriptor of a loaded eBPF program, for ByProgram
}

// Mode says what decides which ring of a fan-out takes a packet.
type Mode uint8

// The modes of a fan-out.
const (
	Alone     Mode = iota // no fan-out
	ByHash                // the kernel's hash of addresses and ports: fragments and tunnelled flows are torn apart
	ByProgram             // the number that an eBPF program returns, modulo the number of rings
)

const (
	defaultBlockSize = 512 << 10
	defaultBlocks    = 128
	minBlockSize     = 64 << 10
	maxRing          = 4 << 30 // bytes of one ring

	defaultRetire  = 50 * time.Millisecond
	defaultTimeout = 100 * time.Millisecond
)

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	if c.BlockSize == 0 {
		c.BlockSize = defaultBlockSize
	}
	if c.Blocks == 0 {
		c.Blocks = defaultBlocks
	}
	if c.Retire <= 0 {
		c.Retire = defaultRetire
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	return c
}

// check reports what no kernel would take.
func (c Config) check() error {
	switch {
	case c.Interface == "":
		return &Error{Reason: "no interface is named", Hint: "name the one that gets the mirrored traffic"}
	case c.BlockSize < minBlockSize || c.BlockSize&(c.BlockSize-1) != 0:
		return c.fault("a block size that is no power of two, or below 64 KiB", "use 512 KiB", nil)
	case c.Blocks < 2 || int64(c.Blocks) > maxRing/int64(c.BlockSize):
		return c.fault("a ring of fewer than 2 blocks, or over 4 GiB", "use 128 blocks of 512 KiB", nil)
	case len(c.Filter) > 0 && c.Program > 0:
		return c.fault("a filter and a program at once", "translate the filter into the program", nil)
	}
	return nil
}
