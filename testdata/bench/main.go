// Command bench measures blindspot as whole processes:
//
//	bench workload DIR          make the workloads in DIR, where they are missing
//	bench walk TIMES FILE       step through a capture and hash each 5-tuple
//	bench table BINARY          every workload, with tshark and ndpiReader beside
//	bench check BINARY          processor time against what is recorded
//	bench record BINARY         record it
//	bench curves BENCH.txt DIR  draw cost against flows and names as SVG
//	bench flame PROFILE SVG     draw a profile as a flame graph
//	bench pgo DIR OUT           merge DIR/*.cpu into the profile that guides the compiler
//
// It reads testdata/pcaps and runs from the root of the repository.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

var commands = map[string]struct {
	args int
	run  func(args []string) error
}{
	"workload": {1, func(a []string) error { return makeWorkloads(a[0]) }},
	"walk":     {2, func(a []string) error { return walk(a[0], a[1]) }},
	"table":    {1, func(a []string) error { return table(a[0]) }},
	"check":    {1, func(a []string) error { return check(a[0]) }},
	"record":   {1, func(a []string) error { return record(a[0]) }},
	"curves":   {2, func(a []string) error { return curves(a[0], a[1]) }},
	"flame":    {2, func(a []string) error { return flame(a[0], a[1]) }},
	"pgo":      {2, func(a []string) error { return guide(a[0], a[1]) }},
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("which of workload, walk, table, check, record, curves, flame, pgo?")
	}
	c, ok := commands[args[0]]
	if !ok || len(args) != c.args+1 {
		return fmt.Errorf("%s: no such command, or not %d arguments", args[0], c.args)
	}
	return c.run(args[1:])
}
