//! How much anybody may ask for: request weight by address, orders by account, connections by address, messages by
//! connection.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use types::AccountId;

use crate::settings::Limits;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const DAY: u64 = 24 * 60 * MINUTE;
/// No ban lasts longer.
const LONGEST_BAN: u64 = 3 * DAY;
/// After how long without a ban the next one is a first one again.
const FORGIVEN: u64 = 7 * DAY;

/// Why somebody gets no answer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The address is banned (HTTP 418), not merely too fast (429).
    pub banned: bool,
    /// When to try again, in milliseconds since 1970.
    pub until: u64,
    /// What was exceeded.
    pub what: Exceeded,
}

/// What was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// Request weight a minute.
    Weight,
    /// Orders in ten seconds.
    OrdersInTenSeconds,
    /// Orders in a day.
    OrdersInADay,
}

impl Refusal {
    /// Whole seconds to wait.
    #[must_use]
    pub fn retry_after(&self, now: u64) -> u64 {
        self.until.saturating_sub(now).div_ceil(SECOND).max(1)
    }
}

/// How many orders an account has placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCounts {
    /// In these ten seconds.
    pub ten_seconds: u32,
    /// Today, UTC.
    pub day: u32,
}

/// Counts what is asked for. Windows begin on the minute, the ten seconds and the day, as Binance's do.
pub struct Limiter {
    weight_per_minute: u32,
    refusals_until_ban: u32,
    ban: u64,
    orders_per_ten_seconds: u32,
    orders_per_day: u32,
    addresses: Mutex<Remembered<IpAddr, Use>>,
    accounts: Mutex<Remembered<AccountId, Orders>>,
}

#[derive(Clone, Copy, Default)]
struct Use {
    minute: u64,
    weight: u32,
    refusals: u32,
    banned_until: u64,
    bans: u32,
}

#[derive(Clone, Copy, Default)]
struct Orders {
    window: u64,
    in_window: u32,
    day: u64,
    in_day: u32,
}

impl Limiter {
    /// With nothing used.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            weight_per_minute: limits.weight_per_minute,
            refusals_until_ban: limits.refusals_until_ban,
            ban: limits.ban_seconds.saturating_mul(SECOND).min(LONGEST_BAN),
            orders_per_ten_seconds: limits.orders_per_ten_seconds,
            orders_per_day: limits.orders_per_day,
            addresses: Mutex::new(Remembered::new(limits.addresses)),
            accounts: Mutex::new(Remembered::new(limits.addresses)),
        }
    }

    /// Takes weight from what an address may use; what it has used this minute. `now` is in milliseconds since 1970.
    ///
    /// # Errors
    /// When it has used too much, or is banned for having gone on although it was told.
    pub fn charge(&self, address: IpAddr, weight: u32, now: u64) -> Result<u32, Refusal> {
        let mut addresses = lock(&self.addresses);
        let used = addresses.entry(network(address), now);
        let what = Exceeded::Weight;
        if now < used.banned_until {
            return Err(Refusal { banned: true, until: used.banned_until, what });
        }
        if used.minute != now / MINUTE {
            if now.saturating_sub(used.banned_until) > FORGIVEN {
                used.bans = 0;
            }
            (used.minute, used.weight, used.refusals) = (now / MINUTE, 0, 0);
        }
        let sum = used.weight.saturating_add(weight);
        if sum <= self.weight_per_minute {
            used.weight = sum;
            return Ok(sum);
        }
        used.refusals += 1;
        if used.refusals < self.refusals_until_ban {
            return Err(Refusal { banned: false, until: (used.minute + 1) * MINUTE, what });
        }
        let length = self.ban.saturating_mul(1 << used.bans.min(20)).min(LONGEST_BAN);
        used.bans += 1;
        (used.banned_until, used.refusals) = (now + length, 0);
        tracing::warn!(%address, seconds = length / SECOND, "banned for going on after 429");
        Err(Refusal { banned: true, until: used.banned_until, what })
    }

    /// What an address has used this minute.
    #[must_use]
    pub fn used(&self, address: IpAddr, now: u64) -> u32 {
        let addresses = lock(&self.addresses);
        addresses
            .get(&network(address))
            .filter(|used| used.minute == now / MINUTE)
            .map_or(0, |used| used.weight)
    }

    /// Counts orders of an account.
    ///
    /// # Errors
    /// When it has placed too many; then none of these count.
    pub fn take_orders(&self, account: AccountId, count: u32, now: u64) -> Result<OrderCounts, Refusal> {
        let mut accounts = lock(&self.accounts);
        let orders = accounts.entry(account, now);
        let counts = self.with_orders(orders, count, now)?;
        (orders.in_window, orders.in_day) = (counts.ten_seconds, counts.day);
        Ok(counts)
    }

    /// Counts orders that an account has placed, whatever it may.
    pub fn count_orders(&self, account: AccountId, count: u32, now: u64) {
        let mut accounts = lock(&self.accounts);
        let orders = accounts.entry(account, now);
        orders.begin(now);
        orders.in_window = orders.in_window.saturating_add(count);
        orders.in_day = orders.in_day.saturating_add(count);
    }

    /// Whether an account may place so many orders; they are not counted, since nobody knows yet whether they are its own.
    ///
    /// # Errors
    /// When it may not.
    pub fn may_place(&self, account: AccountId, count: u32, now: u64) -> Result<OrderCounts, Refusal> {
        let mut orders = lock(&self.accounts).get(&account).copied().unwrap_or_default();
        self.with_orders(&mut orders, count, now)
    }

    fn with_orders(&self, orders: &mut Orders, count: u32, now: u64) -> Result<OrderCounts, Refusal> {
        orders.begin(now);
        let ten_seconds = orders.in_window.saturating_add(count);
        let day = orders.in_day.saturating_add(count);
        if ten_seconds > self.orders_per_ten_seconds {
            let until = (orders.window + 1) * 10 * SECOND;
            return Err(Refusal { banned: false, until, what: Exceeded::OrdersInTenSeconds });
        }
        if day > self.orders_per_day {
            let until = (orders.day + 1) * DAY;
            return Err(Refusal { banned: false, until, what: Exceeded::OrdersInADay });
        }
        Ok(OrderCounts { ten_seconds, day })
    }

    /// How many orders an account has placed.
    #[must_use]
    pub fn orders(&self, account: AccountId, now: u64) -> OrderCounts {
        let accounts = lock(&self.accounts);
        let Some(mut orders) = accounts.get(&account).copied() else { return OrderCounts::default() };
        orders.begin(now);
        OrderCounts { ten_seconds: orders.in_window, day: orders.in_day }
    }
}

impl Orders {
    fn begin(&mut self, now: u64) {
        if self.window != now / (10 * SECOND) {
            (self.window, self.in_window) = (now / (10 * SECOND), 0);
        }
        if self.day != now / DAY {
            (self.day, self.in_day) = (now / DAY, 0);
        }
    }
}

/// A bounded map. When it is full, the half that was not used for the longest time goes.
struct Remembered<K, V> {
    limit: usize,
    entries: HashMap<K, (u64, V)>,
}

impl<K: Copy + Eq + Hash, V: Default> Remembered<K, V> {
    fn new(limit: usize) -> Self {
        Self { limit: limit.max(2), entries: HashMap::new() }
    }

    fn entry(&mut self, key: K, now: u64) -> &mut V {
        if self.entries.len() >= self.limit && !self.entries.contains_key(&key) {
            let mut seen: Vec<u64> = self.entries.values().map(|(seen, _)| *seen).collect();
            let middle = seen.len() / 2;
            let (_, median, _) = seen.select_nth_unstable(middle);
            let median = *median;
            self.entries.retain(|_, (seen, _)| *seen > median);
        }
        let entry = self.entries.entry(key).or_default();
        entry.0 = now;
        &mut entry.1
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }
}

/// Who holds connections.
pub struct Connections {
    limit: usize,
    per_address: usize,
    all: AtomicUsize,
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place; dropping it frees the place.
pub struct Place {
    connections: Arc<Connections>,
    /// Whether it counts among all.
    in_all: bool,
    /// Whose it is, if it counts among his.
    network: Option<IpAddr>,
}

impl Connections {
    /// With nobody connected.
    #[must_use]
    pub fn new(limits: &Limits) -> Arc<Self> {
        let (limit, per_address) = (limits.connections, limits.connections_per_address);
        Arc::new(Self { limit, per_address, all: AtomicUsize::new(0), addresses: Mutex::default() })
    }

    /// Takes a place, if there is one for this address.
    #[must_use]
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        self.take(true, Some(address))
    }

    /// Takes a place for a proxy's connection, which is of nobody in particular.
    #[must_use]
    pub fn enter_proxy(self: &Arc<Self>) -> Option<Place> {
        self.take(true, None)
    }

    /// Takes a place for this address on a proxy's connection.
    #[must_use]
    pub fn enter_behind_proxy(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        self.take(false, Some(address))
    }

    fn take(self: &Arc<Self>, in_all: bool, address: Option<IpAddr>) -> Option<Place> {
        let network = address.map(network);
        let mut addresses = lock(&self.addresses);
        let all = self.all.load(Ordering::Relaxed);
        if in_all && all >= self.limit {
            return None;
        }
        if let Some(network) = network {
            let held = addresses.get(&network).copied().unwrap_or(0);
            if held >= self.per_address {
                return None;
            }
            addresses.insert(network, held + 1);
        }
        if in_all {
            self.all.store(all + 1, Ordering::Relaxed);
        }
        Some(Place { connections: Arc::clone(self), in_all, network })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut addresses = lock(&self.connections.addresses);
        if self.in_all {
            self.connections.all.fetch_sub(1, Ordering::Relaxed);
        }
        let Some(network) = self.network else { return };
        match addresses.get_mut(&network) {
            Some(held) if *held > 1 => *held -= 1,
            _ => drop(addresses.remove(&network)),
        }
    }
}

/// Counts the messages of one connection by the second.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageRate {
    second: u64,
    count: u32,
}

impl MessageRate {
    /// Whether one more message is allowed.
    pub fn allows(&mut self, limit: u32, now: u64) -> bool {
        if self.second != now / SECOND {
            (self.second, self.count) = (now / SECOND, 0);
        }
        self.count = self.count.saturating_add(1);
        self.count <= limit
    }
}

/// Whoever has one IPv6 address has a network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The request weight of so many levels of each side of a book, as Binance has it.
pub(crate) fn depth_weight(levels: u64) -> u32 {
    match levels {
        0..=100 => 5,
        101..=500 => 25,
        501..=1_000 => 50,
        _ => 250,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_040_000;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn limits() -> Limits {
        Limits { weight_per_minute: 100, refusals_until_ban: 3, ban_seconds: 120, ..Limits::default() }
    }

    #[test]
    fn whoever_uses_too_much_is_told_and_whoever_goes_on_is_banned_longer_each_time() {
        let limiter = Limiter::new(&limits());
        assert_eq!(limiter.charge(address(1), 60, NOW), Ok(60));
        assert_eq!(limiter.charge(address(1), 40, NOW), Ok(100));
        let told = limiter.charge(address(1), 1, NOW).unwrap_err();
        assert!(!told.banned);
        assert_eq!(told.retry_after(NOW), 60 - NOW / 1_000 % 60);
        assert_eq!(limiter.charge(address(2), 100, NOW), Ok(100), "somebody else");
        assert!(limiter.charge(address(1), 1, NOW).is_err_and(|refusal| !refusal.banned));
        let banned = limiter.charge(address(1), 1, NOW).unwrap_err();
        assert!(banned.banned && banned.retry_after(NOW) == 120);
        // The next minute does not help, and asking changes nothing.
        assert_eq!(limiter.charge(address(1), 1, NOW + 60_000), Err(banned));
        let later = NOW + 121_000;
        assert_eq!(limiter.charge(address(1), 100, later), Ok(100));
        let again: Vec<_> = (0..3).map(|_| limiter.charge(address(1), 1, later).unwrap_err()).collect();
        assert!(again[2].banned && again[2].retry_after(later) == 240);
    }

    #[test]
    fn the_budget_is_whole_again_on_the_minute() {
        let limiter = Limiter::new(&limits());
        assert!(limiter.charge(address(1), 100, NOW).is_ok());
        assert_eq!(limiter.used(address(1), NOW), 100);
        assert!(limiter.charge(address(1), 1, NOW).is_err());
        assert_eq!(limiter.used(address(1), NOW + 60_000), 0);
        assert_eq!(limiter.charge(address(1), 1, NOW + 60_000), Ok(1));
    }

    #[test]
    fn orders_count_by_ten_seconds_and_by_day() {
        let limits = Limits { orders_per_ten_seconds: 3, orders_per_day: 5, ..limits() };
        let limiter = Limiter::new(&limits);
        let account = AccountId(1);
        assert_eq!(limiter.take_orders(account, 2, NOW), Ok(OrderCounts { ten_seconds: 2, day: 2 }));
        let refused = limiter.take_orders(account, 2, NOW).unwrap_err();
        assert_eq!(refused.what, Exceeded::OrdersInTenSeconds);
        assert_eq!(limiter.orders(account, NOW), OrderCounts { ten_seconds: 2, day: 2 });
        assert!(limiter.take_orders(account, 3, NOW + 10_000).is_ok());
        let refused = limiter.take_orders(account, 1, NOW + 20_000).unwrap_err();
        assert_eq!(refused.what, Exceeded::OrdersInADay);
        assert_eq!(refused.until % 86_400_000, 0);
        assert!(limiter.take_orders(account, 1, refused.until).is_ok());
    }

    #[test]
    fn a_flood_of_addresses_does_not_fill_the_memory() {
        let limiter = Limiter::new(&Limits { addresses: 1_000, ..limits() });
        for number in 0..100_000u32 {
            let address = IpAddr::from(number.to_be_bytes());
            let _ = limiter.charge(address, 1, NOW + u64::from(number));
        }
        assert!(lock(&limiter.addresses).entries.len() <= 1_000);
    }

    #[test]
    fn an_ipv6_network_is_one_caller() {
        let limiter = Limiter::new(&limits());
        for host in 0..100u16 {
            let address: IpAddr = format!("2001:db8::{host:x}").parse().unwrap();
            assert!(limiter.charge(address, 1, NOW).is_ok());
        }
        assert!(limiter.charge("2001:db8::ffff".parse().unwrap(), 1, NOW).is_err());
        assert!(limiter.charge("2001:db8:0:1::1".parse().unwrap(), 1, NOW).is_ok());
    }

    #[test]
    fn places_for_connections_are_few_and_come_back() {
        let limits = Limits { connections: 3, connections_per_address: 2, ..Limits::default() };
        let connections = Connections::new(&limits);
        let mut held = vec![connections.enter(address(1)).unwrap(), connections.enter(address(1)).unwrap()];
        assert!(connections.enter(address(1)).is_none());
        held.push(connections.enter(address(2)).unwrap());
        assert!(connections.enter(address(3)).is_none());
        held.pop();
        assert!(connections.enter(address(3)).is_some());
        held.clear();
        assert_eq!(connections.count(), 0);
        assert!(lock(&connections.addresses).is_empty());
    }

    #[test]
    fn a_proxys_connections_are_those_of_whoever_is_behind_it() {
        let limits = Limits { connections: 4, connections_per_address: 1, ..Limits::default() };
        let connections = Connections::new(&limits);
        let proxied: Vec<_> = (0..3).map(|_| connections.enter_proxy().unwrap()).collect();
        let behind = connections.enter_behind_proxy(address(1)).unwrap();
        assert!(
            connections.enter_behind_proxy(address(1)).is_none() && connections.enter(address(1)).is_none()
        );
        assert!(connections.enter_behind_proxy(address(2)).is_some());
        assert_eq!(connections.count(), 3, "one behind a proxy is on a connection that counts already");
        let last = connections.enter(address(3));
        assert!(last.is_some() && connections.enter_proxy().is_none());
        drop((proxied, behind, last));
        assert_eq!(connections.count(), 0);
        assert!(lock(&connections.addresses).is_empty());
    }

    #[test]
    fn messages_are_counted_by_the_second() {
        let mut rate = MessageRate::default();
        assert_eq!((0..7).filter(|_| rate.allows(5, NOW)).count(), 5);
        assert!(rate.allows(5, NOW + 1_000));
    }
}
