-- A database as release 2.0 of Uptime Kuma makes it, as far as it is read, with
-- monitors as people add them.
CREATE TABLE `monitor` (
  `id` integer not null primary key autoincrement, `name` varchar(150), `active` boolean not null default '1', `user_id` integer,
  `interval` integer not null default '20', `url` text, `type` varchar(20), `weight` integer default '2000', `hostname` varchar(255),
  `port` integer, `keyword` varchar(255), `maxretries` integer not null default '0', `ignore_tls` boolean not null default '0',
  `headers` text default null, `basic_auth_pass` text default null, `proxy_id` integer, `expiry_notification` boolean default '1',
  `database_connection_string` varchar(2000), `grpc_url` varchar(255) default null, `grpc_enable_tls` boolean not null default '0',
  `parent` integer, `smtp_security` varchar(255) default null
);
CREATE TABLE `tag` (`id` integer not null primary key autoincrement, `name` varchar(255) not null, `color` varchar(255) not null);
CREATE TABLE `monitor_tag` (`id` integer not null primary key autoincrement, `monitor_id` integer not null, `tag_id` integer not null, `value` text);
CREATE TABLE `monitor_tls_info` (`id` integer not null primary key autoincrement, `monitor_id` integer not null, `info_json` text);

INSERT INTO monitor (id, name, type, url, hostname, port, active, ignore_tls, expiry_notification) VALUES
 (1, 'shop', 'http', 'https://shop.example/', NULL, NULL, 1, 0, 1),
 (2, 'api', 'keyword', 'https://API.shop.example:8443/health', NULL, NULL, 1, 0, 0),
 (3, 'old', 'json-query', 'https://old.shop.example/', NULL, NULL, 1, 1, 1),
 (4, 'paused', 'http', 'https://paused.shop.example/', NULL, NULL, 0, 0, 1),
 (5, 'redis', 'port', 'https://', 'redis.shop.internal', 6379, 1, 0, 1),
 (6, 'vault', 'port', 'https://', 'vault.shop.internal', 8200, 1, 0, 1),
 (7, 'edge', 'ping', 'https://', 'edge.shop.example', NULL, 1, 0, 0),
 (8, 'resolver', 'dns', 'https://', 'shop.example', 53, 1, 0, 0),
 (9, 'by address', 'http', 'https://10.77.0.10/', NULL, NULL, 1, 0, 1),
 (10, 'plain', 'http', 'http://shop.example/', NULL, NULL, 1, 0, 0),
 (11, 'unset', 'http', 'https://', NULL, NULL, 1, 0, 0),
 (12, 'group', 'group', NULL, NULL, NULL, 0, 0, 0),
 (14, 'heartbeat', 'push', NULL, NULL, NULL, 1, 0, 0),
 (15, 'moved', 'http', 'https://moved.shop.example/', NULL, NULL, 1, 0, 1),
 (22, 'container', 'docker', NULL, NULL, NULL, 1, 0, 0),
 (23, 'broker', 'mqtt', NULL, 'mqtts://broker.shop.internal', 8883, 1, 0, 0);
INSERT INTO monitor (id, name, type, url, parent) VALUES (13, 'in the group', 'http', 'https://grouped.shop.example/', 12);
INSERT INTO monitor (id, name, type, url, headers, proxy_id) VALUES
 (16, 'vhost', 'http', 'https://10.77.0.11/', '{"Host": "vhost.shop.example", "X-Token": "s3cret"}', NULL),
 (17, 'proxied', 'http', 'https://proxied.shop.example/', NULL, 1);
INSERT INTO monitor (id, name, type, hostname, port, smtp_security) VALUES
 (18, 'smtp', 'smtp', 'mail.shop.example', 587, 'starttls'), (19, 'smtps', 'smtp', 'mail.shop.example', 465, 'secure'),
 (20, 'smtp plain', 'smtp', 'mail.shop.example', 25, 'nostarttls'), (24, 'smtp any', 'smtp', 'mail.shop.example', NULL, NULL);
INSERT INTO monitor (id, name, type, grpc_url, grpc_enable_tls) VALUES
 (21, 'grpc', 'grpc-keyword', 'grpc.shop.internal:8500', 1), (25, 'grpc plain', 'grpc-keyword', 'grpc.shop.internal:8501', 0);
INSERT INTO monitor (id, name, type, database_connection_string) VALUES
 (26, 'orders', 'postgres', 'postgres://monitor:s3cret@db.shop.internal:5432/orders'),
 (27, 'ledger', 'sqlserver', 'Server=db.shop.internal,1433;Password=s3cret');

INSERT INTO tag VALUES (1, 'Team', '#4B5563'), (2, 'prod', '#DC2626');
INSERT INTO monitor_tag (monitor_id, tag_id, value) VALUES (1, 1, 'web'), (1, 2, ''), (3, 1, 'legacy'), (3, 9, 'no such tag');

INSERT INTO monitor_tls_info (monitor_id, info_json) VALUES
 (1, '{"valid":true,"certInfo":{"subject":{"CN":"gone.example"},"fingerprint256":"00:00"}}'),
 (1, '{"valid":true,"certInfo":{"subject":{"CN":"shop.example"},"subjectaltname":"DNS:shop.example, DNS:*.shop.example","fingerprint":"C4:A1:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00","fingerprint256":"B3:68:9A:B1:96:FC:5C:25:39:04:D6:7C:0A:D1:22:A0:26:AB:78:72:FC:94:E4:1F:B3:6F:8A:EB:18:5C:32:ED","validTo":"2026-12-23T15:34:38.000Z","validFor":["shop.example","*.shop.example"],"daysRemaining":29,"issuerCertificate":{"fingerprint256":"7F:DD"}}}'),
 (3, '{"valid":false,"certInfo":{"fingerprint256":"7F:DD:45:EA:6E:78:8F:98:59:B0:6F:9E:49:08:0F:E4:33:80:7E:9A:92:5D:05:F2:71:68:11:CE:78:95:1A:BC","validFor":["other.example"]}}'),
 (6, '{"valid":true,"certInfo":{"fingerprint256":"7F:DD:45:EA:6E:78:8F:98:59:B0:6F:9E:49:08:0F:E4:33:80:7E:9A:92:5D:05:F2:71:68:11:CE:78:95:1A:BC","validFor":["vault.shop.internal"]}}'),
 (9, 'no JSON'),
 (15, '{"valid":true,"certInfo":{"fingerprint256":"7F:DD:45:EA:6E:78:8F:98:59:B0:6F:9E:49:08:0F:E4:33:80:7E:9A:92:5D:05:F2:71:68:11:CE:78:95:1A:BC","validFor":["other.example"]}}');
