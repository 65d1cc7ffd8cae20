package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func init() {
	register(source{kind: "system", rank: 2, load: loadSystem,
		asked: func(s *Spec) bool { return s.Builtin == "system" }})
}

// The places where crypto/x509 looks (root_linux.go), and the one of macOS,
// whose keychain it cannot list. x509.SystemCertPool does not give its
// certificates away, and reports name them.
var (
	systemFiles = []string{
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
		"/etc/ssl/cert.pem",
	}
	systemDirectories = []string{"/etc/ssl/certs", "/etc/pki/tls/certs"}
)

// loadSystem reads the first file that exists and all directories, as
// crypto/x509 does, and like it heeds SSL_CERT_FILE and SSL_CERT_DIR.
func loadSystem(l *loader) error {
	files, dirs := systemFiles, systemDirectories
	if f := os.Getenv("SSL_CERT_FILE"); f != "" {
		files = []string{f}
	}
	if d := os.Getenv("SSL_CERT_DIR"); d != "" {
		dirs = strings.Split(d, ":")
	}
	for _, path := range files {
		err := l.systemFile(path)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			l.warnf("%v", err)
		}
	}
	for _, dir := range dirs {
		if err := l.systemDirectory(dir); err != nil {
			return err
		}
	}
	if len(l.store.byPrint) == 0 {
		return fmt.Errorf("this system has no certificates in %s or %s: install them (Debian: apt-get install ca-certificates), or use builtin mozilla",
			strings.Join(files, ", "), strings.Join(dirs, ", "))
	}
	return nil
}

func (l *loader) systemFile(path string) error {
	data, err := l.read(path)
	if err != nil {
		return err
	}
	l.paths = append(l.paths, path)
	if err := l.addText(data, path); !errors.Is(err, errNoCertificate) {
		return err
	}
	return nil
}

// systemDirectory reads the files of dir, without links within it: they lead
// to files that are read anyway.
func (l *loader) systemDirectory(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil //nolint:nilerr // not every system has every directory
	}
	before := len(l.store.byPrint)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() || linksWithin(e, path) {
			continue
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if _, err := l.loadMember(path); err != nil {
			return err
		}
	}
	if len(l.store.byPrint) > before || len(l.paths) == 0 {
		l.paths = append(l.paths, dir)
	}
	return nil
}

func linksWithin(e fs.DirEntry, path string) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return false
	}
	target, err := os.Readlink(path)
	return err == nil && !strings.Contains(target, "/")
}
