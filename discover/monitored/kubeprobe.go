package monitored

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// kubeProbe is the specification of the Prometheus operator's Probe.
type kubeProbe struct {
	JobName string `yaml:"jobName"`
	Module  string `yaml:"module"`
	Targets struct {
		Static *struct {
			Targets []at[string]      `yaml:"static"`
			Labels  map[string]string `yaml:"labels"`
			Relabel []yaml.Node       `yaml:"relabelingConfigs"`
		} `yaml:"staticConfig"`
		Ingress *struct {
			Selector   kubeSelector `yaml:"selector"`
			Namespaces struct {
				Any   bool     `yaml:"any"`
				Names []string `yaml:"matchNames"`
			} `yaml:"namespaceSelector"`
			Relabel []yaml.Node `yaml:"relabelingConfigs"`
		} `yaml:"ingress"`
	} `yaml:"targets"`
}

// kubeSelector selects objects by their labels.
type kubeSelector struct {
	Labels      map[string]string `yaml:"matchLabels"`
	Expressions []struct {
		Key      string   `yaml:"key"`
		Operator string   `yaml:"operator"`
		Values   []string `yaml:"values"`
	} `yaml:"matchExpressions"`
}

// matches reports whether labels fulfil all of the selector.
func (s kubeSelector) matches(labels map[string]string) bool {
	if !holds(labels, s.Labels) {
		return false
	}
	for _, e := range s.Expressions {
		value, has := labels[e.Key]
		in := has && slices.Contains(e.Values, value)
		switch e.Operator {
		case "In":
			has = in
		case "NotIn":
			has = !in
		case "DoesNotExist":
			has = !has
		}
		if !has {
			return false
		}
	}
	return true
}

// keepProbe keeps a Probe until all Ingresses are read.
func (k *kubeReader) keepProbe(o *kubeObject) error {
	k.probes = append(k.probes, o)
	return nil
}

// probe makes the checks of a Probe.
func (k *kubeReader) probe(o *kubeObject) error {
	var spec kubeProbe
	if err := decodeNode(&o.Spec, &spec); err != nil {
		return err
	}
	p := &kubeProbing{kubeReader: k, o: o, module: k.modules.find(spec.Module)}
	static, ingress := spec.Targets.Static, spec.Targets.Ingress
	switch {
	case static != nil:
		p.labels = probeLabels(o, spec.JobName, static.Labels)
		p.relabelled = len(static.Relabel) > 0
		for _, target := range static.Targets {
			p.target(k.in.ref(target.Line), target.V)
		}
	case ingress != nil:
		p.labels = probeLabels(o, spec.JobName, nil)
		p.relabelled = len(ingress.Relabel) > 0
		p.ingresses(ingress.Selector, ingress.Namespaces.Any, ingress.Namespaces.Names)
	default:
		k.warn(k.in.ref(o.Kind.Line), "%s names no targets: give staticConfig or ingress", o.name())
	}
	return nil
}

// probeLabels are the labels that the operator gives a Probe's targets, with
// the owner that the Probe itself names.
func probeLabels(o *kubeObject, job string, static map[string]string) map[string]string {
	labels := map[string]string{}
	for _, key := range ownerLabels {
		if value := o.Metadata.Labels[key]; value != "" {
			labels[key] = value
		}
	}
	labels["job"] = or(job, "probe/"+o.Metadata.Namespace+"/"+o.Metadata.Name)
	if o.Metadata.Namespace != "" {
		labels["namespace"] = o.Metadata.Namespace
	}
	for name, value := range static {
		labels[name] = value
	}
	return labels
}

// kubeProbing is a Probe that is being read.
type kubeProbing struct {
	*kubeReader
	o          *kubeObject
	module     blackboxModule
	labels     map[string]string
	relabelled bool
}

// target makes the check of one target.
func (p *kubeProbing) target(ref, target string) {
	c, err := p.module.check(ref, target, "")
	if err != nil {
		p.warn(ref, "%s: target %s under module %s %v", p.o.name(), quote(target), quote(p.module.name), err)
		return
	}
	c.Source = "kubernetes"
	if p.module.note != "" && p.module.Prober.V != "" {
		c.note(p.module.note)
	}
	if p.relabelled {
		c.note("relabelingConfigs of the Probe are not applied: they may change or drop this target")
	}
	c.setLabels(p.labels)
	p.add(c)
}

// ingresses makes the checks of the Ingresses that a Probe selects: as the
// operator has it, one for each rule's host.
func (p *kubeProbing) ingresses(selector kubeSelector, anyNamespace bool, namespaces []string) {
	if len(namespaces) == 0 {
		namespaces = []string{p.o.Metadata.Namespace}
	}
	found := false
	for _, ingress := range p.kubeReader.ingresses {
		if !anyNamespace && !slices.Contains(namespaces, ingress.Metadata.Namespace) || !selector.matches(ingress.Metadata.Labels) {
			continue
		}
		found = true
		p.ingress(&ingress)
	}
	if !found {
		p.warn(p.in.ref(p.o.Kind.Line), "%s probes Ingresses that are not in this file: add them, as kubectl get probe,ingress -A -o yaml writes them", p.o.name())
	}
}

func (p *kubeProbing) ingress(ingress *kubeIngress) {
	seen := map[string]bool{}
	for _, rule := range ingress.Rules {
		host := rule.Host.V
		ref := p.in.ref(rule.Host.Line)
		if seen[host] {
			continue
		}
		seen[host] = true
		switch {
		case host == "":
			p.warn(p.in.ref(ingress.Kind.Line), "%s has a rule without a host: what %s probes there is not known", ingress.name(), p.o.name())
		case ingress.hasTLS(host):
			p.target(ref, "https://"+host)
		default:
			p.target(ref, "http://"+host)
		}
	}
}
