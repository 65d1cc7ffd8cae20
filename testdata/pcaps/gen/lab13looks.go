//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"blindspot/discover"
	"blindspot/store"
)

// The sensor's own addresses at the switch, from which it asks.
const (
	sensorIP  = "10.77.3.8"
	sensorIP6 = "fd77::3:8"
)

// program is where the blindspot of this tree is built to.
func (b *laboratory) program() string { return filepath.Join(b.tmp, "blindspot") }

// build builds it, before anything else: it is of no use to begin without it.
func (b *laboratory) build() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(b.ctx, "go", "build", "-o", b.program(), "./cmd/blindspot")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build blindspot: %w:\n%s", err, out)
	}
	return nil
}

// look ends the capture, and has the program ask the servers, which still run,
// for what the capture hides, from the switch where the sensor is. Only the
// looks are kept beside the capture: the traffic is there already.
func (b *laboratory) look() error {
	if err := b.stopCapture(); err != nil {
		return err
	}
	for _, step := range [][]string{
		{"ip", "-n", b.mirror, "addr", "add", sensorIP + "/16", "dev", "br0"},
		{"ip", "-n", b.mirror, "addr", "add", sensorIP6 + "/64", "dev", "br0", "nodad"},
	} {
		if out, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil { //nolint:gosec // our own words
			return fmt.Errorf("%s: %w: %s", strings.Join(step, " "), err, out)
		}
	}
	db := filepath.Join(b.tmp, "traffic.db")
	if err := b.blindspot("pcap", "--quiet", "--db", db, b.raw); err != nil {
		return err
	}
	if err := b.blindspot("verify", "--db", db, "--config", filepath.Join(b.out, "blindspot.yml"), "--rate", "20", "-o", "csv"); err != nil {
		return err
	}
	return keepLooks(db, b.base()+".looks.sqlite")
}

// blindspot runs the program at the switch.
func (b *laboratory) blindspot(args ...string) error {
	cmd := exec.CommandContext(b.ctx, "ip", append([]string{"netns", "exec", b.mirror, b.program()}, args...)...) //nolint:gosec // our own words
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("blindspot %s: %w:\n%s", strings.Join(args, " "), err, said.String())
	}
	return nil
}

// keepLooks copies the looks of one store into a new one.
func keepLooks(from, to string) error {
	full, err := store.Open(from, store.Options{ReadOnly: true, MustExist: true})
	if err != nil {
		return err
	}
	batch, name, err := looksOf(full)
	if err := errors.Join(err, full.Close()); err != nil {
		return err
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	kept, err := store.Open(to, store.Options{})
	if err != nil {
		return err
	}
	w, err := kept.Start(discover.Source{Kind: "verify", Name: name})
	if err == nil {
		if err = w.Write(batch); err == nil {
			_, err = w.Finish("")
		}
	}
	return errors.Join(err, kept.Close())
}

// looksOf returns the looks of a store, and the name of their source.
func looksOf(db *store.DB) (*discover.Batch, string, error) {
	inv, err := db.Inventory(store.Query{})
	if err != nil {
		return nil, "", err
	}
	batch, name := &discover.Batch{}, ""
	chains, certs := map[discover.ChainID]bool{}, map[discover.Fingerprint]bool{}
	for s, err := range inv.Sightings {
		if err != nil {
			return nil, "", err
		}
		if s.Class != discover.ClassVerify {
			continue
		}
		copied := *s
		batch.Sightings = append(batch.Sightings, &copied)
		if chains[s.Chain] {
			continue
		}
		chains[s.Chain] = true
		chain := inv.Chain(s.Chain)
		batch.Chains = append(batch.Chains, discover.Chain{ID: s.Chain, Certificates: chain})
		for _, f := range chain {
			if !certs[f] {
				certs[f] = true
				batch.Certificates = append(batch.Certificates, inv.Certificate(f))
			}
		}
	}
	if len(batch.Sightings) == 0 {
		return nil, "", errors.New("blindspot verify was shown nothing")
	}
	sources, err := db.Sources()
	for _, s := range sources {
		if s.Kind == "verify" {
			name = s.Name
		}
	}
	return batch, name, err
}
