package filter

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"blindspot/capture"
)

// TestErrors has the message for each fault, with the place.
func TestErrors(t *testing.T) {
	tests := []struct {
		expr, want string
		caret      int
	}{
		{"host www.example.com", "'www.example.com' is no address — names are not looked up: write the address", 5},
		{"host", "it ends where a condition should follow", 4},
		{"host 10.0.0.256", "'10.0.0.256' is no address — names are not looked up: write the address", 5},
		{"host 10.0.0.0/8", "a prefix is no host — write net in front", 5},
		{"net 10.0.0.1/8", "'10.0.0.1' has bits outside of its mask — write the network's own address, as 10.0.0.0/8", 4},
		{"net 10.0.0.0/33", "'/33' is no length of an IPv4 prefix — write 0 to 32", 4},
		{"net 2001:db8::1/32", "'2001:db8::1' has bits outside of its mask — write the network's own address, as 2001:db8::/32", 4},
		{"net 2001:db8::/129", "'/129' is no length of an IPv6 prefix — write 0 to 128", 4},
		{"host 2001:db8:::1", "'2001:db8:::1' is no address — write it as 2001:db8::1", 5},
		{"ip host ::1", "this is an address of IPv6 — write ip6, or nothing, in front", 0},
		{"ip6 host 10.0.0.1", "this is no address of IPv6 — write ip, or nothing, in front", 0},
		{"tcp host 10.0.0.1", "'tcp' has no addresses of its own — write 'tcp and host …'", 0},
		{"10.0.0.1", "it is not said what '10.0.0.1' is — put host, net, port or proto in front", 0},
		{"tcp and 443", "it is not said what '443' is — put host, net, port or proto in front", 8},
		{"port 443 and", "it ends where a condition should follow", 12},
		{"and port 443", "a condition should stand in front of 'and'", 0},
		{"port 443 tcp", "'tcp' is not expected here — put and, or between two conditions", 9},
		{"port 65536", "'65536' is no port that is known here — write its number", 5},
		{"port 1-5", "'1-5' is no port that is known here — write portrange for a range", 5},
		{"port whois++", "'whois' is no port that is known here — write its number", 5},
		{"portrange 1-x", "'1-x' is no port that is known here — write its number", 10},
		{"ip port 443", "'ip' has no ports — write tcp, udp or sctp, or nothing, in front of port", 0},
		{"(port 443", "a parenthesis is not closed", 9},
		{"port 443)", "')' is not expected here", 8},
		{"gateway 10.0.0.1", "tcpdump's 'gateway' is not supported — use host, net, port, proto, vlan, and bytes as in tcp[13]", 0},
		{"tcp or bogus", "'bogus' is no word of filters — use host, net, port, proto, vlan, tcp, udp, and, or, not", 7},
		{"tcp[13] & 2", "a comparison should follow — as in tcp[13] & 2 != 0", 11},
		{"tcp[0:3] = 1", "only 1, 2 or 4 bytes can be loaded", 0},
		{"tcp[0:2 = 1", "a bracket is not closed", 8},
		{"ether[-4052] = 1", "no packet is that long", 0},
		{"len / 0 = 1", "a division by zero", 6},
		{"len << 32 = 1", "a shift by more than 31 bits", 7},
		{"vlan 4096", "'4096' is no number up to 4095", 5},
		{"ether host 10.0.0.1", "'10.0.0.1' is no Ethernet address — write it as 02:00:00:00:00:01", 11},
		{"ether", "it is not said what of 'ether' — write ether host, ether src, ether dst or ether proto", 0},
		{"proto 256", "'256' is no protocol that is known here — write its number, up to 255", 6},
		{"tcp proto 6", "proto goes with ip, ip6 and ether only", 0},
		{"src proto 6", "a protocol has no direction — leave src and dst out", 0},
		{"ether proto lldp", "'lldp' is no EtherType that is known here — write its number, as 0x88cc", 12},
		{"ip broadcast", "'ip broadcast' is not supported here — write ip multicast, ip6 multicast, ether broadcast or ether multicast", 0},
		{"less", "a length must follow 'less'", 4},
		{"tcp § udp", "'§' is not expected here", 4},
		{strings.Repeat("(", 200) + "tcp", "too many parentheses within each other", 100},
	}
	for _, test := range tests {
		_, err := Compile(test.expr, capture.LinkEthernet, 0)
		var typed *Error
		if !errors.As(err, &typed) {
			t.Errorf("%q: got %v, want an *Error", test.expr, err)
			continue
		}
		want := "filter: " + test.want + "\n  " + test.expr + "\n  " + strings.Repeat(" ", test.caret) + "^"
		if err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// TestWhole has the errors that no place in the expression is to blame for.
func TestWhole(t *testing.T) {
	tests := []struct {
		name, expr, want string
		link             capture.LinkType
	}{
		{"link type", "tcp", "filter 'tcp' cannot be used on link type IEEE802_11_RADIOTAP — leave the filter out", capture.LinkRadiotap},
		{"long", strings.Repeat("tcp or ", 10000) + "udp", "is longer than 32 KiB", capture.LinkEthernet},
		{"many instructions", strings.Repeat("port 443 or ", 300) + "udp", "instructions of the 4096 that the kernel allows", capture.LinkEthernet},
		{"vlan on raw IP", "vlan 5", "there is no VLAN tag here", capture.LinkRaw},
		{"mpls on raw IP", "mpls", "there is no MPLS label on raw IP", capture.LinkRaw},
		{"mac on raw IP", "ether host 02:00:00:00:00:01", "raw IP has no Ethernet addresses", capture.LinkRaw},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Compile(test.expr, test.link, 0); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// TestSnaplen returns as many bytes as asked for; an empty filter matches all.
func TestSnaplen(t *testing.T) {
	for _, test := range []struct {
		expr    string
		snaplen int
		want    int
	}{{"", 0, 256 << 10}, {"  ", 100, 100}, {"ip", 60, 60}, {"ip6", 60, 0}, {"1 = 1", 7, 7}, {"1 = 2", 7, 0}} {
		program, err := Compile(test.expr, capture.LinkEthernet, test.snaplen)
		if err != nil {
			t.Fatal(err)
		}
		packet := make([]byte, 200)
		packet[12] = 8
		if got, err := machine(t, test.expr, program).Run(packet); got != test.want || err != nil {
			t.Errorf("%q: got %d and %v, want %d", test.expr, got, err, test.want)
		}
	}
}

// TestOwn has what libpcap cannot be asked for: words that it does not have,
// and two places where it does not do what its manual says.
func TestOwn(t *testing.T) {
	tests := []struct {
		name, expr, same string
	}{
		{"gre has a word", "gre", "proto 47"},
		{"proto without a backslash", "proto tcp", "proto \\tcp"},
		{"proto without a backslash, of IP", "ip6 proto udp", "ip6 proto 17"},
		{"ether proto without a backslash", "ether proto ip", "ether proto \\ip"},
		{"percent binds like times (C)", "len * 2 % 3 = 1", "(len * 2) % 3 = 1"},
		{"caret binds like and", "len ^ 2 + 1 = 65", "len ^ (2 + 1) = 65"},
		{"bytes on the right side are those of a first fragment, too", "1 + tcp[12] > 5", "tcp[12] + 1 > 5"},
		{"minus", "-1 < 2 - len", "0 - 1 < 2 - len"},
		{"more space", " \ttcp\nand(port 443)", "tcp and port 443"},
		{"symbols without space", "tcp&&!port 443||udp", "tcp and not port 443 or udp"},
	}
	packets := packets(t, capture.LinkEthernet, 20)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, b := compiled(t, test.expr), compiled(t, test.same)
			for i, data := range packets {
				got, _ := a.Run(data)
				want, _ := b.Run(data)
				if got != want {
					t.Fatalf("packet %d: %q gives %d, %q gives %d", i, test.expr, got, test.same, want)
				}
			}
		})
	}
}

func compiled(t testing.TB, expr string) *bpf.VM {
	t.Helper()
	program, err := compile(expr, capture.LinkEthernet, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	return machine(t, expr, program)
}

// FuzzCompile compiles anything: what compiles is a program that runs.
func FuzzCompile(f *testing.F) {
	for _, o := range readOracles(f) {
		f.Add(o.Expr)
	}
	packet := make([]byte, 100)
	f.Fuzz(func(t *testing.T, expr string) {
		for _, link := range []capture.LinkType{capture.LinkEthernet, capture.LinkRaw} {
			program, err := compile(expr, link, 0, false)
			if err != nil {
				var typed *Error
				if !errors.As(err, &typed) || typed.Pos > len(expr) {
					t.Fatalf("%q: %v", expr, err)
				}
				_ = err.Error()
				continue
			}
			_, _ = machine(t, expr, program).Run(packet)
			if _, err := Compile(expr, link, 0); err != nil {
				var typed *Error
				if !errors.As(err, &typed) || !strings.Contains(typed.Reason, "instructions") {
					t.Fatalf("%q: %v", expr, err)
				}
			}
		}
	})
}
