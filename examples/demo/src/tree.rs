//! The lines of call chains, and the trees that they tell. Pure: text in, text out.
//!
//! A line is `TRACE|SPAN|PARENT|POINT|CLIENT|SERVER|FUNCTION|MILLISECONDS|CODE|PARAMETERS|PROBLEM`, as TarsCpp and TarsGo
//! write it. The caller's points name their span and its parent; the server's points name the span of the call that they
//! serve. So the tree is known without any clock: clocks of different machines differ by more than a call takes.

use std::{fmt, str::FromStr};

use anyhow::{Context as _, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};

/// Where in a call a line was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    /// `ts`: a gateway begins a chain.
    Begin,
    /// `cs`: a client sends.
    ClientSend,
    /// `sr`: a server receives.
    ServerReceive,
    /// `ss`: a server sends.
    ServerSend,
    /// `cr`: a client receives.
    ClientReceive,
    /// `te`: a gateway ends a chain.
    End,
}

/// What one process wrote about one moment of one call.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The chain, with its flags: the same text in all its lines.
    pub(crate) chain: String,
    /// The call.
    pub(crate) span: String,
    /// The call that this one was made for; itself at the root, unknown to a server.
    pub(crate) parent: Option<String>,
    pub(crate) point: Point,
    pub(crate) client: String,
    pub(crate) server: String,
    pub(crate) function: String,
    /// Milliseconds since 1970.
    pub(crate) time: u64,
    pub(crate) code: i32,
    /// Parameters as JSON, if this point carries them.
    pub(crate) parameters: String,
    /// Why the call failed.
    pub(crate) problem: String,
}

/// The lines that belong together, as they were found.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    /// The chain, with its flags.
    pub(crate) id: String,
    pub(crate) lines: Vec<Line>,
}

/// All chains in `log`, in the order of their first lines. A last line that is still being written is left out.
pub(crate) fn chains(log: &str) -> anyhow::Result<Vec<Chain>> {
    let mut chains: Vec<Chain> = Vec::new();
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    for text in whole.lines() {
        let line: Line = text.parse().with_context(|| format!("trace line `{text}`"))?;
        match chains.iter_mut().find(|chain| chain.id == line.chain) {
            Some(chain) => chain.lines.push(line),
            None => chains.push(Chain {
                id: line.chain.clone(),
                lines: vec![line],
            }),
        }
    }
    Ok(chains)
}

impl Chain {
    /// The lines in the order in which they must have happened, each with its depth in the tree: a call's beginning, what
    /// was called for it, its end. Calls whose caller wrote nothing are roots; no line is lost.
    pub(crate) fn ordered(&self) -> Vec<(usize, &Line)> {
        let mut left = self.spans();
        let mut all = Vec::new();
        while !left.is_empty() {
            // Lines that name each other as parents have no root: then the first of them is as good as any.
            let root = left.iter().position(|span| span.is_root(&left)).unwrap_or_default();
            walk(left.remove(root), 0, &mut left, &mut all);
        }
        all
    }

    fn spans(&self) -> Vec<Span<'_>> {
        let mut spans: Vec<Span<'_>> = Vec::new();
        for line in &self.lines {
            let known = spans.iter().position(|span| span.id == line.span);
            let at = known.unwrap_or_else(|| {
                spans.push(Span {
                    id: &line.span,
                    parent: None,
                    lines: Vec::new(),
                });
                spans.len() - 1
            });
            let span = &mut spans[at];
            span.parent = span.parent.or(line.parent.as_deref());
            span.lines.push(line);
        }
        for span in &mut spans {
            span.lines.sort_by_key(|line| line.point);
        }
        spans
    }
}

/// One call: the lines of both its ends, by their points.
struct Span<'a> {
    id: &'a str,
    parent: Option<&'a str>,
    lines: Vec<&'a Line>,
}

impl Span<'_> {
    fn is_root(&self, left: &[Self]) -> bool {
        self.parent
            .is_none_or(|parent| parent == self.id || left.iter().all(|span| span.id != parent))
    }
}

/// Takes what was called for `span` out of `left`, so that it ends whatever the lines say.
fn walk<'a>(span: Span<'a>, depth: usize, left: &mut Vec<Span<'a>>, all: &mut Vec<(usize, &'a Line)>) {
    let (begin, end): (Vec<_>, Vec<_>) = span
        .lines
        .into_iter()
        .partition(|line| line.point <= Point::ServerReceive);
    let place = |line: &'a Line| (depth + usize::from(line.point.is_servers()), line);
    all.extend(begin.into_iter().map(place));
    while let Some(next) = left.iter().position(|called| called.parent == Some(span.id)) {
        walk(left.remove(next), depth + 2, left, all);
    }
    all.extend(end.into_iter().map(place));
}

impl Point {
    fn is_servers(self) -> bool {
        matches!(self, Self::ServerReceive | Self::ServerSend)
    }

    fn short(self) -> &'static str {
        match self {
            Self::Begin => "ts",
            Self::ClientSend => "cs",
            Self::ServerReceive => "sr",
            Self::ServerSend => "ss",
            Self::ClientReceive => "cr",
            Self::End => "te",
        }
    }
}

impl FromStr for Point {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        Ok(match text {
            "ts" => Self::Begin,
            "cs" => Self::ClientSend,
            "sr" => Self::ServerReceive,
            "ss" => Self::ServerSend,
            "cr" => Self::ClientReceive,
            "te" => Self::End,
            _ => bail!("no such point: `{text}`, expected ts, cs, sr, ss, cr or te"),
        })
    }
}

impl FromStr for Line {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let fields: Vec<_> = text.splitn(11, '|').collect();
        let [
            chain,
            span,
            parent,
            point,
            client,
            server,
            function,
            time,
            code,
            parameters,
            problem,
        ] = fields[..]
        else {
            bail!("{} fields, expected 11", fields.len());
        };
        let parameters = BASE64_STANDARD.decode(parameters).context("parameters")?;
        Ok(Self {
            chain: chain.into(),
            span: span.into(),
            parent: (parent != "*").then(|| parent.into()),
            point: point.parse()?,
            client: client.into(),
            server: server.into(),
            function: function.into(),
            time: time.parse().context("milliseconds")?,
            code: code.parse().context("code")?,
            parameters: String::from_utf8(parameters).context("parameters")?,
            problem: problem.into(),
        })
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "chain {}", self.id)?;
        let lines = self.ordered();
        let begin = lines.first().map_or(0, |(_, line)| line.time);
        for (depth, line) in lines {
            // Another machine's clock may be behind.
            let time = i128::from(line.time) - i128::from(begin);
            writeln!(f, "{time:>5} ms {:indent$}{line}", "", indent = 2 * depth)?;
        }
        Ok(())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            point,
            client,
            server,
            function,
            ..
        } = self;
        write!(f, "{} ", point.short())?;
        match point {
            Point::Begin | Point::ClientSend => write!(f, "{client} calls {server} {function}")?,
            Point::ServerReceive => write!(f, "{server} receives {function}")?,
            Point::ServerSend => write!(f, "{server} answers")?,
            Point::ClientReceive | Point::End if self.code == 0 => write!(f, "{client} has the answer")?,
            Point::ClientReceive | Point::End => write!(f, "{client} has failed")?,
        }
        if self.code != 0 {
            write!(f, ", code {}", self.code)?;
        }
        for text in [&self.parameters, &self.problem] {
            if !text.is_empty() {
                write!(f, "  {text}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of one `Add`, as they may lie in a file: late, early, and by a clock that is wrong.
    const ADD: &str = "\
f-1|b|a|cs|Front|Back.Obj|Add|90|0|eyJhIjoxLCJiIjoyfQ==|
f-1|a|a|te|Gate|Front.Obj|Add|109|0|eyJjIjozLCJ0YXJzX3JldCI6MH0=|
f-1|a|*|sr||Front|Add|89|0|eyJhIjoxLCJiIjoyfQ==|
f-1|b|*|ss||Back|Add|205|0|eyIiOjAsImMiOjN9|
f-1|b|*|sr||Back|Add|204|0|eyJhIjoxLCJiIjoyfQ==|
f-1|b|a|cr|Front|Back.Obj|Add|95|0|eyIiOjAsImMiOjN9|
f-1|a|*|ss||Front|Add|96|0|eyIiOjAsImMiOjN9|
f-1|a|a|ts|Gate|Front.Obj|Add|100|0|eyJhIjoxLCAiYiI6Mn0=|
";

    fn one(log: &str) -> Chain {
        let mut chains = chains(log).unwrap();
        assert_eq!(chains.len(), 1);
        chains.remove(0)
    }

    fn points(chain: &Chain) -> Vec<(usize, &str, &str)> {
        let lines = chain.ordered().into_iter();
        lines
            .map(|(depth, line)| (depth, line.point.short(), line.span.as_str()))
            .collect()
    }

    #[test]
    fn a_line_has_its_fields() {
        let line: Line = "f.2-1|b|a|cr|Front|Back.Obj|Add|1700000000123|-8|e30=|no|endpoint"
            .parse()
            .unwrap();
        assert_eq!(
            (line.chain.as_str(), line.span.as_str(), line.parent.as_deref()),
            ("f.2-1", "b", Some("a"))
        );
        assert_eq!(
            (line.point, line.code, line.time),
            (Point::ClientReceive, -8, 1_700_000_000_123)
        );
        assert_eq!((line.parameters.as_str(), line.problem.as_str()), ("{}", "no|endpoint"));
    }

    #[test]
    fn what_is_no_line_says_why() {
        for (text, why) in [
            ("x", "1 fields, expected 11"),
            ("1|a|a|ts|c|s|f|0|0|", "10 fields, expected 11"),
            ("1|a|a|xx|c|s|f|0|0||", "no such point: `xx`"),
            ("1|a|a|ts|c|s|f|soon|0||", "milliseconds"),
            ("1|a|a|ts|c|s|f|0|x||", "code"),
            ("1|a|a|ts|c|s|f|0|0|*|", "parameters"),
            ("1|a|a|ts|c|s|f|0|0|/w==|", "parameters"),
        ] {
            let error = text.parse::<Line>().unwrap_err().to_string();
            assert!(error.starts_with(why), "{text}: {error}");
            assert!(chains(&format!("{text}\n")).unwrap_err().to_string().contains(text));
        }
    }

    #[test]
    fn lines_are_ordered_by_their_parents_not_by_time() {
        assert_eq!(
            points(&one(ADD)),
            [
                (0, "ts", "a"),
                (1, "sr", "a"),
                (2, "cs", "b"),
                (3, "sr", "b"),
                (3, "ss", "b"),
                (2, "cr", "b"),
                (1, "ss", "a"),
                (0, "te", "a"),
            ]
        );
    }

    #[test]
    fn a_chain_reads_as_a_story() {
        let expected = r#"chain f-1
    0 ms ts Gate calls Front.Obj Add  {"a":1, "b":2}
  -11 ms   sr Front receives Add  {"a":1,"b":2}
  -10 ms     cs Front calls Back.Obj Add  {"a":1,"b":2}
  104 ms       sr Back receives Add  {"a":1,"b":2}
  105 ms       ss Back answers  {"":0,"c":3}
   -5 ms     cr Front has the answer  {"":0,"c":3}
   -4 ms   ss Front answers  {"":0,"c":3}
    9 ms te Gate has the answer  {"c":3,"tars_ret":0}
"#;
        assert_eq!(one(ADD).to_string(), expected);
    }

    #[test]
    fn calls_after_each_other_stay_in_their_order() {
        let log = "\
1|a|a|cs|A|B.O|f|0|0||
1|b|a|cs|B|C.O|g|0|0||
1|b|a|cr|B|C.O|g|0|0||
1|c|a|cs|B|C.O|h|0|0||
1|c|a|cr|B|C.O|h|0|-8||gone
1|a|a|cr|A|B.O|f|0|0||
";
        let chain = one(log);
        let spans: Vec<_> = chain.ordered().iter().map(|(_, line)| line.span.as_str()).collect();
        assert_eq!(spans, ["a", "b", "b", "c", "c", "a"]);
        assert!(chain.to_string().contains("cr B has failed, code -8  gone"));
    }

    #[test]
    fn no_line_is_lost_when_its_caller_wrote_nothing_or_the_parents_run_in_a_circle() {
        let orphans =
            "1|a|gone|cs|A|B.O|f|0|0||\n1|b|*|sr||B|f|0|0||\n1|c|d|cs|A|B.O|f|0|0||\n1|d|c|cs|A|B.O|f|0|0||\n";
        let chain = one(orphans);
        assert_eq!(
            points(&chain),
            [(0, "cs", "a"), (1, "sr", "b"), (0, "cs", "c"), (2, "cs", "d")]
        );
    }

    #[test]
    fn chains_are_told_apart_and_an_unfinished_line_is_left_for_later() {
        let log = "1|a|a|ts|A|B.O|f|0|0||\n2|a|a|ts|A|B.O|g|0|0||\n1|a|a|te|A|B.O|f|0|0||\n2|a|a|te|A";
        let found = chains(log).unwrap();
        let lines: Vec<_> = found
            .iter()
            .map(|chain| (chain.id.as_str(), chain.lines.len()))
            .collect();
        assert_eq!(lines, [("1", 2), ("2", 1)]);
        assert!(chains("1|a").unwrap().is_empty());
    }
}
