package decode

// Stats counts what became of the packets. Each packet is counted in exactly
// one of the fields of the first group.
type Stats struct {
	TCP, UDP          uint64 // segments
	Other             uint64 // IP with another protocol inside
	NotIP             uint64 // ARP and the like
	Encrypted         uint64 // ESP, MACsec, protected 802.11, PPP: what is inside cannot be seen
	UnknownLink       uint64 // link types that are not supported
	TooDeep           uint64 // more headers than maxDepth, or more tunnels than a Segment holds
	TruncatedHeader   uint64 // the snaplen cut a header
	MalformedLink     uint64
	MalformedTunnel   uint64
	MalformedIPv4     uint64
	MalformedIPv6     uint64
	MalformedTCP      uint64
	MalformedUDP      uint64
	FragmentsAbsorbed uint64 // fragments that completed no datagram

	Packets uint64 // all of the above

	Fragments   uint64 // fragments seen
	Reassembled uint64 // datagrams put together of them

	// Fragments that are not used.
	FragmentsMalformed uint64 // empty, not a multiple of eight, past 65,535 bytes
	FragmentsCut       uint64 // cut by the snaplen
	FragmentsRepeated  uint64 // all bytes were there already

	// Datagrams that were given up.
	DatagramsTimedOut uint64 // not complete after fragmentTimeout
	DatagramsEvicted  uint64 // oldest of more than maxDatagrams, or than maxFragmentBytes
	DatagramsShredded uint64 // in more than maxPieces pieces

	FramesUnread uint64 // packets with further frames behind the first (802.11 A-MSDU), which are not decoded

	FragmentsWaiting uint64 // datagrams that are not complete yet
}

// Segments returns how many segments were decoded.
func (s Stats) Segments() uint64 { return s.TCP + s.UDP }

// Malformed returns how many packets contradict their protocol.
func (s Stats) Malformed() uint64 {
	return s.MalformedLink + s.MalformedTunnel + s.MalformedIPv4 + s.MalformedIPv6 + s.MalformedTCP + s.MalformedUDP
}
