-- What a live sensor says of its packets beside what it lost: how many of each
-- kind it read ("tcp", "udp", "fragment", …), and how many the kernel left out
-- because nobody asked for them ("cut-off", "filtered"). A JSON object.
ALTER TABLE visibility ADD COLUMN kinds TEXT NOT NULL DEFAULT '{}';
