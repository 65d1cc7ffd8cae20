package capture

import "strconv"

// LinkType is a LINKTYPE_ value of the registry at
// https://www.tcpdump.org/linktypes.html.
type LinkType uint16

// Link types that captures of networks use.
const (
	LinkNull      LinkType = 0   // BSD loopback: address family in the byte order of the host
	LinkEthernet  LinkType = 1   // Ethernet II and 802.3
	LinkTokenRing LinkType = 6   // 802.5
	LinkSLIP      LinkType = 8   // SLIP with direction header
	LinkPPP       LinkType = 9   // PPP, with or without HDLC address and control
	LinkRaw12     LinkType = 12  // DLT_RAW as some systems wrote it: IP
	LinkRaw14     LinkType = 14  // DLT_RAW as OpenBSD wrote it: IP
	LinkPPPHDLC   LinkType = 50  // PPP in HDLC-like framing
	LinkPPPEther  LinkType = 51  // PPPoE session packets
	LinkRaw       LinkType = 101 // IPv4 or IPv6
	LinkCHDLC     LinkType = 104 // Cisco HDLC
	LinkWiFi      LinkType = 105 // 802.11
	LinkFrameR    LinkType = 107 // frame relay
	LinkLoop      LinkType = 108 // OpenBSD loopback: address family in network order
	LinkLinuxSLL  LinkType = 113 // Linux cooked capture v1
	LinkPFLog     LinkType = 117 // OpenBSD packet filter log
	LinkPrism     LinkType = 119 // 802.11 with Prism header
	LinkRadiotap  LinkType = 127 // 802.11 with radiotap header
	LinkAVS       LinkType = 163 // 802.11 with AVS header
	LinkPPPDir    LinkType = 166 // PPP with a direction byte
	LinkBluetooth LinkType = 187 // Bluetooth HCI UART
	LinkUSBLinux  LinkType = 189 // Linux USB
	LinkPPI       LinkType = 192 // per-packet information header
	LinkIPNET     LinkType = 226 // Solaris IP observability
	LinkIPv4      LinkType = 228 // IPv4
	LinkIPv6      LinkType = 229 // IPv6
	LinkNFLog     LinkType = 239 // Linux netfilter log
	LinkUSBPcap   LinkType = 249 // Windows USB
	LinkNetlink   LinkType = 253 // Linux netlink
	LinkLinuxSLL2 LinkType = 276 // Linux cooked capture v2
)

var linkNames = map[LinkType]string{
	LinkNull: "NULL", LinkEthernet: "ETHERNET", LinkTokenRing: "IEEE802_5", LinkSLIP: "SLIP",
	LinkPPP: "PPP", LinkRaw12: "RAW", LinkRaw14: "RAW", LinkPPPHDLC: "PPP_HDLC", LinkPPPEther: "PPP_ETHER",
	LinkRaw: "RAW", LinkCHDLC: "C_HDLC", LinkWiFi: "IEEE802_11", LinkFrameR: "FRELAY", LinkLoop: "LOOP",
	LinkLinuxSLL: "LINUX_SLL", LinkPFLog: "PFLOG", LinkPrism: "IEEE802_11_PRISM",
	LinkRadiotap: "IEEE802_11_RADIOTAP", LinkAVS: "IEEE802_11_AVS", LinkPPPDir: "PPP_WITH_DIR",
	LinkBluetooth: "BLUETOOTH_HCI_H4", LinkUSBLinux: "USB_LINUX", LinkPPI: "PPI", LinkIPNET: "IPNET",
	LinkIPv4: "IPV4", LinkIPv6: "IPV6", LinkNFLog: "NFLOG", LinkUSBPcap: "USBPCAP", LinkNetlink: "NETLINK",
	LinkLinuxSLL2: "LINUX_SLL2",
}

// String returns the registry's name without its prefix, or the number of a
// type that is not known here: "ETHERNET", "LINKTYPE 77".
func (l LinkType) String() string {
	if name, ok := linkNames[l]; ok {
		return name
	}
	return "LINKTYPE " + strconv.Itoa(int(l))
}
