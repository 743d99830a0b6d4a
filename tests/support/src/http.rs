//! A small HTTP client: one connection, one request after the other.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
    time::timeout,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header `content-type`, empty when there is none.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none: the text shows it.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in {self:?}"))
    }
}

/// A connection to an HTTP server.
#[derive(Debug)]
pub struct Http {
    host: String,
    sender: http1::SendRequest<Full<Bytes>>,
    connection: JoinHandle<()>,
}

impl Http {
    /// Connects to `address`, `host:port`.
    pub async fn connect(address: &str) -> Result<Self, String> {
        Self::on(address, TcpStream::connect(address)).await
    }

    /// Connects to `address`, an IPv4 address and a port, from the address `source` of this machine.
    pub async fn connect_from(source: IpAddr, address: &str) -> Result<Self, String> {
        let connecting = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(source, 0))?;
            socket.connect(address.parse().map_err(std::io::Error::other)?).await
        };
        Self::on(address, connecting).await
    }

    async fn on(address: &str, connecting: impl Future<Output = std::io::Result<TcpStream>>) -> Result<Self, String> {
        let connecting = async {
            let stream = connecting.await.map_err(|e| e.to_string())?;
            http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())
        };
        let (sender, connection) = timeout(PATIENCE, connecting)
            .await
            .map_err(|_| "no connection in time".to_owned())?
            .map_err(|e| format!("connect to {address}: {e}"))?;
        let connection = tokio::spawn(async {
            // What ends it early is told by the request that waits.
            let _ = connection.await;
        });
        Ok(Self {
            host: address.to_owned(),
            sender,
            connection,
        })
    }

    /// Gets `path`.
    pub async fn get(&mut self, path: &str) -> Result<Answer, String> {
        self.request(Method::GET, path, &[], Bytes::new()).await
    }

    /// Posts `body` to `path`, with more headers.
    pub async fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, String> {
        self.request(Method::POST, path, headers, body.into()).await
    }

    async fn request(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer, String> {
        let builder = Request::builder().method(method).uri(path).header("host", &self.host);
        let request = headers
            .iter()
            .fold(builder, |builder, (name, value)| builder.header(*name, *value))
            .body(Full::new(body))
            .map_err(|e| e.to_string())?;
        let answering = async {
            self.sender.ready().await?;
            let (head, body) = self.sender.send_request(request).await?.into_parts();
            let content_type = head.headers.get("content-type").map(|v| v.to_str().unwrap_or("?"));
            Ok(Answer {
                status: head.status.as_u16(),
                content_type: content_type.unwrap_or_default().to_owned(),
                body: body.collect().await?.to_bytes(),
            })
        };
        timeout(PATIENCE, answering)
            .await
            .map_err(|_| format!("no answer of {path} in time"))?
            .map_err(|e: hyper::Error| format!("{path}: {e}"))
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
