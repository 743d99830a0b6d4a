//! `tars.tarsregistry.QueryObj`: where is a servant?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tars::protocol::{
    EndpointF, GetMasterSlaveLock, QueryF, QueryFFindObjectById4AllOutput, QueryFFindObjectById4AnyOutput,
    QueryFFindObjectByIdInSameGroupOutput, QueryFFindObjectByIdInSameSetOutput,
    QueryFFindObjectByIdInSameStationOutput, QueryFFindObjectNodeNameOutput,
};
use tars::{Context, code};

use crate::domain::lookup::Answer;
use crate::failure::Failure;
use crate::registry::Registry;
use crate::snapshot::{Caller, Found};
use crate::store::Store;

/// Key of a request's context in which TarsCpp, TarsGo and Node.js say on which node they run.
const NODE_NAME: &str = "node_name";

/// Serves the interface `QueryF`.
#[derive(Debug)]
pub(crate) struct QueryServant<S>(pub(crate) Arc<Registry<S>>);

fn caller(cx: &Context) -> Caller<'_> {
    Caller {
        node: cx.context_str(NODE_NAME),
        peer: cx.peer_address().map(|address| address.ip()),
        local: cx.local_address().map(|address| address.ip()),
    }
}

impl<S: Store> QueryServant<S> {
    /// Finds a servant and answers from it: from memory, without waiting for anything.
    fn find<T>(
        &self,
        method: &'static str,
        (cx, id): (&Context, &str),
        answer: impl FnOnce(&Found, Caller<'_>) -> T,
    ) -> tars::Result<T> {
        let begun = Instant::now();
        let caller = caller(cx);
        let answered = self.0.lookups.find(id, caller).map(|found| answer(&found, caller));
        let code = answered.as_ref().map_or_else(Failure::code, |_| 0);
        self.0.metrics.answered(method, code, begun.elapsed());
        Ok(answered?)
    }

    /// What only registries with more than `db_tars` know. As a registry without these functions answers, so that clients
    /// take them as not there: TarsCpp's master and slave mode counts it as an error, and nobody becomes master by it.
    fn not_offered<T>(&self, method: &'static str) -> tars::Result<T> {
        self.0.metrics.answered(method, code::SERVER_NO_FUNC, Duration::ZERO);
        let text = format!("{method} is not offered by this registry");
        Err(tars::Error::new(code::SERVER_NO_FUNC, text))
    }
}

/// One of the generated outputs with the two lists, which differ in their tags.
macro_rules! output {
    ($output:ident, $answer:expr) => {{
        let Answer { code, lists } = $answer;
        $output {
            ret: code,
            active_ep: lists.active.to_vec(),
            inactive_ep: lists.inactive.to_vec(),
        }
    }};
}

impl<S: Store> QueryF for QueryServant<S> {
    async fn find_object_by_id(&self, cx: &mut Context, id: String) -> tars::Result<Vec<EndpointF>> {
        self.find("findObjectById", (cx, &id), |found, _| found.all().active.to_vec())
    }

    async fn find_object_by_id4_any(
        &self,
        cx: &mut Context,
        id: String,
    ) -> tars::Result<QueryFFindObjectById4AnyOutput> {
        self.find("findObjectById4Any", (cx, &id), |found, _| {
            output!(QueryFFindObjectById4AnyOutput, Answer::from(found.all()))
        })
    }

    async fn find_object_by_id4_all(
        &self,
        cx: &mut Context,
        id: String,
    ) -> tars::Result<QueryFFindObjectById4AllOutput> {
        self.find("findObjectById4All", (cx, &id), |found, caller| {
            output!(QueryFFindObjectById4AllOutput, Answer::from(found.for_group(caller)))
        })
    }

    async fn find_object_by_id_in_same_group(
        &self,
        cx: &mut Context,
        id: String,
    ) -> tars::Result<QueryFFindObjectByIdInSameGroupOutput> {
        self.find("findObjectByIdInSameGroup", (cx, &id), |found, caller| {
            output!(
                QueryFFindObjectByIdInSameGroupOutput,
                Answer::from(found.for_group(caller))
            )
        })
    }

    async fn find_object_by_id_in_same_station(
        &self,
        cx: &mut Context,
        id: String,
        station: String,
    ) -> tars::Result<QueryFFindObjectByIdInSameStationOutput> {
        self.find("findObjectByIdInSameStation", (cx, &id), |found, _| {
            output!(QueryFFindObjectByIdInSameStationOutput, found.in_station(&station))
        })
    }

    async fn find_object_by_id_in_same_set(
        &self,
        cx: &mut Context,
        id: String,
        set: String,
    ) -> tars::Result<QueryFFindObjectByIdInSameSetOutput> {
        self.find("findObjectByIdInSameSet", (cx, &id), |found, caller| {
            output!(QueryFFindObjectByIdInSameSetOutput, found.in_set(&set, caller))
        })
    }

    async fn find_object_node_name(
        &self,
        cx: &mut Context,
        id: String,
    ) -> tars::Result<QueryFFindObjectNodeNameOutput> {
        self.find("findObjectNodeName", (cx, &id), |found, _| {
            QueryFFindObjectNodeNameOutput {
                ret: 0,
                node_name: found.nodes(),
            }
        })
    }

    async fn register_change(
        &self,
        _cx: &mut Context,
        _timestamp: BTreeMap<String, String>,
        _name: String,
    ) -> tars::Result<i32> {
        self.not_offered("registerChange")
    }

    async fn register_query(&self, _cx: &mut Context, _id: String, _name: String) -> tars::Result<i32> {
        self.not_offered("registerQuery")
    }

    async fn get_locker(&self, _cx: &mut Context, _req: GetMasterSlaveLock) -> tars::Result<i32> {
        self.not_offered("getLocker")
    }
}
