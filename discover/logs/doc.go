// Package logs turns the logs of other sensors into observations: Zeek's
// ssl.log with x509.log, and Suricata's eve.json.
//
// A log says less than the wire does, and an observation from one says no more
// than its row: what the sensor did not write down stays unknown. Certificates
// are named by SHA-256 only where the log holds that hash or the certificate
// itself; a log that knows them by SHA-1 or by their fields alone leads to a
// Partial.
//
// The package reads the files that it is given, in the order of their names,
// and nothing else. It reads no clock and starts no goroutine, so that the same
// files give the same observations.
//
// A new kind of log is one file that registers itself; see format in
// registry.go.
package logs
