package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"blindspot/capture/ring"
	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/sandbox"
	"blindspot/discover/monitored"
)

// systemRoots are where the trust store "system" is read from.
var systemRoots = []string{"/etc/ssl", "/etc/pki", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"}

// confine takes from this process what it does not need. What could not be
// taken is told once.
func (l *live) confine() error {
	if l.flags.noSandbox {
		return nil
	}
	applied, err := sandbox.Apply(l.policy())
	if err != nil {
		return err
	}
	for _, text := range applied.Missing {
		l.log.Warn("not confined by the kernel in full", "missing", text)
	}
	for _, path := range applied.Pinned {
		l.log.Info("a file that replaces this one is read after a restart only", "file", path)
	}
	return nil
}

// policy is what flags and configuration name.
func (l *live) policy() sandbox.Policy {
	f, file := l.flags, l.file
	p := sandbox.Policy{Connect: f.verify}
	read := func(paths ...string) {
		for _, path := range paths {
			switch {
			case path == "":
			case strings.Contains(path, "://"):
				p.Connect = true
			default:
				p.Read = append(p.Read, path)
			}
		}
	}
	read(f.judge.config)
	read(f.read.keyLogs...)
	read(ring.Paths()...)
	for _, spec := range slices.Concat(file.Monitored, f.judge.checks) {
		read(spec.Path)
		for _, value := range spec.Options {
			if _, err := os.Stat(value); err == nil { // an option that is a path
				read(value)
			}
		}
	}
	for _, path := range referred(l.checks) {
		read(path)
	}
	for _, spec := range file.Inventory {
		read(spec.Path)
	}
	read(trustFiles(file)...)
	for _, path := range []string{f.db, f.read.events, f.pcapOut} {
		if path != "" && path != "-" {
			p.Write = append(p.Write, filepath.Dir(path))
		}
	}
	return p
}

// referred are the files that checks are written in: those that a source names
// too, such as target lists. Without the permission to look into their folders,
// a pattern would match nothing, which is no error.
func referred(r *monitored.Result) (list []string) {
	if r == nil {
		return nil
	}
	for i := range r.Checks {
		path, line, ok := strings.Cut(r.Checks[i].Ref, ":")
		if ok && strings.Trim(line, "0123456789:") == "" && !slices.Contains(list, path) {
			list = append(list, path)
		}
	}
	return list
}

func trustFiles(file *config.File) (list []string) {
	for i := range file.TrustStores {
		s := &file.TrustStores[i]
		list = append(list, s.PEM...)
		list = append(list, s.JKS, s.PKCS12, s.SPIFFE, s.Kubernetes)
		if s.Builtin == "system" {
			list = append(list, systemRoots...)
		}
	}
	return list
}
