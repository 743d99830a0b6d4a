-- Worker ids: small numbers, each of one living instance of an application. A row outlives what has the number: freed_at is
-- when it was freed, number is NULL when another instance has it now.

CREATE TABLE tarsregistry_worker (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    application TEXT COLLATE NOCASE NOT NULL,
    number INTEGER DEFAULT NULL,
    server_name TEXT COLLATE NOCASE NOT NULL,
    node_name TEXT COLLATE NOCASE NOT NULL,
    freed_at TEXT DEFAULT NULL,
    UNIQUE (application, number),
    UNIQUE (application, server_name, node_name)
);
CREATE INDEX tarsregistry_worker_node ON tarsregistry_worker (node_name);
CREATE INDEX tarsregistry_worker_freed ON tarsregistry_worker (freed_at);

CREATE TABLE tarsregistry_application (
    application TEXT COLLATE NOCASE NOT NULL PRIMARY KEY,
    workers INTEGER NOT NULL
);
