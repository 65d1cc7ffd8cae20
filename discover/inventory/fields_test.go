package inventory

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseSerial(t *testing.T) {
	tests := []struct {
		in   string
		base base
		want string
		err  string
	}{
		{"0A1B2C", hexadecimal, "a1b2c", ""},
		{"00:a1:b2", decimal, "a1b2", ""}, // letters and colons are hex in any case
		{"10:01", hexadecimal, "1001", ""},
		{"0x1001", decimal, "1001", ""},
		{"1001", decimal, "3e9", ""},
		{"1001", hexadecimal, "1001", ""},
		{"611132163413889417389651707142000786550693829934", decimal, "6b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e", ""},
		{"6b 0c 1d", hexadecimal, "6b0c1d", ""},
		{"6b-0c-1d", hexadecimal, "6b0c1d", ""},
		{"\t'0042 ", decimal, "2a", ""},
		{`="0042"`, hexadecimal, "42", ""},
		{"-2a", hexadecimal, "-2a", ""},
		{"00", hexadecimal, "0", ""},
		{"", decimal, "", ""},
		{"1.23457E+38", decimal, "", "rounded by a spreadsheet"},
		{"1,2E+38", decimal, "", "rounded by a spreadsheet"},
		{"serial", decimal, "", "neither a decimal nor"},
		{"0x", hexadecimal, "", "neither a decimal nor"},
		{"--1", decimal, "", "neither a decimal nor"},
		{"+1", decimal, "", "neither a decimal nor"},
		{strings.Repeat("a", 600), hexadecimal, "", "too long"},
	}
	for _, test := range tests {
		t.Run(test.in, func(t *testing.T) {
			got, err := parseSerial(test.in, test.base)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("got %q, %v, want error %q", got, err, test.err)
				}
				return
			}
			if err != nil || got != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestParseHash(t *testing.T) {
	const sha1 = "6fa27d904feebb225b98da004f149151f7b41347"
	tests := []struct{ in, want string }{
		{"6F:A2:7D:90:4F:EE:BB:22:5B:98:DA:00:4F:14:91:51:F7:B4:13:47", sha1},
		{"sha1 Fingerprint=6F:A2:7D:90:4F:EE:BB:22:5B:98:DA:00:4F:14:91:51:F7:B4:13:47", sha1},
		{"SHA-1: 6fa27d904feebb225b98da004f149151f7b41347", sha1},
		{"\u200e6fa27d90 4feebb22 5b98da00 4f149151 f7b41347", sha1},
		{"6fa27d904feebb225b98da004f149151f7b4134", ""},
		{"6fa27d904feebb225b98da004f149151f7b4134g", ""},
		{"", ""},
	}
	for _, test := range tests {
		if got := parseHash(test.in); got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestNormalDN(t *testing.T) {
	const want = `CN=Shop Internal CA,O=Shop\, Ltd.,C=DE`
	tests := []struct{ name, in, want string }{
		{"RFC 4514", want, want},
		{"with spaces", `CN=Shop Internal CA, O=Shop\, Ltd., C=DE`, want},
		{"OpenSSL 1.1", `C = DE, O = "Shop, Ltd.", CN = Shop Internal CA`, want},
		{"OpenSSL oneline", `/C=DE/O=Shop, Ltd./CN=Shop Internal CA`, want},
		{"crt.sh", `C=DE, O="Shop, Ltd.", CN=Shop Internal CA`, want},
		{"step, unescaped", `C=DE, O=Shop, Ltd., CN=Shop Internal CA`, want},
		{"semicolons, lower case", `cn=Shop Internal CA;o=Shop\2C Ltd.;c=DE`, want},
		{"object identifiers", `OID.2.5.4.3=Shop Internal CA, 2.5.4.10=Shop\, Ltd., C=DE`, want},
		{"Windows", `E=pki@shop.example, CN=CA, S=Bayern, C=DE`, `emailAddress=pki@shop.example,CN=CA,ST=Bayern,C=DE`},
		{"several values", `C=DE, CN=a + OU=b`, `CN=a+OU=b,C=DE`},
		{"plus within", `CN=A+B CA,C=DE`, `CN=A\+B CA,C=DE`},
		{"slash within", `/O=A/S Foo/CN=ca`, `CN=ca,O=A/S Foo`},
		{"escaped space", `CN=a\ ,C=DE`, `CN=a\ ,C=DE`},
		{"hash", `CN=\#1,C=DE`, `CN=\#1,C=DE`},
		{"control character", "CN=a\\07b", `CN=a\07b`},
		{"one name", "CN=R3", "CN=R3"},
		{"no distinguished name", "Amazon", "Amazon"},
		{"nothing", " n/a", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := normalDN(test.in); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if got := normalDN(normalDN(test.in)); got != test.want {
				t.Errorf("twice: got %s, want %s", got, test.want)
			}
		})
	}
}

func TestWithinIssuer(t *testing.T) {
	const full = `CN=Shop Internal CA,O=Shop\, Ltd.,C=DE`
	tests := []struct {
		said string
		want bool
	}{
		{full, true},
		{`C=de, O="shop,  ltd.", CN=SHOP internal CA`, true},
		{"CN=Shop Internal CA", true},
		{"Shop Internal CA", true},
		{"Shop, Ltd.", true},
		{"DE", false},
		{"Amazon", false},
		{"CN=Shop Internal CA,C=AT", false},
		{full + ",OU=x", false},
	}
	for _, test := range tests {
		if got := withinIssuer(issuerWords(test.said), issuerWords(full)); got != test.want {
			t.Errorf("%s: got %v, want %v", test.said, got, test.want)
		}
	}
}

func TestParseDate(t *testing.T) {
	const noon, midnight = "2026-04-03T12:30:05Z", "2026-04-03T00:00:00Z"
	tests := []struct {
		in    string
		order dateOrder
		want  string
	}{
		{"2026-04-03T12:30:05Z", 0, noon},
		{"2026-04-03T14:30:05+02:00", 0, noon},
		{"2026-04-03T12:30:05.000Z", 0, noon},
		{"2026-04-03T12:30:05", 0, noon},
		{"2026-04-03 12:30:05", 0, noon},
		{"2026-04-03 12:30:05 UTC", 0, noon},
		{"2026-04-03 12:30:05 +0000 UTC", 0, noon},
		{"2026-04-03", 0, midnight},
		{"2026/04/03", 0, midnight},
		{"Apr  3 12:30:05 2026 GMT", 0, noon},
		{"Fri, 03 Apr 2026 12:30:05 GMT", 0, noon},
		{"3-Apr-2026 12:30:05", 0, noon},
		{"3 April 2026", 0, midnight},
		{"April 3, 2026", 0, midnight},
		{"03.04.2026", 0, midnight},
		{"3.4.2026 12:30:05", monthFirst, noon},
		{"4/3/2026 12:30:05 PM", monthFirst, noon},
		{"03/04/2026 12:30:05", dayFirst, noon},
		{"03/04/2026", dayFirst, midnight},
		{"04/03/2026", monthFirst, midnight},
		{"13/04/2026", monthFirst, "2026-04-13T00:00:00Z"}, // can be read in one way only
		{"03-04-2026", dayFirst, midnight},
		{"20260403123005Z", 0, noon},
		{"20260403", 0, midnight},
		{"1775219405", 0, noon},
		{"1775219405.0", 0, noon},
		{"1775219405000", 0, noon},
		{" ", 0, ""},
		{"N/A", 0, ""},
	}
	for _, test := range tests {
		t.Run(test.in, func(t *testing.T) {
			got, err := parseDate(test.in, test.order)
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			if !got.IsZero() {
				text = got.Format(time.RFC3339)
			}
			if text != test.want {
				t.Errorf("got %s, want %s", text, test.want)
			}
		})
	}
	for _, bad := range []string{"soon", "2026-13-01", "31/31/2026", "1", "99/99/9999", "0000-01-01", "1e300", "NaN", "inf"} {
		if got, err := parseDate(bad, monthFirst); err == nil {
			t.Errorf("%s: got %v, want an error", bad, got)
		}
	}
}

func TestOrderOf(t *testing.T) {
	tests := []struct {
		name  string
		dates []string
		order dateOrder
		sure  bool
	}{
		{"day first", []string{"03/04/2026", "13/04/2026"}, dayFirst, true},
		{"month first", []string{"03/04/2026", "04/13/2026 1:00 PM"}, monthFirst, true},
		{"either", []string{"03/04/2026"}, orderUnknown, false},
		{"the same", []string{"04/04/2026"}, orderUnknown, true},
		{"others", []string{"2026-04-03", ""}, orderUnknown, true},
	}
	for _, test := range tests {
		if order, sure := orderOf(test.dates); order != test.order || sure != test.sure {
			t.Errorf("%s: got %v, %v, want %v, %v", test.name, order, sure, test.order, test.sure)
		}
	}
}

func TestSplitNames(t *testing.T) {
	tests := []struct {
		in   string
		want []string
	}{
		{"DNS:a.example, DNS:b.example, IP Address:10.0.0.1, email:x@a.example", []string{"a.example", "b.example", "10.0.0.1"}},
		{"DNS Name=a.example\nDNS Name=b.example\nRFC822 Name=x@a.example", []string{"a.example", "b.example"}},
		{"a.example b.example;c.example|d.example", []string{"a.example", "b.example", "c.example", "d.example"}},
		{"dns:a.example dns:b.example", []string{"a.example", "b.example"}},
		{"2001:db8::1, URI:spiffe://a/b", []string{"2001:db8::1"}},
		{"*.Shop.Example.", []string{"*.Shop.Example."}},
	}
	for _, test := range tests {
		if got := splitNames(test.in); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
	var r Record
	bad := r.addNames("*.Shop.Example.", "bücher.example", "2001:DB8:0::1", "not a name", "-", "*.shop.example", "::ffff:10.0.0.1")
	if want := []string{"*.shop.example", "xn--bcher-kva.example", "2001:db8::1", "10.0.0.1"}; !slices.Equal(r.Names, want) {
		t.Errorf("got %q, want %q", r.Names, want)
	}
	if !slices.Equal(bad, []string{"not a name"}) {
		t.Errorf("got bad names %q", bad)
	}
}

func TestNormalTarget(t *testing.T) {
	tests := []struct{ in, want string }{
		{"LB-1.Shop.Internal:443", "lb-1.shop.internal:443"},
		{"lb-1", "lb-1"},
		{"https://shop.example/path?x", "shop.example:443"},
		{"https://shop.example:8443", "shop.example:8443"},
		{"ldaps://[2001:db8::1]/", "[2001:db8::1]:636"},
		{"[2001:DB8::1]:443", "[2001:db8::1]:443"},
		{"2001:db8::1", "2001:db8::1"},
		{"10.0.0.1:443", "10.0.0.1:443"},
		{"F5 in rack 3", "F5 in rack 3"},
		{"shop.example:https", "shop.example:https"},
		{"https://user:secret@sh op/", "https://…@sh op/"},
	}
	for _, test := range tests {
		if got := normalTarget(test.in); got != test.want {
			t.Errorf("%s: got %s, want %s", test.in, got, test.want)
		}
	}
}

func TestIsOver(t *testing.T) {
	for status, want := range map[string]bool{
		"Active": false, "Issued": false, "OK": false, "In use": false, "Not Expired": false, "Valid": false, "unknown word": false, "Gold": false,
		"Revoked": true, "EXPIRED": true, "Active (Revoked)": true, "Decommissioned": true, "Historical": true, "old": true, "Pending approval": true,
	} {
		if got := isOver(status); got != want {
			t.Errorf("%s: got %v, want %v", status, got, want)
		}
	}
}
