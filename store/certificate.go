package store

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"time"

	"blindspot/discover"
)

// maxCachedCertificates bounds the certificates kept in memory: at about 4 KB
// each, 32 MB.
const maxCachedCertificates = 8192

const certificateColumns = `sha256, der, subject, issuer, serial, not_before, not_after, common_name, dns_names, ips, uris, emails,
  key_type, key_bits, curve, signature, spki, self_signed, ca, problem, lenient,
  more_names, key_usage, ext_usage, scts, must_staple`

// insertCertificate keeps what is there, unless that came without the DER.
const insertCertificate = `
INSERT INTO certificates (` + certificateColumns + `)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (sha256) DO UPDATE SET
  der = excluded.der, subject = excluded.subject, issuer = excluded.issuer, serial = excluded.serial,
  not_before = excluded.not_before, not_after = excluded.not_after, common_name = excluded.common_name,
  dns_names = excluded.dns_names, ips = excluded.ips, uris = excluded.uris, emails = excluded.emails,
  key_type = excluded.key_type, key_bits = excluded.key_bits, curve = excluded.curve, signature = excluded.signature,
  spki = excluded.spki, self_signed = excluded.self_signed, ca = excluded.ca, problem = excluded.problem, lenient = excluded.lenient,
  more_names = excluded.more_names, key_usage = excluded.key_usage, ext_usage = excluded.ext_usage, scts = excluded.scts, must_staple = excluded.must_staple
WHERE length(der) = 0 AND length(excluded.der) > 0`

func putCertificate(c *conn, x *discover.Certificate) error {
	err := c.exec(insertCertificate,
		x.SHA256[:], notNil(x.DER), x.Subject, x.Issuer, x.Serial, seconds(x.NotBefore), seconds(x.NotAfter),
		x.CommonName, jsonList(x.DNSNames), jsonList(x.IPs), jsonList(x.URIs), jsonList(x.Emails),
		x.KeyType, int64(x.KeyBits), x.Curve, x.Signature, digest(x.SPKI[:]), bit(x.SelfSigned), bit(x.CA), x.Problem, bit(x.Lenient),
		int64(x.MoreNames), int64(x.KeyUsage), jsonList(x.ExtKeyUsage), bit(x.SCTs), bit(x.MustStaple))
	if err != nil {
		return fmt.Errorf("certificate %s: %w", x.SHA256.Short(), err)
	}
	return nil
}

// seconds of a certificate's time: RFC 5280 §4.1.2.5 goes to the year 9999,
// which nanoseconds do not.
func seconds(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}

// jsonList writes strings and addresses as JSON. JSON cannot hold invalid UTF-8,
// which names in certificates are made of now and then; it becomes U+FFFD, and
// the DER keeps what was meant.
func jsonList[T string | netip.Addr](v []T) string {
	if len(v) == 0 {
		return "[]"
	}
	return encode(v)
}

// Certificate returns a certificate by its fingerprint, nil where it is
// unknown. It is shared; do not change it.
func (db *DB) Certificate(f discover.Fingerprint) (*discover.Certificate, error) {
	x, err := db.certificates.get(f, db.loadCertificate)
	if errors.Is(err, errUnknown) {
		err = nil
	}
	return x, err
}

func (db *DB) loadCertificate(f discover.Fingerprint) (x *discover.Certificate, err error) {
	err = db.read("read certificate "+f.Short(), func(c *conn) error {
		var bad error
		found, err := c.one("SELECT "+certificateColumns+" FROM certificates WHERE sha256 = ?",
			func(r *rows) { x, bad = certificateOf(r) }, f[:])
		if err == nil && !found {
			return errUnknown
		}
		return errors.Join(err, bad)
	})
	return x, err
}

// Certificates yields every certificate, in the order of first storage. Each
// is the receiver's own.
func (db *DB) Certificates() iter.Seq2[*discover.Certificate, error] {
	return func(yield func(*discover.Certificate, error) bool) {
		err := db.read("read certificates", func(c *conn) error {
			return c.each("SELECT "+certificateColumns+" FROM certificates ORDER BY id", func(r *rows) error {
				x, err := certificateOf(r)
				if err == nil && !yield(x, nil) {
					err = errStop
				}
				return err
			})
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	}
}

// errStop ends a walk whose receiver wants no more.
var errStop = errors.New("stop")

// certificateOf reads the DER again rather than the columns: every field is
// then what it is without a store, whichever version wrote the row, and the
// cache lets it happen once for each certificate (tens of microseconds).
func certificateOf(r *rows) (*discover.Certificate, error) {
	if der := r.blob(1); len(der) > 0 {
		return discover.ParseCertificate(der), nil
	}
	return certificateOfColumns(r)
}

// certificateOfColumns is for certificates without DER.
func certificateOfColumns(r *rows) (*discover.Certificate, error) {
	x := &discover.Certificate{
		Subject: r.text(2), Issuer: r.text(3), Serial: r.text(4), NotBefore: secondsOf(r, 5), NotAfter: secondsOf(r, 6),
		CommonName: r.text(7), KeyType: r.text(12), KeyBits: int(r.int(13)), Curve: r.text(14), Signature: r.text(15),
		SelfSigned: r.flag(17), CA: r.flag(18), Problem: r.text(19), Lenient: r.flag(20),
		MoreNames: int(r.int(21)), KeyUsage: x509.KeyUsage(r.int(22)), SCTs: r.flag(24), MustStaple: r.flag(25),
	}
	var err error
	if x.SHA256, err = digestOf(r.blob(0)); err != nil {
		return nil, err
	}
	x.SPKI, err = digestOf(r.blob(16))
	err = errors.Join(err, fromList(r.text(8), &x.DNSNames), fromList(r.text(9), &x.IPs), fromList(r.text(10), &x.URIs), fromList(r.text(11), &x.Emails),
		fromList(r.text(23), &x.ExtKeyUsage))
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", x.SHA256.Short(), err)
	}
	return x, nil
}

func secondsOf(r *rows, i int) time.Time {
	if r.v[i] == nil {
		return time.Time{}
	}
	return time.Unix(r.int(i), 0).UTC()
}

func fromList[T any](text string, v *[]T) error {
	if text == "[]" {
		return nil
	}
	return json.Unmarshal([]byte(text), v)
}
