package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"blindspot/cmd/blindspot/internal/show"
	"blindspot/cmd/blindspot/internal/term"
	"blindspot/discover"
	"blindspot/discover/verify"
	"blindspot/store"
)

// verification is one run of looks.
type verification struct {
	flags *verifyFlags
	db    *store.DB
	plan  *verify.Plan
	now   time.Time

	aggregator *discover.Aggregator
	writer     *store.Writer
	looks      show.Looks
	found      int
	changed    int
	failed     int
}

func (v *verification) run(ctx context.Context) error {
	c := &v.flags.source.read.console
	if v.flags.dryRun {
		for i := range v.plan.Targets {
			v.looks.Rows = append(v.looks.Rows, show.NewLook(&v.plan.Targets[i]))
		}
		v.looks.Title = "Would ask " + counted(len(v.plan.Targets), "endpoint") + " for their certificates"
		return v.write()
	}
	if n := len(v.plan.Targets); n > 0 {
		host, _ := os.Hostname()
		c.info("%s asks %s that traffic uses for their certificates, %g a second at most: a TLS handshake each, and nothing behind it", host, term.Of(uint64(n), "endpoint"), v.flags.rate)
	}
	err := v.ask(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	v.looks.Title = fmt.Sprintf("Asked %s: %s, %d changed, %d without an answer", counted(v.found+v.failed, "endpoint"), counted(v.found, "certificate"), v.changed, v.failed)
	if err != nil {
		err = fmt.Errorf("interrupted after %d of %d looks; what was learned is stored", v.found+v.failed, len(v.plan.Targets))
	}
	return errors.Join(v.write(), err)
}

func counted(n int, what string) string { return term.Of(uint64(n), what) }

// ask asks all targets and stores what they show as it comes.
func (v *verification) ask(ctx context.Context) error {
	v.aggregator = discover.NewAggregator(discover.AggregatorConfig{Sensor: v.flags.source.read.sensor, SketchKey: v.db.SketchKey()})
	var fault error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asker := verify.Asker{Rate: v.flags.rate, Timeout: v.flags.patience, Began: v.tell}
	err := asker.Run(ctx, v.plan.Targets, func(r verify.Result) {
		if fault == nil {
			if fault = v.take(r); fault != nil {
				cancel()
			}
		}
	})
	if v.writer != nil {
		if err != nil || fault != nil {
			fault = errors.Join(fault, v.writer.Abort("interrupted"))
		} else if _, e := v.writer.Finish(""); e != nil {
			fault = e
		}
	}
	if fault != nil {
		return fault
	}
	return err
}

// tell says whom we ask, before we do, and why.
func (v *verification) tell(t *verify.Target) {
	what := "its default certificate"
	if t.Hostname != "" {
		what = "the certificate of " + t.Hostname
	}
	why := "TLS hides it from the sensor"
	if t.Why == verify.Due {
		why = "it was last seen on " + t.KnownAt.UTC().Format(time.RFC3339)
	}
	over := ""
	if t.Preface != "" {
		over = " over " + t.Preface
	}
	v.flags.source.read.console.info("asking %s%s for %s: %s, and clients use it (%s, last on %s)",
		t.Server, over, what, why, term.Of(t.Handshakes, "handshake"), t.LastUse.UTC().Format(time.RFC3339))
}

// take stores one result.
func (v *verification) take(r verify.Result) error {
	row := show.NewLook(r.Target)
	if r.Err != nil {
		row.Result, row.Detail = verify.Failed, r.Err.Error()
		var failure *verify.Failure
		if errors.As(r.Err, &failure) {
			row.Result = failure.Kind()
		}
		if row.Result != verify.Stopped {
			v.failed++
			v.looks.Rows = append(v.looks.Rows, row)
		}
		return nil
	}
	v.aggregator.Add(r.Observation)
	b := v.aggregator.Drain(false)
	var leaf *discover.Certificate
	for _, c := range b.Certificates {
		if c.SHA256 == r.Observation.Chain[0] {
			leaf = c
		}
	}
	if err := v.store(b); err != nil {
		return err
	}
	if leaf == nil {
		var err error
		if leaf, err = v.db.Certificate(r.Observation.Chain[0]); err != nil {
			return err
		}
	}
	row.Found(r.Observation, leaf)
	v.found++
	if row.Compared == "changed" {
		v.changed++
	}
	v.looks.Rows = append(v.looks.Rows, row)
	return nil
}

func (v *verification) store(b *discover.Batch) (err error) {
	if v.writer == nil {
		src := discover.Source{Kind: "verify", Name: v.now.Format(time.RFC3339), Sensor: v.flags.source.read.sensor}
		if v.writer, err = v.db.Start(src); err != nil {
			return err
		}
	}
	return v.writer.Write(b)
}

// write writes the table.
func (v *verification) write() error {
	for i := range v.plan.Unasked {
		v.looks.Rows = append(v.looks.Rows, show.NewUnasked(&v.plan.Unasked[i]))
	}
	v.looks.At, v.looks.Notes = v.now, v.notes()
	return stdout(func(w *bufio.Writer) error { return v.looks.Write(w, v.flags.output.format, v.flags.output.options()) })
}

// notes say what was not asked.
func (v *verification) notes() []string {
	var list []string
	p := v.plan
	for _, e := range []struct {
		n    int
		text string
	}{
		{len(p.Unasked), "cannot be asked"}, {p.Seen, "whose certificate is known"},
		{p.OutOfScope, "out of scope"}, {p.NotUsed, "that no client uses"},
	} {
		if e.n > 0 {
			list = append(list, counted(e.n, "place")+" "+e.text)
		}
	}
	var out []string
	if len(list) > 0 {
		out = append(out, "Not asked: "+strings.Join(list, ", ")+".")
	}
	if p.Beyond > 0 {
		out = append(out, term.Of(p.Beyond, "handshake")+" at places beyond the bound of the plan.")
	}
	return out
}
