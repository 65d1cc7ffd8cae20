// Package store keeps sightings, certificates and what a sensor could not see
// in one SQLite file, and gives them back as an inventory.
//
// Rows belong to a source: a capture, a sensor's run, a log file. They hold
// that source's cumulative figures for a time bucket, so that writing them
// again replaces by max, and reports sum over sources, parts and buckets.
// Reading a file twice changes nothing.
//
// A handshake's key is kept once (table keys), its figures for each bucket
// (table sightings). The key's id is the same in every store, so that stores
// of several sensors can be merged by it. What many keys have in common is a
// profile, and what was offered and chosen a choice; their numbers are one
// store's own. The schema is in migrations/, with a
// comment at each column; the views handshakes and chain_certificates are
// meant for people.
//
// Hours fold into days, and days into one row of each key for all the time
// before (Fold, Shrink). What a sum holds is sealed: a writer that still has
// figures of such an hour is refused, so that nothing counts twice. Stores are
// merged source by source (Merge), each of which appears when it is complete.
//
// One connection writes, in immediate transactions; any number read at the
// same time and see the last finished transaction, once a new store has its
// first batch: until then they wait for the writer. All methods of DB may be
// called concurrently. The package starts no goroutine. It neither parses
// packets nor judges what is in use.
package store
