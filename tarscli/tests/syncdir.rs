//! `tarscli syncdir`, on folders like the volume of a `ConfigMap`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

struct Folders {
    root: TempDir,
    source: PathBuf,
    target: PathBuf,
}

impl Folders {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let (source, target) = (root.path().join("source"), root.path().join("target"));
        fs::create_dir(&source).unwrap();
        Self { root, source, target }
    }

    /// Exit code and output of a run.
    fn sync(&self) -> (i32, String) {
        run(&[
            ("TARS_SYNC_DIRECTORY", &self.source),
            ("TARS_SYNC_TARGET_DIRECTORY", &self.target),
        ])
    }

    fn copied(&self, name: &str) -> String {
        format!("copied {}\n", self.target.join(name).display())
    }
}

fn run(environment: &[(&str, &Path)]) -> (i32, String) {
    let mut command = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("tarscli"));
    let output = command
        .arg("syncdir")
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn long_ago() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}

#[test]
fn files_are_copied_with_their_time_and_can_be_run() {
    let folders = Folders::new();
    let source = folders.source.join("start.sh");
    fs::write(&source, "echo").unwrap();
    File::options()
        .write(true)
        .open(&source)
        .unwrap()
        .set_modified(long_ago())
        .unwrap();
    assert_eq!(folders.sync(), (0, folders.copied("start.sh")));
    let there = fs::metadata(folders.target.join("start.sh")).unwrap();
    assert_eq!((there.mode() & 0o7777, there.modified().unwrap()), (0o755, long_ago()));
    assert_eq!(folders.sync(), (0, String::new()));
}

#[test]
fn a_volume_of_a_config_map() {
    let folders = Folders::new();
    let data = folders.source.join("..2026_01_01");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("a.conf"), "one").unwrap();
    // The next one has the same size; that its time is another must not depend on the clock's step.
    File::options()
        .write(true)
        .open(data.join("a.conf"))
        .unwrap()
        .set_modified(long_ago())
        .unwrap();
    symlink("..2026_01_01", folders.source.join("..data")).unwrap();
    symlink("..data/a.conf", folders.source.join("a.conf")).unwrap();
    assert_eq!(folders.sync(), (0, folders.copied("a.conf")));
    let names: Vec<_> = fs::read_dir(&folders.target)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["a.conf"]);
    assert!(fs::symlink_metadata(folders.target.join("a.conf")).unwrap().is_file());

    // As the kubelet does it: another folder, and one link that changes.
    let new = folders.source.join("..2026_01_02");
    fs::create_dir(&new).unwrap();
    fs::write(new.join("a.conf"), "two").unwrap();
    symlink("..2026_01_02", folders.source.join("..data_tmp")).unwrap();
    fs::rename(folders.source.join("..data_tmp"), folders.source.join("..data")).unwrap();
    assert_eq!(folders.sync(), (0, folders.copied("a.conf")));
    assert_eq!(fs::read_to_string(folders.target.join("a.conf")).unwrap(), "two");
}

#[test]
fn what_is_the_same_stays_as_it_is() {
    let folders = Folders::new();
    fs::create_dir(&folders.target).unwrap();
    let there = folders.target.join("a");
    fs::write(folders.source.join("a"), "same").unwrap();
    fs::write(&there, "same").unwrap();
    fs::set_permissions(&there, fs::Permissions::from_mode(0o640)).unwrap();
    File::options()
        .write(true)
        .open(&there)
        .unwrap()
        .set_modified(long_ago())
        .unwrap();
    let before = fs::metadata(&there).unwrap();
    assert_eq!(folders.sync(), (0, String::new()));
    let after = fs::metadata(&there).unwrap();
    assert_eq!(
        (after.ino(), after.mode(), after.modified().unwrap()),
        (before.ino(), before.mode(), long_ago())
    );
    fs::write(folders.source.join("a"), "Same").unwrap();
    assert_eq!(folders.sync(), (0, folders.copied("a")));
    // The old file is whole for those who have it open or run it.
    assert_ne!(fs::metadata(&there).unwrap().ino(), before.ino());
}

#[test]
fn other_things_are_skipped_and_other_files_stay() {
    let folders = Folders::new();
    fs::create_dir_all(folders.source.join("sub/deep")).unwrap();
    symlink("nowhere", folders.source.join("link")).unwrap();
    fs::write(folders.source.join(".hidden"), "").unwrap();
    fs::create_dir(&folders.target).unwrap();
    fs::write(folders.target.join("mine"), "").unwrap();
    let source = folders.source.display();
    let text = format!(
        "{}skipped {source}/link: it points to nothing\nskipped {source}/sub: not a file\n",
        folders.copied(".hidden")
    );
    assert_eq!(folders.sync(), (0, text));
    assert!(folders.target.join("mine").exists());
}

#[test]
fn errors_name_the_file() {
    let folders = Folders::new();
    fs::write(folders.source.join("a"), "1").unwrap();
    fs::create_dir_all(folders.target.join("a")).unwrap();
    let (code, text) = folders.sync();
    let start = format!("tarscli: cannot copy `{}` to `", folders.source.join("a").display());
    assert!(code == 1 && text.starts_with(&start), "{text}");
    fs::remove_dir_all(&folders.source).unwrap();
    let (code, text) = folders.sync();
    let start = format!("tarscli: cannot read the folder `{}`", folders.source.display());
    assert!(code == 1 && text.starts_with(&start), "{text}");
    // Nothing half-written is left.
    assert_eq!(fs::read_dir(&folders.target).unwrap().count(), 1);
}

#[test]
fn without_a_source_nothing_is_done_and_bin_is_the_target() {
    let folders = Folders::new();
    fs::write(folders.source.join("a"), "1").unwrap();
    let root = folders.root.path();
    assert_eq!(run(&[("TARS_PATH", root)]), (0, String::new()));
    assert_eq!(
        run(&[("TARS_PATH", root), ("TARS_SYNC_DIRECTORY", Path::new(""))]),
        (0, String::new())
    );
    let environment = [("TARS_PATH", root), ("TARS_SYNC_DIRECTORY", &folders.source)];
    assert_eq!(
        run(&environment),
        (0, format!("copied {}\n", root.join("bin/a").display()))
    );
}
