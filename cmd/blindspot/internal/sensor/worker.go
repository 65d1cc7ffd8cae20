package sensor

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/cmd/blindspot/internal/evidence"
	"blindspot/discover"
	"blindspot/discover/flow"
)

const (
	// A batch is handed over when it holds this many observations or bytes of
	// certificates, or is this old. With queued batches this bounds what is
	// under way.
	batchObservations = 256
	batchBytes        = 256 << 10
	batchAge          = 100 * time.Millisecond
	queued            = 8
	// sightEvery is how often a worker tells its figures.
	sightEvery = time.Second
	// slack is how far the clock of an idle table stays behind the wall clock:
	// packets may be on their way.
	slack = 250 * time.Millisecond
	// lostAway counts the seconds in which no packet could come, because an
	// interface was down or gone.
	lostAway = "interface-away"
	// telling is how long open flows are told of when the run ends. A machine
	// that is too busy for that leaves the others out, and they are counted: what
	// was folded is stored within Patience.
	telling = 2500 * time.Millisecond
	// noClock is the clock of a worker that nobody waits for: it has no source.
	noClock = math.MaxInt64
)

// batch is what crosses from a worker to the folder.
type batch struct {
	worker       int
	observations []*discover.Observation
	clock        int64  // packet time of the worker, 0 before its first packet, noClock
	sight        *Sight // nil for no news
}

// Sight is what a worker says of itself, cumulative.
type Sight struct {
	Interface string
	Worker    int
	At        time.Time // of these figures, by the wall clock
	Up        bool
	Last      time.Time // when the last packet came, by the wall clock; zero for none
	Capture   capture.Stats
	Decode    decode.Stats
	Flow      flow.Stats
	Extra     extra

	visibility discover.Visibility
	at         time.Time // packet time
}

// worker is one packet line.
type worker struct {
	owner  *Sensor
	number int // within the sensor
	iface  string
	index  int // within the interface
	in     *input
	reader *flow.Reader
	keeper *evidence.Keeper // nil for none
	out    chan<- batch

	pending batch
	leftOut uint64 // handshakes, at the end of the run
	bytes   int    // of certificates in pending
	sent    time.Time
	looked  time.Time // when figures were told
	came    time.Time // when the last packet came
	at      int64     // packet time then
	sight   atomic.Pointer[Sight]
}

func newWorker(s *Sensor, number int, iface string, index int) *worker {
	w := &worker{owner: s, number: number, iface: iface, index: index}
	log := s.cfg.Log.With("interface", iface, "worker", index)
	w.in = newInput(func(ctx context.Context) (capture.Source, error) { return s.cfg.Open(ctx, iface, index) }, log)
	cfg := s.cfg.Flow
	cfg.Emit = w.emit
	cfg.NoFingerprints = s.cfg.Events == nil
	cfg.MaxFlows, cfg.MaxBuffered = share(cfg.MaxFlows, flow.DefaultMaxFlows, s), int64(share(int(cfg.MaxBuffered), flow.DefaultMaxBuffered, s))
	cfg.Useless = w.useless
	if len(s.cfg.KeyLogs) > 0 {
		cfg.Keys, cfg.AwaitKeys, cfg.MissingKeys = &s.keys.log, true, s.keys.refresh
	}
	if s.cfg.Evidence != nil {
		w.keeper = evidence.NewKeeper(s.cfg.Evidence, iface, func() []capture.Packet { return w.reader.Packets() })
		cfg.Follow = w.keeper.Follow
	}
	w.reader = flow.NewReader(cfg, s.cfg.Decode)
	w.reader.Progress = w.look
	w.reader.Taken = w.taken
	w.sight.Store(&Sight{Interface: iface, Worker: index})
	return w
}

// share divides a bound among all workers.
func share(n, usual int, s *Sensor) int {
	if n == 0 {
		n = usual
	}
	return max(n/(len(s.cfg.Interfaces)*s.cfg.Workers), 1)
}

// run reads until ctx ends, and closes the table.
func (w *worker) run(ctx context.Context, out chan<- batch) {
	w.out, w.in.ctx = out, ctx
	err := w.reader.Read(context.WithoutCancel(ctx), w.in) // the input ends with ctx
	var link *flow.LinkError
	if errors.As(err, &link) || err != nil && ctx.Err() == nil {
		w.in.log.Error("capture ended", "error", err)
	}
	w.tell(true)
	if w.leftOut > 0 {
		w.in.log.Error("the machine was too busy to tell of all open connections within the time to end", "left_out", w.leftOut)
	}
	_ = w.in.Close()
	w.handOver()
}

// emit takes an observation from the table.
func (w *worker) emit(o *discover.Observation) {
	if !w.in.ended.IsZero() && time.Since(w.in.ended) > telling {
		if o.Handshake() {
			w.leftOut++
		}
		return
	}
	w.pending.observations = append(w.pending.observations, o)
	if o.Presented == nil && o.ClientPresented == nil {
		for i := range o.DER {
			w.bytes += len(o.DER[i].DER)
		}
	}
	if len(w.pending.observations) >= batchObservations || w.bytes >= batchBytes {
		w.handOver()
	}
}

// useless tells the source of a segment that the table had no use for.
func (w *worker) useless(s *decode.Segment) {
	if w.in.tap != nil {
		w.in.tap.Useless(s)
	}
}

// taken tells the source what the table has worked on.
func (w *worker) taken(list []decode.Segment) {
	if w.in.tap != nil {
		w.in.tap.Taken(list)
	}
}

// look is called after every batch of packets, and after every turn without
// one.
func (w *worker) look() {
	now := time.Now()
	if w.in.idle {
		w.advance(now)
	} else {
		w.came, w.at = now, w.reader.Table().Clock()
	}
	if w.keeper != nil {
		w.keeper.Batch(w.reader.Decoder().Stats(), now)
	}
	if now.Sub(w.looked) >= sightEvery {
		w.looked = now
		w.tell(false)
	}
	if now.Sub(w.sent) >= batchAge {
		w.handOver()
	}
}

// advance lets the table's clock go on without packets, so that handshakes that
// are over are told.
func (w *worker) advance(now time.Time) {
	at := w.in.now()
	if at == 0 && !w.came.IsZero() {
		at = w.at + int64(now.Sub(w.came))
	}
	if at > 0 {
		w.reader.Table().Advance(at - int64(slack))
	}
}

// tell puts the worker's figures into the next batch, and where metrics read
// them. final says that what waits in the decoder will never be whole.
func (w *worker) tell(final bool) {
	s := &Sight{
		Interface: w.iface, Worker: w.index, At: time.Now(), Up: w.in.up.Load() && !final, Last: w.came,
		Capture: w.in.Stats(), Decode: w.reader.Decoder().Stats(), Flow: w.reader.Table().Stats(), Extra: w.in.more(),
		visibility: w.reader.Visibility(), at: w.reader.Latest(),
	}
	v := &s.visibility
	if final {
		v.Packets, v.Bytes = s.Capture.Packets, s.Capture.Bytes
	} else {
		v.Lost["fragments"] -= s.Decode.FragmentsWaiting // they may still be whole
	}
	v.KernelDrops = s.Capture.KernelDrops
	v.Lost["interface-drops"] = s.Capture.InterfaceDrops
	v.Lost["ending"] = w.leftOut
	if w.index == 0 { // it is away for all its workers
		v.Lost[lostAway] = uint64(w.in.absent(s.At) / time.Second)
	}
	v.Kinds = Kinds(&s.Decode)
	v.Kinds[discover.KindCutOff], v.Kinds[discover.KindFiltered] = s.Extra.CutOff, s.Extra.Unasked
	w.pending.sight = s
	w.sight.Store(s)
}

// Kinds counts packets by what they are.
func Kinds(d *decode.Stats) map[string]uint64 {
	return map[string]uint64{
		"tcp": d.TCP, "udp": d.UDP, "other": d.Other, "not-ip": d.NotIP, "encrypted": d.Encrypted, "fragment": d.FragmentsAbsorbed,
		"unreadable": d.UnknownLink + d.TooDeep + d.TruncatedHeader + d.Malformed(),
	}
}

// handOver gives the folder what there is. It waits where the folder is behind:
// what comes meanwhile waits in the ring, and what that has no room for the
// kernel counts. Dropping observations here would lose handshakes that had been
// read already.
func (w *worker) handOver() {
	w.pending.worker = w.number
	w.pending.clock = w.reader.Table().Clock()
	if w.in.src == nil {
		w.pending.clock = noClock
	}
	w.sent = time.Now()
	w.out <- w.pending
	w.pending, w.bytes = batch{}, 0
}
