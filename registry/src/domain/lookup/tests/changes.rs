//! What changes, and who left.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::domain::lookup::{AdapterRow, Catalog, Counts, DEPARTED_FOR, ServerName, ServerRow, World};
use crate::snapshot::{Caller, Lookups};

/// Tells a catalog of every server there may be, one after the other in any order.
pub(super) fn apply_by_server(rng: &mut StdRng, catalog: &mut Catalog, world: &World, now: Instant) {
    let mut names = [ServerName::new("a", "S"), ServerName::new("B", "t")];
    names.shuffle(rng);
    for name in names {
        let is_of = |application: &str, server: &str| ServerName::new(application, server) == name;
        let servers: Vec<ServerRow> = world
            .servers
            .iter()
            .filter(|row| is_of(&row.application, &row.server))
            .cloned()
            .collect();
        let adapters: Vec<AdapterRow> = world
            .adapters
            .iter()
            .filter(|row| is_of(&row.application, &row.server))
            .cloned()
            .collect();
        catalog.replace_servers(&[name], (&servers, &adapters), now);
    }
    catalog.replace_groups(&world.groups, now);
}

fn server(node: &str, state: &str) -> ServerRow {
    ServerRow {
        application: "A".into(),
        server: "S".into(),
        node: node.into(),
        setting_state: "active".into(),
        present_state: state.into(),
        ..ServerRow::default()
    }
}

fn in_set(row: ServerRow, group: &str) -> ServerRow {
    ServerRow {
        enable_set: "Y".into(),
        set: ["x".into(), "sz".into(), group.into()],
        ..row
    }
}

fn adapter(node: &str, endpoint: &str) -> AdapterRow {
    AdapterRow {
        application: "A".into(),
        server: "S".into(),
        node: node.into(),
        servant: "A.S.Obj".into(),
        endpoint: endpoint.into(),
    }
}

/// A catalog of one server, told of rows at moments.
struct Story {
    catalog: Catalog,
    begun: Instant,
}

impl Story {
    fn new() -> Self {
        Self {
            catalog: Catalog::default(),
            begun: Instant::now(),
        }
    }

    /// The rows so many seconds after the beginning.
    fn at(&mut self, seconds: u64, servers: &[ServerRow], adapters: &[AdapterRow]) -> &mut Self {
        let now = self.begun + Duration::from_secs(seconds);
        let name = ServerName::new("A", "S");
        self.catalog.forget_departed(now);
        self.catalog.replace_servers(&[name], (servers, adapters), now);
        self
    }

    /// Hosts of the active list, and of the inactive one.
    fn answer(&mut self, set: Option<&str>) -> String {
        let lookups = Lookups::serving(self.catalog.directory());
        let found = lookups.find("A.S.Obj", Caller::default()).unwrap();
        let lists = match set {
            None => found.all(),
            Some(set) => found.in_set(set, Caller::default()).lists,
        };
        let hosts = |list: &[tars::protocol::EndpointF]| -> Vec<String> {
            list.iter()
                .map(|endpoint| format!("{}:{}", endpoint.host, endpoint.port))
                .collect()
        };
        format!(
            "{} | {}",
            hosts(&lists.active).join(" "),
            hosts(&lists.inactive).join(" ")
        )
    }
}

#[test]
fn who_left_is_listed_as_inactive_for_two_minutes() {
    let (a, b) = (adapter("n1", "tcp -h a -p 1"), adapter("n2", "tcp -h b -p 1"));
    let both = [server("n1", "active"), server("n2", "active")];
    let mut story = Story::new();
    story.at(0, &both, &[a, b.clone()]);
    assert_eq!(story.answer(None), "a:1 b:1 | ");
    story.at(10, &both[1..], &[b]);
    assert_eq!(story.answer(None), "b:1 | a:1");
    // An address of the same server that moved has left too.
    story.at(20, &both[1..], &[adapter("n2", "tcp -h b -p 2")]);
    assert_eq!(story.answer(None), "b:2 | a:1 b:1");
    story.at(
        20 + DEPARTED_FOR.as_secs() - 1,
        &both[1..],
        &[adapter("n2", "tcp -h b -p 2")],
    );
    assert_eq!(story.answer(None), "b:2 | b:1");
    story.at(20 + DEPARTED_FOR.as_secs(), &[], &[]);
    assert_eq!(story.answer(None), " | b:2");
    story.at(20 + 2 * DEPARTED_FOR.as_secs(), &[], &[]);
    assert_eq!(story.answer(None), " | ");
    assert_eq!(story.catalog.directory().counts(), Counts::default());
}

#[test]
fn a_row_of_the_same_endpoint_goes_before_one_that_left() {
    let row = adapter("n1", "tcp -h a -p 1");
    let mut story = Story::new();
    story.at(0, &[server("n1", "active")], std::slice::from_ref(&row));
    story.at(1, &[], &[]);
    assert_eq!(story.answer(None), " | a:1");
    // Back under another node's name: listed once, and as what it is.
    story.at(2, &[server("n2", "active")], &[adapter("n2", "tcp -h a -p 1")]);
    assert_eq!(story.answer(None), "a:1 | ");
    // It stopped before it left: it is not remembered as more than that.
    story.at(3, &[server("n2", "inactive")], &[adapter("n2", "tcp -h a -p 1")]);
    assert_eq!(story.answer(None), " | a:1");
    // Another server's row of the same endpoint.
    story.at(4, &[], &[]);
    let name = ServerName::new("B", "T");
    let other = |row: ServerRow| ServerRow {
        application: "B".into(),
        server: "T".into(),
        ..row
    };
    let row = AdapterRow {
        application: "B".into(),
        server: "T".into(),
        ..row
    };
    let now = story.begun + Duration::from_secs(5);
    let rows = (&[other(server("n1", "active"))][..], &[row][..]);
    story.catalog.replace_servers(&[name], rows, now);
    assert_eq!(story.answer(None), "a:1 | ");
}

#[test]
fn who_left_keeps_nobody_from_those_that_stand_in() {
    let rows = [
        in_set(server("n1", "active"), "1"),
        in_set(server("n2", "active"), "*"),
        in_set(server("n3", "active"), "1"),
    ];
    let adapters = [
        adapter("n1", "tcp -h a -p 1"),
        adapter("n2", "tcp -h b -p 1"),
        adapter("n3", "tcp -h c -p 1"),
    ];
    let mut story = Story::new();
    story.at(0, &rows, &adapters);
    assert_eq!(story.answer(Some("x.sz.1")), "a:1 c:1 | ");
    story.at(1, &rows[..2], &adapters[..2]);
    assert_eq!(story.answer(Some("x.sz.1")), "a:1 | c:1");
    // Nobody of the group is left: the area's group for all serves, at once.
    story.at(2, &rows[1..2], &adapters[1..2]);
    assert_eq!(story.answer(Some("x.sz.1")), "b:1 | ");
    assert_eq!(story.answer(Some("x.sz.*")), "b:1 | a:1 c:1");
}

#[test]
fn only_so_many_are_remembered() {
    let mut story = Story::new();
    let server = [server("n1", "active")];
    for round in 0..3 {
        let adapters: Vec<AdapterRow> = (0..600)
            .map(|port| adapter("n1", &format!("tcp -h h{round} -p {}", port + 1)))
            .collect();
        story.at(round, &server, &adapters);
    }
    let counts = story.catalog.directory().counts();
    assert_eq!((counts.active, counts.inactive), (600, 1024));
}

#[test]
fn nothing_new_makes_nothing_new() {
    let mut story = Story::new();
    let (servers, adapters) = ([server("n1", "active")], [adapter("n1", "tcp -h a -p 1")]);
    story.at(0, &servers, &adapters);
    assert!(story.catalog.is_stale());
    story.catalog.directory();
    story.at(1, &servers, &adapters);
    assert!(!story.catalog.is_stale());
    story.at(2, &servers, &[adapter("n1", "tcp -h a")]);
    assert!(story.catalog.is_stale());
    assert_eq!(story.catalog.directory().counts().skipped, 1);
}
