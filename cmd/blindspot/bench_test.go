package main

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkCommand runs whole commands in this process, for profiles: on the
// capture that BLINDSPOT_WORKLOAD names, else on a shipped one.
func BenchmarkCommand(b *testing.B) {
	workload := os.Getenv("BLINDSPOT_WORKLOAD")
	if workload == "" {
		workload = filepath.Join(pcaps, "demo.pcap")
	}
	info, err := os.Stat(workload)
	if err != nil {
		b.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	for name, args := range map[string][]string{
		"pcap": {"pcap", "--quiet", "--db", "", workload},
		"gap":  {"gap", "--quiet", "--scope", "all", "--pcap", workload},
	} {
		b.Run(name, func(b *testing.B) {
			defer func(before *os.File) { os.Stdout = before }(os.Stdout)
			os.Stdout = null
			b.ReportAllocs()
			b.SetBytes(info.Size())
			for b.Loop() {
				if name == "pcap" {
					args[3] = filepath.Join(b.TempDir(), "bench.db")
				}
				if code := run(args); code != 0 {
					b.Fatalf("exit %d", code)
				}
			}
		})
	}
}
