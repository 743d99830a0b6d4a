//! Garbage at every port of the registry, of a server and of the gateway, while honest clients call: nobody dies, nobody waits,
//! nothing leaks.
//!
//! The bytes come from seeds, so a run throws what the one before threw, as far as its time reaches. `TARS_HOSTILE_SECONDS=60` makes
//! it a minute.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures of a long run")]

mod attack;
mod corpus;
mod honest;
mod noise;
mod scene;
mod watch;

use std::time::Duration;

use crate::{attack::Siege, honest::Honest, scene::Scene, watch::Watch};

/// Hostile connections at a time, at each port.
const ATTACKERS: u64 = 4;

/// Connections that are opened at each port and say nothing.
const SILENT: usize = 32;

/// How long the garbage flies.
fn duration() -> Duration {
    let seconds = std::env::var("TARS_HOSTILE_SECONDS").map_or(5, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("TARS_HOSTILE_SECONDS={text} is no number of seconds"))
    });
    Duration::from_secs(seconds)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_at_every_port_hurts_nobody() {
    let mut scene = Scene::start().await;
    let honest = Honest::start(&scene);
    honest.all_have_called(100).await;
    let watch = Watch::start(&scene);

    let siege = Siege::lay(scene.ports(), duration()).await;
    let thrown = siege.ended().await;

    honest.all_have_called(100).await;
    let calls = honest.stop().await;
    let figures = watch.settled(&mut scene).await;
    println!("{thrown}\n{calls}\n{figures}");
    scene.ends_cleanly().await;
}
