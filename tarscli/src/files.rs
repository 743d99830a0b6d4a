//! Files that are read by others while they are written: the old text or the new one, never half of it.

use std::{
    fs::{File, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use anyhow::{Context as _, ensure};
use tempfile::NamedTempFile;

/// Only this user may read it: it may hold secrets.
pub(crate) const PRIVATE: u32 = 0o600;

/// Everybody may read it.
pub(crate) const PUBLIC: u32 = 0o644;

/// Makes `path` hold `text` at once, with these permissions. Its folder is made when it is missing.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    replace(path, text, mode).with_context(|| format!("cannot write `{}`", path.display()))
}

fn replace(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder).map_err(|error| nameless(&error))?;
    file.write_all(text.as_bytes()).map_err(|error| nameless(&error))?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The error without the name of a file that nobody knows.
fn nameless(error: &io::Error) -> io::Error {
    error.kind().into()
}

/// The text of the file at `path`, `None` when there is none. More than `limit` bytes are an error, and so is what is no
/// file: reading a pipe may last for ever.
pub(crate) fn read(path: &Path, limit: u64) -> anyhow::Result<Option<String>> {
    let is_other = std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    ensure!(!is_other, "cannot read `{}`: it is no file", path.display());
    read_any(path, limit)
}

/// The same of what may be a pipe. It lasts until the pipe's writer has closed it.
pub(crate) fn read_any(path: &Path, limit: u64) -> anyhow::Result<Option<String>> {
    let cannot = || format!("cannot read `{}`", path.display());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(cannot),
    };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).with_context(cannot)?;
    ensure!(
        bytes.len() as u64 <= limit,
        "{}: it has more than {limit} bytes",
        cannot()
    );
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|byte| *byte == b'\n').count();
        anyhow::anyhow!("line {line} is not UTF-8")
    });
    text.map(Some).with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_file_that_was_meant() {
        let folder = tempfile::tempdir().unwrap();
        // Also for root, to whom no permission is denied: a name that is too long for the system.
        let long = folder.path().join("x".repeat(300)).join("a");
        let error = format!("{:#}", write(&long, "", PUBLIC).unwrap_err());
        assert!(
            error.starts_with(&format!("cannot write `{}`: ", long.display())),
            "{error}"
        );
        let inner = NamedTempFile::new_in(folder.path().join("none")).unwrap_err();
        assert!(inner.to_string().contains(".tmp"), "{inner}");
        assert_eq!(nameless(&inner).to_string(), "entity not found");
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        for path in [pipe.as_path(), folder.path()] {
            let error = read(path, 10).unwrap_err().to_string();
            assert_eq!(error, format!("cannot read `{}`: it is no file", path.display()));
        }
        assert_eq!(read(&folder.path().join("none"), 10).unwrap(), None);
    }
}
