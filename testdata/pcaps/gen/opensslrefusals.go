//go:build linux

package main

import (
	"fmt"
	"strings"
)

func opensslClientCert(l *lab) error {
	id, device, stranger := l.pki.get("ecdsa"), l.pki.get("device"), l.pki.get("stranger")
	if err := l.network(false); err != nil {
		return err
	}
	trust := []string{"-CAfile", l.bundle("client-root")}
	if err := l.sserver(at(0), id, append(trust, "-Verify", "2", "-verify_return_error")...); err != nil { // must have one
		return err
	}
	if err := l.sserver(at(1), id, append(trust, "-verify", "2")...); err != nil { // may have one
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	withCert := func(c *ident) []string { return []string{"-cert", l.crt(c.with()), "-key", l.key(c)} }
	return each(bothVersions, func(v string) error {
		visible := v == "-tls1_2"
		run := func(n int, c *ident) (*handshake, error) {
			args := []string{v}
			if c != nil {
				args = append(args, withCert(c)...)
			}
			h, _, err := l.sclient(sclient{to: at(n), sni: "www.ecdsa.example", args: args})
			if err != nil {
				return h, err
			}
			h.ClientAuth, h.Version = ref(true), map[bool]string{true: "TLS 1.2", false: "TLS 1.3"}[visible]
			if c != nil {
				h.ClientCerts = c.with().hashes()
			}
			h.presents(id)
			return h, nil
		}
		for _, n := range []int{0, 1} {
			if _, err := run(n, device); err != nil {
				return err
			}
		}
		if _, err := run(1, nil); err != nil {
			return err
		}
		h, err := run(0, stranger)
		if err != nil {
			return err
		}
		h.refused("server", "unknown_ca")
		if h, err = run(0, nil); err != nil {
			return err
		}
		h.refused("server", map[bool]string{true: "handshake_failure", false: "certificate_required"}[visible])
		return nil
	})
}

func opensslClientRefuses(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	names := []string{"ecdsa", "expired", "selfsigned"}
	for i, n := range names {
		if err := l.sserver(at(i), l.pki.get(n)); err != nil {
			return err
		}
	}
	if err := l.capture(); err != nil {
		return err
	}
	good, other := l.bundle("root"), l.bundle("internal-root")
	return each(bothVersions, func(v string) error {
		version := versionByName("TLSv" + strings.ReplaceAll(strings.TrimPrefix(v, "-tls"), "_", "."))
		for _, c := range []struct {
			server int
			roots  string
			args   []string
			alert  string
		}{
			{0, other, nil, "unknown_ca"},
			{1, good, nil, "certificate_expired"},
			{2, good, nil, "unknown_ca"},
			{0, good, []string{"-verify_hostname", "wrong.example"}, "bad_certificate"},
		} {
			id := l.pki.get(names[c.server])
			args := append([]string{v, "-verify_return_error", "-CAfile", c.roots}, c.args...)
			if err := l.refuses(sclient{to: at(c.server), sni: id.leaf.DNSNames[0], args: args}, id, version, c.alert); err != nil {
				return err
			}
		}
		return nil
	})
}

func opensslUnrecognized(l *lab) error {
	id, other := l.pki.get("ecdsa"), l.pki.get("rsa")
	if err := l.network(false); err != nil {
		return err
	}
	second := []string{"-servername", "rsa.example", "-cert2", l.crt(other.with()), "-key2", l.key(other)}
	if err := l.sserver(at(0), id, second...); err != nil {
		return err
	}
	if err := l.sserver(at(1), id, append(second, "-servername_fatal")...); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	h, err := l.expect(sclient{to: at(0), sni: "nobody.example", args: []string{"-tls1_2"}}, id)
	if err != nil {
		return err
	}
	h.Alert = &alert{From: "server", Level: "warning", Description: "unrecognized_name"}
	return each(bothVersions, func(v string) error {
		h, r, err := l.sclient(sclient{to: at(1), sni: "nobody.example", args: []string{v}})
		if err != nil {
			return err
		}
		if !strings.Contains(r.out, "unrecognized name") {
			return fmt.Errorf("no unrecognized_name:\n%s", r.out)
		}
		h.Version, h.Cipher, h.Resumed = "", "", nil // s_client shows what it would have taken
		h.refused("server", "unrecognized_name")
		return nil
	})
}

func opensslRefusals(l *lab) error {
	if err := l.start(l.pki.get("ecdsa"), "-tls1_2", "-alpn", "h2"); err != nil {
		return err
	}
	for _, c := range []struct {
		args  []string
		alpn  string
		alert string
	}{
		{[]string{"-tls1_3"}, "", "protocol_version"},
		{[]string{"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"}, "", "protocol_version"},
		{[]string{"-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"}, "", "handshake_failure"},
		{[]string{"-tls1_2"}, "smtp", "no_application_protocol"},
	} {
		h, r, err := l.sclient(sclient{to: at(0), sni: "www.ecdsa.example", alpn: c.alpn, args: c.args})
		if err != nil {
			return err
		}
		if r.code == 0 {
			return fmt.Errorf("not refused:\n%s", r.out)
		}
		h.Version, h.Cipher, h.Resumed = "", "", nil
		h.refused("server", c.alert)
	}
	return nil
}
