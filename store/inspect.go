package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// inspect finds what can be said about path without SQLite.
func inspect(path string, o Options) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && o.MustExist:
		return fmt.Errorf("store %s does not exist: read traffic into it first, as with: blindspot pcap --db %s FILE (%w)", path, path, fs.ErrNotExist)
	case errors.Is(err, fs.ErrNotExist):
		return inspectParent(path)
	case err != nil:
		return fmt.Errorf("store: %w", err)
	case info.IsDir():
		return fmt.Errorf("store %s is a directory: name a file in it, such as %s", path, filepath.Join(path, "blindspot.db"))
	case !info.Mode().IsRegular():
		return fmt.Errorf("store %s is no regular file: give another --db", path)
	case info.Size() == 0 && o.MustExist:
		return fmt.Errorf("store %s is empty: read traffic into it first, as with: blindspot pcap --db %s FILE", path, path)
	case info.Size() == 0:
		return nil
	}
	return inspectHeader(path)
}

func inspectParent(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("store %s: directory %s does not exist: create it first (mkdir -p %s)", path, dir, dir)
	case err != nil:
		return fmt.Errorf("store: %w", err)
	case !info.IsDir():
		return fmt.Errorf("store %s: %s is no directory: give another --db", path, dir)
	}
	return nil
}

// inspectHeader tells a SQLite file by its magic (https://sqlite.org/fileformat2.html §1.3.1).
func inspectHeader(path string) error {
	const magic = "SQLite format 3\x00"
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("store: %w: you need permission to read it, or another --db", err)
	}
	defer f.Close()
	head := make([]byte, len(magic))
	if n, err := io.ReadFull(f, head); err != nil && n == 0 {
		return fmt.Errorf("store: %w", err)
	}
	if string(head) != magic {
		return notSQLite(path)
	}
	return nil
}
