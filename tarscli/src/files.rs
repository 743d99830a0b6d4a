//! Files that are read by others while they are written: the old text or the new one, never half of it.

use std::{fs::Permissions, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::Context as _;
use tempfile::NamedTempFile;

/// Only this user may read it: it may hold secrets.
pub(crate) const PRIVATE: u32 = 0o600;

/// Everybody may read it.
pub(crate) const PUBLIC: u32 = 0o644;

/// Makes `path` hold `text` at once, with these permissions. Its folder is made when it is missing.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    replace(path, text, mode).with_context(|| format!("cannot write `{}`", path.display()))
}

fn replace(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
