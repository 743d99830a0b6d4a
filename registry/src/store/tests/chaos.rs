//! A database connection that breaks at every possible place.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::metrics::counter::Counter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::world::{MySqlWorld, RULES, World, adapter, mysql, startup};
use crate::config::MySqlAddress;
use crate::domain::Registration;
use crate::store::{MySqlStore, Store, StoreError};
use tars::protocol::OnStartupReq;

/// Forwards to the database and cuts every connection when the client has sent its `limit`-th packet: before the packet
/// passes, or after (the database acts on it and nobody hears of it).
struct Proxy {
    address: SocketAddr,
    packets: Arc<AtomicUsize>,
    connections: TaskTracker,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Before,
    After,
}

impl Proxy {
    async fn start(database: String, limit: usize, cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let packets = Arc::new(AtomicUsize::new(0));
        let connections = TaskTracker::new();
        let (seen, tracker) = (Arc::clone(&packets), connections.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&database).await.unwrap();
                tracker.spawn(forward(client, server, limit, cut, Arc::clone(&seen)));
            }
        });
        Self {
            address,
            packets,
            connections,
        }
    }

    /// Waits until the database closed every connection: it has then done all it will do.
    async fn finish(self) -> usize {
        self.connections.close();
        self.connections.wait().await;
        self.packets.load(Ordering::Relaxed)
    }
}

async fn forward(client: TcpStream, server: TcpStream, limit: usize, cut: Cut, seen: Arc<AtomicUsize>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (cut_now, is_cut) = oneshot::channel::<()>();
    let back = tokio::spawn(async move {
        tokio::select! {
            _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
            _ = is_cut => {}
        }
        drop(to_client);
        let _ = tokio::io::copy(&mut from_server, &mut tokio::io::sink()).await;
    });
    for count in 1.. {
        let Ok(packet) = read_packet(&mut from_client).await else {
            break;
        };
        seen.fetch_max(count, Ordering::Relaxed);
        if count == limit && cut == Cut::Before {
            break;
        }
        if to_server.write_all(&packet).await.is_err() || count == limit {
            break;
        }
    }
    drop((cut_now, from_client));
    let _ = to_server.shutdown().await;
    back.await.unwrap();
}

/// A packet: three bytes length, one byte sequence number, content.
async fn read_packet(from: &mut OwnedReadHalf) -> std::io::Result<Vec<u8>> {
    let mut packet = vec![0; 4];
    from.read_exact(&mut packet).await?;
    let length = u32::from_le_bytes([packet[0], packet[1], packet[2], 0]) as usize;
    packet.resize(4 + length, 0);
    from.read_exact(&mut packet[4..]).await?;
    Ok(packet)
}

fn request() -> OnStartupReq {
    let mut req = startup("n1", "S");
    req.version = "new".into();
    req.adapters.push(adapter("App.S.SecondObj", "tcp -h n1 -p 10001"));
    req
}

fn database(world: &MySqlWorld) -> (String, String) {
    let url = world.url();
    let (_, rest) = url.split_once('@').unwrap();
    let (address, name) = rest.split_once('/').unwrap();
    (address.to_owned(), name.to_owned())
}

/// Registers through a proxy that cuts at packet `limit`. -> the answer, and how many packets there were
async fn register_through(world: &MySqlWorld, limit: usize, cut: Cut) -> (Result<(), StoreError>, usize) {
    let (server, name) = database(world);
    let proxy = Proxy::start(server, limit, cut).await;
    // Without TLS, so that packets are packets.
    let url = format!("mysql://root@{}/{name}?ssl-mode=DISABLED", proxy.address);
    let store = MySqlStore::new(&MySqlAddress::Url(url.into()), 1, RULES, Counter::default()).unwrap();
    let answer = store.register(&Registration::from_request(&request()).unwrap()).await;
    store.close().await;
    (answer.map(drop), proxy.finish().await)
}

/// Rows of the instance: nothing, or everything.
async fn is_all_or_nothing(world: &MySqlWorld) -> bool {
    let nodes = world.count("t_node_info").await;
    let servers = world.count("t_server_conf WHERE patch_version = 'new'").await;
    let instances = world.count("tarsregistry_instance").await;
    let adapters = world.count("t_adapter_conf").await;
    match [nodes.as_str(), &servers, &instances, &adapters] {
        ["0", "0", "0", "0"] => false,
        ["1", "1", "1", "2"] => true,
        half => panic!("half a registration: {half:?}"),
    }
}

async fn cut_at_every_packet(cut: Cut) {
    let world = mysql().await;
    let (answer, packets) = register_through(&world, usize::MAX, cut).await;
    answer.unwrap();
    let mut kept = 0;
    for limit in 1..=packets {
        for table in [
            "t_node_info",
            "t_server_conf",
            "tarsregistry_instance",
            "t_adapter_conf",
        ] {
            world.exec(&format!("DELETE FROM {table}")).await;
        }
        let (answer, _) = register_through(&world, limit, cut).await;
        let is_there = is_all_or_nothing(&world).await;
        assert!(
            is_there || answer.is_err(),
            "acknowledged and not there, cut at packet {limit}"
        );
        kept += usize::from(is_there);
    }
    // The last packet is the commit: once it is delivered the rows are there, although nobody was told.
    assert!(packets > 20, "{packets} packets");
    assert_eq!(kept, usize::from(cut == Cut::After));
}

#[tokio::test]
async fn a_registration_cut_before_any_packet_is_all_or_nothing() {
    cut_at_every_packet(Cut::Before).await;
}

#[tokio::test]
async fn a_registration_cut_after_any_packet_is_all_or_nothing() {
    cut_at_every_packet(Cut::After).await;
}
