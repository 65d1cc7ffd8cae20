//go:build linux

package main

import (
	"crypto/ecdh"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// echKey derives a key from a name, and the configuration that goes with it
// (RFC 9849 §4): X25519, HKDF-SHA256, AES-128-GCM.
func echKey(name, publicName string, id uint8) (config []byte, key tls.EncryptedClientHelloKey, err error) {
	seed := sha256.Sum256([]byte(name))
	priv, err := ecdh.X25519().NewPrivateKey(seed[:])
	if err != nil {
		return nil, key, err
	}
	var b cryptobyte.Builder
	b.AddUint16(0xfe0d)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8(id)
		b.AddUint16(0x0020) // DHKEM(X25519, HKDF-SHA256)
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(priv.PublicKey().Bytes()) })
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddUint16(0x0001) // HKDF-SHA256
			b.AddUint16(0x0001) // AES-128-GCM
		})
		b.AddUint8(64) // maximum_name_length
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(publicName)) })
		b.AddUint16(0) // extensions
	})
	config, err = b.Bytes()
	return config, tls.EncryptedClientHelloKey{Config: config, PrivateKey: priv.Bytes(), SendAsRetry: true}, err
}

func goECH(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	public, secret := l.pki.get("public"), l.pki.get("secret")
	config, key, err := echKey("good", "public.example", 7)
	if err != nil {
		return err
	}
	other, _, err := echKey("other", "public.example", 8)
	if err != nil {
		return err
	}
	server := serving(public, secret)
	server.EncryptedClientHelloKeys = []tls.EncryptedClientHelloKey{key}
	if _, err := l.goServe(at(0), server, nil); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	list := func(c []byte) []byte { return append([]byte{byte(len(c) >> 8), byte(len(c))}, c...) }
	for _, c := range []struct {
		config   []byte
		accepted bool
	}{{config, true}, {other, false}} {
		cfg := l.pki.trusting("secret.example", tls.VersionTLS13, "root")
		cfg.EncryptedClientHelloConfigList = list(c.config)
		h, err := l.goDial(goClient{to: at(0), cfg: cfg})
		if h == nil {
			return err
		}
		h.SNI, h.InnerSNI = "public.example", "secret.example"
		if c.accepted {
			if err != nil || h.ECH != "accepted" {
				return fmt.Errorf("ech: %q, %w", h.ECH, err)
			}
			h.presents(secret)
			continue
		}
		if rejected := new(tls.ECHRejectionError); !errors.As(err, &rejected) {
			return fmt.Errorf("ech should be rejected: %w", err)
		}
		h.ECH = "rejected"
		h.refusedLike(public, tls.VersionTLS13, "client", "ech_required")
	}
	return nil
}
