package verify

import "fmt"

func init() { register(preface{word: "postgresql", start: startPostgreSQL}) }

// startPostgreSQL sends an SSLRequest, which one byte answers (PostgreSQL,
// Frontend/Backend Protocol, SSL Session Encryption).
func startPostgreSQL(d *dialogue) error {
	if err := d.send("\x00\x00\x00\x08\x04\xd2\x16\x2f"); err != nil {
		return err
	}
	b, err := d.read(1)
	switch {
	case err != nil:
		return err
	case b[0] == 'S':
		return nil
	case b[0] == 'N':
		return said("N: it has no TLS")
	}
	return said(fmt.Sprintf("%q", b))
}
