package report

import "bufio"

func init() { register(format{name: "jsonl", place: 3, report: writeJSONL, list: writeListJSONL}) }

// writeJSONL writes one finding a line, each the object that the JSON report
// has for it, and nothing else: no finding is no line. What surrounds the
// findings (summary, limits of sight) is in the JSON report.
func writeJSONL(w *bufio.Writer, r *Report, _ Options) error {
	for i := range r.Findings {
		b, err := marshal(&r.Findings[i], "")
		if err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

func writeListJSONL(w *bufio.Writer, l *List, _ Options) error {
	keys := objectKeys(l)
	var b []byte
	for row := range l.Rows {
		b = append(appendObject(b[:0], l, keys, row), '\n')
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}
