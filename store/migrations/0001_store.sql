-- Conventions of every table:
--   times are nanoseconds since 1970 UTC, and the least integer
--   (-9223372036854775808) is "no time"; certificates alone count seconds,
--   because 9999-12-31 (RFC 5280 §4.1.2.5) does not fit into nanoseconds;
--   addresses are 'ip:port' and '[ipv6]:port', '' for none;
--   fingerprints are the 32 bytes of a SHA-256, X'' for none.

PRAGMA application_id = 0x626c7370; -- "blsp"

CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- Where rows come from. AUTOINCREMENT, so that the number of a removed source
-- is never given to another while a process still writes to the old one.
CREATE TABLE sources (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  kind     TEXT NOT NULL,
  name     TEXT NOT NULL,
  sensor   TEXT NOT NULL,
  identity TEXT NOT NULL DEFAULT '',
  -- 1 for what cannot be read again (a live run, a pipe): another source of
  -- the same name is other traffic.
  run      INTEGER NOT NULL CHECK (run IN (0, 1)),
  state    TEXT NOT NULL CHECK (state IN ('reading', 'finished', 'incomplete')),
  reason   TEXT NOT NULL DEFAULT '', -- why it is incomplete
  started  INTEGER NOT NULL,
  ended    INTEGER NOT NULL DEFAULT (-9223372036854775807 - 1)
) STRICT;

CREATE UNIQUE INDEX sources_identity ON sources (identity) WHERE state = 'finished' AND identity <> '';
CREATE INDEX sources_name ON sources (kind, name);

-- The sources that reports count. A file that was read to its end stands for
-- itself; readings of it that were broken off would count the same handshakes
-- again. Where no reading came to the end, the last one counts.
CREATE VIEW counted_sources AS
SELECT * FROM sources AS s
WHERE s.run = 1 OR s.state = 'finished' OR NOT EXISTS (
  SELECT 1 FROM sources AS o
  WHERE o.kind = s.kind AND o.name = s.name AND o.sensor = s.sensor AND o.run = 0
    AND o.id <> s.id AND (o.state = 'finished' OR o.id > s.id));

-- What a handshake was, once for all sources and buckets. The id is 8 bytes of
-- SHA-256 over the hostname, so that the keys of a hostname are neighbours (8
-- zero bytes where there is none), and 16 bytes of SHA-256 over the key's
-- canonical encoding (key.go), the same in every store.
CREATE TABLE keys (
  id              BLOB PRIMARY KEY CHECK (length(id) = 24),
  sensor          TEXT NOT NULL,
  network         TEXT NOT NULL,
  name_kind       TEXT NOT NULL, -- none, valid, invalid, beyond-bound, unseen
  hostname        TEXT NOT NULL,
  target          TEXT NOT NULL,
  transport       TEXT NOT NULL, -- tcp, quic, dtls
  server          TEXT NOT NULL,
  chain           BLOB NOT NULL CHECK (length(chain) IN (0, 32)),
  client_chain    BLOB NOT NULL CHECK (length(client_chain) IN (0, 32)),
  known           TEXT NOT NULL,
  length_evidence TEXT NOT NULL,
  version         TEXT NOT NULL,
  preface         TEXT NOT NULL,
  outcome         TEXT NOT NULL,
  alert           TEXT NOT NULL,
  class           TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The buckets that hold sightings, so that a question about an hour reads the
-- rows of that hour only.
CREATE TABLE buckets (
  source     INTEGER NOT NULL REFERENCES sources (id),
  part       INTEGER NOT NULL,
  bucket     INTEGER NOT NULL,
  width      INTEGER NOT NULL, -- nanoseconds
  first_seen INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,
  PRIMARY KEY (source, part, bucket)
) STRICT, WITHOUT ROWID;

-- The folded figures of a key in a bucket, cumulative within source and part.
CREATE TABLE sightings (
  source        INTEGER NOT NULL,
  part          INTEGER NOT NULL,
  bucket        INTEGER NOT NULL,
  key           BLOB NOT NULL, -- keys.id
  first_seen    INTEGER NOT NULL,
  last_seen     INTEGER NOT NULL,
  handshakes    INTEGER NOT NULL,
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
  alpn          TEXT NOT NULL,
  cipher        TEXT NOT NULL,
  tls_group     TEXT NOT NULL,
  PRIMARY KEY (source, part, bucket, key)
) STRICT, WITHOUT ROWID;

-- With rowid: the rows are large, and only the index on the fingerprint should
-- be walked to find one. Programs read the der; the other columns are for
-- people and for an empty der, a certificate known only from another sensor's
-- log.
CREATE TABLE certificates (
  id          INTEGER PRIMARY KEY,
  sha256      BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
  der         BLOB NOT NULL,
  subject     TEXT NOT NULL,
  issuer      TEXT NOT NULL,
  serial      TEXT NOT NULL,
  not_before  INTEGER, -- seconds since 1970 UTC, NULL where it could not be read
  not_after   INTEGER,
  common_name TEXT NOT NULL,
  dns_names   TEXT NOT NULL CHECK (json_valid(dns_names)),
  ips         TEXT NOT NULL CHECK (json_valid(ips)),
  uris        TEXT NOT NULL CHECK (json_valid(uris)),
  emails      TEXT NOT NULL CHECK (json_valid(emails)),
  more_names  INTEGER NOT NULL, -- names that were too many to be kept
  key_type    TEXT NOT NULL,
  key_bits    INTEGER NOT NULL,
  curve       TEXT NOT NULL,
  signature   TEXT NOT NULL,
  spki        BLOB NOT NULL CHECK (length(spki) IN (0, 32)),
  self_signed INTEGER NOT NULL,
  ca          INTEGER NOT NULL,
  problem     TEXT NOT NULL,
  lenient     INTEGER NOT NULL,
  key_usage   INTEGER NOT NULL, -- bits of RFC 5280 §4.2.1.3, digitalSignature the lowest
  ext_usage   TEXT NOT NULL CHECK (json_valid(ext_usage)),
  scts        INTEGER NOT NULL,
  must_staple INTEGER NOT NULL
) STRICT;

-- Fingerprints as presented, leaf first, 32 bytes each.
CREATE TABLE chains (
  id           BLOB PRIMARY KEY CHECK (length(id) = 32),
  certificates BLOB NOT NULL CHECK (length(certificates) % 32 = 0)
) STRICT, WITHOUT ROWID;

-- What a source saw and could not see, cumulative within source, part and
-- bucket.
CREATE TABLE visibility (
  source       INTEGER NOT NULL REFERENCES sources (id),
  part         INTEGER NOT NULL,
  bucket       INTEGER NOT NULL,
  width        INTEGER NOT NULL,
  packets      INTEGER NOT NULL,
  bytes        INTEGER NOT NULL,
  kernel_drops INTEGER NOT NULL,
  handshakes   INTEGER NOT NULL,
  hidden       TEXT NOT NULL CHECK (json_valid(hidden)), -- {"encrypted": 12}
  lost         TEXT NOT NULL CHECK (json_valid(lost)),   -- {"table-full": 1}
  notes        TEXT NOT NULL CHECK (json_valid(notes)),  -- ["sentence"]
  PRIMARY KEY (source, part, bucket)
) STRICT, WITHOUT ROWID;

-- For people with SQL: one row for each key in each bucket of each source that
-- counts. Sum handshakes; do not sum clients, who come again in every bucket.
CREATE VIEW handshakes AS
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', nullif(s.bucket, -9223372036854775807 - 1) / 1000000000, 'unixepoch') AS bucket,
       strftime('%Y-%m-%dT%H:%M:%SZ', nullif(s.first_seen, -9223372036854775807 - 1) / 1000000000, 'unixepoch') AS first_seen,
       strftime('%Y-%m-%dT%H:%M:%SZ', nullif(s.last_seen, -9223372036854775807 - 1) / 1000000000, 'unixepoch') AS last_seen,
       k.sensor, k.network, nullif(k.hostname, '') AS hostname, k.name_kind, k.transport, k.server,
       nullif(k.target, '') AS target, nullif(k.preface, '') AS starttls, nullif(k.version, '') AS version,
       nullif(lower(hex(substr(c.certificates, 1, 32))), '') AS certificate,
       nullif(lower(hex(substr(cc.certificates, 1, 32))), '') AS client_certificate,
       nullif(k.known, '') AS known, nullif(k.length_evidence, '') AS length_evidence,
       k.outcome, nullif(k.alert, '') AS alert, nullif(k.class, '') AS class,
       s.handshakes, s.clients, s.ech, s.client_auth, s.key_proven, s.key_mismatch, s.ocsp_good, s.ocsp_bad,
       s.hello_retry, s.packets_lost, s.alpn, s.cipher, s.tls_group,
       o.kind AS source_kind, o.name AS source_name
FROM sightings AS s
JOIN counted_sources AS o ON o.id = s.source
JOIN keys AS k ON k.id = s.key
LEFT JOIN chains AS c ON c.id = k.chain
LEFT JOIN chains AS cc ON cc.id = k.client_chain;

-- Each certificate of each chain with its place, 0 for the leaf.
CREATE VIEW chain_certificates AS
WITH RECURSIVE places (chain, certificates, place) AS (
  SELECT id, certificates, 0 FROM chains WHERE length(certificates) > 0
  UNION ALL
  SELECT chain, certificates, place + 1 FROM places WHERE length(certificates) > 32 * (place + 1))
SELECT lower(hex(p.chain)) AS chain, p.place, lower(hex(substr(p.certificates, 32 * p.place + 1, 32))) AS certificate,
       c.subject, c.issuer, date(c.not_after, 'unixepoch') AS not_after
FROM places AS p
LEFT JOIN certificates AS c ON c.sha256 = substr(p.certificates, 32 * p.place + 1, 32);
