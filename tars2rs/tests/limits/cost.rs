//! What a run of the tool costs, whatever else the machine is doing.

use std::fs;
use std::path::Path;
use std::time::Duration;

use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Processor time, and the most memory held at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    pub(crate) bytes: usize,
}

/// Runs the tool in this process, in a directory where `a.tars` has the text.
pub(crate) fn of(command: &[&str], dir: &Path, text: &str) -> Cost {
    fs::write(dir.join("a.tars"), text).unwrap();
    let at_home = |word: &&str| match *word {
        "a.tars" | "out" => dir.join(word).into_os_string(),
        word => word.into(),
    };
    let args = std::iter::once("tars2rs".into()).chain(command.iter().map(at_home));
    let (start, held) = (processor_time(), ALLOCATOR.current_usage());
    ALLOCATOR.reset_peak_usage();
    let report = tars2rs::tool::run(args);
    let bytes = ALLOCATOR.peak_usage().saturating_sub(held);
    assert!(report.code() < 2, "{}", report.stderr());
    Cost {
        time: processor_time().saturating_sub(start),
        bytes,
    }
}

fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(now).unwrap()
}
