package monitored

import "testing"

func TestParsePlace(t *testing.T) {
	tests := []struct {
		in, host string
		port     uint16
		ok       bool
	}{
		{"shop.example", "shop.example", 0, true},
		{"SHOP.example.:443", "shop.example", 443, true},
		{"localhost:1", "localhost", 1, true},
		{"a_b.example:65535", "a_b.example", 65535, true},
		{"192.0.2.1", "192.0.2.1", 0, true},
		{"192.0.2.1:443", "192.0.2.1", 443, true},
		{"2001:DB8:0::1", "2001:db8::1", 0, true},
		{"[2001:db8::1]", "2001:db8::1", 0, true},
		{"[2001:db8::1]:443", "2001:db8::1", 443, true},
		{"[::ffff:192.0.2.1]:443", "192.0.2.1", 443, true},
		{"[fe80::1%eth0]:443", "fe80::1%eth0", 443, true},
		{"", "", 0, false},
		{":443", "", 0, false},
		{"shop.example:", "", 0, false},
		{"shop.example:0", "", 0, false},
		{"shop.example:65536", "", 0, false},
		{"shop.example:+443", "", 0, false},
		{"[shop.example]:443", "", 0, false},
		{"[2001:db8::1", "", 0, false},
		{"2001:db8::zz", "", 0, false},
		{"*.shop.example", "", 0, false},
		{"*", "", 0, false},
		{"a..example", "", 0, false},
		{"192.0.2.300", "", 0, false},
		{"shop.example/path", "", 0, false},
	}
	for _, test := range tests {
		t.Run(test.in, func(t *testing.T) {
			p, err := parsePlace(test.in)
			if (err == nil) != test.ok {
				t.Fatalf("got error %v, want ok %v", err, test.ok)
			}
			if p.host() != test.host || p.port != test.port {
				t.Errorf("got %q %d, want %q %d", p.host(), p.port, test.host, test.port)
			}
		})
	}
}

func TestQuoteHidesCredentials(t *testing.T) {
	tests := []struct{ in, want string }{
		{"https://user:pass@shop.example:x/", `"https://…@shop.example:x/"`},
		{"https://shop.example/@home", `"https://shop.example/@home"`},
		{"a\x1b[31mb", `"a\x1b[31mb"`},
	}
	for _, test := range tests {
		if got := quote(test.in); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
