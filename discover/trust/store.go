package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"blindspot/discover"
)

// maxRoots bounds the certificates of a store. The largest public ones have a
// few hundred.
const maxRoots = 20_000

// Store is a named set of trusted certificates. It is safe for concurrent use,
// and its fields are not changed after Load.
type Store struct {
	Name string
	// Kind is "mozilla", "system", "pem", "jks", "pkcs12", "spiffe" or
	// "kubernetes"; of several sources all, joined by "+".
	Kind string
	Path string // files and directories, joined by ", "; empty for mozilla
	Ref  string // where it is configured
	// Date is when the newest of its files was changed, or the Mozilla bundle
	// was made. A store that is old gives wrong verdicts. Zero where unknown.
	Date time.Time
	// Hash is the SHA-256 over the sorted fingerprints: stores with the same
	// certificates have the same hash.
	Hash         string
	Certificates int
	TrustDomain  string   // SPIFFE trust domain of the leaves, "" for any
	Warnings     []string // what was left out, and what to do about it

	anchors   map[string][]*node // by subject, as DER
	byPrint   map[discover.Fingerprint]*node
	signs     signatures // for judgements without Intermediates
	mu        sync.Mutex // guards what follows
	memo      map[memoKey]memoEntry
	forgotten uint64
}

// Load reads the store that spec describes. A certificate that cannot be used
// is a warning; a source that gives none is an error.
func Load(spec Spec) (*Store, error) {
	domain, err := spec.trustDomain()
	if err != nil {
		return nil, err
	}
	s := &Store{
		Name: spec.Name, Ref: spec.Ref, TrustDomain: domain,
		anchors: map[string][]*node{}, byPrint: map[discover.Fingerprint]*node{},
	}
	l := loader{spec: &spec, store: s}
	for _, src := range sources {
		if err := l.run(src); err != nil {
			return nil, err
		}
	}
	if len(l.kinds) == 0 {
		return nil, spec.errorf("names no certificates: want builtin (mozilla or system), pem, jks, pkcs12, spiffe or kubernetes")
	}
	s.Kind, s.Path = strings.Join(l.kinds, "+"), strings.Join(l.paths, ", ")
	s.Certificates, s.Hash = len(s.byPrint), s.hash()
	return s, nil
}

func (s *Store) hash() string {
	prints := make([]discover.Fingerprint, 0, len(s.byPrint))
	for fp := range s.byPrint {
		prints = append(prints, fp)
	}
	slices.SortFunc(prints, func(a, b discover.Fingerprint) int { return bytes.Compare(a[:], b[:]) })
	h := sha256.New()
	for i := range prints {
		h.Write(prints[i][:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
