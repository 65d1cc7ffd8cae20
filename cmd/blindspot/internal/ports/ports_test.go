package ports

import (
	"fmt"
	"strings"
	"testing"
)

func parseAll(words string) (list []Change, err error) {
	for _, word := range strings.Fields(words) {
		c, err := Parse(word)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func TestApply(t *testing.T) {
	tests := []struct{ name, words, want string }{
		{"nothing", "", "map[]"},
		{"as usual", "vxlan=4789 vxlan=8472 geneve=6081", "map[]"},
		{"added", "vxlan=8473", "map[vxlan:[4789 8472 8473]]"},
		{"added twice", "vxlan=8473 vxlan=8473", "map[vxlan:[4789 8472 8473]]"},
		{"two tunnels", "vxlan=8473 geneve=6082", "map[geneve:[6081 6082] vxlan:[4789 8472 8473]]"},
		{"off", "vxlan=off", "map[vxlan:[]]"},
		{"in place of the usual ones", "vxlan=off vxlan=8473", "map[vxlan:[8473]]"},
		{"the order is no matter", "vxlan=8473 vxlan=off", "map[vxlan:[8473]]"},
		{"one of the usual ones", "vxlan=off vxlan=4789", "map[vxlan:[4789]]"},
		{"taken from another", "vxlan=6081", "map[geneve:[] vxlan:[4789 6081 8472]]"},
		{"exchanged", "vxlan=6081 geneve=4789", "map[geneve:[4789] vxlan:[6081 8472]]"},
		{"the last port", "gtp=65535", "map[gtp:[2152 65535]]"},
	}
	for _, test := range tests {
		changes, err := parseAll(test.words)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got, err := Apply(changes)
		if err != nil || fmt.Sprint(got) != test.want {
			t.Errorf("%s: got %v, %v; want %s", test.name, got, err, test.want)
		}
	}
}

func TestErrors(t *testing.T) {
	tests := []struct{ words, want string }{
		{"vxlan", "want NAME=PORT such as vxlan=8472, with one of capwap, geneve,"},
		{"vxlna=8472", `unknown tunnel "vxlna"; did you mean "vxlan"? (those over UDP are capwap, geneve,`},
		{"gre=47", `unknown tunnel "gre" (those over UDP are`},
		{"=47", `unknown tunnel "" (those over UDP are`},
		{"vxlan=0", `"0" is no port: want a number from 1 to 65535, or off`},
		{"vxlan=65536", `"65536" is no port`},
		{"vxlan=-1", `"-1" is no port`},
		{"vxlan=", `"" is no port`},
		{"vxlan=4789,8472", `"4789,8472" is no port`},
		{"vxlan=7000 geneve=7000", "UDP port 7000 is given to vxlan and to geneve: a port can have one tunnel"},
	}
	for _, test := range tests {
		changes, err := parseAll(test.words)
		if err == nil {
			_, err = Apply(changes)
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.words, err, test.want)
		}
	}
}
