package logs

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Bounds of a walk through directories.
const (
	maxFiles = 100_000
	maxDepth = 16
)

// find fills r.files with the logs below paths, in the order of their names,
// each content once.
func (r *run) find(f format, paths []string) error {
	if len(paths) == 0 {
		return errors.New("no log was named")
	}
	w := walk{format: f, seen: make(map[string]bool)}
	for _, path := range paths {
		if err := w.add(path, true, 0); err != nil {
			return err
		}
	}
	if len(w.found) == 0 {
		return fmt.Errorf("%s holds no log of this kind", paths[0])
	}
	slices.SortFunc(w.found, func(a, b *file) int { return cmp.Compare(a.path, b.path) })
	heads := make(map[[sha256.Size]byte][]*file)
	for _, file := range w.found {
		if err := r.admit(f, file, heads); err != nil {
			return err
		}
	}
	return nil
}

// admit looks into a file and keeps it unless it is a copy of one before.
func (r *run) admit(f format, file *file, heads map[[sha256.Size]byte][]*file) error {
	start, err := head(file.path)
	if err != nil {
		return err
	}
	if file.look, err = r.recognise(f, file, start); err != nil {
		return err
	}
	if file.look.log == "" {
		return nil
	}
	key := sha256.Sum256(start)
	for _, other := range heads[key] {
		same, err := sameContent(file.path, other.path)
		if err != nil {
			return err
		}
		if same {
			r.res.Skipped["file-twice"]++
			r.warn(file.path, "holds the same as %s and was left out", other.path)
			return nil
		}
	}
	heads[key] = append(heads[key], file)
	r.files = append(r.files, file)
	return nil
}

// recognise tells what a file is. Its log is "" for one to be left out; a file
// that was named and is no log of this kind is an error.
func (r *run) recognise(f format, file *file, start []byte) (look, error) {
	if len(bytes.TrimSpace(start)) == 0 {
		r.warn(file.path, "is empty")
		return look{}, nil
	}
	if l, ok := f.look(start); ok {
		if l.log == "" {
			r.res.Skipped["other-log"]++
		}
		return l, nil
	}
	what := describe(start)
	if file.named {
		return look{}, fmt.Errorf("%s %s", file.path, what)
	}
	r.warn(file.path, "%s, and was left out", what)
	return look{}, nil
}

// sameContent compares two files whose beginnings are the same.
func sameContent(a, b string) (bool, error) {
	x, err := sumOf(a)
	if err != nil {
		return false, nil // it breaks off: keep it, and say so when it is read
	}
	y, err := sumOf(b)
	return err == nil && x == y, nil
}

// walk collects files.
type walk struct {
	format format
	found  []*file
	seen   map[string]bool // by their real paths
}

// add adds a file, or those below a directory. Links are followed: Zeek's
// current directory is one.
func (w *walk) add(path string, named bool, depth int) error {
	info, err := os.Stat(path)
	if err != nil {
		if !named && errors.Is(err, os.ErrNotExist) {
			return nil // a dangling link, or rotated away since
		}
		return err
	}
	if !info.IsDir() && (!info.Mode().IsRegular() || !named && !w.format.named(filepath.Base(path))) {
		if named {
			return fmt.Errorf("%s is neither a file nor a directory", path)
		}
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if real, err = filepath.Abs(real); err != nil {
		return err
	}
	if w.seen[real] {
		return nil
	}
	w.seen[real] = true
	if info.IsDir() {
		return w.directory(path, depth)
	}
	if len(w.found) >= maxFiles {
		return fmt.Errorf("more than %d files: import them in parts", maxFiles)
	}
	w.found = append(w.found, &file{path: path, named: named})
	return nil
}

func (w *walk) directory(path string, depth int) error {
	if depth >= maxDepth {
		return fmt.Errorf("%s: more than %d directories in each other", path, maxDepth)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.add(filepath.Join(path, e.Name()), false, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// identity is the hash over the hashes of files, in their own order.
func identity(files []*file) string {
	sums := make([][]byte, 0, len(files))
	for _, f := range files {
		sums = append(sums, f.sum[:])
	}
	slices.SortFunc(sums, bytes.Compare)
	return fmt.Sprintf("%x", sha256.Sum256(bytes.Join(sums, nil)))
}
