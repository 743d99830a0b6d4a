-- db_tars' tables in SQLite. Names, defaults and key rules are MySQL's: keys ignore case, enums are CHECKed,
-- registry_timestamp and modify_time are written by the statements (there is no ON UPDATE here). Times are UTC.

CREATE TABLE IF NOT EXISTS t_node_info (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    node_name TEXT COLLATE NOCASE DEFAULT '' UNIQUE,
    node_obj TEXT DEFAULT '',
    endpoint_ip TEXT DEFAULT '',
    endpoint_port INTEGER DEFAULT 0,
    data_dir TEXT DEFAULT '',
    load_avg1 REAL DEFAULT 0,
    load_avg5 REAL DEFAULT 0,
    load_avg15 REAL DEFAULT 0,
    last_reg_time TEXT DEFAULT NULL,
    last_heartbeat TEXT DEFAULT NULL,
    setting_state TEXT DEFAULT 'inactive' CHECK (setting_state IN ('active', 'inactive')),
    present_state TEXT DEFAULT 'inactive' CHECK (present_state IN ('active', 'inactive')),
    tars_version TEXT NOT NULL DEFAULT '',
    template_name TEXT NOT NULL DEFAULT '',
    modify_time TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    group_id INTEGER DEFAULT -1,
    label TEXT
);
CREATE INDEX IF NOT EXISTS indx_node_info_1 ON t_node_info (last_heartbeat);

CREATE TABLE IF NOT EXISTS t_server_conf (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    application TEXT COLLATE NOCASE DEFAULT '',
    server_name TEXT COLLATE NOCASE DEFAULT '',
    node_group TEXT NOT NULL DEFAULT '',
    node_name TEXT COLLATE NOCASE NOT NULL DEFAULT '',
    registry_timestamp TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    base_path TEXT DEFAULT '',
    exe_path TEXT NOT NULL DEFAULT '',
    template_name TEXT NOT NULL DEFAULT '',
    bak_flag INTEGER NOT NULL DEFAULT 0,
    setting_state TEXT NOT NULL DEFAULT 'inactive' CHECK (setting_state IN ('active', 'inactive')),
    present_state TEXT NOT NULL DEFAULT 'inactive'
        CHECK (present_state IN ('active', 'inactive', 'activating', 'deactivating', 'destroyed')),
    process_id INTEGER NOT NULL DEFAULT 0,
    patch_version TEXT NOT NULL DEFAULT '',
    patch_time TEXT DEFAULT NULL,
    patch_user TEXT NOT NULL DEFAULT '',
    tars_version TEXT NOT NULL DEFAULT '',
    posttime TEXT DEFAULT NULL,
    lastuser TEXT DEFAULT NULL,
    server_type TEXT NOT NULL DEFAULT 'tars_cpp'
        CHECK (server_type IN ('tars_cpp', 'not_tars', 'tars_java', 'tars_nodejs', 'tars_php', 'tars_go')),
    start_script_path TEXT DEFAULT NULL,
    stop_script_path TEXT DEFAULT NULL,
    monitor_script_path TEXT DEFAULT NULL,
    enable_group TEXT DEFAULT 'N',
    enable_set TEXT NOT NULL DEFAULT 'N',
    set_name TEXT DEFAULT NULL,
    set_area TEXT DEFAULT NULL,
    set_group TEXT DEFAULT NULL,
    ip_group_name TEXT DEFAULT NULL,
    profile TEXT,
    source TEXT,
    config_center_port INTEGER NOT NULL DEFAULT 0,
    async_thread_num INTEGER DEFAULT 3,
    server_important_type TEXT DEFAULT '0' CHECK (server_important_type IN ('0', '1', '2', '3', '4', '5')),
    grid_flag TEXT NOT NULL DEFAULT 'NORMAL',
    flow_state TEXT NOT NULL DEFAULT 'active' CHECK (flow_state IN ('active', 'inactive')),
    run_type TEXT NOT NULL DEFAULT '',
    base_image_id INTEGER DEFAULT 0,
    metrics_port INTEGER DEFAULT 0,
    UNIQUE (application, server_name, node_name)
);
CREATE INDEX IF NOT EXISTS server_conf_node_name ON t_server_conf (node_name);
CREATE INDEX IF NOT EXISTS server_conf_regtime ON t_server_conf (registry_timestamp);

CREATE TABLE IF NOT EXISTS t_adapter_conf (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    application TEXT COLLATE NOCASE DEFAULT '',
    server_name TEXT COLLATE NOCASE DEFAULT '',
    node_name TEXT COLLATE NOCASE DEFAULT '',
    adapter_name TEXT COLLATE NOCASE DEFAULT '',
    registry_timestamp TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    thread_num INTEGER DEFAULT 1,
    endpoint TEXT DEFAULT '',
    max_connections INTEGER DEFAULT 1000,
    allow_ip TEXT NOT NULL DEFAULT '',
    servant TEXT DEFAULT '',
    queuecap INTEGER DEFAULT NULL,
    queuetimeout INTEGER DEFAULT NULL,
    posttime TEXT DEFAULT NULL,
    lastuser TEXT DEFAULT NULL,
    protocol TEXT DEFAULT 'tars',
    handlegroup TEXT DEFAULT '',
    UNIQUE (application, server_name, node_name, adapter_name)
);
CREATE INDEX IF NOT EXISTS adapter_conf_node_name ON t_adapter_conf (node_name);
CREATE INDEX IF NOT EXISTS adapter_conf_regtime ON t_adapter_conf (registry_timestamp);

CREATE TABLE IF NOT EXISTS t_config_files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    server_name TEXT COLLATE NOCASE DEFAULT '',
    set_name TEXT COLLATE NOCASE NOT NULL DEFAULT '',
    set_area TEXT COLLATE NOCASE NOT NULL DEFAULT '',
    set_group TEXT COLLATE NOCASE NOT NULL DEFAULT '',
    host TEXT COLLATE NOCASE NOT NULL DEFAULT '',
    filename TEXT COLLATE NOCASE DEFAULT NULL,
    config TEXT,
    posttime TEXT DEFAULT NULL,
    lastuser TEXT DEFAULT NULL,
    level INTEGER DEFAULT 2,
    config_flag INTEGER NOT NULL DEFAULT 0,
    UNIQUE (server_name, filename, host, level, set_name, set_area, set_group)
);
CREATE INDEX IF NOT EXISTS config_files_host ON t_config_files (host);

CREATE TABLE IF NOT EXISTS t_registry_info (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    locator_id TEXT COLLATE NOCASE NOT NULL DEFAULT '',
    servant TEXT COLLATE NOCASE NOT NULL DEFAULT '',
    endpoint TEXT NOT NULL DEFAULT '',
    last_heartbeat TEXT DEFAULT NULL,
    present_state TEXT DEFAULT 'inactive' CHECK (present_state IN ('active', 'inactive')),
    tars_version TEXT NOT NULL DEFAULT '',
    modify_time TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    enable_group TEXT DEFAULT 'N',
    UNIQUE (locator_id, servant)
);

CREATE TABLE IF NOT EXISTS t_group_priority (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT DEFAULT '',
    group_list TEXT,
    list_order INTEGER DEFAULT 0,
    station TEXT NOT NULL DEFAULT ''
);

CREATE TABLE IF NOT EXISTS t_server_group_rule (
    group_id INTEGER PRIMARY KEY AUTOINCREMENT,
    ip_order TEXT NOT NULL DEFAULT 'denny_allow' CHECK (ip_order IN ('allow_denny', 'denny_allow')),
    allow_ip_rule TEXT,
    denny_ip_rule TEXT,
    lastuser TEXT DEFAULT NULL,
    modify_time TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    group_name TEXT COLLATE NOCASE DEFAULT '' UNIQUE,
    group_name_cn TEXT DEFAULT ''
);
