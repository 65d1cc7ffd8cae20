package config

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"blindspot/cmd/blindspot/internal/nearest"
	"blindspot/discover"
	"blindspot/discover/monitored"

	"go.yaml.in/yaml/v3"
)

// builtinStores are the words of trust_stores.builtin.
var builtinStores = []string{"mozilla", "system"}

func (d *decoder) root(n *yaml.Node) error {
	f := d.file
	var surfaces, stores *yaml.Node
	err := d.mapping(n, fields{
		"scope":     d.scope,
		"monitored": func(n *yaml.Node) error { return d.list(n, d.monitored) },
		"monitor_sources": func(n *yaml.Node) (err error) {
			f.MonitorSources, err = d.prefixes(n)
			return err
		},
		"inventory": func(n *yaml.Node) error {
			f.Idle = append(f.Idle, "inventory")
			return d.list(n, d.inventory)
		},
		"trust_stores": func(n *yaml.Node) error {
			stores = n
			f.Idle = append(f.Idle, "trust_stores")
			return d.list(n, d.trustStore)
		},
		"surfaces": func(n *yaml.Node) error {
			surfaces = n
			return d.list(n, d.surface)
		},
		"expiring_within": func(n *yaml.Node) (err error) {
			f.ExpiringWithin, err = d.duration(n)
			return err
		},
	})
	if err != nil {
		return err
	}
	slices.Sort(f.Idle)
	if stores != nil && surfaces != nil {
		return d.storesExist(surfaces)
	}
	return nil
}

func (d *decoder) scope(n *yaml.Node) error {
	return d.mapping(n, fields{
		"domains": func(n *yaml.Node) (err error) {
			d.file.Scope.Domains, err = d.domains(n)
			return err
		},
		"servers": func(n *yaml.Node) (err error) {
			d.file.Scope.Servers, err = d.prefixes(n)
			return err
		},
	})
}

// domains reads names that stand for themselves and everything below.
func (d *decoder) domains(n *yaml.Node) ([]string, error) {
	var names []string
	err := d.list(n, func(n *yaml.Node) error {
		sent, err := d.text(n, "a domain such as shop.example")
		if err != nil {
			return err
		}
		name, ok := discover.Hostname(strings.TrimPrefix(strings.TrimPrefix(sent, "*"), "."))
		if !ok {
			return d.errorf(n, "%q is not a domain: want one such as shop.example, which stands for the names below it too", sent)
		}
		names = append(names, name)
		return nil
	})
	return names, err
}

// monitored reads one entry: kind and path, and the options of its kind.
func (d *decoder) monitored(n *yaml.Node) error {
	if n = deref(n); n.Kind == yaml.ScalarNode { // the same words as --monitored
		return d.monitoredWord(n)
	}
	spec := monitored.Spec{}
	options := map[string]*yaml.Node{}
	err := d.anyMapping(n, func(key, value *yaml.Node) (err error) {
		switch key.Value {
		case "kind":
			spec.Kind, err = d.word(value, "kind of monitoring source", monitored.Kinds())
		case "path":
			spec.Path, err = d.filePath(value)
		default:
			options[key.Value] = key
			if spec.Options == nil {
				spec.Options = map[string]string{}
			}
			spec.Options[key.Value], err = d.filePath(value)
		}
		return err
	})
	if err != nil {
		return err
	}
	if spec.Path == "" {
		return d.errorf(n, "this source has no path: want {kind: hosts, path: hosts.txt}")
	}
	for name, key := range options {
		if !takesOption(spec.Kind, name) {
			return d.errorf(key, "unknown key %q%s of a source of kind %q: want kind and path (and blackbox for prometheus)",
				name, nearest.Hint(name, []string{"kind", "path", "blackbox"}), spec.Kind)
		}
	}
	d.file.Monitored = append(d.file.Monitored, spec)
	return nil
}

func (d *decoder) monitoredWord(n *yaml.Node) error {
	word, err := d.text(n, "{kind: hosts, path: hosts.txt} or hosts:hosts.txt")
	if err != nil {
		return err
	}
	spec, err := monitored.ParseSpec(word)
	if err != nil {
		return d.errorf(n, "%v", err)
	}
	spec.Path = d.resolve(spec.Path)
	for k, v := range spec.Options {
		spec.Options[k] = d.resolve(v)
	}
	d.file.Monitored = append(d.file.Monitored, spec)
	return nil
}

// takesOption asks the package that knows: kind:path,name=value is cut into an
// option only where the kind has it.
func takesOption(kind, name string) bool {
	if kind == "" {
		return false
	}
	spec, err := monitored.ParseSpec(kind + ":path," + name + "=value")
	return err == nil && spec.Options[name] == "value"
}

func (d *decoder) inventory(n *yaml.Node) error {
	src := Source{}
	err := d.mapping(n, fields{
		"kind": func(n *yaml.Node) (err error) { src.Kind, err = d.text(n, "a kind such as pem"); return err },
		"path": func(n *yaml.Node) (err error) { src.Path, err = d.filePath(n); return err },
	})
	if err == nil && src.Path == "" {
		err = d.errorf(n, "this source has no path: want {kind: pem, path: /etc/ssl/issued}")
	}
	d.file.Inventory = append(d.file.Inventory, src)
	return err
}

func (d *decoder) trustStore(n *yaml.Node) error {
	s := TrustStore{}
	err := d.mapping(n, fields{
		"name": func(n *yaml.Node) (err error) { s.Name, err = d.text(n, "a name"); return err },
		"builtin": func(n *yaml.Node) (err error) {
			s.Builtin, err = d.word(n, "built-in trust store", builtinStores)
			return err
		},
		"pem": func(n *yaml.Node) error {
			return d.list(n, func(n *yaml.Node) error {
				path, err := d.filePath(n)
				s.PEM = append(s.PEM, path)
				return err
			})
		},
	})
	switch {
	case err != nil:
		return err
	case s.Name == "":
		return d.errorf(n, "this trust store has no name: surfaces refer to it by name")
	case (s.Builtin == "") == (len(s.PEM) == 0):
		return d.errorf(n, "trust store %q: want either builtin (%s) or pem: [FILE]", s.Name, strings.Join(builtinStores, ", "))
	case slices.ContainsFunc(d.file.TrustStores, func(o TrustStore) bool { return o.Name == s.Name }):
		return d.errorf(n, "trust store %q is there already: names are given once", s.Name)
	}
	d.file.TrustStores = append(d.file.TrustStores, s)
	return nil
}

func (d *decoder) surface(n *yaml.Node) error {
	s := Surface{}
	err := d.mapping(n, fields{
		"name":        func(n *yaml.Node) (err error) { s.Name, err = d.text(n, "a name"); return err },
		"owner":       func(n *yaml.Node) (err error) { s.Owner, err = d.text(n, "who owns it"); return err },
		"trust_store": func(n *yaml.Node) (err error) { s.TrustStore, err = d.text(n, "a trust store's name"); return err },
		"servers":     func(n *yaml.Node) (err error) { s.Servers, err = d.prefixes(n); return err },
		"ports":       func(n *yaml.Node) (err error) { s.Ports, err = d.ports(n); return err },
		"names":       func(n *yaml.Node) (err error) { s.Names, err = d.patterns(n); return err },
	})
	switch {
	case err != nil:
		return err
	case s.Name == "":
		return d.errorf(n, "this surface has no name")
	case len(s.Servers)+len(s.Ports)+len(s.Names) == 0:
		return d.errorf(n, "surface %q matches everything: want servers, ports or names", s.Name)
	}
	d.file.Surfaces = append(d.file.Surfaces, s)
	return nil
}

// storesExist checks that surfaces name trust stores of this file.
func (d *decoder) storesExist(surfaces *yaml.Node) error {
	var names []string
	for _, s := range d.file.TrustStores {
		names = append(names, s.Name)
	}
	for i, s := range d.file.Surfaces {
		if s.TrustStore != "" && !slices.Contains(names, s.TrustStore) {
			return d.errorf(deref(surfaces).Content[i], "surface %q: there is no trust store %q%s: trust_stores has %s",
				s.Name, s.TrustStore, nearest.Hint(s.TrustStore, names), strings.Join(names, ", "))
		}
	}
	return nil
}

// patterns reads hostnames and wildcards such as *.shop.example.
func (d *decoder) patterns(n *yaml.Node) ([]string, error) {
	var list []string
	err := d.list(n, func(n *yaml.Node) error {
		sent, err := d.text(n, "a hostname or *.domain")
		if err != nil {
			return err
		}
		rest, wild := strings.CutPrefix(sent, "*.")
		name, ok := discover.Hostname(rest)
		if !ok {
			return d.errorf(n, "%q is neither a hostname nor *.domain", sent)
		}
		if wild {
			name = "*." + name
		}
		list = append(list, name)
		return nil
	})
	return list, err
}

func (d *decoder) prefixes(n *yaml.Node) ([]netip.Prefix, error) {
	var list []netip.Prefix
	err := d.list(n, func(n *yaml.Node) error {
		s, err := d.text(n, "an address or a network such as 10.0.0.0/8")
		if err != nil {
			return err
		}
		p, why := ParsePrefix(s)
		if why != "" {
			return d.errorf(n, "%s", why)
		}
		list = append(list, p)
		return nil
	})
	return list, err
}

// ParsePrefix reads a network or a single address; why says what is wrong.
func ParsePrefix(s string) (p netip.Prefix, why string) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), ""
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, `"` + s + `" is no network: want an address or a network such as 10.0.0.0/8 or "2001:db8::/32"`
	}
	if p != p.Masked() {
		return p, `"` + s + `" has bits beyond its length: want ` + p.Masked().String() + " for the network or " +
			netip.PrefixFrom(p.Addr(), p.Addr().BitLen()).String() + " for the address"
	}
	return p, ""
}

// filePath reads a path and makes it relative to the working directory.
func (d *decoder) filePath(n *yaml.Node) (string, error) {
	s, err := d.text(n, "a path")
	if err != nil {
		return "", err
	}
	if s == "" {
		return "", d.errorf(n, "the path is empty")
	}
	return d.resolve(s), nil
}

func (d *decoder) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) || strings.Contains(path, "://") {
		return path
	}
	return filepath.Join(d.dir, path)
}
