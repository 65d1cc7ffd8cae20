package monitored

import "strings"

func init() { register(format{kind: "urls", read: readURLs, detect: detectURLs}) }

// readURLs reads a list of URLs, one a line, with # comments.
func readURLs(in *input, r *Result) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	eachEntry(text, func(line int, entry string) {
		ref := in.ref(line)
		if !strings.Contains(entry, "://") {
			r.warn(ref, "%s is no URL: write https://host:port/", quote(entry))
			return
		}
		c, err := urlCheck("urls", ref, entry)
		if err != nil {
			r.warn(ref, "%s %v", quote(entry), err)
			return
		}
		r.add(c)
	})
	return nil
}

// detectURLs takes a text whose entries are all URLs of a single word.
func detectURLs(text string) int {
	urls, others := 0, 0
	eachEntry(text, func(_ int, entry string) {
		word, _, ok := strings.Cut(entry, "://")
		if ok && kindWord.MatchString(strings.ReplaceAll(word, "+", "")) && !strings.ContainsAny(entry, " \t\"") {
			urls++
		} else {
			others++
		}
	})
	if urls == 0 || others > 0 {
		return 0
	}
	return scoreURLs
}
