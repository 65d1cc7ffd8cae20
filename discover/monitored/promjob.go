package monitored

import (
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
)

// maxRelabelled bounds what one relabelling step can write for a target.
// A rule that doubles a label grows it without end otherwise.
const maxRelabelled = 1 << 20

// Prometheus's defaults for a job.
const (
	defaultInterval = "1m"
	defaultTimeout  = "10s"
	defaultPath     = "/metrics"
)

// promJob is a job with what each of its targets starts from.
type promJob struct {
	*scrapeConfig
	path  string            // the file that it stands in
	base  map[string]string // labels that every target has
	rules []*relabel.Config
	// unsure says that the job's tls_config is not known.
	unsure bool
}

// base are the labels that Prometheus gives each target of the job before
// relabelling, unless the target has them.
func (sc *scrapeConfig) base(global *promConfig) map[string]string {
	base := map[string]string{
		model.JobLabel:            sc.JobName.V,
		model.SchemeLabel:         or(sc.Scheme, "http"),
		model.MetricsPathLabel:    or(sc.MetricsPath, defaultPath),
		model.ScrapeIntervalLabel: or(sc.ScrapeInterval, global.Global.ScrapeInterval, defaultInterval),
		model.ScrapeTimeoutLabel:  or(sc.ScrapeTimeout, global.Global.ScrapeTimeout, defaultTimeout),
	}
	for name, values := range sc.Params {
		if len(values) > 0 {
			base[model.ParamLabelPrefix+name] = values[0]
		}
	}
	return base
}

// or returns the first of values that is not empty.
func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// readRules checks the relabelling rules: they may be run only after.
func (j *promJob) readRules() error {
	for i := range j.Relabel {
		rule := &j.Relabel[i]
		if err := rule.V.Validate(model.UTF8Validation); err != nil {
			return fmt.Errorf("%s:%d:%d: relabel_configs of job %s: %w", j.path, rule.Line, rule.Column, quote(j.JobName.V), err)
		}
		j.rules = append(j.rules, &rule.V)
	}
	return nil
}

// promTarget is a target after relabelling: what Prometheus scrapes.
type promTarget struct {
	scheme, address, path string
	params                map[string]string
	labels                map[string]string
}

// resolve relabels a target as Prometheus does. It reports false for a target
// that the rules drop.
func (j *promJob) resolve(address string, group, meta map[string]string) (promTarget, bool, error) {
	set := labels.NewBuilder(labels.EmptyLabels())
	for _, from := range []map[string]string{j.base, group, meta, {model.AddressLabel: address}} {
		for name, value := range from {
			if value != "" {
				set.Set(name, value)
			}
		}
	}
	for _, rule := range j.rules {
		if relabelCost(set, rule) > maxRelabelled {
			return promTarget{}, false, fmt.Errorf("relabelling writes more than %d bytes: look for a rule that copies a label into itself", maxRelabelled)
		}
		if !relabel.ProcessBuilder(set, rule) {
			return promTarget{}, false, nil
		}
	}
	t := newPromTarget(set, j.Params)
	switch {
	case t.address == "":
		return promTarget{}, false, errors.New("has no __address__ after relabelling: Prometheus drops it")
	case strings.Contains(t.address, "/"):
		return promTarget{}, false, fmt.Errorf("its __address__ is %s after relabelling: Prometheus takes host:port only", quote(t.address))
	}
	return t, true, nil
}

// relabelCost is an upper bound of what a rule can write: everything that it
// reads, once for each reference to it.
func relabelCost(set *labels.Builder, rule *relabel.Config) int {
	size := 0
	set.Range(func(l labels.Label) { size += len(l.Name) + len(l.Value) })
	for _, name := range rule.SourceLabels {
		size += len(set.Get(string(name))) + len(rule.Separator)
	}
	references := strings.Count(rule.Replacement, "$") + strings.Count(rule.TargetLabel, "$")
	return size*(1+references) + len(rule.Replacement) + len(rule.TargetLabel)
}

// newPromTarget reads the target from its labels. A parameter of the job stays
// where rules delete its label (Target.URL in Prometheus's scrape package).
func newPromTarget(set *labels.Builder, params map[string][]string) promTarget {
	t := promTarget{params: map[string]string{}, labels: map[string]string{}}
	for name, values := range params {
		if len(values) > 0 {
			t.params[name] = values[0]
		}
	}
	if set.Get(model.InstanceLabel) == "" {
		set.Set(model.InstanceLabel, set.Get(model.AddressLabel))
	}
	set.Range(func(l labels.Label) {
		switch {
		case l.Name == model.AddressLabel:
			t.address = l.Value
		case l.Name == model.SchemeLabel:
			t.scheme = l.Value
		case l.Name == model.MetricsPathLabel:
			t.path = l.Value
		case strings.HasPrefix(l.Name, model.ParamLabelPrefix):
			t.params[l.Name[len(model.ParamLabelPrefix):]] = l.Value
		case !strings.HasPrefix(l.Name, "__"):
			t.labels[l.Name] = l.Value
		}
	})
	return t
}
