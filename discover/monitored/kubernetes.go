package monitored

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

func init() {
	register(format{kind: "kubernetes", read: readKubernetes, detect: detectKubernetes, options: []string{"blackbox"}})
}

// kubeObject is what all Kubernetes objects have.
type kubeObject struct {
	APIVersion string     `yaml:"apiVersion"`
	Kind       at[string] `yaml:"kind"`
	Metadata   struct {
		Name      string            `yaml:"name"`
		Namespace string            `yaml:"namespace"`
		Labels    map[string]string `yaml:"labels"`
	} `yaml:"metadata"`
	Spec  yaml.Node       `yaml:"spec"`
	Items []at[yaml.Node] `yaml:"items"`
}

// group is the API group: networking.k8s.io of networking.k8s.io/v1.
func (o *kubeObject) group() string {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	return group
}

// name is the object's name as people write it.
func (o *kubeObject) name() string {
	name := o.Metadata.Name
	if o.Metadata.Namespace != "" {
		name = o.Metadata.Namespace + "/" + name
	}
	return o.Kind.V + " " + quote(name)
}

// kubeReader reads the objects of one file: first what is served, then the
// checks, which may refer to it.
type kubeReader struct {
	*Result
	in        *input
	modules   *blackbox
	ingresses []kubeIngress
	probes    []*kubeObject
}

// kubeKinds are the objects that say something about names, by group and kind.
var kubeKinds = map[string]func(k *kubeReader, o *kubeObject) error{
	"monitoring.coreos.com/Probe":          (*kubeReader).keepProbe,
	"monitoring.coreos.com/ServiceMonitor": (*kubeReader).discovered,
	"monitoring.coreos.com/PodMonitor":     (*kubeReader).discovered,
	"monitoring.coreos.com/ScrapeConfig":   (*kubeReader).discovered,
	"networking.k8s.io/Ingress":            (*kubeReader).ingress,
	"extensions/Ingress":                   (*kubeReader).ingress,
	"gateway.networking.k8s.io/Gateway":    (*kubeReader).gateway,
	"networking.istio.io/Gateway":          (*kubeReader).istioGateway,
	"cert-manager.io/Certificate":          (*kubeReader).certificate,
}

// readKubernetes reads objects in YAML, one or several documents, or JSON, as
// kubectl get -o yaml and -o json write them. Objects that say nothing about
// names are passed over.
func readKubernetes(in *input, r *Result) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	docs, err := parseDocuments(text)
	if err != nil {
		return fmt.Errorf("%s%w", in.Path, err)
	}
	k := &kubeReader{Result: r, in: in}
	if k.modules, err = readBlackbox(in); err != nil {
		return err
	}
	for _, doc := range docs {
		if err := k.object(doc, 0); err != nil {
			return fmt.Errorf("%s%w", in.Path, err)
		}
	}
	for _, o := range k.probes {
		if err := k.probe(o); err != nil {
			return fmt.Errorf("%s%w", in.Path, err)
		}
	}
	return nil
}

// parseDocuments reads the documents of a YAML text, or one JSON value.
func parseDocuments(text string) ([]*yaml.Node, error) {
	if strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		root, err := parseJSON(text)
		return []*yaml.Node{root}, err
	}
	var docs []*yaml.Node
	d := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, documentError(err)
		}
		if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
			continue
		}
		root := doc.Content[0]
		if expandedNodes(root, map[*yaml.Node]int{}) > maxNodes {
			return nil, &placedError{root.Line, root.Column, fmt.Errorf("aliases make more than %d entries of it", maxNodes)}
		}
		docs = append(docs, root)
	}
}

// documentError places an error of the YAML reader in one of several documents.
func documentError(err error) error {
	m := yamlMessage.FindStringSubmatch(err.Error())
	line := 0
	_, _ = fmt.Sscan(m[1], &line)
	return &placedError{line, 0, fmt.Errorf("%s: correct the YAML there; a template must be rendered first, or take kubectl get -o yaml", m[2])}
}

// maxLists bounds how deep lists of objects hold lists.
const maxLists = 4

// object reads an object, or the objects of a list.
func (k *kubeReader) object(n *yaml.Node, depth int) error {
	if n.Kind != yaml.MappingNode {
		return nil // an empty document
	}
	o := &kubeObject{}
	if err := placed(n.Decode(o), n); err != nil {
		return err
	}
	if depth < maxLists && strings.HasSuffix(o.Kind.V, "List") {
		for i := range o.Items {
			if err := k.object(&o.Items[i].V, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	read := kubeKinds[o.group()+"/"+o.Kind.V]
	if read == nil {
		return nil
	}
	if o.Kind.Line == 0 {
		o.Kind.Line = n.Line
	}
	return read(k, o)
}

// discovered warns of objects whose targets the cluster knows.
func (k *kubeReader) discovered(o *kubeObject) error {
	k.warn(k.in.ref(o.Kind.Line), "%s: its targets come from the cluster: read them from the running server, as prometheus:http://host:9090", o.name())
	return nil
}

// detectKubernetes takes objects with an apiVersion and a kind.
func detectKubernetes(text string) int {
	if hasKey(text, "apiVersion") && hasKey(text, "kind") {
		return scoreKeys
	}
	start := strings.TrimLeft(text, " \t\r\n")
	if strings.HasPrefix(start, "{") && strings.Contains(text, `"apiVersion"`) && strings.Contains(text, `"kind"`) {
		return scoreKeys
	}
	return 0
}
