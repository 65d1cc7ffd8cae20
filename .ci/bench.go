// Command bench runs a blindspot binary, and tshark and ndpiReader where they
// are installed, on one workload made from a shipped capture, and prints packets
// and bytes a second and peak memory of each: go run .ci/bench.go BINARY.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	source = "testdata/pcaps/demo.pcap" // Ethernet, microseconds, little-endian
	size   = 60 << 20                   // of the workload
	rounds = 3
	slow   = 10 // seconds; what takes longer runs once
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run .ci/bench.go BINARY")
		os.Exit(2)
	}
	if err := bench(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(binary string) error {
	dir, err := os.MkdirTemp("", "blindspot-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	workload := filepath.Join(dir, "workload.pcap")
	packets, bytes, err := makeWorkload(workload)
	if err != nil {
		return err
	}
	fmt.Printf("%d packets, %d MB: %s again and again, with other addresses and randoms\n", packets, bytes>>20, source)
	fmt.Printf("%-12s %10s %10s %10s %12s %10s\n", "", "wall s", "cpu s", "MB/s", "packets/s", "peak MB")
	for _, c := range commands(binary, workload, dir) {
		if err := c.measure(packets, bytes); err != nil {
			return err
		}
	}
	return nil
}

// makeWorkload repeats the packets of source, each time with other networks and
// later, so that every handshake is one of its own.
func makeWorkload(path string) (packets, bytes int64, err error) {
	capture, err := os.ReadFile(source)
	if err != nil {
		return 0, 0, err
	}
	out, err := os.Create(path)
	if err != nil {
		return 0, 0, err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	w.Write(capture[:24])
	bytes = 24
	for round := 0; bytes < size; round++ {
		for at := 24; at < len(capture); packets++ {
			n := 16 + int(binary.LittleEndian.Uint32(capture[at+8:]))
			record := slices.Clone(capture[at : at+n])
			vary(record, round)
			w.Write(record)
			bytes += int64(n)
			at += n
		}
	}
	if err := w.Flush(); err != nil {
		return 0, 0, err
	}
	return packets, bytes, out.Close()
}

// vary moves a record by round seconds, puts its IPv4 addresses into other
// networks, and changes the random of a hello at the start of a segment.
func vary(record []byte, round int) {
	binary.LittleEndian.PutUint32(record, binary.LittleEndian.Uint32(record)+uint32(round))
	ip := record[16+14:]
	if len(ip) < 20 || ip[0]>>4 != 4 {
		return
	}
	for _, at := range []int{12, 16} {
		ip[at+1] = byte(round)
		ip[at+2] ^= byte(round >> 8)
	}
	tcp := ip[int(ip[0]&15)*4:]
	if ip[9] != 6 || len(tcp) < 20 {
		return
	}
	data := tcp[min(len(tcp), int(tcp[12]>>4)*4):]
	if len(data) > 16 && data[0] == 22 && (data[5] == 1 || data[5] == 2) {
		binary.BigEndian.PutUint32(data[11:], uint32(round)) // within the random
	}
}

type command struct {
	name string
	argv []string
}

func commands(binary, workload, dir string) []command {
	list := []command{{"blindspot", []string{binary, "pcap", "--quiet", "--db", filepath.Join(dir, "ROUND.db"), workload}}}
	if path, err := exec.LookPath("ndpiReader"); err == nil {
		list = append(list, command{"ndpiReader", []string{path, "-q", "-v", "2", "-i", workload, "-C", "/dev/null"}})
	}
	if path, err := exec.LookPath("tshark"); err == nil {
		list = append(list, command{"tshark", []string{path, "-n", "-r", workload,
			"-Y", "tls.handshake.extensions_server_name||tls.handshake.certificate",
			"-T", "fields", "-e", "tls.handshake.extensions_server_name", "-e", "tls.handshake.certificate"}})
	}
	return list
}

// measure prints the median of some rounds.
func (c *command) measure(packets, bytes int64) error {
	var walls, cpus []float64
	var peak int64
	for round := range rounds {
		if len(walls) > 0 && walls[0] > slow {
			break
		}
		argv := slices.Clone(c.argv)
		for i := range argv {
			argv[i] = strings.ReplaceAll(argv[i], "ROUND", fmt.Sprint(round))
		}
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stdout, cmd.Stderr = io.Discard, os.Stderr
		begin := time.Now()
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		walls = append(walls, time.Since(begin).Seconds())
		state := cmd.ProcessState
		cpus = append(cpus, (state.UserTime() + state.SystemTime()).Seconds())
		if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
			peak = max(peak, usage.Maxrss)
		}
	}
	slices.Sort(walls)
	slices.Sort(cpus)
	wall, cpu := walls[len(walls)/2], cpus[len(cpus)/2]
	fmt.Printf("%-12s %10.2f %10.2f %10.0f %12.0f %10d\n", c.name, wall, cpu, float64(bytes)/wall/1e6, float64(packets)/wall, peak>>10)
	return nil
}
