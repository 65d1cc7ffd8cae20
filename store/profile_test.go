package store

import (
	"slices"
	"testing"

	"blindspot/discover"
)

// TestChoiceOfEqual writes two states of a sighting that have the same number of
// handshakes, in either order: the same words win.
func TestChoiceOfEqual(t *testing.T) {
	one, other := sighting("a.shop.example", 5), sighting("a.shop.example", 5)
	one.ALPN, one.LastCipher = "h2", "c1"
	other.ALPN, other.LastCipher = "http/1.1", "c0"
	for _, order := range [][]*discover.Sighting{{one, other}, {other, one}, {one, other, one}} {
		db := temp(t)
		w := start(t, db, pcap)
		// The numbers of choices must not decide: they follow the order.
		for _, s := range order {
			write(t, w, &discover.Batch{Sightings: []*discover.Sighting{s}})
		}
		for _, s := range seen(t, db, Query{}) {
			if s.ALPN != "http/1.1" || s.LastCipher != "c0" || s.Count != 5 {
				t.Errorf("got %q, %q, %d handshakes, want those of the greater list", s.ALPN, s.LastCipher, s.Count)
			}
		}
	}
}

// TestNumbersForgotten undoes a transaction that numbered a profile: the next
// one must not use the number.
func TestNumbersForgotten(t *testing.T) {
	db := temp(t)
	w := start(t, db, pcap)
	b := &discover.Batch{Sightings: []*discover.Sighting{sighting("a.shop.example", 1)}}
	err := db.write("undo", func(c *conn) error {
		if err := w.batch(c, b); err != nil {
			return err
		}
		return errStop
	})
	if err == nil {
		t.Fatal("got no error")
	}
	write(t, w, b)
	if got := len(seen(t, db, Query{})); got != 1 {
		t.Errorf("got %d sightings, want 1", got)
	}
}

// TestJournal follows a store from its first batch on.
func TestJournal(t *testing.T) {
	db := temp(t)
	var modes []string
	note := func() {
		_, err := db.writer.one("PRAGMA journal_mode", func(r *rows) { modes = append(modes, r.text(0)) })
		if err != nil {
			t.Fatal(err)
		}
	}
	note()
	w := start(t, db, pcap)
	note()
	write(t, w, batch(3))
	note()
	if want := []string{"delete", "delete", "wal"}; !slices.Equal(modes, want) {
		t.Errorf("got %q, want %q", modes, want)
	}
}

// TestManyNumbers goes over the bound on what is kept in memory.
func TestManyNumbers(t *testing.T) {
	db := temp(t)
	n := newNumbers[choice]("choices", choiceColumns)
	err := db.write("number", func(c *conn) error {
		first, err := n.of(c, choice{alpn: "h2"})
		if err != nil {
			return err
		}
		for i := range maxNumbered {
			n.ids[choice{cipher: string(rune(i)), group: "filler"}] = int64(i)
		}
		again, err := n.of(c, choice{alpn: "h3"})
		if len(n.ids) > maxNumbered || again == first {
			t.Errorf("got %d kept, numbers %d and %d", len(n.ids), first, again)
		}
		if err != nil {
			return err
		}
		if back, err := n.of(c, choice{alpn: "h2"}); err != nil || back != first {
			t.Errorf("got %d, %v, want %d again", back, err, first)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
