// Package flow follows connections and turns their first bytes into
// observations: segment in, observation out.
//
// It keeps a bounded table of flows and, of each direction, a bounded prefix.
// Whatever order the segments come in, one handshake becomes one observation,
// when its visible part has ended or its flow has. Once a flow has its answer
// it shrinks to a table entry, and a further packet costs one look-up.
//
// It starts no goroutine and reads no clock: time is packet time.
package flow
