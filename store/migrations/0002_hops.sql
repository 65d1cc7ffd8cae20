-- The far sides of handshakes that are counted at the server clients spoke to.
ALTER TABLE sightings ADD COLUMN forwarded INTEGER NOT NULL DEFAULT 0;

-- Ways through a NAT or a load balancer that does not end TLS, cumulative
-- within source and part.
CREATE TABLE hops (
  source     INTEGER NOT NULL REFERENCES sources (id),
  part       INTEGER NOT NULL,
  network    TEXT NOT NULL,
  server     TEXT NOT NULL, -- that clients spoke to
  behind     TEXT NOT NULL, -- that answered
  first_seen INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,
  handshakes INTEGER NOT NULL,
  PRIMARY KEY (source, part, network, server, behind)
) STRICT, WITHOUT ROWID;
