package ring

import "testing"

const (
	ms     = int64(1e6)
	second = int64(1e9)
)

// source makes the stamps of a packet each 10 ms on a clock that is set.
type source struct {
	clock clock
	boot  int64 // true time
	set   int64 // what the system's clock is ahead of it
	last  int64 // time handed out
	queue []int64
}

const epoch = 1_700_000_000 * second

// run lets n packets come, of which the reader sees the clock at every tenth,
// and reads backlog packets late.
func (s *source) run(t *testing.T, n, backlog int) {
	t.Helper()
	for i := range n {
		s.boot += 10 * ms
		s.queue = append(s.queue, epoch+s.boot+s.set)
		if i%10 == 0 {
			s.clock.see(epoch+s.boot+s.set, s.boot, 0, s.last)
		}
		for len(s.queue) > backlog {
			got := s.clock.time(s.queue[0])
			s.queue = s.queue[1:]
			if got < s.last {
				t.Fatalf("after %d ms: went back by %d ms", s.boot/ms, (s.last-got)/ms)
			}
			if s.last > 0 && got-s.last > 20*ms {
				t.Fatalf("after %d ms: went ahead by %d ms", s.boot/ms, (got-s.last)/ms)
			}
			s.last = got
		}
	}
}

// TestSteps sets the clock in the middle of traffic, with and without packets
// that wait to be read: times go on, at half to one and a half speed, and end
// where the system's clock is.
func TestSteps(t *testing.T) {
	tests := []struct {
		name    string
		step    int64
		backlog int
	}{
		{"none", 0, 0},
		{"ahead", 5 * second, 0},
		{"back", -5 * second, 0},
		{"ahead, packets wait", 5 * second, 50},
		{"back, packets wait", -5 * second, 50},
		{"ahead a little, packets wait", 50 * ms, 50},
		{"back a little, packets wait", -50 * ms, 50},
		{"ahead an hour", 3600 * second, 3},
		{"back an hour", -3600 * second, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &source{}
			s.run(t, 500, test.backlog)
			s.set += test.step
			s.run(t, 500, test.backlog)
			s.clock.settle()
			behind := epoch + s.boot + s.set - s.last
			if test.step == 0 {
				if s.clock.steps != 0 || behind != 0 {
					t.Errorf("got %d steps, %d ms behind", s.clock.steps, behind/ms)
				}
				return
			}
			if s.clock.steps != 1 || s.clock.stepped != test.step {
				t.Errorf("got %d steps, the last of %d ms", s.clock.steps, s.clock.stepped/ms)
			}
			s.run(t, int(3*max(test.step, -test.step)/(10*ms)), 0)
			if behind := epoch + s.boot + s.set - s.last; behind != 0 || s.clock.debt != 0 {
				t.Errorf("got %d ms behind in the end, %d ms of debt", behind/ms, s.clock.debt/ms)
			}
		})
	}
}

// TestTwoSteps sets the clock again while it still works off the first step.
func TestTwoSteps(t *testing.T) {
	s := &source{}
	for _, step := range []int64{0, 3 * second, -10 * second, 4 * second, 3 * second} {
		s.set += step
		s.run(t, 100, 0)
		s.clock.settle()
	}
	s.run(t, 3000, 0)
	if s.clock.steps != 4 || s.last != epoch+s.boot+s.set {
		t.Errorf("got %d steps and %d ms behind, want 4 and 0", s.clock.steps, (epoch+s.boot+s.set-s.last)/ms)
	}
}

// TestLongStep takes a step at once that no packet's time can follow.
func TestLongStep(t *testing.T) {
	for _, step := range []int64{-epoch, maxSlew + second, -maxSlew - second} {
		c := &clock{}
		c.see(epoch, second, 0, epoch)
		c.see(epoch+step+second, 2*second, 0, epoch)
		if got := c.time(epoch + step + second); got != epoch+step+second || c.steps != 1 {
			t.Errorf("step %d: got %d and %d steps", step, got, c.steps)
		}
	}
}

// TestDoubt takes no pause between the readings of two clocks for a step.
func TestDoubt(t *testing.T) {
	c := &clock{}
	c.see(epoch, second, 0, 0)
	c.see(epoch+second+80*ms, 2*second, 80*ms, 0)
	if c.steps != 0 {
		t.Error("got a step where the reader was interrupted")
	}
	// Corrections by NTP change both clocks alike, and steps below a hundredth
	// of a second pass.
	c.see(epoch+2*second+9*ms, 3*second, 0, 0)
	if c.steps != 0 || c.time(epoch+2*second+9*ms) != epoch+2*second+9*ms {
		t.Error("got a step where nobody minds")
	}
}
