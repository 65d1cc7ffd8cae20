package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

//go:embed servers/Server.java
var javaServer []byte

//go:embed servers/boringssl.c
var boringServer []byte

func orDash(word string) string {
	if word == "" {
		return "-"
	}
	return word
}

// startJava runs the server from its source, as Java 11 and later do.
func startJava(ctx context.Context, dir string, list []*service) error {
	source := filepath.Join(dir, "Server.java")
	if err := os.WriteFile(source, javaServer, 0o600); err != nil {
		return err
	}
	args := []string{"java", "-Djdk.tls.namedGroups=x25519,secp256r1", source}
	for _, s := range list {
		auth := orDash(s.auth)
		if s.authFile != "" {
			auth = s.authFile
		}
		args = append(args, strconv.Itoa(s.port), s.chainFile, s.keyFile, auth)
	}
	return spawn(ctx, dir, args...)
}

// boringRoot is where BoringSSL is: of Debian's android-libboringssl-dev, which
// may be unpacked anywhere.
var boringRoot = "/usr"

func boringLibraries() string { return filepath.Join(boringRoot, "lib/x86_64-linux-gnu/android") }

func boringVersion() string {
	if _, err := os.Stat(filepath.Join(boringLibraries(), "libssl.so")); err != nil {
		return ""
	}
	out, err := exec.Command("dpkg-query", "-W", "-f", "android-libboringssl ${Version}", "android-libboringssl").Output()
	if err != nil {
		return "android-libboringssl"
	}
	return string(out)
}

func startBoringSSL(ctx context.Context, dir string, list []*service) error {
	libraries := boringLibraries()
	if _, err := os.Stat(filepath.Join(libraries, "libssl.so")); err != nil {
		return errMissing
	}
	source, binary := filepath.Join(dir, "boringssl.c"), filepath.Join(dir, "boringssl-server")
	if err := os.WriteFile(source, boringServer, 0o600); err != nil {
		return err
	}
	cc := exec.CommandContext(ctx, "gcc", "-O1", "-w", "-o", binary, source, "-I", filepath.Join(boringRoot, "include/android"), //nolint:gosec // our own words
		"-L", libraries, "-Wl,-rpath,"+libraries, "-lssl", "-lcrypto")
	if out, err := cc.CombinedOutput(); err != nil {
		return fmt.Errorf("compile the server of BoringSSL: %w: %s", err, out)
	}
	args := []string{binary}
	for _, s := range list {
		auth := orDash(s.auth)
		if s.authFile != "" {
			auth = s.authFile
		}
		args = append(args, strconv.Itoa(s.port), s.chainFile, s.keyFile, orDash(s.stapleFile), auth)
	}
	return spawn(ctx, dir, args...)
}
