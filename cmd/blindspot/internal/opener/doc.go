// Package opener keeps the privileges of live capture away from the process
// that reads packets.
//
// A program that the user starts with privileges (as root, with file
// capabilities, or by a systemd unit) calls Run, and becomes two processes:
//
//   - the reader, a child that executes the same program with the same
//     arguments, has no capability and can gain none, and does all the work.
//     It finds its connection to the opener with Inherited;
//   - the opener, which keeps the process id, CAP_NET_RAW and, where programs
//     in the kernel are wanted, CAP_BPF. It makes rings and programs, passes
//     their descriptors to the reader, forwards signals to it,
//     and ends with its exit code. It never sees a packet.
//
// What strangers send reaches the reader alone, so the opener takes what the
// reader says for hostile: a request names one of the interfaces and workers
// that were given at the start, everything else about a ring is fixed, requests
// are bounded in size and in number, and what is not understood is refused.
//
// Capabilities belong to threads, and a Go program that uses C cannot change
// those of all its threads. Both halves therefore lay their privileges down in
// one thread that does nothing else, and begin anew with execve from there.
//
// When the opener ends, however that happens, the reader sees the end of its
// connection and stops. When the reader ends, the opener does.
package opener
