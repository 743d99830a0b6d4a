-- What the registry knows of an instance beyond db_tars. A row outlives the instance as its tombstone (removed_at is set).
-- Times are UTC by the database's clock, whatever the session's time zone.

CREATE TABLE IF NOT EXISTS tarsregistry_instance (
    id BIGINT NOT NULL AUTO_INCREMENT,
    application VARCHAR(50) NOT NULL,
    server_name VARCHAR(128) NOT NULL,
    node_name VARCHAR(50) NOT NULL,
    generation BIGINT NOT NULL COMMENT 'registrations so far',
    draining INT NOT NULL DEFAULT 0 COMMENT '1 from deactivating until the next registration',
    last_beat DATETIME(3) NOT NULL,
    registered_at DATETIME(3) NOT NULL,
    registration MEDIUMTEXT COMMENT 'registration document (JSON)',
    removed_at DATETIME(3) DEFAULT NULL,
    removed_by VARCHAR(16) DEFAULT NULL COMMENT 'prestop or clean',
    PRIMARY KEY (id),
    UNIQUE KEY instance (application, server_name, node_name),
    KEY node_name (node_name),
    KEY removed_at (removed_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8 COLLATE = utf8_general_ci;
