package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// use is what one run of a process took.
type use struct {
	wall, cpu float64 // seconds
	peak      int64   // resident memory, KiB
}

// once runs a command to its end. {tmp} in its words is a new folder.
func once(argv ...string) (use, error) {
	dir, err := os.MkdirTemp("", "blindspot-bench-")
	if err != nil {
		return use{}, err
	}
	defer os.RemoveAll(dir)
	argv = slices.Clone(argv)
	for i := range argv {
		argv[i] = strings.ReplaceAll(argv[i], "{tmp}", dir)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	var said strings.Builder
	cmd.Stderr = &said
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return use{}, fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, said.String())
	}
	u := use{wall: time.Since(begin).Seconds(), cpu: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.peak = r.Maxrss
	}
	return u, nil
}

// median returns the middle of some figures.
func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// self is this program, to be run as the floor.
func self() (string, error) { return os.Executable() }

// workloadDir is where workloads stay between runs.
func workloadDir() (string, error) {
	dir := filepath.Join(os.TempDir(), "blindspot-workloads")
	return dir, os.MkdirAll(dir, 0o755)
}
