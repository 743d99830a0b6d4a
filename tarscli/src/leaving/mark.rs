//! `data/prestop`: the server has left the registry.

use std::io;

use crate::{
    files::{self, PUBLIC},
    layout::Layout,
};

/// What K8STARS writes.
const TEXT: &str = "done";

/// Writes it. The registry has been told.
pub(crate) fn set(layout: &Layout) -> anyhow::Result<()> {
    files::write(&layout.prestop_mark(), TEXT, PUBLIC)
}

/// Removes what an earlier life of the container has left.
pub(crate) fn clear(layout: &Layout) -> io::Result<()> {
    match std::fs::remove_file(layout.prestop_mark()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether the server has left. A mark that is older than the server's description is an earlier server's: a volume
/// outlives the container.
pub(crate) fn is_set(layout: &Layout) -> bool {
    let changed = |path| std::fs::metadata(path).and_then(|found| found.modified()).ok();
    let Some(marked) = changed(layout.prestop_mark()) else {
        return false;
    };
    changed(layout.server_info()).is_none_or(|described| marked >= described)
}

#[cfg(test)]
mod tests {
    use std::{fs::File, time::Duration};

    use super::*;

    #[test]
    fn a_mark_is_of_one_life() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        assert!(!is_set(&layout));
        clear(&layout).unwrap();
        set(&layout).unwrap();
        assert!(is_set(&layout));
        assert_eq!(std::fs::read_to_string(layout.prestop_mark()).unwrap(), "done");

        let marked = layout.prestop_mark().metadata().unwrap().modified().unwrap();
        let described = File::create(layout.server_info()).unwrap();
        described.set_modified(marked + Duration::from_secs(1)).unwrap();
        assert!(!is_set(&layout), "the server was started after it");
        described.set_modified(marked).unwrap();
        assert!(is_set(&layout));

        clear(&layout).unwrap();
        assert!(!is_set(&layout));
    }
}
