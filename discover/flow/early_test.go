package flow

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/discover"
)

// TestEarlyDataBehindTheAnswer: 0-RTT data of two bytes is a record of an
// alert's size. A mirror that delivers the server's answer before the client's
// hello must not make a refusal of it.
func TestEarlyDataBehindTheAnswer(t *testing.T) {
	const file = "../../testdata/pcaps/openssl-early-data"
	var truth struct {
		Handshakes []struct{ Client, Outcome string }
	}
	text, err := os.ReadFile(file + ".truth.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &truth); err != nil {
		t.Fatal(err)
	}
	want := make(map[string]string)
	for _, h := range truth.Handshakes {
		want[h.Client] = h.Outcome
	}
	got := make(map[string]string)
	table := New(Config{Emit: func(o *discover.Observation) { got[o.Client.String()] = string(o.Outcome) }})
	for i, s := range answersFirst(segments(t, file+".pcap")) {
		table.Segment(&s, uint64(i+1))
	}
	table.Close()
	for client, outcome := range want {
		if got[client] != outcome {
			t.Errorf("%s: got %q, want %q", client, got[client], outcome)
		}
	}
}

// segments decodes a capture.
func segments(t *testing.T, path string) (list []decode.Segment) {
	t.Helper()
	src, err := capture.Open(path, capture.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dec := decode.New(decode.Config{})
	batch := make([]capture.Packet, 64)
	for {
		n, err := src.Next(batch)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch[:n] {
			var s decode.Segment
			if dec.Decode(&batch[i], &s) {
				s.Payload = append([]byte(nil), s.Payload...)
				list = append(list, s)
			}
		}
	}
}

// answersFirst moves the server's first two payloads of each connection before
// the client's first.
func answersFirst(list []decode.Segment) (out []decode.Segment) {
	moved := make(map[int]bool)
	begun := make(map[uint16]bool)
	for i, s := range list {
		if moved[i] {
			continue
		}
		if len(s.Payload) > 0 && !begun[s.SrcPort] && s.DstPort < 40000 {
			begun[s.SrcPort] = true
			for j, n := i+1, 0; j < len(list) && n < 2; j++ {
				if a := list[j]; a.DstPort == s.SrcPort && len(a.Payload) > 0 {
					a.Time = s.Time
					out = append(out, a)
					moved[j] = true
					n++
				}
			}
		}
		out = append(out, s)
	}
	return out
}
