//! What the processes hold while they are attacked, and afterwards.

use std::{fmt, time::Duration};

use tars_test_support::process::Process;
use tokio::{
    task::JoinHandle,
    time::{Instant, interval},
};
use tokio_util::sync::CancellationToken;

use crate::scene::Scene;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The most a process may hold at any moment, in KiB: a good handful of frames of the size that is allowed, each decoded.
const MOST_KIB: u64 = 384 * 1024;

/// What may stay when all is over, as a multiple of what there was before. The allocator gives nothing back by the page.
const STAYS: u64 = 6;

/// How long the processes may take to close what their peers closed.
const SETTLING: Duration = Duration::from_secs(30);

/// Looks at some processes.
pub(crate) struct Watch {
    before: Vec<Held>,
    stop: CancellationToken,
    peaks: JoinHandle<Vec<u64>>,
}

#[derive(Clone, Copy)]
struct Held {
    kib: u64,
    files: usize,
}

impl Held {
    fn by(process: &Process) -> Self {
        Self {
            kib: process.resident_kib(),
            files: process.open_files(),
        }
    }
}

impl Watch {
    pub(crate) fn start(scene: &Scene) -> Self {
        let before = scene.processes().map(|(_, process)| Held::by(process)).collect();
        let ids: Vec<_> = scene.processes().map(|(_, process)| process.id()).collect();
        let stop = CancellationToken::new();
        let peaks = tokio::spawn(peaks(ids, stop.clone()));
        Self { before, stop, peaks }
    }

    /// Waits until all files of the siege are closed; what the processes held at most, and hold now, must be bounded.
    pub(crate) async fn settled(self, scene: &mut Scene) -> Figures {
        self.stop.cancel();
        let peaks = self.peaks.await.unwrap();
        scene.all_run();
        let mut figures = Figures(Vec::new());
        for (((name, process), before), peak) in scene.processes().zip(self.before).zip(peaks) {
            let after = files_closed(name, process, before.files).await;
            let figure = Figure {
                name,
                before,
                peak,
                after,
                lines: process.printed(),
            };
            println!("{figure}");
            assert!(peak < MOST_KIB, "{figure}");
            assert!(after.kib < before.kib * STAYS, "{figure}");
            figures.0.push(figure);
        }
        figures
    }
}

/// The most that each process was seen to hold, in KiB.
async fn peaks(ids: Vec<u32>, stop: CancellationToken) -> Vec<u64> {
    let mut peaks = vec![0; ids.len()];
    let mut look = interval(LOOK);
    while stop.run_until_cancelled(look.tick()).await.is_some() {
        for (peak, id) in peaks.iter_mut().zip(&ids) {
            *peak = tars_test_support::process::resident_kib(*id).unwrap_or(0).max(*peak);
        }
    }
    peaks
}

async fn files_closed(name: &str, process: &Process, before: usize) -> Held {
    let end = Instant::now() + SETTLING;
    let mut look = interval(LOOK);
    loop {
        let now = Held::by(process);
        if now.files <= before {
            return now;
        }
        assert!(
            Instant::now() < end,
            "{name} had {before} files open before the siege and has {} after it",
            now.files
        );
        look.tick().await;
    }
}

/// What the processes held.
pub(crate) struct Figures(Vec<Figure>);

struct Figure {
    name: &'static str,
    before: Held,
    peak: u64,
    after: Held,
    lines: usize,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|figure| writeln!(f, "{figure}"))
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            before,
            peak,
            after,
            lines,
        } = self;
        write!(
            f,
            "{name}: {} KiB before, {peak} KiB at most, {} KiB after; {} files open before, {} after; {lines} lines of log",
            before.kib, after.kib, before.files, after.files
        )
    }
}
