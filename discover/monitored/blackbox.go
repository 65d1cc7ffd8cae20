package monitored

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// blackboxDefault holds the modules that the blackbox exporter ships with.
//
//go:embed blackbox-default.yml
var blackboxDefault string

// blackboxBeside is the configuration that is looked for beside prometheus.yml.
const blackboxBeside = "blackbox.yml"

// defaultModule is what the blackbox exporter takes where none is named.
const defaultModule = "http_2xx"

// blackbox is the configuration of a blackbox exporter.
type blackbox struct {
	path    string                    // empty where the default configuration is assumed
	Modules map[string]blackboxModule `yaml:"modules"`
}

// blackboxModule is one way to probe.
type blackboxModule struct {
	Prober at[string] `yaml:"prober"`
	HTTP   httpProbe  `yaml:"http"`
	TCP    tcpProbe   `yaml:"tcp"`
	DNS    dnsProbe   `yaml:"dns"`
	GRPC   grpcProbe  `yaml:"grpc"`

	name string
	path string // the file that it stands in
	note string // what is doubtful about the module itself
}

type httpProbe struct {
	TLS               tlsConfig         `yaml:"tls_config"`
	Headers           map[string]string `yaml:"headers"`
	ProxyURL          string            `yaml:"proxy_url"`
	FollowRedirects   *bool             `yaml:"follow_redirects"`
	NoFollowRedirects *bool             `yaml:"no_follow_redirects"`
	FailIfSSL         bool              `yaml:"fail_if_ssl"`
	FailIfNotSSL      bool              `yaml:"fail_if_not_ssl"`
}

// follows reports whether redirects are followed, as they are by default.
func (h httpProbe) follows() bool {
	if h.NoFollowRedirects != nil {
		return !*h.NoFollowRedirects
	}
	return h.FollowRedirects == nil || *h.FollowRedirects
}

type tcpProbe struct {
	Enabled bool           `yaml:"tls"`
	TLS     tlsConfig      `yaml:"tls_config"`
	Steps   []tcpProbeStep `yaml:"query_response"`
}

type tcpProbeStep struct {
	Expect   string `yaml:"expect"`
	Send     string `yaml:"send"`
	StartTLS bool   `yaml:"starttls"`
}

type dnsProbe struct {
	OverTLS   bool      `yaml:"dns_over_tls"`
	Transport string    `yaml:"transport_protocol"`
	TLS       tlsConfig `yaml:"tls_config"`
}

type grpcProbe struct {
	Enabled bool      `yaml:"tls"`
	TLS     tlsConfig `yaml:"tls_config"`
}

// readBlackbox reads the modules that a Prometheus configuration's probes use:
// from the file of option blackbox, from blackbox.yml beside it, or the ones
// that the exporter ships with.
func readBlackbox(in *input) (*blackbox, error) {
	path, named := in.Options["blackbox"]
	if !named {
		path = filepath.Join(filepath.Dir(in.Path), blackboxBeside)
	}
	if _, err := os.Stat(path); !named && errors.Is(err, fs.ErrNotExist) {
		return parseBlackbox("", blackboxDefault)
	}
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	return parseBlackbox(path, text)
}

func parseBlackbox(path, text string) (*blackbox, error) {
	b := &blackbox{path: path}
	if err := decodeYAML(text, b); err != nil {
		return nil, fmt.Errorf("%s%w", path, err)
	}
	if len(b.Modules) == 0 {
		return nil, fmt.Errorf("%s:1:1: no modules: this is no configuration of a blackbox exporter", path)
	}
	return b, nil
}

// find returns the module that a probe asks for. One that is not configured is
// looked for among those of the ssl_exporter, which is asked in the same way.
func (b *blackbox) find(name string) blackboxModule {
	name = or(name, defaultModule)
	m, ok := b.Modules[name]
	switch {
	case ok && b.path == "":
		m.note = "no blackbox.yml given: module " + quote(name) + " is taken as the exporter ships it"
	case ok:
	case sslExporterProber(name) != "":
		m = blackboxModule{Prober: at[string]{V: sslExporterProber(name)}}
		m.note = "module " + quote(name) + " is not in " + b.named() + ": taken for the ssl_exporter's"
	default:
		m.note = "module " + quote(name) + " is not in " + b.named() + ": what it checks is not known; give blackbox=PATH"
	}
	m.name, m.path = name, b.path
	return m
}

func (b *blackbox) named() string { return or(b.path, "the blackbox exporter's default configuration") }
