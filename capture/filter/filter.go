// Package filter compiles capture filters in tcpdump's words into programs for
// the kernel, without libpcap.
//
// It knows host, net, port, portrange and proto with the qualifiers of
// pcap-filter(7); the names of protocols; ether host, src, dst and proto;
// broadcast and multicast; vlan and mpls; less, greater, len and comparisons
// of bytes such as "tcp[tcpflags] & tcp-syn != 0"; and, or, not, &&, ||, ! and
// parentheses. It means by them what tcpdump means: and binds no tighter than
// or, "port 80 or 443" repeats the qualifiers, of fragments only the first has
// ports, and behind IPv6's extension headers ports are not looked for. Names
// of hosts are not looked up. Any other word is an error that shows the place.
//
// In live traffic the kernel has taken the outer VLAN tag off before the
// filter runs. As with tcpdump, "tcp" then matches tagged packets as well,
// "vlan" finds the tag where the kernel keeps it, and what follows "vlan" is
// looked for behind the tag, wherever that is.
package filter

import (
	"golang.org/x/net/bpf"

	"blindspot/capture"
)

const (
	maxExpression   = 32 << 10 // bytes
	maxInstructions = 4096     // BPF_MAXINSNS of the kernel
	maxDepth        = 100      // parentheses within each other
	maxSnaplen      = 256 << 10
)

// Compile returns the program for expr on an interface of a link type, which
// is Ethernet or raw IP. It returns snaplen for packets that match, 256 KiB
// where that is 0, and 0 for others. An error is an *Error.
func Compile(expr string, link capture.LinkType, snaplen int) ([]bpf.RawInstruction, error) {
	return compile(expr, link, snaplen, true)
}

// compile is Compile; a file has no tags beside its packets.
func compile(expr string, link capture.LinkType, snaplen int, live bool) ([]bpf.RawInstruction, error) {
	p := &parser{expr: expr, at: place{link: link}}
	if len(expr) > maxExpression {
		return nil, &Error{Expr: expr[:50] + "…", Pos: -1, Reason: "is longer than 32 KiB", Hint: "write it shorter, with net or portrange"}
	}
	if link != capture.LinkEthernet && link != capture.LinkRaw {
		return nil, &Error{Expr: expr, Pos: -1, Reason: "cannot be used on link type " + link.String(), Hint: "leave the filter out"}
	}
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	if snaplen <= 0 {
		snaplen = maxSnaplen
	}
	var prog program
	yes, no := prog.ret(uint32(snaplen)), prog.ret(0)
	entry := root(&prog, yes, no)
	if live && p.at.tags > 0 {
		prog.beside = true
		entry = prog.branch(opJumpEqual, 1, root(&prog, yes, no), entry)
		entry = prog.op(opLoadByte, adVLANPresent, entry)
	}
	return prog.assemble(expr, entry)
}
