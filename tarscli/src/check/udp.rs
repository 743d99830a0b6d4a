//! Which UDP ports are bound, as the kernel lists them.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// What the kernel says of a socket that is bound and has no peer.
const UNCONNECTED: &str = "07";

/// The sockets that wait for datagrams.
#[derive(Debug, Default)]
pub(super) struct Bound(Vec<(IpAddr, u16)>);

impl Bound {
    /// Those of this network namespace.
    pub(super) fn read() -> io::Result<Self> {
        let mut bound = Self::parse(&std::fs::read_to_string("/proc/net/udp")?);
        match std::fs::read_to_string("/proc/net/udp6") {
            Ok(text) => bound.0.extend(Self::parse(&text).0),
            // A kernel without IPv6.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(bound)
    }

    /// Either list. Lines of another form are left out.
    fn parse(text: &str) -> Self {
        Self(text.lines().skip(1).filter_map(socket).collect())
    }

    /// Whether somebody waits at `port`, at every address or at one that `is_meant`.
    pub(super) fn has(&self, port: u16, is_meant: impl Fn(IpAddr) -> bool) -> bool {
        self.0
            .iter()
            .any(|(address, bound)| *bound == port && (address.is_unspecified() || is_meant(address.to_canonical())))
    }
}

/// `  12: 0100007F:1F90 00000000:0000 07 ...`
fn socket(line: &str) -> Option<(IpAddr, u16)> {
    let mut fields = line.split_whitespace().skip(1);
    let (local, _peer, state) = (fields.next()?, fields.next()?, fields.next()?);
    let (address, port) = local.split_once(':')?;
    let bound = (ip(address)?, u16::from_str_radix(port, 16).ok()?);
    (state == UNCONNECTED).then_some(bound)
}

/// The address in groups of four bytes, each as this machine holds a number.
fn ip(hex: &str) -> Option<IpAddr> {
    let group = |at: usize| {
        let text = hex.get(at..at + 8)?;
        Some(u32::from_str_radix(text, 16).ok()?.to_ne_bytes())
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from(group(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (index, part) in bytes.chunks_exact_mut(4).enumerate() {
                part.copy_from_slice(&group(index * 8)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn a_list_of_the_kernel() {
        let text = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  100: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  101: 00000000:1F91 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  102: 0100007F:1F92 0100007F:0035 01 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  103: 00000000000000000000000001000000:1F93 00000000000000000000000000000000:0000 07 0 0 0 0
  104: 0000000000000000FFFF00000100007F:1F94 00000000000000000000000000000000:0000 07 0 0 0 0
  cut";
        let bound = Bound::parse(text);
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        let at = |port, address: IpAddr| bound.has(port, |found| found == address);
        assert!(at(8080, loopback) && !at(8080, "10.0.0.7".parse().unwrap()));
        assert!(at(8081, "10.0.0.7".parse().unwrap()), "bound at every address");
        assert!(!at(8082, loopback), "a client's");
        assert!(at(8083, Ipv6Addr::LOCALHOST.into()));
        assert!(at(8084, loopback), "an address of IPv4 in one of IPv6");
        assert!(!at(8085, loopback));
    }

    #[test]
    fn the_kernels_own_list() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(socket) = UdpSocket::bind(address) else {
                continue; // a machine without IPv6
            };
            let here = socket.local_addr().unwrap();
            let is_bound = || Bound::read().unwrap().has(here.port(), |found| found == here.ip());
            assert!(is_bound());
            // A client's; it keeps the port, which somebody else could get.
            socket.connect((here.ip(), 9)).unwrap();
            assert!(!is_bound());
        }
    }
}
