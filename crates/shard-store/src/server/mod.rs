//! Serves a store over HTTP to whoever asks. What is asked and answered is in [`light_client::wire`].
//!
//! Everything that a stranger can use up has a limit ([`Limits`]): connections, in all and of an address; the life of a connection,
//! which bounds slow requests and slow readers alike; requests, shards and bytes of an address in a time; bytes of answers in memory,
//! in all and of an address; indices in a request; the length of an answer. Each connection carries one request.

mod answers;
mod buckets;
mod connections;
mod refusal;
mod room;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

pub use refusal::Refused;

use crate::Store;
use connections::Connections;

/// What strangers may use up. Addresses of IPv6 count as one where their first 64 bits are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// Connections of one address at a time.
    pub connections_of_address: usize,
    /// How long a connection lives, from the first byte of the request to the last of the answer.
    pub connection_life: Duration,
    /// What an address may ask for in a second in the long run: a request counts one, each of its shards or listed blocks one, and
    /// each 64 KiB of shards one.
    pub rate: u32,
    /// What it may ask for at once after a time without asking.
    pub burst: u32,
    /// Bytes of answers with shards in memory at a time, of one address an eighth. Neither is less than
    /// [`light_client::wire::MAX_ANSWER`].
    pub answers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            connections_of_address: 64,
            connection_life: Duration::from_secs(30),
            rate: 512,
            burst: 4_096,
            answers: 256 << 20,
        }
    }
}

/// Serves a store until `stop` is ready; then until the requests under way are answered, at most a connection's life.
///
/// # Errors
/// When the server fails.
pub async fn serve(
    store: Arc<Store>,
    listener: TcpListener,
    limits: Limits,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let routes = answers::routes(store, limits).into_make_service_with_connect_info::<connections::Peer>();
    let connections = Connections::new(listener, limits);
    axum::serve(connections, routes).with_graceful_shutdown(stop).await
}

/// Binds an address to serve at; port 0 for some free one.
///
/// # Errors
/// When the address cannot be used.
pub async fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
