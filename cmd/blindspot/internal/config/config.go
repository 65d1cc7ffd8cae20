// Package config reads the configuration file: YAML, strictly. A key that is
// not known, a value of another type and a value that makes no sense are errors
// that name file, line and column and say what is expected there.
//
// It reads the file and nothing that the file names.
package config

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"blindspot/cmd/blindspot/internal/ports"
	"blindspot/discover"
	"blindspot/discover/inventory"
	"blindspot/discover/monitored"
	"blindspot/discover/trust"

	"go.yaml.in/yaml/v3"
)

// maxSize bounds the configuration file.
const maxSize = 8 << 20

// File is a configuration file. Paths in it are relative to the working
// directory, no longer to the file.
type File struct {
	Scope          Scope
	Monitored      []monitored.Spec
	MonitorSources []netip.Prefix
	Inventory      []inventory.Spec
	TrustStores    []trust.Spec // read by the commands that judge, not here
	Surfaces       []Surface
	ExpiringWithin time.Duration // 0: not set
	ECHPublicNames []string      // normalised; beside those that are known
	TunnelPorts    []ports.Change
	Live           Live // of the sensor
}

// Scope is what is ours.
type Scope struct {
	Domains []string // normalised
	Servers []netip.Prefix
}

// Surface is a named class of endpoints. Every condition that is given must
// hold; at least one is.
type Surface struct {
	Name       string
	Owner      string
	TrustStore string

	Servers  []netip.Prefix
	Ports    []uint16
	Names    []string       // hostnames, and *.domain
	Networks []string       // names of capture networks
	Issuers  []string       // part of the issuer's name
	Clients  []netip.Prefix // where its clients are
	StartTLS []string       // words of events, such as smtp
	MTLS     discover.Tri   // clients are asked for certificates
}

// Read reads the configuration file at path. The empty path is the empty
// configuration.
func Read(path string) (*File, error) {
	if path == "" {
		return &File{}, nil
	}
	r, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if len(text) > maxSize {
		return nil, fmt.Errorf("configuration: %s: larger than %d MiB: this is no configuration file", path, maxSize>>20)
	}
	return parse(path, text)
}

// parse reads text as the file at path.
func parse(path string, text []byte) (*File, error) {
	d := decoder{path: path, dir: filepath.Dir(path), file: &File{}}
	root, err := d.document(text)
	if err != nil || root == nil {
		return d.file, err
	}
	if err := d.root(root); err != nil {
		return nil, err
	}
	return d.file, nil
}

// decoder carries what errors and paths need.
type decoder struct {
	path, dir string
	file      *File
	storeRefs []*yaml.Node // where each surface names its trust store, or nil
}

// document returns the root of the only document, nil where there is none.
func (d *decoder) document(text []byte) (*yaml.Node, error) {
	in := yaml.NewDecoder(strings.NewReader(string(text)))
	var doc, more yaml.Node
	switch err := in.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, d.syntax(err)
	}
	switch err := in.Decode(&more); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, d.syntax(err)
	default:
		return nil, d.errorf(&more, "a second document begins here; a configuration file is one")
	}
	root := doc.Content[0]
	if isNull(root) {
		return nil, nil
	}
	return root, nil
}

// syntax turns "yaml: line 3: …" into "file:3: …".
func (d *decoder) syntax(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		return fmt.Errorf("%s:%s (this is no YAML; check indentation and quotes)", d.path, rest)
	}
	return fmt.Errorf("%s: %s (this is no YAML; check indentation and quotes)", d.path, text)
}

func (d *decoder) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %s", d.path, n.Line, n.Column, fmt.Sprintf(format, args...))
}
