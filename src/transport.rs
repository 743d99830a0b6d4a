//! Sockets: the only module that touches them.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;

use crate::packet::FrameBuffer;
use crate::{Endpoint, clock};

/// Encoded frames on their way out.
#[derive(Debug, Default)]
pub(crate) struct OutBuffer {
    pub(crate) bytes: Vec<u8>,
    sent: usize,
}

impl OutBuffer {
    /// A buffer that grew beyond this is given back when it is empty.
    const KEEP: usize = 256 * 1024;

    pub(crate) fn unsent(&self) -> usize {
        self.bytes.len() - self.sent
    }

    fn advance(&mut self, count: usize) {
        self.sent += count;
        if self.sent == self.bytes.len() {
            self.clear();
        } else if self.sent >= Self::KEEP && self.sent * 2 >= self.bytes.len() {
            // A peer that reads slowly but always something would otherwise never let the buffer become empty. What is
            // moved is no more than what was written since the last move.
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.sent = 0;
        self.bytes.clear();
        self.bytes.shrink_to(Self::KEEP);
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Stream {
    tcp: TcpStream,
    read_size: usize,
}

impl Stream {
    /// A peer that vanished without a word, as a pod that was killed does, is noticed on an idle connection after
    /// about this time and three probes.
    const KEEPALIVE: Duration = Duration::from_secs(30);
    const PROBE: Duration = Duration::from_secs(10);

    /// A connection whose requests nobody takes for so long is broken, so that the next call makes a new one.
    #[cfg(target_os = "linux")]
    const UNTAKEN: Duration = Duration::from_secs(10);

    fn new(tcp: TcpStream) -> io::Result<Self> {
        let keepalive = TcpKeepalive::new()
            .with_time(Self::KEEPALIVE)
            .with_interval(Self::PROBE);
        SockRef::from(&tcp).set_tcp_keepalive(&keepalive)?;
        // Frames are gathered before they are written, so waiting for more would only add delay.
        tcp.set_nodelay(true)?;
        Ok(Self {
            tcp,
            read_size: FrameBuffer::MIN_READ,
        })
    }

    /// Tries the addresses of the endpoint's host one after another, all of them within `limit`.
    pub(crate) async fn connect(endpoint: &Endpoint, limit: Duration) -> io::Result<Self> {
        let connect = async {
            let mut last = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
            for address in lookup_host((endpoint.host.as_str(), endpoint.port)).await? {
                match TcpStream::connect(address).await {
                    Ok(tcp) => {
                        #[cfg(target_os = "linux")]
                        SockRef::from(&tcp).set_tcp_user_timeout(Some(Self::UNTAKEN))?;
                        return Self::new(tcp);
                    }
                    Err(error) => last = error,
                }
            }
            Err(last)
        };
        timeout(limit, connect).await.unwrap_or_else(|_| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("not connected within {} ms", limit.as_millis()),
            ))
        })
    }

    pub(crate) fn peer_address(&self) -> io::Result<SocketAddr> {
        self.tcp.peer_addr()
    }

    pub(crate) fn local_address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Reads once; 0 bytes are the end.
    pub(crate) fn poll_read(&mut self, buffer: &mut FrameBuffer, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let room = buffer.room(self.read_size);
        let space = room.capacity() - room.len();
        // Not `try_read_buf`: this way tokio learns from a short read that the socket is empty and saves the next one.
        let read = std::task::ready!(pin!(self.tcp.read_buf(room)).poll(cx));
        if matches!(read, Ok(count) if count == space) {
            self.read_size = FrameBuffer::MAX_READ;
        }
        Poll::Ready(read)
    }

    /// Reads once what the socket itself has, not what the runtime knows of: that learns of new bytes only when it turns
    /// to its sockets. Nothing is woken when more comes.
    pub(crate) fn read_now(&mut self, buffer: &mut FrameBuffer) -> Poll<io::Result<usize>> {
        let mut bytes = [0; FrameBuffer::MIN_READ];
        match (&*SockRef::from(&self.tcp)).read(&mut bytes) {
            Ok(count) => {
                buffer.room(count).extend_from_slice(&bytes[..count]);
                Poll::Ready(Ok(count))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Writes until the buffer is empty or the socket takes no more; the number is what was written.
    pub(crate) fn poll_write(&mut self, out: &mut OutBuffer, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while out.unsent() > 0 {
            let written = std::task::ready!(Pin::new(&mut self.tcp).poll_write(cx, &out.bytes[out.sent..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            out.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Says goodbye and waits, `limit` at most, until the peer does too. Closing with unread bytes instead would reset
    /// the connection and could destroy answers that the peer has not read yet.
    pub(crate) async fn close(mut self, limit: Duration) {
        let mut scratch = [0; 4096];
        let goodbye = async {
            self.tcp.shutdown().await?;
            while self.tcp.read(&mut scratch).await? > 0 {}
            io::Result::Ok(())
        };
        // The connection is over either way, so neither an error nor the limit matters.
        let _ = timeout(limit, goodbye).await;
    }
}

/// The address this machine has in the eyes of the first of `endpoints` that it has a way to. Nothing is sent: the
/// system chooses the address when a datagram socket is told its peer.
pub(crate) async fn local_address_towards(endpoints: &[Endpoint]) -> io::Result<IpAddr> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address of it is known");
    for endpoint in endpoints {
        match local_address_of(endpoint).await {
            Ok(address) => return Ok(address),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn local_address_of(endpoint: &Endpoint) -> io::Result<IpAddr> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
    for address in lookup_host((endpoint.host.as_str(), endpoint.port)).await? {
        let any = match address {
            SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        };
        let socket = UdpSocket::bind((any, 0)).await?;
        match socket.connect(address).await {
            Ok(()) => return Ok(socket.local_addr()?.ip()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A bound listener.
#[derive(Debug)]
pub(crate) struct Listener {
    tcp: TcpListener,
}

impl Listener {
    /// How long to wait when the process has no file handles left to accept with.
    const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

    /// Listens at the first address of the endpoint's `-b`, or of its host, that can be bound.
    pub(crate) async fn bind(endpoint: &Endpoint) -> io::Result<Self> {
        let host = endpoint.bind.as_deref().unwrap_or(&endpoint.host);
        let tcp = TcpListener::bind((host, endpoint.port)).await?;
        Ok(Self { tcp })
    }

    pub(crate) fn local_address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// The next connection. Errors of single connections and a lack of file handles are logged and waited out.
    pub(crate) async fn accept(&self) -> Stream {
        loop {
            match self.tcp.accept().await.and_then(|(tcp, _)| Stream::new(tcp)) {
                Ok(stream) => return stream,
                Err(error) if is_of_one_connection(&error) => tracing::debug!(%error, "connection lost in accept"),
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    tokio::time::sleep_until(clock::now() + Self::EXHAUSTED_PAUSE).await;
                }
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput, NotConnected};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | InvalidInput | NotConnected
    )
}
