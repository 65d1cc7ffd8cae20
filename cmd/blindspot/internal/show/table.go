package show

import (
	"bufio"

	"blindspot/discover/report"
	"blindspot/store"
)

// Table writes rows of a store in the named format. An error of theirs is
// returned at the end.
func Table(w *bufio.Writer, title string, t store.Table, format string, o report.Options) error {
	var failed error
	l := &report.List{Title: title, Columns: columns(t.Columns...)}
	l.Rows = func(yield func([]any) bool) {
		row := make([]any, len(t.Columns))
		for values, err := range t.Rows {
			if err != nil {
				failed = err
				return
			}
			for i, v := range values {
				if n, ok := v.(int64); ok {
					v = uint64(max(0, n))
				}
				row[i] = v
			}
			if !yield(row) {
				return
			}
		}
	}
	if err := report.WriteList(w, l, format, o); err != nil {
		return err
	}
	return failed
}
