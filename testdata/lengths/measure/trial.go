package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"blindspot/discover/lengths"
	"blindspot/tlsparse"
)

// trial is one handshake with the truth: what was seen, and what the server
// was told to serve.
type trial struct {
	Stack   string `json:"stack"`
	Version string `json:"version"`
	Client  string `json:"client"`

	Service string   `json:"service"`
	Key     string   `json:"key"`
	Series  string   `json:"series,omitempty"` // of renewals
	Number  int      `json:"number,omitempty"` // within the series
	Chain   []string `json:"chain"`            // fingerprints
	Lengths []int    `json:"lengths"`          // of the certificates
	Issuers []int    `json:"issuers"`          // lengths of all that issued them, up to the root
	Message int      `json:"message"`          // length of the Certificate message
	Stapled int      `json:"stapled"`          // with the staple that the server has

	Hello   string `json:"hello"`
	Suite   uint16 `json:"suite"`
	Retry   bool   `json:"retry,omitempty"`
	Records []int  `json:"records"`

	evidence lengths.Evidence
}

func newTrial(stack, version, client string, s *service, x *seen) *trial {
	t := &trial{
		Stack: stack, Version: version, Client: client,
		Service: s.name, Key: s.kind, Series: s.series, Number: s.number,
		Lengths: s.ders(), Message: s.message(), Stapled: s.stapled(),
		Hello: hex.EncodeToString(x.Hello), Suite: x.Suite, Retry: x.Retry, Records: x.Records,
	}
	for _, c := range s.chain {
		t.Chain = append(t.Chain, fingerprint(c))
	}
	for a := s.owner.issuer; a != nil; a = a.issuer {
		t.Issuers = append(t.Issuers, len(a.cert.Raw))
	}
	t.read()
	return t
}

// read takes the evidence as the sensor does: through its text.
func (t *trial) read() {
	body, err := hex.DecodeString(t.Hello)
	var hello tlsparse.ClientHello
	if err != nil || tlsparse.ParseClientHello(body, &hello) != nil {
		return
	}
	t.evidence, _ = lengths.Parse(lengths.Of(t.Records, &hello, t.Suite))
}

// same reports whether two trials showed the same chain.
func (t *trial) same(o *trial) bool {
	return len(t.Chain) == len(o.Chain) && t.Chain[0] == o.Chain[0]
}

// sampled is what a test reads of a trial.
type sampled struct {
	Name    string `json:"name"`
	Client  string `json:"client"`
	Suite   uint16 `json:"suite"`
	Records []int  `json:"records"`
	// The truth: what the server was told to serve.
	Lengths []int  `json:"lengths"`
	Key     string `json:"key"`
	Stapled int    `json:"stapled"` // length of the message with the server's staple
}

// saveSample writes the trials to flights.jsonl in a folder, and one hello of
// each client to hellos.txt.
func saveSample(dir string, list []*trial) error {
	if dir == "" {
		return nil
	}
	var flights, hellos bytes.Buffer
	e := json.NewEncoder(&flights)
	told := map[string]bool{}
	for _, t := range list {
		if err := e.Encode(sampled{t.Stack + " " + t.Service + " " + t.Client, t.Client, t.Suite, t.Records, t.Lengths, t.Key, t.Stapled}); err != nil {
			return err
		}
		if !told[t.Client] {
			told[t.Client] = true
			fmt.Fprintf(&hellos, "%s\t%s\n", t.Client, t.Hello)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "hellos.txt"), hellos.Bytes(), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "flights.jsonl"), flights.Bytes(), 0o600)
}

func loadTrials(path string) ([]*trial, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []*trial
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		t := &trial{}
		if err := json.Unmarshal(s.Bytes(), t); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, len(out)+1, err)
		}
		t.read()
		out = append(out, t)
	}
	return out, s.Err()
}

func saveTrials(path string, list []*trial) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	e := json.NewEncoder(w)
	for _, t := range list {
		if err := e.Encode(t); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
