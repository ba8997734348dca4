//! The encoding of state values. What the key says is not repeated in the value.

use alloc::vec::Vec;

use rules::{
    Account, Asset, Balance, Capacity, Direction, Globals, Life, Market, Order, OrderKind, Position,
};
use state::{Key, Value};
use types::{
    AccountId, Address, AssetParams, ClientOrderId, DecodeError, Limits, MarketParams, OrderId, Phase, Price,
    Quanta, Quantity, Rate, Reader, SelfTrade, SessionKey, Side, Timestamp, Writer,
};

use crate::keys::{OrderPlace, order_place};

/// A record that is the value of one key.
pub(crate) trait Record: Copy + PartialEq {
    fn encode(&self, out: &mut Vec<u8>);
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError>;
    /// A record that says nothing has no entry.
    fn is_nothing(&self) -> bool {
        false
    }
}

/// Reads a whole value.
pub(crate) fn decode<R: Record>(bytes: &[u8]) -> Result<R, DecodeError> {
    let mut r = Reader::new(bytes);
    let record = R::decode(&mut r)?;
    r.finish()?;
    Ok(record)
}

/// The value of a record.
pub(crate) fn value<R: Record>(record: &R, scratch: &mut Vec<u8>) -> Value {
    scratch.clear();
    record.encode(scratch);
    Value::from_slice(scratch)
}

/// Reads a balance entry's value, for wallets that check a state proof.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_balance(bytes: &[u8]) -> Result<Balance, DecodeError> {
    decode(bytes)
}

impl Record for Globals {
    fn encode(&self, out: &mut Vec<u8>) {
        self.capacity.encode(out);
        out.uint(self.orders);
        out.uint(self.open_orders.into());
        out.uint(self.accounts.into());
        out.uint(self.assets.into());
        out.uint(self.markets.into());
        out.uint(self.price_levels.into());
        out.uint(self.withdrawals);
        out.byte(self.halted.into());
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            capacity: Capacity::decode(r)?,
            orders: r.uint("orders")?,
            open_orders: r.u32("open orders")?,
            accounts: r.u32("accounts")?,
            assets: r.u16("assets")?,
            markets: r.u16("markets")?,
            price_levels: r.u32("price levels")?,
            withdrawals: r.uint("withdrawals")?,
            halted: r.bool("halted")?,
        })
    }
}

impl Record for Asset {
    fn encode(&self, out: &mut Vec<u8>) {
        self.params.encode(out);
        out.uint(self.total.0);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { params: AssetParams::decode(r)?, total: Quanta(r.uint("total")?) })
    }
}

impl Record for Market {
    fn encode(&self, out: &mut Vec<u8>) {
        out.uint(self.last_price.0.into());
        out.uint(self.window_start.0);
        out.uint(self.window_price.0.into());
        out.byte(self.triggers_pending.into());
        match self.phase {
            Phase::Open => out.byte(0),
            Phase::Halted { until } => {
                out.byte(1);
                out.uint(until.0);
            }
        }
        self.params.encode(out);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            last_price: Price(r.u32("last price")?),
            window_start: Timestamp(r.uint("window start")?),
            window_price: Price(r.u32("window price")?),
            triggers_pending: r.bool("triggers pending")?,
            phase: if r.bool("phase")? {
                Phase::Halted { until: Timestamp(r.uint("halt end")?) }
            } else {
                Phase::Open
            },
            params: MarketParams::decode(r)?,
        })
    }
}

impl Record for Account {
    fn encode(&self, out: &mut Vec<u8>) {
        out.raw(&self.owner.0);
        out.raw(&self.session_key.0);
        out.uint(self.session_expires.0);
        out.uint(self.sessions);
        out.uint(self.nonce);
        out.uint(self.custom_limits.into());
        out.byte(self.suspended.into());
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            owner: Address(r.array("owner")?),
            session_key: SessionKey(r.array("session key")?),
            session_expires: Timestamp(r.uint("session expiry")?),
            sessions: r.uint("sessions")?,
            nonce: r.uint("nonce")?,
            custom_limits: r.u16("custom limits")?,
            suspended: r.bool("suspended")?,
        })
    }
}

impl Record for Limits {
    fn encode(&self, out: &mut Vec<u8>) {
        Self::encode(self, out);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::decode(r)
    }
}

// Fixed width, so that the escape hatch's contract can read it without a varint decoder.
impl Record for Balance {
    fn encode(&self, out: &mut Vec<u8>) {
        out.raw(&self.free.0.to_be_bytes());
        out.raw(&self.locked.0.to_be_bytes());
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            free: Quanta(u64::from_be_bytes(r.array("free")?)),
            locked: Quanta(u64::from_be_bytes(r.array("locked")?)),
        })
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Record for Position {
    fn encode(&self, out: &mut Vec<u8>) {
        out.int(self.net);
        out.uint(self.open_orders.into());
        out.uint(self.open_buy.0);
        out.uint(self.open_sell.0);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            net: r.int("net position")?,
            open_orders: r.u32("open orders")?,
            open_buy: Quantity(r.uint("open buys")?),
            open_sell: Quantity(r.uint("open sells")?),
        })
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// The value of an order's entry; its key holds the rest.
pub(crate) fn order_value(order: &Order, scratch: &mut Vec<u8>) -> Value {
    let out = scratch;
    out.clear();
    let expires = order.expires != Timestamp::NEVER;
    let client = order.client_id != ClientOrderId::NONE;
    out.byte(
        u8::from(order.post_only)
            | (order.self_trade as u8) << 1
            | u8::from(expires) << 3
            | u8::from(client) << 4,
    );
    out.uint(order.quantity.0);
    out.uint(order.account.0.into());
    out.int(order.fee_rate.0.into());
    if expires {
        out.uint(order.expires.0);
    }
    if client {
        out.uint(order.client_id.0);
    }
    if order.is_waiting() {
        let (kind, life) = (order.kind as u8, order.life as u8);
        out.byte(u8::from(order.side == Side::Sell) | kind << 1 | life << 3);
        out.uint(order.arrival);
        out.uint(order.price.0.into());
        out.uint(order.budget.0);
    } else {
        out.uint(order.id.0);
    }
    Value::from_slice(out)
}

/// The order of an entry; `None` when key and value are not one.
pub(crate) fn decode_order(key: Key, bytes: &[u8]) -> Option<Order> {
    let mut r = Reader::new(bytes);
    let order = read_order(key, &mut r).ok()??;
    r.finish().ok()?;
    Some(order)
}

fn read_order(key: Key, r: &mut Reader<'_>) -> Result<Option<Order>, DecodeError> {
    let Some(place) = order_place(key) else { return Ok(None) };
    let flags = r.byte("order flags")?;
    if flags >> 5 != 0 {
        return Ok(None);
    }
    let self_trade = match flags >> 1 & 3 {
        0 => SelfTrade::ExpireTaker,
        1 => SelfTrade::ExpireMaker,
        2 => SelfTrade::ExpireBoth,
        _ => SelfTrade::Decrement,
    };
    let quantity = Quantity(r.uint("quantity")?);
    let account = AccountId(r.u32("account")?);
    let fee_rate = Rate(r.i32("fee rate")?);
    let expires = if flags & 8 != 0 { Timestamp(r.uint("expiry")?) } else { Timestamp::NEVER };
    let client_id =
        if flags & 16 != 0 { ClientOrderId(r.uint("client order id")?) } else { ClientOrderId::NONE };
    let common = |id, arrival, market, side, price| Order {
        id,
        arrival,
        quantity,
        budget: Quanta(0),
        client_id,
        expires,
        account,
        price,
        fee_rate,
        trigger: Price(0),
        market,
        side,
        direction: Direction::Rising,
        kind: OrderKind::Limit,
        life: Life::Rest,
        post_only: flags & 1 != 0,
        self_trade,
    };
    Ok(match place {
        OrderPlace::Resting { market, side, price, arrival } => {
            let id = OrderId(r.uint("order id")?);
            (price.0 != 0).then(|| common(id, arrival, market, side, price))
        }
        OrderPlace::Waiting { market, direction, trigger, id } => {
            let terms = r.byte("order terms")?;
            let kind = match terms >> 1 & 3 {
                0 => OrderKind::Limit,
                1 => OrderKind::Market,
                2 => OrderKind::MarketBudget,
                _ => return Ok(None),
            };
            let life = match terms >> 3 {
                0 => Life::Rest,
                1 => Life::Immediate,
                2 => Life::FillOrKill,
                _ => return Ok(None),
            };
            let side = if terms & 1 == 0 { Side::Buy } else { Side::Sell };
            let arrival = r.uint("arrival")?;
            let price = Price(r.u32("price")?);
            let budget = Quanta(r.uint("budget")?);
            (trigger.0 != 0).then(|| Order {
                direction,
                trigger,
                kind,
                life,
                budget,
                ..common(id, arrival, market, side, price)
            })
        }
    })
}

/// The value of an entry that points to an order's entry.
pub(crate) fn pointer(key: Key) -> Value {
    Value::from_slice(&key.to_be_bytes())
}

/// Where such an entry points.
pub(crate) fn decode_pointer(bytes: &[u8]) -> Option<Key> {
    bytes.try_into().ok().map(Key::from_be_bytes)
}
