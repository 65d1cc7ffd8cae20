package nearest

import "testing"

func TestWord(t *testing.T) {
	known := []string{"pcap", "monitored", "monitor_sources", "since", "until", "db"}
	tests := []struct{ word, want string }{
		{"pacp", "pcap"},
		{"pcaps", "pcap"},
		{"monitord", "monitored"},
		{"monitor_source", "monitor_sources"},
		{"sinse", "since"},
		{"bd", "db"},
		{"", ""},
		{"zzz", ""},
		{"certificates", ""},
	}
	for _, tt := range tests {
		if got := Word(tt.word, known); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.word, got, tt.want)
		}
	}
}

func TestHint(t *testing.T) {
	if got, want := Hint("pacp", []string{"pcap"}), `; did you mean "pcap"?`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Hint("x", []string{"pcap"}); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}
