package monitored

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// sqliteMagic begins every SQLite database (its file format, §1.3).
	sqliteMagic = "SQLite format 3\x00"
	// sqliteDriver is the name of the database/sql driver. The program that
	// links one can read databases; this package imports none.
	sqliteDriver = "sqlite3"
	// walHeader is the size of a write-ahead log's header (§4.1).
	walHeader = 32
	// maxMonitors bounds the monitors of one database.
	maxMonitors = 1_000_000
	// maxGroups bounds how deep groups hold groups.
	maxGroups = 32
	// copyAttempts bounds the copies of a database that is written meanwhile.
	copyAttempts = 3
)

// readKumaDatabase reads Uptime Kuma's SQLite database. It is never written,
// and never opened where a write-ahead log lies beside it: then a copy is read.
func readKumaDatabase(in *input, r *Result) error {
	if !slices.Contains(sql.Drivers(), sqliteDriver) {
		return fmt.Errorf("%s is a SQLite database, which this program cannot read: give Uptime Kuma's JSON backup or its /metrics", in.Path)
	}
	dsn, remove, err := openable(in.Path)
	if err != nil {
		return err
	}
	defer remove()
	db, err := sql.Open(sqliteDriver, dsn)
	if err != nil {
		return fmt.Errorf("%s: %w", in.Path, err)
	}
	defer func() { _ = db.Close() }()
	k := &kumaDatabase{DB: db, path: in.Path}
	monitors, err := k.monitors()
	if err != nil {
		return fmt.Errorf("%s: %w", in.Path, err)
	}
	for _, m := range monitors {
		m.add(r)
	}
	return nil
}

// openable returns the data source name of a database that may be read, and
// what removes it afterwards.
func openable(path string) (dsn string, remove func(), err error) {
	info, err := os.Stat(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return dataSource(path, "mode=ro&immutable=1"), func() {}, nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("monitored source: %w", err)
	}
	dir, err := os.MkdirTemp("", "blindspot-")
	if err != nil {
		return "", nil, fmt.Errorf("copy %s: %w", path, err)
	}
	remove = func() { _ = os.RemoveAll(dir) }
	for range copyAttempts {
		same, err := copyDatabase(path, filepath.Join(dir, "kuma.db"))
		if err != nil {
			remove()
			return "", nil, fmt.Errorf("copy %s: %w", path, err)
		}
		if same {
			return dataSource(filepath.Join(dir, "kuma.db"), "_query_only=1"), remove, nil
		}
	}
	remove()
	return "", nil, fmt.Errorf("%s is being written all the time: give a copy, as sqlite3 FILE .backup makes it", path)
}

// dataSource is a URI that SQLite opens.
func dataSource(path, query string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: query}
	return u.String()
}

// state tells whether a database was changed: a checkpoint writes the database,
// and starts the log anew with another header.
type databaseState struct {
	size     int64
	modified time.Time
	log      [walHeader]byte
}

func stateOf(path string) (databaseState, error) {
	info, err := os.Stat(path)
	if err != nil {
		return databaseState{}, err
	}
	s := databaseState{size: info.Size(), modified: info.ModTime()}
	f, err := os.Open(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return databaseState{}, err
	}
	defer f.Close()
	if _, err := io.ReadFull(f, s.log[:]); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return databaseState{}, err
	}
	return s, nil
}

// copyDatabase copies a database and its log. It reports false where a
// checkpoint came between, so that the two do not belong together; frames that
// are appended to the log meanwhile do no harm.
func copyDatabase(from, to string) (bool, error) {
	before, err := stateOf(from)
	if err != nil {
		return false, err
	}
	for _, suffix := range []string{"", "-wal"} {
		if err := copyFile(from+suffix, to+suffix); err != nil {
			return false, err
		}
	}
	after, err := stateOf(from)
	return before == after, err
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(from, "-wal") {
		source, err = os.Open(os.DevNull)
	}
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// kumaDatabase is an open database.
type kumaDatabase struct {
	*sql.DB
	path string
}

// kumaColumns are the columns of table monitor that are read. Releases have
// more or fewer of them; one that is not there is empty.
var kumaColumns = []string{
	"id", "name", "type", "url", "hostname", "port", "active", "ignore_tls", "expiry_notification", "headers",
	"proxy_id", "grpc_url", "grpc_enable_tls", "database_connection_string", "smtp_security", "parent",
}

// monitors reads all monitors with their tags and certificates.
func (k *kumaDatabase) monitors() ([]*kumaMonitor, error) {
	rows, err := k.rows("monitor", kumaColumns, "id")
	if err != nil {
		return nil, err
	}
	if rows == nil {
		return nil, errors.New("no table monitor: this is no database of Uptime Kuma")
	}
	tags, err := k.tags()
	if err != nil {
		return nil, err
	}
	infos, err := k.rows("monitor_tls_info", []string{"monitor_id", "info_json"}, "id")
	if err != nil {
		return nil, err
	}
	info := map[string]string{}
	for _, row := range infos {
		info[row["monitor_id"]] = row["info_json"]
	}
	paused := pausedMonitors(rows)
	var monitors []*kumaMonitor
	for _, row := range rows {
		m := kumaOfRow(row)
		m.ref = k.path + " monitor " + row["id"]
		m.enabled = !paused[row["id"]]
		m.tags = tags[row["id"]]
		m.tlsInfo(info[row["id"]])
		monitors = append(monitors, m)
	}
	return monitors, nil
}

func kumaOfRow(row map[string]string) *kumaMonitor {
	return &kumaMonitor{
		name: row["name"], typ: row["type"], url: row["url"], hostname: row["hostname"], port: row["port"],
		grpcURL: row["grpc_url"], security: row["smtp_security"], headers: row["headers"], database: row["database_connection_string"],
		ignoreTLS: isTrue(row["ignore_tls"]), grpcTLS: isTrue(row["grpc_enable_tls"]),
		expiry: isTrue(row["expiry_notification"]), proxied: row["proxy_id"] != "",
	}
}

// pausedMonitors are those that are off, or in a group that is.
func pausedMonitors(rows []map[string]string) map[string]bool {
	active, parent := map[string]bool{}, map[string]string{}
	for _, row := range rows {
		active[row["id"]], parent[row["id"]] = isTrue(row["active"]), row["parent"]
	}
	paused := map[string]bool{}
	for _, row := range rows {
		id := row["id"]
		for range maxGroups {
			if _, known := active[id]; !known {
				break
			}
			if !active[id] {
				paused[row["id"]] = true
				break
			}
			id = parent[id]
		}
	}
	return paused
}

// tags reads the tags of all monitors by the monitor's id.
func (k *kumaDatabase) tags() (map[string]map[string]string, error) {
	names, err := k.rows("tag", []string{"id", "name"}, "id")
	if err != nil {
		return nil, err
	}
	name := map[string]string{}
	for _, row := range names {
		name[row["id"]] = row["name"]
	}
	set, err := k.rows("monitor_tag", []string{"monitor_id", "tag_id", "value"}, "id")
	if err != nil {
		return nil, err
	}
	tags := map[string]map[string]string{}
	for _, row := range set {
		if name[row["tag_id"]] == "" {
			continue
		}
		if tags[row["monitor_id"]] == nil {
			tags[row["monitor_id"]] = map[string]string{}
		}
		tags[row["monitor_id"]][name[row["tag_id"]]] = row["value"]
	}
	return tags, nil
}

// rows reads columns of a table as text, "" for what is null or not there. Nil
// rows say that there is no such table. The names are constants of this file.
func (k *kumaDatabase) rows(table string, columns []string, order string) ([]map[string]string, error) {
	has, err := k.columns(table)
	if err != nil || len(has) == 0 {
		return nil, err
	}
	var expressions []string
	for _, column := range columns {
		if has[column] {
			expressions = append(expressions, "coalesce(CAST("+column+" AS TEXT), '')")
		} else {
			expressions = append(expressions, "''")
		}
	}
	if !has[order] {
		order = "rowid"
	}
	rows, err := k.Query(fmt.Sprintf("SELECT %s FROM %s ORDER BY %s LIMIT %d", strings.Join(expressions, ", "), table, order, maxMonitors+1))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	list, err := scanRows(rows, columns)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", table, err)
	}
	return list, nil
}

// scanRows reads rows of text.
func scanRows(rows *sql.Rows, columns []string) ([]map[string]string, error) {
	list := []map[string]string{}
	values, fields := make([][]byte, len(columns)), make([]any, len(columns))
	for i := range values {
		fields[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(fields...); err != nil {
			return nil, err
		}
		if len(list) == maxMonitors {
			return nil, fmt.Errorf("more than %d rows", maxMonitors)
		}
		row := map[string]string{}
		for i, column := range columns {
			row[column] = string(bytes.ToValidUTF8(values[i], []byte("\uFFFD")))
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// columns asks a table for its columns.
func (k *kumaDatabase) columns(table string) (map[string]bool, error) {
	rows, err := k.Query("SELECT name FROM pragma_table_info(?)", table)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	has := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		has[name] = true
	}
	return has, rows.Err()
}
