-- A database of one of the first releases: few columns, no tags, no groups.
CREATE TABLE monitor (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(150), active BOOLEAN NOT NULL DEFAULT 1, "interval" INTEGER NOT NULL DEFAULT 20, url TEXT, type VARCHAR(20), hostname VARCHAR(255), port INTEGER, ignore_tls BOOLEAN NOT NULL DEFAULT 0);
INSERT INTO monitor (name, type, url, ignore_tls) VALUES ('shop', 'http', 'https://shop.example/', 0), ('old', 'http', 'https://old.shop.example/', 1);
