package coverage

import (
	"testing"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

// reportCase is a scene with its whole report: what must appear, and thereby
// what must not.
type reportCase struct {
	name   string
	build  func(s *scene)
	checks []monitored.Check
	cfg    Config
	want   []string
}

const edge = "10.0.0.10:443"

// none is the chain of a handshake whose certificate is hidden.
var none discover.ChainID

func runReports(t *testing.T, cases []reportCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newScene()
			c.build(s)
			r := s.compare(t, c.checks, c.cfg)
			if c.want == nil {
				c.want = []string{}
			}
			equal(t, lines(r.Findings), c.want)
			for _, f := range r.Findings {
				t.Logf("%s\n\t%s", f.Detail, f.Remedy)
				if f.Detail == "" || f.Remedy == "" || f.Surface == "" || f.Endpoints == nil || f.Evidence == nil {
					t.Errorf("incomplete finding %+v", f)
				}
			}
		})
	}
}

func wildcard(s *scene) discover.ChainID { return s.leaf("wild", []string{"*.shop.example"}) }

func one(c monitored.Check) []monitored.Check { return []monitored.Check{c} }
