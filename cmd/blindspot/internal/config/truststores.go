package config

import (
	"fmt"
	"slices"

	"blindspot/discover/trust"

	"go.yaml.in/yaml/v3"
)

// builtinStores are the words of trust_stores.builtin.
var builtinStores = []string{"mozilla", "system"}

// storeExample is what a trust store can be made of.
const storeExample = "builtin: mozilla or system, pem: [FILE], jks: FILE, pkcs12: FILE, spiffe: FILE or kubernetes: FILE"

// trustStore reads one entry of trust_stores; several sources make one store.
func (d *decoder) trustStore(n *yaml.Node) error {
	s := trust.Spec{Ref: fmt.Sprintf("%s:%d", d.path, n.Line)}
	err := d.mapping(n, fields{
		"name": func(n *yaml.Node) (err error) { s.Name, err = d.text(n, "a name"); return err },
		"builtin": func(n *yaml.Node) (err error) {
			s.Builtin, err = d.word(n, "built-in trust store", builtinStores)
			return err
		},
		"pem":    func(n *yaml.Node) (err error) { s.PEM, err = d.paths(n); return err },
		"jks":    func(n *yaml.Node) (err error) { s.JKS, err = d.filePath(n); return err },
		"pkcs12": func(n *yaml.Node) (err error) { s.PKCS12, err = d.filePath(n); return err },
		"password": func(n *yaml.Node) (err error) {
			s.Password, err = d.text(n, "the password of the keystore")
			return err
		},
		"spiffe":       func(n *yaml.Node) (err error) { s.SPIFFE, err = d.filePath(n); return err },
		"trust_domain": func(n *yaml.Node) (err error) { s.TrustDomain, err = d.text(n, "a SPIFFE trust domain"); return err },
		"kubernetes":   func(n *yaml.Node) (err error) { s.Kubernetes, err = d.filePath(n); return err },
	})
	switch {
	case err != nil:
		return err
	case s.Name == "":
		return d.errorf(n, "this trust store has no name: surfaces refer to it by name")
	case s.Builtin == "" && len(s.PEM) == 0 && s.JKS+s.PKCS12+s.SPIFFE+s.Kubernetes == "":
		return d.errorf(n, "trust store %q is made of nothing: want %s", s.Name, storeExample)
	case s.Password != "" && s.JKS+s.PKCS12 == "":
		return d.errorf(n, "trust store %q: a password is for jks and pkcs12, and it has neither", s.Name)
	case slices.ContainsFunc(d.file.TrustStores, func(o trust.Spec) bool { return o.Name == s.Name }):
		return d.errorf(n, "trust store %q is there already: names are given once", s.Name)
	}
	d.file.TrustStores = append(d.file.TrustStores, s)
	return nil
}

// paths reads one path or a list of them.
func (d *decoder) paths(n *yaml.Node) (list []string, err error) {
	if n = deref(n); n.Kind == yaml.ScalarNode && !isNull(n) {
		path, err := d.filePath(n)
		return []string{path}, err
	}
	err = d.list(n, func(n *yaml.Node) error {
		path, err := d.filePath(n)
		list = append(list, path)
		return err
	})
	return list, err
}
