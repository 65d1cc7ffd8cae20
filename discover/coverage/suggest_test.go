package coverage

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/monitored"

	"go.yaml.in/yaml/v3"
)

// surfaceYAML are the words of a configuration that WriteSuggestion uses.
type surfaceYAML struct {
	Name     string
	Servers  []string
	Ports    []uint16
	Networks []string
	MTLS     *bool `yaml:"mtls"`
}

// used reads what WriteSuggestion wrote as the configuration does.
func readSuggestion(t *testing.T, text []byte) []Surface {
	t.Helper()
	var file struct{ Surfaces []surfaceYAML }
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	var out []Surface
	for _, y := range file.Surfaces {
		s := Surface{Name: y.Name, Ports: y.Ports, Networks: y.Networks}
		for _, p := range y.Servers {
			s.Servers = append(s.Servers, netip.MustParsePrefix(p))
		}
		if y.MTLS != nil {
			s.MTLS = discover.TriOf(*y.MTLS)
		}
		out = append(out, s)
	}
	return out
}

func TestSuggest(t *testing.T) {
	monitors := Config{MonitorSources: prefixes("10.77.3.9/32")}
	mutual := func(s *scene) option {
		id := s.leaf("orders", nil, func(c *discover.Certificate) {
			c.Issuer, c.URIs = "CN=Mesh CA", []string{"spiffe://mesh.shop.internal/ns/a/sa/orders"}
		})
		return func(x *discover.Sighting) { x.ClientChain, x.ClientAuth = id, x.Count }
	}
	for _, c := range []struct {
		name  string
		cfg   Config
		build func(s *scene)
		want  []string // name, endpoints
	}{
		{"edge, backends, mesh, ops", monitors, func(s *scene) {
			s.see(shop, "10.77.0.10:443", s.leaf("public", []string{shop}, issuer("CN=Public CA")), 20, users(8))
			inner := s.leaf("inner", []string{"app.shop.internal"}, issuer("CN=Internal CA"))
			for i := range 5 {
				s.see("app.shop.internal", fmt.Sprintf("10.77.1.%d:8443", 21+i), inner, 4, []string{"10.77.0.10"})
			}
			s.see("files.shop.internal", "10.77.1.31:8443", s.leaf("files", []string{"files.shop.internal"}, issuer("CN=Internal CA")), 1, users(2))
			for i := range 2 {
				m := s.leaf(fmt.Sprint("pay", i), []string{"pay.mesh.shop.internal"}, issuer("CN=Mesh CA"), valid(-time.Hour, 23*time.Hour))
				s.see("pay.mesh.shop.internal", fmt.Sprintf("10.77.2.%d:8443", 10+i), m, 4, []string{"10.77.2.30"}, mutual(s))
			}
			s.see("grafana.shop.internal", "10.77.3.20:443", s.leaf("grafana", []string{"grafana.shop.internal"}, issuer("CN=Grafana CA")), 2, users(2))
			s.see("wiki.shop.internal", "10.77.3.21:443", s.leaf("wiki", []string{"wiki.shop.internal"}, issuer("CN=Internal CA")), 2, users(2))
			s.see("printer.shop.internal", "10.77.3.30:8443", s.leaf("printer", []string{"printer.shop.internal"}, issuer("CN=Internal CA")), 1, users(1))
		}, []string{"edge 1", "backends 6", "mesh 2", "ops 3"}},
		{"all in one network", Config{}, func(s *scene) {
			s.see(shop, "10.0.0.10:443", s.leaf("public", []string{shop}, issuer("CN=Public CA")), 20, users(8))
			for i := range 3 {
				s.see("app.shop.internal", fmt.Sprintf("10.0.0.%d:8443", 21+i), s.leaf("inner", []string{"app.shop.internal"}, issuer("CN=Internal CA")), 4, []string{"10.0.0.10"})
			}
			s.see("", "10.0.0.30:8443", s.leaf("svc", nil, issuer("CN=Mesh CA")), 4, users(2), mutual(s))
		}, []string{"edge 1", "mesh 1", "backends 3"}},
		{"a pool over networks, and IPv6", Config{}, func(s *scene) {
			for i := range 6 {
				s.see(shop, fmt.Sprintf("10.4.%d.1:443", i), s.leaf("public", []string{shop}), 5, users(8))
				s.see(shop, fmt.Sprintf("[fd77:%d::1]:443", i), s.leaf("public", []string{shop}), 5, users(8))
			}
		}, []string{"api.shop.example 12"}},
		{"two networks alike", Config{}, func(s *scene) {
			s.see("a.x.shop.example", "10.4.1.1:443", none, 5, users(2))
			s.see("a.x.shop.example", "10.4.1.2:443", none, 5, users(2))
			s.see("b.x.shop.example", "10.4.1.3:8443", none, 1, users(2))
			s.see("b.x.shop.example", "10.5.1.1:443", none, 5, users(2))
			s.see("a.x.shop.example", "10.5.1.2:443", none, 5, users(2))
		}, []string{"x.shop.example 10.4.1.0/24 3", "x.shop.example 10.5.1.0/24 2"}},
		{"nothing", Config{}, func(*scene) {}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene()
			c.build(s)
			list, err := Suggest(s.inventory(), c.cfg)
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			if err := WriteSuggestion(&text, list); err != nil {
				t.Fatal(err)
			}
			t.Logf("\n%s", &text)
			var got []string
			for _, x := range list {
				got = append(got, fmt.Sprint(x.Surface.Name, " ", x.Endpoints))
			}
			equal(t, got, c.want)
			s.usedUnchanged(t, c.cfg, readSuggestion(t, text.Bytes()), list)
			slices.Reverse(s.sightings)
			again, _ := Suggest(s.inventory(), c.cfg)
			var other bytes.Buffer
			_ = WriteSuggestion(&other, again)
			if !bytes.Equal(text.Bytes(), other.Bytes()) {
				t.Errorf("another order of the same traffic gives\n%s", &other)
			}
		})
	}
}

// usedUnchanged compares with the suggestion as configuration: it must take
// every endpoint, into the surface that it was suggested for.
func (s *scene) usedUnchanged(t *testing.T, cfg Config, surfaces []Surface, list []Suggestion) {
	t.Helper()
	cfg.Surfaces = surfaces
	r, err := Compare(s.inventory(), &monitored.Result{}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Surfaces) != len(list) {
		t.Fatalf("got %d surfaces in use of %d: %+v", len(r.Surfaces), len(list), r.Surfaces)
	}
	for i := range list {
		if r.Surfaces[i].Name != list[i].Surface.Name || r.Surfaces[i].Endpoints != list[i].Endpoints {
			t.Errorf("surface %s has %d endpoints, suggested were %d of %s", r.Surfaces[i].Name, r.Surfaces[i].Endpoints, list[i].Endpoints, list[i].Surface.Name)
		}
	}
}
