package inventory

import (
	"strings"
	"time"
)

// over are the words for a certificate that is not, or no longer, in use.
var over = []string{
	"revoked", "expired", "retired", "replaced", "superseded", "inactive", "archived", "decommission", "historical",
	"disabled", "deleted", "renewed", "rejected", "denied", "failed", "pending", "cancel", "old",
}

// isOver reads a status. What it does not know means in use.
func isOver(status string) bool {
	words := strings.FieldsFunc(strings.ToLower(status), func(r rune) bool { return r < 'a' || r > 'z' })
	for i, word := range words {
		if i > 0 && words[i-1] == "not" {
			continue
		}
		for _, o := range over {
			if word == o || len(o) > 3 && strings.HasPrefix(word, o) {
				return true
			}
		}
	}
	return false
}

// rowReader collects what a row says.
type rowReader struct {
	t       *table
	record  Record
	subject string
	pem     string
	notes   []string
}

// addRow makes a record of a row's fields.
func (t *table) addRow(ref string, fields []string, b *batch) {
	if strings.TrimSpace(strings.Join(fields, "")) == "" {
		return // a row of separators, as spreadsheets leave them
	}
	r := &rowReader{t: t, record: Record{Current: true}}
	for _, c := range t.columns {
		if c.index < len(fields) && !saysNothing(trimCell(fields[c.index])) {
			r.read(c.field, fields[c.index])
		}
	}
	r.readSubject()
	for _, note := range r.notes {
		b.warn(ref, "%s", note)
	}
	switch {
	case r.pem != "" && detectPEM(r.pem) > 0:
		b.addPEM(ref, r.pem, r.complete)
	case r.record.identified():
		b.add(ref, r.record)
	case len(r.notes) == 0:
		b.warn(ref, "%s: the row says nothing that identifies a certificate", quote(strings.Join(fields, string(t.comma))))
	}
}

// complete adds what only the row knows to the record of its certificate.
func (r *rowReader) complete(rec *Record) {
	rec.Owner, rec.Targets, rec.Current, rec.Replaces = r.record.Owner, r.record.Targets, r.record.Current, r.record.Replaces
}

func (r *rowReader) note(err error) {
	if err != nil {
		r.notes = append(r.notes, err.Error())
	}
}

func (r *rowReader) read(field, cell string) {
	var err error
	rec := &r.record
	switch field {
	case "sha256", "sha1", "fingerprint":
		err = rec.setHash(cell)
	case "spki":
		err = rec.setSPKI(cell)
	case "serial":
		rec.Serial, err = parseSerial(cell, r.t.digits)
	case "issuer":
		// A distinguished name says more than the common name beside it.
		if issuer := normalDN(trimCell(cell)); !strings.Contains(rec.Issuer, "=") {
			rec.Issuer = issuer
		}
	case "names":
		r.readNames(splitNames(cell))
	case "host":
		r.readNames(hostsOf(splitTargets(cell)))
	case "notbefore":
		rec.NotBefore, err = r.date(rec.NotBefore, cell)
	case "notafter":
		rec.NotAfter, err = r.date(rec.NotAfter, cell)
	case "targets":
		rec.Targets = append(rec.Targets, splitTargets(cell)...)
	default:
		r.readWords(field, trimCell(cell))
	}
	r.note(err)
}

// readWords reads the fields that any text is good for. Of several columns the
// first that says something counts.
func (r *rowReader) readWords(field, cell string) {
	rec := &r.record
	switch field {
	case "owner":
		if rec.Owner == "" {
			rec.Owner = cell
		}
	case "replaces":
		rec.Replaces = cell
	case "subject":
		r.subject = cell
	case "pem":
		r.pem = cell
	case "status":
		rec.Current = rec.Current && !isOver(cell)
	case "revoked":
		switch strings.ToLower(cell) {
		case "0", "no", "n", "false", "f":
		default:
			rec.Current = false
		}
	}
}

func (r *rowReader) date(had time.Time, cell string) (time.Time, error) {
	t, err := parseDate(cell, r.t.order)
	if err != nil || t.IsZero() {
		return had, err
	}
	return t, nil
}

func (r *rowReader) readNames(names []string) {
	for _, bad := range r.record.addNames(names...) {
		// A common name may be any text: what is no hostname is no name that
		// traffic could ask for.
		if strings.ContainsAny(bad, ".") {
			r.notes = append(r.notes, quote(bad)+" is neither a hostname nor an address")
		}
	}
}

// readSubject takes the common name of a subject for a name where the row has
// no others.
func (r *rowReader) readSubject() {
	if r.subject == "" || len(r.record.Names) > 0 {
		return
	}
	list, ok := parseDN(r.subject)
	if !ok {
		r.record.addNames(r.subject)
		return
	}
	for _, rdn := range list {
		for _, p := range rdn {
			if p.name == "CN" {
				r.record.addNames(p.text)
			}
		}
	}
}
