//! `tarscli syncdir`: copies the files of a folder that differ, such as those of a volume with a `ConfigMap`.

use std::{
    ffi::OsStr,
    fs::{self, File, FileTimes, Metadata, Permissions},
    io::{self, BufRead as _, BufReader, Seek as _},
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::Path,
};

use anyhow::Context as _;
use tempfile::NamedTempFile;

use crate::{cli::Syncdir, layout::Layout};

/// Whatever is copied can be run, as K8STARS has it: volumes lose that bit.
const MODE: u32 = 0o755;

/// Copies what differs and tells which files those were. Without a source there is nothing to do.
pub(crate) fn run(args: &Syncdir) -> anyhow::Result<String> {
    let Some(source) = &args.source else {
        return Ok(String::new());
    };
    let bin = Layout::new(&args.place.path).bin();
    let target = args.target.as_deref().unwrap_or(&bin);
    sync(source, target).map(|lines| lines.join("\n"))
}

fn sync(source: &Path, target: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(source).and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
    let mut names: Vec<_> = entries.with_context(|| format!("cannot read the folder `{}`", source.display()))?;
    names.sort();
    fs::create_dir_all(target).with_context(|| format!("cannot make the folder `{}`", target.display()))?;
    let mut lines = Vec::new();
    for name in names.iter().filter(|name| !is_of_volume(name)) {
        lines.extend(sync_one(&source.join(name), &target.join(name))?);
    }
    Ok(lines)
}

/// The volume of a `ConfigMap` has its files in a folder `..<time>`, to which `..data` points; what has a plain name points to
/// `..data/<name>`.
fn is_of_volume(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b"..")
}

/// Copies one file if it differs, and says so.
fn sync_one(from: &Path, to: &Path) -> anyhow::Result<Option<String>> {
    let skipped = |why: &str| Ok(Some(format!("skipped {}: {why}", from.display())));
    match fs::metadata(from) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return skipped("not a file"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return skipped("it points to nothing"),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", from.display())),
    }
    let copied = copy(from, to).with_context(|| format!("cannot copy `{}` to `{}`", from.display(), to.display()))?;
    Ok(copied.then(|| format!("copied {}", to.display())))
}

/// Whoever reads or runs `to` meanwhile has the old file or the new one, never half of it.
fn copy(from: &Path, to: &Path) -> io::Result<bool> {
    let mut source = File::open(from)?;
    let metadata = source.metadata()?;
    if is_same(&source, &metadata, to)? {
        return Ok(false);
    }
    source.rewind()?;
    let mut copy = NamedTempFile::new_in(to.parent().unwrap_or(Path::new(".")))?;
    io::copy(&mut source, &mut copy)?;
    copy.as_file().set_permissions(Permissions::from_mode(MODE))?;
    copy.as_file()
        .set_times(FileTimes::new().set_modified(metadata.modified()?))?;
    copy.persist(to).map_err(|error| error.error)?;
    Ok(true)
}

/// Whether nothing would change: the same size and time, or the same bytes.
fn is_same(source: &File, metadata: &Metadata, to: &Path) -> io::Result<bool> {
    let there = match fs::metadata(to) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if !there.is_file() || there.len() != metadata.len() {
        return Ok(false);
    }
    Ok(there.modified()? == metadata.modified()? || has_same_bytes(source, &File::open(to)?)?)
}

fn has_same_bytes(one: &File, other: &File) -> io::Result<bool> {
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let length = left.len().min(right.len());
        if length == 0 {
            return Ok(left.len() == right.len());
        }
        if left[..length] != right[..length] {
            return Ok(false);
        }
        one.consume(length);
        other.consume(length);
    }
}
