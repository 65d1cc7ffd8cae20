package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"blindspot": main})
}

// TestScript runs the command line as a user does; see testdata/script.
func TestScript(t *testing.T) {
	captures, err := filepath.Abs(pcaps)
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PCAPS", captures)
			env.Setenv("NO_COLOR", "")
			env.Setenv("TERM", "xterm")
			return nil
		},
		Cmds:                map[string]func(ts *testscript.TestScript, neg bool, args []string){"vxlan": scriptVXLAN, "secrets": scriptSecrets},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}
