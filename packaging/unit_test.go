// Package packaging holds what installs the sensor. It has only tests.
package packaging

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	unitFile  = "blindspot.service"
	installed = "/usr/local/bin/blindspot"
	// maxExposure is what systemd-analyze may say of the unit at most, of 10. A
	// sensor needs CAP_NET_RAW and AF_PACKET; the rest is hardened.
	maxExposure = 2.0
)

// unit reads the unit's settings: of a name that is given again, all values.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	b, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string][]string{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if name, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			settings[name] = append(settings[name], value)
		}
	}
	return settings
}

// What the program relies on: the opener is the main process, says so for both,
// and passes signals on.
func TestUnitSettings(t *testing.T) {
	settings := unit(t)
	want := map[string]string{
		"Type": "notify", "NotifyAccess": "main", "KillMode": "mixed", "ExecReload": "/bin/kill -HUP $MAINPID", "Restart": "on-failure",
		"AmbientCapabilities": "CAP_NET_RAW CAP_BPF", "CapabilityBoundingSet": "CAP_NET_RAW CAP_BPF", "NoNewPrivileges": "yes",
		"StateDirectory": "blindspot", "ProtectSystem": "strict",
	}
	for name, value := range want {
		if got := settings[name]; !slices.Equal(got, []string{value}) {
			t.Errorf("%s: got %q, want %q", name, got, value)
		}
	}
	if s, err := strconv.Atoi(strings.Join(settings["WatchdogSec"], "")); err != nil || s < 10 {
		t.Errorf("WatchdogSec: got %q, want 10 or more", settings["WatchdogSec"])
	}
	if s, err := strconv.Atoi(strings.Join(settings["TimeoutStopSec"], "")); err != nil || s <= 5 {
		t.Errorf("TimeoutStopSec: got %q, want more than the 5 seconds that the end may take", settings["TimeoutStopSec"])
	}
	for _, call := range []string{"bpf", "seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"} {
		if !slices.Contains(strings.Fields(strings.Join(settings["SystemCallFilter"], " ")), call) {
			t.Errorf("SystemCallFilter lacks %s, with which the sensor confines itself", call)
		}
	}
}

// analyze runs systemd-analyze.
func analyze(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "SYSTEMD_COLORS=0", "SYSTEMD_PAGER=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestUnitVerify has systemd read the unit, with an executable in the place of
// the installed one.
func TestUnitVerify(t *testing.T) {
	b, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "blindspot")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte(installed+" live ")) {
		t.Fatalf("the unit does not start %s live", installed)
	}
	path := filepath.Join(dir, unitFile)
	if err := os.WriteFile(path, bytes.ReplaceAll(b, []byte(installed), []byte(program)), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := analyze(t, "verify", "--recursive-errors=no", path)
	if err != nil || strings.Contains(out, unitFile) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	// It must be able to find fault.
	bad := bytes.ReplaceAll(b, []byte(installed), []byte(program+"-not-there"))
	if err := os.WriteFile(path, append(bad, "ProtectSystem=maybe\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := analyze(t, "verify", "--recursive-errors=no", path); err == nil && !strings.Contains(out, unitFile) {
		t.Errorf("systemd-analyze verify finds nothing wrong with what is wrong:\n%s", out)
	}
}

var exposure = regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)

func TestUnitExposure(t *testing.T) {
	out, err := analyze(t, "security", "--offline=true", "--no-pager", unitFile)
	if err != nil && strings.Contains(out, "offline") {
		t.Skip("this systemd-analyze cannot assess a file")
	}
	found := exposure.FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("systemd-analyze security: %v\n%s", err, out)
	}
	got, err := strconv.ParseFloat(found[1], 64)
	if err != nil || got > maxExposure {
		t.Errorf("exposure: got %s, want %.1f at most\n%s", found[1], maxExposure, out)
	}
	t.Logf("exposure %s", found[1])
}

// TestImage holds the image's recipe against what it is made from.
func TestImage(t *testing.T) {
	read := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	recipe := read("Dockerfile")
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read("../go.mod"))
	if version == nil || !strings.Contains(recipe, "FROM golang:"+version[1]+"-") {
		t.Errorf("the image is not built with the Go of go.mod, %q", version)
	}
	if !regexp.MustCompile(`(?m)^BIN +:= bin/blindspot$`).MatchString(read("../Makefile")) || !strings.Contains(recipe, "/src/bin/blindspot "+installed) {
		t.Error("make build makes another file than the image takes, or it is installed elsewhere than by the unit")
	}
	last := strings.LastIndex(recipe, "\nFROM ")
	if !strings.Contains(recipe[last:], "\nUSER blindspot\n") {
		t.Error("the image's program starts as root")
	}
	if strings.Contains(recipe, "+ep") {
		t.Error("effective file capabilities: the kernel would not execute the program in a container that lacks one of them")
	}
}
