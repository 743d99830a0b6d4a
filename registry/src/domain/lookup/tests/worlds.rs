//! Random rows, few enough names that every rule is met.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::domain::lookup::{AdapterRow, GroupRows, PriorityRow, RegistryRow, RuleRow, ServerRow, World};

/// Servants that rows are about.
pub(super) const SERVANTS: [&str; 3] = ["A.S.Obj", "A.S.Two", "B.T.Obj"];

/// Names and addresses callers and endpoints have.
pub(super) const HOSTS: [&str; 8] = [
    "10.0.0.1", "10.0.0.2", "10.0.1.1", "10.0.1.2", "10.1.0.1", "host-a", "fd00::5", "10.0.0",
];

/// Sets that are asked for.
pub(super) const SETS: [&str; 14] = [
    "x.sz.1", "x.sz.2", "x.sz.*", "x.bj.1", "x.bj.*", "x.hz.1", "x.hz.*", "y.sz.1", "y.sz.*", "x.*.1", "*.sz.1",
    "x.sz", "x.sz.1.2", "x..1",
];

/// Stations that are asked for.
pub(super) const STATIONS: [&str; 4] = ["st1", "st2", "", "nowhere"];

/// One of these.
fn one<'a>(rng: &mut StdRng, of: &[&'a str]) -> &'a str {
    of.choose(rng).unwrap()
}

/// `usual`, now and then one of these.
fn mostly<'a>(rng: &mut StdRng, usual: &'a str, odds: f64, other: &[&'a str]) -> String {
    if rng.random_bool(odds) { one(rng, other) } else { usual }.to_owned()
}

pub(super) fn world(rng: &mut StdRng) -> World {
    let (has_sets, has_groups) = (rng.random_bool(0.6), rng.random_bool(0.6));
    let mut world = World {
        groups: groups(rng, has_groups),
        ..World::default()
    };
    for application in ["A", "B"] {
        for node in ["10.0.0.1", "n2", " n3", "n4"] {
            if rng.random_bool(0.6) {
                let server = if application == "A" { "S" } else { "T" };
                add_server(rng, &mut world, [application, server, node], (has_sets, has_groups));
            }
        }
    }
    if rng.random_bool(0.2) {
        world.adapters.push(AdapterRow {
            node: "gone".into(),
            ..adapter(rng, ["A", "S", "n2"])
        });
    }
    world
}

fn add_server(rng: &mut StdRng, world: &mut World, key: [&str; 3], (has_sets, has_groups): (bool, bool)) {
    let [application, server, node] = key;
    let row = ServerRow {
        application: application.into(),
        server: server.into(),
        node: node.into(),
        setting_state: mostly(rng, "active", 0.1, &["inactive", ""]),
        present_state: mostly(
            rng,
            "active",
            0.25,
            &["inactive", "activating", "deactivating", "destroyed", ""],
        ),
        flow_state: mostly(rng, "active", 0.1, &["inactive", ""]),
        bak_flag: if rng.random_bool(0.1) {
            rng.random_range(1..=2)
        } else {
            0
        },
        enable_set: mostly(rng, "N", if has_sets { 0.8 } else { 0.0 }, &["Y", "y"]),
        set: [
            mostly(rng, "x", 0.2, &["y", "*", ""]),
            mostly(rng, "sz", 0.3, &["bj", "*", ""]),
            mostly(rng, "1", 0.6, &["2", "*", ""]),
        ],
        enable_group: mostly(rng, "N", if has_groups { 0.7 } else { 0.0 }, &["Y", "y", ""]),
        ip_group: mostly(rng, "", 0.2, &["one", "two", "none"]),
    };
    world.servers.push(row);
    for _ in 0..rng.random_range(0..=3) {
        let adapter = adapter(rng, key);
        world.adapters.push(adapter);
    }
}

fn adapter(rng: &mut StdRng, [application, server, node]: [&str; 3]) -> AdapterRow {
    let application = if rng.random_bool(0.1) {
        format!("{} ", application.to_lowercase())
    } else {
        application.to_owned()
    };
    AdapterRow {
        application,
        server: server.into(),
        node: node.into(),
        servant: one(rng, &SERVANTS).into(),
        endpoint: endpoint(rng),
    }
}

fn endpoint(rng: &mut StdRng) -> String {
    if rng.random_bool(0.08) {
        let bad = [
            "",
            "tcp",
            "http -h a -p 1",
            "tcp -h a -p 0",
            "tcp -h a -p 70000",
            "tcp -h -p 1",
            "tcp -h a -p 1 x",
            "tcp -h a -p 1 -e 2",
            "tcp -h a -p 1 -w much",
            "tcp -h a -p 1:tcp -h b -p 2",
        ];
        return one(rng, &bad).to_owned();
    }
    let mut options = vec![format!("-p {}", rng.random_range(1..=2))];
    if rng.random_bool(0.97) {
        options.push(format!(
            "-h {}",
            mostly(rng, one(&mut rng.clone(), &HOSTS), 0.1, &["*", "[::1]"])
        ));
    }
    for more in [
        "-t 500", "-t 0", "-w 30", "-w -1", "-w 300", "-v 1", "-v 2", "-e 1", "-g 1", "-q 2", "-z", "-x 5",
    ] {
        if rng.random_bool(0.12) {
            let place = rng.random_range(0..=options.len());
            options.insert(place, more.to_owned());
        }
    }
    format!(
        "{} {}",
        mostly(rng, "tcp", 0.1, &["udp", "ssl"]),
        options.join(one(rng, &[" ", "  ", "\t"]))
    )
}

fn groups(rng: &mut StdRng, has_groups: bool) -> GroupRows {
    let addresses = [
        "10.0.0.1",
        "10.0.0.2",
        "10.0.0.*",
        "10.0.1.*",
        "host-a",
        "fd00::5",
        "",
        " 10.1.0.1 ",
        "host-a.*",
    ];
    let count = if has_groups { rng.random_range(1..=4) } else { 0 };
    let rules = (1..=count).map(|id| RuleRow {
        id,
        addresses: list(rng, &addresses, &["|"]),
        name: ["", "one", "two", "three", "four"][usize::try_from(id).unwrap()].to_owned(),
    });
    let rules = rules.collect();
    let priorities = (0..rng.random_range(0..=3)).map(|_| PriorityRow {
        groups: list(rng, &["1", "2", "3", "4", "-1", "x", ""], &["|", ",", ";"]),
        station: one(rng, &["st1", "st2", ""]).to_owned(),
    });
    let priorities = priorities.collect();
    let registries = (0..if rng.random_bool(0.3) {
        rng.random_range(1..=2)
    } else {
        0
    })
        .map(|_| RegistryRow {
            servant: one(rng, &SERVANTS).to_owned(),
            endpoint: endpoint(rng),
            present_state: mostly(rng, "active", 0.3, &["inactive", ""]),
            enable_group: mostly(rng, "N", 0.3, &["Y", "y", ""]),
        });
    let registries = registries.collect();
    GroupRows {
        rules,
        priorities,
        registries,
    }
}

fn list(rng: &mut StdRng, of: &[&str], between: &[&str]) -> String {
    let count = rng.random_range(1..=3);
    let members: Vec<&str> = (0..count).map(|_| one(rng, of)).collect();
    members.join(one(rng, between))
}
