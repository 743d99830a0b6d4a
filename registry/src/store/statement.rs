//! Every SQL statement of the registry, in one place: a test prepares each on both databases and holds the MySQL ones to
//! what MySQL 8 and MariaDB have in common.
//!
//! `db_tars`' own times are the database's local time (other registries on the same database compare them), ours are UTC.
//! `{list}` stands for as many placeholders as the list bound there has members.

use std::borrow::Cow;

/// What every MySQL session is set to. READ COMMITTED: no gap locks, and a locking read sees what it waited for. The
/// short waits, for rows and for tables, keep a connection from hanging on long after its caller gave up.
pub(super) const SESSION: &[&str] = &[
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION innodb_lock_wait_timeout = 1, SESSION lock_wait_timeout = 1",
];

/// How a transaction begins that sees one moment of the database: READ COMMITTED would see one for each statement. Not
/// declared as read-only: TiDB refuses that.
pub(super) const BEGIN_READ: &[&str] = &[
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT",
];

/// A statement in both dialects.
#[derive(Debug)]
pub(crate) struct Statement {
    /// Its name in this module.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests name the statement that fails"))]
    pub(crate) name: &'static str,
    pub(super) mysql: &'static str,
    pub(super) sqlite: &'static str,
}

/// Which of the two texts a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// MySQL and MariaDB.
    MySql,
    /// SQLite.
    Sqlite,
}

impl Statement {
    /// The text to send, with the lists' placeholders written out. `lists` are their lengths in order.
    pub(crate) fn text(&self, dialect: Dialect, lists: impl IntoIterator<Item = usize>) -> Cow<'static, str> {
        let text = match dialect {
            Dialect::MySql => self.mysql,
            Dialect::Sqlite => self.sqlite,
        };
        lists.into_iter().fold(Cow::Borrowed(text), |text, length| {
            let placeholders = vec!["?"; length.max(1)].join(", ");
            Cow::Owned(text.replacen("{list}", &placeholders, 1))
        })
    }
}

macro_rules! statements {
    ($($(#[doc = $doc:literal])+ $name:ident: $mysql:literal $(, sqlite $sqlite:literal)?;)+) => {
        $($(#[doc = $doc])+
        pub(crate) const $name: Statement = Statement {
            name: stringify!($name),
            mysql: $mysql,
            sqlite: statements!(@sqlite $mysql $($sqlite)?),
        };)+

        /// All of them.
        #[cfg(test)]
        pub(crate) const ALL: &[&Statement] = &[$(&$name),+];
    };
    (@sqlite $mysql:literal) => { $mysql };
    (@sqlite $mysql:literal $sqlite:literal) => { $sqlite };
}

statements! {
    /// Writes nothing, but is refused by a database that takes no writes: read-only, or not the primary any more.
    PING: "UPDATE tarsregistry_instance SET draining = draining WHERE id = 0";

    /// Migrations that were done. -> version
    MIGRATIONS_APPLIED: "SELECT version FROM tarsregistry_migrations WHERE success = TRUE";

    /// Lets migrations that were cut off be done again.
    MIGRATIONS_FORGET_INTERRUPTED: "DELETE FROM tarsregistry_migrations WHERE success = FALSE";

    /// Takes the node's row, the first lock of every transaction on its servers. -> `endpoint_port`, `present_state`
    NODE_LOCK:
        "SELECT endpoint_port, present_state FROM t_node_info WHERE node_name = ? FOR UPDATE",
        sqlite "SELECT endpoint_port, present_state FROM t_node_info WHERE node_name = ?";

    /// A registration on a node that is there. node
    NODE_REGISTER:
        "UPDATE t_node_info SET last_reg_time = CURRENT_TIMESTAMP, last_heartbeat = CURRENT_TIMESTAMP, \
         present_state = 'active', modify_time = CURRENT_TIMESTAMP WHERE node_name = ?";

    /// A node of a container: `endpoint_port` 0 marks it. node, node object, address
    NODE_INSERT:
        "INSERT INTO t_node_info (node_name, node_obj, endpoint_ip, endpoint_port, last_reg_time, last_heartbeat, \
         setting_state, present_state) \
         VALUES (?, ?, ?, 0, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 'active', 'active')";

    /// A beat of a node. state, node
    NODE_BEAT:
        "UPDATE t_node_info SET last_heartbeat = CURRENT_TIMESTAMP, present_state = ?, \
         modify_time = CURRENT_TIMESTAMP WHERE node_name = ?";

    /// The node's state without a beat. state, node
    NODE_STATE:
        "UPDATE t_node_info SET present_state = ?, modify_time = CURRENT_TIMESTAMP WHERE node_name = ?";

    /// The servers of a node. -> application, server, `present_state`; node
    SERVERS_OF_NODE: "SELECT application, server_name, present_state FROM t_server_conf WHERE node_name = ? ORDER BY id";

    /// The same, locked.
    SERVERS_OF_NODE_LOCK:
        "SELECT application, server_name, present_state FROM t_server_conf WHERE node_name = ? ORDER BY id FOR UPDATE",
        sqlite "SELECT application, server_name, present_state FROM t_server_conf WHERE node_name = ? ORDER BY id";

    /// What we know of a node's instances. Never joined with the servers: an adopted `db_tars` may have another collation
    /// than our own table, and a comparison of texts across the two is an error then.
    /// -> application, server, draining, whether it beat within the lease; lease in seconds, node
    INSTANCES_OF_NODE:
        "SELECT application, server_name, draining, last_beat >= UTC_TIMESTAMP(3) - INTERVAL ? SECOND \
         FROM tarsregistry_instance WHERE node_name = ? AND removed_at IS NULL",
        sqlite
        "SELECT application, server_name, draining, \
         last_beat >= strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds') \
         FROM tarsregistry_instance WHERE node_name = ? AND removed_at IS NULL";

    /// A registration of a server that is there; a template or type of NULL keeps what is stored.
    /// version, state, `enable_set`, set name, area, group, `grid_flag`, `flow_state`, template, type, application, server, node
    SERVER_REGISTER:
        "UPDATE t_server_conf SET patch_version = ?, present_state = ?, enable_set = ?, set_name = ?, set_area = ?, \
         set_group = ?, grid_flag = ?, flow_state = ?, template_name = COALESCE(?, template_name), \
         server_type = COALESCE(?, server_type), setting_state = 'active', registry_timestamp = CURRENT_TIMESTAMP, \
         patch_time = CURRENT_TIMESTAMP, posttime = CURRENT_TIMESTAMP \
         WHERE application = ? AND server_name = ? AND node_name = ?";

    /// A new server. The parameters of `SERVER_REGISTER`.
    SERVER_INSERT:
        "INSERT INTO t_server_conf (patch_version, present_state, enable_set, set_name, set_area, set_group, grid_flag, \
         flow_state, template_name, server_type, application, server_name, node_name, setting_state, \
         registry_timestamp, patch_time, posttime) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, COALESCE(?, ''), COALESCE(?, 'tars_cpp'), ?, ?, ?, 'active', \
         CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)";

    /// -> `present_state`; application, server, node
    SERVER_LOCK:
        "SELECT present_state FROM t_server_conf WHERE application = ? AND server_name = ? AND node_name = ? FOR UPDATE",
        sqlite "SELECT present_state FROM t_server_conf WHERE application = ? AND server_name = ? AND node_name = ?";

    /// state, application, server, node
    SERVER_STATE:
        "UPDATE t_server_conf SET present_state = ?, registry_timestamp = CURRENT_TIMESTAMP \
         WHERE application = ? AND server_name = ? AND node_name = ?";

    /// application, server, node
    SERVER_DELETE: "DELETE FROM t_server_conf WHERE application = ? AND server_name = ? AND node_name = ?";

    /// Takes every server of a node out for good, as the end of an old client does. node
    SERVER_DESTROY_OF_NODE:
        "UPDATE t_server_conf SET present_state = 'destroyed', setting_state = 'inactive', \
         registry_timestamp = CURRENT_TIMESTAMP WHERE node_name = ?";

    /// port, application, server, node
    SERVER_METRICS_PORT:
        "UPDATE t_server_conf SET metrics_port = ?, registry_timestamp = CURRENT_TIMESTAMP \
         WHERE application = ? AND server_name = ? AND node_name = ?";

    /// -> application, server, node, `enable_set`, set name, area, group, port
    SERVERS_WITH_METRICS:
        "SELECT application, server_name, node_name, enable_set, set_name, set_area, set_group, metrics_port \
         FROM t_server_conf WHERE metrics_port > 0 ORDER BY id";

    /// A registration of an instance that we know. document, application, server, node
    INSTANCE_REGISTER:
        "UPDATE tarsregistry_instance SET generation = generation + 1, draining = 0, last_beat = UTC_TIMESTAMP(3), \
         registered_at = UTC_TIMESTAMP(3), registration = ?, removed_at = NULL, removed_by = NULL \
         WHERE application = ? AND server_name = ? AND node_name = ?",
        sqlite
        "UPDATE tarsregistry_instance SET generation = generation + 1, draining = 0, \
         last_beat = strftime('%Y-%m-%d %H:%M:%f', 'now'), registered_at = strftime('%Y-%m-%d %H:%M:%f', 'now'), \
         registration = ?, removed_at = NULL, removed_by = NULL \
         WHERE application = ? AND server_name = ? AND node_name = ?";

    /// An instance that we see for the first time. document, draining, application, server, node
    INSTANCE_INSERT:
        "INSERT INTO tarsregistry_instance (registration, draining, application, server_name, node_name, generation, \
         last_beat, registered_at) VALUES (?, ?, ?, ?, ?, 1, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))",
        sqlite
        "INSERT INTO tarsregistry_instance (registration, draining, application, server_name, node_name, generation, \
         last_beat, registered_at) VALUES (?, ?, ?, ?, ?, 1, strftime('%Y-%m-%d %H:%M:%f', 'now'), \
         strftime('%Y-%m-%d %H:%M:%f', 'now'))";

    /// -> draining, `removed_by`, registration; application, server, node
    INSTANCE_LOCK:
        "SELECT draining, removed_by, registration FROM tarsregistry_instance \
         WHERE application = ? AND server_name = ? AND node_name = ? FOR UPDATE",
        sqlite
        "SELECT draining, removed_by, registration FROM tarsregistry_instance \
         WHERE application = ? AND server_name = ? AND node_name = ?";

    /// A beat. draining, application, server, node
    INSTANCE_BEAT:
        "UPDATE tarsregistry_instance SET last_beat = UTC_TIMESTAMP(3), draining = ?, removed_at = NULL, \
         removed_by = NULL WHERE application = ? AND server_name = ? AND node_name = ?",
        sqlite
        "UPDATE tarsregistry_instance SET last_beat = strftime('%Y-%m-%d %H:%M:%f', 'now'), draining = ?, \
         removed_at = NULL, removed_by = NULL WHERE application = ? AND server_name = ? AND node_name = ?";

    /// Beats of every instance of a node; who is leaving stays so. draining, node
    INSTANCE_BEAT_OF_NODE:
        "UPDATE tarsregistry_instance SET last_beat = UTC_TIMESTAMP(3), draining = GREATEST(draining, ?) \
         WHERE node_name = ? AND removed_at IS NULL",
        sqlite
        "UPDATE tarsregistry_instance SET last_beat = strftime('%Y-%m-%d %H:%M:%f', 'now'), draining = MAX(draining, ?) \
         WHERE node_name = ? AND removed_at IS NULL";

    /// The end of an instance by itself: its document goes too, nothing may bring it back. It left, so it is not leaving
    /// any more. application, server, node
    INSTANCE_END:
        "UPDATE tarsregistry_instance SET removed_at = UTC_TIMESTAMP(3), removed_by = 'prestop', registration = NULL, \
         draining = 0 WHERE application = ? AND server_name = ? AND node_name = ?",
        sqlite
        "UPDATE tarsregistry_instance SET removed_at = strftime('%Y-%m-%d %H:%M:%f', 'now'), removed_by = 'prestop', \
         registration = NULL, draining = 0 WHERE application = ? AND server_name = ? AND node_name = ?";

    /// The tombstone of an instance that another registry had registered. application, server, node
    INSTANCE_INSERT_ENDED:
        "INSERT INTO tarsregistry_instance (application, server_name, node_name, generation, last_beat, registered_at, \
         removed_at, removed_by) \
         VALUES (?, ?, ?, 1, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), 'prestop')",
        sqlite
        "INSERT INTO tarsregistry_instance (application, server_name, node_name, generation, last_beat, registered_at, \
         removed_at, removed_by) VALUES (?, ?, ?, 1, strftime('%Y-%m-%d %H:%M:%f', 'now'), \
         strftime('%Y-%m-%d %H:%M:%f', 'now'), strftime('%Y-%m-%d %H:%M:%f', 'now'), 'prestop')";

    /// The tombstone of an instance whose node was cleaned. draining, document, application, server, node
    INSTANCE_CLEAN:
        "UPDATE tarsregistry_instance SET removed_at = UTC_TIMESTAMP(3), removed_by = 'clean', draining = ?, \
         registration = ? WHERE application = ? AND server_name = ? AND node_name = ?",
        sqlite
        "UPDATE tarsregistry_instance SET removed_at = strftime('%Y-%m-%d %H:%M:%f', 'now'), removed_by = 'clean', \
         draining = ?, registration = ? WHERE application = ? AND server_name = ? AND node_name = ?";

    /// Tombstones nobody can need any more. seconds, rows at most
    INSTANCE_FORGET:
        "DELETE FROM tarsregistry_instance WHERE removed_at < UTC_TIMESTAMP(3) - INTERVAL ? SECOND LIMIT ?",
        sqlite
        "DELETE FROM tarsregistry_instance WHERE id IN (SELECT id FROM tarsregistry_instance WHERE removed_at < \
         strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds') LIMIT ?)";

    /// -> id, `adapter_name`, servant, endpoint, protocol, `max_connections`, `thread_num`, queuecap, queuetimeout;
    /// application, server, node
    ADAPTERS_LOCK:
        "SELECT id, adapter_name, servant, endpoint, protocol, max_connections, thread_num, queuecap, queuetimeout \
         FROM t_adapter_conf WHERE application = ? AND server_name = ? AND node_name = ? ORDER BY id FOR UPDATE",
        sqlite
        "SELECT id, adapter_name, servant, endpoint, protocol, max_connections, thread_num, queuecap, queuetimeout \
         FROM t_adapter_conf WHERE application = ? AND server_name = ? AND node_name = ? ORDER BY id";

    /// servant, endpoint, protocol, `max_connections`, `thread_num`, queuecap, queuetimeout, id
    ADAPTER_UPDATE:
        "UPDATE t_adapter_conf SET servant = ?, endpoint = ?, protocol = ?, max_connections = ?, thread_num = ?, \
         queuecap = ?, queuetimeout = ?, registry_timestamp = CURRENT_TIMESTAMP WHERE id = ?";

    /// servant, endpoint, protocol, `max_connections`, `thread_num`, queuecap, queuetimeout, application, server, node, name
    ADAPTER_INSERT:
        "INSERT INTO t_adapter_conf (servant, endpoint, protocol, max_connections, thread_num, queuecap, queuetimeout, \
         application, server_name, node_name, adapter_name, registry_timestamp) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CURRENT_TIMESTAMP)";

    /// By id: a name may be NULL in rows others made. ids
    ADAPTERS_DELETE_BY_ID: "DELETE FROM t_adapter_conf WHERE id IN ({list})";

    /// application, server, node
    ADAPTERS_DELETE: "DELETE FROM t_adapter_conf WHERE application = ? AND server_name = ? AND node_name = ?";

    /// A server's configuration files for one node. `App.Server`, node
    CONFIGS_DELETE: "DELETE FROM t_config_files WHERE server_name = ? AND host = ?";

    /// The database's clock that many seconds ago. -> `YYYY-MM-DD hh:mm:ss`; seconds
    CLEAN_CUT_OFF:
        "SELECT CAST(CURRENT_TIMESTAMP - INTERVAL ? SECOND AS CHAR)",
        sqlite "SELECT strftime('%Y-%m-%d %H:%M:%S', 'now', '-' || ? || ' seconds')";

    /// Nodes that a clean would remove, after a node, so many. A state of '' (an invalid one, stored in non-strict mode)
    /// or NULL counts as inactive. -> node; cut-off, whether every kind of node (0, 1), node, rows at most
    CLEAN_CANDIDATES:
        "SELECT node_name FROM t_node_info WHERE COALESCE(present_state, '') <> 'active' AND last_heartbeat < ? \
         AND (endpoint_port = 0 OR ? = 1) AND node_name > ? ORDER BY node_name LIMIT ?";

    /// The same, checked again under lock for given nodes. -> node; cut-off, every kind, nodes
    CLEAN_LOCK:
        "SELECT node_name FROM t_node_info WHERE COALESCE(present_state, '') <> 'active' AND last_heartbeat < ? \
         AND (endpoint_port = 0 OR ? = 1) AND node_name IN ({list}) ORDER BY node_name FOR UPDATE",
        sqlite
        "SELECT node_name FROM t_node_info WHERE COALESCE(present_state, '') <> 'active' AND last_heartbeat < ? \
         AND (endpoint_port = 0 OR ? = 1) AND node_name IN ({list}) ORDER BY node_name";

    /// -> id, application, server, node, `present_state`, template, type, metrics port; nodes
    CLEAN_SERVERS:
        "SELECT id, application, server_name, node_name, present_state, template_name, server_type, metrics_port \
         FROM t_server_conf WHERE node_name IN ({list}) \
         ORDER BY node_name, application, server_name";

    /// The same, locked: a metrics port is stored without the node's lock.
    CLEAN_SERVERS_LOCK:
        "SELECT id, application, server_name, node_name, present_state, template_name, server_type, metrics_port \
         FROM t_server_conf WHERE node_name IN ({list}) ORDER BY node_name, application, server_name FOR UPDATE",
        sqlite
        "SELECT id, application, server_name, node_name, present_state, template_name, server_type, metrics_port \
         FROM t_server_conf WHERE node_name IN ({list}) ORDER BY node_name, application, server_name";

    /// ids
    SERVERS_DELETE_BY_ID: "DELETE FROM t_server_conf WHERE id IN ({list})";

    /// Adapters of the nodes, those of servers that are gone too. -> id; nodes
    CLEAN_ADAPTERS: "SELECT id FROM t_adapter_conf WHERE node_name IN ({list}) ORDER BY id";

    /// Configuration files of the nodes. Their ids are read first: there is no index on the host, and a delete that
    /// scans would wait for every locked row. -> id; nodes
    CLEAN_CONFIGS: "SELECT id FROM t_config_files WHERE host IN ({list}) ORDER BY id";

    /// ids
    CONFIGS_DELETE_BY_ID: "DELETE FROM t_config_files WHERE id IN ({list})";

    /// nodes
    NODES_DELETE: "DELETE FROM t_node_info WHERE node_name IN ({list})";

    /// -> application, server, node, `setting_state`, `present_state`, `flow_state`, `bak_flag`, `enable_set`, set name,
    /// area, group, `enable_group`, `ip_group_name`
    WORLD_SERVERS:
        "SELECT application, server_name, node_name, setting_state, present_state, flow_state, bak_flag, enable_set, \
         set_name, set_area, set_group, enable_group, ip_group_name FROM t_server_conf";

    /// The same of one server. application, server
    WORLD_SERVERS_OF:
        "SELECT application, server_name, node_name, setting_state, present_state, flow_state, bak_flag, enable_set, \
         set_name, set_area, set_group, enable_group, ip_group_name FROM t_server_conf \
         WHERE application = ? AND server_name = ?";

    /// Not joined with the servers: in an adopted `db_tars` each table may have its own collation.
    /// -> application, server, node, servant, endpoint
    WORLD_ADAPTERS: "SELECT application, server_name, node_name, servant, endpoint FROM t_adapter_conf";

    /// The same of one server. application, server
    WORLD_ADAPTERS_OF:
        "SELECT application, server_name, node_name, servant, endpoint FROM t_adapter_conf \
         WHERE application = ? AND server_name = ?";

    /// -> servant, endpoint, `present_state`, `enable_group`
    WORLD_REGISTRIES: "SELECT servant, endpoint, present_state, enable_group FROM t_registry_info ORDER BY id";

    /// -> id, addresses, name
    WORLD_RULES: "SELECT group_id, allow_ip_rule, group_name FROM t_server_group_rule ORDER BY group_id";

    /// -> groups, station
    WORLD_PRIORITIES: "SELECT group_list, station FROM t_group_priority ORDER BY list_order, id";

    /// Whether anybody else wrote. -> on SQLite a number that changes when another connection commits; on MySQL NULL:
    /// there the digests tell
    WORLD_VERSION: "SELECT NULL", sqlite "PRAGMA data_version";

    /// What the servers' rows say, as a number for each server: it changes with any change that a lookup would show,
    /// whoever made it and whatever its timestamp. -> application, server, digest
    SERVER_DIGESTS:
        "SELECT application, server_name, CAST(COUNT(*) * 4294967296 + BIT_XOR(CRC32(CONCAT_WS('|', id, application, \
         server_name, node_name, setting_state, present_state, flow_state, bak_flag, enable_set, COALESCE(set_name, ''), \
         COALESCE(set_area, ''), COALESCE(set_group, ''), COALESCE(enable_group, ''), COALESCE(ip_group_name, '')))) \
         AS SIGNED) FROM t_server_conf GROUP BY application, server_name",
        sqlite "SELECT application, server_name, COUNT(*) FROM t_server_conf GROUP BY application, server_name";

    /// The same of the rows written lately, by the database's clock. seconds
    SERVER_DIGESTS_LATELY:
        "SELECT application, server_name, CAST(COUNT(*) * 4294967296 + BIT_XOR(CRC32(CONCAT_WS('|', id, application, \
         server_name, node_name, setting_state, present_state, flow_state, bak_flag, enable_set, COALESCE(set_name, ''), \
         COALESCE(set_area, ''), COALESCE(set_group, ''), COALESCE(enable_group, ''), COALESCE(ip_group_name, '')))) \
         AS SIGNED) FROM t_server_conf WHERE registry_timestamp >= CURRENT_TIMESTAMP - INTERVAL ? SECOND \
         GROUP BY application, server_name",
        sqlite
        "SELECT application, server_name, COUNT(*) FROM t_server_conf \
         WHERE registry_timestamp >= strftime('%Y-%m-%d %H:%M:%S', 'now', '-' || ? || ' seconds') \
         GROUP BY application, server_name";

    /// The adapters' rows in the same way. -> application, server, digest
    ADAPTER_DIGESTS:
        "SELECT application, server_name, CAST(COUNT(*) * 4294967296 + BIT_XOR(CRC32(CONCAT_WS('|', id, application, \
         server_name, COALESCE(node_name, ''), COALESCE(servant, ''), COALESCE(endpoint, '')))) AS SIGNED) \
         FROM t_adapter_conf GROUP BY application, server_name",
        sqlite "SELECT application, server_name, COUNT(*) FROM t_adapter_conf GROUP BY application, server_name";

    /// The same of the rows written lately. seconds
    ADAPTER_DIGESTS_LATELY:
        "SELECT application, server_name, CAST(COUNT(*) * 4294967296 + BIT_XOR(CRC32(CONCAT_WS('|', id, application, \
         server_name, COALESCE(node_name, ''), COALESCE(servant, ''), COALESCE(endpoint, '')))) AS SIGNED) \
         FROM t_adapter_conf WHERE registry_timestamp >= CURRENT_TIMESTAMP - INTERVAL ? SECOND \
         GROUP BY application, server_name",
        sqlite
        "SELECT application, server_name, COUNT(*) FROM t_adapter_conf \
         WHERE registry_timestamp >= strftime('%Y-%m-%d %H:%M:%S', 'now', '-' || ? || ' seconds') \
         GROUP BY application, server_name";

    /// Instances that a registry of ours removed lately, in the same way: their rows leave no timestamp.
    /// -> application, server, digest; seconds
    REMOVED_LATELY:
        "SELECT application, server_name, CAST(COUNT(*) * 4294967296 + BIT_XOR(CRC32(CONCAT_WS('|', id, removed_at))) \
         AS SIGNED) FROM tarsregistry_instance WHERE removed_at >= UTC_TIMESTAMP(3) - INTERVAL ? SECOND \
         GROUP BY application, server_name",
        sqlite
        "SELECT application, server_name, COUNT(*) FROM tarsregistry_instance \
         WHERE removed_at >= strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds') \
         GROUP BY application, server_name";
}
