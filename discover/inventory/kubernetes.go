package inventory

import (
	"encoding/base64"
	"fmt"
	"strings"
)

func init() { register(format{kind: "kubernetes", read: readKubernetes, detect: detectKubernetes}) }

// readKubernetes reads manifests in YAML or JSON, one or many, or what kubectl
// get -o yaml prints: secrets with a tls.crt, and cert-manager's Certificates
// where their secret is not there too. Other kinds say nothing of certificates.
func readKubernetes(in *input, b *batch) error {
	docs, err := in.readManifests()
	if err != nil {
		return err
	}
	objects, known := 0, map[string]bool{}
	var certificates []*value
	eachManifest(docs, func(o *value) {
		objects++
		switch o.str("kind") {
		case "Secret":
			if b.addSecret(in.ref(o.line), o) {
				known[secretName(o, o.str("metadata", "name"))] = true
			}
		case "Certificate":
			certificates = append(certificates, o)
		}
	})
	if objects == 0 {
		return fmt.Errorf("%s:1:1: no Kubernetes object: every document needs apiVersion and kind", in.Path)
	}
	for _, o := range certificates {
		if name := secretName(o, o.str("spec", "secretName")); !known[name] {
			b.addManaged(in.ref(o.line), name, o)
		}
	}
	return nil
}

func (in *input) readManifests() ([]value, error) {
	text, err := in.text()
	if err != nil {
		return nil, err
	}
	parse := parseYAML
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		parse = parseJSON
	}
	docs, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s%w", in.Path, err)
	}
	return docs, nil
}

// eachManifest calls f for each object, also for those in lists.
func eachManifest(docs []value, f func(*value)) {
	eachItem(docs, func(o *value) {
		if o.str("kind") == "" || o.str("apiVersion") == "" {
			return
		}
		if items := o.get("items"); strings.HasSuffix(o.str("kind"), "List") && items != nil {
			for _, item := range items.items() {
				if item.str("kind") == "" { // of a SecretList, which names it once
					item.keys = append(item.keys, "kind")
					item.list = append(item.list, value{kind: isText, text: strings.TrimSuffix(o.str("kind"), "List")})
				}
				f(item)
			}
			return
		}
		f(o)
	})
}

// secretName is what a secret is known by: two generations of it have the same.
func secretName(o *value, name string) string {
	namespace := o.str("metadata", "namespace")
	if namespace == "" {
		namespace = "default"
	}
	return namespace + "/" + name
}

// addSecret adds a secret's certificate, and reports whether it has one.
func (b *batch) addSecret(ref string, o *value) bool {
	name := secretName(o, o.str("metadata", "name"))
	if ca, err := secretData(o, "ca.crt"); err == nil {
		b.addAuthorities(ca)
	}
	text, err := secretData(o, "tls.crt")
	switch {
	case err != nil:
		b.warn(ref, "secret %s: %v", quote(name), err)
		return false
	case text == "" && o.str("type") == "kubernetes.io/tls":
		b.warn(ref, "secret %s: has no tls.crt: was it left out of the export?", quote(name))
		return false
	case text == "":
		return false
	}
	owner := ownerOf(o)
	first := true
	b.addPEM(ref, text, func(r *Record) {
		// The first certificate is the server's; what follows without being a
		// CA's is no other deployment.
		r.Replaces, r.Owner, r.Current = name, owner, first
		first = false
	})
	return true
}

// secretData returns a key of a secret, decoded.
func secretData(o *value, key string) (string, error) {
	if text := o.str("stringData", key); text != "" {
		return text, nil
	}
	encoded := strings.Join(strings.Fields(o.str("data", key)), "")
	if encoded == "" {
		return "", nil
	}
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", fmt.Errorf("%s is no base64: %w", key, err)
	}
	return string(data), nil
}

// addManaged adds what cert-manager says of a certificate whose secret is not
// there: names and times, and no fingerprint.
func (b *batch) addManaged(ref, secret string, o *value) {
	r := Record{Current: true, Replaces: secret, Owner: ownerOf(o)}
	names := append(o.strs("spec", "dnsNames"), o.strs("spec", "ipAddresses")...)
	if cn := o.str("spec", "commonName"); len(names) == 0 && cn != "" {
		names = []string{cn}
	}
	for _, bad := range r.addNames(names...) {
		b.warn(ref, "%s is neither a hostname nor an address", quote(bad))
	}
	b.warnErrors(ref, r.setNotBefore(o.str("status", "notBefore")), r.setNotAfter(o.str("status", "notAfter")))
	switch {
	case o.str("spec", "isCA") == "true":
		return // a CA's certificate, without its bytes
	case len(r.Names) == 0:
		b.warn(ref, "certificate %s names no host", quote(secretName(o, o.str("metadata", "name"))))
		return
	case r.NotAfter.IsZero():
		b.warn(ref, "certificate %s was not issued yet: its status has no notAfter", quote(secretName(o, o.str("metadata", "name"))))
		return
	}
	b.add(ref, r)
}

// ownerKeys are the labels and annotations in which clusters name an owner.
var ownerKeys = []string{"owner", "team", "app.kubernetes.io/managed-by-team", "app.kubernetes.io/part-of"}

func ownerOf(o *value) string {
	for _, key := range ownerKeys {
		for _, where := range []string{"labels", "annotations"} {
			if owner := o.str("metadata", where, key); owner != "" {
				return owner
			}
		}
	}
	return ""
}

// detectKubernetes takes a text with the keys that every object has.
func detectKubernetes(text string) int {
	if hasAll(text, `"apiVersion"`, `"kind"`) || hasAll("\n"+text, "\napiVersion:", "\nkind:") {
		return scoreKeys
	}
	return 0
}
