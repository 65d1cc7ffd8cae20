package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// settle is how long a ring may take to be read after the last packet.
const settle = 20 * time.Second

// TestLiveRate sends workloads as fast as one core can, and reads them with the
// other: two cores in all. What is sent is handled, cut off or dropped, to the
// packet, and where nothing was dropped the handshakes are those of the file.
// BLINDSPOT_WORKLOAD names captures, as a list of paths; else some are made.
func TestLiveRate(t *testing.T) {
	if os.Getenv("BLINDSPOT_RATE") == "" {
		t.Skip("takes minutes and the whole machine: make live-rate")
	}
	if _, err := exec.LookPath("tcpreplay"); err != nil {
		t.Skip("tcpreplay is not installed")
	}
	cores := twoCores(t)
	t.Logf("%-18s %-7s %7s %9s %6s %9s %9s %9s %9s %10s  %s", "workload", "cut-off", "workers", "sent", "Mpps", "arrived", "handled", "cut off", "dropped", "handshakes", "processor")
	for _, path := range workloadsToSend(t) {
		want := eventsOf(t, path)
		for _, workers := range []string{"1", "2"} {
			for _, mode := range []string{"off", "auto"} {
				t.Run(filepath.Base(path)+"/"+mode+"/"+workers, func(t *testing.T) { sendAtTopSpeed(t, path, mode, workers, cores, want) })
			}
		}
	}
}

// workloadsToSend lists captures.
func workloadsToSend(t *testing.T) []string {
	if list := filepath.SplitList(os.Getenv("BLINDSPOT_WORKLOAD")); len(list) > 0 {
		return list
	}
	dir := t.TempDir()
	if out, err := exec.Command("go", "run", "../../testdata/bench", "workload", dir).CombinedOutput(); err != nil {
		t.Fatalf("make workloads: %v: %s", err, out)
	}
	list, _ := filepath.Glob(filepath.Join(dir, "*.pcap"))
	return list
}

// twoCores has all processes that the test starts run on two of the cores that
// it may use, and returns their numbers.
func twoCores(t *testing.T) (cores []int) {
	runtime.LockOSThread() // processes inherit this thread's cores
	var before, two unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 1024 && len(cores) < 2; i++ {
		if before.IsSet(i) {
			two.Set(i)
			cores = append(cores, i)
		}
	}
	if len(cores) < 2 {
		t.Skip("needs two cores")
	}
	if err := unix.SchedSetaffinity(0, &two); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.SchedSetaffinity(0, &before); runtime.UnlockOSThread() })
	return cores
}

// sendAtTopSpeed sends a capture, and compares what a sensor made of it.
func sendAtTopSpeed(t *testing.T, path, mode, workers string, cores []int, want []string) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var two unix.CPUSet
	for _, c := range cores {
		two.Set(c)
	}
	unix.SchedSetaffinity(0, &two)
	w := newWire(t)
	s := w.listen(t, "--cutoff", mode, "--workers", workers)
	sent, rate := w.replay(t, path, cores[0])
	arrived := w.arrived(t)
	s.settled()
	s.stop(t)
	r, told := s.report(t), s.told(t)
	used := s.cmd.ProcessState.UserTime() + s.cmd.ProcessState.SystemTime()
	t.Logf("%-18s %-7s %7s %9d %6.3f %9d %9d %9d %9d %4d/%-5d  %v", filepath.Base(path), mode, workers, sent, rate/1e6, arrived,
		r.Sensor.Packets, r.Sensor.CutOff, r.Sensor.KernelDrops, len(told), len(want), used.Round(10*time.Millisecond))
	if sum := r.Sensor.Packets + r.Sensor.CutOff + r.Sensor.KernelDrops; sum != sent {
		t.Errorf("%d handled, cut off or dropped by the kernel, and %d arrived, of %d sent; lost %v", sum, arrived, sent, r.Sensor.Lost)
	}
	if n := r.Sensor.Lost["events"]; uint64(len(told))+n != r.Sensor.Handshakes {
		t.Errorf("%d events and %d left out, of %d handshakes", len(told), n, r.Sensor.Handshakes)
	}
	if r.Sensor.KernelDrops == 0 {
		sameEvents(t, told, want)
	}
}

var (
	replayed   = regexp.MustCompile(`Successful packets:\s+(\d+)`)
	replayRate = regexp.MustCompile(`([0-9.]+) pps`)
)

// replay sends a capture from one core, from memory and without pauses.
func (w *wire) replay(t testing.TB, path string, core int) (sent uint64, rate float64) {
	t.Helper()
	out, err := w.command("taskset", "-c", strconv.Itoa(core), "tcpreplay", "--topspeed", "--preload-pcap", "--intf1=tx0", path).CombinedOutput()
	number, speed := replayed.FindSubmatch(out), replayRate.FindSubmatch(out)
	if err != nil || number == nil || speed == nil {
		t.Fatalf("tcpreplay: %v: %s", err, out)
	}
	if _, err := fmt.Sscan(string(number[1])+" "+string(speed[1]), &sent, &rate); err != nil {
		t.Fatal(err)
	}
	return sent, rate
}

// arrived counts the packets that came to rx0, by the interface.
func (w *wire) arrived(t testing.TB) uint64 {
	t.Helper()
	out, err := exec.Command("ip", "-n", w.ns, "-s", "-j", "link", "show", "rx0").Output()
	var links []struct {
		Stats64 struct{ RX struct{ Packets uint64 } }
	}
	if err == nil {
		err = json.Unmarshal(out, &links)
	}
	if err != nil || len(links) != 1 {
		t.Fatalf("ip -s link show rx0: %v: %s", err, out)
	}
	return links[0].Stats64.RX.Packets
}

// settled waits until the sensor has nothing to do.
func (s *liveSensor) settled() {
	idle := 0
	for last, end := int64(-1), time.Now().Add(settle); idle < 3 && time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		now := s.busy()
		if idle++; now-last > 5 { // in hundredths of a second
			idle = 0
		}
		last = now
	}
}

// busy is the processor time of a sensor's processes so far, in ticks.
func (s *liveSensor) busy() (ticks int64) {
	for _, pid := range s.processes() {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if i := strings.LastIndexByte(string(b), ')'); i > 0 {
			f := strings.Fields(string(b)[i+1:])
			for _, word := range slices.Clone(f[11:13]) { // utime, stime (proc(5))
				n, _ := strconv.ParseInt(word, 10, 64)
				ticks += n
			}
		}
	}
	return ticks
}
