//! How the server is started.

use std::{
    io,
    process::{Command, Stdio},
};

use crate::{cli, layout::Layout, process::Exit};

/// What follows `--`, or a shell with the start command, by default `bin/start.sh`.
pub(super) fn of(args: &cli::Supervisor, layout: &Layout) -> Command {
    if let [program, arguments @ ..] = args.server_command.as_slice() {
        let mut command = Command::new(program);
        command.args(arguments);
        return command;
    }
    let mut command = Command::new("sh");
    match args.start_path.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => command.args(["-c", text]),
        // Handed over beside the command: a path may hold anything.
        None => command.args(["-c", r#"exec "$0""#]).arg(layout.bin().join("start.sh")),
    };
    command
}

/// The server's environment is this program's, and what it learned.
pub(super) fn surround(command: &mut Command, layout: &Layout, worker_id: Option<u32>, processors: Option<u32>) {
    command.stdin(Stdio::null());
    // Given as a flag it would not reach a start script that calls `tarscli` again.
    command.env("TARS_PATH", layout.root());
    if let Some(number) = worker_id {
        command.env("TARS_WORKER_ID", number.to_string());
    }
    if let Some(count) = processors {
        command.env("GOMAXPROCS", count.to_string());
    }
}

/// The code a shell, and every init, gives a program that cannot be run.
pub(super) fn exit_of(error: &io::Error) -> Exit {
    match error.kind() {
        io::ErrorKind::NotFound => Exit::Code(127),
        _ => Exit::Code(126),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    fn supervisor(words: &[&str]) -> cli::Supervisor {
        let words = ["tarscli", "supervisor"].iter().chain(words);
        match Cli::try_parse_from(words).unwrap().command {
            cli::Command::Supervisor(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    fn words(command: &Command) -> Vec<String> {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn commands() {
        let layout = Layout::new("/a b");
        let of = |given: &[&str]| words(&of(&supervisor(given), &layout));
        assert_eq!(of(&[]), ["sh", "-c", r#"exec "$0""#, "/a b/bin/start.sh"]);
        assert_eq!(of(&["--start-path", "./run -x"]), ["sh", "-c", "./run -x"]);
        assert_eq!(of(&["--start-path", "./run", "--", "a", "-b c"]), ["a", "-b c"]);
    }

    #[test]
    fn codes_of_what_cannot_be_run() {
        let code = |kind| exit_of(&io::Error::from(kind)).code();
        assert_eq!(code(io::ErrorKind::NotFound), 127);
        assert_eq!(code(io::ErrorKind::PermissionDenied), 126);
    }
}
