package trust

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// maxDirectory bounds the files of a directory.
const maxDirectory = 50_000

func init() {
	register(source{kind: "pem", rank: 3, load: loadPEM,
		asked: func(s *Spec) bool { return len(s.PEM) > 0 }})
}

func loadPEM(l *loader) error {
	for _, path := range l.spec.PEM {
		if err := l.loadPath(path); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) loadPath(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("pem: %w", err)
	}
	if info.IsDir() {
		l.paths = append(l.paths, path)
		return l.loadDirectory(path)
	}
	data, err := l.readSource(path)
	if err != nil {
		return fmt.Errorf("pem: %w", err)
	}
	err = l.addText(data, path)
	if errors.Is(err, errNoCertificate) {
		return fmt.Errorf("pem: %s: %w%s", path, errNoCertificate, whatItIs(data))
	}
	return err
}

// loadDirectory reads the files of a directory, not those of directories in
// it. Links by hash (c_rehash) lead to certificates that are there already.
func (l *loader) loadDirectory(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("pem: %w", err)
	}
	if len(entries) > maxDirectory {
		return fmt.Errorf("pem: %s has more than %d files: this is no trust store", dir, maxDirectory)
	}
	files := 0
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			if err != nil {
				l.warnf("%v", err)
			}
			continue
		}
		switch took, err := l.loadMember(path); {
		case err != nil:
			return err
		case took:
			files++
		}
	}
	if files == 0 {
		return fmt.Errorf("pem: %s: no file in this directory holds a certificate: want files that begin with -----BEGIN CERTIFICATE-----", dir)
	}
	return nil
}

// loadMember reads a file of a directory, where other files may lie too.
func (l *loader) loadMember(path string) (took bool, err error) {
	data, err := l.read(path)
	if err != nil {
		l.warnf("%v", err)
		return false, nil
	}
	err = l.addText(data, path)
	if errors.Is(err, errNoCertificate) {
		return false, nil
	}
	return true, err
}

// addText takes every certificate of PEM text, or the one of DER.
func (l *loader) addText(data []byte, where string) error {
	found := 0
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch block.Type {
		case "CERTIFICATE", "X509 CERTIFICATE":
			found++
			if err := l.add(block.Bytes, where, nil); err != nil {
				return err
			}
		case "TRUSTED CERTIFICATE":
			l.warnf("%s: an OpenSSL TRUSTED CERTIFICATE, which may say that it is distrusted, is left out: if it is to be trusted, convert it with openssl x509 -in FILE -out NEW", where)
		}
	}
	if found == 0 && len(data) > 1 && data[0] == 0x30 {
		if _, err := x509.ParseCertificate(data); err == nil {
			return l.add(data, where, nil)
		}
	}
	if found == 0 {
		return errNoCertificate
	}
	return nil
}

// whatItIs says what to do with a file that holds no certificate.
func whatItIs(data []byte) string {
	switch {
	case isJKS(data):
		return ": this is a Java keystore: give it as jks"
	case bytes.Contains(data, []byte("PRIVATE KEY-----")):
		return ", but a private key: give the certificates of the authorities"
	case bytes.Contains(data, []byte("-----BEGIN TRUSTED CERTIFICATE")):
		return ", but OpenSSL's TRUSTED CERTIFICATE: convert it with openssl x509 -in FILE -out NEW"
	case bytes.Contains(data, []byte("-----BEGIN PKCS7")):
		return ", but PKCS#7: convert it with openssl pkcs7 -print_certs -in FILE -out NEW"
	case bytes.Contains(data, []byte("-----BEGIN CERTIFICATE REQUEST")):
		return ", but a request for one: give what the authority answered"
	case bytes.Contains(data, []byte("-----BEGIN CERTIFICATE")):
		return ": its PEM blocks are damaged: copy the file again"
	case data[0] == 0x30:
		return ": this is DER; if it is PKCS#12 give it as pkcs12, if it is PKCS#7 convert it with openssl pkcs7 -inform DER -print_certs -in FILE -out NEW"
	}
	return ": want text that begins with -----BEGIN CERTIFICATE-----"
}
