//! A file that is replaced when it has become too long, and its predecessors.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Bytes of a file, and how many files there are.
const SIZE: u64 = 10 << 20;
const COUNT: usize = 10;

/// Time between two looks whether the file is still there: people remove logs, and rotate them with tools of their own.
const LOOK: Duration = Duration::from_secs(1);

/// A log file: `start.log`, and before it `start.log.1`, `start.log.2`... It is opened with the first write, and made
/// again when it cannot be written any more.
#[derive(Debug)]
pub(super) struct Rotated {
    path: PathBuf,
    size: u64,
    count: usize,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    length: u64,
    /// When it was last seen under its name.
    seen: Instant,
}

impl Rotated {
    /// Ten files of 10 MiB.
    pub(super) fn new(path: PathBuf) -> Self {
        Self::with(path, SIZE, COUNT)
    }

    fn with(path: PathBuf, size: u64, count: usize) -> Self {
        Self {
            path,
            size,
            count,
            open: None,
        }
    }

    /// Appends `text`, whole lines as a rule: a file never ends within them. An error loses them, and the next write
    /// tries anew. A file that was moved or removed is made again, a second later at most.
    pub(super) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.write_at(text, Instant::now())
    }

    fn write_at(&mut self, text: &[u8], now: Instant) -> io::Result<()> {
        let result = self.append(text, now);
        if result.is_err() {
            self.open = None;
        }
        result
    }

    fn append(&mut self, text: &[u8], now: Instant) -> io::Result<()> {
        let added = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let mut open = match self.open.take().map(|open| open.seen_at(now, &self.path)) {
            Some(open) => open?,
            None => open_file(&self.path, now)?,
        };
        if open.length > 0 && open.length.saturating_add(added) > self.size {
            drop(open);
            self.rotate()?;
            open = open_file(&self.path, now)?;
        }
        open.file.write_all(text)?;
        open.length += added;
        self.open = Some(open);
        Ok(())
    }

    fn rotate(&self) -> io::Result<()> {
        for number in (1..self.count).rev() {
            match fs::rename(self.numbered(number - 1), self.numbered(number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// The file itself is number 0.
    fn numbered(&self, number: usize) -> PathBuf {
        if number == 0 {
            return self.path.clone();
        }
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }
}

impl Open {
    /// Itself while `path` names it, else the one that does from now on. What was cut, as some tools do, counts as long as
    /// it is now.
    fn seen_at(mut self, now: Instant, path: &Path) -> io::Result<Self> {
        if now.saturating_duration_since(self.seen) < LOOK {
            return Ok(self);
        }
        let own = self.file.metadata()?;
        match fs::metadata(path) {
            Ok(named) if (named.dev(), named.ino()) == (own.dev(), own.ino()) => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => {}
            _ => return open_file(path, now),
        }
        self.length = own.len();
        self.seen = now;
        Ok(self)
    }
}

fn open_file(path: &Path, now: Instant) -> io::Result<Open> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = File::options().create(true).append(true).open(path)?;
    let length = file.metadata()?.len();
    Ok(Open {
        file,
        length,
        seen: now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(folder: &Path) -> Vec<(String, String)> {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        let mut texts: Vec<_> = entries
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read_to_string(entry.path()).unwrap())
            })
            .collect();
        texts.sort();
        texts
    }

    fn owned(texts: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = texts
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        owned.collect()
    }

    #[test]
    fn files_are_replaced_between_lines_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a").join("start.log");
        let mut log = Rotated::with(path.clone(), 8, 3);
        for line in ["one\n", "two\n", "three\n", "four\n", "five\n", "longer than a file\n"] {
            log.write(line.as_bytes()).unwrap();
        }
        let folder = path.parent().unwrap();
        let expected = [
            ("start.log", "longer than a file\n"),
            ("start.log.1", "five\n"),
            ("start.log.2", "four\n"),
        ];
        assert_eq!(texts(folder), owned(&expected));
        drop(log);
        Rotated::with(path.clone(), 100, 3).write(b"again\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "longer than a file\nagain\n");
    }

    #[test]
    fn a_file_that_was_moved_or_removed_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log/start.log");
        let moved = folder.path().join("moved.log");
        let mut log = Rotated::new(path.clone());
        let begin = Instant::now();
        log.write_at(b"one\n", begin).unwrap();
        fs::rename(&path, &moved).unwrap();
        // It is not looked at with each line.
        log.write_at(b"two\n", begin + LOOK / 2).unwrap();
        log.write_at(b"three\n", begin + LOOK).unwrap();
        assert_eq!(fs::read_to_string(&moved).unwrap(), "one\ntwo\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
        log.write_at(b"four\n", begin + LOOK * 2).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "four\n");
        // Another's file under this name is gone on with.
        fs::write(&moved, "new\n").unwrap();
        fs::rename(&moved, &path).unwrap();
        log.write_at(b"five\n", begin + LOOK * 3).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\nfive\n");
    }

    #[test]
    fn a_file_that_was_cut_has_its_whole_room_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("start.log");
        let mut log = Rotated::with(path.clone(), 8, 3);
        let begin = Instant::now();
        log.write_at(b"12345678", begin).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        log.write_at(b"abcdefgh", begin + LOOK).unwrap();
        assert_eq!(texts(folder.path()), owned(&[("start.log", "abcdefgh")]));
    }

    #[test]
    fn what_cannot_be_written_is_lost_until_it_can() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "a file where a folder should be").unwrap();
        let mut log = Rotated::new(path.join("start.log"));
        assert!(log.write(b"one\n").is_err());
        fs::remove_file(&path).unwrap();
        log.write(b"two\n").unwrap();
        assert_eq!(fs::read_to_string(path.join("start.log")).unwrap(), "two\n");
    }
}
