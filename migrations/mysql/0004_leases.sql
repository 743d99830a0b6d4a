-- Leases: what an instance last said of itself, by which its lease is counted, and who of several replicas expires.
-- lease_state is a state of t_server_conf, or `expired` (its lease ran out), or `ended` (a tombstone).

SET @tarsregistry_sql = (SELECT IF(COUNT(*) = 0,
    'ALTER TABLE tarsregistry_instance ADD COLUMN lease_state VARCHAR(16) NOT NULL DEFAULT ''active''', 'DO 0')
    FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'tarsregistry_instance' AND COLUMN_NAME = 'lease_state');
PREPARE tarsregistry_statement FROM @tarsregistry_sql;
EXECUTE tarsregistry_statement;
DEALLOCATE PREPARE tarsregistry_statement;

SET @tarsregistry_sql = (SELECT IF(COUNT(*) = 0,
    'ALTER TABLE tarsregistry_instance ADD KEY lease (lease_state, last_beat)', 'DO 0')
    FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'tarsregistry_instance' AND INDEX_NAME = 'lease');
PREPARE tarsregistry_statement FROM @tarsregistry_sql;
EXECUTE tarsregistry_statement;
DEALLOCATE PREPARE tarsregistry_statement;

UPDATE tarsregistry_instance SET lease_state = 'ended' WHERE removed_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS tarsregistry_leader (
    name VARCHAR(16) NOT NULL COMMENT 'the work that one replica does for all',
    holder VARCHAR(32) NOT NULL,
    held_until DATETIME(3) NOT NULL COMMENT 'UTC',
    PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8 COLLATE = utf8_general_ci;
