package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// Of the soak.
const (
	soakNames   = 2_000 // in use
	soakRate    = 200   // handshakes a second
	soakEvery   = 10 * time.Second
	soakAddress = "127.0.0.1:9464"
	soakGrowth  = 1.10     // of memory, from the second quarter to the last, and
	soakSlack   = 24 << 20 // bytes
)

// TestLiveSoak sends at a steady rate for the time in BLINDSPOT_SOAK: neither
// memory nor goroutines grow after the first quarter of it.
func TestLiveSoak(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("BLINDSPOT_SOAK"))
	if err != nil {
		t.Skip("takes an hour: make soak")
	}
	w := newWire(t)
	w.ip(t, "link", "set", "lo", "up")
	s := w.listen(t, "--listen", soakAddress, "--workers", "1", "--metrics-hostnames", "20")
	var memory, goroutines []float64
	var sent uint64
	begin, sampled := time.Now(), time.Now()
	for tick, i := time.NewTicker(100*time.Millisecond), uint32(0); time.Since(begin) < length; <-tick.C {
		frames := handshakesOf(t, i, soakRate/10, soakNames)
		i += soakRate / 10
		w.send(t, frames)
		sent += uint64(len(frames))
		if time.Since(sampled) < soakEvery {
			continue
		}
		sampled = time.Now()
		memory = append(memory, float64(s.memory()))
		goroutines = append(goroutines, w.metric(t, "go_goroutines"))
		t.Logf("%8s %9d packets sent, %4.0f MiB, %2.0f goroutines, %4.0f flows",
			time.Since(begin).Round(time.Second), sent, memory[len(memory)-1]/(1<<20), goroutines[len(goroutines)-1], w.metric(t, "blindspot_flows"))
	}
	s.stop(t)
	if len(memory) < 8 {
		t.Fatalf("%d samples are too few: BLINDSPOT_SOAK is to be 80 s at least", len(memory))
	}
	quarter := len(memory) / 4
	early, late := slices.Max(memory[quarter:2*quarter]), slices.Max(memory[3*quarter:])
	t.Logf("memory: at most %.0f MiB in the second quarter, %.0f MiB in the last", early/(1<<20), late/(1<<20))
	if late > early*soakGrowth+soakSlack {
		t.Errorf("memory grew from %.0f to %.0f MiB", early/(1<<20), late/(1<<20))
	}
	if early, late := slices.Max(goroutines[quarter:2*quarter]), slices.Max(goroutines[3*quarter:]); late > early {
		t.Errorf("goroutines grew from %.0f to %.0f", early, late)
	}
	r := s.report(t)
	if sum := r.Sensor.Packets + r.Sensor.CutOff + r.Sensor.KernelDrops; sum != sent {
		t.Errorf("%d packets are accounted for, want %d", sum, sent)
	}
	if r.Summary.Hostnames != soakNames {
		t.Errorf("%d names in use, want %d", r.Summary.Hostnames, soakNames)
	}
}

// metric asks the sensor for a figure.
func (w *wire) metric(t testing.TB, name string) (value float64) {
	t.Helper()
	err := w.within(func() error {
		conn, err := net.Dial("tcp", soakAddress)
		if err != nil {
			return err
		}
		client := http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		}}
		resp, err := client.Get("http://" + soakAddress + "/metrics")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		for in := bufio.NewScanner(io.LimitReader(resp.Body, 4<<20)); in.Scan(); {
			if line := in.Text(); strings.HasPrefix(line, name) && !strings.HasPrefix(line, name+"_") {
				var v float64
				if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &v); err != nil {
					return err
				}
				value += v
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, io.EOF) {
		t.Errorf("metric %s: %v", name, err)
	}
	return value
}
