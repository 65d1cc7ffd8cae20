package monitored

import (
	"errors"
	"fmt"
	"strings"

	"blindspot/discover"
	"go.yaml.in/yaml/v3"
)

// serve adds a name that an object says is served.
func (k *kubeReader) serve(o *kubeObject, kind string, host at[string], port uint16) {
	ref := k.in.ref(host.Line)
	if host.V == "" || host.V == "*" {
		k.warn(ref, "%s serves any name: which ones is not known", o.name())
		return
	}
	name, err := servedName(host.V)
	if err != nil {
		k.warn(ref, "%s: %s %v", o.name(), quote(host.V), err)
		return
	}
	k.Served = append(k.Served, Name{Hostname: name, Port: port, Ref: ref, Kind: kind})
}

// servedName normalises a name that may begin with a wildcard.
func servedName(s string) (string, error) {
	rest, wildcard := strings.CutPrefix(s, "*.")
	name, ok := discover.Hostname(rest)
	if !ok {
		return "", errors.New("is no hostname")
	}
	if wildcard {
		return "*." + name, nil
	}
	return name, nil
}

// kubeIngress is an Ingress with its namespace and labels, for probes.
type kubeIngress struct {
	*kubeObject
	TLS []struct {
		Hosts []at[string] `yaml:"hosts"`
	} `yaml:"tls"`
	Rules []struct {
		Host at[string] `yaml:"host"`
	} `yaml:"rules"`
}

// ingress reads the names that an Ingress serves over TLS. A rule without TLS
// of its own is served by the controller's default certificate, if at all.
func (k *kubeReader) ingress(o *kubeObject) error {
	ingress := kubeIngress{kubeObject: o}
	if err := decodeNode(&o.Spec, &ingress); err != nil {
		return err
	}
	k.ingresses = append(k.ingresses, ingress)
	seen := map[string]bool{}
	for _, tls := range ingress.TLS {
		for _, host := range tls.Hosts {
			if !seen[host.V] {
				k.serve(o, "Ingress", host, defaultPort)
			}
			seen[host.V] = true
		}
	}
	for _, rule := range ingress.Rules {
		if rule.Host.V == "" || seen[rule.Host.V] || ingress.hasTLS(rule.Host.V) {
			continue
		}
		seen[rule.Host.V] = true
		k.serve(o, "Ingress", rule.Host, 0)
	}
	return nil
}

// hasTLS reports whether the Ingress serves host over TLS with a certificate of
// its own, as Prometheus tells its scheme.
func (i *kubeIngress) hasTLS(host string) bool {
	for _, tls := range i.TLS {
		for _, name := range tls.Hosts {
			if name.V == host || matchesWildcard(name.V, host) {
				return true
			}
		}
	}
	return false
}

// matchesWildcard reports whether *.parent covers host, one label deep.
func matchesWildcard(pattern, host string) bool {
	parent, wildcard := strings.CutPrefix(pattern, "*.")
	_, rest, ok := strings.Cut(host, ".")
	return wildcard && ok && strings.EqualFold(parent, rest)
}

// gateway reads the listeners of a Gateway that speak TLS.
func (k *kubeReader) gateway(o *kubeObject) error {
	var spec struct {
		Listeners []at[struct {
			Hostname at[string] `yaml:"hostname"`
			Port     yaml.Node  `yaml:"port"`
			Protocol string     `yaml:"protocol"`
		}] `yaml:"listeners"`
	}
	if err := decodeNode(&o.Spec, &spec); err != nil {
		return err
	}
	for _, l := range spec.Listeners {
		if l.V.Protocol != "HTTPS" && l.V.Protocol != "TLS" {
			continue
		}
		if l.V.Hostname.Line == 0 {
			l.V.Hostname.Line = l.Line
		}
		port, err := nodePort(&l.V.Port)
		if err != nil {
			return err
		}
		k.serve(o, "Gateway", l.V.Hostname, port)
	}
	return nil
}

// istioGateway reads the servers of an Istio Gateway that speak TLS. A host may
// stand behind a namespace: ns/host.
func (k *kubeReader) istioGateway(o *kubeObject) error {
	var spec struct {
		Servers []struct {
			Hosts []at[string] `yaml:"hosts"`
			Port  struct {
				Number   yaml.Node `yaml:"number"`
				Protocol string    `yaml:"protocol"`
			} `yaml:"port"`
		} `yaml:"servers"`
	}
	if err := decodeNode(&o.Spec, &spec); err != nil {
		return err
	}
	for _, s := range spec.Servers {
		if protocol := strings.ToUpper(s.Port.Protocol); protocol != "HTTPS" && protocol != "TLS" {
			continue
		}
		port, err := nodePort(&s.Port.Number)
		if err != nil {
			return err
		}
		for _, host := range s.Hosts {
			if _, name, ok := strings.Cut(host.V, "/"); ok {
				host.V = name
			}
			k.serve(o, "Istio Gateway", host, port)
		}
	}
	return nil
}

// certificate reads the names that cert-manager issues a certificate for.
func (k *kubeReader) certificate(o *kubeObject) error {
	var spec struct {
		CommonName at[string]   `yaml:"commonName"`
		DNSNames   []at[string] `yaml:"dnsNames"`
	}
	if err := decodeNode(&o.Spec, &spec); err != nil {
		return err
	}
	for _, name := range spec.DNSNames {
		k.serve(o, "Certificate", name, 0)
	}
	return nil
}

// decodeNode decodes a node, if there is one, and places the error.
func decodeNode(n *yaml.Node, v any) error {
	if n.Kind == 0 {
		return nil
	}
	return placed(n.Decode(v), n)
}

// nodePort reads a port; 0 where there is none.
func nodePort(n *yaml.Node) (uint16, error) {
	if n.Kind == 0 {
		return 0, nil
	}
	port, err := parsePort(n.Value)
	if err != nil {
		return 0, &placedError{n.Line, n.Column, fmt.Errorf("this entry %w", err)}
	}
	return port, nil
}
