package main

import (
	"fmt"
	"os"
	"os/exec"
)

const (
	tableRounds = 3
	slow        = 10 // seconds; what takes longer runs once
)

// table prints what reading each workload costs, beside other tools.
func table(binary string) error {
	dir, err := workloadDir()
	if err != nil {
		return err
	}
	if err := makeWorkloads(dir); err != nil {
		return err
	}
	for _, w := range workloads {
		path := w.path(dir)
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if err := compress(path); err != nil {
			return err
		}
		fmt.Printf("\n%s: %d MB made of %s\n%-12s %9s %9s %9s %9s\n", w.name, info.Size()>>20, source, "", "wall s", "cpu s", "MB/s", "peak MB")
		for _, c := range competitors(binary, path) {
			if err := c.row(info.Size()); err != nil {
				return err
			}
		}
	}
	return nil
}

// compress writes path.gz, where it is missing.
func compress(path string) error {
	if _, err := os.Stat(path + ".gz"); err == nil {
		return nil
	}
	_, err := once("sh", "-c", "gzip -c $1 >$1.part && mv $1.part $1.gz", "sh", path)
	return err
}

type competitor struct {
	name string
	argv []string
}

func competitors(binary, path string) []competitor {
	list := []competitor{
		{"pcap --db", []string{binary, "pcap", "--quiet", "--db", "{tmp}/b.db", path}},
		{"gap", gapOf(binary, path)},
		{"from a pipe", shell("cat $1 | $2 pcap --quiet --db $3 -", path, binary)},
		{"cat | cat", shell("cat $1 | cat >/dev/null", path)},
		{"from gzip", []string{binary, "pcap", "--quiet", "--db", "{tmp}/b.db", path + ".gz"}},
		{"gzip -dc", shell("gzip -dc $1.gz >/dev/null", path)},
	}
	if tool, err := exec.LookPath("ndpiReader"); err == nil {
		list = append(list, competitor{"ndpiReader", []string{tool, "-q", "-v", "2", "-i", path, "-C", "/dev/null"}})
	}
	if tool, err := exec.LookPath("tshark"); err == nil {
		list = append(list, competitor{"tshark", []string{tool, "-n", "-r", path,
			"-Y", "tls.handshake.extensions_server_name||tls.handshake.certificate",
			"-T", "fields", "-e", "tls.handshake.extensions_server_name", "-e", "tls.handshake.certificate"}})
	}
	return list
}

// shell runs a line with its arguments, the last of which is a store's path.
func shell(line string, args ...string) []string {
	return append(append([]string{"sh", "-c", line, "sh"}, args...), "{tmp}/b.db")
}

func gapOf(binary, path string) []string {
	return []string{binary, "gap", "--quiet", "--scope", "all", "--pcap", path}
}

// row prints the median of some rounds.
func (c competitor) row(bytes int64) error {
	var walls, cpus []float64
	var peak int64
	for range tableRounds {
		if len(walls) > 0 && walls[0] > slow {
			break
		}
		u, err := once(c.argv...)
		if err != nil {
			return err
		}
		walls, cpus, peak = append(walls, u.wall), append(cpus, u.cpu), max(peak, u.peak)
	}
	fmt.Printf("%-12s %9.2f %9.2f %9.0f %9d\n", c.name, median(walls), median(cpus), float64(bytes)/median(walls)/1e6, peak>>10)
	return nil
}
