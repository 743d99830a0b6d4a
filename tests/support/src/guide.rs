//! A stand-in for a registry's lookups: it knows what a test tells it, and answers only what our clients ask.

use std::collections::BTreeMap;

use tars::{
    Context, Endpoint, Error, Result, Server, code,
    protocol::{
        EndpointF, GetMasterSlaveLock, QueryF, QueryFFindObjectById4AllOutput, QueryFFindObjectById4AnyOutput,
        QueryFFindObjectByIdInSameGroupOutput, QueryFFindObjectByIdInSameSetOutput,
        QueryFFindObjectByIdInSameStationOutput, QueryFFindObjectNodeNameOutput, QueryFServer,
    },
};

const NAME: &str = "tars.tarsregistry.QueryObj";

/// Where each object is.
struct Guide(BTreeMap<String, Endpoint>);

/// Answers lookups of these objects, at a free port and for as long as the test runs. -> the locator
///
/// # Panics
/// When no port can be had.
pub async fn serve(objects: impl IntoIterator<Item = (String, Endpoint)>) -> String {
    let guide = QueryFServer::new(Guide(objects.into_iter().collect()));
    let server = Server::builder().adapter("tcp -h 127.0.0.1 -p 0", NAME, guide);
    let server = server.bind().await.expect("a free port");
    let locator = format!("{NAME}@{}", server.local_endpoints()[0]);
    tokio::spawn(server.serve());
    locator
}

fn unused<T>() -> Result<T> {
    Err(Error::new(code::SERVER_NO_FUNC, "not asked by our clients"))
}

impl QueryF for Guide {
    async fn find_object_by_id_in_same_group(
        &self,
        _: &mut Context,
        id: String,
    ) -> Result<QueryFFindObjectByIdInSameGroupOutput> {
        let known = self.0.get(&id).map(|endpoint| EndpointF {
            host: endpoint.host.clone(),
            port: endpoint.port.into(),
            timeout: 60_000,
            istcp: endpoint.protocol.to_istcp(),
            ..EndpointF::default()
        });
        Ok(QueryFFindObjectByIdInSameGroupOutput {
            ret: 0,
            active_ep: known.into_iter().collect(),
            inactive_ep: Vec::new(),
        })
    }

    async fn find_object_by_id(&self, _: &mut Context, _: String) -> Result<Vec<EndpointF>> {
        unused()
    }

    async fn find_object_by_id4_any(&self, _: &mut Context, _: String) -> Result<QueryFFindObjectById4AnyOutput> {
        unused()
    }

    async fn find_object_by_id4_all(&self, _: &mut Context, _: String) -> Result<QueryFFindObjectById4AllOutput> {
        unused()
    }

    async fn find_object_by_id_in_same_station(
        &self,
        _: &mut Context,
        _: String,
        _: String,
    ) -> Result<QueryFFindObjectByIdInSameStationOutput> {
        unused()
    }

    async fn find_object_by_id_in_same_set(
        &self,
        _: &mut Context,
        _: String,
        _: String,
    ) -> Result<QueryFFindObjectByIdInSameSetOutput> {
        unused()
    }

    async fn find_object_node_name(&self, _: &mut Context, _: String) -> Result<QueryFFindObjectNodeNameOutput> {
        unused()
    }

    async fn register_change(&self, _: &mut Context, _: BTreeMap<String, String>, _: String) -> Result<i32> {
        unused()
    }

    async fn register_query(&self, _: &mut Context, _: String, _: String) -> Result<i32> {
        unused()
    }

    async fn get_locker(&self, _: &mut Context, _: GetMasterSlaveLock) -> Result<i32> {
        unused()
    }
}
