//! What the registry's tables say of one node.

use tars_test_support::{pod::Pod, registry::Backend};

/// The rows of a pod's node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    /// `present_state` in `t_server_conf`.
    pub(crate) server: Option<String>,
    /// Endpoints in `t_adapter_conf`.
    pub(crate) endpoints: Vec<String>,
    /// `present_state` in `t_node_info`.
    pub(crate) node: Option<String>,
}

impl Rows {
    pub(crate) async fn of(backend: &Backend, node: &str) -> Self {
        let found = async |table: &str, column: &str| {
            let rows = backend.rows(table, &format!("node_name, {column}")).await;
            let of_node = rows.into_iter().filter(|row| row[0] == node);
            of_node.map(|mut row| row.remove(1)).collect::<Vec<_>>()
        };
        Self {
            server: found("t_server_conf", "present_state").await.pop(),
            endpoints: found("t_adapter_conf", "endpoint").await,
            node: found("t_node_info", "present_state").await.pop(),
        }
    }

    /// Whether the server stands there in this state with its one adapter.
    pub(crate) fn are(&self, state: &str) -> bool {
        self.server.as_deref() == Some(state) && self.endpoints.len() == 1
    }

    /// Whether nothing is left of the server, and its node counts as inactive.
    pub(crate) fn are_gone(&self) -> bool {
        self.server.is_none() && self.endpoints.is_empty() && self.node.as_deref() != Some("active")
    }
}

/// Waits until the rows of the pod's node are in this state, and returns them.
pub(crate) async fn until(pod: &Pod, backend: &Backend, state: &str) -> Rows {
    pod.until_some(&format!("{state} in the rows"), async || {
        let rows = Rows::of(backend, pod.node()).await;
        if rows.are(state) { Ok(rows) } else { Err(rows) }
    })
    .await
}

/// Waits until nothing of the pod is left in the rows.
pub(crate) async fn until_gone(pod: &Pod, backend: &Backend) {
    pod.until_some("gone from the rows", async || {
        let rows = Rows::of(backend, pod.node()).await;
        if rows.are_gone() { Ok(()) } else { Err(rows) }
    })
    .await;
}
