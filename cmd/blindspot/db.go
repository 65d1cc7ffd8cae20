package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"blindspot/cmd/blindspot/internal/config"
	"blindspot/cmd/blindspot/internal/show"
	"blindspot/cmd/blindspot/internal/term"
	"blindspot/store"

	"github.com/spf13/cobra"
)

// storePatience is how long the commands on a store wait for a sensor that is
// writing to it.
const storePatience = 30 * time.Second

func newDB() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "db",
		Short: "Look after a store: its size, retention, copies, merging, damage",
		Long: `Look after a store: say how large it is and what it holds, fold old hours, give
room back to the disk, copy it, merge the stores of several sensors, and look
for damage.

All of it works on a store that a sensor is writing to.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDBStat(), newDBFold(), newDBVacuum(), newDBExport(), newDBMerge(), newDBCheck())
	return cmd
}

// withStore opens a store, calls f, and closes it.
func withStore(path string, o store.Options, f func(*store.DB) error) error {
	o.BusyTimeout = storePatience
	db, err := store.Open(path, o)
	if err != nil {
		return err
	}
	return errors.Join(f(db), db.Close())
}

// nothingElse refuses arguments.
func nothingElse(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(cmd, "unexpected argument %q: the store is named with --db %s", args[0], args[0])
	}
	return nil
}

func newDBStat() *cobra.Command {
	var db string
	output := outputFlags{}
	cmd := &cobra.Command{
		Use:   "stat",
		Short: "Say how large a store is and what it holds",
		Long: `Say how large a store is and what it holds: bytes and rows, the time of its
traffic, how much of it is kept by the hour, by the day, or in one row for all
the time before, and what retention has dropped.`,
		Example: `  blindspot db stat --db edge.db
  blindspot db stat --db edge.db -o json`,
		Args: nothingElse,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := output.checkAmong(cmd, show.StoreFormats()); err != nil {
				return err
			}
			return withStore(db, store.Options{ReadOnly: true}, func(s *store.DB) error {
				stat, err := s.Stat()
				if err != nil {
					return err
				}
				return stdout(func(w *bufio.Writer) error { return show.StoreStat(w, db, &stat, output.format, output.options()) })
			})
		},
	}
	addDB(cmd, &db)
	output.addAmong(cmd, show.StoreFormats())
	return cmd
}

type dbFoldFlags struct {
	db, retention, maxStore, keep string
}

func newDBFold() *cobra.Command {
	f := &dbFoldFlags{}
	cmd := &cobra.Command{
		Use:   "fold --retention hours=DURATION,days=DURATION",
		Short: "Apply a retention, as 'blindspot live' does by itself",
		Long: `Apply a retention to a store, as 'blindspot live --retention' does by itself.

Sightings are kept by the hour for as long as 'hours' says. Then the hours of a
day become one row of each name, endpoint and certificate. After 'days' these
become one row for all the time before: names and certificates in use stay, and
what was only asked for is dropped, and counted under 'retention' in what the
sensor lost. Figures of a report stay what they were; a report over a part of a
day that was folded shows the whole day.

With --max-store, where the store is larger: hours that are over become days,
whatever --retention says; the oldest days become one row; and at last what was
not seen for the longest is dropped. Nothing of the last days (--keep) is.`,
		Example: `  blindspot db fold --db edge.db --retention hours=7d,days=400d
  blindspot db fold --db edge.db --max-store 2GB --keep 30d`,
		Args: nothingElse,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd) },
	}
	addDB(cmd, &f.db)
	fl := cmd.Flags()
	fl.StringVar(&f.retention, "retention", "", "how long hours and then days are kept, such as `hours=7d,days=400d`")
	fl.StringVar(&f.maxStore, "max-store", "", "`size` of the store, such as 2GB")
	fl.StringVar(&f.keep, "keep", "7d", "with --max-store: the time that is not dropped whatever the size, a `duration`")
	return cmd
}

func (f *dbFoldFlags) run(ctx context.Context, cmd *cobra.Command) error {
	policy, err := parseRetention(f.retention)
	if err != nil {
		return usage(cmd, "--retention %v", err)
	}
	bytes, ok := config.ParseSize(f.maxStore)
	if !ok {
		return usage(cmd, "--max-store %s: want a size such as 100MB or 2GiB", f.maxStore)
	}
	bound := store.Bound{Bytes: bytes}
	if bound.Keep, err = config.ParseDuration(f.keep); err != nil || bound.Keep <= 0 {
		return usage(cmd, "--keep %s: want a duration such as 36h or 30d", f.keep)
	}
	if policy == (store.Policy{}) && bytes == 0 {
		return usage(cmd, "say what to keep: --retention hours=7d,days=400d, or --max-store 2GB")
	}
	return withStore(f.db, store.Options{MustExist: true}, func(db *store.DB) error {
		now := time.Now()
		folded, err := db.Fold(ctx, policy, now)
		if err != nil {
			return err
		}
		sayFolded(&folded)
		if bytes == 0 {
			return nil
		}
		return sayShrunk(f.db, bound, func() (store.Shrunk, error) { return db.Shrink(ctx, bound, now) })
	})
}

func sayFolded(f *store.Folded) {
	if f.Transactions == 0 {
		fmt.Fprintln(os.Stderr, "nothing is old enough to be folded")
		return
	}
	fmt.Fprintf(os.Stderr, "folded %s, dropped those of %s%s\n", term.Of(f.Rows, "row"), term.Of(f.Dropped, "handshake"), sessions(f.Sessions))
}

func sessions(n uint64) string {
	if n == 0 {
		return ""
	}
	return " and " + term.Of(n, "session") + " in the clear"
}

func sayShrunk(path string, bound store.Bound, shrink func() (store.Shrunk, error)) error {
	done, err := shrink()
	if err != nil {
		return err
	}
	if done.Over > 0 {
		return fmt.Errorf("store %s is %s in use, over --max-store by %s: the rest is of the last %s, or belongs to no time; allow more, or give a shorter --keep",
			path, term.Bytes(done.Used), term.Bytes(done.Over), bound.Keep)
	}
	fmt.Fprintf(os.Stderr, "%s in use, before %s", term.Bytes(done.Used), term.Bytes(done.Before))
	if done.Transactions > 0 {
		fmt.Fprintf(os.Stderr, "; folded %s early, dropped those of %s", term.Of(done.Rows, "row"), term.Of(done.Dropped, "handshake"))
	}
	fmt.Fprintln(os.Stderr)
	return nil
}
