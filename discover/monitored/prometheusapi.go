package monitored

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"
)

func init() {
	register(format{kind: "prometheus-api", read: readPrometheusAPI, detect: detectPrometheusAPI,
		options: []string{"blackbox", "chain", "config", "bearer", "ca"}})
}

// The paths of Prometheus's HTTP API that are asked.
const (
	pathTargets = "/api/v1/targets?state=active"
	pathChains  = "/api/v1/query?query=" + chainMetric
	pathConfig  = "/api/v1/status/config"
)

// targetsAnswer is the answer to pathTargets.
type targetsAnswer struct {
	Status string `yaml:"status"`
	Error  string `yaml:"error"`
	Data   struct {
		Active *[]apiTarget `yaml:"activeTargets"`
	} `yaml:"data"`
}

// apiTarget is a target after relabelling, as Prometheus scrapes it.
type apiTarget struct {
	Pool      string            `yaml:"scrapePool"`
	URL       at[string]        `yaml:"scrapeUrl"`
	Labels    map[string]string `yaml:"labels"`
	Health    string            `yaml:"health"`
	LastError string            `yaml:"lastError"`
}

// configAnswer is the answer to pathConfig.
type configAnswer struct {
	Status string `yaml:"status"`
	Error  string `yaml:"error"`
	Data   struct {
		YAML string `yaml:"yaml"`
	} `yaml:"data"`
}

// apiReader reads the targets that a Prometheus server scrapes.
type apiReader struct {
	promReader
	base string                  // the server, "" for saved answers
	jobs map[string]scrapeConfig // by name; nil where the configuration is not known
	path string                  // of the configuration
}

// readPrometheusAPI reads a running server, or a saved answer to pathTargets.
// Option chain is a saved answer to pathChains, config the prometheus.yml that
// says how the scrapes themselves verify, blackbox the exporter's modules;
// bearer is a file with a token and ca a file with roots for the server.
func readPrometheusAPI(in *input, r *Result) error {
	a := &apiReader{promReader: promReader{Result: r, seen: map[string]bool{}, kind: in.Kind}}
	load := a.loadSaved
	if isURL(in.Path) {
		load = a.loadOnline
	}
	targets, err := load(in)
	if err != nil {
		return err
	}
	if a.modules, err = readNamedBlackbox(in); err != nil {
		return err
	}
	for _, t := range targets {
		a.target(t, in)
	}
	return nil
}

// readNamedBlackbox reads the modules of option blackbox, or the ones that the
// exporter ships with: nothing else can be beside a server's answer.
func readNamedBlackbox(in *input) (*blackbox, error) {
	if in.Options["blackbox"] == "" {
		return parseBlackbox("", blackboxDefault)
	}
	return readBlackbox(in)
}

// loadSaved reads the answers from files.
func (a *apiReader) loadSaved(in *input) ([]apiTarget, error) {
	text, err := in.text()
	if err != nil {
		return nil, err
	}
	targets, err := parseTargets(in.Path, text)
	if err != nil {
		return nil, err
	}
	if path := in.Options["chain"]; path != "" {
		text, err := readText(path)
		if err != nil {
			return nil, err
		}
		if a.chains, err = parseChains(path, text); err != nil {
			return nil, err
		}
	}
	return targets, a.readConfig(in.Options["config"])
}

// loadOnline asks the server. What it does not tell of the chains or of its
// configuration is a warning: proxies and other servers with this API, such as
// Thanos, leave it out.
func (a *apiReader) loadOnline(in *input) ([]apiTarget, error) {
	server, err := newAPIServer(in)
	if err != nil {
		return nil, err
	}
	defer server.client.CloseIdleConnections()
	a.base = server.name()
	text, err := server.get(pathTargets)
	if err != nil {
		return nil, err
	}
	targets, err := parseTargets(a.base+pathTargets, text)
	if err != nil {
		return nil, err
	}
	if err := a.askChains(server, in.Options["chain"]); err != nil {
		return nil, err
	}
	return targets, a.askConfig(server, in.Options["config"])
}

func (a *apiReader) askChains(server *apiServer, saved string) error {
	path, text, err := saved, "", error(nil)
	if saved == "" {
		path = a.base + pathChains
		text, err = server.get(pathChains)
	} else if text, err = readText(saved); err != nil {
		return err
	}
	if err == nil {
		a.chains, err = parseChains(path, text)
	}
	if err != nil && saved != "" {
		return err
	}
	if err != nil {
		a.warn(a.base, "which certificates the exporter saw is not known: %v", err)
	}
	return nil
}

func (a *apiReader) askConfig(server *apiServer, path string) error {
	if path != "" {
		return a.readConfig(path)
	}
	text, err := server.get(pathConfig)
	if err == nil {
		err = a.parseConfigAnswer(text)
	}
	if err != nil {
		a.warn(a.base, "how scrapes over https verify is not known: %v", err)
	}
	return nil
}

// readConfig reads the tls_configs of the jobs in a prometheus.yml.
func (a *apiReader) readConfig(path string) error {
	if path == "" {
		return nil
	}
	text, err := readText(path)
	if err != nil {
		return err
	}
	if err := a.parseConfig(path, text); err != nil {
		return fmt.Errorf("%s%w", path, err)
	}
	return nil
}

func (a *apiReader) parseConfigAnswer(text string) error {
	var answer configAnswer
	if err := decodeJSON(text, &answer); err != nil {
		return fmt.Errorf("%s%w", a.base+pathConfig, err)
	}
	if err := answerError(answer.Status, answer.Error); err != nil {
		return fmt.Errorf("%s: %w", a.base+pathConfig, err)
	}
	if err := a.parseConfig("", answer.Data.YAML); err != nil {
		return fmt.Errorf("%s%w", a.base+pathConfig, err)
	}
	return nil
}

func (a *apiReader) parseConfig(path, text string) error {
	var config struct {
		Jobs []struct {
			Name string    `yaml:"job_name"`
			TLS  tlsConfig `yaml:"tls_config"`
		} `yaml:"scrape_configs"`
	}
	if err := decodeYAML(text, &config); err != nil {
		return err
	}
	if config.Jobs == nil {
		return &placedError{1, 1, errors.New("no scrape_configs: this is no configuration of Prometheus")}
	}
	a.jobs, a.path = map[string]scrapeConfig{}, path
	for _, job := range config.Jobs {
		a.jobs[job.Name] = scrapeConfig{TLS: job.TLS}
	}
	return nil
}

// parseTargets reads the answer to pathTargets.
func parseTargets(path, text string) ([]apiTarget, error) {
	var answer targetsAnswer
	if err := decodeJSON(text, &answer, "discoveredLabels", "droppedTargets"); err != nil {
		return nil, fmt.Errorf("%s%w", path, err)
	}
	if err := answerError(answer.Status, answer.Error); err != nil {
		return nil, fmt.Errorf("%s: %w: save the answer to %s", path, err, pathTargets)
	}
	if answer.Data.Active == nil {
		return nil, fmt.Errorf("%s:1:1: has no activeTargets: save the answer to %s", path, pathTargets)
	}
	return *answer.Data.Active, nil
}

// target makes the checks of a target.
func (a *apiReader) target(t apiTarget, in *input) {
	ref := a.ref(t, in)
	u, err := url.Parse(t.URL.V)
	if err != nil || u.Host == "" {
		a.warn(ref, "scrapeUrl %s is no URL", quote(t.URL.V))
		return
	}
	target := promTarget{scheme: u.Scheme, address: u.Host, path: u.Path, params: map[string]string{}, labels: t.Labels}
	for name, values := range u.Query() {
		target.params[name] = values[0]
	}
	checks := len(a.Checks)
	a.promReader.target(a.job(t.Pool), ref, target)
	if t.Health != "down" {
		return
	}
	for i := range a.Checks[checks:] {
		a.Checks[checks+i].note("the last scrape did not work, so that nothing is checked: " + clip(redact(t.LastError)))
	}
}

// ref names a target: by its line in a saved answer, unless the server wrote
// all of it on one, else by job and instance.
func (a *apiReader) ref(t apiTarget, in *input) string {
	if a.base == "" && t.URL.Line > 1 {
		return in.ref(t.URL.Line)
	}
	return or(a.base, in.Path) + " " + redact(t.Pool+"/"+t.Labels["instance"])
}

// job is the job of a scrape pool, with its tls_config where that is known.
func (a *apiReader) job(pool string) *promJob {
	sc, known := a.jobs[pool]
	sc.JobName.V = pool
	return &promJob{scrapeConfig: &sc, path: a.path, unsure: !known}
}

// detectPrometheusAPI takes an answer to pathTargets.
func detectPrometheusAPI(text string) int {
	if strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") && strings.Contains(text, `"activeTargets"`) {
		return scoreKeys
	}
	return 0
}

// decodeJSON reads a text that holds one JSON object into v, which has no use
// for the keys to skip.
func decodeJSON(text string, v any, skip ...string) error {
	root, err := parseJSONWithout(text, skip...)
	if err != nil {
		return err
	}
	if root.Kind != yaml.MappingNode {
		return &placedError{root.Line, root.Column, errNoObject}
	}
	return placed(root.Decode(v), root)
}
