package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/cmd/blindspot/internal/ports"
	"blindspot/discover"
	"blindspot/discover/inventory"
	"blindspot/discover/monitored"
	"blindspot/discover/trust"
)

const contract = `scope:
  domains: [shop.example, shop.internal]     # what is ours
  servers: [10.0.0.0/8, "2001:db8::/32"]
monitored:                                    # same words as --monitored kind:path
  - {kind: prometheus, path: /etc/prometheus/prometheus.yml, blackbox: /etc/prometheus/blackbox.yml}
  - {kind: hosts, path: hosts.txt}
monitor_sources: [10.77.3.9/32]
inventory:
  - {kind: pem, path: /etc/ssl/issued}
trust_stores:
  - {name: public, builtin: mozilla}
  - {name: internal, pem: [internal-roots.pem]}
surfaces:                                     # first match wins; what none matches is "unassigned"
  - {name: HAProxy edge, servers: [10.77.0.10/32], ports: [443], trust_store: public, owner: infra}
  - {name: backends, servers: [10.77.1.0/24], trust_store: internal, owner: platform}
expiring_within: 336h
`

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestContract(t *testing.T) {
	got, err := parse("etc/blindspot.yml", []byte(contract))
	if err != nil {
		t.Fatal(err)
	}
	want := &File{
		Scope: Scope{Domains: []string{"shop.example", "shop.internal"}, Servers: prefixes("10.0.0.0/8", "2001:db8::/32")},
		Monitored: []monitored.Spec{
			{Kind: "prometheus", Path: "/etc/prometheus/prometheus.yml", Options: map[string]string{"blackbox": "/etc/prometheus/blackbox.yml"}},
			{Kind: "hosts", Path: "etc/hosts.txt"},
		},
		MonitorSources: prefixes("10.77.3.9/32"),
		Inventory:      []inventory.Spec{{Kind: "pem", Path: "/etc/ssl/issued"}},
		TrustStores: []trust.Spec{
			{Name: "public", Builtin: "mozilla", Ref: "etc/blindspot.yml:11"},
			{Name: "internal", PEM: []string{"etc/internal-roots.pem"}, Ref: "etc/blindspot.yml:12"},
		},
		Surfaces: []Surface{
			{Name: "HAProxy edge", Owner: "infra", TrustStore: "public", Servers: prefixes("10.77.0.10/32"), Ports: []uint16{443}},
			{Name: "backends", Owner: "platform", TrustStore: "internal", Servers: prefixes("10.77.1.0/24")},
		},
		ExpiringWithin: 14 * 24 * time.Hour,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestForms(t *testing.T) {
	tests := []struct {
		name, text string
		want       func(*File) bool
	}{
		{"empty", "", func(f *File) bool { return f.Monitored == nil }},
		{"only comments", "# nothing\n", func(f *File) bool { return f.Monitored == nil }},
		{"public names", "ech_public_names: [ECH.Shop.Example., cloudflare-ech.com]\n", func(f *File) bool {
			return slices.Equal(f.ECHPublicNames, []string{"ech.shop.example", "cloudflare-ech.com"})
		}},
		{"tunnel ports", "tunnel_ports: {vxlan: [4789, 8472], geneve: [off, 6082], gtp: }\n", func(f *File) bool {
			return slices.Equal(f.TunnelPorts, []ports.Change{{Tunnel: "vxlan", Port: 4789}, {Tunnel: "vxlan", Port: 8472}, {Tunnel: "geneve"}, {Tunnel: "geneve", Port: 6082}})
		}},
		{"document marks", "---\nexpiring_within: 14d\n", func(f *File) bool { return f.ExpiringWithin == 336*time.Hour }},
		{"empty section", "scope:\nmonitored:\n", func(f *File) bool { return f.Monitored == nil }},
		{"single address", "monitor_sources: [10.0.0.1]", func(f *File) bool { return slices.Equal(f.MonitorSources, prefixes("10.0.0.1/32")) }},
		{"mapped address", `monitor_sources: ["::ffff:10.0.0.1"]`, func(f *File) bool { return slices.Equal(f.MonitorSources, prefixes("10.0.0.1/32")) }},
		{"domain in any writing", `scope: {domains: ["*.Shop.Example.", .b.example]}`, func(f *File) bool {
			return slices.Equal(f.Scope.Domains, []string{"shop.example", "b.example"})
		}},
		{"monitored as a word", "monitored: ['hosts:h.txt', bare.txt, 'prometheus:p.yml,blackbox=b.yml']", func(f *File) bool {
			return reflect.DeepEqual(f.Monitored, []monitored.Spec{
				{Kind: "hosts", Path: "dir/h.txt"}, {Path: "dir/bare.txt"},
				{Kind: "prometheus", Path: "dir/p.yml", Options: map[string]string{"blackbox": "dir/b.yml"}},
			})
		}},
		{"anchors", "scope: {servers: &net [10.0.0.0/8]}\nmonitor_sources: *net", func(f *File) bool {
			return slices.Equal(f.MonitorSources, prefixes("10.0.0.0/8"))
		}},
		{"surface by names", "surfaces: [{name: web, names: [a.example, '*.B.example']}]", func(f *File) bool {
			return slices.Equal(f.Surfaces[0].Names, []string{"a.example", "*.b.example"})
		}},
		{"surface by everything else", `surfaces: [{name: mesh, issuers: Mesh CA, clients: [10.0.0.0/8], starttls: [smtp, imap], mtls: yes, networks: [site-a]}]`, func(f *File) bool {
			return reflect.DeepEqual(f.Surfaces, []Surface{{
				Name: "mesh", Issuers: []string{"Mesh CA"}, Clients: prefixes("10.0.0.0/8"), StartTLS: []string{"smtp", "imap"},
				MTLS: discover.Yes, Networks: []string{"site-a"},
			}})
		}},
		{"surface without mutual TLS", `surfaces: [{name: a, mtls: false}]`, func(f *File) bool { return f.Surfaces[0].MTLS == discover.No }},
		{"trust store below its surface", "surfaces: [{name: a, ports: [443], trust_store: p}]\ntrust_stores: [{name: p, builtin: mozilla}]", func(f *File) bool {
			return f.Surfaces[0].TrustStore == "p"
		}},
		{"trust stores of all kinds", "trust_stores:\n- {name: java, jks: cacerts, password: secret}\n- {name: p12, pkcs12: a.p12}\n- {name: mesh, spiffe: b.json, trust_domain: shop.example}\n- {name: kube, kubernetes: cm.yml, pem: ca.pem}\n", func(f *File) bool {
			return reflect.DeepEqual(f.TrustStores, []trust.Spec{
				{Name: "java", JKS: "dir/cacerts", Password: "secret", Ref: "dir/b.yml:2"},
				{Name: "p12", PKCS12: "dir/a.p12", Ref: "dir/b.yml:3"},
				{Name: "mesh", SPIFFE: "dir/b.json", TrustDomain: "shop.example", Ref: "dir/b.yml:4"},
				{Name: "kube", Kubernetes: "dir/cm.yml", PEM: []string{"dir/ca.pem"}, Ref: "dir/b.yml:5"},
			})
		}},
		{"inventory", "inventory: ['pem:issued', exported.csv, {kind: csv, path: other.csv, serial: Serial Number}]", func(f *File) bool {
			return reflect.DeepEqual(f.Inventory, []inventory.Spec{
				{Kind: "pem", Path: "dir/issued"}, {Path: "dir/exported.csv"},
				{Kind: "csv", Path: "dir/other.csv", Options: map[string]string{"serial": "Serial Number"}},
			})
		}},
		{"options of a server that is asked", "monitored: [{kind: prometheus, path: 'http://p:9090', bearer: token}]", func(f *File) bool {
			return reflect.DeepEqual(f.Monitored, []monitored.Spec{{Kind: "prometheus", Path: "http://p:9090", Options: map[string]string{"bearer": "dir/token"}}})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := parse("dir/b.yml", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if !tt.want(f) {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown key", "scope: {}\nmonitord: []\n", `b.yml:2:1: unknown key "monitord"; did you mean "monitored"?`},
		{"unknown key below", "scope:\n  domain: [a.example]\n", `b.yml:2:3: unknown key "domain"; did you mean "domains"?`},
		{"unknown key far off", "zzz: 1\n", `b.yml:1:1: unknown key "zzz" (known here: ech_public_names, expiring_within, inventory,`},
		{"key twice", "expiring_within: 1h\nexpiring_within: 2h\n", `b.yml:2:1: key "expiring_within" is there already, in line 1`},
		{"list at the top", "- a\n", "b.yml:1:1: found a list, want key: value pairs"},
		{"word for a list", "monitor_sources: 10.0.0.1\n", `b.yml:1:18: found "10.0.0.1", want a list`},
		{"list for a word", "expiring_within: [1h]\n", "b.yml:1:18: found a list, want a duration such as 336h"},
		{"no duration", "expiring_within: 2 weeks\n", `b.yml:1:18: "2 weeks" is no duration: want one such as 336h, 90m or 14d`},
		{"negative duration", "expiring_within: -1h\n", `b.yml:1:18: "-1h" is no duration`},
		{"number for a duration", "expiring_within: 336\n", `b.yml:1:18: "336" is no duration`},
		{"host bits", "monitor_sources:\n  - 10.0.0.1/8\n", `b.yml:2:5: "10.0.0.1/8" has bits beyond its length: want 10.0.0.0/8 for the network or 10.0.0.1/32 for the address`},
		{"no network", "scope: {servers: [edge]}\n", `b.yml:1:19: "edge" is no network`},
		{"unknown tunnel", "tunnel_ports:\n  vxlan: [8473]\n  genev: [6081]\n", `b.yml:3:3: unknown tunnel "genev"; did you mean "geneve"? (those over UDP are capwap,`},
		{"tunnel twice", "tunnel_ports:\n  vxlan: [8473]\n  vxlan: [8474]\n", `b.yml:3:3: key "vxlan" is there already, in line 2`},
		{"no tunnel port", "tunnel_ports:\n  vxlan:\n    - 4789\n    - 65536\n", `b.yml:4:7: "65536" is no port: want a number from 1 to 65535, or off`},
		{"port for a list", "tunnel_ports: {vxlan: 8473}\n", `b.yml:1:23: found "8473", want a list: [a, b]`},
		{"port of two tunnels", "tunnel_ports:\n  vxlan: [7000]\n  geneve: [6081, 7000]\n", `b.yml:3:18: UDP port 7000 is given to vxlan and to geneve: a port can have one tunnel`},
		{"tunnels as a list", "tunnel_ports: [vxlan]\n", "b.yml:1:15: found a list, want key: value pairs"},
		{"no public name", "ech_public_names:\n  - '*.shop.example'\n", `b.yml:2:5: "*.shop.example" is not a hostname: want the public name of an ECH provider`},
		{"public names that are no list", "ech_public_names: {a: b}\n", "b.yml:1:19: found"},
		{"no domain", "scope: {domains: ['shop example']}\n", `b.yml:1:19: "shop example" is not a domain`},
		{"null domain", "scope: {domains: [~]}\n", "b.yml:1:19: found nothing, want a domain such as shop.example"},
		{"unknown kind", "monitored:\n  - {kind: promethius, path: p}\n", `b.yml:2:12: unknown kind of monitoring source "promethius"; did you mean "prometheus"?`},
		{"no path", "monitored:\n  - {kind: hosts}\n", "b.yml:2:5: this source has no path"},
		{"empty path", "monitored:\n  - {kind: hosts, path: ''}\n", "b.yml:2:25: the path is empty"},
		{"unknown option", "monitored:\n  - {kind: hosts, path: p, blackbox: q}\n", `b.yml:2:28: unknown key "blackbox"`},
		{"option misspelt", "monitored:\n  - {kind: prometheus, path: p, blackbux: q}\n", `b.yml:2:33: unknown key "blackbux"; did you mean "blackbox"?`},
		{"unknown kind in a word", "monitored: ['bogus:x']\n", `b.yml:1:13: unknown kind "bogus"`},
		{"no port", "surfaces: [{name: a, ports: [70000]}]\n", `b.yml:1:30: "70000" is no port: want a number from 1 to 65535`},
		{"word port", "surfaces: [{name: a, ports: [https]}]\n", `b.yml:1:30: "https" is no port`},
		{"surface without name", "surfaces: [{ports: [443]}]\n", "b.yml:1:12: this surface has no name"},
		{"surface of everything", "surfaces: [{name: a}]\n", `b.yml:1:12: surface "a" matches everything`},
		{"unknown trust store", "trust_stores: [{name: public, builtin: mozilla}]\nsurfaces:\n  - {name: a, ports: [443], trust_store: pubic}\n", `b.yml:3:42: surface "a": there is no trust store "pubic"; did you mean "public"?`},
		{"trust store of a file without any", "surfaces: [{name: a, ports: [443], trust_store: public}]\n", `b.yml:1:49: surface "a": there is no trust store "public": add it to trust_stores`},
		{"mtls is no word", "surfaces: [{name: a, mtls: maybe}]\n", `b.yml:1:28: "maybe" is neither true nor false`},
		{"empty issuer", "surfaces: [{name: a, issuers: ['']}]\n", "b.yml:1:32: found an empty text, want an issuer's name"},
		{"unknown kind of inventory", "inventory: [{kind: pemm, path: a}]\n", `b.yml:1:20: unknown kind of inventory source "pemm"; did you mean "pem"?`},
		{"unknown option of an inventory", "inventory: [{kind: pem, path: a, serial: b}]\n", `b.yml:1:34: unknown key "serial" of a source of kind "pem"`},
		{"option without a kind", "inventory: [{path: a, serial: b}]\n", `b.yml:1:23: unknown key "serial" of a source without a kind`},
		{"inventory without path", "inventory: [{kind: pem}]\n", "b.yml:1:13: this source has no path: want {kind: pem,"},
		{"unknown kind of inventory in a word", "inventory: ['bogus:x']\n", `b.yml:1:13: unknown kind "bogus"`},
		{"password of nothing", "trust_stores: [{name: p, pem: a, password: x}]\n", `b.yml:1:16: trust store "p": a password is for jks and pkcs12`},
		{"unknown builtin", "trust_stores: [{name: p, builtin: mozila}]\n", `b.yml:1:35: unknown built-in trust store "mozila"; did you mean "mozilla"?`},
		{"empty trust store", "trust_stores: [{name: p}]\n", `b.yml:1:16: trust store "p" is made of nothing: want builtin: mozilla or system, pem: [FILE]`},
		{"trust store twice", "trust_stores: [{name: p, builtin: system}, {name: p, builtin: system}]\n", `b.yml:1:44: trust store "p" is there already`},
		{"no YAML", "scope: [a\n", "b.yml:"},
		{"tab", "scope:\n\tdomains: []\n", "b.yml:2: "},
		{"two documents", "scope: {}\n---\nscope: {}\n", "b.yml:2:1: a second document begins here"},
		{"complex key", "? [a]\n: b\n", "b.yml:1:3: found a list as a key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse("b.yml", []byte(tt.text))
			if err == nil {
				t.Fatalf("no error, want %q", tt.want)
			}
			if !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s…", err, tt.want)
			}
		})
	}
}

func TestRead(t *testing.T) {
	if f, err := Read(""); err != nil || f == nil {
		t.Errorf("no path: got %v, %v; want the empty configuration", f, err)
	}
	missing := filepath.Join(t.TempDir(), "none.yml")
	if _, err := Read(missing); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("missing file: got %v, want an error that names it", err)
	}
	path := filepath.Join(t.TempDir(), "b.yml")
	if err := os.WriteFile(path, []byte("monitored: [hosts.txt]"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.Monitored[0].Path, filepath.Join(filepath.Dir(path), "hosts.txt"); got != want {
		t.Errorf("path: got %q, want %q", got, want)
	}
}

func TestParseDuration(t *testing.T) {
	tests := []struct {
		s    string
		want time.Duration
		ok   bool
	}{
		{"336h", 336 * time.Hour, true},
		{"1h30m", 90 * time.Minute, true},
		{"14d", 336 * time.Hour, true},
		{"0d", 0, true},
		{"1.5d", 0, false},
		{"d", 0, false},
		{"99999999999d", 0, false},
		{"7 days", 0, false},
		{"", 0, false},
	}
	for _, tt := range tests {
		got, err := ParseDuration(tt.s)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q: got %v, %v; want %v, ok %v", tt.s, got, err, tt.want, tt.ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(contract))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("scope: &s {domains: *s}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := parse("b.yml", text)
		if err == nil && file == nil {
			t.Error("neither a file nor an error")
		}
	})
}
