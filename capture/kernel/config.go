package kernel

import (
	"golang.org/x/net/bpf"

	"blindspot/capture"
)

// DefaultEntries is how many flows a cut-off remembers where Config does not
// say. In the kernel each takes some 136 bytes, from the start.
const DefaultEntries = 1 << 20

const (
	// maxEntries bounds what the kernel is asked for.
	maxEntries = 1 << 25
	// openerSlots is how many counters of openers a cut-off has: a power of two.
	openerSlots = 1 << 17
	// maxPorts bounds the UDP ports of tunnels that a program compares with.
	maxPorts = 128
	// keepAll is what a program returns that keeps a packet whole.
	keepAll = 1 << 20
)

// Config says what the programs are for. The zero value works: Ethernet, every
// packet asked for.
type Config struct {
	// Link is what frames begin with: Ethernet where it is 0. Frames of other
	// types than Ethernet and raw IP are never cut off, and their fan-out is by
	// nothing.
	Link capture.LinkType
	// Entries is how many flows can be cut off at a time; 0: DefaultEntries.
	Entries int
	// UDPPorts are the ports on which tunnels over UDP are looked for, as in
	// decode.Config.
	UDPPorts map[string][]uint16
	// Filter is a classic program, as tcpdump's words are compiled to; a packet
	// that it rejects was not asked for. Nil asks for all.
	Filter []bpf.RawInstruction
}

// FDs are the descriptors of a loaded cut-off, to be passed to the process
// that reads the ring.
type FDs struct {
	Program  int // to attach to the ring's socket, as ring.Config.Program; the reader does not need it (-1)
	Flows    int // map of the flows that are cut off
	Openers  int // array of what was counted of openers
	Counters int // array of counters, for each processor
	CPUs     int // no descriptor: how many processors Counters has
}

// Stats counts what the program of a cut-off has done with the packets of its
// ring, each in one of Passed, Cut and NotAsked. To the packet, what reached
// the ring is Passed, less what the ring itself counts as dropped.
type Stats struct {
	Passed, PassedBytes uint64
	Cut, CutBytes       uint64
	NotAsked            uint64 // rejected by Config.Filter

	// Why packets passed; the sum is Passed.
	Misses    uint64 // of a flow that is not cut off
	Stale     uint64 // of one whose mark was older than an opener
	SYN       uint64
	Hello     uint64 // TCP segments that begin with a hello of TLS
	LongForm  uint64 // QUIC long headers
	DTLS      uint64 // DTLS hellos and alerts, OpenVPN resets, also within TURN and RDP-UDP
	Closing   uint64 // FIN or RST
	Exempt    uint64 // other packets that always pass: handshake records, short datagrams
	Fragments uint64 // of IP
	Unparsed  uint64 // not TCP or UDP, or within what the program does not see into

	// Of the reader.
	Marked    uint64 // flows told to the program, again after each opener
	MarkCalls uint64 // system calls for that
	Failed    uint64 // marks that the kernel refused
	Lost      uint64 // openers that the ring dropped, as was found out
}
