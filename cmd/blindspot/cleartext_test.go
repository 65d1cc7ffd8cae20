package main

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"blindspot/discover"
)

// cleartext is an entry of a truth file: sessions at an endpoint that stayed
// without TLS, because the server refused it or the client declined it.
type cleartext struct {
	Server   string `json:"server"`
	StartTLS string `json:"starttls"`
	State    string `json:"state"`
}

// checkCleartext compares the sessions that stayed in the clear with the truth:
// each is counted once, and no other.
func checkCleartext(t *testing.T, name string, inv *discover.Inventory) {
	t.Helper()
	want := readCleartext(t, stem(name)+".truth.json")
	got := map[cleartext]uint64{}
	for _, o := range inv.Offers {
		got[cleartext{o.Server.String(), o.Preface, o.State}] += o.Count
	}
	all := slices.Collect(maps.Keys(want))
	for k := range got {
		if _, ok := want[k]; !ok {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b cleartext) int {
		return cmp.Or(cmp.Compare(a.Server, b.Server), cmp.Compare(a.StartTLS, b.StartTLS), cmp.Compare(a.State, b.State))
	})
	for _, k := range all {
		if got[k] != want[k] {
			t.Errorf("sessions in the clear at %s, %s %s: got %d, want %d", k.Server, k.StartTLS, k.State, got[k], want[k])
		}
	}
}

func readCleartext(t *testing.T, path string) map[cleartext]uint64 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cleartext []struct {
			cleartext
			Sessions uint64 `json:"sessions"`
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	list := map[cleartext]uint64{}
	for _, c := range file.Cleartext {
		list[c.cleartext] += c.Sessions
	}
	return list
}

// checkPreface compares what stood before TLS.
func (h *handshake) checkPreface(e *event, differ func(string, any, any)) {
	for _, f := range []struct {
		field string
		got   *string
		want  string
	}{{"starttls", e.StartTLS, h.StartTLS}, {"target", e.Target, h.Target}, {"client_origin", e.ClientOrigin, h.ClientOrigin}} {
		if got := word(f.got); got != cmp.Or(f.want, "null") {
			differ(f.field, got, cmp.Or(f.want, "null"))
		}
	}
}
