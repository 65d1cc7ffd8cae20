package store

import "os"

// Stat is the size of a store.
type Stat struct {
	Version   int
	FileBytes int64 // the database
	WALBytes  int64 // what is not in it yet
	FreeBytes int64 // in the file, to be used again
	Tables    []TableStat
}

// TableStat is the number of rows of a table.
type TableStat struct {
	Name string
	Rows int64
}

var tables = []string{"sources", "buckets", "sightings", "keys", "profiles", "choices", "certificates", "chains", "visibility"}

// Stat counts what is in the store; it walks over every row.
func (db *DB) Stat() (Stat, error) {
	var s Stat
	err := db.read("measure", func(c *conn) error {
		version, err := pragma(c, "user_version")
		if err != nil {
			return err
		}
		free, err := pragma(c, "freelist_count")
		if err != nil {
			return err
		}
		page, err := pragma(c, "page_size")
		if err != nil {
			return err
		}
		s.Version, s.FreeBytes = int(version), free*page
		for _, name := range tables {
			t := TableStat{Name: name}
			if _, err := c.one("SELECT count(*) FROM "+name, func(r *rows) { t.Rows = r.int(0) }); err != nil {
				return err
			}
			s.Tables = append(s.Tables, t)
		}
		return nil
	})
	s.FileBytes, s.WALBytes = size(db.file), size(db.file+"-wal")
	return s, err
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
