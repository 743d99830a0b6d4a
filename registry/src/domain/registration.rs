//! A registration: `onStartup`'s request, checked.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::worker::WorkerWish;
use super::{Adapter, InstanceKey, Life, Refusal, State, name, quoted, same_key};
use tars::protocol::OnStartupReq;

const MAX_ADAPTERS: usize = 64;
const VERSION_WIDTH: usize = 128;
const TEMPLATE_WIDTH: usize = 128;

/// Everything an instance says about itself when it starts. Kept as its registration document too, from which the rows
/// can be made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registration {
    /// Who.
    pub(crate) key: InstanceKey,
    /// Set division, if it belongs to one.
    pub(crate) set: Option<SetDivision>,
    /// Its servants, no two with the same name.
    pub(crate) adapters: Vec<Adapter>,
    /// Registered, but clients are not to be sent to it.
    pub(crate) disable_flow: bool,
    /// State it starts in.
    pub(crate) state: State,
    /// Version of the server's program, may be empty.
    pub(crate) version: String,
    /// Profile template; `None` keeps what is stored.
    pub(crate) template: Option<String>,
    /// Kind of server; `None` keeps what is stored.
    pub(crate) server_type: Option<ServerType>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) life: Option<Life>,
    /// Only in the document of an instance that a clean removed.
    #[serde(default, skip_serializing)]
    pub(crate) kept: Kept,
    /// The worker id it asks for; not in a document.
    #[serde(skip)]
    pub(crate) worker: WorkerWish,
}

/// What a server's row holds beyond its registration (from other methods, from the console). A clean keeps it with the
/// registration document, so that the same row can be made again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// `template_name`.
    pub(crate) template: Option<String>,
    /// `server_type`: what was read is written back as it is.
    pub(crate) server_type: Option<String>,
    /// `metrics_port`.
    pub(crate) metrics_port: Option<i64>,
}

impl Kept {
    /// A registration document with this in it. What it says besides stays, also what only a later version knows.
    /// `None` when it is no document.
    pub(crate) fn add_to(&self, document: &str) -> Option<String> {
        let mut document: serde_json::Value = serde_json::from_str(document).ok()?;
        let kept = serde_json::to_value(self).ok()?;
        document.as_object_mut()?.insert("kept".to_owned(), kept);
        Some(document.to_string())
    }
}

/// Name, area and group of a set, as `gray.sz.1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SetDivision {
    /// At most 16 characters.
    pub(crate) name: String,
    /// At most 16 characters.
    pub(crate) area: String,
    /// At most 64 characters; `*` serves every group of the area.
    pub(crate) group: String,
}

/// What `t_server_conf.server_type` may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ServerType {
    /// C++, and what the column has no word for (Rust).
    TarsCpp,
    /// Not a Tars server.
    NotTars,
    /// Java.
    TarsJava,
    /// Node.js.
    TarsNodejs,
    /// PHP.
    TarsPhp,
    /// Go.
    TarsGo,
}

/// Words of a request, the kind stored for each. The column is an enum of `db_tars` that we do not widen: other
/// registries on the same database would not know the value.
const SERVER_TYPES: [(&str, ServerType); 7] = [
    ("tars_cpp", ServerType::TarsCpp),
    ("not_tars", ServerType::NotTars),
    ("tars_java", ServerType::TarsJava),
    ("tars_nodejs", ServerType::TarsNodejs),
    ("tars_php", ServerType::TarsPhp),
    ("tars_go", ServerType::TarsGo),
    ("tars_rust", ServerType::TarsCpp),
];

impl ServerType {
    /// The word stored.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TarsCpp => "tars_cpp",
            Self::NotTars => "not_tars",
            Self::TarsJava => "tars_java",
            Self::TarsNodejs => "tars_nodejs",
            Self::TarsPhp => "tars_php",
            Self::TarsGo => "tars_go",
        }
    }

    fn from_request(word: &str) -> Result<Option<Self>, Refusal> {
        if word.is_empty() {
            return Ok(None);
        }
        let known = SERVER_TYPES.iter().find(|(known, _)| *known == word);
        known.map(|(_, kind)| Some(*kind)).ok_or_else(|| {
            let known = SERVER_TYPES.map(|(known, _)| format!("`{known}`")).join(", ");
            Refusal::invalid("serverType", format!("is {}, expected one of {known}", quoted(word)))
        })
    }
}

impl SetDivision {
    fn from_request(id: &str) -> Result<Option<Self>, Refusal> {
        if id.is_empty() {
            return Ok(None);
        }
        // One part more than a set has tells that there are too many.
        let parts: Vec<&str> = id.splitn(4, '.').collect();
        let [set, area, group] = parts[..] else {
            return Err(Refusal::invalid(
                "setID",
                format!("is {}, expected `name.area.group`", quoted(id)),
            ));
        };
        if set == "*" || area == "*" {
            return Err(Refusal::invalid("setID", "may have `*` only as its group"));
        }
        Ok(Some(Self {
            name: name::name("setID (name)", set, 16)?,
            area: name::name("setID (area)", area, 16)?,
            group: name::name("setID (group)", group, 64)?,
        }))
    }
}

impl Registration {
    /// Checks a request. The first field that is wrong is named in the refusal.
    pub(crate) fn from_request(req: &OnStartupReq) -> Result<Self, Refusal> {
        let key = name::instance(&req.node_name, &req.application, &req.server)?;
        // `A.B` + `C` and `A` + `B.C` would own the same servants and configuration files.
        for (field, value) in [("application", &key.application), ("server", &key.server)] {
            if value.contains('.') {
                return Err(Refusal::invalid(field, "contains a dot"));
            }
        }
        let template = name::optional_name("templateName", &req.template_name, TEMPLATE_WIDTH)?;
        Ok(Self {
            set: SetDivision::from_request(&req.set_id)?,
            adapters: adapters(req, &key)?,
            disable_flow: req.disable_flow,
            state: State::from_request("State", &req.state)?,
            version: name::text("Version", &req.version, VERSION_WIDTH)?,
            template: (!template.is_empty()).then_some(template),
            server_type: ServerType::from_request(&req.server_type)?,
            life: None,
            kept: Kept::default(),
            worker: WorkerWish::Unwanted,
            key,
        })
    }
}

impl Registration {
    /// The first endpoint that is not at the node: the field and the host. Without a host, or with that of every address,
    /// it leads nowhere else.
    pub(crate) fn foreign_host(&self, caller: Option<IpAddr>) -> Option<(String, String)> {
        let is_own = |host: &str| match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(address) => {
                let node = self.key.node.parse::<IpAddr>().map(|node| node.to_canonical());
                address.is_unspecified() || caller == Some(address) || node == Ok(address)
            }
            Err(_) => host.is_empty() || host == "*" || host.eq_ignore_ascii_case(&self.key.node),
        };
        let foreign = |adapter: &Adapter| adapter.hosts().into_iter().find(|host| !is_own(host));
        let mut hosts = self.adapters.iter().map(foreign).enumerate();
        hosts.find_map(|(index, host)| Some((format!("adapters[{index}].endpoint"), host?)))
    }
}

fn adapters(req: &OnStartupReq, key: &InstanceKey) -> Result<Vec<Adapter>, Refusal> {
    if req.adapters.len() > MAX_ADAPTERS {
        let reason = format!("has {} entries, {MAX_ADAPTERS} are allowed", req.adapters.len());
        return Err(Refusal::invalid("adapters", reason));
    }
    let mut adapters: Vec<Adapter> = Vec::with_capacity(req.adapters.len());
    for (index, conf) in req.adapters.iter().enumerate() {
        let field = format!("adapters[{index}]");
        let adapter = Adapter::from_request(conf, &field, key)?;
        if adapters.iter().any(|other| same_key(&other.servant, &adapter.servant)) {
            return Err(Refusal::invalid(
                format!("{field}.servant"),
                format!("{} is there twice", quoted(&adapter.servant)),
            ));
        }
        adapters.push(adapter);
    }
    Ok(adapters)
}
