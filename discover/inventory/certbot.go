package inventory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"blindspot/discover"
)

func init() {
	register(format{kind: "certbot", read: readCertbot, detect: func(string) int { return 0 }, detectDir: detectCertbot})
}

// lineage is what certbot calls one certificate with all its renewals.
type lineage struct {
	name    string
	archive string // directory of the generations, "" for none
	renewed bool   // has renewal/NAME.conf
}

// generationFile is a certificate in archive/NAME; the other files there are
// chains, which are read with it, and keys, which are never opened.
var generationFile = regexp.MustCompile(`^cert(\d+)\.pem$`)

// readCertbot reads /etc/letsencrypt, or a copy of it: all generations in
// archive/, of which the one that live/ points to is current.
func readCertbot(in *input, b *batch) error {
	if !in.isDir() {
		return fmt.Errorf("%s: is no directory: certbot reads the one that holds live/ and archive/, often /etc/letsencrypt", in.Path)
	}
	lineages, err := findLineages(in.Path)
	if err != nil {
		return err
	}
	if len(lineages) == 0 {
		return fmt.Errorf("%s: holds no certificates in live/ or archive/: give the directory that certbot writes to, often /etc/letsencrypt", in.Path)
	}
	for _, l := range lineages {
		if err := b.addLineage(in.Path, l); err != nil {
			return err
		}
	}
	return nil
}

// findLineages returns the lineages of a certbot directory, sorted by name.
func findLineages(root string) ([]lineage, error) {
	byName := map[string]*lineage{}
	get := func(name string) *lineage {
		if byName[name] == nil {
			byName[name] = &lineage{name: name}
		}
		return byName[name]
	}
	for _, dir := range []string{"live", "archive"} {
		entries, err := readDir(filepath.Join(root, dir))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !e.IsDir() {
				continue
			}
			l := get(e.Name())
			if dir == "archive" {
				l.archive = filepath.Join(root, dir, e.Name())
			}
		}
	}
	entries, err := readDir(filepath.Join(root, "renewal"))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".conf"); ok && !e.IsDir() {
			if err := get(name).readRenewal(root, filepath.Join(root, "renewal", e.Name())); err != nil {
				return nil, err
			}
		}
	}
	lineages := make([]lineage, 0, len(byName))
	for _, l := range byName {
		lineages = append(lineages, *l)
	}
	slices.SortFunc(lineages, func(a, b lineage) int { return strings.Compare(a.name, b.name) })
	return lineages, nil
}

func readDir(path string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("inventory source: %w", err)
	}
	return entries, nil
}

// maxRenewal bounds a renewal file.
const maxRenewal = 1 << 20

// readRenewal reads the keys before the first section of renewal/NAME.conf. The
// archive may have another name than the lineage; it is looked for by that name
// beside the others, because the file may be a copy from another machine.
func (l *lineage) readRenewal(root, path string) error {
	data, err := readFile(path, maxRenewal)
	if err != nil {
		return fmt.Errorf("inventory source: %w", err)
	}
	text, err := decodeText(data)
	if err != nil {
		return fmt.Errorf("%s%w", path, err)
	}
	l.renewed = true
	line := 0
	for s := range strings.Lines(text) {
		line++
		s = strings.TrimSpace(s)
		switch {
		case s == "" || s[0] == '#' || s[0] == ';':
			continue
		case s[0] == '[':
			return nil
		}
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("%s: %s is no key = value: is this certbot's file?", ref(path, line), quote(s))
		}
		if strings.TrimSpace(key) == "archive_dir" && l.archive == "" {
			dir := filepath.Join(root, "archive", filepath.Base(strings.TrimSpace(value)))
			if info, err := os.Stat(dir); err == nil && info.IsDir() {
				l.archive = dir
			}
		}
	}
	return nil
}

// generation is one certificate of a lineage.
type generation struct {
	number int
	path   string
}

func (b *batch) addLineage(root string, l lineage) error {
	live := filepath.Join(root, "live", l.name, "cert.pem")
	generations, err := l.generations()
	if err != nil {
		return err
	}
	if len(generations) == 0 {
		if _, err := os.Stat(live); err != nil {
			b.warn(filepath.Join(root, "live", l.name), "certbot knows the certificate %s, but there is none", quote(l.name))
			return nil
		}
		b.addGeneration(l, generation{path: live}, true)
		return nil
	}
	current, known := liveGeneration(live, generations)
	if !known && l.renewed {
		current = generations[len(generations)-1].number
		b.warn(live, "does not say which generation is in use: the newest, %d, is taken", current)
	}
	for _, g := range generations {
		b.addGeneration(l, g, g.number == current)
	}
	return nil
}

// generations returns the certificates in the lineage's archive, oldest first.
func (l lineage) generations() ([]generation, error) {
	if l.archive == "" {
		return nil, nil
	}
	entries, err := readDir(l.archive)
	if err != nil {
		return nil, err
	}
	var list []generation
	for _, e := range entries {
		if m := generationFile.FindStringSubmatch(e.Name()); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				list = append(list, generation{n, filepath.Join(l.archive, e.Name())})
			}
		}
	}
	slices.SortFunc(list, func(a, b generation) int { return a.number - b.number })
	return list, nil
}

// liveGeneration returns the number of the generation in use: the one that
// live/NAME/cert.pem links to or, where a copy has lost its links, equals.
func liveGeneration(live string, generations []generation) (int, bool) {
	if target, err := os.Readlink(live); err == nil {
		if m := generationFile.FindStringSubmatch(filepath.Base(target)); m != nil {
			n, err := strconv.Atoi(m[1])
			return n, err == nil
		}
	}
	c := firstCertificate(live)
	if c == nil {
		return 0, false
	}
	for _, g := range slices.Backward(generations) {
		if other := firstCertificate(g.path); other != nil && other.SHA256 == c.SHA256 {
			return g.number, true
		}
	}
	return 0, false
}

func firstCertificate(path string) *discover.Certificate {
	data, err := readFile(path, maxDirFile)
	if err != nil {
		return nil
	}
	var first *discover.Certificate
	eachBlock(string(data), func(block pemBlock) {
		if first == nil && block.isCertificate() {
			first, _ = block.certificate()
		}
	})
	return first
}

// addGeneration adds a certificate and the chain beside it.
func (b *batch) addGeneration(l lineage, g generation, current bool) {
	data, err := readFile(g.path, maxDirFile)
	if err != nil {
		b.warn(g.path, "%v", err)
		return
	}
	if strings.Contains(string(data), keyWords) {
		b.warn(g.path, "holds a private key where a certificate belongs: it was not read")
		return
	}
	first := len(b.records)
	found := b.addFile(g.path, data)
	if found.certificates+found.broken == 0 {
		b.warn(g.path, "%s", found.instead())
	}
	for i := range b.records[first:] {
		r := &b.records[first+i]
		r.Replaces, r.Current = l.name, current
	}
	chain := filepath.Join(filepath.Dir(g.path), strings.Replace(filepath.Base(g.path), "cert", "chain", 1))
	if data, err := readFile(chain, maxDirFile); err == nil {
		b.addFile(chain, data)
	}
}

// detectCertbot takes a directory with live/ or archive/, and renewal/.
func detectCertbot(path string) int {
	has := func(name string) bool {
		info, err := os.Stat(filepath.Join(path, name))
		return err == nil && info.IsDir()
	}
	if (has("live") || has("archive")) && has("renewal") || has("live") && has("archive") {
		return scoreKeys
	}
	return 0
}
