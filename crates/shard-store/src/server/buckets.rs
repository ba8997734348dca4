//! What each peer may still ask for: a bucket that fills with time, in a table that does not grow.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::connections::Peer;

/// So many peers have buckets of their own.
const TABLE: usize = 16_384;

/// A bucket: how much is in it in thousandths, and when that was.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    thousandths: u64,
    at: Instant,
}

/// The buckets of peers. When the table is full of peers that asked lately, all others share a bucket.
#[derive(Debug)]
pub struct Buckets {
    rate: u64,
    burst: u64,
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    own: HashMap<Peer, Bucket>,
    shared: Bucket,
    /// No bucket is full before: looking for some again is of no use.
    crowded_until: Instant,
}

impl Buckets {
    /// That fill with `rate` a second, up to `burst`.
    pub fn new(rate: u32, burst: u32, now: Instant) -> Self {
        let (rate, burst) = (u64::from(rate.max(1)), u64::from(burst.max(1)) * 1_000);
        let shared = Bucket { thousandths: burst, at: now };
        Self { rate, burst, table: Mutex::new(Table { own: HashMap::new(), shared, crowded_until: now }) }
    }

    /// Takes something out of a peer's bucket.
    ///
    /// # Errors
    /// How long to wait, when there is too little in it. What is more than a bucket holds takes all of a full one.
    pub fn take(&self, peer: Peer, cost: u32, now: Instant) -> Result<(), Duration> {
        let cost = (u64::from(cost) * 1_000).min(self.burst);
        self.draw(peer, cost, cost, now)
    }

    /// Takes more for a request that was counted already. A bucket that was full before the request has enough.
    ///
    /// # Errors
    /// How long to wait before the request is made again, which counts again.
    pub fn take_more(&self, peer: Peer, cost: u32, now: Instant) -> Result<(), Duration> {
        let cost = (u64::from(cost) * 1_000).min(self.burst - 1_000);
        self.draw(peer, cost, cost + 1_000, now)
    }

    /// Takes `cost`; or says when there is `again` in the bucket. Both in thousandths.
    fn draw(&self, peer: Peer, cost: u64, again: u64, now: Instant) -> Result<(), Duration> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Bucket { thousandths: self.burst, at: now };
        if table.own.len() >= TABLE && !table.own.contains_key(&peer) && now >= table.crowded_until {
            table.own.retain(|_, bucket| self.filled(*bucket, now) < self.burst);
            table.crowded_until = now + Duration::from_secs(1);
        }
        let bucket = if table.own.len() < TABLE || table.own.contains_key(&peer) {
            table.own.entry(peer).or_insert(full)
        } else {
            &mut table.shared
        };
        let held = self.filled(*bucket, now);
        match held.checked_sub(cost) {
            Some(left) => {
                *bucket = Bucket { thousandths: left, at: now };
                Ok(())
            }
            None => Err(Duration::from_millis((again - held).div_ceil(self.rate))),
        }
    }

    /// What is in a bucket now: `rate` a second are `rate` thousandths a millisecond.
    fn filled(&self, bucket: Bucket, now: Instant) -> u64 {
        let micros = u64::try_from(now.saturating_duration_since(bucket.at).as_micros()).unwrap_or(u64::MAX);
        bucket.thousandths.saturating_add(micros.saturating_mul(self.rate) / 1_000).min(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn peer(number: u32) -> Peer {
        Peer::new(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    #[test]
    fn a_peer_has_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let buckets = Buckets::new(10, 30, start);
        for _ in 0..30 {
            buckets.take(peer(1), 1, start).unwrap();
        }
        assert_eq!(buckets.take(peer(1), 1, start), Err(Duration::from_millis(100)));
        assert_eq!(buckets.take(peer(1), 5, start), Err(Duration::from_millis(500)));
        buckets.take(peer(2), 30, start).unwrap();
        let later = start + Duration::from_millis(500);
        buckets.take(peer(1), 5, later).unwrap();
        assert!(buckets.take(peer(1), 1, later).is_err());
        // However long it was away, it has no more than its burst.
        let much_later = start + Duration::from_secs(3_600);
        buckets.take(peer(1), 30, much_later).unwrap();
        assert!(buckets.take(peer(1), 1, much_later).is_err());
    }

    #[test]
    fn what_never_fits_takes_a_full_bucket() {
        let start = Instant::now();
        let buckets = Buckets::new(10, 30, start);
        buckets.take(peer(1), 64, start).unwrap();
        assert_eq!(buckets.take(peer(1), 64, start), Err(Duration::from_secs(3)));
    }

    #[test]
    fn whoever_waits_as_long_as_told_has_enough_for_the_request_and_all_of_its_answer() {
        for (rate, burst) in [(1, 1), (1, 8), (10, 30)] {
            let mut now = Instant::now();
            let buckets = Buckets::new(rate, burst, now);
            for _ in 0..5 {
                let ask =
                    |now| buckets.take(peer(1), 1, now).and_then(|()| buckets.take_more(peer(1), 300, now));
                let mut waits = 0;
                while let Err(wait) = ask(now) {
                    now += wait;
                    waits += 1;
                    // Once for the request, once for its answer.
                    assert!(waits <= 2, "{rate} {burst}");
                }
            }
        }
    }

    /// A flood from very many addresses neither fills the memory nor takes away what those have who were there before.
    #[test]
    fn more_peers_than_the_table_has_share_a_bucket() {
        let start = Instant::now();
        let buckets = Buckets::new(10, 30, start);
        for number in 0..TABLE as u32 {
            buckets.take(peer(number), 1, start).unwrap();
        }
        let strangers = (0..1_000).filter(|n| buckets.take(peer((1 << 20) + n), 1, start).is_ok()).count();
        assert_eq!(strangers, 30);
        buckets.take(peer(7), 29, start).unwrap();
        assert_eq!(buckets.table.lock().unwrap().own.len(), TABLE);
        // Those that asked no more make room.
        let later = start + Duration::from_secs(60);
        buckets.take(peer(1 << 21), 30, later).unwrap();
        assert_eq!(buckets.table.lock().unwrap().own.len(), 1);
    }
}
