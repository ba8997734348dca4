//! What requests share: room in memory for answers, and turns to read. So much in all, and so much of it for a peer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::connections::Peer;

/// A unit of room, in bytes.
const UNIT: usize = 1 << 10;
/// A peer has at most this part of what is shared, so that one that does not read its answers, or asks for much at once, keeps
/// nothing from the others.
const PART: usize = 8;

/// Things of which there are so many.
#[derive(Debug)]
pub struct Shares {
    all: Arc<Semaphore>,
    of_peer: usize,
    /// What is left to those that have some, or wait for it: no more than there are connections.
    peers: Mutex<HashMap<Peer, Arc<Semaphore>>>,
}

/// Some of them, given back when it is dropped.
#[derive(Debug)]
pub struct Taken {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Shares {
    /// So many, of which a peer has its part at most, and one at least.
    pub fn new(all: usize) -> Self {
        Self::with_part(all, (all / PART).max(1))
    }

    fn with_part(all: usize, of_peer: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), of_peer, peers: Mutex::default() }
    }

    /// Takes so many, once they are there; nothing when they are not for as long as `wait`.
    pub async fn take(&self, peer: Peer, count: u32, wait: Duration) -> Option<Taken> {
        let own = self.of(peer);
        let taken = async {
            // Its own first: while a peer waits for that, it takes nothing from others.
            let own = own.acquire_many_owned(count).await.ok()?;
            let all = Arc::clone(&self.all).acquire_many_owned(count).await.ok()?;
            Some(Taken { _own: own, _all: all })
        };
        timeout(wait, taken).await.ok().flatten()
    }

    fn of(&self, peer: Peer) -> Arc<Semaphore> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever has some, or waits for it, shares the semaphore.
        peers.retain(|_, own| Arc::strong_count(own) > 1);
        Arc::clone(peers.entry(peer).or_insert_with(|| Arc::new(Semaphore::new(self.of_peer))))
    }
}

/// Room that answers take until they are sent.
#[derive(Debug)]
pub struct Room(Shares);

impl Room {
    /// Room for so many bytes, and no less than for one answer of `largest` for each peer.
    pub fn new(bytes: usize, largest: usize) -> Self {
        let units = |bytes: usize| bytes.max(largest).div_ceil(UNIT).min(Semaphore::MAX_PERMITS);
        Self(Shares::with_part(units(bytes), units(bytes / PART)))
    }

    /// Takes room for so many bytes, once it is there; nothing when it is not for as long as `wait`.
    pub async fn take(&self, peer: Peer, bytes: usize, wait: Duration) -> Option<Taken> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).ok()?;
        self.0.take(peer, units, wait).await
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    fn peer(last: u8) -> Peer {
        Peer::new(IpAddr::from([10, 0, 0, last]))
    }

    #[test]
    fn a_peer_has_its_part_and_leaves_the_rest_to_others() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let room = Room::new(80 * UNIT, UNIT);
            let held = room.take(peer(1), 10 * UNIT, SOON).await.unwrap();
            assert!(room.take(peer(1), 1, SOON).await.is_none());
            let mut others = Vec::new();
            for other in 2..=8 {
                others.push(room.take(peer(other), 10 * UNIT, SOON).await.unwrap());
            }
            // All of it is taken.
            assert!(room.take(peer(9), 1, SOON).await.is_none());
            drop(held);
            others.push(room.take(peer(1), 10 * UNIT, SOON).await.unwrap());
            drop(others);
            let _one = room.take(peer(3), 1, SOON).await.unwrap();
            assert_eq!(room.0.peers.lock().unwrap().len(), 1, "nothing is kept of who is gone");
        });
    }

    #[test]
    fn a_peer_with_many_requests_has_its_turns_and_leaves_the_others_theirs() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let turns = Shares::new(16);
            let _held =
                [turns.take(peer(1), 1, SOON).await.unwrap(), turns.take(peer(1), 1, SOON).await.unwrap()];
            assert!(turns.take(peer(1), 1, SOON).await.is_none());
            assert!(turns.take(peer(2), 1, SOON).await.is_some());
            assert!(Shares::new(2).take(peer(1), 1, SOON).await.is_some(), "everybody has a turn");
        });
    }

    #[test]
    fn the_largest_answer_fits_into_any_room() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let room = Room::new(0, 16 * UNIT);
        assert!(runtime.block_on(room.take(peer(1), 16 * UNIT, SOON)).is_some());
        assert!(runtime.block_on(room.take(peer(1), 17 * UNIT, SOON)).is_none());
    }
}
