//! `tars2rs`, the command line tool: the streams and the exit code of what the library does.

use std::io::Write as _;
use std::process::ExitCode;

/// A compiler allocates small things all the time: a fourth of the time of `check` goes with this allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let report = tars2rs::tool::run(std::env::args_os());
    complain(report.stderr());
    if let Err(error) = std::io::stdout().lock().write_all(report.stdout()) {
        // A reader that has seen enough, as `head` does, is no failure.
        if error.kind() != std::io::ErrorKind::BrokenPipe {
            complain(&format!("error: cannot write the answer: {error}\n"));
            return ExitCode::from(2);
        }
    }
    ExitCode::from(report.code())
}

fn complain(text: &str) {
    // Nobody is left to be told when this fails.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
