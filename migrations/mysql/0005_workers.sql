-- Worker ids: small numbers, each of one living instance of an application. A row outlives what has the number: freed_at is
-- when it was freed, number is NULL when another instance has it now. Times are UTC by the database's clock.

CREATE TABLE IF NOT EXISTS tarsregistry_worker (
    id BIGINT NOT NULL AUTO_INCREMENT,
    application VARCHAR(50) NOT NULL,
    number INT DEFAULT NULL,
    server_name VARCHAR(128) NOT NULL,
    node_name VARCHAR(50) NOT NULL,
    freed_at DATETIME(3) DEFAULT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY number (application, number),
    UNIQUE KEY instance (application, server_name, node_name),
    KEY node_name (node_name),
    KEY freed_at (freed_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8 COLLATE = utf8_general_ci;

CREATE TABLE IF NOT EXISTS tarsregistry_application (
    application VARCHAR(50) NOT NULL,
    workers BIGINT NOT NULL COMMENT 'numbers given so far: whoever gives one writes here first',
    PRIMARY KEY (application)
) ENGINE = InnoDB DEFAULT CHARSET = utf8 COLLATE = utf8_general_ci;
