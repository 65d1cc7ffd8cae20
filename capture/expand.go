package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Expand replaces the directories among paths by the captures in them and
// below, in the order of their names. In a directory the content decides what
// is a capture; files that are named stay whatever they hold, and so does "-".
// What cannot be read is told by the error, beside the files that can.
func Expand(paths []string) ([]string, error) {
	var (
		files []string
		errs  []error
		seen  = map[string]bool{}
	)
	for _, path := range paths {
		found, err := expand(path)
		if err != nil {
			errs = append(errs, err)
		}
		for _, file := range found {
			if !seen[file] {
				seen[file] = true
				files = append(files, file)
			}
		}
	}
	return files, errors.Join(errs...)
}

func expand(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{filepath.Clean(path)}, nil
	}
	files, err := below(path)
	if len(files) == 0 && err == nil {
		err = fmt.Errorf("%s: no capture in this directory or below", path)
	}
	return files, err
}

// below walks a directory. Symbolic links to files are followed, those to
// directories are not.
func below(dir string) (files []string, err error) {
	var errs []error
	walk := func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			errs = append(errs, err)
			return nil
		case d.IsDir():
			return nil
		}
		is, err := isCapture(path)
		if err != nil {
			errs = append(errs, err)
		}
		if is {
			files = append(files, path)
		}
		return nil
	}
	errs = append(errs, filepath.WalkDir(dir, walk))
	return files, errors.Join(errs...)
}

// isCapture reports whether a regular file begins as a capture does.
func isCapture(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) { // a dangling link, or gone meanwhile
		return false, nil
	}
	if err != nil || !info.Mode().IsRegular() {
		return false, err
	}
	r, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer r.Close()
	head := magic(r)
	_, ok := pcapMagic(head)
	return ok || isPcapng(head), nil
}

// magic returns the first four bytes behind the compression, if there are as many.
func magic(r io.Reader) []byte {
	raw := bufio.NewReader(r)
	head, _ := raw.Peek(4)
	var plain io.Reader
	switch {
	case isGzip(head):
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil
		}
		plain = z
	case isZstd(head):
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return nil
		}
		defer z.Close()
		plain = z
	default:
		return head
	}
	var b [4]byte
	n, _ := io.ReadFull(plain, b[:])
	return b[:n]
}
