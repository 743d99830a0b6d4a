//! The file that all processes write the points of call chains to.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use tokio::time::{interval, timeout};

use crate::{
    children::LIMIT,
    tree::{Chain, Point, chains},
};

/// How often the file is looked at for what is waited for.
const LOOK: Duration = Duration::from_millis(20);

/// The file, and what of it has been seen.
pub(crate) struct TraceLog {
    path: PathBuf,
    seen: BTreeSet<String>,
}

impl TraceLog {
    /// The file at `path`, which need not exist yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        let seen = BTreeSet::new();
        Self { path, seen }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for `lines` lines of a chain that has not been seen and that a gateway began with `function`.
    pub(crate) async fn next(&mut self, function: &str, lines: usize) -> anyhow::Result<Chain> {
        let is_it = |chain: &Chain| {
            let begin = chain.lines.iter().find(|line| line.point == Point::Begin);
            begin.is_some_and(|line| line.function == function) && !self.seen.contains(&chain.id)
        };
        let mut ticks = interval(LOOK);
        let mut last = None;
        let found = timeout(LIMIT, async {
            loop {
                ticks.tick().await;
                last = self.read()?.into_iter().find(is_it);
                if let Some(chain) = last.take_if(|chain| chain.lines.len() >= lines) {
                    return anyhow::Ok(chain);
                }
            }
        });
        match found.await {
            Ok(chain) => {
                let chain = chain?;
                self.seen.insert(chain.id.clone());
                Ok(chain)
            }
            Err(_) => match last {
                Some(chain) => bail!(
                    "after {} s not {lines} lines of {function}, but {chain}",
                    LIMIT.as_secs()
                ),
                None => bail!("no chain of {function} after {} s", LIMIT.as_secs()),
            },
        }
    }

    /// Fails unless there are, now that nobody writes any more, exactly `lines` lines of the chain `id`.
    pub(crate) fn ensure_exactly(&self, id: &str, lines: usize) -> anyhow::Result<()> {
        let chain = self.read()?.into_iter().find(|chain| chain.id == id);
        let chain = chain.with_context(|| format!("chain {id} is gone"))?;
        ensure!(
            chain.lines.len() == lines,
            "expected exactly {lines} lines, found {chain}"
        );
        Ok(())
    }

    fn read(&self) -> anyhow::Result<Vec<Chain>> {
        match std::fs::read(&self.path) {
            Ok(log) => chains(&String::from_utf8_lossy(&log)).with_context(|| self.path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).with_context(|| self.path.display().to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ONE: &str = "1|a|a|ts|G|A.B.O|f|0|0||\n1|a|a|te|G|A.B.O|f|0|0||\n";
    const TWO: &str = "2|a|a|ts|G|A.B.O|f|0|0||\n2|a|a|te|G|A.B.O|f|0|0||\n";

    #[tokio::test]
    async fn each_chain_is_told_once_and_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = TraceLog::new(folder.path().join("trace.log"));
        fs::write(log.path(), ONE).unwrap();
        assert_eq!(log.next("f", 2).await.unwrap().id, "1");
        fs::write(log.path(), [ONE, &TWO[..30]].concat()).unwrap();
        let path = log.path().to_owned();
        let (next, ()) = tokio::join!(log.next("f", 2), async {
            fs::write(path, [ONE, TWO].concat()).unwrap();
        });
        assert_eq!(next.unwrap().id, "2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_chain_that_never_comes_is_an_error_with_what_came() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = TraceLog::new(folder.path().join("trace.log"));
        assert_eq!(
            log.next("f", 2).await.unwrap_err().to_string(),
            "no chain of f after 30 s"
        );
        fs::write(log.path(), ONE).unwrap();
        let error = log.next("f", 3).await.unwrap_err().to_string();
        assert!(
            error.starts_with("after 30 s not 3 lines of f, but chain 1\n"),
            "{error}"
        );
        assert!(log.ensure_exactly("1", 2).is_ok());
        assert!(log.ensure_exactly("1", 3).is_err() && log.ensure_exactly("2", 2).is_err());
    }
}
