package discover

import (
	"strings"
	"testing"
)

func TestHostname(t *testing.T) {
	label63 := strings.Repeat("a", 63)
	name253 := strings.Join([]string{label63, label63, label63, strings.Repeat("b", 61)}, ".")
	for _, test := range []struct {
		name, sent, want string
	}{
		{"plain", "api.shop.example", "api.shop.example"},
		{"upper case", "API.Shop.EXAMPLE", "api.shop.example"},
		{"trailing dot", "api.shop.example.", "api.shop.example"},
		{"two trailing dots", "api.shop.example..", ""},
		{"single label", "localhost", "localhost"},
		{"underscore", "_acme.shop.example", "_acme.shop.example"},
		{"U-label", "münchen.example", "xn--mnchen-3ya.example"},
		{"U-label in upper case", "MÜNCHEN.example", "xn--mnchen-3ya.example"},
		{"A-label", "xn--mnchen-3ya.example", "xn--mnchen-3ya.example"},
		{"two hyphens at 3 and 4", "r3---sn-abc.example", "r3---sn-abc.example"},
		{"digits first", "3com.example", "3com.example"},
		{"empty", "", ""},
		{"root", ".", ""},
		{"empty label", "a..example", ""},
		{"leading dot", ".example", ""},
		{"IPv4", "10.0.0.1", ""},
		{"short IPv4", "127.1", ""},
		{"IPv6", "2001:db8::1", ""},
		{"IPv6 in brackets", "[2001:db8::1]", ""},
		{"port", "api.shop.example:443", ""},
		{"space", "api shop.example", ""},
		{"NUL", "api\x00.shop.example", ""},
		{"newline", "api.shop.example\n", ""},
		{"escape sequence", "\x1b[31mred.example", ""},
		{"invalid UTF-8", "api\xff.example", ""},
		{"wildcard", "*.shop.example", ""},
		{"label of 63", label63 + ".example", label63 + ".example"},
		{"label of 64", label63 + "a.example", ""},
		{"name of 253", name253, name253},
		{"name of 253 and a dot", name253 + ".", name253},
		{"name of 254", "a" + name253, ""},
		{"hyphen first", "-a.example", ""},
		{"hyphen last", "a-.example", ""},
		{"markup", "<script>.example", ""},
		{"huge", strings.Repeat("a.", 40000), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := Hostname(test.sent)
			if got != test.want && ok || ok != (test.want != "") {
				t.Errorf("got %q, %v, want %q", got, ok, test.want)
			}
		})
	}
}

func TestEscape(t *testing.T) {
	for sent, want := range map[string]string{
		"plain-name_1.example": "plain-name_1.example",
		"a b":                  `a\x20b`,
		"\x1b[31m":             `\x1b[31m`,
		"a\nb\"c":              `a\x0ab\x22c`,
		"\xff\x00":             `\xff\x00`,
		"<b>&":                 `\x3cb\x3e\x26`,
		`\x41`:                 `\x5cx41`,
	} {
		if got := Escape([]byte(sent)); got != want {
			t.Errorf("Escape(%q): got %s, want %s", sent, got, want)
		}
	}
}

func FuzzHostname(f *testing.F) {
	for _, s := range []string{"api.shop.example", "münchen.example.", "10.0.0.1", "\xff", "a..b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		name, ok := Hostname(sent)
		if !ok {
			return
		}
		if len(name) > maxHostname || name != strings.ToLower(name) || strings.HasSuffix(name, ".") || !isASCII(name) {
			t.Errorf("Hostname(%q): got %q, which is not normalised", sent, name)
		}
		if again, ok := Hostname(name); !ok || again != name {
			t.Errorf("Hostname(%q): got %q, %v, want no change", name, again, ok)
		}
		if Escape([]byte(name)) != name {
			t.Errorf("Hostname(%q): got %q, which needs escaping", sent, name)
		}
	})
}

// TestPlainHostname: what is called plain is what normalising leaves as it is,
// for every short name over the characters that matter.
func TestPlainHostname(t *testing.T) {
	const letters = "a1-._A:\xc3"
	plain := 0
	var each func(name string, left int)
	each = func(name string, left int) {
		if isPlainHostname(name) {
			plain++
			if got, ok := normalHostname(name); got != name || !ok {
				t.Errorf("%q: got %q, %v", name, got, ok)
			}
		}
		for i := range len(letters) {
			if left > 0 {
				each(name+letters[i:i+1], left-1)
			}
		}
	}
	each("", 6)
	if plain < 300 {
		t.Errorf("got %d plain names, want more", plain)
	}
}
