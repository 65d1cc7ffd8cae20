package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"blindspot/cmd/blindspot/internal/show"
	"blindspot/cmd/blindspot/internal/term"
	"blindspot/discover"
	"blindspot/discover/report"
	"blindspot/store"

	"github.com/spf13/cobra"
)

func newDBVacuum() *cobra.Command {
	var db string
	cmd := &cobra.Command{
		Use:   "vacuum",
		Short: "Give the room that a store does not use back to the disk",
		Long: `Give the room that a store does not use back to the disk: remove what nothing
refers to any more, and write the store anew.

That needs as much free disk space as the store uses, once among temporary files
(SQLITE_TMPDIR names another place for them) and once beside the store; it says
so before it begins. A sensor may go on: what it wants to write waits until the
end, and certificates that nothing refers to are kept until it has ended.`,
		Example: `  blindspot db vacuum --db edge.db`,
		Args:    nothingElse,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(db, store.Options{MustExist: true}, func(s *store.DB) error { return vacuum(cmd.Context(), s) })
		},
	}
	addDB(cmd, &db)
	return cmd
}

func vacuum(ctx context.Context, db *store.DB) error {
	before, err := db.Stat()
	if err != nil {
		return err
	}
	swept, err := db.Sweep(ctx, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "removed %s, %s, %s that nothing referred to\n", term.Of(swept.Keys, "key"), term.Of(swept.Chains, "chain"), term.Of(swept.Certificates, "certificate"))
	if swept.Kept {
		fmt.Fprintln(os.Stderr, "chains and certificates were left alone: a sensor is writing to the store, or was killed in the last 30 days")
	}
	if err := enoughRoom(db); err != nil {
		return err
	}
	if err := db.Vacuum(); err != nil {
		return err
	}
	after, err := db.Stat()
	if err == nil {
		fmt.Fprintf(os.Stderr, "%s, before %s\n", term.Bytes(after.FileBytes+after.WALBytes), term.Bytes(before.FileBytes+before.WALBytes))
	}
	return err
}

// enoughRoom says what is needed, and refuses where it is not there.
func enoughRoom(db *store.DB) error {
	room, err := db.VacuumRoom()
	for _, r := range room {
		if r.Free < 0 {
			fmt.Fprintf(os.Stderr, "this needs %s free below %s\n", term.Bytes(r.Needs), r.Dir)
			continue
		}
		fmt.Fprintf(os.Stderr, "this needs %s free below %s, where %s are\n", term.Bytes(r.Needs), r.Dir, term.Bytes(r.Free))
		if r.Free < r.Needs {
			err = fmt.Errorf("vacuum: no room below %s: free %s, name another place for temporary files with SQLITE_TMPDIR, or write a small copy elsewhere with: blindspot db export FILE.db",
				r.Dir, term.Bytes(r.Needs-r.Free))
		}
	}
	return err
}

// storeFormat is a whole copy of the store.
const storeFormat = "db"

type dbExportFlags struct {
	db, format, sensor, since, until string
}

func newDBExport() *cobra.Command {
	f := &dbExportFlags{}
	formats := append([]string{storeFormat}, report.Formats()...)
	cmd := &cobra.Command{
		Use:   "export [flags] FILE|-",
		Short: "Write a whole copy of a store, or its handshakes as text",
		Long: `Write a whole, consistent copy of a store to a new file, while a sensor goes on
writing to it. The copy has no unused room, and is a store like any other.

With --output jsonl, csv and others, write the handshakes of the store: one row
for each name, endpoint and certificate in each hour (or day, where hours were
folded) of each source. These are the columns of the view 'handshakes' in the
database. Sum handshakes; do not sum clients, who come again in every hour.`,
		Example: `  blindspot db export --db edge.db backup.db
  blindspot db export --db edge.db -o jsonl --since 7d handshakes.jsonl
  blindspot db export --db edge.db -o csv - | head`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(cmd, "want one file to write to, or - for standard output (not for a copy of the store)")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0], formats) },
	}
	addDB(cmd, &f.db)
	fl := cmd.Flags()
	fl.StringVarP(&f.format, "output", "o", storeFormat, "`format`: db for a copy of the store, or of its handshakes: "+strings.Join(report.Formats(), ", "))
	fl.StringVar(&f.sensor, "sensor", "", "only handshakes of this `sensor`")
	fl.StringVar(&f.since, "since", "", "only handshakes from this `time` on: RFC 3339, a date, or how long ago (36h, 14d)")
	fl.StringVar(&f.until, "until", "", "only handshakes before this `time`")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (f *dbExportFlags) run(cmd *cobra.Command, path string, formats []string) (err error) {
	if err := oneOf(cmd, "output", f.format, "format", formats); err != nil {
		return err
	}
	q := store.Query{Sensor: f.sensor}
	now := time.Now()
	if q.Since, err = parseTime(f.since, now); err != nil {
		return usage(cmd, "--since: %v", err)
	}
	if q.Until, err = parseTime(f.until, now); err != nil {
		return usage(cmd, "--until: %v", err)
	}
	if f.format == storeFormat && (q != store.Query{} || path == "-") {
		return usage(cmd, "a copy of the store is a whole one, in a file: for a part, or standard output, name a format of text (-o jsonl)")
	}
	return withStore(f.db, store.Options{ReadOnly: true}, func(db *store.DB) error {
		if f.format == storeFormat {
			return db.CopyTo(path)
		}
		return f.text(db, q, path)
	})
}

// text writes handshakes to a new file, or to standard output.
func (f *dbExportFlags) text(db *store.DB, q store.Query, path string) error {
	write := func(w *bufio.Writer) error {
		return show.Table(w, "Handshakes in "+f.db, db.Handshakes(q), f.format, report.Options{Width: term.Width(os.Stdout)})
	}
	if path == "-" {
		return stdout(write)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists: name a new file, or move it away", path)
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	w := bufio.NewWriterSize(file, 64<<10)
	return errors.Join(write(w), w.Flush(), file.Close())
}

func newDBMerge() *cobra.Command {
	var into string
	cmd := &cobra.Command{
		Use:   "merge --into DB OTHER...",
		Short: "Merge the stores of other sensors into one",
		Long: `Merge the stores of other sensors into one, which is made where there is none.
Sources keep their sensor's name; give every sensor one of its own (--sensor).

Merging again changes nothing, and brings what has come since. A capture that
several have read counts once. The other stores are never changed; those of an
older version are brought up to date in a temporary copy. All may be in use.

Where a name has more clients than a list holds (32), their number is an
estimate under a key of its store. Between stores with different keys, a client
that two sensors have seen counts twice there.`,
		Example: `  blindspot db merge --into all.db edge-1.db edge-2.db
  blindspot gap --db all.db --monitored hosts.txt`,
		Args: func(cmd *cobra.Command, args []string) error {
			if into == "" || len(args) == 0 {
				return usage(cmd, "want --into DB and the stores to be merged into it")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return mergeStores(cmd.Context(), into, args) },
	}
	cmd.Flags().StringVar(&into, "into", "", "the store that takes the others in, a SQLite `file`")
	return cmd
}

func mergeStores(ctx context.Context, into string, others []string) error {
	key, err := commonKey(others)
	if err != nil {
		return err
	}
	return withStore(into, store.Options{SketchKey: key}, func(db *store.DB) error {
		var failed error
		for _, path := range others {
			list, err := db.Merge(ctx, path)
			failed = errors.Join(failed, err)
			sayMerged(path, list)
			if ctx.Err() != nil {
				break
			}
		}
		return failed
	})
}

// commonKey opens the stores before one is made for them. A new one takes over
// the least of their keys, so that the order does not matter.
func commonKey(paths []string) (key discover.SketchKey, err error) {
	for _, path := range paths {
		db, e := store.Open(path, store.Options{ReadOnly: true})
		if errors.Is(e, store.ErrOlder) {
			continue
		}
		if e != nil {
			err = errors.Join(err, e)
			continue
		}
		if k := db.SketchKey(); key == (discover.SketchKey{}) || bytes.Compare(k[:], key[:]) < 0 {
			key = k
		}
		err = errors.Join(err, db.Close())
	}
	return key, err
}

func sayMerged(path string, list []store.MergedSource) {
	var fresh, known, replaced, handshakes uint64
	for i := range list {
		switch list[i].Done {
		case store.MergedKnown:
			known++
			continue
		case store.MergedReplaced:
			replaced++
		default:
			fresh++
		}
		handshakes += list[i].Handshakes
	}
	fmt.Fprintf(os.Stderr, "%s: %s new, %s with what has come since, %s known; %s\n", term.Printable(path),
		term.Of(fresh, "source"), term.Count(replaced), term.Count(known), term.Of(handshakes, "handshake"))
}

func newDBCheck() *cobra.Command {
	var db string
	var full bool
	output := outputFlags{}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look for damage in a store",
		Long: `Look for damage in a store: SQLite's own check of the file, references to what is
not there, figures that cannot be, certificates that are not those of their
fingerprints. It ends with exit code 2 where there is some.

What is listed as a note is no damage.`,
		Example: `  blindspot db check --db edge.db
  blindspot db check --db edge.db --full -o json`,
		Args: nothingElse,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := output.checkAmong(cmd, show.StoreFormats()); err != nil {
				return err
			}
			return withStore(db, store.Options{ReadOnly: true}, func(s *store.DB) error { return checkStore(cmd.Context(), s, db, full, &output) })
		},
	}
	addDB(cmd, &db)
	output.addAmong(cmd, show.StoreFormats())
	cmd.Flags().BoolVar(&full, "full", false, "look at every index, list of clients and key too, which takes longer")
	return cmd
}

func checkStore(ctx context.Context, db *store.DB, path string, full bool, output *outputFlags) error {
	found, err := db.Check(ctx, full)
	if err != nil {
		return err
	}
	err = stdout(func(w *bufio.Writer) error {
		return show.StoreCheck(w, path, &found, full, output.format, output.options())
	})
	if err == nil && len(found.Problems) > 0 {
		err = fmt.Errorf("store %s is damaged: stop what writes to it and keep a copy; restore a copy from before, or save what can be read with: sqlite3 %s .recover | sqlite3 new.db; captures can be read again into a new store", path, path)
	}
	return err
}
