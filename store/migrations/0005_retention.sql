-- What the life of a store needs to know of its sources.
--
-- Of a part, -1 holds days into which the hours of all parts were folded, and
-- -2 one row of each key for all days before (retention.go).

-- Buckets before this time were folded: a row for one that a sensor writes
-- again is an old one, and refused.
ALTER TABLE sources ADD COLUMN folded_until INTEGER NOT NULL DEFAULT -9223372036854775807;
-- Hops and offers up to this part were folded.
ALTER TABLE sources ADD COLUMN folded_part INTEGER NOT NULL DEFAULT -1;
-- Rows that were refused.
ALTER TABLE sources ADD COLUMN late INTEGER NOT NULL DEFAULT 0;
-- The store that a merged source comes from, by the key of its sketches, X''
-- for one of this store, and the source's number there.
ALTER TABLE sources ADD COLUMN origin BLOB NOT NULL DEFAULT X'';
ALTER TABLE sources ADD COLUMN origin_id INTEGER NOT NULL DEFAULT 0;
-- 1 for what is being copied, or was replaced and is being removed.
ALTER TABLE sources ADD COLUMN unlisted INTEGER NOT NULL DEFAULT 0 CHECK (unlisted IN (0, 1));

CREATE INDEX sources_origin ON sources (origin, origin_id) WHERE origin <> X'';

-- The sources that reports count. A file that was read to its end stands for
-- itself; readings of it that were broken off would count the same handshakes
-- again. Where no reading came to the end, the last one counts.
DROP VIEW counted_sources;
CREATE VIEW counted_sources AS
SELECT * FROM sources AS s
WHERE s.unlisted = 0 AND (s.run = 1 OR s.state = 'finished' OR NOT EXISTS (
  SELECT 1 FROM sources AS o
  WHERE o.kind = s.kind AND o.name = s.name AND o.sensor = s.sensor AND o.origin = s.origin AND o.run = 0 AND o.unlisted = 0
    AND o.id <> s.id AND (o.state = 'finished' OR o.id > s.id)));
