package config

import (
	"net/netip"
	"path/filepath"
	"strings"

	"blindspot/discover"
	"blindspot/discover/monitored"

	"go.yaml.in/yaml/v3"
)

func (d *decoder) root(n *yaml.Node) error {
	f := d.file
	err := d.mapping(n, fields{
		"scope":     d.scope,
		"monitored": func(n *yaml.Node) error { return d.list(n, d.monitored) },
		"monitor_sources": func(n *yaml.Node) (err error) {
			f.MonitorSources, err = d.prefixes(n)
			return err
		},
		"inventory":    func(n *yaml.Node) error { return d.list(n, d.inventory) },
		"trust_stores": func(n *yaml.Node) error { return d.list(n, d.trustStore) },
		"surfaces":     func(n *yaml.Node) error { return d.list(n, d.surface) },
		"expiring_within": func(n *yaml.Node) (err error) {
			f.ExpiringWithin, err = d.duration(n)
			return err
		},
		"tunnel_ports": d.tunnelPorts,
		"live":         d.live,
		"ech_public_names": func(n *yaml.Node) (err error) {
			f.ECHPublicNames, err = d.publicNames(n)
			return err
		},
	})
	if err != nil {
		return err
	}
	return d.storesExist()
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

// publicNames reads the names that providers of Encrypted Client Hello let
// clients show. Each stands for itself alone.
func (d *decoder) publicNames(n *yaml.Node) ([]string, error) {
	var names []string
	err := d.list(n, func(n *yaml.Node) error {
		sent, err := d.text(n, "a hostname such as ech.shop.example")
		if err != nil {
			return err
		}
		name, ok := discover.Hostname(sent)
		if !ok {
			return d.errorf(n, "%q is not a hostname: want the public name of an ECH provider, such as ech.shop.example", sent)
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
	e, err := d.source(n, sourceWords{
		what: "monitoring source", kinds: monitored.Kinds(), example: "{kind: hosts, path: hosts.txt}",
		option: d.filePath, takes: takesMonitoredOption,
	})
	if err != nil {
		return err
	}
	d.file.Monitored = append(d.file.Monitored, monitored.Spec{Kind: e.kind, Path: e.path, Options: e.options})
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

// takesMonitoredOption asks the package that knows: kind:path,name=value is cut
// into an option only where the kind has it. A server that is asked has options
// of its own.
func takesMonitoredOption(kind, path, name string) bool {
	spec, err := monitored.ParseSpec(kind + ":" + path + "," + name + "=value")
	return err == nil && spec.Options[name] == "value"
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
