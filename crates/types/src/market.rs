//! What the operator fixes about an asset and a market.

use alloc::vec::Vec;

use crate::{
    AccountId, Address, AssetId, DecodeError, Price, Quanta, Quantity, Rate, Reader, Timestamp, Writer,
};

/// An asset as listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetParams {
    /// Its token contract on L1; the zero address is the chain's own coin.
    pub token: Address,
    /// How many of the token's smallest units (wei) make one quantum here.
    pub quantum: u64,
    /// A short name, ASCII, padded with zeros; for people, not for the rules.
    pub symbol: [u8; 8],
}

impl AssetParams {
    /// Appends the canonical encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.raw(&self.token.0);
        out.uint(self.quantum);
        out.raw(&self.symbol);
    }

    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            token: Address(r.array("token")?),
            quantum: r.uint("quantum")?,
            symbol: r.array("symbol")?,
        })
    }
}

/// The most that one account may ask for or hold in one market. `u64::MAX` and `u32::MAX` mean no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Lots in one order.
    pub max_quantity: Quantity,
    /// Quote quanta in one order.
    pub max_notional: Quanta,
    /// Open orders, waiting stops included.
    pub max_open_orders: u32,
    /// Net lots bought or sold, counting all open orders on that side as filled.
    pub max_position: Quantity,
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self {
        max_quantity: Quantity(u64::MAX),
        max_notional: Quanta(u64::MAX),
        max_open_orders: u32::MAX,
        max_position: Quantity(u64::MAX),
    };

    /// Appends the canonical encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.uint(self.max_quantity.0);
        out.uint(self.max_notional.0);
        out.uint(self.max_open_orders.into());
        out.uint(self.max_position.0);
    }

    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            max_quantity: Quantity(r.uint("max quantity")?),
            max_notional: Quanta(r.uint("max notional")?),
            max_open_orders: r.u32("max open orders")?,
            max_position: Quantity(r.uint("max position")?),
        })
    }
}

/// A circuit breaker: a trade that would print further than `band` from the price at the start of the
/// current window does not happen; the market halts instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Largest move in millionths of the window's first price; zero switches the breaker off.
    pub band: u32,
    /// Length of a window in microseconds.
    pub window: u64,
    /// How long a halt lasts in microseconds; zero means until the operator resumes.
    pub halt: u64,
}

/// A market's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketParams {
    /// What is traded. Fixed for the market's life.
    pub base: AssetId,
    /// What it is paid with. Fixed for the market's life.
    pub quote: AssetId,
    /// Base quanta in a lot. Fixed for the market's life.
    pub lot: u64,
    /// Quote quanta that one tick of price is worth for one lot. Fixed for the market's life.
    pub tick: u64,
    /// The highest price an order may name, in ticks. Fixed for the market's life.
    pub max_price: Price,
    /// What a maker pays; negative is a rebate. Never more than the taker's, and a rebate never exceeds it.
    pub maker_fee: Rate,
    /// What a taker pays; never negative.
    pub taker_fee: Rate,
    /// Who receives the fees.
    pub fee_account: AccountId,
    /// Limits that hold for every account without its own.
    pub limits: Limits,
    /// How far from the last price an order may reach, in millionths; zero switches the collar off.
    pub collar: u32,
    /// The circuit breaker.
    pub breaker: Breaker,
    /// Stands in for the last price until the first trade; zero means none.
    pub reference_price: Price,
}

impl MarketParams {
    /// The highest `max_price`: ladders are flat arrays, and this bounds them (2^24 ticks).
    pub const MAX_TICKS: u32 = 1 << 24;

    /// Appends the canonical encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.uint(self.base.0.into());
        out.uint(self.quote.0.into());
        out.uint(self.lot);
        out.uint(self.tick);
        out.uint(self.max_price.0.into());
        out.int(self.maker_fee.0.into());
        out.int(self.taker_fee.0.into());
        out.uint(self.fee_account.0.into());
        self.limits.encode(out);
        out.uint(self.collar.into());
        out.uint(self.breaker.band.into());
        out.uint(self.breaker.window);
        out.uint(self.breaker.halt);
        out.uint(self.reference_price.0.into());
    }

    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// When the bytes are not one. Whether the values make sense is for the rules to say.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            base: AssetId(r.u16("base")?),
            quote: AssetId(r.u16("quote")?),
            lot: r.uint("lot")?,
            tick: r.uint("tick")?,
            max_price: Price(r.u32("max price")?),
            maker_fee: Rate(r.i32("maker fee")?),
            taker_fee: Rate(r.i32("taker fee")?),
            fee_account: AccountId(r.u32("fee account")?),
            limits: Limits::decode(r)?,
            collar: r.u32("collar")?,
            breaker: Breaker {
                band: r.u32("breaker band")?,
                window: r.uint("breaker window")?,
                halt: r.uint("breaker halt")?,
            },
            reference_price: Price(r.u32("reference price")?),
        })
    }
}

/// Whether a market trades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Orders are accepted and matched.
    #[default]
    Open,
    /// Only cancellations are accepted.
    Halted {
        /// When it opens by itself; [`Timestamp::NEVER`] means only by the operator.
        until: Timestamp,
    },
}
