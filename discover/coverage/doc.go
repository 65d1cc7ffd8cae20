// Package coverage sets traffic against checks: which names and endpoints do
// clients use that monitoring does not look at, and which certificates in use
// are at fault.
//
// The main rule is that a finding is right. A healthy network yields an empty
// report, so each kind of finding says, beside what raises it, where it must
// not appear. Three ideas run through all of them:
//
//   - A name is in use when a server went on with a client's handshake.
//     Handshakes of the checks themselves witness checks and are no use; names
//     that were only asked for, scanners and stray names are counted, and raise
//     nothing (see probe.go).
//   - Facts are judged at the time of the traffic. What the wire hides is
//     unknown, and unknown is no fault.
//   - One cause is one finding: a certificate and its set of endpoints, not
//     each of the thousand tenants under a wildcard.
//
// The package reads no clock, sends nothing, and goes over the sightings once.
// Verdicts on trust come from discover/trust, records and their successors
// from discover/inventory; here they are set against what clients met.
//
// Suggest goes the other way: from traffic to the surfaces of a configuration.
package coverage
