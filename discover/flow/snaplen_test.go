package flow

import (
	"encoding/json"
	"os"
	"testing"

	"blindspot/discover"
)

// TestSnaplen: handshakes of which the snaplen left a part are told as
// truncated, or counted where the part has no name; none is passed over.
func TestSnaplen(t *testing.T) {
	for _, test := range []struct {
		file string
		told int // hellos that are cut behind the name
	}{{"link-snaplen-96", 0}, {"link-snaplen-256", 3}} {
		file := "../../testdata/pcaps/" + test.file
		text, err := os.ReadFile(file + ".truth.json")
		if err != nil {
			t.Fatal(err)
		}
		var truth struct{ Handshakes []struct{ SNI string } }
		if err := json.Unmarshal(text, &truth); err != nil {
			t.Fatal(err)
		}
		got, table := run(t, Config{}, segments(t, file+".pcap"))
		if st := table.Stats(); len(got) != test.told || len(got)+int(st.HalfHello) != len(truth.Handshakes) {
			t.Errorf("%s: got %d told and %d half hellos, want %d of %d told", test.file, len(got), st.HalfHello, test.told, len(truth.Handshakes))
		}
		for i, o := range got {
			if o.SNI != truth.Handshakes[i].SNI || o.CertsHidden != discover.HiddenTruncated || o.Resumed != discover.Unknown || o.PacketsLost == 0 {
				t.Errorf("%s: got %q, hidden %q, resumed %v, %d packets lost; want %q, truncated, unknown, some", test.file, o.SNI, o.CertsHidden, o.Resumed, o.PacketsLost, truth.Handshakes[i].SNI)
			}
		}
	}
}
