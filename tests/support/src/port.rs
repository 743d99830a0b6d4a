//! A port that stays a test's own while nobody listens at it.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// A port that nobody else is given, whether or not somebody listens at it; while nobody does, connections are refused.
///
/// A socket is bound to it and never listens. The system gives such a port to nobody who asks for any, and lets those
/// listen who name it, one at a time, even while connections of an earlier one linger.
#[derive(Debug)]
pub struct HeldPort {
    address: SocketAddr,
    _holds: TcpSocket,
}

impl HeldPort {
    /// A free port of loopback.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn any() -> Self {
        Self::at(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0))
    }

    /// The port of this address (IPv4), which nobody has.
    ///
    /// # Panics
    /// When somebody has it.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        let hold = || {
            let socket = TcpSocket::new_v4()?;
            // So that a listener may be beside it.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            Ok((socket.local_addr()?, socket))
        };
        let (address, socket) = hold().unwrap_or_else(|e: std::io::Error| panic!("hold {address}: {e}"));
        Self {
            address,
            _holds: socket,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens there. When the listener is dropped, connections are refused again.
    ///
    /// # Panics
    /// When somebody listens there.
    pub async fn listen(&self) -> TcpListener {
        TcpListener::bind(self.address)
            .await
            .unwrap_or_else(|e| panic!("listen at {}: {e}", self.address))
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn it_can_be_listened_at_again_and_again_and_refuses_in_between() {
        let port = HeldPort::any();
        for _ in 0..3 {
            let refused = TcpStream::connect(port.address()).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            let listener = port.listen().await;
            let (client, accepted) = tokio::join!(TcpStream::connect(port.address()), listener.accept());
            // Closed here first, the connection lingers here.
            drop(accepted.unwrap());
            drop(client.unwrap());
        }
    }

    #[tokio::test]
    async fn it_is_given_to_nobody_else() {
        let port = HeldPort::any();
        let plain = TcpSocket::new_v4().unwrap();
        assert_eq!(plain.bind(port.address()).unwrap_err().kind(), ErrorKind::AddrInUse);
        let _listener = port.listen().await;
        let second = TcpListener::bind(port.address()).await;
        assert_eq!(second.unwrap_err().kind(), ErrorKind::AddrInUse);
    }
}
