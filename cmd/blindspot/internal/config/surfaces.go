package config

import (
	"slices"
	"strings"

	"blindspot/cmd/blindspot/internal/nearest"
	"blindspot/discover"

	"go.yaml.in/yaml/v3"
)

// surface reads one entry of surfaces.
func (d *decoder) surface(n *yaml.Node) error {
	s := Surface{}
	var store *yaml.Node
	err := d.mapping(n, fields{
		"name":  func(n *yaml.Node) (err error) { s.Name, err = d.text(n, "a name"); return err },
		"owner": func(n *yaml.Node) (err error) { s.Owner, err = d.text(n, "who owns it"); return err },
		"trust_store": func(n *yaml.Node) (err error) {
			store = n
			s.TrustStore, err = d.text(n, "a trust store's name")
			return err
		},
		"servers":  func(n *yaml.Node) (err error) { s.Servers, err = d.prefixes(n); return err },
		"ports":    func(n *yaml.Node) (err error) { s.Ports, err = d.ports(n); return err },
		"names":    func(n *yaml.Node) (err error) { s.Names, err = d.patterns(n); return err },
		"networks": func(n *yaml.Node) (err error) { s.Networks, err = d.words(n, "the name of a network"); return err },
		"issuers": func(n *yaml.Node) (err error) {
			s.Issuers, err = d.words(n, "an issuer's name, or a part of it")
			return err
		},
		"clients":  func(n *yaml.Node) (err error) { s.Clients, err = d.prefixes(n); return err },
		"starttls": func(n *yaml.Node) (err error) { s.StartTLS, err = d.words(n, "a protocol such as smtp"); return err },
		"mtls":     func(n *yaml.Node) (err error) { s.MTLS, err = d.truth(n); return err },
	})
	switch {
	case err != nil:
		return err
	case s.Name == "":
		return d.errorf(n, "this surface has no name")
	case s.everything():
		return d.errorf(n, "surface %q matches everything: want servers, ports, names, networks, issuers, clients, starttls or mtls", s.Name)
	}
	d.file.Surfaces = append(d.file.Surfaces, s)
	d.storeRefs = append(d.storeRefs, store)
	return nil
}

func (s *Surface) everything() bool {
	return len(s.Servers)+len(s.Ports)+len(s.Names)+len(s.Networks)+len(s.Issuers)+len(s.Clients)+len(s.StartTLS) == 0 && s.MTLS == discover.Unknown
}

// storesExist checks that surfaces name trust stores of this file, wherever in
// it they stand.
func (d *decoder) storesExist() error {
	var names []string
	for _, s := range d.file.TrustStores {
		names = append(names, s.Name)
	}
	known := "trust_stores has " + strings.Join(names, ", ")
	if len(names) == 0 {
		known = "add it to trust_stores, such as {name: public, builtin: mozilla}"
	}
	for i := range d.file.Surfaces {
		s := &d.file.Surfaces[i]
		if s.TrustStore != "" && !slices.Contains(names, s.TrustStore) {
			return d.errorf(d.storeRefs[i], "surface %q: there is no trust store %q%s: %s", s.Name, s.TrustStore, nearest.Hint(s.TrustStore, names), known)
		}
	}
	return nil
}

// words reads one word or a list of them, none of them empty.
func (d *decoder) words(n *yaml.Node, want string) (list []string, err error) {
	one := func(n *yaml.Node) error {
		s, err := d.text(n, want)
		if err == nil && s == "" {
			err = d.errorf(n, "found an empty text, want %s", want)
		}
		list = append(list, s)
		return err
	}
	if n = deref(n); n.Kind == yaml.ScalarNode && !isNull(n) {
		err = one(n)
		return list, err
	}
	err = d.list(n, one)
	return list, err
}

// truth reads true or false.
func (d *decoder) truth(n *yaml.Node) (discover.Tri, error) {
	var yes bool
	s, err := d.text(n, "true or false")
	if err != nil {
		return discover.Unknown, err
	}
	if deref(n).Decode(&yes) != nil {
		return discover.Unknown, d.errorf(n, "%q is neither true nor false", s)
	}
	return discover.TriOf(yes), nil
}
