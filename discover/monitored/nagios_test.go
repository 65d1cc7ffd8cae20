package monitored

import (
	"slices"
	"strings"
	"testing"
)

// TestMacrosAgreeWithNagios holds the words of each command against those with
// which Nagios 4.4.6 (Debian 12) ran the plugins of this configuration.
func TestMacrosAgreeWithNagios(t *testing.T) {
	var ran []struct {
		Host, Service string
		Argv          []string
	}
	readJSON(t, "testdata/nagios/argv.answer.json", &ran)
	n, objects := nagiosObjects(t)
	for _, want := range ran {
		i := slices.IndexFunc(objects, func(o *nagiosObject) bool {
			return o.kind == "service" && o.values["host_name"] == want.Host && o.values["service_description"] == want.Service
		})
		if i < 0 {
			t.Errorf("%s/%s is missing", want.Host, want.Service)
			continue
		}
		words, ok := n.command(objects[i])
		name, args := findPlugin(words)
		got := append([]string{name}, args...)
		for i, arg := range got {
			// A resource file holds $USER5$, which is not read.
			got[i] = strings.ReplaceAll(arg, "$USER5$", "secret.shop.example")
		}
		if !ok || !slices.Equal(got, want.Argv) {
			t.Errorf("%s/%s: got %q, %v, want %q", want.Host, want.Service, got, ok, want.Argv)
		}
	}
}

func nagiosObjects(t *testing.T) (*nagiosReader, []*nagiosObject) {
	t.Helper()
	text, err := readText("testdata/nagios/objects.cache")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := parseNagios(text)
	if err != nil {
		t.Fatal(err)
	}
	n := &nagiosReader{commands: map[string]string{}, hosts: map[string]*nagiosObject{}}
	for _, o := range objects {
		switch o.kind {
		case "command":
			n.commands[o.values["command_name"]] = o.values["command_line"]
		case "host":
			n.hosts[o.values["host_name"]] = o
		}
	}
	return n, objects
}

func TestExpandMacros(t *testing.T) {
	macros := func(name string) (string, bool) {
		value, ok := map[string]string{"A": "1", "EMPTY": "", "LOOP": "$LOOP$"}[name]
		return value, ok
	}
	tests := []struct{ text, want string }{
		{"x$A$y", "x1y"}, {"$A$$A$", "11"}, {"$$A$$", "$A$"}, {"$EMPTY$x", "x"}, {"$B$ $A$", "$B$ 1"},
		{"$LOOP$", "$LOOP$"}, {"5$", "5$"}, {"", ""}, {"$A", "$A"},
	}
	for _, test := range tests {
		if got := expandMacros(test.text, macros); got != test.want {
			t.Errorf("%s: got %q, want %q", test.text, got, test.want)
		}
	}
}

// TestMacrosAreBounded runs a command that repeats a long argument.
func TestMacrosAreBounded(t *testing.T) {
	text := "define command {\n\tcommand_name\tc\n\tcommand_line\tcheck_http " + strings.Repeat("$ARG1$", 10_000) +
		"\n\t}\ndefine service {\n\thost_name\th\n\tcheck_command\tc!" + strings.Repeat("x", 10_000) + "\n\t}\n"
	objects, err := parseNagios(text)
	if err != nil {
		t.Fatal(err)
	}
	n := &nagiosReader{commands: map[string]string{"c": objects[0].values["command_line"]}}
	words, _ := n.command(objects[1])
	if got := len(strings.Join(words, " ")); got > 2*maxCommand {
		t.Errorf("got a command of %d bytes, want at most %d", got, 2*maxCommand)
	}
}

func FuzzNagios(f *testing.F) { fuzzKind(f, "nagios", "testdata/nagios/objects.cache") }
