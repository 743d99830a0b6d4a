//! The call chain: what is recorded, what is passed on, and that every beginning has its end.

mod chain;
mod failures;
mod params;
mod sinks;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tars::trace::{Line, Sink, Tracer};
use tars::{Communicator, Server};
use tokio::sync::watch;

use crate::common::{ANYWHERE, Echo, OBJECT, Servant, TestServer, echo};

/// Keeps lines.
#[derive(Clone, Default)]
struct Memory {
    lines: Arc<Mutex<Vec<Line>>>,
    count: Arc<watch::Sender<usize>>,
}

impl Sink for Memory {
    fn record(&self, line: Line) {
        self.lines.lock().unwrap().push(line);
        self.count.send_modify(|count| *count += 1);
    }
}

impl Memory {
    fn tracer(&self, module: &str) -> Tracer {
        Tracer::new(module, self.clone())
    }

    /// What was recorded, at least `count` lines.
    async fn lines(&self, count: usize) -> Vec<Line> {
        let enough = async { drop(self.count.subscribe().wait_for(|have| *have >= count).await.unwrap()) };
        let waited = tokio::time::timeout(Duration::from_secs(10), enough).await;
        assert!(
            waited.is_ok(),
            "{count} lines expected, there are {:#?}",
            self.lines.lock().unwrap()
        );
        self.lines.lock().unwrap().clone()
    }

    /// Annotation, return code and error of each line.
    async fn ends(&self, count: usize) -> Vec<(&'static str, i32, String)> {
        let lines = self.lines(count).await;
        assert_eq!(lines.len(), count, "{lines:#?}");
        lines
            .into_iter()
            .map(|line| (line.annotation.as_str(), line.ret, line.error))
            .collect()
    }
}

fn annotations(lines: &[Line]) -> Vec<&'static str> {
    lines.iter().map(|line| line.annotation.as_str()).collect()
}

fn end(annotation: &'static str, ret: i32, error: &str) -> (&'static str, i32, String) {
    (annotation, ret, error.to_owned())
}

/// A communicator whose calls are recorded.
fn traced(tracer: Tracer) -> Communicator {
    Communicator::builder().tracer(tracer).build()
}

/// A server `Test.Back` that answers what it is given, and a server `Test.Front` that asks it; both record into `memory`.
async fn chain(memory: &Memory) -> (TestServer, TestServer) {
    let back = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::echo())
        .tracer(memory.tracer("Test.Back"));
    let back = TestServer::of(back).await;
    let proxy = traced(memory.tracer("Test.Front")).proxy(&back.object()).unwrap();
    let forward = Servant::new(move |cx, text| {
        let proxy = proxy.clone();
        async move {
            let answer = echo(&proxy, &text).await?;
            cx.respond::<Echo>(answer)
        }
    });
    let front = Server::builder()
        .adapter(ANYWHERE, OBJECT, forward)
        .tracer(memory.tracer("Test.Front"));
    (TestServer::of(front).await, back)
}

/// A key as a gateway sends it.
const KEY: &str = "0-00112233445566778899aabbccddeeff|1122334455667788";
