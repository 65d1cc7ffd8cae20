// Package sandbox takes from this process what reading packets does not need:
// files by Landlock, system calls by seccomp. What a packet may talk the program
// into, the kernel then refuses.
//
// It is applied once, to every thread, before the first packet, and cannot be
// undone. Descriptors that are open keep working, so what can be opened before
// (a listener, the event log, rings) needs no permission afterwards.
package sandbox

// Policy says what is still needed after Apply. The zero value leaves open
// descriptors and computing.
type Policy struct {
	// Read are the files and directories that are read later: configuration,
	// monitoring sources, key logs. Of a file, its whole directory may be read,
	// so that a new file can take its place; but where everybody's files lie
	// (/etc, a home directory, see Applied.Pinned) only the file that is there
	// now.
	Read []string
	// Write are the directories, and with them what is below, in which files
	// are made, written and removed: those of the store and of event logs. They
	// must exist. Temporary files go into the first: Apply sets TMPDIR.
	Write []string
	// Listen are TCP ports to listen on later. A listener that is made before
	// needs none.
	Listen []uint16
	// Connect is for connections to anywhere, with names looked up: the active
	// look, monitoring sources that are asked over HTTP.
	Connect bool
}

// Applied says what is in force.
type Applied struct {
	Landlock int  // version of the kernel's interface, 0: files are not confined
	Ports    bool // Landlock confines TCP too
	Seccomp  bool // system calls are confined
	// Missing says what is not in force and why, one sentence each, to be told
	// once.
	Missing []string
	// Pinned are files of Policy.Read of which only the file that is there now
	// can be read: replaced by another, they need a restart.
	Pinned []string
}
