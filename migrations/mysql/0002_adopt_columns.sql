-- Columns that an older db_tars lacks: flow_state came with TarsFramework 2.4.15, metrics_port is K8STARS' own.
-- MySQL 8 has no IF NOT EXISTS for a column, so information_schema decides and the statement is prepared from its answer.

SET @tarsregistry_sql = (SELECT IF(COUNT(*) = 0,
    'ALTER TABLE t_server_conf ADD COLUMN flow_state ENUM(''active'', ''inactive'') NOT NULL DEFAULT ''active''', 'DO 0')
    FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 't_server_conf' AND COLUMN_NAME = 'flow_state');
PREPARE tarsregistry_statement FROM @tarsregistry_sql;
EXECUTE tarsregistry_statement;
DEALLOCATE PREPARE tarsregistry_statement;

SET @tarsregistry_sql = (SELECT IF(COUNT(*) = 0,
    'ALTER TABLE t_server_conf ADD COLUMN metrics_port INT DEFAULT 0', 'DO 0')
    FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 't_server_conf' AND COLUMN_NAME = 'metrics_port');
PREPARE tarsregistry_statement FROM @tarsregistry_sql;
EXECUTE tarsregistry_statement;
DEALLOCATE PREPARE tarsregistry_statement;
