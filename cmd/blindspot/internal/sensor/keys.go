package sensor

import (
	"errors"
	"fmt"
	"sync"

	"blindspot/tlsparse/keylog"
)

// keys are the key logs, followed by all workers together.
type keys struct {
	log   keylog.Log
	mu    sync.Mutex // of files
	files []*keylog.File
}

func openKeys(paths []string) (*keys, error) {
	k := &keys{}
	for _, path := range paths {
		f := keylog.Follow(&k.log, path)
		if err := f.Poll(); err != nil {
			return nil, fmt.Errorf("--keylog: %w", err)
		}
		k.files = append(k.files, f)
	}
	return k, nil
}

// refresh reads what was added. An error is no fault: the next call tries again.
func (k *keys) refresh() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.files {
		_ = f.Poll()
	}
}

// close overwrites the secrets.
func (k *keys) close() error {
	var errs []error
	for _, f := range k.files {
		errs = append(errs, f.Close())
	}
	k.log.Clear()
	return errors.Join(errs...)
}
