//! The rules of `QueryF` read a second time: straight over the rows, one rule after the other, nothing kept, nothing
//! shared with the code that answers, not even the reading of an endpoint.

use std::collections::BTreeMap;

use tars::protocol::EndpointF;

use crate::domain::lookup::{AdapterRow, PriorityRow, ServerRow, World};

/// Code, active, inactive.
pub(super) type Answer = (i32, Vec<EndpointF>, Vec<EndpointF>);

/// How often each rule decided something.
pub(super) type Hits = BTreeMap<&'static str, usize>;

/// Every rule that [`Model`] counts.
pub(super) const RULES: [&str; 31] = [
    "adapter of no server",
    "backup",
    "caller of no group",
    "caller of own group",
    "caller of stand-ins",
    "caller of others' groups",
    "caller served by the ungrouped",
    "duplicate",
    "flow off",
    "group by exact address",
    "group by name",
    "group by network",
    "inactive answer",
    "key in another case",
    "later rule",
    "present state",
    "registry row",
    "set exact",
    "set exact and dead",
    "set invalid",
    "set nobody",
    "set of another name",
    "set of no set",
    "set wildcard group",
    "set wildcard group asked for and nobody",
    "set whole area",
    "setting state",
    "skipped row",
    "station",
    "station unknown",
    "weight by load",
];

/// The rules about one servant.
pub(super) struct Model<'a> {
    world: &'a World,
    /// Its rows.
    lines: Vec<Line>,
    pub(super) hits: Hits,
}

/// A row that can be told to somebody.
#[derive(Clone)]
struct Line {
    told: EndpointF,
    alive: bool,
    from_registry: bool,
    /// Name, area, group, if the set can be asked for.
    set: Option<[String; 3]>,
}

impl<'a> Model<'a> {
    pub(super) fn new(world: &'a World, id: &str) -> Self {
        let (lines, hits) = (Vec::new(), Hits::new());
        let mut model = Self { world, lines, hits };
        model.lines = model.lines(id);
        model
    }

    pub(super) fn any(&mut self) -> Answer {
        self.answer(self.lines.clone())
    }

    pub(super) fn in_group(&mut self, caller: &str) -> Answer {
        let lines = self.lines.clone();
        let group = self.group_of(caller);
        if lines.is_empty() {
            return self.answer(lines);
        }
        if group == -1 {
            self.hit("caller of no group");
            return self.answer(lines);
        }
        let works = |wanted: &dyn Fn(i32) -> bool| -> Vec<Line> {
            lines
                .iter()
                .filter(|line| wanted(line.told.groupworkid))
                .cloned()
                .collect()
        };
        let has_life = |lines: &[Line]| lines.iter().any(|line| line.alive);
        let own = works(&|id| id == group);
        if has_life(&own) {
            self.hit("caller of own group");
            return self.answer(own);
        }
        for row in &self.world.groups.priorities {
            let ids = ids_of(row);
            let stand_ins = works(&|id| ids.contains(&id));
            if ids.contains(&group) && has_life(&stand_ins) {
                self.hit("caller of stand-ins");
                return self.answer(stand_ins);
            }
        }
        let open = works(&|id| id == -1);
        if has_life(&open) {
            self.hit("caller served by the ungrouped");
            return self.answer(open);
        }
        self.hit("caller of others' groups");
        self.answer(lines)
    }

    pub(super) fn in_station(&mut self, station: &str) -> Answer {
        let Some(row) = self.world.groups.priorities.iter().find(|row| row.station == station) else {
            self.hit("station unknown");
            return (-1, Vec::new(), Vec::new());
        };
        let ids = ids_of(row);
        let mut lines = self.lines.clone();
        lines.retain(|line| ids.contains(&line.told.grouprealid));
        if !lines.is_empty() {
            self.hit("station");
        }
        self.answer(lines)
    }

    pub(super) fn in_set(&mut self, set: &str, caller: &str) -> Answer {
        let nobody = (-1, Vec::new(), Vec::new());
        let parts: Vec<&str> = set.split('.').collect();
        if parts.len() != 3 || parts.contains(&"") || parts[0] == "*" || parts[1] == "*" {
            self.hit("set invalid");
            return nobody;
        }
        let lines = self.lines.clone();
        let members: Vec<Line> = lines.into_iter().filter(|line| line.set.is_some()).collect();
        if members.is_empty() {
            self.hit("set of no set");
            return self.in_group(caller);
        }
        let part = |line: &Line, place: usize| line.set.clone().unwrap_or_default()[place].clone();
        if members.iter().all(|line| part(line, 0) != parts[0]) {
            self.hit("set of another name");
            return self.in_group(caller);
        }
        let area: Vec<Line> = members
            .into_iter()
            .filter(|line| part(line, 0) == parts[0] && part(line, 1) == parts[1])
            .collect();
        if parts[2] == "*" {
            self.hit(if area.is_empty() {
                "set wildcard group asked for and nobody"
            } else {
                "set whole area"
            });
            return if area.is_empty() { nobody } else { self.answer(area) };
        }
        let exact: Vec<Line> = area.iter().filter(|line| part(line, 2) == parts[2]).cloned().collect();
        if !exact.is_empty() {
            let alive = exact.iter().any(|line| line.alive);
            self.hit(if alive { "set exact" } else { "set exact and dead" });
            return self.answer(exact);
        }
        let wildcard: Vec<Line> = area.into_iter().filter(|line| part(line, 2) == "*").collect();
        if wildcard.is_empty() {
            self.hit("set nobody");
            return nobody;
        }
        self.hit("set wildcard group");
        self.answer(wildcard)
    }

    pub(super) fn nodes(&mut self) -> Vec<String> {
        let (_, active, _) = self.any();
        let mut nodes: Vec<String> = active.into_iter().map(|told| told.node_name).collect();
        nodes.retain(|node| !node.is_empty());
        nodes.sort();
        nodes.dedup();
        nodes
    }

    /// Of each endpoint the best line: living, then of an adapter, then the first in order.
    fn answer(&mut self, lines: Vec<Line>) -> Answer {
        let place = |line: &Line| (line.told.host.clone(), line.told.port, line.told.istcp);
        let worth = |line: &Line| (!line.alive, line.from_registry, order(&line.told));
        let mut best: BTreeMap<_, Line> = BTreeMap::new();
        for line in lines {
            match best.get(&place(&line)) {
                Some(other) if worth(other) <= worth(&line) => self.hit("duplicate"),
                Some(_) => {
                    self.hit("duplicate");
                    best.insert(place(&line), line);
                }
                None => drop(best.insert(place(&line), line)),
            }
        }
        let list = |alive: bool| {
            let lines = best.values().filter(|line| line.alive == alive);
            let mut told: Vec<EndpointF> = lines.map(|line| line.told.clone()).collect();
            told.sort_by_cached_key(order);
            told
        };
        let inactive = list(false);
        if !inactive.is_empty() {
            self.hit("inactive answer");
        }
        (0, list(true), inactive)
    }

    fn lines(&mut self, id: &str) -> Vec<Line> {
        let mut lines = Vec::new();
        for adapter in &self.world.adapters {
            let Some(server) = self.world.servers.iter().find(|server| same_server(server, adapter)) else {
                self.hit("adapter of no server");
                continue;
            };
            if adapter.servant != id {
                continue;
            }
            if server.bak_flag == 1 {
                self.hit("backup");
                continue;
            }
            let Some(told) = endpoint(&adapter.endpoint) else {
                self.hit("skipped row");
                continue;
            };
            if server.application != adapter.application {
                self.hit("key in another case");
            }
            lines.push(self.line_of(server, told));
        }
        for row in self.world.groups.registries.iter().filter(|row| row.servant == id) {
            let Some(told) = endpoint(&row.endpoint) else {
                self.hit("skipped row");
                continue;
            };
            self.hit("registry row");
            let alive = row.present_state == "active";
            let works = row.enable_group == "y" || row.enable_group == "Y";
            let told = self.grouped(told, "", works);
            lines.push(self.weighed(Line {
                told,
                alive,
                from_registry: true,
                set: None,
            }));
        }
        lines
    }

    fn line_of(&mut self, server: &ServerRow, mut told: EndpointF) -> Line {
        let states = [
            ("setting state", server.setting_state == "active"),
            ("present state", server.present_state == "active"),
            ("flow off", server.flow_state != "inactive"),
        ];
        for (rule, _) in states.iter().filter(|(_, serves)| !serves) {
            self.hit(rule);
        }
        server.node.trim().clone_into(&mut told.node_name);
        told.bak_flag = server.bak_flag.try_into().unwrap();
        let in_set = server.enable_set == "y" || server.enable_set == "Y";
        let [name, area, group] = &server.set;
        if in_set {
            told.set_id = format!("{name}.{area}.{group}");
        }
        let listed = in_set && !name.is_empty() && !area.is_empty() && !group.is_empty() && name != "*" && area != "*";
        let works = server.enable_group == "y" || server.enable_group == "Y";
        let told = self.grouped(told, &server.ip_group, works);
        self.weighed(Line {
            told,
            alive: states.iter().all(|(_, serves)| *serves),
            from_registry: false,
            set: listed.then(|| server.set.clone()),
        })
    }

    fn grouped(&mut self, mut told: EndpointF, name: &str, works: bool) -> EndpointF {
        told.grouprealid = if name.is_empty() {
            self.group_of(&told.host)
        } else {
            self.hit("group by name");
            let mut rules = self.world.groups.rules.iter();
            rules
                .find(|rule| rule.name == name)
                .map_or(-1, |rule| i32::try_from(rule.id).unwrap())
        };
        told.groupworkid = if works { told.grouprealid } else { -1 };
        told
    }

    fn weighed(&mut self, mut line: Line) -> Line {
        if line.alive && line.told.weight_type == 2 {
            self.hit("weight by load");
            line.told.weight_type = 0;
        }
        line
    }

    fn group_of(&mut self, host: &str) -> i32 {
        let mut found = None;
        for rule in &self.world.groups.rules {
            if rule.addresses.split('|').any(|address| address.trim() == host) {
                if found.is_some() {
                    *self.hits.entry("later rule").or_default() += 1;
                }
                found = Some(rule.id);
            }
        }
        if let Some(id) = found {
            self.hit("group by exact address");
            return id.try_into().unwrap();
        }
        let numbers: Vec<&str> = host.split('.').collect();
        if numbers.len() != 4 || numbers.iter().any(|number| number.parse::<u8>().is_err()) {
            return -1;
        }
        let network = format!("{}.{}.{}.*", numbers[0], numbers[1], numbers[2]);
        let rules = self.world.groups.rules.iter().rev();
        let mut rules = rules.filter(|rule| rule.addresses.split('|').any(|address| address.trim() == network));
        let Some(rule) = rules.next() else { return -1 };
        let id = rule.id;
        self.hit("group by network");
        id.try_into().unwrap()
    }

    fn hit(&mut self, rule: &'static str) {
        *self.hits.entry(rule).or_default() += 1;
    }
}

fn same_server(server: &ServerRow, adapter: &AdapterRow) -> bool {
    let same = |a: &str, b: &str| a.trim_end().eq_ignore_ascii_case(b.trim_end());
    same(&server.application, &adapter.application)
        && same(&server.server, &adapter.server)
        && same(&server.node, &adapter.node)
}

fn ids_of(row: &PriorityRow) -> Vec<i32> {
    let spaced = row.groups.replace(['|', ',', ';'], " ");
    spaced.split(' ').filter_map(|id| id.parse().ok()).collect()
}

type Order = (
    (String, i32, i32, i32, i32),
    (i32, i32, i32, i32),
    (i32, i32, String, i32, String),
);

/// The members of the key in their order, then the others.
fn order(told: &EndpointF) -> Order {
    let t = told.clone();
    (
        (t.host, t.port, t.timeout, t.istcp, t.grid),
        (t.qos, t.weight, t.weight_type, t.auth_type),
        (t.groupworkid, t.grouprealid, t.set_id, t.bak_flag, t.node_name),
    )
}

fn endpoint(text: &str) -> Option<EndpointF> {
    let words: Vec<&str> = text.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
    let (protocol, rest) = words.split_first()?;
    let istcp = ["udp", "tcp", "ssl"].iter().position(|known| known == protocol)?;
    let mut options: Vec<(&str, &str)> = Vec::new();
    let mut at = 0;
    while at < rest.len() {
        if rest[at].len() != 2 || !rest[at].starts_with('-') {
            return None;
        }
        let next = rest.get(at + 1).copied().unwrap_or("-");
        let is_option = next.starts_with('-') && next[1..].parse::<u32>().is_err();
        options.push((rest[at], if is_option { "" } else { next }));
        at += if is_option { 1 } else { 2 };
    }
    for (option, value) in &options {
        let number = value.parse::<i32>();
        let is_right = match *option {
            "-h" => !value.is_empty() && *value != "[]",
            "-p" => number.is_ok_and(|port| (0..=65535).contains(&port)),
            "-e" => number.is_ok_and(|auth| auth == 0 || auth == 1),
            "-t" | "-w" | "-v" | "-g" | "-q" => number.is_ok(),
            _ => true,
        };
        if !is_right {
            return None;
        }
    }
    let last = |name: &str| {
        options
            .iter()
            .rev()
            .find(|(option, _)| *option == name)
            .map(|(_, value)| *value)
    };
    let number = |name: &str, default: i32| last(name).map_or(default, |value| value.parse().unwrap());
    let host = match last("-h") {
        None | Some("*") => "0.0.0.0",
        Some(host) => host.trim_start_matches('[').trim_end_matches(']'),
    };
    let (timeout, weight, weight_type) = (number("-t", 3000), number("-w", -1).max(-1), number("-v", 0));
    let told = EndpointF {
        host: host.to_owned(),
        port: number("-p", 0),
        timeout: if timeout > 0 { timeout } else { 3000 },
        istcp: i32::try_from(istcp).unwrap(),
        weight: match (weight_type, weight) {
            (0, weight) => weight,
            (_, -1) => 100,
            (_, weight) => weight.min(100),
        },
        weight_type,
        auth_type: number("-e", 0),
        ..EndpointF::default()
    };
    (told.port != 0).then_some(told)
}
