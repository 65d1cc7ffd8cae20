package store

import "blindspot/discover"

// foreignKeys are the keys of the sketches of sources that came from other
// stores. A key's rows are nearly always of one store, because its sensor is
// part of it; so they are added up under the key of their sketches.
func foreignKeys(c *conn) (keys map[int64]discover.SketchKey, err error) {
	err = c.each("SELECT id, origin FROM sources WHERE origin <> X''", func(r *rows) error {
		var k discover.SketchKey
		if origin := r.blob(1); len(origin) == len(k) {
			copy(k[:], origin)
			if keys == nil {
				keys = make(map[int64]discover.SketchKey)
			}
			keys[r.int(0)] = k
		}
		return nil
	})
	return keys, err
}

func (f *fold) keyOf(source int64) discover.SketchKey {
	if k, ok := f.foreign[source]; ok {
		return k
	}
	return f.key
}
