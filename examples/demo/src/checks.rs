//! What must have come out. Pure.

use anyhow::ensure;

use crate::{
    calls::{ADD, Answer},
    tree::{Chain, Line, Point},
};

/// Lines of the chain of a sum: gateway, front server and back server, both ends of both calls.
pub(crate) const SUM_LINES: usize = 8;

/// Lines of the chain of a sum when the back server is away: it writes none.
pub(crate) const FAILED_SUM_LINES: usize = 6;

/// What goes from Rust to Rust, and back.
const QUESTION: &str = r#"{"a":1,"b":2}"#;
const RESULT: &str = r#"{"":0,"c":3}"#;

/// The answer to the outer call, byte for byte.
const SUM: &str = r#"{"c":3,"tars_ret":0}"#;

/// Depth in the tree, point, and parameters of each line of a sum's chain. The gateway's are the bodies as they came.
const SUM_CHAIN: [(usize, Point, &str); SUM_LINES] = [
    (0, Point::Begin, ADD.body),
    (1, Point::ServerReceive, QUESTION),
    (2, Point::ClientSend, QUESTION),
    (3, Point::ServerReceive, QUESTION),
    (3, Point::ServerSend, RESULT),
    (2, Point::ClientReceive, RESULT),
    (1, Point::ServerSend, RESULT),
    (0, Point::End, SUM),
];

/// The answer to [`ADD`].
pub(crate) fn sum(answer: &Answer) -> anyhow::Result<()> {
    is_fine(answer)?;
    ensure!(answer.body == SUM, "expected {SUM}, got {}", answer.body);
    Ok(())
}

/// The answers to `jsonfunc` from two languages.
pub(crate) fn same_in_both(rust: &Answer, other: &Answer) -> anyhow::Result<()> {
    let expected = serde_json::json!({"rsp": {"x": 100, "y": 200, "name": "postman, postman"}, "tars_ret": 0});
    for answer in [rust, other] {
        is_fine(answer)?;
        let found = answer.json()?;
        ensure!(found == expected, "expected {expected}, got {found}");
    }
    Ok(())
}

/// An answer of a servant, whatever it says.
pub(crate) fn is_fine(answer: &Answer) -> anyhow::Result<()> {
    let Answer {
        status, content_type, ..
    } = answer;
    ensure!(*status == 200, "expected status 200, got {status}: {}", answer.body);
    ensure!(
        content_type == "application/json",
        "expected application/json, got {content_type}"
    );
    Ok(())
}

/// The answer when the back server is away: problem details with the call's return code.
pub(crate) fn failure(answer: &Answer) -> anyhow::Result<()> {
    let Answer {
        status, content_type, ..
    } = answer;
    ensure!(
        (500..600).contains(status),
        "expected an error, got {status}: {}",
        answer.body
    );
    ensure!(
        content_type == "application/problem+json",
        "expected application/problem+json, got {content_type}: {}",
        answer.body
    );
    let code = answer.json()?["code"].as_i64();
    ensure!(code.is_some_and(|code| code != 0), "no return code in {}", answer.body);
    Ok(())
}

/// The chain of [`ADD`].
pub(crate) fn sum_chain(chain: &Chain) -> anyhow::Result<()> {
    let found: Vec<_> = chain
        .ordered()
        .into_iter()
        .map(|(depth, line)| (depth, line.point, line.parameters.as_str()))
        .collect();
    ensure!(found == SUM_CHAIN, "expected {SUM_CHAIN:?}, found {chain}");
    let [begin, _, inner, ..] = points(chain)[..] else {
        unreachable!("as many lines as were expected")
    };
    ensure!(
        begin.parent.as_deref() == Some(&begin.span),
        "the root must be its own parent: {chain}"
    );
    ensure!(
        inner.parent.as_deref() == Some(&begin.span),
        "the inner call's parent must be the root: {chain}"
    );
    ensure!(inner.span != begin.span, "each call has a span of its own: {chain}");
    ensure!(chain.id.starts_with('f'), "all points must carry parameters: {chain}");
    ensure!(chain.lines.iter().all(|line| line.code == 0), "nothing failed: {chain}");
    Ok(())
}

/// The chain of [`ADD`] when the back server is away: the end of each call says that it failed, and why.
pub(crate) fn failed_sum_chain(chain: &Chain) -> anyhow::Result<()> {
    use Point::{Begin, ClientReceive, ClientSend, End, ServerReceive, ServerSend};
    let expected = [
        (Begin, true),
        (ServerReceive, true),
        (ClientSend, true),
        (ClientReceive, false),
        (ServerSend, false),
        (End, false),
    ];
    let found: Vec<_> = points(chain).iter().map(|line| (line.point, line.code == 0)).collect();
    ensure!(
        found == expected,
        "expected points and their success {expected:?}, found {chain}"
    );
    let silent = |line: &&Line| line.code != 0 && line.problem.is_empty();
    ensure!(
        !chain.lines.iter().any(|line| silent(&line)),
        "a line does not say why: {chain}"
    );
    Ok(())
}

fn points(chain: &Chain) -> Vec<&Line> {
    chain.ordered().into_iter().map(|(_, line)| line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::chains;

    const CHAIN: &str = "\
f-1|a|a|ts|G|F.O|Add|1|0|eyJhIjoxLCAiYiI6Mn0=|
f-1|a|*|sr||F|Add|1|0|eyJhIjoxLCJiIjoyfQ==|
f-1|b|a|cs|F|B.O|Add|1|0|eyJhIjoxLCJiIjoyfQ==|
f-1|b|*|sr||B|Add|1|0|eyJhIjoxLCJiIjoyfQ==|
f-1|b|*|ss||B|Add|1|0|eyIiOjAsImMiOjN9|
f-1|b|a|cr|F|B.O|Add|1|0|eyIiOjAsImMiOjN9|
f-1|a|*|ss||F|Add|1|0|eyIiOjAsImMiOjN9|
f-1|a|a|te|G|F.O|Add|1|0|eyJjIjozLCJ0YXJzX3JldCI6MH0=|
";

    fn chain(log: &str) -> Chain {
        chains(log).unwrap().remove(0)
    }

    #[test]
    fn a_right_chain_passes_and_every_wrong_one_does_not() {
        assert!(sum_chain(&chain(CHAIN)).is_ok());
        for (right, wrong) in [
            ("f-1|a|a|te|G|F.O|Add|1|0|eyJjIjozLCJ0YXJzX3JldCI6MH0=|\n", ""),
            ("f-1|a|a|ts", "f-1|a|z|ts"),
            ("f-1|b|a|cs", "f-1|b|b|cs"),
            ("f-1|b|a|", "f-1|b|z|"),
            ("f-1|b|*|sr||B|Add|1|0|eyJhIjoxLCJiIjoyfQ==", "f-1|b|*|sr||B|Add|1|0|"),
            ("|ss||F|Add|1|0", "|ss||F|Add|1|-8"),
            ("f-", "e-"),
        ] {
            assert!(sum_chain(&chain(&CHAIN.replace(right, wrong))).is_err(), "{right}");
        }
    }

    #[test]
    fn a_failed_chain_says_why() {
        let log = "\
f-1|a|a|ts|G|F.O|Add|1|0|e30=|
f-1|a|*|sr||F|Add|1|0|e30=|
f-1|b|a|cs|F|B.O|Add|1|0|e30=|
f-1|b|a|cr|F|B.O|Add|1|-8||refused
f-1|a|*|ss||F|Add|1|-8||refused
f-1|a|a|te|G|F.O|Add|1|-8||refused
";
        assert!(failed_sum_chain(&chain(log)).is_ok());
        assert!(failed_sum_chain(&chain(&log.replacen("refused", "", 1))).is_err());
        assert!(failed_sum_chain(&chain(&log.replacen("-8", "0", 1))).is_err());
        assert!(failed_sum_chain(&chain(CHAIN)).is_err());
    }
}
