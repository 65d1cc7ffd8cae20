// Package discover holds blindspot's nouns (observation, sighting,
// certificate, finding, inventory) and the aggregator that folds observations
// into sightings.
//
// It does no I/O, reads no clock and starts no goroutine: packets become
// observations in discover/flow, sightings become rows in store, and questions
// about them are answered in discover/coverage.
package discover
