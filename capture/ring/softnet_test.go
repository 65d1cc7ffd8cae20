package ring

import "testing"

func TestSoftnetDrops(t *testing.T) {
	tests := []struct {
		name, text string
		want       uint64
		bad        bool
	}{
		{"nothing", "", 0, false},
		{"two processors", // as Linux 6.12 writes it
			"0001d8a3 00000010 00000003 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n" +
				"00011f2c 0000000f 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 00000000 00000000\n", 31, false},
		{"one column", "00000001\n", 0, true},
		{"no hex", "00000001 zz\n", 0, true},
	}
	for _, test := range tests {
		got, err := softnetDrops([]byte(test.text))
		if got != test.want || (err != nil) != test.bad {
			t.Errorf("%s: got %d and %v, want %d", test.name, got, err, test.want)
		}
	}
}
