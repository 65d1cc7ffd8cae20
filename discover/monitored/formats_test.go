package monitored

import (
	"strings"
	"testing"
)

// TestErrorsOfFormats writes broken sources of the larger formats and wants the
// position and what to do.
func TestErrorsOfFormats(t *testing.T) {
	ingress := "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
	tests := []struct {
		name, kind, text string
		want             string // behind the path
	}{
		{"API JSON cut", "prometheus-api", "{\"status\": \"success\",\n \"data\": {", ":2:11: the JSON ends too early"},
		{"API list", "prometheus-api", "[]", ":1:1: the JSON is no object"},
		{"API type", "prometheus-api", "{\"status\":\"success\",\"data\":{\"activeTargets\":\n[{\"labels\":[1]}]}}", ":2: a list stands where a mapping belongs"},
		{"Kubernetes syntax", "kubernetes", ingress + "---\nkind: [\n", ":4: did not find expected node content: correct the YAML there"},
		{"Kubernetes template", "kubernetes", ingress + "{{- if .x }}\nspec:\n", ":3: could not find expected ':': correct the YAML there; a template must be rendered first"},
		{"Kubernetes type", "kubernetes", ingress + "spec:\n  tls:\n    - hosts: www.shop.example\n", ":5:14: a string `www.sho...` stands where a list belongs"},
		{"Kubernetes spec", "kubernetes", ingress + "spec: [a]\n", ":3:7: a list stands where a mapping belongs"},
		{"Kubernetes metadata", "kubernetes", ingress + "metadata: a\n", ":3:11: a string `a` stands where a mapping belongs"},
		{"Kubernetes port", "kubernetes", "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nspec:\n  listeners:\n  - {port: https, protocol: TLS}\n", ":5:12: this entry has port \"https\""},
		{"Kubernetes JSON", "kubernetes", "{\"apiVersion\": \"v1\",\n}", ":2:1: invalid character '}'"},
		{"Kubernetes aliases", "kubernetes", "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" +
			"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g]\n", ":1:1: aliases make more than"},
		{"backup cut", "uptime-kuma", "{\"monitorList\": [\n", ":2:1: the JSON ends too early"},
		{"backup of another", "uptime-kuma", "{}", ":1:1: no monitorList: this is no backup of Uptime Kuma"},
		{"backup type", "uptime-kuma", "{\"monitorList\": [\n {\"name\": [1]}]}", ":2:11: a list stands where a string belongs"},
		{"metrics of another", "uptime-kuma", "up{} 1\n", ": no monitor_status: this is no database, backup or /metrics of Uptime Kuma"},
		{"metrics label", "uptime-kuma", "monitor_status{monitor_name=\"a} 1\n", ":1: the value of label \"monitor_name\" has no end"},
		{"metrics value", "uptime-kuma", "\nmonitor_status{monitor_name=\"a\"}\n", ":2: the metric has no value"},
		{"metrics labels cut", "uptime-kuma", "monitor_status{monitor_name\n", ":1: the labels end too early"},
		{"metrics without labels", "uptime-kuma", "monitor_status\n", ":1: no labels"},
		{"objects without end", "nagios", "define host {\n\thost_name\ta\n", ":2:1: the host of line 1 has no end: write }"},
		{"objects in objects", "nagios", "define host {\n\thost_name\ta\ndefine service {\n", ":3:1: the host of line 1 has no end: write }"},
		{"objects of another", "nagios", "# a\nhost_name a\n", ":2:1: \"host_name a\" stands outside of an object: this is no objects.cache"},
		{"objects with templates", "nagios", "define service {\n\tuse\tgeneric-service\n\t}\n", ":1: service uses a template: this is no objects.cache; give the file that object_cache_file"},
		{"objects empty", "nagios", "# none\n", ":1:1: no objects: this is no objects.cache"},
		{"Icinga language", "", "object Host \"edge1\" {\n  address = \"10.0.0.1\"\n}\n", ": is Icinga's configuration language, whose rules only Icinga resolves: fetch its objects, as curl"},
		{"Icinga rules", "icinga", "apply Service \"https\" {\n  assign where true\n}\n", ": is Icinga's configuration language"},
		{"Icinga error", "icinga", "{\"error\":404.0,\"status\":\"No objects found.\"}", ":1:1: Icinga answers: No objects found.: save the answer to /v1/objects/services?joins=host"},
		{"Icinga type", "icinga", "{\"results\":[\n{\"attrs\":1}]}", ":2:10: a number `1` stands where a mapping belongs"},
		{"Icinga HTML", "icinga", "<h1>Unauthorized.</h1>", ":1:1: invalid character '<'"},
		{"Gatus syntax", "gatus", "endpoints:\n  - name: a\n    url: [\n", ":3: did not find expected node content: correct the YAML there"},
		{"Gatus type", "gatus", "endpoints:\n  - name: a\n    url: {a: b}\n", ":3:10: a mapping stands where a string belongs"},
		{"Gatus variable in an error", "gatus", "endpoints:\n  - name: a\n    conditions: $A\n", ":3:17: a string `${A}` stands where a list belongs"},
		{"Gatus empty", "gatus", "", ":1:1: the file is empty"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, test.text)
			_, err := Read([]Spec{{Kind: test.kind, Path: path}})
			if err == nil {
				t.Fatal("got no error")
			}
			if want := path + test.want; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got error\n\t%v, want\n\t%s", err, want)
			}
		})
	}
}

func TestErrorsOfEnvFiles(t *testing.T) {
	tests := []struct{ text, want string }{
		{"A=1\nB\n", ":2:1: no variable: write NAME=value"},
		{"1A=1\n", ":1:1: no variable"},
		{"\x00", ":1:1: a NUL byte"},
	}
	for _, test := range tests {
		path := write(t, test.text)
		_, err := Read([]Spec{{Kind: "gatus", Path: "testdata/gatus/config.yaml", Options: map[string]string{"env": path}}})
		if want := path + test.want; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

func TestExpandEnv(t *testing.T) {
	env := envFile{"A": "1", "B": "x y", "EMPTY": ""}
	tests := []struct{ text, want string }{
		{"$A ${B}", "1 x y"}, {"$$A", "$A"}, {"$EMPTY.", "."}, {"$C/${D}", markBegin + "C" + markEnd + "/" + markBegin + "D" + markEnd}, {"$$$$", "$$"}, {"plain", "plain"},
	}
	for _, test := range tests {
		if got := env.expand(test.text); got != test.want {
			t.Errorf("%s: got %q, want %q", test.text, got, test.want)
		}
	}
}

func TestKubernetesSelector(t *testing.T) {
	text := "matchLabels: {a: b}\nmatchExpressions:\n- {key: tier, operator: %s, values: [x, y]}\n"
	tests := []struct {
		operator string
		labels   map[string]string
		want     bool
	}{
		{"In", map[string]string{"a": "b", "tier": "x"}, true},
		{"In", map[string]string{"a": "b", "tier": "z"}, false},
		{"In", map[string]string{"a": "b"}, false},
		{"In", map[string]string{"tier": "x"}, false},
		{"NotIn", map[string]string{"a": "b", "tier": "z"}, true},
		{"NotIn", map[string]string{"a": "b"}, true},
		{"NotIn", map[string]string{"a": "b", "tier": "y"}, false},
		{"Exists", map[string]string{"a": "b", "tier": ""}, true},
		{"Exists", map[string]string{"a": "b"}, false},
		{"DoesNotExist", map[string]string{"a": "b"}, true},
		{"DoesNotExist", map[string]string{"a": "b", "tier": "x"}, false},
	}
	for _, test := range tests {
		var s kubeSelector
		if err := decodeYAML(strings.Replace(text, "%s", test.operator, 1), &s); err != nil {
			t.Fatal(err)
		}
		if got := s.matches(test.labels); got != test.want {
			t.Errorf("%s %v: got %v, want %v", test.operator, test.labels, got, test.want)
		}
	}
}

func FuzzKubernetes(f *testing.F) {
	fuzzKind(f, "kubernetes", "testdata/kubernetes/objects.yaml", "testdata/kubernetes/list.json")
}

func FuzzGatus(f *testing.F) { fuzzKind(f, "gatus", "testdata/gatus/config.yaml") }
