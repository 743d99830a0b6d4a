//! The words of the `clean` command and the text it answers.

use super::InstanceKey;

/// How to use the command: the answer to words it does not understand.
pub(crate) const USAGE: &str = "usage: clean [n] [CUT-OFF] [--all]\n\
    Lists the container nodes without heartbeat since CUT-OFF and their servers; `n` (no dry run) deletes them.\n\
    CUT-OFF: `2026-01-31`, `2026-01-31 12:00:00`, `2026-01-31T12:00:00` by the database's clock, or an age as `90s`, \
    `30m`, `12h`, `2d`; a day when absent.\n\
    --all: nodes that run tarsnode too, not only containers.\n\
    A container that crashed is seen only once its node is marked inactive.";

const DAY_SECONDS: u64 = 24 * 60 * 60;
const MAX_AGE_SECONDS: u64 = 100 * 365 * DAY_SECONDS;

/// A `clean` command, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clean {
    /// List only.
    pub(crate) dry_run: bool,
    /// Nodes of every kind instead of containers only.
    pub(crate) all_nodes: bool,
    /// Nodes are left alone that beat since then.
    pub(crate) cut_off: CutOff,
}

/// A moment, by the database's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CutOff {
    /// So many seconds before now.
    SecondsAgo(u64),
    /// `YYYY-MM-DD hh:mm:ss` in the time zone of the database's sessions.
    At(String),
}

/// What a clean found or deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cleaned {
    /// Servers, sorted.
    pub(crate) servers: Vec<InstanceKey>,
    /// Nodes, sorted.
    pub(crate) nodes: Vec<String>,
}

impl Clean {
    /// Reads the words behind `clean`; `None` when they are not understood.
    pub(crate) fn parse(words: &[&str]) -> Option<Self> {
        let all_nodes = words.contains(&"--all");
        let rest: Vec<&str> = words.iter().copied().filter(|word| *word != "--all").collect();
        let (dry_run, rest) = match rest.split_first() {
            Some((&("n" | "N"), rest)) => (false, rest),
            _ => (true, &rest[..]),
        };
        let cut_off = match *rest {
            [] => CutOff::SecondsAgo(DAY_SECONDS),
            [word] => age(word).or_else(|| moment(word))?,
            [date, time] => moment(&format!("{date} {time}"))?,
            _ => return None,
        };
        Some(Self {
            dry_run,
            all_nodes,
            cut_off,
        })
    }
}

/// An age: a number and its unit.
fn age(word: &str) -> Option<CutOff> {
    let unit = match word.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 60 * 60,
        b'd' => DAY_SECONDS,
        _ => return None,
    };
    let number = &word[..word.len() - 1];
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = if digits {
        number.parse::<u64>().ok()?.checked_mul(unit)?
    } else {
        return None;
    };
    (seconds <= MAX_AGE_SECONDS).then_some(CutOff::SecondsAgo(seconds))
}

/// `2026-01-31`, with ` 12:00:00` or `T12:00:00` behind it.
fn moment(text: &str) -> Option<CutOff> {
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
    let [year, month, day] = numbers::<3>(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers::<3>(time, ':', [2, 2, 2])?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let valid = year >= 1970 && (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60;
    valid.then(|| CutOff::At(format!("{date} {time}")))
}

/// Splits into exactly `N` numbers of the given widths.
fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[u32; N]> {
    let mut values = [0; N];
    let mut parts = text.split(separator);
    for (value, width) in values.iter_mut().zip(widths) {
        let part = parts.next()?;
        if part.len() != width || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *value = part.parse().ok()?;
    }
    parts.next().is_none().then_some(values)
}

impl Cleaned {
    /// Adds what one batch did.
    pub(crate) fn extend(&mut self, batch: Self) {
        self.servers.extend(batch.servers);
        self.nodes.extend(batch.nodes);
    }

    /// The command's answer: a line for each server (`node.application.server`), a line for each node, and what was
    /// done with them.
    pub(crate) fn report(&self, dry_run: bool, cut_off: &str) -> String {
        let servers = self
            .servers
            .iter()
            .map(|key| format!("{}.{}.{}", key.node, key.application, key.server));
        let (mut servers, mut nodes): (Vec<String>, Vec<String>) = (servers.collect(), self.nodes.clone());
        servers.sort();
        nodes.sort();
        let done = if dry_run { "Dry run." } else { "Deleted." };
        let counts = format!("{} servers, {} nodes", servers.len(), nodes.len());
        let summary = format!("{done} {counts} without heartbeat since {cut_off} (database time).");
        let lines = servers.into_iter().chain(nodes).chain([summary]);
        lines.fold(String::new(), |text, line| text + "\n" + &line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Clean> {
        Clean::parse(&line.split_whitespace().collect::<Vec<_>>())
    }

    fn at(text: &str) -> CutOff {
        CutOff::At(text.to_owned())
    }

    #[test]
    fn every_form_is_understood() {
        let clean = |dry_run, all_nodes, cut_off| {
            Some(Clean {
                dry_run,
                all_nodes,
                cut_off,
            })
        };
        let day = CutOff::SecondsAgo(DAY_SECONDS);
        assert_eq!(parse(""), clean(true, false, day.clone()));
        assert_eq!(parse("n"), clean(false, false, day.clone()));
        assert_eq!(parse("N --all"), clean(false, true, day.clone()));
        assert_eq!(parse("--all n"), clean(false, true, day));
        assert_eq!(
            parse("n 2022-01-01 00:00:00"),
            clean(false, false, at("2022-01-01 00:00:00"))
        );
        assert_eq!(
            parse("n 2022-01-01T10:20:30"),
            clean(false, false, at("2022-01-01 10:20:30"))
        );
        assert_eq!(parse("n 2022-01-01"), clean(false, false, at("2022-01-01 00:00:00")));
        assert_eq!(parse("n 1h"), clean(false, false, CutOff::SecondsAgo(3600)));
        assert_eq!(parse("2d"), clean(true, false, CutOff::SecondsAgo(2 * DAY_SECONDS)));
        assert_eq!(parse("n 0s"), clean(false, false, CutOff::SecondsAgo(0)));
    }

    #[test]
    fn anything_else_is_not() {
        let lines = [
            "y",
            "n n",
            "n 2022-13-01",
            "n 2023-02-29",
            "n 2022-1-1",
            "n 24:00:00",
            "n 2022-01-01 24:00:00",
            "n 1w",
            "n h",
            "n -1h",
            "n 1h 2h",
            "n 2022-01-01 00:00:00 x",
            "n 99999999999999999999s",
            "n 2022-01-01 00:00:00'",
        ];
        for line in lines {
            assert_eq!(parse(line), None, "{line}");
        }
        assert!(parse("n 2024-02-29").is_some());
    }

    #[test]
    fn the_report_lists_servers_then_nodes() {
        let key = |node: &str| InstanceKey {
            application: "A".into(),
            server: "S".into(),
            node: node.into(),
        };
        let cleaned = Cleaned {
            servers: vec![key("b"), key("a")],
            nodes: vec!["b".into(), "a".into()],
        };
        assert_eq!(
            cleaned.report(true, "2026-01-31 12:00:00"),
            "\na.A.S\nb.A.S\na\nb\nDry run. 2 servers, 2 nodes without heartbeat since 2026-01-31 12:00:00 (database time)."
        );
    }

    proptest::proptest! {
        #[test]
        fn no_words_panic_and_a_moment_keeps_its_form(line in "(clean )?[nN]? ?[-0-9Tdhms: ]{0,24}") {
            if let Some(Clean { cut_off: CutOff::At(text), .. }) = parse(&line) {
                proptest::prop_assert_eq!(text.len(), 19);
            }
        }
    }
}
