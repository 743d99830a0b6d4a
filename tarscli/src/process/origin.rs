//! Which start a process comes from.
//!
//! A daemon leaves its parent, its process group and its session, but it keeps its environment: a variable there tells whose
//! it is. What others start in the container, a shell by `kubectl exec` or the script of a check, does not have it.

use std::{fs::File, io::Read as _, process::Command};

use rustix::process::{Pid, RawPid};

/// The variable.
const NAME: &str = "TARSCLI_START";

/// More of an environment is not looked at. The kernel takes a quarter of the stack, 2 MiB, for it.
const LONGEST: u64 = 4 << 20;

/// One start of the server.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// `NAME=VALUE`, as it stands in an environment.
    entry: String,
    value: String,
}

impl Origin {
    /// Another one than all before, of other supervisors too.
    pub(crate) fn new() -> Self {
        let value = format!("{:016x}", rand::random::<u64>());
        Self {
            entry: format!("{NAME}={value}"),
            value,
        }
    }

    /// The command, and all it starts, come from here.
    pub(crate) fn mark(&self, command: &mut Command) {
        command.env(NAME, &self.value);
    }

    /// Whether the process may come from here. One that hides its environment, as another user's process does, or has
    /// written over it, as some do to show a title, counts as one that does.
    pub(super) fn may_be_of(&self, process: Pid) -> bool {
        read(Pid::as_raw(Some(process))).is_none_or(|environment| self.may_have(&environment))
    }

    fn may_have(&self, environment: &[u8]) -> bool {
        let mut entries = environment.split(|byte| *byte == 0);
        let is_whole = entries.clone().next().is_some_and(|first| first.contains(&b'='));
        !is_whole || entries.any(|entry| entry == self.entry.as_bytes())
    }
}

fn read(process: RawPid) -> Option<Vec<u8>> {
    let mut environment = Vec::new();
    let file = File::open(format!("/proc/{process}/environ")).ok()?;
    file.take(LONGEST).read_to_end(&mut environment).ok()?;
    Some(environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments() {
        let origin = Origin::new();
        let of = |text: &str| origin.may_have(text.replace("MINE", &origin.entry).as_bytes());
        for mine in ["MINE\0", "PATH=/bin\0MINE\0HOME=/\0"] {
            assert!(of(mine), "{mine:?}");
        }
        for hidden in ["", "\0\0\0", "the server: master\0\0", " 127.0.0.1:80\0A=B\0"] {
            assert!(of(hidden), "{hidden:?}");
        }
        for other in ["PATH=/bin\0", "PATH=/bin\0TARSCLI_START=1\0", "A=MINE\0", "A=\0xMINE\0"] {
            assert!(!of(other), "{other:?}");
        }
        assert!(!Origin::new().may_have(origin.entry.as_bytes()), "another start");
    }
}
