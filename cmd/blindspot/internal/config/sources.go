package config

import (
	"blindspot/cmd/blindspot/internal/nearest"
	"blindspot/discover/inventory"

	"go.yaml.in/yaml/v3"
)

// sourceWords say what an entry with kind, path and options is.
type sourceWords struct {
	what    string // "monitoring source"
	kinds   []string
	example string
	option  func(*yaml.Node) (string, error)
	takes   func(kind, path, option string) bool
}

// sourceEntry is such an entry.
type sourceEntry struct {
	kind, path string
	options    map[string]string
}

// source reads one entry: kind and path, and the options of its kind.
func (d *decoder) source(n *yaml.Node, w sourceWords) (e sourceEntry, err error) {
	var keys []*yaml.Node // of options
	err = d.anyMapping(n, func(key, value *yaml.Node) (err error) {
		switch key.Value {
		case "kind":
			e.kind, err = d.word(value, "kind of "+w.what, w.kinds)
		case "path":
			e.path, err = d.filePath(value)
		default:
			keys = append(keys, key)
			if e.options == nil {
				e.options = map[string]string{}
			}
			e.options[key.Value], err = w.option(value)
		}
		return err
	})
	switch {
	case err != nil:
		return e, err
	case e.path == "":
		return e, d.errorf(n, "this source has no path: want %s", w.example)
	}
	for _, key := range keys {
		if e.kind == "" || !w.takes(e.kind, e.path, key.Value) {
			return e, d.unknownOption(key, e.kind, w)
		}
	}
	return e, nil
}

// optionWords are those that are likely to be meant.
var optionWords = []string{"kind", "path", "blackbox", "chain", "config", "bearer", "ca"}

func (d *decoder) unknownOption(key *yaml.Node, kind string, w sourceWords) error {
	if kind == "" {
		return d.errorf(key, "unknown key %q%s of a source without a kind: want kind and path; options need the kind, one of %v",
			key.Value, nearest.Hint(key.Value, optionWords), w.kinds)
	}
	return d.errorf(key, "unknown key %q%s of a source of kind %q: want kind, path, and the options of its kind",
		key.Value, nearest.Hint(key.Value, optionWords), kind)
}

// inventory reads one entry of the inventory section, in the same words as
// --inventory where it is a text.
func (d *decoder) inventory(n *yaml.Node) error {
	if n = deref(n); n.Kind == yaml.ScalarNode {
		return d.inventoryWord(n)
	}
	e, err := d.source(n, sourceWords{
		what: "inventory source", kinds: inventory.Kinds(), example: "{kind: pem, path: /etc/ssl/issued}",
		option: func(n *yaml.Node) (string, error) { return d.text(n, "the name of a column") },
		takes: func(kind, path, option string) bool {
			spec, err := inventory.ParseSpec(kind + ":" + path + "," + option + "=value")
			return err == nil && spec.Options[option] == "value"
		},
	})
	if err != nil {
		return err
	}
	d.file.Inventory = append(d.file.Inventory, inventory.Spec{Kind: e.kind, Path: e.path, Options: e.options})
	return nil
}

func (d *decoder) inventoryWord(n *yaml.Node) error {
	word, err := d.text(n, "{kind: pem, path: /etc/ssl/issued} or pem:/etc/ssl/issued")
	if err != nil {
		return err
	}
	spec, err := inventory.ParseSpec(word)
	if err != nil {
		return d.errorf(n, "%v", err)
	}
	spec.Path = d.resolve(spec.Path)
	d.file.Inventory = append(d.file.Inventory, spec)
	return nil
}
