package trust

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func init() {
	register(source{kind: "kubernetes", rank: 7, load: loadKubernetes,
		asked: func(s *Spec) bool { return s.Kubernetes != "" }})
}

// caKeys are the keys under which authorities are kept: OpenShift and the
// kube-root-ca.crt map, trust-manager's examples, Istio.
var caKeys = []string{"ca-bundle.crt", "ca.crt", "ca-bundle.pem", "ca-certificates.crt", "root-certs.pem", "trust-bundle.pem", "root-cert.pem"}

// object is what is wanted of a ConfigMap, of a Secret, or of a List of them.
type object struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name      string `yaml:"name"`
		Namespace string `yaml:"namespace"`
	} `yaml:"metadata"`
	Data  map[string]string `yaml:"data"`
	Items []object          `yaml:"items"`
}

func loadKubernetes(l *loader) error {
	path := l.spec.Kubernetes
	data, err := l.readSource(path)
	if err != nil {
		return fmt.Errorf("kubernetes: %w", err)
	}
	texts, err := readKubernetes(data)
	if err != nil {
		return fmt.Errorf("kubernetes: %s: %w", path, err)
	}
	for _, t := range texts {
		where := path + ": " + t.where
		err := l.addText([]byte(t.text), where)
		if errors.Is(err, errNoCertificate) {
			return fmt.Errorf("kubernetes: %s: %w: want text that begins with -----BEGIN CERTIFICATE-----", where, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bundleText is PEM text of an object.
type bundleText struct{ where, text string }

// readKubernetes returns the authorities of every ConfigMap and Secret in
// data, JSON or YAML, of one document or several.
func readKubernetes(data []byte) ([]bundleText, error) {
	in := yaml.NewDecoder(bytes.NewReader(data))
	var texts []bundleText
	var others []string
	for {
		var o object
		err := in.Decode(&o)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read as YAML: %w", err)
		}
		for _, item := range append(o.Items, o) {
			found, err := item.texts()
			if err != nil {
				return nil, err
			}
			texts = append(texts, found...)
			if len(found) == 0 && item.Items == nil {
				others = append(others, item.title())
			}
		}
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("no ConfigMap with %s in it, but %s: save one with kubectl get configmap NAME -o yaml",
			strings.Join(caKeys[:2], " or "), listOf(others))
	}
	return texts, nil
}

func (o *object) texts() ([]bundleText, error) {
	if o.Kind != "ConfigMap" && o.Kind != "Secret" {
		return nil, nil
	}
	var keys []string
	for _, k := range caKeys {
		if _, ok := o.Data[k]; ok {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 && o.Kind == "ConfigMap" { // trust-manager lets its key be chosen
		for k, v := range o.Data {
			if strings.Contains(v, "-----BEGIN CERTIFICATE-----") {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
	}
	var texts []bundleText
	for _, k := range keys {
		t := bundleText{o.title() + " " + k, o.Data[k]}
		if o.Kind == "Secret" {
			der, err := base64.StdEncoding.DecodeString(t.text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.where, err)
			}
			t.text = string(der)
		}
		texts = append(texts, t)
	}
	return texts, nil
}

func (o *object) title() string {
	kind := o.Kind
	if kind == "" {
		return "a document without kind"
	}
	if o.Metadata.Namespace != "" {
		return kind + " " + o.Metadata.Namespace + "/" + o.Metadata.Name
	}
	return kind + " " + o.Metadata.Name
}

func listOf(names []string) string {
	const most = 5
	switch {
	case len(names) == 0:
		return "nothing"
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
