-- What many keys have in common is kept once, and so is what clients offered
-- and servers chose: the rows of keys and sightings are half as long.
DROP VIEW handshakes;

CREATE TABLE profiles (
  id              INTEGER PRIMARY KEY,
  sensor          TEXT NOT NULL,
  network         TEXT NOT NULL,
  name_kind       TEXT NOT NULL, -- none, valid, invalid, beyond-bound, unseen, ech-public
  transport       TEXT NOT NULL, -- tcp, quic, dtls
  known           TEXT NOT NULL,
  length_evidence TEXT NOT NULL,
  version         TEXT NOT NULL,
  preface         TEXT NOT NULL,
  outcome         TEXT NOT NULL,
  alert           TEXT NOT NULL,
  class           TEXT NOT NULL,
  UNIQUE (length_evidence, version, known, outcome, alert, preface, class, name_kind, transport, network, sensor)
) STRICT;

INSERT INTO profiles (sensor, network, name_kind, transport, known, length_evidence, version, preface, outcome, alert, class)
SELECT DISTINCT sensor, network, name_kind, transport, known, length_evidence, version, preface, outcome, alert, class FROM keys;

CREATE TABLE choices (
  id        INTEGER PRIMARY KEY,
  alpn      TEXT NOT NULL, -- last offered list
  cipher    TEXT NOT NULL, -- last chosen
  tls_group TEXT NOT NULL,
  UNIQUE (alpn, cipher, tls_group)
) STRICT;

INSERT INTO choices (alpn, cipher, tls_group) SELECT DISTINCT alpn, cipher, tls_group FROM sightings;

-- What a handshake was, once for all sources and buckets. The id is 8 bytes of
-- SHA-256 over the hostname, so that the keys of a hostname are neighbours (8
-- zero bytes where there is none), and 16 bytes of SHA-256 over the key's
-- canonical encoding (key.go), the same in every store. The numbers of profiles
-- are this store's alone.
ALTER TABLE keys RENAME TO long_keys;
CREATE TABLE keys (
  id           BLOB PRIMARY KEY CHECK (length(id) = 24),
  hostname     TEXT NOT NULL,
  target       TEXT NOT NULL,
  server       TEXT NOT NULL,
  chain        BLOB NOT NULL CHECK (length(chain) IN (0, 32)),
  client_chain BLOB NOT NULL CHECK (length(client_chain) IN (0, 32)),
  profile      INTEGER NOT NULL -- profiles.id
) STRICT, WITHOUT ROWID;

INSERT INTO keys
SELECT k.id, k.hostname, k.target, k.server, k.chain, k.client_chain, p.id
FROM long_keys AS k CROSS JOIN profiles AS p
  ON p.length_evidence = k.length_evidence AND p.version = k.version AND p.known = k.known AND p.outcome = k.outcome
  AND p.alert = k.alert AND p.preface = k.preface AND p.class = k.class AND p.name_kind = k.name_kind
  AND p.transport = k.transport AND p.network = k.network AND p.sensor = k.sensor
ORDER BY k.id;
DROP TABLE long_keys;

-- The folded figures of a key in a bucket, cumulative within source and part.
ALTER TABLE sightings RENAME TO long_sightings;
CREATE TABLE sightings (
  source        INTEGER NOT NULL,
  part          INTEGER NOT NULL,
  bucket        INTEGER NOT NULL,
  key           BLOB NOT NULL, -- keys.id
  first_seen    INTEGER NOT NULL,
  last_seen     INTEGER NOT NULL,
  handshakes    INTEGER NOT NULL,
  forwarded     INTEGER NOT NULL, -- the far sides of handshakes that are counted at the server clients spoke to
  clients       INTEGER NOT NULL, -- distinct ones, estimated where client_sketch is not empty
  client_list   BLOB NOT NULL,    -- see clients.go
  client_more   INTEGER NOT NULL, -- handshakes of clients that the list has no place for
  client_sketch BLOB NOT NULL,
  ech           INTEGER NOT NULL,
  client_auth   INTEGER NOT NULL,
  key_proven    INTEGER NOT NULL,
  key_mismatch  INTEGER NOT NULL,
  ocsp_good     INTEGER NOT NULL,
  ocsp_bad      INTEGER NOT NULL,
  hello_retry   INTEGER NOT NULL,
  packets_lost  INTEGER NOT NULL,
  choice        INTEGER NOT NULL, -- choices.id
  PRIMARY KEY (source, part, bucket, key)
) STRICT, WITHOUT ROWID;

INSERT INTO sightings
SELECT s.source, s.part, s.bucket, s.key, s.first_seen, s.last_seen, s.handshakes, s.forwarded,
  s.clients, s.client_list, s.client_more, s.client_sketch, s.ech, s.client_auth, s.key_proven, s.key_mismatch,
  s.ocsp_good, s.ocsp_bad, s.hello_retry, s.packets_lost, c.id
FROM long_sightings AS s CROSS JOIN choices AS c ON c.alpn = s.alpn AND c.cipher = s.cipher AND c.tls_group = s.tls_group
ORDER BY s.source, s.part, s.bucket, s.key;
DROP TABLE long_sightings;

-- For people with SQL: one row for each key in each bucket of each source that
-- counts. Sum handshakes; do not sum clients, who come again in every bucket.
CREATE VIEW handshakes AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', nullif(s.bucket, -9223372036854775807 - 1) / 1000000000, 'unixepoch') AS bucket,
       strftime('%Y-%m-%dT%H:%M:%SZ', nullif(s.first_seen, -9223372036854775807 - 1) / 1000000000, 'unixepoch') AS first_seen,
       strftime('%Y-%m-%dT%H:%M:%SZ', nullif(s.last_seen, -9223372036854775807 - 1) / 1000000000, 'unixepoch') AS last_seen,
       p.sensor, p.network, nullif(k.hostname, '') AS hostname, p.name_kind, p.transport, k.server,
       nullif(k.target, '') AS target, nullif(p.preface, '') AS starttls, nullif(p.version, '') AS version,
       nullif(lower(hex(substr(c.certificates, 1, 32))), '') AS certificate,
       nullif(lower(hex(substr(cc.certificates, 1, 32))), '') AS client_certificate,
       nullif(p.known, '') AS known, nullif(p.length_evidence, '') AS length_evidence,
       p.outcome, nullif(p.alert, '') AS alert, nullif(p.class, '') AS class,
       s.handshakes, s.clients, s.ech, s.client_auth, s.key_proven, s.key_mismatch, s.ocsp_good, s.ocsp_bad,
       s.hello_retry, s.packets_lost, w.alpn, w.cipher, w.tls_group,
       o.kind AS source_kind, o.name AS source_name
FROM sightings AS s
JOIN counted_sources AS o ON o.id = s.source
JOIN keys AS k ON k.id = s.key
JOIN profiles AS p ON p.id = k.profile
JOIN choices AS w ON w.id = s.choice
LEFT JOIN chains AS c ON c.id = k.chain
LEFT JOIN chains AS cc ON cc.id = k.client_chain;
