//! What is answered is what the model says, in ten thousand random worlds.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::model::{self, Hits, Model, RULES};
use super::worlds::{self, HOSTS, SERVANTS, SETS, STATIONS};
use crate::domain::lookup::{Answer, Catalog, Lists, World};
use crate::snapshot::{Caller, Lookups};

const WORLDS: usize = 10_000;

fn flat(answer: impl Into<Answer>) -> model::Answer {
    let Answer {
        code,
        lists: Lists { active, inactive },
    } = answer.into();
    (code, active.to_vec(), inactive.to_vec())
}

/// A caller of that name: by its context, or by its address if it has one.
fn caller<'a>(rng: &mut StdRng, name: &'a str) -> Caller<'a> {
    let address: Option<IpAddr> = name.parse().ok();
    match (rng.random_range(0..3), address) {
        (0, Some(address)) => Caller {
            peer: Some(address),
            ..Caller::default()
        },
        (1, Some(IpAddr::V4(address))) => Caller {
            node: Some(""),
            peer: Some(address.to_ipv6_mapped().into()),
            local: None,
        },
        _ => Caller {
            node: Some(name),
            peer: "10.0.0.1".parse().ok(),
            local: None,
        },
    }
}

/// Asks for everything and compares. -> the rules that decided
fn check(rng: &mut StdRng, world: &World, lookups: &Lookups) -> BTreeSet<&'static str> {
    let mut rules = BTreeSet::new();
    for id in SERVANTS.into_iter().chain(["A.S.Nobody"]) {
        let mut model = Model::new(world, id);
        let name = HOSTS.choose(rng).unwrap();
        let caller = caller(rng, name);
        let found = lookups.find(id, caller).unwrap();
        let what = |method: &str| format!("{method}({id}) of {name} in {world:#?}");
        assert_eq!(flat(found.all()), model.any(), "{}", what("any"));
        assert_eq!(flat(found.for_group(caller)), model.in_group(name), "{}", what("group"));
        assert_eq!(found.nodes(), model.nodes(), "{}", what("nodes"));
        for set in SETS.choose_multiple(rng, 3) {
            let answer = flat(found.in_set(set, caller));
            assert_eq!(answer, model.in_set(set, name), "{}", what(set));
        }
        let station = STATIONS.choose(rng).unwrap();
        let answer = flat(found.in_station(station));
        assert_eq!(answer, model.in_station(station), "{}", what(station));
        rules.extend(model.hits.into_keys());
    }
    rules
}

#[test]
fn lookups_say_what_the_model_says() {
    let mut rng = StdRng::seed_from_u64(20_260_801);
    let mut worlds_with = Hits::new();
    for _ in 0..WORLDS {
        let world = worlds::world(&mut rng);
        let mut catalog = Catalog::default();
        catalog.replace_all(&world, Instant::now());
        let lookups = Lookups::serving(catalog.directory());
        for rule in check(&mut rng, &world, &lookups) {
            *worlds_with.entry(rule).or_default() += 1;
        }
    }
    for rule in RULES {
        let count = worlds_with.remove(rule).unwrap_or(0);
        assert!(count >= WORLDS / 100, "{rule}: {count} of {WORLDS} worlds");
    }
    assert_eq!(worlds_with, Hits::new(), "a rule is counted that is not in the list");
}

/// The order in which changes are heard of makes no difference, once those who left are forgotten.
#[test]
fn one_change_after_the_other_ends_where_one_load_ends() {
    let mut rng = StdRng::seed_from_u64(20_260_802);
    let mut now = Instant::now();
    let mut catalog = Catalog::default();
    for _ in 0..500 {
        let world = worlds::world(&mut rng);
        super::changes::apply_by_server(&mut rng, &mut catalog, &world, now);
        now += crate::domain::lookup::DEPARTED_FOR;
        catalog.forget_departed(now);
        let lookups = Lookups::serving(catalog.directory());
        check(&mut rng, &world, &lookups);
    }
}
