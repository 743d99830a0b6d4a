//! How the server is started.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read as _},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustix::{
    fs::{Access, access},
    io::Errno,
};

use crate::{cli, layout::Layout, process::Exit};

/// Where a shell is in every system.
const SHELL: &str = "/bin/sh";

/// The first bytes of machine code.
const ELF: [u8; 4] = *b"\x7fELF";

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

/// Runs the command by `start`. A file that the kernel cannot run is a script without `#!` and is given to the shell, as
/// `execvp` does; a program for another machine is none.
pub(super) fn run<T>(command: &mut Command, start: impl Fn(&mut Command) -> io::Result<T>) -> io::Result<T> {
    let error = match start(command) {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::NOEXEC) => error,
        started => return started,
    };
    let Some(script) = find(command.get_program()).filter(|file| !is_program(file)) else {
        return Err(error);
    };
    let mut shell = Command::new(SHELL);
    shell.arg(script).args(command.get_args());
    // Where there is no shell, the first error says more.
    start(&mut shell).map_err(|_| error)
}

/// The file of a program's name.
fn find(program: &OsStr) -> Option<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return Some(program.into());
    }
    let path = std::env::var_os("PATH")?;
    let is_runnable = |file: &PathBuf| access(file, Access::EXEC_OK).is_ok() && file.is_file();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(is_runnable)
}

/// Whether it is machine code, which no shell can make sense of.
fn is_program(file: &Path) -> bool {
    let mut first = [0; ELF.len()];
    File::open(file)
        .and_then(|mut file| file.read_exact(&mut first))
        .is_ok()
        && first == ELF
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

    /// Runs `program` by a kernel that runs no file but this one. -> the words of each try, and the error
    fn tries(program: &Path, runnable: &str) -> (Vec<Vec<String>>, Option<i32>) {
        let tried = std::cell::RefCell::new(Vec::new());
        let mut command = Command::new(program);
        let result = run(command.args(["a", "b c"]), |command| {
            tried.borrow_mut().push(words(command));
            match command.get_program() {
                program if program == runnable => Ok(()),
                program if program == SHELL => Err(io::Error::from(Errno::NOENT)),
                _ => Err(io::Error::from(Errno::NOEXEC)),
            }
        });
        (tried.into_inner(), result.err().and_then(|error| error.raw_os_error()))
    }

    #[test]
    fn a_script_without_a_first_line_is_given_to_the_shell() {
        let folder = tempfile::tempdir().unwrap();
        let no_exec = Some(Errno::NOEXEC.raw_os_error());
        let script = folder.path().join("run it");
        std::fs::write(&script, "exit 9\n").unwrap();
        let name = script.to_str().unwrap();
        let (first, then) = ([name, "a", "b c"], [SHELL, name, "a", "b c"]);
        let both = vec![first.map(str::to_owned).to_vec(), then.map(str::to_owned).to_vec()];
        assert_eq!(tries(&script, name), (both[..1].to_vec(), None));
        assert_eq!(tries(&script, SHELL), (both.clone(), None));
        assert_eq!(tries(&script, ""), (both.clone(), no_exec), "the first error says more");
        std::fs::write(&script, "\x7fELF of another machine").unwrap();
        assert_eq!(tries(&script, SHELL), (both[..1].to_vec(), no_exec));
    }

    #[test]
    fn codes_of_what_cannot_be_run() {
        let code = |kind| exit_of(&io::Error::from(kind)).code();
        assert_eq!(code(io::ErrorKind::NotFound), 127);
        assert_eq!(code(io::ErrorKind::PermissionDenied), 126);
    }
}
