package trust

import (
	"errors"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"
)

// javaPassword is what Java's own cacerts is locked with.
const javaPassword = "changeit"

func init() {
	register(source{kind: "jks", rank: 4, asked: func(s *Spec) bool { return s.JKS != "" },
		load: func(l *loader) error { return l.loadKeystore("jks", l.spec.JKS) }})
	register(source{kind: "pkcs12", rank: 5, asked: func(s *Spec) bool { return s.PKCS12 != "" },
		load: func(l *loader) error { return l.loadKeystore("pkcs12", l.spec.PKCS12) }})
}

// loadKeystore reads a keystore by its bytes, whatever it is called: a Java
// cacerts may be either kind.
func (l *loader) loadKeystore(kind, path string) error {
	data, err := l.readSource(path)
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	switch {
	case isJKS(data):
		l.kinds[len(l.kinds)-1] = "jks"
		err = l.addJKS(data, path)
	case data[0] == 0x30: // PFX is a SEQUENCE (RFC 7292 §4)
		l.kinds[len(l.kinds)-1] = "pkcs12"
		err = l.addPKCS12(data, path)
	case len(data) > 10 && string(data[:11]) == "-----BEGIN ":
		err = errors.New("this is PEM text: give it as pem")
	default:
		err = errors.New("this is neither a Java keystore nor PKCS#12: see what keytool -list -keystore FILE says")
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", kind, path, err)
	}
	return nil
}

func (l *loader) addJKS(data []byte, path string) error {
	entries, err := readJKS(data, l.spec.Password)
	if err != nil {
		return err
	}
	trusted := 0
	for _, e := range entries {
		if e.key {
			l.warnf("%s: entry %q is a private key with its certificate, no authority, and is left out", path, e.alias)
			continue
		}
		trusted++
		if err := l.add(e.der, path+" entry "+e.alias, nil); err != nil {
			return err
		}
	}
	if trusted == 0 {
		return errors.New("no trusted certificate in it: add one with keytool -importcert -alias NAME -file CA.pem -keystore FILE")
	}
	return nil
}

func (l *loader) addPKCS12(data []byte, path string) error {
	certs, err := pkcs12.DecodeTrustStore(data, l.spec.Password)
	if err != nil && l.spec.Password == "" {
		certs, err = pkcs12.DecodeTrustStore(data, javaPassword)
	} else if err != nil && !errors.Is(err, pkcs12.ErrIncorrectPassword) {
		// A store without a password has nothing to check one against.
		if open, plain := pkcs12.DecodeTrustStore(data, ""); plain == nil {
			certs, err = open, nil
		}
	}
	if err != nil {
		return pkcs12Error(err, l.spec.Password == "")
	}
	if len(certs) == 0 {
		return errors.New("no certificate in it: add one with keytool -importcert -alias NAME -file CA.pem -keystore FILE")
	}
	for _, c := range certs {
		if err := l.add(c.Raw, path, nil); err != nil {
			return err
		}
	}
	return nil
}

// pkcs12Error says what to do; the messages are go-pkcs12's.
func pkcs12Error(err error, guessed bool) error {
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword) && guessed:
		return errors.New("it has a password, and it is not changeit: give it as password")
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return errors.New("the password does not open it")
	case err.Error() == "pkcs12: trust store contains a certificate that is not marked as trusted":
		return errors.New("its certificates are not marked as trusted, and Java takes none of them: add them with keytool -importcert, or give the certificates as pem")
	case err.Error() == "pkcs12: expected only certificate bags",
		err.Error() == "pkcs12: expected exactly 1 items in the authenticated safe, but this file has 2":
		return errors.New("it holds a private key, and trust stores do not: give the authorities' certificates as pem")
	}
	return fmt.Errorf("read as PKCS#12: %w: see what keytool -list -storetype PKCS12 -keystore FILE says", err)
}
