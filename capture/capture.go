// Package capture yields captured frames: from capture files, plain or
// compressed, and from pipes. Live interfaces implement the same Source.
//
// It knows the containers (pcap, pcapng, gzip, zstd) and nothing of what is
// inside a frame; that is the work of capture/decode.
package capture

// Packet is one captured frame.
type Packet struct {
	Time      int64    // nanoseconds since the Unix epoch, as the capture says
	Data      []byte   // captured bytes; alias the source's buffer, valid until the next call of Next
	Length    int      // bytes on the wire; larger than len(Data) where the snaplen cut the packet
	Link      LinkType // what Data begins with
	Interface int      // index of the capture interface within the source
	Number    uint64   // from 1, within the source
}

// Source yields packets in batches. A Source belongs to one goroutine.
type Source interface {
	// Next fills batch from the front and returns how many packets it holds.
	// They are valid until the next call. An error, io.EOF after the last
	// packet, comes alone: with n == 0, and again on every further call. A
	// live source returns n == 0 without an error when no packet came for a
	// while; of an interface that is down it says so with every call until it
	// is up.
	Next(batch []Packet) (n int, err error)
	// Stats returns the counters so far.
	Stats() Stats
	Close() error
}

// Stats counts what a source has yielded and what it, or whoever made the
// capture, has lost.
type Stats struct {
	Packets   uint64 // packets yielded
	Bytes     uint64 // captured bytes of these packets
	Truncated uint64 // packets that are shorter than they were on the wire

	// What the capture says about its own making (pcapng interface
	// statistics; the last word of each interface, summed).
	Received       uint64 // packets that the interfaces received
	InterfaceDrops uint64 // lost by the interfaces
	KernelDrops    uint64 // lost by the operating system

	// What only a live source has.
	QueueFreezes uint64 // times that its ring was full
	ClockSteps   uint64 // times that the system's clock was set

	BlocksSkipped uint64 // pcapng blocks of types that are not read
	Oversized     uint64 // pcapng packets over maxRecord, skipped
	SecretsLost   uint64 // decryption secrets blocks over a bound, not kept
}

// Plus returns the sum of both.
func (s Stats) Plus(o Stats) Stats {
	s.Packets += o.Packets
	s.Bytes += o.Bytes
	s.Truncated += o.Truncated
	s.Received += o.Received
	s.InterfaceDrops += o.InterfaceDrops
	s.KernelDrops += o.KernelDrops
	s.QueueFreezes += o.QueueFreezes
	s.ClockSteps += o.ClockSteps
	s.BlocksSkipped += o.BlocksSkipped
	s.Oversized += o.Oversized
	s.SecretsLost += o.SecretsLost
	return s
}

// Interface is a capture interface that a source knows.
type Interface struct {
	Name       string // empty where the capture does not say
	Link       LinkType
	Snaplen    int    // 0: unlimited or unknown
	Resolution string // of its timestamps: "10^-6", "2^-20"
}

// Config adjusts how a file is read. The zero value works.
type Config struct {
	// BlockSize, where set, is the number of bytes read at a time. Otherwise
	// files are mapped, and what cannot be is read in blocks of 256 KiB.
	BlockSize int
}

const (
	defaultBlock = 256 << 10 // fits the second-level cache; larger ones measured slower
	minBlock     = 4 << 10
)

func (c Config) blockSize() int {
	if c.BlockSize == 0 {
		return defaultBlock
	}
	return max(c.BlockSize, minBlock)
}
