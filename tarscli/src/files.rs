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
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The text of the file at `path`, `None` when there is none. More than `limit` bytes are an error.
pub(crate) fn read(path: &Path, limit: u64) -> anyhow::Result<Option<String>> {
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
