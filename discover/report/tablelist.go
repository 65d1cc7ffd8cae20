package report

import (
	"bufio"
	"strings"
)

const (
	columnGap = 2
	minFlex   = 8  // columns that a shortened cell keeps in any case
	maxFlex   = 64 // columns that one such column takes of a wide terminal
)

// writeListTable writes what fits the width: columns that give way are
// shortened, then others left out, and a note names them.
func writeListTable(w *bufio.Writer, l *List, o Options) error {
	p := newPage(w, o)
	p.line(p.paint(visible(l.Title), bold))
	p.line()
	left := writeRows(p, l)
	notes := l.Notes
	if len(left) > 0 {
		notes = append(notes[:len(notes):len(notes)], "Too narrow for: "+strings.Join(left, ", ")+". A wider terminal shows them, and --output csv.")
	}
	if len(notes) > 0 {
		p.line()
	}
	for _, n := range notes {
		p.para("", "", visible(n))
	}
	return nil
}

// writeRows writes header and rows, and returns the titles that were left out.
func writeRows(p *page, l *List) (left []string) {
	cols, rows := measure(l)
	if rows == 0 {
		p.line("none")
		return nil
	}
	cols, left = fit(cols, p.width)
	var b []byte
	cells := make([]string, len(cols))
	for i, c := range cols {
		cells[i] = c.Title
	}
	b = layOut(b[:0], cols, cells)
	p.line(p.paint(strings.TrimSuffix(string(b), "\n"), dim))
	for row := range l.Rows {
		if l.inTable != nil && !l.inTable(row) {
			continue
		}
		for i, c := range cols {
			cells[i] = show(row[c.at])
		}
		b = layOut(b[:0], cols, cells)
		p.w.Write(b)
	}
	return left
}

// placedColumn is a column of the table with its place in a row and its width.
type placedColumn struct {
	Column
	at, width int
}

// measure finds how wide each column would be, and counts the rows.
func measure(l *List) (cols []placedColumn, rows int) {
	for i, c := range l.Columns {
		if c.Title != "" {
			cols = append(cols, placedColumn{c, i, columns(c.Title)})
		}
	}
	for row := range l.Rows {
		if l.inTable != nil && !l.inTable(row) {
			continue
		}
		rows++
		for i := range cols {
			cols[i].width = max(cols[i].width, columns(show(row[cols[i].at])))
		}
	}
	return cols, rows
}

// fit leaves out columns until what the others keep takes no more than width,
// and then narrows those that give way.
func fit(cols []placedColumn, width int) (kept []placedColumn, left []string) {
	for i := range cols {
		if cols[i].flex > 0 {
			cols[i].width = min(cols[i].width, maxFlex)
		}
	}
	for least(cols) > width {
		worst := -1
		for i := range cols {
			if cols[i].drop > 0 && (worst < 0 || cols[i].drop >= cols[worst].drop) {
				worst = i
			}
		}
		if worst < 0 {
			break
		}
		left = append(left, cols[worst].Title)
		cols = append(cols[:worst:worst], cols[worst+1:]...)
	}
	narrow(cols, width)
	return cols, left
}

// least is the width of cols with every flexible one as narrow as it may be.
func least(cols []placedColumn) int {
	n := columnGap * (len(cols) - 1)
	for _, c := range cols {
		if c.flex > 0 {
			n += min(c.width, c.flex)
		} else {
			n += c.width
		}
	}
	return n
}

// narrow takes from the widest flexible column until cols fit.
func narrow(cols []placedColumn, width int) {
	over := columnGap*(len(cols)-1) - width
	for _, c := range cols {
		over += c.width
	}
	for ; over > 0; over-- {
		widest := -1
		for i := range cols {
			if cols[i].flex > 0 && cols[i].width > minFlex && (widest < 0 || cols[i].width > cols[widest].width) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		cols[widest].width--
	}
}

// layOut appends one line without spaces at its end.
func layOut(b []byte, cols []placedColumn, cells []string) []byte {
	end := len(b)
	for i, c := range cols {
		s := shorten(cells[i], c.width)
		pad := c.width - columns(s)
		if i > 0 {
			pad += columnGap
			if !c.right {
				b = spaces(b, columnGap)
				pad -= columnGap
			}
		}
		if c.right {
			b = append(spaces(b, pad), s...)
			end = len(b)
			continue
		}
		b = append(b, s...)
		end = len(b)
		b = spaces(b, pad)
	}
	return append(b[:end], '\n')
}

func spaces(b []byte, n int) []byte {
	for range n {
		b = append(b, ' ')
	}
	return b
}
