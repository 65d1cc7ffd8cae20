package inventory

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// maxFiles bounds the files that are looked at in a directory.
	maxFiles = 200_000
	// maxDirFile bounds the size of a file in a directory; a bundle of all
	// public roots has a quarter of a megabyte.
	maxDirFile = 16 << 20
)

// certificateEndings are the endings that promise a certificate.
var certificateEndings = []string{".pem", ".crt", ".cer", ".cert", ".der"}

// keystoreEndings are the endings of files that need a password.
var keystoreEndings = []string{".p12", ".pfx", ".jks", ".keystore", ".p7b", ".p7c"}

// readPEMDirectory reads every file below root that may hold certificates.
// Links to files are followed, links to directories are not.
func readPEMDirectory(root string, b *batch) error {
	files := 0
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && path == root:
			return fmt.Errorf("inventory source: %w", err)
		case err != nil:
			b.warn(path, "%v", err)
			return nil
		case entry.IsDir():
			return nil
		}
		if files++; files > maxFiles {
			b.warn(root, "holds more than %d files: the others were not read; give its directories one by one", maxFiles)
			return fs.SkipAll
		}
		b.addEntry(path, entry)
		return nil
	})
}

func (b *batch) addEntry(path string, entry fs.DirEntry) {
	ending := strings.ToLower(filepath.Ext(path))
	switch {
	case namesKey(entry.Name()):
		return
	case slices.Contains(keystoreEndings, ending):
		b.warn(path, "a keystore is not read: export its certificates as PEM")
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		b.warn(path, "%v", err)
		return
	}
	if info.IsDir() {
		b.warn(path, "a link to a directory is not followed: give it as a source of its own")
	}
	if !info.Mode().IsRegular() {
		return
	}
	promised := slices.Contains(certificateEndings, ending)
	if info.Size() > maxDirFile {
		if promised {
			b.warn(path, "larger than %d MB: give it as a source of its own", maxDirFile>>20)
		}
		return
	}
	data, err := readFile(path, maxDirFile)
	if err != nil {
		b.warn(path, "%v", err)
		return
	}
	found := b.addFile(path, data)
	if promised && found == (contents{}) {
		b.warn(path, "%s", found.instead())
	}
}

// namesKey reports whether a file's name says that it is a private key. Such a
// file is not opened.
func namesKey(name string) bool {
	name = strings.ToLower(name)
	stem, ending := strings.TrimSuffix(name, filepath.Ext(name)), filepath.Ext(name)
	if ending == ".key" || strings.HasPrefix(name, "privkey") {
		return true
	}
	return stem == "key" || strings.HasSuffix(stem, "-key") || strings.HasSuffix(stem, "_key") || strings.HasSuffix(stem, ".key")
}
