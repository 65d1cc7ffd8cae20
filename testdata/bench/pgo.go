package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of a profile (github.com/google/pprof, profile.proto) that tell of the
// machine it was made on.
const (
	profileStrings  = 6
	profileTime     = 9
	profileDuration = 10
)

// guide merges the CPU profiles of a directory into one that guides the compiler,
// without paths and times.
func guide(dir, out string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.cpu"))
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return fmt.Errorf("%s: no *.cpu", dir)
	}
	merged, err := exec.Command(goTool(), append([]string{"tool", "pprof", "-proto", "-output", "/dev/stdout"}, paths...)...).Output()
	if err != nil {
		return fmt.Errorf("go tool pprof -proto: %w", err)
	}
	profile, err := anonymous(merged)
	if err != nil {
		return err
	}
	return os.WriteFile(out, profile, 0o644)
}

// anonymous returns a profile without the paths of files outside the module's
// name space, and without the time it was made.
func anonymous(zipped []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return nil, err
	}
	in, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var out []byte
	for len(in) > 0 {
		num, kind, n := protowire.ConsumeField(in)
		if n < 0 {
			return nil, fmt.Errorf("profile: %w", protowire.ParseError(n))
		}
		field := in[:n]
		in = in[n:]
		switch num {
		case profileTime, profileDuration:
			continue
		case profileStrings:
			_, _, tag := protowire.ConsumeTag(field)
			text, _ := protowire.ConsumeBytes(field[tag:])
			if kind == protowire.BytesType && filepath.IsAbs(string(text)) {
				field = protowire.AppendString(protowire.AppendTag(nil, num, kind), filepath.Base(string(text)))
			}
		}
		out = append(out, field...)
	}
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	w.Write(out)
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
