//! What hostile peers do with a connection.

use std::{fmt, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{ATTACKERS, SILENT, corpus::Corpus, noise::Noise};

/// How long an attacker listens before it goes on.
const LISTENING: Duration = Duration::from_millis(10);

/// A port under attack.
#[derive(Clone)]
pub(crate) struct Port {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) corpus: Corpus,
}

/// Attackers at work on some ports.
pub(crate) struct Siege {
    attackers: JoinSet<(&'static str, Thrown)>,
    silent: Vec<TcpStream>,
}

/// What was done to one port, or to all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Thrown {
    connections: u64,
    bytes: u64,
    refused: u64,
}

impl Siege {
    /// Opens the silent connections and lets the attackers loose.
    pub(crate) async fn lay(ports: Vec<Port>, duration: Duration) -> Self {
        let mut siege = Self {
            attackers: JoinSet::new(),
            silent: Vec::new(),
        };
        let end = Instant::now() + duration;
        for (number, port) in (0_u64..).zip(ports) {
            for _ in 0..SILENT {
                siege.silent.push(TcpStream::connect(port.address).await.unwrap());
            }
            for attacker in 0..ATTACKERS {
                let noise = Noise::new(number * ATTACKERS + attacker);
                siege.attackers.spawn(besiege(port.clone(), noise, end));
            }
        }
        siege
    }

    /// Waits for the last attacker. The silent connections are closed then.
    pub(crate) async fn ended(self) -> Report {
        let mut report = Report(Vec::new());
        for (name, thrown) in self.attackers.join_all().await {
            report.add(name, thrown);
        }
        drop(self.silent);
        report
    }
}

/// What was done to each port.
pub(crate) struct Report(Vec<(&'static str, Thrown)>);

impl Report {
    fn add(&mut self, name: &'static str, more: Thrown) {
        if let Some((_, sum)) = self.0.iter_mut().find(|(known, _)| *known == name) {
            sum.connections += more.connections;
            sum.bytes += more.bytes;
            sum.refused += more.refused;
        } else {
            self.0.push((name, more));
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, thrown) in &self.0 {
            let Thrown {
                connections,
                bytes,
                refused,
            } = thrown;
            writeln!(
                f,
                "{name}: {connections} hostile connections ({refused} refused), {bytes} bytes"
            )?;
        }
        Ok(())
    }
}

async fn besiege(port: Port, mut noise: Noise, end: Instant) -> (&'static str, Thrown) {
    let mut thrown = Thrown::default();
    while Instant::now() < end {
        thrown.connections += 1;
        match TcpStream::connect(port.address).await {
            // A server that closes the connection is right to: the rest of the attack has nobody to go to.
            Ok(stream) => thrown.bytes += attack(stream, &port.corpus, &mut noise, end).await,
            Err(_) => thrown.refused += 1,
        }
    }
    (port.name, thrown)
}

/// One connection from its beginning to its end: how many bytes went into it.
async fn attack(mut stream: TcpStream, corpus: &Corpus, noise: &mut Noise, end: Instant) -> u64 {
    let message = noise.pick(corpus.messages()).clone();
    match noise.below(100) {
        0..=9 => throw(&mut stream, &noise.bytes(4096)).await,
        10..=19 => {
            let random = noise.bytes(4096);
            throw(&mut stream, &corpus.with_true_length([vec![0; 4], random].concat())).await
        }
        20..=59 => throw(&mut stream, &mutated(corpus, noise)).await,
        60..=69 => cut_short(&mut stream, &message, noise).await,
        70..=74 => reset(stream, &corpus.cheap().repeat(20)).await,
        75..=84 => {
            let claim = corpus.claiming(noise.edge());
            throw(&mut stream, &[claim, noise.bytes(20_000)].concat()).await
        }
        85..=89 => {
            let size = noise.below(200_000);
            throw(&mut stream, &corpus.deep(size)).await
        }
        90..=91 => trickle(&mut stream, &message, noise, end).await,
        92..=93 => never_read(&mut stream, corpus.cheap()).await,
        94..=98 => throw(&mut stream, &[corpus.cheap().repeat(50), noise.bytes(64)].concat()).await,
        _ => throw(&mut stream, &corpus.deep(2_000_000 + noise.below(6_000_000))).await,
    }
}

/// One to four messages with things wrong in them, most with a length that is true.
fn mutated(corpus: &Corpus, noise: &mut Noise) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..=noise.below(4) {
        let message = noise.pick(corpus.messages()).clone();
        let wrong = noise.mutated(&message);
        bytes.extend(if noise.chance(75) {
            corpus.with_true_length(wrong)
        } else {
            wrong
        });
    }
    bytes
}

/// Writes, and listens for a moment to what comes back.
async fn throw(stream: &mut TcpStream, bytes: &[u8]) -> u64 {
    let (mut reading, mut writing) = stream.split();
    let mut answer = [0; 4096];
    let listen = async { while matches!(reading.read(&mut answer).await, Ok(1..)) {} };
    let write = timeout(LISTENING * 50, writing.write_all(bytes));
    let (_, _) = tokio::join!(write, timeout(LISTENING, listen));
    bytes.len() as u64
}

/// Ends in the middle of a message.
async fn cut_short(stream: &mut TcpStream, message: &[u8], noise: &mut Noise) -> u64 {
    let part = &message[..noise.below(message.len())];
    if noise.chance(50) && stream.write_all(part).await.is_ok() && stream.shutdown().await.is_ok() {
        let _ = timeout(LISTENING, stream.read(&mut [0; 64])).await;
        return part.len() as u64;
    }
    throw(stream, part).await
}

/// Asks much and goes without a word.
async fn reset(mut stream: TcpStream, bytes: &[u8]) -> u64 {
    let _ = timeout(LISTENING, stream.write_all(bytes)).await;
    let _ = stream.set_zero_linger();
    bytes.len() as u64
}

/// A byte at a time, for a second.
async fn trickle(stream: &mut TcpStream, message: &[u8], noise: &mut Noise, end: Instant) -> u64 {
    let end = end.min(Instant::now() + Duration::from_secs(1));
    let mut sent = 0;
    for byte in message.iter().cycle() {
        if Instant::now() >= end || stream.write_all(&[*byte]).await.is_err() {
            break;
        }
        sent += 1;
        sleep(Duration::from_millis(noise.below(20) as u64)).await;
    }
    sent
}

/// Asks and asks, and reads no answer, until nothing more goes in.
async fn never_read(stream: &mut TcpStream, message: &[u8]) -> u64 {
    let much = message.repeat(1 + 64 * 1024 / message.len());
    let mut sent = 0;
    while sent < 16 * 1024 * 1024 && matches!(timeout(LISTENING * 10, stream.write_all(&much)).await, Ok(Ok(()))) {
        sent += much.len() as u64;
    }
    sent
}
