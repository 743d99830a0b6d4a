//! Calls through the gateway, made by curl as anybody would make them. The only place here that runs curl.

use std::{fmt, process::Stdio};

use anyhow::{Context as _, bail, ensure};
use tokio::{process::Command, time::timeout};

use crate::children::LIMIT;

/// Lines of curl's report that are worth showing.
const SHOWN: [&str; 4] = ["> POST ", "< HTTP/", "< content-type", "< content-length"];

/// A call as a curl command makes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) object: &'static str,
    pub(crate) function: &'static str,
    /// The parameters, exactly as they are sent.
    pub(crate) body: &'static str,
}

/// `jsonfunc` of the server in another language.
pub(crate) const OTHER_LANGUAGE: Call = Call {
    object: "HelloWorld.PHPTarsuser.Index",
    function: "jsonfunc",
    body: r#"{"name":"postman","req":{"x":100,"y":200,"name":"postman"}}"#,
};

/// A sum, which the front server asks the back server for.
pub(crate) const ADD: Call = Call {
    object: "Trace.TarsTraceFrontServer.FrontendObj",
    function: "Add",
    body: r#"{"a":1, "b":2}"#,
};

/// `jsonfunc` of the front server.
pub(crate) const FRONT: Call = Call {
    object: "Trace.TarsTraceFrontServer.FrontendObj",
    function: "jsonfunc",
    body: r#"{
	"name": "postman",
	"req": {
		"x":100,
		"y":200,
		"name": "postman"
	}
}"#,
};

/// What curl got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: String,
    report: String,
}

impl Call {
    /// The command as it would be typed, `gateway` being `HOST:PORT`.
    pub(crate) fn command(&self, gateway: &str) -> String {
        format!("curl {} -d '{}' -vvv", self.url(gateway), self.body)
    }

    /// Runs the command.
    pub(crate) async fn run(&self, gateway: &str) -> anyhow::Result<Answer> {
        let mut curl = Command::new("curl");
        // curl draws its progress into the lines of the report, once a second.
        curl.args([&self.url(gateway), "-d", self.body, "-vvv", "--silent", "--show-error"])
            // The gateway is on this machine, whatever proxy leads out of it.
            .env("NO_PROXY", "*")
            .env("no_proxy", "*")
            .kill_on_drop(true)
            .stdin(Stdio::null());
        let output = timeout(LIMIT, curl.output())
            .await
            .with_context(|| format!("no answer in {} s to {}", LIMIT.as_secs(), self.command(gateway)))?
            .context("run curl")?;
        let report = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "curl ended with {}:\n{report}", output.status);
        let body = String::from_utf8(output.stdout).context("the answer's body")?;
        Answer::read(report, body)
    }

    fn url(&self, gateway: &str) -> String {
        format!("http://{gateway}/json/{}/{}", self.object, self.function)
    }
}

impl Answer {
    fn read(report: String, body: String) -> anyhow::Result<Self> {
        let mut answer = Self {
            status: 0,
            content_type: String::new(),
            body,
            report,
        };
        for line in answer.report.lines().filter_map(|line| line.strip_prefix("< ")) {
            if let Some(status) = line.strip_prefix("HTTP/") {
                let code = status.split(' ').nth(1).context("a status line")?;
                answer.status = code.parse().with_context(|| format!("status line `{line}`"))?;
            } else if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-type")
            {
                answer.content_type = value.trim().into();
            }
        }
        if answer.status == 0 {
            bail!("no status line in curl's report:\n{}", answer.report);
        }
        Ok(answer)
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_str(&self.body).with_context(|| format!("the answer is not JSON: {}", self.body))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_shown = |line: &&str| {
            let line = line.to_ascii_lowercase();
            SHOWN.iter().any(|start| line.starts_with(&start.to_ascii_lowercase()))
        };
        for line in self.report.lines().filter(is_shown) {
            writeln!(f, "{line}")?;
        }
        write!(f, "{}", self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
*   Trying 127.0.0.1:8200...
> POST /json/A.B.C/f HTTP/1.1\r
> Content-Type: application/x-www-form-urlencoded\r
>\x20\r
< HTTP/1.1 502 Bad Gateway\r
< Content-Type: application/problem+json\r
< date: now\r
<\x20\r
{ [14 bytes data]
";

    #[test]
    fn commands_are_the_articles_but_for_the_host() {
        assert_eq!(
            ADD.command("10.0.0.224:8200"),
            r#"curl http://10.0.0.224:8200/json/Trace.TarsTraceFrontServer.FrontendObj/Add -d '{"a":1, "b":2}' -vvv"#
        );
        let body: serde_json::Value = serde_json::from_str(FRONT.body).unwrap();
        assert_eq!(
            body,
            serde_json::from_str::<serde_json::Value>(OTHER_LANGUAGE.body).unwrap()
        );
    }

    #[test]
    fn an_answer_is_read_from_curls_report() {
        let answer = Answer::read(REPORT.into(), "{}".into()).unwrap();
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (502, "application/problem+json")
        );
        assert_eq!(
            answer.to_string(),
            "> POST /json/A.B.C/f HTTP/1.1\n< HTTP/1.1 502 Bad Gateway\n< Content-Type: application/problem+json\n{}"
        );
    }

    #[test]
    fn a_report_without_status_is_an_error() {
        assert!(Answer::read("* nothing".into(), String::new()).is_err());
        assert!(Answer::read("< HTTP/1.1 fine".into(), String::new()).is_err());
    }
}
