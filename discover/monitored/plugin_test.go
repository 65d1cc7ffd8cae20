package monitored

import (
	"slices"
	"strings"
	"testing"
)

// seenPlugin is what a server saw of a plugin's command line, and how the
// plugin ended.
type seenPlugin struct {
	Command string
	Status  int
	Port    uint16
	TLS     bool
	SNI     *string
}

// TestPluginsAgreeWithTheRealOnes holds the checks against what the plugins of
// Debian 12 (monitoring-plugins 2.3.3, check_ssl_cert 2.60) did with these
// command lines. Port 443 presents a certificate of a private CA for
// *.shop.example, port 8443 one for another name.
func TestPluginsAgreeWithTheRealOnes(t *testing.T) {
	var seen []seenPlugin
	readJSON(t, "testdata/nagios/plugins.answer.json", &seen)
	for _, s := range seen {
		t.Run(s.Command, func(t *testing.T) {
			words, ok := splitCommand("/usr/lib/nagios/plugins/" + s.Command)
			if !ok {
				t.Fatal("the command has a quote without an end")
			}
			name, args := findPlugin(words)
			c, err := pluginCheck("nagios", "ref", name, args)
			if s.Port == 0 { // the plugin refused its options
				if err == nil && c.Grade > GradeReachability {
					t.Errorf("got grade %v for options that the plugin refuses", c.Grade)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkHolds(t, c)
			if c.Port != s.Port {
				t.Errorf("got port %d, want %d", c.Port, s.Port)
			}
			speaksTLS := c.StartTLS != "" || c.Scheme != "http" && c.Scheme != "tcp" && c.Scheme != "smtp"
			if speaksTLS != s.TLS {
				t.Errorf("got scheme %q, STARTTLS %q, want TLS %v", c.Scheme, c.StartTLS, s.TLS)
			}
			want := ""
			if s.SNI != nil && !strings.HasPrefix(*s.SNI, "127.") { // an address is no server name, though some send it
				want = *s.SNI
			}
			if c.Hostname != want {
				t.Errorf("got hostname %q, want the server name %q", c.Hostname, want)
			}
			private := strings.Contains(s.Command, "ca.pem") // the CA is known to it
			if accepts := s.Status == 0; accepts && s.TLS && c.Verifies != (private && s.Port != 8443) {
				t.Errorf("got verifies %v for a plugin that accepts this certificate", c.Verifies)
			} else if !accepts && c.Verifies == false && (s.Port == 443 || private) {
				t.Errorf("got no verification for a plugin that refuses this certificate")
			}
		})
	}
}

func TestSplitCommand(t *testing.T) {
	tests := []struct {
		line string
		want []string
		ok   bool
	}{
		{"a b\t c", []string{"a", "b", "c"}, true},
		{`a 'b c' "d e" f\ g`, []string{"a", "b c", "d e", "f g"}, true},
		{`a '' "" b`, []string{"a", "", "", "b"}, true},
		{`a "x\"y\n" 'x\"y'`, []string{"a", `x"y\n`, `x\"y`}, true},
		{"a -b'c d'e", []string{"a", "-bc de"}, true},
		{"a b | tee c", []string{"a", "b"}, true},
		{"a b; c", []string{"a", "b"}, true},
		{"a 'b | c' >d", []string{"a", "b | c"}, true},
		{"a 'b", []string{"a", "b"}, false},
		{`a b\`, []string{"a", `b\`}, true},
		{"", nil, true},
	}
	for _, test := range tests {
		got, ok := splitCommand(test.line)
		if !slices.Equal(got, test.want) || ok != test.ok {
			t.Errorf("%s: got %q, %v, want %q, %v", test.line, got, ok, test.want, test.ok)
		}
	}
}

func TestPluginErrors(t *testing.T) {
	tests := []struct{ command, want string }{
		{"check_http -S", "names no host: give -H or -I"},
		{"check_http -S -H", `has option "-H" without its argument`},
		{"check_http --ssl --hostname", `has option "--hostname" without its argument`},
		{"check_http -S -H a_b!c", `has the host "a_b!c", which is neither a hostname nor an IP address`},
		{"check_http -S -H $_HOSTVHOST$", `has "$_HOSTVHOST$", which is not known here`},
		{"check_http -S -H shop.example -p https", `has port "https"`},
		{"check_tcp --ssl", "names no host: give -H"},
		{"check_tcp -H a --ssl --sni=$X$", `has "$X$", which is not known here`},
		{"check_ssl_cert", "names no host: give -H"},
		{"check_ssl_cert -H a --sni $X$", `has "$X$", which is not known here`},
		{"check_ssl_cert -H a --resolve !", `has the host "!", which`},
		{"check_smtp -S", "names no host: give -H"},
	}
	for _, test := range tests {
		words, _ := splitCommand(test.command)
		_, err := pluginCheck("nagios", "ref", words[0], words[1:])
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want %s", test.command, err, test.want)
		}
	}
}

// TestPluginsWithOptionsOfOtherReleases must still see what is checked.
func TestPluginsWithOptionsOfOtherReleases(t *testing.T) {
	tests := []struct{ command, hostname, note string }{
		{"check_curl --new-option x -H shop.example -S -D", "shop.example", "--new-option"},
		{"check_curl -Z -H shop.example -S -D", "shop.example", "-Z"},
		{"check_curl --new=x -H shop.example -S -D", "shop.example", "--new"},
		{"check_ssl_cert --new-option x -H shop.example", "shop.example", ""},
		{"check_ssl_cert -H shop.example --ignore-sct --require-ocsp-stapling -w 30", "shop.example", ""},
	}
	for _, test := range tests {
		words, _ := splitCommand(test.command)
		c, err := pluginCheck("nagios", "ref", words[0], words[1:])
		if err != nil || c.Hostname != test.hostname || c.Grade != GradeExact {
			t.Errorf("%s: got %+v, %v, want an exact check of %s", test.command, c, err, test.hostname)
		}
		if notes := strings.Join(c.Warnings, "\n"); !strings.Contains(notes, test.note) || test.note == "" && notes != "" {
			t.Errorf("%s: got notes %q, want %q", test.command, notes, test.note)
		}
	}
}

func TestFindPlugin(t *testing.T) {
	tests := []struct{ line, want string }{
		{"/usr/lib/nagios/plugins/check_http -H a", "check_http"},
		{"sudo -u monitor timeout 20 $USER1$/check_curl -H a", "check_curl"},
		{"$USER1$/negate --ok=CRITICAL $USER1$/check_tcp -H a", "check_tcp"},
		{"/usr/bin/perl script.pl", ""},
		{"", ""},
	}
	for _, test := range tests {
		words, _ := splitCommand(test.line)
		if name, _ := findPlugin(words); name != test.want {
			t.Errorf("%s: got %q, want %q", test.line, name, test.want)
		}
	}
}

func FuzzPlugin(f *testing.F) {
	for _, seed := range []string{
		"check_http -H shop.example -I 10.0.0.1 -S1.2+ --sni -C 30,14", "check_curl -H shop.example:8443 -S -D --ca-cert a",
		"timeout 3 check_tcp -H a -p 1 --ssl --sni=b 'c d'", "check_ssl_cert -H a -P smtp --resolve ::1 -A", "check_smtp -S -H '[::1]:25'",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, _ := splitCommand(line)
		name, args := findPlugin(words)
		if plugins[name].check == nil {
			return
		}
		if c, err := pluginCheck("nagios", "ref", name, args); err == nil {
			checkHolds(t, c)
		}
	})
}
