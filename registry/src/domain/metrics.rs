//! Servers that offer metrics, grouped as a Prometheus target list.

use std::collections::BTreeMap;

use super::{Refusal, quoted};

/// A server with a metrics port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetricsInstance {
    /// Application.
    pub(crate) application: String,
    /// Server.
    pub(crate) server: String,
    /// Node: the target's host.
    pub(crate) node: String,
    /// `name.area.group`, empty outside any set.
    pub(crate) set: String,
    /// The target's port.
    pub(crate) port: i64,
}

/// Targets that share their labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetGroup {
    /// `host:port`, IPv6 hosts in brackets.
    pub(crate) targets: Vec<String>,
    /// `application`, `server`, `set`.
    pub(crate) labels: BTreeMap<String, String>,
}

/// Labels the answer is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter(BTreeMap<String, String>);

const LABELS: [&str; 3] = ["application", "server", "set"];

impl Filter {
    /// Checks the keys of a request's filter; a key nobody knows would otherwise silently select everything.
    pub(crate) fn from_request(filter: &BTreeMap<String, String>) -> Result<Self, Refusal> {
        if let Some(key) = filter.keys().find(|key| !LABELS.contains(&key.as_str())) {
            let known = LABELS.map(|label| format!("`{label}`")).join(", ");
            let reason = format!("has the key {}, expected {known}", quoted(key));
            return Err(Refusal::invalid("filter", reason));
        }
        Ok(Self(filter.clone()))
    }

    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}

/// Groups by application, server and set, in the order in which each is first seen.
pub(crate) fn group_targets(instances: Vec<MetricsInstance>, filter: &Filter) -> Vec<TargetGroup> {
    let mut groups: Vec<TargetGroup> = Vec::new();
    let mut places: BTreeMap<BTreeMap<String, String>, usize> = BTreeMap::new();
    for instance in instances {
        let target = target(&instance.node, instance.port);
        let values = [instance.application, instance.server, instance.set];
        let labels: BTreeMap<String, String> = LABELS.map(str::to_owned).into_iter().zip(values).collect();
        if !filter.matches(&labels) {
            continue;
        }
        let place = *places.entry(labels).or_insert_with_key(|labels| {
            groups.push(TargetGroup {
                targets: Vec::new(),
                labels: labels.clone(),
            });
            groups.len() - 1
        });
        groups[place].targets.push(target);
    }
    groups
}

fn target(host: &str, port: i64) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(server: &str, node: &str, set: &str) -> MetricsInstance {
        MetricsInstance {
            application: "A".into(),
            server: server.into(),
            node: node.into(),
            set: set.into(),
            port: 9325,
        }
    }

    fn filter(pairs: &[(&str, &str)]) -> Result<Filter, Refusal> {
        Filter::from_request(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    fn rows() -> Vec<MetricsInstance> {
        vec![
            instance("S", "10.0.0.1", ""),
            instance("T", "fd00::2", "a.b.c"),
            instance("S", "10.0.0.3", ""),
            instance("T", "10.0.0.4", ""),
        ]
    }

    #[test]
    fn groups_keep_the_order_of_first_sight_and_bracket_ipv6() {
        let targets: Vec<Vec<String>> = group_targets(rows(), &Filter::default())
            .into_iter()
            .map(|group| group.targets)
            .collect();
        assert_eq!(
            targets,
            [
                vec!["10.0.0.1:9325", "10.0.0.3:9325"],
                vec!["[fd00::2]:9325"],
                vec!["10.0.0.4:9325"]
            ]
        );
    }

    #[test]
    fn the_filter_narrows_by_label() {
        let count = |pairs: &[(&str, &str)]| group_targets(rows(), &filter(pairs).unwrap()).len();
        assert_eq!(count(&[("server", "T")]), 2);
        assert_eq!(count(&[("server", "T"), ("set", "a.b.c")]), 1);
        assert_eq!(count(&[("set", "")]), 2);
        assert_eq!(count(&[("application", "B")]), 0);
        assert_eq!(
            filter(&[("state", "active")]).unwrap_err().to_string(),
            "`filter` has the key `state`, expected `application`, `server`, `set`"
        );
    }
}
