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

    /// A registration of an instance that we know. document, state, application, server, node
    INSTANCE_REGISTER:
        "UPDATE tarsregistry_instance SET generation = generation + 1, draining = 0, last_beat = UTC_TIMESTAMP(3), \
         registered_at = UTC_TIMESTAMP(3), registration = ?, lease_state = ?, removed_at = NULL, removed_by = NULL \
         WHERE application = ? AND server_name = ? AND node_name = ?",
        sqlite
        "UPDATE tarsregistry_instance SET generation = generation + 1, draining = 0, \
         last_beat = strftime('%Y-%m-%d %H:%M:%f', 'now'), registered_at = strftime('%Y-%m-%d %H:%M:%f', 'now'), \
         registration = ?, lease_state = ?, removed_at = NULL, removed_by = NULL \
         WHERE application = ? AND server_name = ? AND node_name = ?";

    /// An instance that we see for the first time. document, state, draining, application, server, node
    INSTANCE_INSERT:
        "INSERT INTO tarsregistry_instance (registration, lease_state, draining, application, server_name, node_name, \
         generation, last_beat, registered_at) VALUES (?, ?, ?, ?, ?, ?, 1, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))",
        sqlite
        "INSERT INTO tarsregistry_instance (registration, lease_state, draining, application, server_name, node_name, \
         generation, last_beat, registered_at) VALUES (?, ?, ?, ?, ?, ?, 1, strftime('%Y-%m-%d %H:%M:%f', 'now'), \
         strftime('%Y-%m-%d %H:%M:%f', 'now'))";

    /// -> draining, `removed_by`, registration, `lease_state`; application, server, node
    INSTANCE_LOCK:
        "SELECT draining, removed_by, registration, lease_state FROM tarsregistry_instance \
         WHERE application = ? AND server_name = ? AND node_name = ? FOR UPDATE",
        sqlite
        "SELECT draining, removed_by, registration, lease_state FROM tarsregistry_instance \
         WHERE application = ? AND server_name = ? AND node_name = ?";

    /// A beat; a state of NULL keeps what is stored. state, draining, application, server, node
    INSTANCE_BEAT:
        "UPDATE tarsregistry_instance SET last_beat = UTC_TIMESTAMP(3), lease_state = COALESCE(?, lease_state), \
         draining = ?, removed_at = NULL, removed_by = NULL \
         WHERE application = ? AND server_name = ? AND node_name = ?",
        sqlite
        "UPDATE tarsregistry_instance SET last_beat = strftime('%Y-%m-%d %H:%M:%f', 'now'), \
         lease_state = COALESCE(?, lease_state), draining = ?, removed_at = NULL, removed_by = NULL \
         WHERE application = ? AND server_name = ? AND node_name = ?";

    /// Beats of every instance of a node; who is leaving stays so, and goes only further. The state is written first:
    /// MySQL sees in an assignment what the ones before it made. whether it leaves (0, 1), state, draining, node
    INSTANCE_BEAT_OF_NODE:
        "UPDATE tarsregistry_instance SET last_beat = UTC_TIMESTAMP(3), \
         lease_state = CASE WHEN draining > ? THEN lease_state ELSE ? END, draining = GREATEST(draining, ?) \
         WHERE node_name = ? AND removed_at IS NULL",
        sqlite
        "UPDATE tarsregistry_instance SET last_beat = strftime('%Y-%m-%d %H:%M:%f', 'now'), \
         lease_state = CASE WHEN draining > ? THEN lease_state ELSE ? END, draining = MAX(draining, ?) \
         WHERE node_name = ? AND removed_at IS NULL";

    /// The end of an instance by itself: of its document only stays whose it was, nothing may bring it back. It left, so it
    /// is not leaving any more. document, application, server, node
    INSTANCE_END:
        "UPDATE tarsregistry_instance SET removed_at = UTC_TIMESTAMP(3), removed_by = 'prestop', registration = ?, \
         lease_state = 'ended', draining = 0 WHERE application = ? AND server_name = ? AND node_name = ?",
        sqlite
        "UPDATE tarsregistry_instance SET removed_at = strftime('%Y-%m-%d %H:%M:%f', 'now'), removed_by = 'prestop', \
         registration = ?, lease_state = 'ended', draining = 0 WHERE application = ? AND server_name = ? AND node_name = ?";

    /// The tombstone of an instance that another registry had registered. application, server, node
    INSTANCE_INSERT_ENDED:
        "INSERT INTO tarsregistry_instance (application, server_name, node_name, generation, last_beat, registered_at, \
         removed_at, removed_by, lease_state) \
         VALUES (?, ?, ?, 1, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), 'prestop', 'ended')",
        sqlite
        "INSERT INTO tarsregistry_instance (application, server_name, node_name, generation, last_beat, registered_at, \
         removed_at, removed_by, lease_state) VALUES (?, ?, ?, 1, strftime('%Y-%m-%d %H:%M:%f', 'now'), \
         strftime('%Y-%m-%d %H:%M:%f', 'now'), strftime('%Y-%m-%d %H:%M:%f', 'now'), 'prestop', 'ended')";

    /// The tombstone of an instance whose node was cleaned. draining, document, application, server, node
    INSTANCE_CLEAN:
        "UPDATE tarsregistry_instance SET removed_at = UTC_TIMESTAMP(3), removed_by = 'clean', lease_state = 'ended', draining = ?, \
         registration = ? WHERE application = ? AND server_name = ? AND node_name = ?",
        sqlite
        "UPDATE tarsregistry_instance SET removed_at = strftime('%Y-%m-%d %H:%M:%f', 'now'), removed_by = 'clean', \
         lease_state = 'ended', draining = ?, registration = ? WHERE application = ? AND server_name = ? AND node_name = ?";

    /// Tombstones nobody can need any more. seconds, rows at most
    INSTANCE_FORGET:
        "DELETE FROM tarsregistry_instance WHERE removed_at < UTC_TIMESTAMP(3) - INTERVAL ? SECOND LIMIT ?",
        sqlite
        "DELETE FROM tarsregistry_instance WHERE id IN (SELECT id FROM tarsregistry_instance WHERE removed_at < \
         strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds') LIMIT ?)";

    /// Writes nothing, but waits for whoever keeps nodes from being written.
    NODES_PING: "UPDATE t_node_info SET endpoint_port = endpoint_port WHERE id = 0";

    /// The same with servers.
    SERVERS_PING: "UPDATE t_server_conf SET process_id = process_id WHERE id = 0";

    /// Takes or keeps the lead, if nobody else has it. holder, microseconds, work, holder
    LEAD:
        "UPDATE tarsregistry_leader SET holder = ?, held_until = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND \
         WHERE name = ? AND (holder = ? OR held_until < UTC_TIMESTAMP(3))",
        sqlite
        "UPDATE tarsregistry_leader SET holder = ?, \
         held_until = strftime('%Y-%m-%d %H:%M:%f', 'now', '+' || (? / 1000000.0) || ' seconds') \
         WHERE name = ? AND (holder = ? OR held_until < strftime('%Y-%m-%d %H:%M:%f', 'now'))";

    /// -> holder; work
    LEADER: "SELECT holder FROM tarsregistry_leader WHERE name = ?";

    /// The first leader. work, holder
    LEADER_INSERT:
        "INSERT INTO tarsregistry_leader (name, holder, held_until) VALUES (?, ?, UTC_TIMESTAMP(3))",
        sqlite
        "INSERT INTO tarsregistry_leader (name, holder, held_until) \
         VALUES (?, ?, strftime('%Y-%m-%d %H:%M:%f', 'now'))";

    /// Gives the lead away. work, holder
    LEADER_RESIGN: "UPDATE tarsregistry_leader SET held_until = '2001-01-01 00:00:00' WHERE name = ? AND holder = ?";

    /// -> the database's clock in milliseconds since 2001
    CLOCK:
        "SELECT TIMESTAMPDIFF(MICROSECOND, '2001-01-01 00:00:00', UTC_TIMESTAMP(3)) DIV 1000",
        sqlite "SELECT CAST(ROUND((julianday('now') - julianday('2001-01-01 00:00:00')) * 86400000) AS INTEGER)";

    /// Beats of the future were now: the clock was set back, and their leases are not to last until it is there again.
    LEASES_CLAMP:
        "UPDATE tarsregistry_instance SET last_beat = UTC_TIMESTAMP(3) \
         WHERE lease_state IN ('active', 'inactive', 'activating', 'deactivating') \
         AND last_beat > UTC_TIMESTAMP(3) + INTERVAL 5 SECOND",
        sqlite
        "UPDATE tarsregistry_instance SET last_beat = strftime('%Y-%m-%d %H:%M:%f', 'now') \
         WHERE lease_state IN ('active', 'inactive', 'activating', 'deactivating') \
         AND last_beat > strftime('%Y-%m-%d %H:%M:%f', 'now', '+5 seconds')";

    /// Instances whose lease ran out, longest first. -> id, application, server, node, `last_beat`, `lease_state`;
    /// seconds of a lease, while it starts, while it leaves; rows at most
    LEASES_OVERDUE:
        "SELECT id, application, server_name, node_name, CAST(last_beat AS CHAR), lease_state \
         FROM tarsregistry_instance WHERE removed_at IS NULL AND ( \
         (lease_state IN ('active', 'inactive') AND last_beat < UTC_TIMESTAMP(3) - INTERVAL ? SECOND) \
         OR (lease_state = 'activating' AND last_beat < UTC_TIMESTAMP(3) - INTERVAL ? SECOND) \
         OR (lease_state = 'deactivating' AND last_beat < UTC_TIMESTAMP(3) - INTERVAL ? SECOND)) \
         ORDER BY last_beat LIMIT ?",
        sqlite
        "SELECT id, application, server_name, node_name, last_beat, lease_state \
         FROM tarsregistry_instance WHERE removed_at IS NULL AND ( \
         (lease_state IN ('active', 'inactive') \
         AND last_beat < strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds')) \
         OR (lease_state = 'activating' AND last_beat < strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds')) \
         OR (lease_state = 'deactivating' \
         AND last_beat < strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds'))) \
         ORDER BY last_beat LIMIT ?";

    /// -> leases that run, those of them that are older; seconds of age, while it starts, while it leaves
    LEASES_COUNT:
        "SELECT COUNT(*), COUNT(CASE \
         WHEN lease_state IN ('active', 'inactive') AND last_beat < UTC_TIMESTAMP(3) - INTERVAL ? SECOND THEN 1 \
         WHEN lease_state = 'activating' AND last_beat < UTC_TIMESTAMP(3) - INTERVAL ? SECOND THEN 1 \
         WHEN lease_state = 'deactivating' AND last_beat < UTC_TIMESTAMP(3) - INTERVAL ? SECOND THEN 1 END) \
         FROM tarsregistry_instance WHERE lease_state IN ('active', 'inactive', 'activating', 'deactivating')",
        sqlite
        "SELECT COUNT(*), COUNT(CASE WHEN lease_state IN ('active', 'inactive') \
         AND last_beat < strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds') THEN 1 \
         WHEN lease_state = 'activating' \
         AND last_beat < strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds') THEN 1 \
         WHEN lease_state = 'deactivating' \
         AND last_beat < strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds') THEN 1 END) \
         FROM tarsregistry_instance WHERE lease_state IN ('active', 'inactive', 'activating', 'deactivating')";

    /// Takes the rows of nodes, in the order in which everybody takes them. -> node; nodes
    NODES_LOCK:
        "SELECT node_name FROM t_node_info WHERE node_name IN ({list}) ORDER BY node_name FOR UPDATE",
        sqlite "SELECT node_name FROM t_node_info WHERE node_name IN ({list}) ORDER BY node_name";

    /// What we know of the instances of nodes, locked.
    /// -> id, application, server, node, `last_beat`, `lease_state`, draining, whether it is a tombstone,
    /// milliseconds since the last beat; nodes
    INSTANCES_OF_NODES_LOCK:
        "SELECT id, application, server_name, node_name, CAST(last_beat AS CHAR), lease_state, draining, \
         removed_at IS NOT NULL, TIMESTAMPDIFF(MICROSECOND, last_beat, UTC_TIMESTAMP(3)) DIV 1000 \
         FROM tarsregistry_instance WHERE node_name IN ({list}) ORDER BY id FOR UPDATE",
        sqlite
        "SELECT id, application, server_name, node_name, last_beat, lease_state, draining, removed_at IS NOT NULL, \
         CAST(ROUND((julianday('now') - julianday(last_beat)) * 86400000) AS INTEGER) \
         FROM tarsregistry_instance WHERE node_name IN ({list}) ORDER BY id";

    /// Servers that do not live any more; what somebody wrote meanwhile stays. ids
    SERVERS_EXPIRE:
        "UPDATE t_server_conf SET present_state = 'inactive', process_id = 0, registry_timestamp = CURRENT_TIMESTAMP \
         WHERE id IN ({list}) AND present_state IN ('active', 'activating', 'deactivating')";

    /// ids
    INSTANCES_EXPIRE: "UPDATE tarsregistry_instance SET lease_state = 'expired' WHERE id IN ({list})";

    /// Containers' nodes that count as active and do not beat, so many, behind a node. -> node; seconds, node, rows at most
    NODES_SILENT:
        "SELECT node_name FROM t_node_info WHERE endpoint_port = 0 AND present_state = 'active' \
         AND last_heartbeat < CURRENT_TIMESTAMP - INTERVAL ? SECOND AND node_name > ? ORDER BY node_name LIMIT ?",
        sqlite
        "SELECT node_name FROM t_node_info WHERE endpoint_port = 0 AND present_state = 'active' \
         AND last_heartbeat < strftime('%Y-%m-%d %H:%M:%S', 'now', '-' || ? || ' seconds') AND node_name > ? \
         ORDER BY node_name LIMIT ?";

    /// Those of them that still do not. seconds, nodes
    NODES_EXPIRE:
        "UPDATE t_node_info SET present_state = 'inactive', modify_time = CURRENT_TIMESTAMP WHERE endpoint_port = 0 \
         AND present_state = 'active' AND last_heartbeat < CURRENT_TIMESTAMP - INTERVAL ? SECOND \
         AND node_name IN ({list})",
        sqlite
        "UPDATE t_node_info SET present_state = 'inactive', modify_time = CURRENT_TIMESTAMP WHERE endpoint_port = 0 \
         AND present_state = 'active' \
         AND last_heartbeat < strftime('%Y-%m-%d %H:%M:%S', 'now', '-' || ? || ' seconds') AND node_name IN ({list})";

    /// Beats some seconds ago; a younger one stays, unless it is of the future. seconds, ids
    INSTANCES_BEAT:
        "UPDATE tarsregistry_instance SET last_beat = \
         LEAST(GREATEST(last_beat, UTC_TIMESTAMP(3) - INTERVAL ? SECOND), UTC_TIMESTAMP(3)) WHERE id IN ({list})",
        sqlite
        "UPDATE tarsregistry_instance SET last_beat = \
         MIN(MAX(last_beat, strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds')), \
         strftime('%Y-%m-%d %H:%M:%f', 'now')) WHERE id IN ({list})";

    /// Beats of nodes some seconds ago; a younger one stays, unless it is of the future. seconds, seconds, nodes
    NODES_BEAT:
        "UPDATE t_node_info SET last_heartbeat = LEAST(COALESCE(GREATEST(last_heartbeat, \
         CURRENT_TIMESTAMP - INTERVAL ? SECOND), CURRENT_TIMESTAMP - INTERVAL ? SECOND), CURRENT_TIMESTAMP) WHERE node_name IN ({list})",
        sqlite
        "UPDATE t_node_info SET modify_time = CURRENT_TIMESTAMP, last_heartbeat = \
         MIN(COALESCE(MAX(last_heartbeat, strftime('%Y-%m-%d %H:%M:%S', 'now', '-' || ? || ' seconds')), \
         strftime('%Y-%m-%d %H:%M:%S', 'now', '-' || ? || ' seconds')), CURRENT_TIMESTAMP) WHERE node_name IN ({list})";

    /// Nodes on which somebody is active. nodes
    NODES_ACTIVATE:
        "UPDATE t_node_info SET present_state = 'active', modify_time = CURRENT_TIMESTAMP \
         WHERE node_name IN ({list}) AND COALESCE(present_state, '') <> 'active'";

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

    /// Whether anybody else wrote. -> on SQLite a number that changes when another connection commits; on MySQL NULL
    WORLD_VERSION: "SELECT NULL", sqlite "PRAGMA data_version";

    /// Rows of `WORLD_SERVERS` written lately, by the database's clock. seconds
    YOUNG_SERVERS:
        "SELECT application, server_name, node_name, setting_state, present_state, flow_state, bak_flag, enable_set, \
         set_name, set_area, set_group, enable_group, ip_group_name FROM t_server_conf \
         WHERE registry_timestamp >= CURRENT_TIMESTAMP - INTERVAL ? SECOND ORDER BY id",
        sqlite
        "SELECT application, server_name, node_name, setting_state, present_state, flow_state, bak_flag, enable_set, \
         set_name, set_area, set_group, enable_group, ip_group_name FROM t_server_conf \
         WHERE registry_timestamp >= strftime('%Y-%m-%d %H:%M:%S', 'now', '-' || ? || ' seconds') ORDER BY id";

    /// Rows of `WORLD_ADAPTERS` written lately. seconds
    YOUNG_ADAPTERS:
        "SELECT application, server_name, node_name, servant, endpoint FROM t_adapter_conf \
         WHERE registry_timestamp >= CURRENT_TIMESTAMP - INTERVAL ? SECOND ORDER BY id",
        sqlite
        "SELECT application, server_name, node_name, servant, endpoint FROM t_adapter_conf \
         WHERE registry_timestamp >= strftime('%Y-%m-%d %H:%M:%S', 'now', '-' || ? || ' seconds') ORDER BY id";

    /// Instances that a registry of ours removed lately: their rows leave no timestamp.
    /// -> application, server, node, when; seconds
    YOUNG_REMOVALS:
        "SELECT application, server_name, node_name, CAST(removed_at AS CHAR) FROM tarsregistry_instance \
         WHERE removed_at >= UTC_TIMESTAMP(3) - INTERVAL ? SECOND ORDER BY id",
        sqlite
        "SELECT application, server_name, node_name, removed_at FROM tarsregistry_instance \
         WHERE removed_at >= strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds') ORDER BY id";

    /// The number of an instance. -> id, number, whether it is freed; application, server, node
    WORKER_LOCK:
        "SELECT id, number, freed_at IS NOT NULL FROM tarsregistry_worker \
         WHERE application = ? AND server_name = ? AND node_name = ? FOR UPDATE",
        sqlite
        "SELECT id, number, freed_at IS NOT NULL FROM tarsregistry_worker \
         WHERE application = ? AND server_name = ? AND node_name = ?";

    /// Waits for whoever gives a number of an application. application
    WORKERS_LOCK: "UPDATE tarsregistry_application SET workers = workers + 1 WHERE application = ?";

    /// The first number of an application. application
    WORKERS_LOCK_INSERT: "INSERT INTO tarsregistry_application (application, workers) VALUES (?, 1)";

    /// -> id, number, whether it has rested; seconds, application
    WORKERS_OF_APPLICATION:
        "SELECT id, number, COALESCE(freed_at < UTC_TIMESTAMP(3) - INTERVAL ? SECOND, 0) FROM tarsregistry_worker \
         WHERE application = ? AND number IS NOT NULL ORDER BY number",
        sqlite
        "SELECT id, number, COALESCE(freed_at < strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds'), 0) \
         FROM tarsregistry_worker WHERE application = ? AND number IS NOT NULL ORDER BY number";

    /// Takes a number that has rested from the instance that had it. id, seconds
    WORKER_TAKE:
        "UPDATE tarsregistry_worker SET number = NULL WHERE id = ? AND freed_at < UTC_TIMESTAMP(3) - INTERVAL ? SECOND",
        sqlite
        "UPDATE tarsregistry_worker SET number = NULL WHERE id = ? \
         AND freed_at < strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds')";

    /// number, application, server, node
    WORKER_INSERT:
        "INSERT INTO tarsregistry_worker (number, application, server_name, node_name) VALUES (?, ?, ?, ?)";

    /// number, id
    WORKER_GIVE: "UPDATE tarsregistry_worker SET number = ?, freed_at = NULL WHERE id = ?";

    /// application, server, node
    WORKER_FREE:
        "UPDATE tarsregistry_worker SET freed_at = UTC_TIMESTAMP(3) \
         WHERE application = ? AND server_name = ? AND node_name = ? AND freed_at IS NULL",
        sqlite
        "UPDATE tarsregistry_worker SET freed_at = strftime('%Y-%m-%d %H:%M:%f', 'now') \
         WHERE application = ? AND server_name = ? AND node_name = ? AND freed_at IS NULL";

    /// ids
    WORKERS_FREE:
        "UPDATE tarsregistry_worker SET freed_at = UTC_TIMESTAMP(3) WHERE id IN ({list})",
        sqlite "UPDATE tarsregistry_worker SET freed_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id IN ({list})";

    /// ids
    WORKERS_DELETE: "DELETE FROM tarsregistry_worker WHERE id IN ({list})";

    /// Numbers that instances of nodes have. -> id, application, server, node; nodes
    WORKERS_OF_NODES:
        "SELECT id, application, server_name, node_name FROM tarsregistry_worker \
         WHERE node_name IN ({list}) AND freed_at IS NULL ORDER BY id";

    /// nodes
    WORKERS_FREE_OF_NODES:
        "UPDATE tarsregistry_worker SET freed_at = UTC_TIMESTAMP(3) WHERE node_name IN ({list}) AND freed_at IS NULL",
        sqlite
        "UPDATE tarsregistry_worker SET freed_at = strftime('%Y-%m-%d %H:%M:%f', 'now') \
         WHERE node_name IN ({list}) AND freed_at IS NULL";

    /// Numbers nobody can come back for any more. seconds, rows at most
    WORKERS_FORGET:
        "DELETE FROM tarsregistry_worker WHERE freed_at < UTC_TIMESTAMP(3) - INTERVAL ? SECOND LIMIT ?",
        sqlite
        "DELETE FROM tarsregistry_worker WHERE id IN (SELECT id FROM tarsregistry_worker WHERE freed_at < \
         strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ? || ' seconds') LIMIT ?)";
}
