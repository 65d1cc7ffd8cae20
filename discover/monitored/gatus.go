package monitored

import (
	"fmt"
	"slices"
	"strings"
)

func init() {
	register(format{kind: "gatus", read: readGatus, detect: detectGatus, options: []string{"env"}})
}

// gatusConfig is what a Gatus configuration says about endpoints.
type gatusConfig struct {
	Endpoints []at[gatusEndpoint] `yaml:"endpoints"`
	Services  []at[gatusEndpoint] `yaml:"services"` // their name before release 4
	Suites    []struct {
		Name      string              `yaml:"name"`
		Group     string              `yaml:"group"`
		Enabled   *bool               `yaml:"enabled"`
		Endpoints []at[gatusEndpoint] `yaml:"endpoints"`
	} `yaml:"suites"`
	External []at[struct {
		Name string `yaml:"name"`
	}] `yaml:"external-endpoints"`
}

// gatusEndpoint is one thing that Gatus checks.
type gatusEndpoint struct {
	Name       string            `yaml:"name"`
	Group      string            `yaml:"group"`
	Enabled    *bool             `yaml:"enabled"`
	URL        at[string]        `yaml:"url"`
	Conditions []string          `yaml:"conditions"`
	Labels     map[string]string `yaml:"extra-labels"`
	DNS        *struct{}         `yaml:"dns"`
	Client     struct {
		Insecure bool   `yaml:"insecure"`
		ProxyURL string `yaml:"proxy-url"`
		Tunnel   string `yaml:"tunnel"`
	} `yaml:"client"`
}

// readGatus reads a Gatus configuration. Option env is a file of variables, one
// NAME=value a line: the environment is not read.
func readGatus(in *input, r *Result) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	env, err := readEnv(in.Options["env"])
	if err != nil {
		return err
	}
	var config gatusConfig
	if err := decodeYAML(env.expand(text), &config); err != nil {
		return fmt.Errorf("%s%w", in.Path, unmarked(err))
	}
	g := &gatusReader{Result: r, in: in}
	for _, e := range slices.Concat(config.Endpoints, config.Services) {
		g.endpoint(&e, true)
	}
	for _, suite := range config.Suites {
		for _, e := range suite.Endpoints {
			e.V.Group = or(e.V.Group, suite.Group, suite.Name)
			g.endpoint(&e, suite.Enabled == nil || *suite.Enabled)
		}
	}
	for _, e := range config.External {
		r.warn(in.ref(e.Line), "external endpoint %s is reported by others: what it checks is not known", quote(unmark(e.V.Name)))
	}
	return nil
}

// gatusReader reads the endpoints of one configuration.
type gatusReader struct {
	*Result
	in *input
}

// endpoint makes the check of an endpoint.
func (g *gatusReader) endpoint(e *at[gatusEndpoint], enabled bool) {
	line := e.V.URL.Line
	if line == 0 {
		line = e.Line
	}
	ref := g.in.ref(line)
	title := "endpoint " + quote(unmark(e.V.Name))
	if hasUnknown(e.V.URL.V) {
		g.warn(ref, "%s asks %s, with a variable that is not known here: give env=FILE", title, quote(unmark(e.V.URL.V)))
		return
	}
	if strings.Contains(e.V.URL.V, "[CONTEXT]") {
		g.warn(ref, "%s asks %s, which an endpoint before it completes: where it leads is not known", title, quote(e.V.URL.V))
		return
	}
	c, err := e.V.check(ref)
	if err != nil {
		g.warn(ref, "%s: %s %v", title, quote(e.V.URL.V), err)
		return
	}
	c.Enabled = enabled && (e.V.Enabled == nil || *e.V.Enabled)
	c.setLabels(e.V.labels())
	g.add(c)
}

func (e *gatusEndpoint) labels() map[string]string {
	labels := map[string]string{}
	for name, value := range e.Labels {
		labels[unmark(name)] = unmark(value)
	}
	if e.Name != "" {
		labels["name"] = unmark(e.Name)
	}
	if e.Group != "" {
		labels["group"] = unmark(e.Group)
	}
	return labels
}

// gatusPlain are the schemes that Gatus asks without TLS, with their ports.
var gatusPlain = map[string]uint16{"http": 80, "ws": 80, "tcp": 0, "udp": 0, "sctp": 0, "icmp": 0, "ssh": 22, "grpc": 80}

// gatusTLS are the schemes that Gatus asks with TLS, with their ports: tls and
// starttls must name one.
var gatusTLS = map[string]uint16{"https": 443, "wss": 443, "grpcs": 443, "tls": 0, "starttls": 0}

// check says what an endpoint checks, by its URL's scheme.
func (e *gatusEndpoint) check(ref string) (Check, error) {
	word, rest, found := strings.Cut(e.URL.V, "://")
	if e.DNS != nil {
		if !found {
			rest = word
		}
		return gatusReach(ref, "dns", rest, portDNS, "DNS: no certificate is checked")
	}
	if !found {
		return Check{}, fmt.Errorf("has no scheme: Gatus refuses it; write https://")
	}
	if port, ok := gatusPlain[word]; ok {
		return gatusReach(ref, word, rest, port, word+":// is no TLS: no certificate is checked")
	}
	port, ok := gatusTLS[word]
	if !ok {
		return Check{}, fmt.Errorf("has the unknown scheme %q", clip(word))
	}
	p, err := parseAuthority(rest)
	if err != nil {
		return Check{}, err
	}
	if p = p.withPort(port); p.port == 0 {
		return Check{}, fmt.Errorf("has no port: the check fails; write %s://host:port", word)
	}
	c := newCheck("gatus", ref, p)
	c.Scheme = word
	if word == "starttls" { // Gatus speaks SMTP there
		c.Scheme, c.StartTLS = "smtp", "smtp"
	}
	c.setSNI(p, originDerived)
	e.limits(&c)
	return c, nil
}

// limits notes what the endpoint's client and conditions change.
func (e *gatusEndpoint) limits(c *Check) {
	for _, condition := range e.Conditions {
		if strings.Contains(condition, "[CERTIFICATE_EXPIRATION]") {
			c.WatchesExpiry = true
		}
	}
	if e.Client.Insecure {
		c.weaken("client.insecure: the certificate is not verified")
	}
	if e.Client.ProxyURL != "" {
		c.note("through a proxy: which address it reaches is not known")
	}
	if e.Client.Tunnel != "" {
		c.note("through an SSH tunnel: its own packets end at the tunnel")
	}
}

// gatusReach is a check that proves no certificate.
func gatusReach(ref, scheme, rest string, port uint16, why string) (Check, error) {
	p, err := parseAuthority(rest)
	if err != nil {
		return Check{}, err
	}
	c := newCheck("gatus", ref, p.withPort(port))
	c.Scheme = scheme
	c.plain(why)
	return c, nil
}

// detectGatus takes YAML with endpoints that have conditions.
func detectGatus(text string) int {
	if hasKey(text, "endpoints", "suites", "services") && strings.Contains(text, "conditions:") && !hasKey(text, "apiVersion") {
		return scoreKeys
	}
	return 0
}
