//! Connections: so many, so many of an address, each for so long.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

use super::Limits;

/// Whom an address counts as: whoever has one of IPv6 has at least all that begin with the same 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(IpAddr);

impl Peer {
    pub fn new(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => Self(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()),
            address => Self(address),
        }
    }
}

impl Connected<IncomingStream<'_, Connections>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        Self::new(stream.remote_addr().ip())
    }
}

/// How many connections each peer has. Has no more entries than there are connections.
type Counts = Arc<Mutex<HashMap<Peer, usize>>>;

/// A listener that keeps to the limits.
pub struct Connections {
    listener: TcpListener,
    all: Arc<Semaphore>,
    counts: Counts,
    of_address: usize,
    life: Duration,
}

impl Connections {
    pub fn new(listener: TcpListener, limits: Limits) -> Self {
        Self {
            listener,
            all: Arc::new(Semaphore::new(limits.connections)),
            counts: Counts::default(),
            of_address: limits.connections_of_address,
            life: limits.connection_life,
        }
    }
}

impl Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    /// Where there are too many connections, others wait; where there are too many of an address, its next are closed.
    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let permit = Arc::clone(&self.all).acquire_owned().await.expect("the semaphore is never closed");
            let (stream, address) = <TcpListener as Listener>::accept(&mut self.listener).await;
            if let Some(turn) = Turn::take(&self.counts, Peer::new(address.ip()), self.of_address) {
                // An answer goes out at once, without waiting for more.
                let _ = stream.set_nodelay(true);
                let end = Box::pin(sleep(self.life));
                return (Connection { stream, end, _turn: turn, _permit: permit }, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One of the connections of a peer.
struct Turn {
    counts: Counts,
    peer: Peer,
}

impl Turn {
    fn take(counts: &Counts, peer: Peer, limit: usize) -> Option<Self> {
        let mut all = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(peer).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Self { counts: Arc::clone(counts), peer })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut all = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.peer);
            }
        }
    }
}

/// A connection that ends when its time is over.
pub struct Connection {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _turn: Turn,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    /// An error once the time is over; otherwise wakes when it is.
    fn alive(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.end.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    /// Otherwise answers were copied before they are sent, and their room would be given back too early.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_of_ipv6_count_as_one() {
        let peer = |text: &str| Peer::new(text.parse().unwrap());
        assert_eq!(peer("2001:db8:1:2::1"), peer("2001:db8:1:2:ffff::9"));
        assert_ne!(peer("2001:db8:1:2::1"), peer("2001:db8:1:3::1"));
        assert_eq!(peer("::ffff:10.0.0.1"), peer("10.0.0.1"));
        assert_ne!(peer("10.0.0.1"), peer("10.0.0.2"));
    }

    #[test]
    fn a_peer_has_its_connections_back_when_they_end() {
        let counts = Counts::default();
        let peer = Peer::new(IpAddr::from([10, 0, 0, 1]));
        let first = Turn::take(&counts, peer, 2).unwrap();
        let second = Turn::take(&counts, peer, 2).unwrap();
        assert!(Turn::take(&counts, peer, 2).is_none());
        assert!(Turn::take(&counts, Peer::new(IpAddr::from([10, 0, 0, 2])), 2).is_some());
        drop(first);
        assert!(Turn::take(&counts, peer, 2).is_some());
        drop(second);
        assert!(counts.lock().unwrap().is_empty(), "nothing is kept of who is gone");
    }
}
