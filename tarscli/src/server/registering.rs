//! The server as its registry knows it.

use anyhow::Context as _;
use tars::{
    Communicator, Registration,
    registration::{Adapter, Instance},
};

use super::info::ServerInfo;

/// Whose it is and which objects it serves, each with what its configuration says of it.
pub(crate) fn instance(info: &ServerInfo) -> anyhow::Result<Instance> {
    let conf = &info.conf;
    let mut instance = Instance::new(&conf.application, &conf.server);
    for adapter in &conf.adapters {
        let endpoint = adapter
            .endpoint
            .parse()
            .with_context(|| format!("endpoint of adapter `{}`", adapter.object))?;
        instance = instance.adapter(Adapter {
            protocol: adapter.protocol.clone(),
            max_connections: adapter.maxconns,
            threads: adapter.threads,
            queue_capacity: adapter.queuecap,
            queue_timeout: adapter.queuetimeout,
            ..Adapter::new(conf.servant(adapter), endpoint)
        });
    }
    Ok(instance)
}

/// Who finds objects of the framework: the server's locator and set.
pub(crate) fn communicator(info: &ServerInfo) -> anyhow::Result<Communicator> {
    let mut builder = Communicator::builder()
        .locator(&info.conf.locator)
        .context("the locator")?
        .node_name(&info.local_ip);
    if !info.conf.set_id.is_empty() {
        builder = builder.set_division(&info.conf.set_id).context("the set")?;
    }
    Ok(builder.build())
}

/// How it registers: at the registry of its locator, under its address.
pub(crate) fn registration(info: &ServerInfo) -> anyhow::Result<Registration> {
    let conf = &info.conf;
    let registration = Registration::with(&communicator(info)?)
        .node_name(&info.local_ip)
        .template(&conf.template_name)
        .server_type(&conf.server_type);
    if conf.set_id.is_empty() {
        Ok(registration)
    } else {
        registration.set_division(&conf.set_id).context("the set")
    }
}
