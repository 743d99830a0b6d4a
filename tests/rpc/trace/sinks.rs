//! Where lines go.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tars::protocol::{Log, LogClient, LogInfo, LogServer};
use tars::trace::{FileSink, Flags, LogSink, Trace, Tracer};
use tars::{Communicator, Context, Error, Result, Server};

use super::{Memory, traced};
use crate::common::{ANYWHERE, OBJECT, RawServer, Servant, TestServer, echo};

/// A log server that keeps what it is sent.
#[derive(Clone, Default)]
struct LogServant {
    batches: Arc<Mutex<Vec<Batch>>>,
}

type Batch = (LogInfo, Vec<String>);

impl Log for LogServant {
    async fn logger(&self, _: &mut Context, _: String, _: String, _: String, _: String, _: Vec<String>) -> Result<()> {
        Err(Error::new(1, "not the operation that traces are sent with"))
    }

    async fn loggerby_info(&self, cx: &mut Context, info: LogInfo, buffer: Vec<String>) -> Result<()> {
        assert!(Context::current().trace().is_none() && cx.status().is_empty());
        self.batches.lock().unwrap().push((info, buffer));
        Ok(())
    }
}

#[tokio::test]
async fn lines_reach_the_log_server() {
    let servant = LogServant::default();
    let batches = Arc::clone(&servant.batches);
    let server = TestServer::start(LogServer::new(servant)).await;
    // The log's own calls are made with the tracer that they serve, and inside a chain.
    let memory = Memory::default();
    let log = traced(memory.tracer("Test.App"))
        .client::<LogClient>(&server.object())
        .unwrap();
    let (tracer, back) = Trace::root(Flags::ALL, 1)
        .scope(async {
            (
                Tracer::new("Test.App", LogSink::new(log, "Test.App").unwrap()),
                TestServer::start(Servant::echo()).await,
            )
        })
        .await;
    let proxy = traced(tracer.clone()).proxy(&back.object()).unwrap();
    Trace::root(Flags::ALL, 1)
        .scope(async {
            echo(&proxy, "x").await.unwrap();
            tracer.flush().await;
            for _ in 0..1250 {
                echo(&proxy, "y").one_way().await.unwrap();
            }
            echo(&proxy, "y").timeout(Duration::ZERO).await.unwrap_err();
        })
        .await;
    tracer.flush().await;
    let batches = batches.lock().unwrap().clone();
    let sizes: Vec<_> = batches.iter().map(|(_, lines)| lines.len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 2 + 2 * 1250 + 2, "{sizes:?}");
    assert!(sizes[0] == 2 && sizes.iter().all(|&size| size <= 2000), "{sizes:?}");
    let (info, lines) = &batches[0];
    let expected = LogInfo {
        appname: "Test".to_owned(),
        servername: "App".to_owned(),
        s_filename: "_t_trace_".to_owned(),
        s_format: "%Y%m%d".to_owned(),
        b_has_sufix: true,
        b_has_app_name_prefix: true,
        s_concat_str: "_".to_owned(),
        s_separ: "|".to_owned(),
        ..LogInfo::default()
    };
    assert_eq!(*info, expected);
    assert!(
        lines[0].contains("|cs|Test.App|") && lines[1].contains("|cr|Test.App|"),
        "{lines:?}"
    );
    // The log server finds the end of a line by this, so the text of an error is left out.
    assert!(
        batches
            .iter()
            .flat_map(|(_, lines)| lines)
            .all(|line| line.ends_with("|\n"))
    );
    assert_eq!((tracer.dropped(), memory.lines(0).await.len()), (0, 0));
}

#[tokio::test]
async fn lines_that_cannot_be_sent_are_counted() {
    let server = RawServer::start().await;
    let log = Communicator::new().client::<LogClient>(&server.object()).unwrap();
    let _place = server.closed();
    let sink = LogSink::new(log, "Test.App").unwrap();
    let tracer = Tracer::new("Test.App", sink);
    let back = TestServer::start(Servant::echo()).await;
    let proxy = traced(tracer.clone()).proxy(&back.object()).unwrap();
    Trace::root(Flags::ALL, 1)
        .scope(async { echo(&proxy, "x").await })
        .await
        .unwrap();
    tracer.flush().await;
    assert_eq!(tracer.dropped(), 2);
}

#[tokio::test]
async fn lines_reach_a_file() {
    let path = std::env::temp_dir().join(format!(
        "tars-trace-{}-{}",
        std::process::id(),
        Trace::root(Flags::ALL, 1).id()
    ));
    for round in 1..=2 {
        let tracer = Tracer::new("Test.App", FileSink::open(&path).unwrap());
        let builder = Server::builder()
            .adapter(ANYWHERE, OBJECT, Servant::echo())
            .tracer(tracer);
        let server = TestServer::of(builder).await;
        echo(&server.proxy(), "x")
            .status("STATUS_TRACE_KEY", "f-ab|s")
            .await
            .unwrap();
        // A server that ends has written its lines.
        server.stopped().await;
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2 * round);
        assert!(lines[0].starts_with("f-ab|s|*|sr||Test.App|echo|"));
        assert!(lines[0].ends_with("|0|eyJ0ZXh0IjoieCJ9|"), "{}", lines[0]);
        assert!(lines[1].ends_with("|0|eyIiOiJ4In0=|"), "{}", lines[1]);
    }
    std::fs::remove_file(&path).unwrap();
    let missing = path.join("no").join("where");
    let error = FileSink::open(&missing).unwrap_err();
    assert!(
        error
            .message()
            .starts_with(&format!("cannot open `{}` for the trace: ", missing.display())),
        "{error}"
    );
}
