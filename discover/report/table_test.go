package report

import (
	"bufio"
	"strings"
	"testing"
)

// What is written word by word is what wrap makes.
func TestParagraphs(t *testing.T) {
	for _, text := range []string{
		"", " ", "one", " two  words ", "a b c d e f g h i j k l m n o p q r s t u v w x y z",
		"12.5 % of traffic, under 0.1 % of it", strings.Repeat("long", 30), "short " + strings.Repeat("long", 30) + " short",
		strings.Repeat("exactly ", 20), strings.Repeat("1234567890 ", 12), strings.Repeat("123456789 ", 12),
	} {
		for _, width := range []int{40, 41, 80, 500} {
			for _, first := range []string{"", "  ", "  → "} {
				var b strings.Builder
				p := newPage(bufio.NewWriter(&b), Options{Width: width})
				p.para(first, "", text)
				p.w.Flush()
				want, lead := "", first
				for _, l := range wrap(text, p.prose()-columns(first)) {
					want += lead + l + "\n"
					lead = strings.Repeat(" ", columns(first))
				}
				if b.String() != want {
					t.Errorf("%q, %d wide after %q: got\n%s\nwant\n%s", text, width, first, b.String(), want)
				}
			}
		}
	}
}
