//! Which calls a server is given: those of its set, and none while it wants none.

use tars::{Communicator, protocol::QueryFClient};
use tars_test_support::{
    lookup::Lookup,
    pod::Pod,
    registry::{Backend, Registry},
};

use crate::rows::until;

const OBJECT: &str = "Pods.PodServer.NamedObj";

async fn serving(registry: &Registry, node: &str, variable: &str, value: &str) -> Pod {
    let mut pod = Pod::new(node, registry.query()).with(variable, value);
    pod.order("ready", "");
    pod.start();
    until(&pod, registry.backend(), "active").await;
    pod
}

/// Where somebody of this set is sent.
async fn hosts_for(registry: &Registry, set: &str) -> Vec<String> {
    let client: QueryFClient = Communicator::new().client(registry.query()).unwrap();
    let found = client.find_object_by_id_in_same_set(OBJECT, set).await.unwrap();
    found.active_ep.into_iter().map(|endpoint| endpoint.host).collect()
}

#[tokio::test]
async fn servers_of_a_set_are_found_by_their_set() {
    let registry = Registry::start(Backend::mysql().await).await;
    registry.process.wait_for("ready").await;
    let _north = serving(&registry, "127.3.3.1", "TARS_SET_ID", "gray.north.1").await;
    let _south = serving(&registry, "127.3.3.2", "TARS_SET_ID", "gray.south.1").await;
    let columns = "node_name, enable_set, set_name, set_area, set_group";
    let mut rows = registry.backend().rows("t_server_conf", columns).await;
    rows.sort_unstable();
    assert_eq!(
        rows,
        [
            ["127.3.3.1", "Y", "gray", "north", "1"],
            ["127.3.3.2", "Y", "gray", "south", "1"]
        ]
    );
    assert_eq!(hosts_for(&registry, "gray.north.1").await, ["127.3.3.1"]);
    assert_eq!(hosts_for(&registry, "gray.south.1").await, ["127.3.3.2"]);
}

#[tokio::test]
async fn a_server_without_flow_is_active_and_is_not_found() {
    let registry = Registry::start(Backend::mysql().await).await;
    registry.process.wait_for("ready").await;
    let quiet = serving(&registry, "127.3.3.3", "TARS_DISABLE_FLOW", "y").await;
    let _other = serving(&registry, "127.3.3.4", "TARS_DISABLE_FLOW", "n").await;
    let columns = "node_name, present_state, grid_flag, flow_state";
    let mut rows = registry.backend().rows("t_server_conf", columns).await;
    rows.sort_unstable();
    assert_eq!(
        rows,
        [
            ["127.3.3.3", "active", "NO_FLOW", "inactive"],
            ["127.3.3.4", "active", "NORMAL", "active"]
        ]
    );
    // For its own probes it is as good as any other.
    assert_eq!(quiet.probes().await, [Some(0); 3]);
    let lookup = Lookup::at(registry.query());
    lookup.finds(OBJECT, &["127.3.3.4"], &[]).await;
}
