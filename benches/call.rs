//! Echo of 100 bytes over one connection on loopback: calls a second and latency with 1, 64 and 512 calls in flight.
//!
//! Two loads: this crate's own client, outside and inside of a call chain, and a bare generator of frames that answers each read with one batched write, so
//! that the server is measured almost alone. The generator against a server that sends back what it reads is what the
//! machine allows. `cargo bench --bench call [-- SECONDS]`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints its figures and fails by panicking"
)]
#![allow(missing_docs, reason = "a benchmark has no users")]
#![allow(clippy::cast_precision_loss, reason = "figures are printed with few digits")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use tars::bytes::Bytes;
use tars::codec::{self, Writer};
use tars::protocol::RequestPacket;
use tars::trace::{Flags, Line, Sink, Trace, Tracer};
use tars::{
    BoxFuture, Communicator, Context, Operation, Proxy, Request, Response, Result, Server, Service, TarsStruct,
};

const OBJECT: &str = "TestApp.EchoServer.EchoObj";
const PAYLOAD: [u8; 100] = [7; 100];

/// `int echo(vector<byte> req, out vector<byte> rsp)`.
#[derive(Debug)]
enum Echo {}

#[derive(Debug, TarsStruct)]
struct EchoArgs {
    #[tars(tag = 1, require)]
    req: Bytes,
}

#[derive(Debug, TarsStruct)]
struct EchoOutput {
    #[tars(tag = 0, require, name = "tars_ret")]
    ret: i32,
    #[tars(tag = 2, require)]
    rsp: Bytes,
}

impl Operation for Echo {
    const NAME: &'static str = "echo";
    type Args = EchoArgs;
    type Reply = EchoOutput;
    type Output = EchoOutput;

    fn into_output(reply: EchoOutput) -> EchoOutput {
        reply
    }

    fn into_reply(output: EchoOutput) -> EchoOutput {
        output
    }
}

#[derive(Clone, Debug)]
struct EchoServer;

impl Service<Request> for EchoServer {
    type Response = Response;
    type Error = tars::Error;
    type Future = BoxFuture<Result<Response>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match request.function() {
            "echo" => Box::pin(async move {
                let (cx, args) = request.open::<Echo>()?;
                cx.respond::<Echo>(EchoOutput { ret: 0, rsp: args.req })
            }),
            _ => Box::pin(std::future::ready(Err(request.unknown_function()))),
        }
    }
}

/// Takes lines and keeps none: what is measured is their making.
#[derive(Debug)]
struct Nowhere;

impl Sink for Nowhere {
    fn record(&self, line: Line) {
        drop(line);
    }
}

fn main() {
    let seconds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(3);
    let time = Duration::from_secs(seconds);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let endpoint = runtime.block_on(async {
        let server = Server::builder()
            .adapter("tcp -h 127.0.0.1 -p 0", OBJECT, EchoServer)
            .tracer(Tracer::new("TestApp.EchoServer", Nowhere))
            .bind()
            .await
            .unwrap();
        let endpoint = server.local_endpoints()[0].clone();
        tokio::spawn(server.serve());
        endpoint
    });
    println!("load        in flight   calls/s    p50 us   p99 us   cpu us/call (both ends)");
    for in_flight in [1, 64, 512] {
        let proxy = Communicator::new().proxy(&format!("{OBJECT}@{endpoint}")).unwrap();
        report("own client", in_flight, time, || {
            runtime.block_on(own_client(proxy, in_flight, time))
        });
    }
    for (name, flags) in [("traced", Flags::NONE), ("with params", Flags::ALL)] {
        for in_flight in [1, 64, 512] {
            let tracer = Tracer::new("TestApp.Client", Nowhere);
            let comm = Communicator::builder().tracer(tracer).build();
            let proxy = comm.proxy(&format!("{OBJECT}@{endpoint}")).unwrap();
            report(name, in_flight, time, || {
                let root = Trace::root(flags, 1);
                runtime.block_on(root.scope(own_client(proxy, in_flight, time)))
            });
        }
    }
    for in_flight in [1, 64, 512] {
        report("bare frames", in_flight, time, || {
            frames(&endpoint.address(), in_flight, time)
        });
    }
    let raw = runtime.block_on(raw_echo());
    for in_flight in [1, 64, 512] {
        report("raw echo", in_flight, time, || frames(&raw, in_flight, time));
    }
}

/// What the system and tokio alone reach: a server that sends back whatever it reads.
async fn raw_echo() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    stream.write_all(&buffer[..count]).await.unwrap();
                }
            });
        }
    });
    address
}

/// Runs a load and prints a row. The load gives the latency of each call of the measured time, in nanoseconds.
fn report(name: &str, in_flight: usize, time: Duration, load: impl FnOnce() -> Vec<u32>) {
    let before = processor_time();
    let mut latencies = load();
    let processor = processor_time().saturating_sub(before);
    latencies.sort_unstable();
    let percentile = |percent: usize| f64::from(latencies[(latencies.len() - 1) * percent / 100]) / 1000.0;
    let seconds = time.as_secs_f64();
    let rate = latencies.len() as f64 / seconds;
    let per_call = processor.as_secs_f64() * 1e6 / (rate * (seconds + WARM_UP.as_secs_f64()));
    let (p50, p99) = (percentile(50), percentile(99));
    println!("{name:<12} {in_flight:>8} {rate:>9.0} {p50:>9.1} {p99:>8.1} {per_call:>8.2}");
}

/// What this process has used of all processors; 0 where the system does not say.
fn processor_time() -> Duration {
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u32 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u32>().ok())
        .sum();
    TICK * ticks
}

const WARM_UP: Duration = Duration::from_secs(1);

/// Begin and end of the measured time.
fn phases(time: Duration) -> (Instant, Instant) {
    let begin = Instant::now() + WARM_UP;
    (begin, begin + time)
}

fn nanos(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_nanos()).unwrap_or(u32::MAX)
}

async fn own_client(proxy: Proxy, in_flight: usize, time: Duration) -> Vec<u32> {
    let (begin, end) = phases(time);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..in_flight {
        let proxy = proxy.clone();
        let current = Context::current();
        tasks.spawn(current.scope(async move {
            let mut latencies = Vec::new();
            loop {
                let start = Instant::now();
                if start >= end {
                    return latencies;
                }
                let mut args = Writer::new();
                args.bytes(1, &PAYLOAD);
                let output = proxy.call::<Echo>(args).await.unwrap();
                assert_eq!((output.ret, output.rsp.len()), (0, PAYLOAD.len()));
                if start >= begin {
                    latencies.push(nanos(start));
                }
            }
        }));
    }
    tasks.join_all().await.concat()
}

/// Keeps `in_flight` requests on the way; all answers of one read are followed by one write.
fn frames(address: &str, in_flight: usize, time: Duration) -> Vec<u32> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let frame = request_frame();
    let mut starts = std::collections::VecDeque::new();
    let (begin, end) = phases(time);
    let mut latencies = Vec::new();
    let mut buffer = vec![0; 256 * 1024];
    let (mut filled, mut due) = (0, in_flight);
    loop {
        let now = Instant::now();
        if now >= end {
            return latencies;
        }
        stream.write_all(&frame.repeat(due)).unwrap();
        starts.extend(std::iter::repeat_n(now, due));
        filled += stream.read(&mut buffer[filled..]).unwrap();
        due = 0;
        let mut taken = 0;
        while filled - taken >= 4 {
            let length = u32::from_be_bytes(buffer[taken..taken + 4].try_into().unwrap()) as usize;
            if filled - taken < length {
                break;
            }
            taken += length;
            due += 1;
            // Every call of this servant is answered in its turn.
            let start: Instant = starts.pop_front().unwrap();
            if start >= begin {
                latencies.push(nanos(start));
            }
        }
        buffer.copy_within(taken..filled, 0);
        filled -= taken;
    }
}

fn request_frame() -> Vec<u8> {
    let args = codec::encode(&EchoArgs {
        req: Bytes::from_static(&PAYLOAD),
    })
    .unwrap();
    let packet = RequestPacket {
        i_version: 1,
        i_request_id: 1,
        s_servant_name: OBJECT.to_owned(),
        s_func_name: "echo".to_owned(),
        s_buffer: args.into(),
        i_timeout: 3000,
        ..RequestPacket::default()
    };
    let body = codec::encode(&packet).unwrap();
    [&u32::try_from(body.len() + 4).unwrap().to_be_bytes()[..], &body].concat()
}
