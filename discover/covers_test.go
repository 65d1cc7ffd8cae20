package discover

import (
	"crypto/x509"
	"net"
	"net/netip"
	"testing"
)

var coverCases = []struct {
	name string
	sans []string // addresses among them become iPAddress
	host string
	want bool
}{
	{"exact", []string{"a.example"}, "a.example", true},
	{"another", []string{"a.example"}, "b.example", false},
	{"parent", []string{"a.example"}, "example", false},
	{"child", []string{"example.org"}, "a.example.org", false},
	{"case of the certificate", []string{"A.Example"}, "a.example", true},
	{"case of the host", []string{"a.example"}, "A.EXAMPLE", true},
	{"trailing dot of the host", []string{"a.example"}, "a.example.", true},
	{"second of two", []string{"a.example", "b.example"}, "b.example", true},
	{"wildcard", []string{"*.example.org"}, "a.example.org", true},
	{"wildcard, trailing dot", []string{"*.example.org"}, "a.example.org.", true},
	{"wildcard, case", []string{"*.Example.org"}, "A.example.ORG", true},
	{"wildcard, no label", []string{"*.example.org"}, "example.org", false},
	{"wildcard, two labels", []string{"*.example.org"}, "a.b.example.org", false},
	{"wildcard, A-label", []string{"*.example.org"}, "xn--bcher-kva.example.org", true},
	{"wildcard, underscore", []string{"*.example.org"}, "_dmarc.example.org", true},
	{"wildcard inside a label", []string{"a*.example.org"}, "ab.example.org", false},
	{"wildcard, not left-most", []string{"a.*.example.org"}, "a.b.example.org", false},
	{"wildcard, twice", []string{"*.*.example.org"}, "a.b.example.org", false},
	{"wildcard of a top-level domain", []string{"*.internal"}, "a.internal", true},
	{"A-label", []string{"xn--bcher-kva.example"}, "xn--bcher-kva.example", true},
	{"IPv4", []string{"192.0.2.1"}, "192.0.2.1", true},
	{"another IPv4", []string{"192.0.2.1"}, "192.0.2.2", false},
	{"IPv6", []string{"2001:db8::1"}, "2001:DB8:0::1", true},
	{"IPv6 in brackets", []string{"2001:db8::1"}, "[2001:db8::1]", true},
	{"wildcard for an address", []string{"*.0.2.1"}, "192.0.2.1", false},
	{"empty host", []string{"a.example"}, "", false},
	{"dot", []string{"a.example"}, ".", false},
	{"empty label", []string{"*.example.org"}, ".example.org", false},
	{"space", []string{"*.example.org"}, "a b.example.org", false},
	{"NUL", []string{"a.example\x00.evil.example"}, "a.example", false},
	{"long prefix", []string{"a.example"}, "aa.example", false},
}

// splitNames makes addresses of those names that are some.
func splitNames(sans []string) (names []string, ips []netip.Addr) {
	for _, s := range sans {
		if ip, err := netip.ParseAddr(s); err == nil {
			ips = append(ips, ip)
		} else {
			names = append(names, s)
		}
	}
	return names, ips
}

func TestCovers(t *testing.T) {
	for _, tc := range coverCases {
		t.Run(tc.name, func(t *testing.T) {
			c := &Certificate{}
			c.DNSNames, c.IPs = splitNames(tc.sans)
			if got := c.Covers(tc.host); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// The same table, asked of crypto/x509.
func TestCoversAgreesWithX509(t *testing.T) {
	for _, tc := range coverCases {
		x := &x509.Certificate{}
		names, ips := splitNames(tc.sans)
		x.DNSNames = names
		for _, ip := range ips {
			x.IPAddresses = append(x.IPAddresses, net.IP(ip.AsSlice()))
		}
		if got := x.VerifyHostname(tc.host) == nil; got != tc.want {
			t.Errorf("%s: crypto/x509 says %v, the table %v", tc.name, got, tc.want)
		}
	}
}

// What crypto/x509 does otherwise, and why.
func TestCoversBeyondX509(t *testing.T) {
	for _, tc := range []struct {
		name string
		cert Certificate
		host string
		want bool
	}{
		{"trailing dot of the certificate, as Chromium", Certificate{DNSNames: []string{"a.example."}}, "a.example", true},
		{"single star covers no name", Certificate{DNSNames: []string{"*"}}, "localhost", false},
		{"wildcard asked for", Certificate{DNSNames: []string{"*.example.org"}}, "*.example.org", false},
		{"address written as a name", Certificate{DNSNames: []string{"192.0.2.1"}}, "192.0.2.1", false},
		{"U-label asked for", Certificate{DNSNames: []string{"xn--bcher-kva.example"}}, "bücher.example", true},
		{"Kelvin sign is no k", Certificate{DNSNames: []string{"\u212a.example"}}, "k.example", false},
		{"address in an odd form", Certificate{DNSNames: []string{"*.0.2.1"}}, "00.0.2.1", false},
		{"mapped address", Certificate{IPs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}, "::ffff:192.0.2.1", true},
		{"common name", Certificate{CommonName: "a.example"}, "a.example", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.cert.Covers(tc.host); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestCoversByCommonName(t *testing.T) {
	for _, tc := range []struct {
		name string
		cert Certificate
		host string
		want bool
	}{
		{"exact", Certificate{CommonName: "a.example"}, "A.example.", true},
		{"wildcard", Certificate{CommonName: "*.example.org"}, "a.example.org", true},
		{"address", Certificate{CommonName: "192.0.2.1"}, "192.0.2.1", true},
		{"another", Certificate{CommonName: "a.example"}, "b.example", false},
		{"beside a name", Certificate{CommonName: "a.example", DNSNames: []string{"b.example"}}, "a.example", false},
		{"none", Certificate{}, "a.example", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.cert.CoversByCommonName(tc.host); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestCoversAllocatesNothing(t *testing.T) {
	c := ParseCertificate(certFile(t, "server"))
	for _, host := range []string{"shop.example", "www.shop.example", "WWW.Shop.Example.", "other.example", "192.0.2.7", "[2001:db8::7]", "node1"} {
		if n := testing.AllocsPerRun(100, func() { c.Covers(host); c.CoversByCommonName(host) }); n != 0 {
			t.Errorf("%s: got %v allocations, want 0", host, n)
		}
	}
}

func FuzzCovers(f *testing.F) {
	for _, tc := range coverCases {
		f.Add(tc.sans[0], tc.host)
	}
	f.Fuzz(func(t *testing.T, san, host string) {
		c := &Certificate{DNSNames: []string{san}, CommonName: san}
		covers := c.Covers(host)
		c.CoversByCommonName(host)
		name, ok := Hostname(host)
		if covers && !ok {
			t.Fatalf("%q covers %q, which is no hostname", san, host)
		}
		if names := c.Names(); covers && len(names) == 0 {
			t.Fatalf("%q covers %q, and has no name", san, name)
		}
	})
}

func BenchmarkCovers(b *testing.B) {
	c := &Certificate{DNSNames: []string{"a.example", "b.example", "*.c.example"}}
	b.ReportAllocs()
	for b.Loop() {
		c.Covers("www.c.example")
	}
}
