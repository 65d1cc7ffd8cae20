package filter

// transport is the number of a protocol within IP, and which IP it goes with.
type transport struct {
	number   uint32
	ip4, ip6 bool
}

// transports are the protocols that have a word of their own.
var transports = map[string]transport{
	"tcp": {protoTCP, true, true}, "udp": {protoUDP, true, true}, "sctp": {protoSCTP, true, true},
	"icmp": {protoICMP, true, false}, "icmp6": {protoICMPv6, false, true},
	"igmp": {2, true, false}, "igrp": {9, true, false}, "pim": {103, true, true},
	"vrrp": {112, true, false}, "carp": {112, true, false},
	"ah": {51, true, true}, "esp": {50, true, true}, "gre": {47, true, true},
}

// numbers are further names behind proto (IANA, protocol numbers).
var numbers = map[string]uint32{"ipip": 4, "ipencap": 4, "ipv6": 41, "ospf": 89, "l2tp": 115, "udplite": 136, "icmpv6": protoICMPv6, "ipv6-icmp": protoICMPv6}

// networks are the protocols with an EtherType and a word of their own.
var networks = map[string]uint32{"ip": etherIPv4, "ip6": etherIPv6, "arp": etherARP, "rarp": etherRARP}

// services are the ports that have a name here: few, so that a filter means
// the same on every machine (IANA, service names).
var services = map[string]uint32{
	"ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "http": 80, "pop3": 110, "ntp": 123, "imap": 143,
	"snmp": 161, "bgp": 179, "ldap": 389, "https": 443, "submissions": 465, "smtps": 465, "syslog": 514, "submission": 587, "ldaps": 636,
	"ftps": 990, "imaps": 993, "pop3s": 995, "mysql": 3306, "postgresql": 5432, "amqps": 5671, "amqp": 5672,
}

// constants stand for numbers within comparisons.
var constants = map[string]uint32{
	"tcpflags": 13, "tcp-fin": 1, "tcp-syn": 2, "tcp-rst": 4, "tcp-push": 8, "tcp-ack": 16, "tcp-urg": 32, "tcp-ece": 64, "tcp-cwr": 128,
	"icmptype": 0, "icmpcode": 1, "icmp-echoreply": 0, "icmp-unreach": 3, "icmp-sourcequench": 4, "icmp-redirect": 5,
	"icmp-echo": 8, "icmp-timxceed": 11, "icmp-paramprob": 12,
	"icmp6type": 0, "icmp6code": 1, "icmp6-echo": 128, "icmp6-echoreply": 129,
}

// others are words of tcpdump's that are not supported.
var others = []string{
	"gateway", "protochain", "ifindex", "inbound", "outbound", "ifname", "on", "rnr", "rulenum", "reason", "rset", "ruleset", "srnr", "subrulenum", "action",
	"pppoed", "pppoes", "geneve", "vxlan", "decnet", "atalk", "aarp", "lat", "moprc", "mopdl", "sca", "iso", "clnp", "esis", "isis", "stp", "ipx", "netbeui",
	"wlan", "type", "subtype", "dir", "addr1", "addr2", "addr3", "addr4", "ra", "ta", "fddi", "tr", "lane", "llc", "atm", "vpi", "vci", "ppp", "slip", "radio",
}

// isLink reports whether a word means the link layer.
func isLink(word string) bool { return word == "ether" || word == "link" }
