//! A server and a client made by the compiler, talking to each other.

use std::collections::BTreeMap;

use tars::protocol::{
    AdminF, AdminFClient, AdminFServer, EndpointF, GetMasterSlaveLock, QueryF, QueryFClient,
    QueryFFindObjectById4AllOutput, QueryFFindObjectById4AnyOutput, QueryFFindObjectByIdInSameGroupOutput,
    QueryFFindObjectByIdInSameSetOutput, QueryFFindObjectByIdInSameStationOutput, QueryFFindObjectNodeNameOutput,
    QueryFServer,
};
use tars::{Communicator, Context, Error, Result, Server, code};
use tokio::sync::watch;

use crate::common::{ANYWHERE, TestServer};

/// Administers nothing, but remembers that it was told to shut down.
struct Admin {
    shut_down: watch::Sender<bool>,
}

impl AdminF for Admin {
    async fn shutdown(&self, _: &mut Context) -> Result<()> {
        self.shut_down.send_replace(true);
        Ok(())
    }

    async fn notify(&self, cx: &mut Context, command: String) -> Result<String> {
        cx.set_response_context("command", command.as_str());
        tokio::task::yield_now().await;
        match command.as_str() {
            "fail" => Err(Error::new(1001, "told to fail")),
            _ => Ok(format!("done: {command}")),
        }
    }

    async fn get_pid(&self, _: &mut Context) -> Result<i64> {
        Ok(1 << 40)
    }
}

#[tokio::test]
async fn every_kind_of_operation_is_called_through_generated_code() {
    let shut_down = watch::Sender::new(false);
    let mut seen = shut_down.subscribe();
    let servant = AdminFServer::new(Admin { shut_down });
    let server = TestServer::of(Server::builder().adapter(ANYWHERE, "AdminObj", servant)).await;
    let admin: AdminFClient = Communicator::new()
        .client(&format!("AdminObj@{}", server.endpoints[0]))
        .unwrap();

    assert_eq!(
        admin.notify("tars.viewversion").await.unwrap(),
        "done: tars.viewversion"
    );
    let reply = admin.notify("help").with_reply().await.unwrap();
    assert_eq!(
        (reply.value.as_str(), &reply.context[&b"command"[..]]),
        ("done: help", &"help".into())
    );
    assert_eq!(admin.get_pid().await.unwrap(), 1 << 40);
    let error = admin.notify("fail").await.unwrap_err();
    assert_eq!((error.code(), error.message()), (1001, "told to fail"));
    admin.shutdown().one_way().await.unwrap();
    seen.wait_for(|shut_down| *shut_down).await.unwrap();
    admin.shutdown().await.unwrap();
    admin.proxy().ping().await.unwrap();
}

/// Knows one object.
#[derive(Debug)]
struct Registry;

fn known() -> EndpointF {
    EndpointF {
        host: "10.0.0.1".to_owned(),
        port: 18015,
        timeout: 60_000,
        istcp: 1,
        ..EndpointF::default()
    }
}

fn unused<T>() -> Result<T> {
    Err(Error::new(code::SERVER_NO_FUNC, "not needed here"))
}

impl QueryF for Registry {
    async fn find_object_by_id(&self, _: &mut Context, id: String) -> Result<Vec<EndpointF>> {
        Ok(if id == "A.B.C" { vec![known()] } else { Vec::new() })
    }

    async fn find_object_by_id4_any(&self, _: &mut Context, _: String) -> Result<QueryFFindObjectById4AnyOutput> {
        unused()
    }

    async fn find_object_by_id4_all(&self, _: &mut Context, id: String) -> Result<QueryFFindObjectById4AllOutput> {
        let endpoint = EndpointF {
            node_name: id,
            ..known()
        };
        Ok(QueryFFindObjectById4AllOutput {
            ret: 3,
            active_ep: vec![endpoint, known()],
            inactive_ep: vec![known()],
        })
    }

    async fn find_object_by_id_in_same_group(
        &self,
        _: &mut Context,
        _: String,
    ) -> Result<QueryFFindObjectByIdInSameGroupOutput> {
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

    async fn register_change(&self, _: &mut Context, _: BTreeMap<String, String>, name: String) -> Result<i32> {
        i32::try_from(name.len()).map_err(|_| Error::new(code::UNKNOWN, "a long name"))
    }

    async fn register_query(&self, _: &mut Context, _: String, _: String) -> Result<i32> {
        unused()
    }

    async fn get_locker(&self, _: &mut Context, request: GetMasterSlaveLock) -> Result<i32> {
        Ok(request.timeout)
    }
}

#[tokio::test]
async fn return_values_and_out_parameters_arrive_by_name() {
    let server =
        TestServer::of(Server::builder().adapter(ANYWHERE, "tars.tarsregistry.QueryObj", QueryFServer::new(Registry)))
            .await;
    let object = format!("tars.tarsregistry.QueryObj@{}", server.endpoints[0]);
    let query: QueryFClient = Communicator::new().client(&object).unwrap();
    assert_eq!(query.find_object_by_id("A.B.C").await.unwrap(), [known()]);
    let output = query.find_object_by_id4_all("node").await.unwrap();
    assert_eq!(
        (output.ret, output.active_ep.len(), output.inactive_ep),
        (3, 2, vec![known()])
    );
    assert_eq!(output.active_ep[0].node_name, "node");
    let lock = GetMasterSlaveLock {
        timeout: 7,
        ..GetMasterSlaveLock::default()
    };
    assert_eq!(query.get_locker(&lock).await.unwrap(), 7);
    assert_eq!(query.register_change(&BTreeMap::new(), "four").await.unwrap(), 4);
}

#[test]
fn the_codes_are_those_of_the_idl() {
    use tars::protocol as idl;
    let pairs = [
        (code::SUCCESS, idl::TARSSERVERSUCCESS),
        (code::SERVER_DECODE_ERR, idl::TARSSERVERDECODEERR),
        (code::SERVER_ENCODE_ERR, idl::TARSSERVERENCODEERR),
        (code::SERVER_NO_FUNC, idl::TARSSERVERNOFUNCERR),
        (code::SERVER_NO_SERVANT, idl::TARSSERVERNOSERVANTERR),
        (code::SERVER_RESET_GRID, idl::TARSSERVERRESETGRID),
        (code::SERVER_QUEUE_TIMEOUT, idl::TARSSERVERQUEUETIMEOUT),
        (code::INVOKE_TIMEOUT, idl::TARSINVOKETIMEOUT),
        (code::PROXY_CONNECT_ERR, idl::TARSPROXYCONNECTERR),
        (code::SERVER_OVERLOAD, idl::TARSSERVEROVERLOAD),
        (code::ADAPTER_NULL, idl::TARSADAPTERNULL),
        (code::INVOKE_BY_INVALID_SET, idl::TARSINVOKEBYINVALIDESET),
        (code::CLIENT_DECODE_ERR, idl::TARSCLIENTDECODEERR),
        (code::SEND_REQUEST_ERR, idl::TARSSENDREQUESTERR),
        (code::UNKNOWN, idl::TARSSERVERUNKNOWNERR),
    ];
    for (ours, idls) in pairs {
        assert_eq!(ours, idls);
    }
}
