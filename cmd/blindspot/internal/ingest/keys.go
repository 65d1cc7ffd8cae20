package ingest

import (
	"errors"
	"fmt"

	"blindspot/tlsparse/keylog"
)

// keys are the secrets that were handed over: key log files, and what captures
// carry themselves.
type keys struct {
	log   keylog.Log
	files []*keylog.File
}

// openKeys reads the key logs. follow says that they may still grow.
func openKeys(paths []string, follow bool) (*keys, error) {
	k := &keys{}
	for _, path := range paths {
		k.files = append(k.files, keylog.Follow(&k.log, path))
	}
	for _, f := range k.files {
		if err := f.Poll(); err != nil {
			return nil, fmt.Errorf("--keylog: %w", err)
		}
		if !follow {
			f.Finish()
		}
	}
	return k, nil
}

// refresh reads what has been added to the key logs, each time: a program logs
// its secrets within the round trip before it uses them, so that a look that is
// put off by milliseconds comes too late for the handshake that asks. It costs a
// few system calls. An error is no fault: the next call tries again.
func (k *keys) refresh() {
	for _, f := range k.files {
		_ = f.Poll()
	}
}

// close overwrites the secrets, and returns what was wrong with their files.
func (k *keys) close() error {
	var errs []error
	for _, f := range k.files {
		errs = append(errs, f.Close())
	}
	st := k.log.Stats()
	for _, f := range k.log.Faults() {
		errs = append(errs, f)
	}
	if n := len(k.log.Faults()); st.Bad > uint64(n) {
		errs = append(errs, fmt.Errorf("and %d more lines of key logs that follow no rule", st.Bad-uint64(n)))
	}
	if len(k.files) > 0 && st.Secrets == 0 {
		errs = append(errs, errors.New("the key logs hold no secret that opens a handshake: want lines like CLIENT_HANDSHAKE_TRAFFIC_SECRET, as programs write them with SSLKEYLOGFILE"))
	}
	if st.Evicted > 0 {
		errs = append(errs, fmt.Errorf("the key logs have more connections than are kept at a time: %d were given up", st.Evicted))
	}
	k.log.Clear()
	return errors.Join(errs...)
}
