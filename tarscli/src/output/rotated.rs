//! A file that is replaced when it has become too long, and its predecessors.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Bytes of a file, and how many files there are.
const SIZE: u64 = 10 << 20;
const COUNT: usize = 10;

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
    /// tries anew.
    pub(super) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        let result = self.append(text);
        if result.is_err() {
            self.open = None;
        }
        result
    }

    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        let added = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let mut open = match self.open.take() {
            Some(open) => open,
            None => open_file(&self.path)?,
        };
        if open.length > 0 && open.length.saturating_add(added) > self.size {
            drop(open);
            self.rotate()?;
            open = open_file(&self.path)?;
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

fn open_file(path: &Path) -> io::Result<Open> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = File::options().create(true).append(true).open(path)?;
    let length = file.metadata()?.len();
    Ok(Open { file, length })
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
