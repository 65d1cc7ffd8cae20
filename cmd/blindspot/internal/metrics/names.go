package metrics

import "github.com/prometheus/client_golang/prometheus"

// all are the metrics that there are, in the order in which they were named.
var all []*prometheus.Desc

func name(metric, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc("blindspot_"+metric, help, labels, nil)
	all = append(all, d)
	return d
}

// The metrics.
var (
	buildInfo = name("build_info", "Always 1; the labels say what was built.", "version", "commit", "go")
	startTime = name("start_time_seconds", "When the sensor was started, in seconds since the epoch.")

	sourceUp   = name("source_up", "Whether packets can come from the interface.", "interface")
	lastPacket = name("last_packet_timestamp_seconds", "When the last packet came, in seconds since the epoch; 0 for none.", "interface")

	packets      = name("packets_total", "Packets that were read.", "interface", "worker")
	byteCount    = name("bytes_total", "Bytes of the packets that were read.", "interface", "worker")
	packetKinds  = name("packets_by_kind_total", "Packets that were read, by what they are.", "kind")
	truncated    = name("packets_truncated_total", "Packets that were cut short by capture.", "interface", "worker")
	drops        = name("drops_total", "Packets that were lost before they were read: kernel (the ring was full), interface (its own counters).", "interface", "worker", "cause")
	softnetDrops = name("softnet_drops_total", "Packets that the machine dropped before any socket, from all its interfaces.")
	cutOff       = name("cut_off_packets_total", "Packets of answered connections that the kernel left out: no loss.", "interface", "worker")
	cutOffBytes  = name("cut_off_bytes_total", "Bytes of the packets of answered connections that the kernel left out.", "interface", "worker")
	unasked      = name("filtered_packets_total", "Packets that the capture filter left out.", "interface", "worker")
	freezes      = name("ring_full_total", "Times that the ring was full.", "interface", "worker")
	ringFill     = name("ring_fill_ratio", "Part of the ring that waits to be read, from 0 to 1.", "interface", "worker")
	clockSteps   = name("clock_steps_total", "Times that the system's clock was set.", "interface", "worker")

	flows     = name("flows_total", "Connections that were followed.", "interface", "worker")
	flowsOpen = name("flows", "Connections in the table.", "interface", "worker")
	evicted   = name("flows_evicted_total", "Connections given up for want of room, by how far they had come.", "interface", "worker", "state")
	foreign   = name("flows_foreign_total", "Connections that carry something else than TLS.", "interface", "worker")

	handshakes = name("handshakes_total", "Handshakes, by transport, negotiated version, what hid the certificate, and how they ended.", "transport", "version", "hidden", "outcome")
	repeated   = name("handshakes_repeated_total", "Handshakes that a second interface or worker saw too; they count once.")
	hops       = name("hops_total", "Far sides of handshakes that one worker saw and another one's worker saw first.")
	lostTotal  = name("lost_total", "What was given up, by cause, as sensor.lost of the report has it.", "cause")
	sightings  = name("sightings", "Sightings in memory.")
	namesKnown = name("hostnames", "Hostnames in memory: in-use, or only asked for.", "state")
	hostnames  = name("hostname_handshakes_total", "Handshakes by hostname in use, of those with the most since they are counted; other is all the others.", "hostname")

	flushSeconds  = name("flush_seconds", "How long it took to write to the store.")
	flushFailures = name("flush_failures_total", "Attempts to write to the store that failed.")
	flushTime     = name("last_flush_timestamp_seconds", "When the store was last written, in seconds since the epoch; 0 for never.")
	rows          = name("rows_written_total", "Rows handed to the store.")
	storeUp       = name("store_up", "Whether the store took what it was last given.")
	storeBytes    = name("store_bytes", "Size of the store, with its write-ahead log.")
	eventsLost    = name("events_lost_total", "Lines of the event log that could not be written.")

	evidencePackets = name("evidence_packets_total", "Packets for the evidence capture: kept, or lost because the file did not take them.", "state")
	looks           = name("looks_total", "Endpoints that were asked for their certificate.", "result")
	looksWaiting    = name("looks_waiting", "Endpoints that wait to be asked.")

	reloadOK     = name("config_last_reload_successful", "Whether the configuration that was last read is in force.")
	reloadTime   = name("config_last_reload_success_timestamp_seconds", "When the configuration in force was read, in seconds since the epoch.")
	findings     = name("findings", "Findings about the traffic of the last day.", "kind", "severity")
	findingsTime = name("findings_timestamp_seconds", "When findings were last looked for, in seconds since the epoch.")
)
