-- Sessions that stayed in the clear although one side spoke of TLS, cumulative
-- within source and part.
CREATE TABLE offers (
  source        INTEGER NOT NULL REFERENCES sources (id),
  part          INTEGER NOT NULL,
  network       TEXT NOT NULL,
  server        TEXT NOT NULL,
  target        TEXT NOT NULL,
  preface       TEXT NOT NULL,
  state         TEXT NOT NULL, -- refused, declined
  class         TEXT NOT NULL,
  first_seen    INTEGER NOT NULL,
  last_seen     INTEGER NOT NULL,
  sessions      INTEGER NOT NULL,
  clients       INTEGER NOT NULL, -- as in sightings
  client_list   BLOB NOT NULL,
  client_more   INTEGER NOT NULL,
  client_sketch BLOB NOT NULL,
  PRIMARY KEY (source, part, network, server, target, preface, state, class)
) STRICT, WITHOUT ROWID;
