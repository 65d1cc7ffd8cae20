//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	quicgo "github.com/quic-go/quic-go"
)

var chromiumScenarios = []scenario{
	{"quic-chromium.pcap", "Chromium 156 to " + quicStack, "a browser: CRYPTO frames shuffled, GREASE in versions, suites and extensions", quicChromium},
}

// quicChromium has Chromium load a page from a server that answers as little of
// HTTP/3 as it takes.
func quicChromium(l *lab) error {
	id := l.pki.get("ecdsa")
	answered := make(chan quicSession, 16)
	if err := l.quicNetwork(); err != nil {
		return err
	}
	srv, err := l.quicServe(at(0), quicServing{tls: quicTLSServing(id), answer: func(c *quicgo.Conn, s quicSession) {
		answered <- s
		page(c)
	}})
	if err != nil {
		return err
	}
	if err := l.addr(l.cli, clientIP); err != nil {
		return err
	}
	if err := l.captureUDP(); err != nil {
		return err
	}
	spki := sha256.Sum256(id.leaf.RawSubjectPublicKeyInfo)
	for _, name := range []string{"www.ecdsa.example", "shop.ecdsa.example"} {
		r, err := l.run("", []string{"SSLKEYLOGFILE=" + l.keys, "HOME=" + l.tmp}, "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
			"--user-data-dir="+filepath.Join(l.tmp, name), "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
			"--enable-quic", "--origin-to-force-quic-on="+name+":443", "--host-resolver-rules=MAP "+name+" "+serverIP+",MAP * ~NOTFOUND",
			"--ignore-certificate-errors-spki-list="+base64.StdEncoding.EncodeToString(spki[:]), "--dump-dom", "https://"+name+"/")
		if err != nil {
			return err
		}
		if !strings.Contains(r.out, pageText) {
			return fmt.Errorf("chromium did not get the page, and ended with %d:\n%s", r.code, r.out)
		}
	}
	for len(answered) > 0 {
		s := <-answered
		end, err := srv.of(s.random)
		if err != nil {
			return err
		}
		h := l.add(&handshake{Client: end.client, Server: at(0), Transport: "quic", Outcome: established, ClientRandom: s.random, ALPNOffered: []string{"h3"}})
		h.named(end.state.TLS.ServerName)
		h.take(end.state.TLS)
		h.presents(id)
	}
	return nil
}

const pageText = "hello from the laboratory"

// page answers every request with a page (RFC 9114 §7.2, RFC 9204 appendix A).
func page(c *quicgo.Conn) {
	if control, err := c.OpenUniStream(); err == nil {
		_, _ = control.Write([]byte{0, 4, 0}) // control stream, SETTINGS without any
	}
	go func() {
		for {
			st, err := c.AcceptUniStream(context.Background())
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, st) }()
		}
	}()
	for {
		st, err := c.AcceptStream(context.Background())
		if err != nil {
			return
		}
		if _, err := io.ReadAll(st); err != nil && !errors.Is(err, io.EOF) {
			continue
		}
		body := "<p>" + pageText + "</p>"
		_, _ = st.Write(append([]byte{1, 4, 0, 0, 0xd9, 0xf4, 0, byte(len(body))}, body...)) // HEADERS :status 200, content-type text/html; DATA
		_ = st.Close()
		time.Sleep(10 * time.Millisecond)
	}
}
