package show

import (
	"slices"
	"unicode/utf8"
)

const (
	columnGap = 2
	minColumn = 12 // columns that a shortened one keeps
)

// natural is how wide rows are where nothing is shortened.
func natural(header []string, rows [][]string) int {
	_, total := measure(header, rows)
	return total
}

func measure(header []string, rows [][]string) (widths []int, total int) {
	widths = make([]int, len(header))
	total = (len(header) - 1) * columnGap
	for i, h := range header {
		widths[i] = utf8.RuneCountInString(h)
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		total += widths[i]
	}
	return widths, total
}

// narrow shortens texts until rows fit the width: of the columns in flexible,
// always the widest. The header counts too. Of a column in tails the end is
// kept, of others both ends.
func narrow(header []string, rows [][]string, width int, flexible, tails []int) {
	widths, total := measure(header, rows)
	for total > width {
		widest := -1
		for _, i := range flexible {
			if widths[i] > minColumn && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	for _, row := range rows {
		for _, i := range flexible {
			row[i] = shorten(row[i], widths[i], slices.Contains(tails, i))
		}
	}
}

// shorten takes out the middle, or the beginning: both ends of a name tell more
// than its middle, and the end of a path more than its beginning.
func shorten(s string, n int, tail bool) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	head := (n - 1) / 2
	if tail {
		head = 0
	}
	return string(r[:head]) + "…" + string(r[len(r)-(n-1-head):])
}
