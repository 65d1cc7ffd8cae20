package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"blindspot/capture"
	"blindspot/capture/ring"
	"blindspot/cmd/blindspot/internal/opener"
	"blindspot/cmd/blindspot/internal/rings"
)

// rings says what is captured, to both processes.
func (f *liveFlags) rings() rings.Config {
	return rings.Config{
		Workers: f.workers, Filter: f.filter, NoPromiscuous: f.noPromiscuous, NoOwnTraffic: f.noOwnTraffic,
		CutOff: f.cutoff != "off", UDPPorts: f.udpPorts,
	}
}

// open is the process that may open rings: it starts the one that reads them,
// and ends with it.
func (f *liveFlags) open(ctx context.Context) error {
	set := rings.New(f.rings())
	code, err := opener.Run(ctx, opener.Config{
		Interfaces: f.interfaces, Workers: f.workers, Kernel: f.cutoff != "off" || f.workers > 1, User: f.user, Owned: f.db,
		Make: func(iface string, worker int) (opener.Made, error) {
			o, err := set.Open(iface, worker)
			if err != nil {
				return opener.Made{}, err
			}
			return opener.Made{Files: o.Files, Info: o.Text()}, nil
		},
	})
	if err == nil && code != exitDone {
		err = exitState(code) // the other process has said why
	}
	return err
}

// sources are the rings that the opener passes over.
type sources struct {
	client *opener.Client
	cfg    rings.Config
	tell   func(iface, text string)

	mu    sync.Mutex
	first map[string]*rings.Opened // of worker 0, asked for at the start
}

// begin says at once what is wrong with an interface: later it is waited for.
func (s *sources) begin(interfaces []string) error {
	for _, iface := range interfaces {
		o, err := s.ask(iface, 0)
		switch {
		case errors.Is(err, ring.ErrDown):
		case err != nil:
			return fmt.Errorf("--interface %w", err)
		default:
			s.first[iface] = o
			for _, text := range o.Info.Missing {
				s.tell(iface, text)
			}
		}
	}
	return nil
}

func (s *sources) ask(iface string, worker int) (*rings.Opened, error) {
	made, err := s.client.Ring(iface, worker)
	if err != nil {
		return nil, err
	}
	o := &rings.Opened{Files: made.Files}
	if err := json.Unmarshal(made.Info, &o.Info); err != nil {
		made.Close()
		return nil, fmt.Errorf("ring %d of %s: what the opener says of it: %w", worker, iface, err)
	}
	return o, nil
}

// open returns the source of a worker.
func (s *sources) open(_ context.Context, iface string, worker int) (capture.Source, error) {
	var o *rings.Opened
	if worker == 0 {
		s.mu.Lock()
		o = s.first[iface]
		delete(s.first, iface)
		s.mu.Unlock()
	}
	if o == nil {
		var err error
		if o, err = s.ask(iface, worker); err != nil {
			return nil, err
		}
	}
	return s.cfg.Read(iface, worker, o)
}
