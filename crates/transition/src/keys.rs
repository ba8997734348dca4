//! The layout of state keys: a tag byte, then fields from the most significant down, so that an ordered walk
//! under a prefix is meaningful. Bids and falling triggers hold their price complemented: the smallest key is
//! always the one that comes first.
//!
//! | tag | key | bits |
//! |---|---|---|
//! | 01 | anchor | |
//! | 02 | globals | |
//! | 03 | asset | 16 |
//! | 04 | market | 16 |
//! | 05 | account | 32 |
//! | 06 | stream of an account | 32 |
//! | 07 | balance (account, asset) | 32 + 16 |
//! | 08 | position (account, market) | 32 + 16 |
//! | 09 | limits (account, market) | 32 + 16 |
//! | 0a | book (market, side, price, arrival) | 16 + 8 + 32 + 64 |
//! | 0b | open order (account, market, order id) | 32 + 16 + 64 |
//! | 0c | client order id (account, id) | 32 + 64 |
//! | 0d | waiting order (market, direction, trigger, order id) | 16 + 8 + 32 + 64 |
//! | 0e | expiry (time, order id) | 56 + 64 |

use rules::{Direction, Order};
use state::Key;
use types::{AccountId, AssetId, ClientOrderId, MarketId, OrderId, Price, Side, Timestamp};

const fn tag(tag: u8) -> Key {
    (tag as Key) << 120
}

pub(crate) const ANCHOR: Key = tag(0x01);
pub(crate) const GLOBALS: Key = tag(0x02);
const BOOK: u8 = 0x0a;
const WAITING: u8 = 0x0d;

pub(crate) fn asset(id: AssetId) -> Key {
    tag(0x03) | Key::from(id.0)
}

pub(crate) fn market(id: MarketId) -> Key {
    tag(0x04) | Key::from(id.0)
}

/// The key of an account.
#[must_use]
pub fn account_key(id: AccountId) -> Key {
    tag(0x05) | Key::from(id.0)
}

pub(crate) fn stream(id: AccountId) -> Key {
    tag(0x06) | Key::from(id.0)
}

/// The key of what an account has of an asset.
#[must_use]
pub fn balance_key(account: AccountId, asset: AssetId) -> Key {
    tag(0x07) | Key::from(account.0) << 16 | Key::from(asset.0)
}

pub(crate) fn position(account: AccountId, market: MarketId) -> Key {
    tag(0x08) | Key::from(account.0) << 16 | Key::from(market.0)
}

pub(crate) fn limits(account: AccountId, market: MarketId) -> Key {
    tag(0x09) | Key::from(account.0) << 16 | Key::from(market.0)
}

/// The key before the first order of a side, and the last key it can have.
pub(crate) fn book_side(market: MarketId, side: Side) -> (Key, Key) {
    let first = tag(BOOK) | Key::from(market.0) << 104 | Key::from(side == Side::Sell) << 96;
    (first - 1, first | ((1 << 96) - 1))
}

/// The key before the first waiting order of a direction, and the last key it can have.
pub(crate) fn waiting_side(market: MarketId, direction: Direction) -> (Key, Key) {
    let first = tag(WAITING) | Key::from(market.0) << 104 | Key::from(direction == Direction::Falling) << 96;
    (first - 1, first | ((1 << 96) - 1))
}

/// The key of the entry that holds an open order itself.
pub(crate) fn order(order: &Order) -> Key {
    if order.is_waiting() {
        let (before, _) = waiting_side(order.market, order.direction);
        let trigger = match order.direction {
            Direction::Rising => order.trigger.0,
            Direction::Falling => !order.trigger.0,
        };
        (before + 1) | Key::from(trigger) << 64 | Key::from(order.id.0)
    } else {
        let (before, _) = book_side(order.market, order.side);
        (before + 1) | Key::from(price_rank(order)) << 64 | Key::from(order.arrival)
    }
}

/// A resting order's price as its key has it: the better, the smaller.
pub(crate) fn price_rank(order: &Order) -> u32 {
    match order.side {
        Side::Buy => !order.price.0,
        Side::Sell => order.price.0,
    }
}

/// What the key of an order's entry says about it.
pub(crate) enum OrderPlace {
    Resting { market: MarketId, side: Side, price: Price, arrival: u64 },
    Waiting { market: MarketId, direction: Direction, trigger: Price, id: OrderId },
}

pub(crate) fn order_place(key: Key) -> Option<OrderPlace> {
    let market = MarketId((key >> 104) as u16);
    let flag = match (key >> 96) as u8 {
        0 => false,
        1 => true,
        _ => return None,
    };
    let price = (key >> 64) as u32;
    let low = key as u64;
    match (key >> 120) as u8 {
        BOOK => Some(OrderPlace::Resting {
            market,
            side: if flag { Side::Sell } else { Side::Buy },
            price: Price(if flag { price } else { !price }),
            arrival: low,
        }),
        WAITING => Some(OrderPlace::Waiting {
            market,
            direction: if flag { Direction::Falling } else { Direction::Rising },
            trigger: Price(if flag { !price } else { price }),
            id: OrderId(low),
        }),
        _ => None,
    }
}

/// The key before an account's first open order in a market, and the last key one can have.
pub(crate) fn open_orders(account: AccountId, market: MarketId) -> (Key, Key) {
    let first = open(account, market, OrderId(0));
    (first - 1, first | Key::from(u64::MAX))
}

pub(crate) fn open(account: AccountId, market: MarketId, id: OrderId) -> Key {
    tag(0x0b) | Key::from(account.0) << 80 | Key::from(market.0) << 64 | Key::from(id.0)
}

pub(crate) fn client(account: AccountId, id: ClientOrderId) -> Key {
    tag(0x0c) | Key::from(account.0) << 64 | Key::from(id.0)
}

pub(crate) fn expiry(expires: Timestamp, id: OrderId) -> Key {
    tag(0x0e) | Key::from(expires.0 & Timestamp::LAST_EXPIRY.0) << 64 | Key::from(id.0)
}

/// The key before the first expiry, and the last key one can have by a time.
pub(crate) fn expiries_until(now: Timestamp) -> (Key, Key) {
    let last = expiry(now.min(Timestamp::LAST_EXPIRY), OrderId(u64::MAX));
    (tag(0x0e) - 1, last)
}
