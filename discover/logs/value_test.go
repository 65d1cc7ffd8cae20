package logs

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"blindspot/discover"
)

func TestParseTime(t *testing.T) {
	tests := []struct {
		name, text, want string // "" for an error
	}{
		{"Zeek, ASCII", "1700000000.123456", "2023-11-14T22:13:20.123456Z"},
		{"whole seconds", "1700000000", "2023-11-14T22:13:20Z"},
		{"nine digits", "1700000000.123456789", "2023-11-14T22:13:20.123456789Z"},
		{"more digits than nanoseconds", "1700000000.1234567899", "2023-11-14T22:13:20.123456789Z"},
		{"Zeek, milliseconds", "1700000000123", "2023-11-14T22:13:20.123Z"},
		{"Zeek, ISO 8601", "2023-11-14T22:13:20.123456Z", "2023-11-14T22:13:20.123456Z"},
		{"Suricata", "2023-11-14T23:13:20.123456+0100", "2023-11-14T22:13:20.123456Z"},
		{"Suricata, a certificate", "2023-11-14T22:13:20", "2023-11-14T22:13:20Z"},
		{"JSON's exponent", "1.7e9", "2023-11-14T22:13:20Z"},
		{"before 1970", "-1.5", "1969-12-31T23:59:58.5Z"},
		{"before 1970, less than a second", "-0.5", "1969-12-31T23:59:59.5Z"},
		{"the end of X.509's time", "253402300799.000000", "9999-12-31T23:59:59Z"},
		{"empty", "", ""},
		{"a word", "never", ""},
		{"a T alone", "T", ""},
		{"not a number", "NaN", ""},
		{"infinite", "inf", ""},
		{"two points", "1.2.3", ""},
		{"a sign in the fraction", "1.-5", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseTime(tt.text)
			if (err != nil) != (tt.want == "") {
				t.Fatalf("got %v, error %v, want %q", got, err, tt.want)
			}
			if err == nil && got.Format(time.RFC3339Nano) != tt.want {
				t.Errorf("got %s, want %s", got.Format(time.RFC3339Nano), tt.want)
			}
		})
	}
}

func TestSerialText(t *testing.T) {
	tests := []struct{ text, want string }{
		{"00F0AFBBF5", "f0afbbf5"}, {"03:C5:6F", "3c56f"}, {"01", "1"}, {"00", "0"}, {"-02", "-2"}, {"", ""}, {"x", ""},
	}
	for _, tt := range tests {
		if got := serialText(tt.text); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestVersions(t *testing.T) {
	tests := []struct {
		read       func(string) string
		text, want string
	}{
		{zeekVersion, "SSLv2", "SSL 2.0"}, {zeekVersion, "SSLv3", "SSL 3.0"}, {zeekVersion, "TLSv10", "TLS 1.0"},
		{zeekVersion, "TLSv12", "TLS 1.2"}, {zeekVersion, "TLSv13", "TLS 1.3"}, {zeekVersion, "TLSv13-draft28", "TLS 1.3"},
		{zeekVersion, "DTLSv10", "DTLS 1.0"}, {zeekVersion, "DTLSv12", "DTLS 1.2"}, {zeekVersion, "DTLSv13", "DTLS 1.3"},
		{zeekVersion, "unknown-64282", "TLS 1.3"}, {zeekVersion, "unknown-257", "0x0101"}, {zeekVersion, "UNKNOWN", ""}, {zeekVersion, "", ""},
		{zeekVersion, "evil\n", `evil\x0a`},
		{suricataVersion, "SSLv2", "SSL 2.0"}, {suricataVersion, "SSLv3", "SSL 3.0"}, {suricataVersion, "TLSv1", "TLS 1.0"},
		{suricataVersion, "TLS 1.1", "TLS 1.1"}, {suricataVersion, "TLS 1.2", "TLS 1.2"}, {suricataVersion, "TLS 1.3", "TLS 1.3"},
		{suricataVersion, "TLS 1.3 draft-28", "TLS 1.3"}, {suricataVersion, "0x7f1c", "TLS 1.3"}, {suricataVersion, "0x0304", "TLS 1.3"},
		{suricataVersion, "UNDETERMINED", ""}, {suricataVersion, "", ""},
	}
	for _, tt := range tests {
		if got := tt.read(tt.text); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

// TestOpenSSLName: what OpenSSL writes with -nameopt RFC2253, as Zeek does, is
// read as the certificate's name is.
func TestOpenSSLName(t *testing.T) {
	for file, text := range openSSLNames {
		t.Run(file, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("..", "testdata", "certs", file))
			if err != nil {
				t.Fatal(err)
			}
			block, _ := pem.Decode(b)
			want := discover.ParseCertificate(block.Bytes)
			if got := openSSLName(text); got != want.Subject {
				t.Errorf("got  %s\nwant %s", got, want.Subject)
			}
			if got := commonName(openSSLName(text)); got != want.CommonName {
				t.Errorf("common name: got %q, want %q", got, want.CommonName)
			}
		})
	}
}

func TestSuricataName(t *testing.T) {
	tests := []struct{ text, want string }{
		{"C=US, ST=California, O=GitHub, Inc., CN=github.com", `CN=github.com,O=GitHub\, Inc.,ST=California,C=US`},
		{"unknown=Private Organization, unknown=US, serialNumber=5157550, C=US", "C=US,serialNumber=5157550,unknown=US,unknown=Private Organization"},
		{"C=DE, 1.3.6.1=a, CN=b+c", `CN=b\+c,1.3.6.1=a,C=DE`},
		{"CN=alone", "CN=alone"}, {"", ""}, {"no attribute", "no attribute"},
	}
	for _, tt := range tests {
		if got := suricataName(tt.text); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestUnescape(t *testing.T) {
	tests := []struct{ text, want string }{
		{`plain`, "plain"}, {`\x09`, "\t"}, {`a\x2cb`, "a,b"}, {`b\xc3\xbccher`, "bücher"}, {`Shop\\, Inc.`, `Shop\, Inc.`},
		{`\\x41`, `\x41`}, {`\x4`, `\x4`}, {`\`, `\`}, {`\xzz`, `\xzz`}, {`a\`, `a\`},
	}
	for _, tt := range tests {
		if got := unescape(tt.text); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

// openSSLNames are the output of openssl x509 -noout -subject -nameopt RFC2253.
var openSSLNames = map[string]string{
	"bmp.pem":       `CN=bmp.example,O=B\C3\BCcher und \CE\9A\CF\8C\CF\83\CE\BC\CE\BF\CF\82`,
	"ca.pem":        `CN=Example Root,O=Example Trust,C=DE`,
	"empty.pem":     ``,
	"escapes.pem":   `serialNumber=HRB 1,emailAddress=a@b.example,CN=\#hash,OU=B\C3\BCcher GmbH,O=\ #lead\, \+\\\"quoted\"\<a\;b\>\ `,
	"foreign.pem":   `CN=foreign.example,UID=u1,DC=shop,DC=example,1.3.6.1.4.1.99999.7=#0C06637573746F6D`,
	"server.pem":    `CN=shop.example,OU=Edge+OU=Web,O=Shop\, Inc.,L=Berlin,ST=Berlin,C=DE`,
	"severalcn.pem": `CN=last.example,O=x,CN=first.example`,
	"t61.pem":       `CN=bmp.example,O=B\C3\BCcher`,
}
