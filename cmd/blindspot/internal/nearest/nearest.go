// Package nearest finds the word that somebody probably meant.
package nearest

// maxDistance is how many letters may be wrong.
const maxDistance = 2

// Word returns the known word that is nearest to word, or "" where none is near.
func Word(word string, known []string) string {
	best, distance := "", maxDistance+1
	for _, k := range known {
		limit := min(maxDistance, max(1, len(k)/3))
		if d := edits(word, k); d <= limit && d < distance {
			best, distance = k, d
		}
	}
	return best
}

// Hint returns `; did you mean "word"?`, or "" where no known word is near.
func Hint(word string, known []string) string {
	if w := Word(word, known); w != "" {
		return `; did you mean "` + w + `"?`
	}
	return ""
}

// edits is the number of letters to insert, delete, replace or swap with their
// neighbour to make a into b.
func edits(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
