package monitored

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v3"
)

func init() {
	register(format{kind: "prometheus", read: readPrometheus, detect: detectPrometheus, options: []string{"blackbox"}, online: "prometheus-api"})
}

// promConfig is what a Prometheus configuration says about targets. Keys that
// say nothing about them are not read: they change from release to release.
type promConfig struct {
	Global struct {
		ScrapeInterval string `yaml:"scrape_interval"`
		ScrapeTimeout  string `yaml:"scrape_timeout"`
	} `yaml:"global"`
	ScrapeConfigs     []at[scrapeConfig] `yaml:"scrape_configs"`
	ScrapeConfigFiles []at[string]       `yaml:"scrape_config_files"`
}

// scrapeConfig is a job.
type scrapeConfig struct {
	JobName        at[string]           `yaml:"job_name"`
	Scheme         string               `yaml:"scheme"`
	MetricsPath    string               `yaml:"metrics_path"`
	ScrapeInterval string               `yaml:"scrape_interval"`
	ScrapeTimeout  string               `yaml:"scrape_timeout"`
	Params         map[string][]string  `yaml:"params"`
	TLS            tlsConfig            `yaml:"tls_config"`
	Static         []at[targetGroup]    `yaml:"static_configs"`
	FileSD         []fileSDConfig       `yaml:"file_sd_configs"`
	Relabel        []at[relabel.Config] `yaml:"relabel_configs"`
	Other          map[string]yaml.Node `yaml:",inline"`
}

type fileSDConfig struct {
	Files []at[string] `yaml:"files"`
}

// tlsConfig is a tls_config of Prometheus and its exporters.
type tlsConfig struct {
	CA                 at[string] `yaml:"ca"`
	CAFile             string     `yaml:"ca_file"`
	CARef              string     `yaml:"ca_ref"`
	ServerName         string     `yaml:"server_name"`
	InsecureSkipVerify bool       `yaml:"insecure_skip_verify"`
}

// trustStore names the roots that a tls_config in the file path verifies with.
func (t tlsConfig) trustStore(path string) string {
	switch {
	case t.CAFile != "":
		return t.CAFile
	case t.CARef != "":
		return t.CARef
	case t.CA.V != "":
		return fmt.Sprintf("%s:%d", path, t.CA.Line)
	}
	return ""
}

// promReader reads one Prometheus configuration with everything it names.
type promReader struct {
	*Result
	config  promConfig
	modules *blackbox
	seen    map[string]bool // scrapes of exporters, by job and address
	kind    string
	chains  chainIndex // what the exporter saw, where the source tells
}

// add makes the check one of this source.
func (p *promReader) add(c Check) {
	c.Source = p.kind
	p.Result.add(c)
}

func readPrometheus(in *input, r *Result) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	p := &promReader{Result: r, seen: map[string]bool{}, kind: in.Kind}
	if err := decodeYAML(text, &p.config); err != nil {
		return fmt.Errorf("%s%w", in.Path, err)
	}
	if p.modules, err = readBlackbox(in); err != nil {
		return err
	}
	if err := p.jobs(in.Path, p.config.ScrapeConfigs); err != nil {
		return err
	}
	for _, pattern := range p.config.ScrapeConfigFiles {
		if err := p.scrapeConfigFiles(in.Path, pattern); err != nil {
			return err
		}
	}
	return nil
}

// Patterns that Prometheus takes: a star in the last segment only.
var (
	jobFilePattern    = regexp.MustCompile(`^[^*]*(\*[^/]*)?$`)
	targetFilePattern = regexp.MustCompile(`^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$`)
)

// beside returns the paths that a pattern in the file path names.
func beside(path, pattern string) ([]string, error) {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(path), pattern)
	}
	return filepath.Glob(pattern)
}

// scrapeConfigFiles reads the jobs of the files that a pattern names.
func (p *promReader) scrapeConfigFiles(path string, pattern at[string]) error {
	if !jobFilePattern.MatchString(pattern.V) {
		return fmt.Errorf("%s:%d:%d: scrape_config_files %q: Prometheus takes * in the last segment only", path, pattern.Line, pattern.Column, pattern.V)
	}
	files, err := beside(path, pattern.V)
	if err != nil {
		return fmt.Errorf("%s:%d:%d: scrape_config_files %q: %w", path, pattern.Line, pattern.Column, pattern.V, err)
	}
	if len(files) == 0 {
		p.warn(fmt.Sprintf("%s:%d", path, pattern.Line), "scrape_config_files %s names no file", quote(pattern.V))
	}
	for _, file := range files {
		text, err := readText(file)
		if err != nil {
			return err
		}
		var more promConfig
		if err := decodeYAML(text, &more); err != nil {
			return fmt.Errorf("%s%w", file, err)
		}
		if err := p.jobs(file, more.ScrapeConfigs); err != nil {
			return err
		}
	}
	return nil
}

func (p *promReader) jobs(path string, jobs []at[scrapeConfig]) error {
	for i := range jobs {
		if err := p.job(path, &jobs[i]); err != nil {
			return err
		}
	}
	return nil
}

// job reads one job of the file path.
func (p *promReader) job(path string, sc *at[scrapeConfig]) error {
	if sc.V.JobName.V == "" {
		return fmt.Errorf("%s:%d:%d: a scrape config has no job_name: give it one", path, sc.Line, sc.Column)
	}
	j := &promJob{scrapeConfig: &sc.V, path: path, base: sc.V.base(&p.config)}
	if err := j.readRules(); err != nil {
		return err
	}
	p.otherDiscovery(j)
	for _, g := range j.Static {
		p.group(j, path, g.V, nil)
	}
	for _, sd := range j.FileSD {
		for _, pattern := range sd.Files {
			if err := p.fileSD(j, pattern); err != nil {
				return err
			}
		}
	}
	return nil
}

// otherDiscovery warns of service discoveries that files do not answer.
func (p *promReader) otherDiscovery(j *promJob) {
	var keys []string
	for key := range j.Other {
		if strings.HasSuffix(key, "_sd_configs") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		line := j.JobName.Line
		if n := j.Other[key]; n.Line > 0 {
			line = n.Line
		}
		p.warn(fmt.Sprintf("%s:%d", j.path, line),
			"job %s: the targets of %s are not in a file: their checks are not known; read them from the running server's /api/v1/targets", quote(j.JobName.V), key)
	}
}

// fileSD reads the target files that a pattern in the job names.
func (p *promReader) fileSD(j *promJob, pattern at[string]) error {
	ref := fmt.Sprintf("%s:%d", j.path, pattern.Line)
	if !targetFilePattern.MatchString(pattern.V) {
		return fmt.Errorf("%s:%d: file_sd_configs %q: Prometheus takes names that end in .json, .yml or .yaml, with * in the last segment only", ref, pattern.Column, pattern.V)
	}
	files, err := beside(j.path, pattern.V)
	if err != nil {
		return fmt.Errorf("%s:%d: file_sd_configs %q: %w", ref, pattern.Column, pattern.V, err)
	}
	if len(files) == 0 {
		p.warn(ref, "job %s: file_sd_configs %s names no file", quote(j.JobName.V), quote(pattern.V))
	}
	for _, file := range files {
		text, err := readText(file)
		if err != nil {
			return err
		}
		groups, err := parseFileSD(file, text)
		if err != nil {
			return err
		}
		meta := map[string]string{"__meta_filepath": file}
		for _, g := range groups {
			p.group(j, file, g.V, meta)
		}
	}
	return nil
}

// group reads the targets of a group that stands in the file path.
func (p *promReader) group(j *promJob, path string, g targetGroup, meta map[string]string) {
	for _, target := range g.Targets {
		ref := fmt.Sprintf("%s:%d", path, target.Line)
		t, keep, err := j.resolve(target.V, g.Labels, meta)
		switch {
		case err != nil:
			p.warn(ref, "job %s: target %s: %v", quote(j.JobName.V), quote(target.V), err)
		case keep:
			p.target(j, ref, t)
		}
	}
}

// detectPrometheus takes YAML with scrape configs.
func detectPrometheus(text string) int {
	if hasKey(text, "scrape_configs", "scrape_config_files") {
		return scoreKeys
	}
	return 0
}
