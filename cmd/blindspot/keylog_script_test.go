package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptSecrets is "secrets KEYLOG FILE...": one of the files holds a secret of
// the key log, as bytes, in hex or in base64.
func scriptSecrets(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: secrets KEYLOG FILE...")
	}
	var writings [][]byte
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		secret, err := hex.DecodeString(f[2])
		ts.Check(err)
		lower := hex.EncodeToString(secret)
		writings = append(writings, secret, []byte(lower), []byte(strings.ToUpper(lower)),
			[]byte(strings.TrimRight(base64.StdEncoding.EncodeToString(secret), "=")))
	}
	if len(writings) == 0 {
		ts.Fatalf("%s has no secrets", args[0])
	}
	found := ""
	for _, name := range args[1:] {
		b, err := os.ReadFile(ts.MkAbs(name))
		ts.Check(err)
		for _, w := range writings {
			if bytes.Contains(b, w) {
				found = name
			}
		}
	}
	switch {
	case neg && found != "":
		ts.Fatalf("%s holds a secret of %s", found, args[0])
	case !neg && found == "":
		ts.Fatalf("no secret of %s is in %s", args[0], strings.Join(args[1:], ", "))
	}
}
