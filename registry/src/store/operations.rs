//! The operations on instances, written once for both databases.
//!
//! Every transaction takes the node's row first, then server, instance, adapters and configuration: with one order there
//! is no lock inversion, and what happens on one node happens one after the other. Updates come before inserts: an
//! `INSERT ... ON DUPLICATE KEY` takes gap locks and deadlocks under load.

use super::engine::{Arg, Row, Tx};
use super::lease::EXPIRED;
use super::statement::{self as sql, Statement};
use super::worker;
use crate::domain::worker::WorkerId;
use crate::domain::{
    Adapter, Beat, BeatPlan, InstanceKey, Known, KnownInstance, Life, MetricsInstance, MetricsPort, Registration,
    Scope, ServerType, State, StoredAdapter, changes, is_fenced, plan_beat, same_key,
};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// What a beat met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BeatOutcome {
    /// The instance, whose state it is now.
    Taken,
    /// The instance, whose lease had run out and begins again.
    Back,
    /// The instance, which is leaving and does not go back.
    Late,
    /// The tombstone of a clean: the instance has its rows again.
    Recreated,
    /// An instance that ended.
    Gone,
    /// Nothing.
    Unknown,
}

/// What an end met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndOutcome {
    /// The instance, which is out now.
    Ended,
    /// Nothing.
    Unknown,
    /// Another life of the instance, which goes on.
    Superseded,
}

/// A beat, and how long an instance without one counts as alive.
#[derive(Debug)]
pub(super) struct BeatInput<'a> {
    pub(super) beat: &'a Beat,
    pub(super) lease_seconds: i64,
}

/// An end, and what goes with it.
#[derive(Debug)]
pub(super) struct EndInput<'a> {
    pub(super) scope: &'a Scope,
    /// Whose end it is.
    pub(super) life: Option<Life>,
    pub(super) lease_seconds: i64,
    pub(super) delete_configs: bool,
}

struct Node {
    is_container: bool,
    /// `active`, or `inactive` for anything else that is stored: rows others made may hold '' or NULL, which cannot be
    /// written back.
    state: &'static str,
}

/// A server of a node, or our row of one.
struct ServerOfNode {
    key: InstanceKey,
    state: String,
    instance: Option<InstanceOfNode>,
}

struct InstanceOfNode {
    application: String,
    server: String,
    draining: bool,
    is_alive: bool,
}

fn key_args(key: &InstanceKey) -> [Arg<'_>; 3] {
    [
        Arg::Text(&key.application),
        Arg::Text(&key.server),
        Arg::Text(&key.node),
    ]
}

/// Registers an instance: its node, server, own row and adapters become what the registration says.
/// -> the worker id it asked for
pub(super) async fn register<T: Tx>(tx: &mut T, registration: &Registration, lease_seconds: i64) -> Result<WorkerId> {
    if tx
        .execute(&sql::NODE_REGISTER, &[Arg::Text(&registration.key.node)])
        .await?
        == 0
    {
        insert_node(tx, &registration.key.node).await?;
    }
    register_server(tx, registration).await?;
    if let Some(port) = registration.kept.metrics_port {
        let [application, server, node] = key_args(&registration.key);
        tx.execute(&sql::SERVER_METRICS_PORT, &[Arg::Int(port), application, server, node])
            .await?;
    }
    register_instance(tx, registration).await?;
    register_adapters(tx, registration).await?;
    worker::settle(tx, &registration.key, registration.worker, lease_seconds).await
}

async fn insert_node<T: Tx>(tx: &mut T, node: &str) -> Result<()> {
    let object = format!("tars.tarsnode.NodeObj@tcp -h {node} -p 0");
    tx.execute(&sql::NODE_INSERT, &[node.into(), Arg::Text(&object), node.into()])
        .await?;
    Ok(())
}

async fn register_server<T: Tx>(tx: &mut T, registration: &Registration) -> Result<()> {
    let (enable_set, name, area, group) = match &registration.set {
        Some(set) => ("Y", set.name.as_str(), set.area.as_str(), set.group.as_str()),
        None => ("N", "", "", ""),
    };
    let (grid_flag, flow_state) = if registration.disable_flow {
        ("NO_FLOW", "inactive")
    } else {
        ("NORMAL", "active")
    };
    let server_type = registration.server_type.map(ServerType::as_str);
    let [application, server, node] = key_args(&registration.key);
    let args = [
        Arg::Text(&registration.version),
        registration.state.as_str().into(),
        enable_set.into(),
        name.into(),
        area.into(),
        group.into(),
        grid_flag.into(),
        flow_state.into(),
        Arg::OptionalText(
            registration
                .kept
                .template
                .as_deref()
                .or(registration.template.as_deref()),
        ),
        Arg::OptionalText(registration.kept.server_type.as_deref().or(server_type)),
        application,
        server,
        node,
    ];
    if tx.execute(&sql::SERVER_REGISTER, &args).await? == 0 {
        tx.execute(&sql::SERVER_INSERT, &args).await?;
    }
    Ok(())
}

async fn register_instance<T: Tx>(tx: &mut T, registration: &Registration) -> Result<()> {
    let document = serde_json::to_string(registration).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let [application, server, node] = key_args(&registration.key);
    let state = Arg::Text(registration.state.as_str());
    if tx
        .execute(
            &sql::INSTANCE_REGISTER,
            &[Arg::Text(&document), state, application, server, node],
        )
        .await?
        == 0
    {
        tx.execute(
            &sql::INSTANCE_INSERT,
            &[Arg::Text(&document), state, Arg::Int(0), application, server, node],
        )
        .await?;
    }
    // A re-created instance may already be leaving again.
    if registration.state.is_leaving() {
        tx.execute(&sql::INSTANCE_BEAT, &[state, Arg::Int(1), application, server, node])
            .await?;
    }
    Ok(())
}

async fn register_adapters<T: Tx>(tx: &mut T, registration: &Registration) -> Result<()> {
    let [application, server, node] = key_args(&registration.key);
    let rows = tx.fetch(&sql::ADAPTERS_LOCK, &[application, server, node]).await?;
    let stored: Vec<StoredAdapter> = rows.iter().map(stored_adapter).collect();
    let changes = changes(&stored, &registration.adapters);
    if !changes.delete.is_empty() {
        tx.execute(&sql::ADAPTERS_DELETE_BY_ID, &[Arg::Ints(&changes.delete)])
            .await?;
    }
    for (id, adapter) in changes.update {
        let mut args = adapter_args(adapter).to_vec();
        args.push(Arg::Int(id));
        tx.execute(&sql::ADAPTER_UPDATE, &args).await?;
    }
    for adapter in changes.insert {
        let name = adapter.name();
        let mut args = adapter_args(adapter).to_vec();
        args.extend([application, server, node, Arg::Text(&name)]);
        tx.execute(&sql::ADAPTER_INSERT, &args).await?;
    }
    Ok(())
}

fn adapter_args(adapter: &Adapter) -> [Arg<'_>; 7] {
    [
        Arg::Text(&adapter.servant),
        Arg::Text(&adapter.endpoint),
        Arg::Text(&adapter.protocol),
        adapter.max_connections.into(),
        adapter.thread_num.into(),
        adapter.queue_cap.into(),
        adapter.queue_timeout.into(),
    ]
}

fn stored_adapter(row: &Row) -> StoredAdapter {
    // Of what a request cannot say (NULL, a number beyond i32) there is no adapter: the row is rewritten.
    let number = |column| row.optional_int(column).and_then(|number| i32::try_from(number).ok());
    let content = || {
        Some(Adapter {
            servant: row.optional_text(2)?,
            endpoint: row.optional_text(3)?,
            protocol: row.optional_text(4)?,
            max_connections: number(5)?,
            thread_num: number(6)?,
            queue_cap: number(7)?,
            queue_timeout: number(8)?,
        })
    };
    StoredAdapter {
        id: row.int(0),
        name: row.optional_text(1),
        content: content(),
    }
}

/// Takes a beat of one instance or of a whole node.
pub(super) async fn beat<T: Tx>(tx: &mut T, input: &BeatInput<'_>) -> Result<BeatOutcome> {
    match &input.beat.scope {
        Scope::Instance(key) => beat_instance(tx, key, input).await,
        Scope::Node(node) => beat_node(tx, node, input).await,
    }
}

async fn beat_instance<T: Tx>(tx: &mut T, key: &InstanceKey, input: &BeatInput<'_>) -> Result<BeatOutcome> {
    let lease = input.lease_seconds;
    let node = lock_node(tx, &key.node).await?;
    let known = known(tx, key).await?;
    let stored_state = known.server_state.clone();
    let is_known_to_us = known.instance.is_some();
    let taken = match &known.instance {
        Some(instance) if instance.has_expired => BeatOutcome::Back,
        _ => BeatOutcome::Taken,
    };
    let plan = plan_beat(known, input.beat.state, input.beat.life);
    // Who comes back after its worker id was given to another must not go on with it: it has to register again.
    let is_back = match &plan {
        BeatPlan::Apply { .. } => taken == BeatOutcome::Back,
        BeatPlan::Recreate(_) => true,
        BeatPlan::TouchOnly | BeatPlan::Gone | BeatPlan::Unknown => false,
    };
    if is_back && worker::is_lost(tx, key).await? {
        return Ok(BeatOutcome::Unknown);
    }
    let (state, draining, outcome) = match plan {
        BeatPlan::Apply { state, draining } => (Some(state), draining, taken),
        BeatPlan::TouchOnly => (None, true, BeatOutcome::Late),
        BeatPlan::Recreate(registration) => {
            register(tx, &registration, lease).await?;
            return Ok(BeatOutcome::Recreated);
        }
        BeatPlan::Gone => return Ok(BeatOutcome::Gone),
        BeatPlan::Unknown => return Ok(BeatOutcome::Unknown),
    };
    if node.is_none() {
        insert_node(tx, &key.node).await?;
    }
    let node = node.unwrap_or(Node {
        is_container: true,
        state: State::Active.as_str(),
    });
    let node_state = match state {
        Some(state) => node_state(tx, &node, key, state, lease).await?,
        None => node.state,
    };
    tx.execute(&sql::NODE_BEAT, &[node_state.into(), Arg::Text(&key.node)])
        .await?;
    if let Some(state) = state.filter(|state| stored_state.as_deref() != Some(state.as_str())) {
        let [application, server, node] = key_args(key);
        tx.execute(&sql::SERVER_STATE, &[state.as_str().into(), application, server, node])
            .await?;
    }
    touch_instance(tx, key, state, draining, is_known_to_us).await?;
    Ok(outcome)
}

/// The row of an instance that beat.
async fn touch_instance<T: Tx>(
    tx: &mut T,
    key: &InstanceKey,
    state: Option<State>,
    draining: bool,
    is_known: bool,
) -> Result<()> {
    let [application, server, node] = key_args(key);
    let draining = Arg::Int(i64::from(draining));
    if is_known {
        // A late beat does not begin the lease of the state that it is too late for.
        let stored = Arg::OptionalText(state.map(State::as_str));
        tx.execute(&sql::INSTANCE_BEAT, &[stored, draining, application, server, node])
            .await?;
    } else {
        let stored = Arg::Text(state.unwrap_or(State::Deactivating).as_str());
        let document = Arg::OptionalText(None);
        tx.execute(
            &sql::INSTANCE_INSERT,
            &[document, stored, draining, application, server, node],
        )
        .await?;
    }
    // Whose lease is over for good does not expire.
    if state == Some(State::Destroyed) {
        worker::free(tx, key).await?;
    }
    Ok(())
}

async fn lock_node<T: Tx>(tx: &mut T, node: &str) -> Result<Option<Node>> {
    let rows = tx.fetch(&sql::NODE_LOCK, &[node.into()]).await?;
    Ok(rows.first().map(|row| Node {
        is_container: row.optional_int(0) == Some(0),
        state: match row.text(1).as_str() {
            "active" => State::Active.as_str(),
            _ => State::Inactive.as_str(),
        },
    }))
}

async fn known<T: Tx>(tx: &mut T, key: &InstanceKey) -> Result<Known> {
    let servers = tx.fetch(&sql::SERVER_LOCK, &key_args(key)).await?;
    Ok(Known {
        server_state: servers.first().map(|row| row.text(0)),
        instance: known_instance(tx, key).await?,
    })
}

/// Takes our row of an instance.
pub(super) async fn known_instance<T: Tx>(tx: &mut T, key: &InstanceKey) -> Result<Option<KnownInstance>> {
    let instances = tx.fetch(&sql::INSTANCE_LOCK, &key_args(key)).await?;
    Ok(instances.first().map(|row| KnownInstance {
        draining: row.int(0) != 0,
        removed_by: row.optional_text(1),
        document: row.optional_text(2),
        has_expired: row.text(3) == EXPIRED,
    }))
}

/// State of a node after one of its servers took `state`: active with it, inactive when no other one is alive. The state
/// of a node that runs tarsnode is tarsnode's to take back.
async fn node_state<T: Tx>(
    tx: &mut T,
    node: &Node,
    key: &InstanceKey,
    state: State,
    lease: i64,
) -> Result<&'static str> {
    if state == State::Active {
        return Ok(State::Active.as_str());
    }
    if !node.is_container {
        return Ok(node.state);
    }
    let others = servers_of_node(tx, &sql::SERVERS_OF_NODE, &key.node, lease).await?;
    // A server without row of ours is managed by somebody else and counts.
    let alive = others.iter().any(|other| {
        other.state == State::Active.as_str()
            && other.instance.as_ref().is_none_or(|instance| instance.is_alive)
            && !(same_key(&other.key.application, &key.application) && same_key(&other.key.server, &key.server))
    });
    Ok(if alive { State::Active } else { State::Inactive }.as_str())
}

/// The servers of a node with what we know of them, matched here: see `INSTANCES_OF_NODE`.
async fn servers_of_node<T: Tx>(
    tx: &mut T,
    statement: &Statement,
    node: &str,
    lease: i64,
) -> Result<Vec<ServerOfNode>> {
    let servers = tx.fetch(statement, &[node.into()]).await?;
    let instances = tx.fetch(&sql::INSTANCES_OF_NODE, &[lease.into(), node.into()]).await?;
    let mut instances: Vec<InstanceOfNode> = instances
        .iter()
        .map(|row| InstanceOfNode {
            application: row.text(0),
            server: row.text(1),
            draining: row.int(2) != 0,
            is_alive: row.int(3) != 0,
        })
        .collect();
    Ok(servers
        .iter()
        .map(|row| {
            let (application, server) = (row.text(0), row.text(1));
            let place = instances.iter().position(|instance| {
                same_key(&instance.application, &application) && same_key(&instance.server, &server)
            });
            ServerOfNode {
                state: row.text(2),
                instance: place.map(|place| instances.swap_remove(place)),
                key: InstanceKey {
                    application,
                    server,
                    node: node.to_owned(),
                },
            }
        })
        .collect())
}

async fn beat_node<T: Tx>(tx: &mut T, node: &str, input: &BeatInput<'_>) -> Result<BeatOutcome> {
    let state = input.beat.state;
    let Some(found) = lock_node(tx, node).await? else {
        return Ok(BeatOutcome::Unknown);
    };
    let servers = servers_of_node(tx, &sql::SERVERS_OF_NODE_LOCK, node, input.lease_seconds).await?;
    // Who is leaving does not come back with the others.
    let taken: Vec<&ServerOfNode> = servers
        .iter()
        .filter(|server| state.is_leaving() || !server.is_leaving())
        .collect();
    let is_late = taken.is_empty() && !servers.is_empty();
    let node_state = match (state, found.is_container) {
        _ if is_late => found.state,
        (State::Active, _) => State::Active.as_str(),
        (_, true) => State::Inactive.as_str(),
        (_, false) => found.state,
    };
    tx.execute(&sql::NODE_BEAT, &[node_state.into(), node.into()]).await?;
    if state == State::Destroyed {
        tx.execute(&sql::SERVER_DESTROY_OF_NODE, &[node.into()]).await?;
    } else {
        for server in taken.iter().filter(|server| server.state != state.as_str()) {
            let [application, name, node] = key_args(&server.key);
            tx.execute(&sql::SERVER_STATE, &[state.as_str().into(), application, name, node])
                .await?;
        }
    }
    let leaves = Arg::Int(i64::from(state.is_leaving()));
    let args = [leaves, state.as_str().into(), leaves, node.into()];
    tx.execute(&sql::INSTANCE_BEAT_OF_NODE, &args).await?;
    if state == State::Destroyed {
        worker::free_nodes(tx, &[node.to_owned()]).await?;
    }
    Ok(if is_late { BeatOutcome::Late } else { BeatOutcome::Taken })
}

impl ServerOfNode {
    fn is_leaving(&self) -> bool {
        let draining = self.instance.as_ref().is_some_and(|instance| instance.draining);
        draining || is_fenced(&self.state, draining)
    }
}

/// Ends one instance, or takes every server of a node out.
pub(super) async fn end<T: Tx>(tx: &mut T, input: &EndInput<'_>) -> Result<EndOutcome> {
    let key = match input.scope {
        Scope::Instance(key) => key,
        // Old clients name no server; the rows stay, as with K8STARS, and a registration revives them.
        Scope::Node(node) => {
            let beat = Beat {
                scope: input.scope.clone(),
                state: State::Destroyed,
                life: None,
            };
            let input = BeatInput {
                beat: &beat,
                lease_seconds: input.lease_seconds,
            };
            return Ok(match beat_node(tx, node, &input).await? {
                BeatOutcome::Taken => EndOutcome::Ended,
                _ => EndOutcome::Unknown,
            });
        }
    };
    let node = lock_node(tx, &key.node).await?;
    let known = known_instance(tx, key).await?;
    // A tombstone beside a row says nothing of it: see `plan_beat`.
    if known
        .as_ref()
        .is_some_and(|known| known.removed_by.is_none() && known.is_of_another(input.life))
    {
        return Ok(EndOutcome::Superseded);
    }
    let remains = known.and_then(|known| known.remains());
    let existed = tx.execute(&sql::SERVER_DELETE, &key_args(key)).await? > 0;
    let [application, server, name] = key_args(key);
    let args = [Arg::OptionalText(remains.as_deref()), application, server, name];
    if tx.execute(&sql::INSTANCE_END, &args).await? == 0 && existed {
        tx.execute(&sql::INSTANCE_INSERT_ENDED, &key_args(key)).await?;
    }
    tx.execute(&sql::ADAPTERS_DELETE, &key_args(key)).await?;
    if let Some(node) = node.filter(|node| node.is_container) {
        // On a node that is no container, a configuration for the node is an operator's work, not the instance's.
        if input.delete_configs {
            let server = format!("{}.{}", key.application, key.server);
            tx.execute(&sql::CONFIGS_DELETE, &[Arg::Text(&server), Arg::Text(&key.node)])
                .await?;
        }
        let state = node_state(tx, &node, key, State::Destroyed, input.lease_seconds).await?;
        if state != node.state {
            tx.execute(&sql::NODE_STATE, &[state.into(), Arg::Text(&key.node)])
                .await?;
        }
    }
    worker::free(tx, key).await?;
    Ok(if existed {
        EndOutcome::Ended
    } else {
        EndOutcome::Unknown
    })
}

/// Stores a server's metrics port. -> whether the server is there.
pub(super) async fn set_metrics_port<T: Tx>(tx: &mut T, metrics: &MetricsPort) -> Result<bool> {
    let [application, server, node] = key_args(&metrics.key);
    let args = [Arg::Int(i64::from(metrics.port)), application, server, node];
    Ok(tx.execute(&sql::SERVER_METRICS_PORT, &args).await? > 0)
}

/// Every server with a metrics port, in the order of registration.
pub(super) async fn metrics_instances<T: Tx>(tx: &mut T) -> Result<Vec<MetricsInstance>> {
    let rows = tx.fetch(&sql::SERVERS_WITH_METRICS, &[]).await?;
    Ok(rows.iter().map(metrics_instance).collect())
}

fn metrics_instance(row: &Row) -> MetricsInstance {
    // Rows made by the console may say they are in a set and have NULL for its parts.
    let parts = [row.text(4), row.text(5), row.text(6)];
    let in_set = row.text(3).eq_ignore_ascii_case("y") && parts.iter().any(|part| !part.is_empty());
    MetricsInstance {
        application: row.text(0),
        server: row.text(1),
        node: row.text(2),
        set: if in_set { parts.join(".") } else { String::new() },
        port: row.int(7),
    }
}

/// Succeeds if the database takes writes.
pub(super) async fn ping<T: Tx>(tx: &mut T) -> Result<()> {
    tx.execute(&sql::PING, &[]).await.map(drop)
}
