-- What the registry knows of an instance beyond db_tars. A row outlives the instance as its tombstone (removed_at is set).

CREATE TABLE IF NOT EXISTS tarsregistry_instance (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    application TEXT COLLATE NOCASE NOT NULL,
    server_name TEXT COLLATE NOCASE NOT NULL,
    node_name TEXT COLLATE NOCASE NOT NULL,
    generation INTEGER NOT NULL,
    draining INTEGER NOT NULL DEFAULT 0,
    last_beat TEXT NOT NULL,
    registered_at TEXT NOT NULL,
    registration TEXT,
    removed_at TEXT DEFAULT NULL,
    removed_by TEXT DEFAULT NULL CHECK (removed_by IN ('prestop', 'clean')),
    UNIQUE (application, server_name, node_name)
);
CREATE INDEX IF NOT EXISTS tarsregistry_instance_node ON tarsregistry_instance (node_name);
CREATE INDEX IF NOT EXISTS tarsregistry_instance_removed ON tarsregistry_instance (removed_at);
