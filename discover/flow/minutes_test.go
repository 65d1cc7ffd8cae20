package flow

import (
	"crypto/tls"
	"testing"
	"time"

	"blindspot/capture/decode"
	"blindspot/discover"
)

// TestAnsweredMinutesLater: a proxy that waits for its backend answers a hello
// after minutes, while other traffic goes on.
func TestAnsweredMinutesLater(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, wait := range []time.Duration{time.Minute, 5 * time.Minute, 9 * time.Minute} {
			d := record(t, version, testName, 0)
			segs := d.packets(1, 2, 1460)
			at := 2
			for segs[at].SrcPort != 443 {
				at++
			}
			list := append([]decode.Segment(nil), segs[:at]...)
			for s := time.Duration(0); s < wait; s += time.Second { // of another connection
				other := segment(false, 1, decode.ACK, []byte("SSH-2.0-OpenSSH_9.9\r\n"))
				other.SrcPort, other.Time = 22, other.Time+int64(s)
				list = append(list, other)
			}
			for _, s := range segs[at:] {
				s.Time += int64(wait)
				list = append(list, s)
			}
			got, _ := run(t, Config{}, list)
			if o := checkOne(t, got, d, testName); o.Ended.Sub(o.Time) < wait {
				t.Errorf("waited %v: got an end %v after the beginning", wait, o.Ended.Sub(o.Time))
			}
		}
	}
}

// TestResumedHoursLater: a resumption is read off its own messages; that the
// full handshake was hours before, or not captured, makes no difference.
func TestResumedHoursLater(t *testing.T) {
	const file = "../../testdata/pcaps/openssl-resume12.pcap" // sessions by id and by ticket, each then resumed
	all := segments(t, file)
	resumes := func(port uint16) bool { return port == 40002 || port == 40004 }
	var alone, later []decode.Segment
	for _, s := range all {
		if resumes(s.SrcPort) || resumes(s.DstPort) {
			s.Time += int64(7 * time.Hour)
			alone = append(alone, s)
		} else {
			later = append(later, s)
		}
	}
	for name, list := range map[string][]decode.Segment{"later": append(later, alone...), "alone": alone} {
		got, _ := run(t, Config{}, list)
		want := map[string]int{"later": 4, "alone": 2}[name]
		if len(got) != want {
			t.Errorf("%s: got %d observations, want %d", name, len(got), want)
		}
		for _, o := range got {
			if want := discover.TriOf(resumes(o.Client.Port())); o.Resumed != want || o.Outcome != discover.Established {
				t.Errorf("%s, %v: got resumed %v, %s; want %v, established", name, o.Client, o.Resumed, o.Outcome, want)
			}
		}
	}
}
