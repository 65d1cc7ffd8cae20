// Package kernel has the programs that live capture runs in the kernel: one
// shares packets among rings by their innermost addresses, one cuts off what
// comes of flows that are answered. They are assembled here (eBPF socket
// filters); no compiler is needed, neither to build nor to run. Linux only.
//
// # Fan-out
//
// LoadFanout makes the program of a fan-out (PACKET_FANOUT_EBPF). It returns a
// hash of the innermost pair of addresses, the same for both directions, within
// VLAN, VXLAN, GENEVE, GRE, ERSPAN, IP in IP, GTP-U, MPLS, PPPoE and Cisco
// MetaData. Ports are left out, so that the fragments of a datagram stay together
// with the rest of its flow. Of a fragmented packet with a tunnel in it only the
// first fragment has the addresses within: the program remembers where it went,
// for the others. Where there is something that the program does not see into,
// the addresses so far decide, or those of the frame.
//
// # Cut-off
//
// Load makes the program of a ring, and its maps. It looks the flow of a packet
// up (both ends, TCP or UDP, and each VLAN, VNI, key or session around it) in a
// map of those that are answered, and keeps their data out of the ring. The
// reader of the ring fills the map, through a Tap: when the table had no use
// for a segment, its flow is marked. The next such segment marks it again,
// should the map have lost it; so nothing has to be remembered.
//
// What may begin a handshake always passes. Those packets are called openers:
// SYN, of either side; TCP segments that begin with a hello; QUIC long headers;
// DTLS handshakes and alerts, bare or within TURN or RDP-UDP; OpenVPN's resets.
// So do FIN, RST, other handshake records, fragments, and whatever the program
// does not see into, as the tunnels that only the decoder knows.
//
// # Why it hides no handshake
//
// Two things have to hold. First, that data of an answered flow can be ignored:
// the table does so itself, unless it is an opener. What the program takes for
// data is nothing that the table would begin a handshake with, and belongs to
// the flow that the decoder finds; that is tested on every packet of the
// captures, and on mutations of them.
//
// Second, that it is the flow that was answered. Ports are used again, sooner
// than the reader learns of it: there may be a SYN in the ring while the reader
// works on the last data of the connection before, and marks it. To delete the
// mark when a SYN comes is not enough, because the mark may be written after.
// So the program counts the openers that it lets pass, in one of 131,072
// counters, which the flow's key chooses; the reader counts those that it has
// worked on, in the same way. A mark holds the reader's count at the time of
// the judgement, and the program obeys it only while that is its own count:
//
//	a packet is cut off only if the reader had worked on every opener of its
//	flow that the program had let pass, when it said that the flow is answered.
//
// No clock is needed for this, and the order of what the processors do does not
// matter: the count goes up before the opener is in the ring. Flows that share
// a counter keep each other's packets, for a moment, from being cut off.
//
// The reader must never count what the program has not. It counts by the frame,
// with a Viewer that does step by step what the program does, and after the
// table has seen the segment. Where the ring drops an opener the reader's count
// stays behind, and nothing is cut off that shares the counter, until a Tap
// finds out that the opener will not come: the ring was found empty several
// times, and a second has passed (Stats.Lost).
//
// One ring has one Cutoff and one reader, from its beginning; a lost ring needs
// a new one. With a fan-out that parts the directions of a flow each ring judges
// for itself.
//
// # Counting
//
// The program counts every packet that it is shown, each once (Stats): those
// that passed, that were cut off, that were not asked for. A filter in the words
// of tcpdump, compiled to a classic program, is translated and put in front: a
// ring has only one.
package kernel
