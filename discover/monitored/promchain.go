package monitored

import (
	"errors"
	"fmt"
	"strings"

	"blindspot/discover"
)

// chainMetric is the blackbox exporter's metric that says which leaf it saw.
const chainMetric = "probe_ssl_last_chain_info"

// chainIndex holds the labels of chainMetric's series by job and instance.
type chainIndex map[string][]map[string]string

func chainKey(labels map[string]string) string { return labels["job"] + "\x00" + labels["instance"] }

// vectorAnswer is the answer to an instant query.
type vectorAnswer struct {
	Status string `yaml:"status"`
	Error  string `yaml:"error"`
	Data   struct {
		Type   string `yaml:"resultType"`
		Result []struct {
			Metric map[string]string `yaml:"metric"`
		} `yaml:"result"`
	} `yaml:"data"`
}

// parseChains reads the answer to the instant query of chainMetric.
func parseChains(path, text string) (chainIndex, error) {
	var answer vectorAnswer
	if err := decodeJSON(text, &answer); err != nil {
		return nil, fmt.Errorf("%s%w", path, err)
	}
	if err := answerError(answer.Status, answer.Error); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if answer.Data.Type != "vector" {
		return nil, fmt.Errorf("%s:1:1: the result is no vector: save the answer to /api/v1/query?query=%s", path, chainMetric)
	}
	index := chainIndex{}
	for _, series := range answer.Data.Result {
		if name := series.Metric["__name__"]; name != "" && name != chainMetric {
			return nil, fmt.Errorf("%s:1:1: holds %s: save the answer to /api/v1/query?query=%s", path, quote(name), chainMetric)
		}
		key := chainKey(series.Metric)
		index[key] = append(index[key], series.Metric)
	}
	return index, nil
}

// answerError is what an answer of the API says of itself.
func answerError(status, message string) error {
	switch {
	case status == "success":
		return nil
	case message != "":
		return errors.New("the server answers: " + clip(redact(message)))
	}
	return errors.New("this is no answer of Prometheus's API")
}

// join sets the leaf that the exporter saw when it probed the target with these
// labels: that of the series with the target's labels.
func (x chainIndex) join(c *Check, labels map[string]string) {
	var seen map[string]string
	for _, series := range x[chainKey(labels)] {
		if !holds(series, labels) {
			continue
		}
		if seen != nil && seen["fingerprint_sha256"] != series["fingerprint_sha256"] {
			c.note("several certificates are reported for this job and instance: which one this check saw is not known")
			return
		}
		seen = series
	}
	if seen == nil {
		return
	}
	c.sawLeaf(seen["fingerprint_sha256"], strings.Split(seen["subjectalternative"], ","))
}

// holds reports whether all has every label of some.
func holds(all, some map[string]string) bool {
	for name, value := range some {
		if all[name] != value {
			return false
		}
	}
	return true
}

// sawLeaf sets the leaf that the monitor reports, with the names that it is
// for, where it tells. A monitor that verifies and reports a certificate for
// other names was redirected: that leaf is not this check's.
func (c *Check) sawLeaf(fingerprint string, names []string) {
	leaf, ok := parseFingerprint(fingerprint)
	if !ok {
		if fingerprint != "" {
			c.note("the certificate seen has the fingerprint " + quote(fingerprint) + ", which is no SHA-256")
		}
		return
	}
	if c.Verifies && c.Hostname != "" && !anyCovers(names, c.Hostname) {
		c.note("the certificate seen is for " + quote(strings.Join(names, ",")) + ": a redirect led elsewhere")
		return
	}
	c.SeenFingerprint = leaf
}

// sha256Hex is the length of a SHA-256 in hex.
const sha256Hex = 64

// parseFingerprint reads a SHA-256 in hex of either case, with or without
// colons, as lower hex.
func parseFingerprint(s string) (string, bool) {
	s = strings.ToLower(strings.ReplaceAll(s, ":", ""))
	return s, len(s) == sha256Hex && strings.Trim(s, "0123456789abcdef") == ""
}

// anyCovers reports whether one of a certificate's names covers host (RFC 9525
// §6.3). Without any name it is not known, and taken to be so.
func anyCovers(names []string, host string) bool {
	known := false
	for _, name := range names {
		name = strings.TrimSpace(name)
		pattern, wildcard := strings.CutPrefix(name, "*.")
		plain, ok := discover.Hostname(pattern)
		if !ok {
			continue
		}
		known = true
		_, parent, _ := strings.Cut(host, ".")
		if plain == host && !wildcard || wildcard && plain == parent {
			return true
		}
	}
	return !known
}
