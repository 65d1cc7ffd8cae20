//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const readmeHead = `# Captures

Real TLS between real programs, made by ` + "`go generate ./testdata/pcaps/gen`" + ` (Linux, root; ` + "`go run ./testdata/pcaps/gen --list`" + ` and ` + "`--only NAME`" + ` for single ones).
This file is written by it too.

Beside each capture:

- ` + "`NAME.truth.json`" + `: what the programs did, one entry a handshake, from their configuration, exit codes, logs and key logs, never from blindspot.
  The generator holds every capture against tshark 4.0 and stops where tshark and the truth disagree: server names, client randoms, versions, cipher suites,
  hello retries, alerts, the SHA-256 of every visible certificate of both sides, and with the key log of every hidden one of the server.
  ` + "`cleartext`" + `: sessions that stayed without TLS, because the server refused it or the client declined what was offered; they are no handshakes.
  ` + "`client_random`" + ` is tshark's, or the client's own word. ` + "`visible`" + `: the certificates are to be had from the wire without keys.
- ` + "`NAME.keys`" + `: the TLS secrets that the clients logged, where they do.

The packets keep their distances in time, but the first one of every capture is moved to 2026-11-24T10:00:00Z, so that "expired" stays what it is.
The laboratories (` + "`lab-*`, `lab13-*`" + `) keep the real time: their certificates are made for one run, relative to its start, and their keys are not kept.
` + "`pki/`" + ` holds the keys and certificates, which are made once. **They are throw-away test keys, published on purpose, and protect nothing.**
` + "`demo/`" + ` is the configuration that goes with ` + "`demo.pcap`" + `.
` + "`lab/incident`" + ` and ` + "`lab/healthy`" + ` are those of the laboratories: what Prometheus and its blackbox exporter really ran with (and answered: ` + "`*.answer.json`" + `),
trust stores, inventory, certificates by role, and ` + "`expected.yml`" + `, the report expected, written by hand from what was built.
` + "`lab/incident13`" + ` and ` + "`lab/healthy13`" + ` are the same where every server speaks TLS 1.3 alone: no certificate is to be seen. ` + "`NAME.looks.sqlite`" + ` is a store with what
` + "`blindspot verify`" + ` was shown by their servers when the capture had ended, and ` + "`expected-looks.yml`" + ` the report expected of both.
Where the last column says less than all, tshark sees less than was there (it gives up on handshake messages above 64 KB and on message headers split over records), or the capture was cut on purpose.

| capture | made with | point | tshark saw |
| --- | --- | --- | --- |
`

// writeReadme lists the captures in the order of the scenarios. One that was not
// made yet is left out, and named in the error.
func (g *generator) writeReadme() error {
	var b strings.Builder
	var missing []error
	b.WriteString(readmeHead)
	for _, group := range groups {
		for _, s := range group {
			l := &lab{generator: g, scenario: s}
			t, err := readTruth(l.base() + ".truth.json")
			if err != nil {
				missing = append(missing, fmt.Errorf("%s was not made yet, and is not in README.md: run this without --only: %w", s.name, err))
				continue
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.name, s.stack, s.point, t.Tshark)
		}
	}
	return errors.Join(append(missing, os.WriteFile(filepath.Join(g.dir, "README.md"), []byte(b.String()), 0o644))...) //nolint:gosec // checked in
}
