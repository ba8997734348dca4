//! Events: what a command did. The encoded events of a command are the leaf of the batch's events root.

use alloc::vec::Vec;

use crate::{
    AccountId, Address, AssetId, DecodeError, MarketId, OrderId, Phase, Price, Quanta, Quantity, Reader,
    SessionKey, Side, Timestamp, Writer,
};

/// A trade between a resting order and an incoming one, at the resting order's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Where.
    pub market: MarketId,
    /// The incoming order's side.
    pub taker_side: Side,
    /// The resting order.
    pub maker: OrderId,
    /// The incoming order.
    pub taker: OrderId,
    /// Whose the resting order is.
    pub maker_account: AccountId,
    /// Whose the incoming order is.
    pub taker_account: AccountId,
    /// The price.
    pub price: Price,
    /// How much.
    pub quantity: Quantity,
    /// Quote quanta that the maker pays; negative is a rebate.
    pub maker_fee: i64,
    /// Quote quanta that the taker pays.
    pub taker_fee: Quanta,
}

/// Why (part of) an order left without trading. FIX tag 378, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CancelReason {
    /// The trader asked.
    Requested = 0,
    /// A mass cancellation by the trader, the operator or L1.
    Mass = 1,
    /// Its time came.
    Expired = 2,
    /// Immediate or cancel: this is what did not trade.
    Immediate = 3,
    /// Self-trade prevention.
    SelfTrade = 4,
    /// The balance or budget does not cover another lot.
    Funds = 5,
    /// The next price is beyond the collar.
    Collar = 6,
    /// The circuit breaker halted the market while the order was matching.
    Halted = 7,
    /// It was triggered, but the checks no longer pass.
    TriggerRefused = 8,
}

/// What set a market's phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PhaseCause {
    /// The operator.
    Operator = 0,
    /// The circuit breaker.
    Breaker = 1,
    /// The end of a timed halt.
    Time = 2,
}

/// What a command did to the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A trade.
    Fill(Fill),
    /// An order (what is left of it) now rests on the book.
    Rested {
        /// Which.
        order: OrderId,
        /// Where.
        market: MarketId,
        /// Whose.
        account: AccountId,
        /// Buy or sell.
        side: Side,
        /// Its limit.
        price: Price,
        /// What is left of it.
        quantity: Quantity,
    },
    /// A stop-loss or take-profit order waits for its trigger.
    Waiting {
        /// Which.
        order: OrderId,
        /// Where.
        market: MarketId,
        /// Whose.
        account: AccountId,
        /// Buy or sell.
        side: Side,
        /// The last price that wakes it.
        trigger: Price,
    },
    /// The last price woke a waiting order; what it did follows.
    Triggered {
        /// Which.
        order: OrderId,
        /// Where.
        market: MarketId,
        /// Whose.
        account: AccountId,
    },
    /// A resting order shrank at the same price and kept its place, or left the book to enter again with
    /// new terms.
    Replaced {
        /// Which.
        order: OrderId,
        /// Where.
        market: MarketId,
        /// Whose.
        account: AccountId,
        /// The price it had.
        old_price: Price,
        /// The quantity it had.
        old_quantity: Quantity,
        /// Its new price.
        price: Price,
        /// Its new quantity.
        quantity: Quantity,
        /// Whether it kept its place in the queue.
        kept_place: bool,
    },
    /// An order, or `quantity` of it, left without trading.
    Cancelled {
        /// Which.
        order: OrderId,
        /// Where.
        market: MarketId,
        /// Whose.
        account: AccountId,
        /// Buy or sell.
        side: Side,
        /// Its limit; zero for a market order.
        price: Price,
        /// How much left (lots); zero for what is left of a budget.
        quantity: Quantity,
        /// How much stays on the book.
        remaining: Quantity,
        /// Whether it was on the book (and not incoming or waiting).
        resting: bool,
        /// Why.
        reason: CancelReason,
    },
    /// An account was opened.
    AccountOpened {
        /// Its number.
        account: AccountId,
        /// Whose on L1.
        owner: Address,
    },
    /// A deposit was credited.
    Deposited {
        /// To whom.
        account: AccountId,
        /// What.
        asset: AssetId,
        /// How much.
        amount: Quanta,
    },
    /// Money leaves the exchange: a leaf of the batch's withdrawals root. Also how a deposit that cannot
    /// be credited goes back.
    Withdrawn {
        /// Counts all withdrawals of the exchange from zero.
        index: u64,
        /// From whom.
        account: AccountId,
        /// To whom on L1.
        owner: Address,
        /// What.
        asset: AssetId,
        /// How much.
        amount: Quanta,
    },
    /// The account has a new session key, and its stream begins again.
    SessionRegistered {
        /// Whose.
        account: AccountId,
        /// The key.
        key: SessionKey,
        /// When it ends.
        expires: Timestamp,
    },
    /// An asset was listed.
    AssetListed {
        /// Its number.
        asset: AssetId,
    },
    /// A market was created.
    MarketCreated {
        /// Its number.
        market: MarketId,
    },
    /// A market's parameters changed.
    MarketChanged {
        /// Which.
        market: MarketId,
    },
    /// A market halted or opened.
    PhaseChanged {
        /// Which.
        market: MarketId,
        /// What it is now.
        phase: Phase,
        /// What set it.
        cause: PhaseCause,
    },
    /// The account's kill switch moved.
    AccountSuspended {
        /// Whose.
        account: AccountId,
        /// To where.
        suspended: bool,
    },
    /// The account's limits in a market were set or lifted.
    LimitsSet {
        /// Whose.
        account: AccountId,
        /// Where.
        market: MarketId,
    },
    /// The exchange's kill switch moved.
    ExchangeHalted {
        /// To where.
        halted: bool,
    },
}

impl Event {
    /// Appends the canonical encoding.
    #[inline]
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Fill(f) => {
                out.byte(if f.taker_side == Side::Buy { 1 } else { 2 });
                out.uint(f.market.0.into());
                out.uint(f.maker.0);
                out.uint(f.taker.0);
                out.uint(f.maker_account.0.into());
                out.uint(f.taker_account.0.into());
                out.uint(f.price.0.into());
                out.uint(f.quantity.0);
                out.int(f.maker_fee);
                out.uint(f.taker_fee.0);
            }
            Self::Rested { order, market, account, side, price, quantity } => {
                out.byte(3);
                encode_order(order, market, account, out);
                out.byte(u8::from(side == Side::Sell));
                out.uint(price.0.into());
                out.uint(quantity.0);
            }
            Self::Waiting { order, market, account, side, trigger } => {
                out.byte(4);
                encode_order(order, market, account, out);
                out.byte(u8::from(side == Side::Sell));
                out.uint(trigger.0.into());
            }
            Self::Triggered { order, market, account } => {
                out.byte(5);
                encode_order(order, market, account, out);
            }
            Self::Replaced {
                order,
                market,
                account,
                old_price,
                old_quantity,
                price,
                quantity,
                kept_place,
            } => {
                out.byte(6);
                encode_order(order, market, account, out);
                out.uint(old_price.0.into());
                out.uint(old_quantity.0);
                out.uint(price.0.into());
                out.uint(quantity.0);
                out.byte(kept_place.into());
            }
            Self::Cancelled { order, market, account, side, price, quantity, remaining, resting, reason } => {
                out.byte(7);
                encode_order(order, market, account, out);
                out.byte(u8::from(side == Side::Sell) | u8::from(resting) << 1 | (reason as u8) << 2);
                out.uint(price.0.into());
                out.uint(quantity.0);
                out.uint(remaining.0);
            }
            Self::AccountOpened { account, owner } => {
                out.byte(8);
                out.uint(account.0.into());
                out.raw(&owner.0);
            }
            Self::Deposited { account, asset, amount } => {
                out.byte(9);
                out.uint(account.0.into());
                out.uint(asset.0.into());
                out.uint(amount.0);
            }
            Self::Withdrawn { index, account, owner, asset, amount } => {
                out.byte(10);
                out.uint(index);
                out.uint(account.0.into());
                out.raw(&owner.0);
                out.uint(asset.0.into());
                out.uint(amount.0);
            }
            Self::SessionRegistered { account, key, expires } => {
                out.byte(11);
                out.uint(account.0.into());
                out.raw(&key.0);
                out.uint(expires.0);
            }
            Self::AssetListed { asset } => {
                out.byte(12);
                out.uint(asset.0.into());
            }
            Self::MarketCreated { market } => {
                out.byte(13);
                out.uint(market.0.into());
            }
            Self::MarketChanged { market } => {
                out.byte(14);
                out.uint(market.0.into());
            }
            Self::PhaseChanged { market, phase, cause } => {
                out.byte(15);
                out.uint(market.0.into());
                match phase {
                    Phase::Open => out.byte(0),
                    Phase::Halted { until } => {
                        out.byte(1);
                        out.uint(until.0);
                    }
                }
                out.byte(cause as u8);
            }
            Self::AccountSuspended { account, suspended } => {
                out.byte(16);
                out.uint(account.0.into());
                out.byte(suspended.into());
            }
            Self::LimitsSet { account, market } => {
                out.byte(17);
                out.uint(account.0.into());
                out.uint(market.0.into());
            }
            Self::ExchangeHalted { halted } => {
                out.byte(18);
                out.byte(halted.into());
            }
        }
    }

    /// Reads one event.
    ///
    /// # Errors
    /// When the bytes do not begin with a canonical encoding.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match r.byte("event")? {
            tag @ (1 | 2) => Self::Fill(Fill {
                taker_side: if tag == 1 { Side::Buy } else { Side::Sell },
                market: MarketId(r.u16("market")?),
                maker: OrderId(r.uint("maker order id")?),
                taker: OrderId(r.uint("taker order id")?),
                maker_account: AccountId(r.u32("maker account")?),
                taker_account: AccountId(r.u32("taker account")?),
                price: Price(r.u32("price")?),
                quantity: Quantity(r.uint("quantity")?),
                maker_fee: r.int("maker fee")?,
                taker_fee: Quanta(r.uint("taker fee")?),
            }),
            3 => {
                let (order, market, account) = decode_order(r)?;
                Self::Rested {
                    order,
                    market,
                    account,
                    side: Side::decode(r)?,
                    price: Price(r.u32("price")?),
                    quantity: Quantity(r.uint("quantity")?),
                }
            }
            4 => {
                let (order, market, account) = decode_order(r)?;
                Self::Waiting {
                    order,
                    market,
                    account,
                    side: Side::decode(r)?,
                    trigger: Price(r.u32("trigger")?),
                }
            }
            5 => {
                let (order, market, account) = decode_order(r)?;
                Self::Triggered { order, market, account }
            }
            6 => {
                let (order, market, account) = decode_order(r)?;
                Self::Replaced {
                    order,
                    market,
                    account,
                    old_price: Price(r.u32("old price")?),
                    old_quantity: Quantity(r.uint("old quantity")?),
                    price: Price(r.u32("price")?),
                    quantity: Quantity(r.uint("quantity")?),
                    kept_place: r.bool("kept place")?,
                }
            }
            7 => {
                let (order, market, account) = decode_order(r)?;
                let flags = r.byte("cancel flags")?;
                let reason = CancelReason::from_code(flags >> 2)
                    .ok_or(DecodeError::UnknownTag { what: "cancel flags", tag: flags })?;
                Self::Cancelled {
                    order,
                    market,
                    account,
                    side: if flags & 1 == 0 { Side::Buy } else { Side::Sell },
                    resting: flags & 2 != 0,
                    reason,
                    price: Price(r.u32("price")?),
                    quantity: Quantity(r.uint("quantity")?),
                    remaining: Quantity(r.uint("remaining")?),
                }
            }
            8 => Self::AccountOpened {
                account: AccountId(r.u32("account")?),
                owner: Address(r.array("owner")?),
            },
            9 => Self::Deposited {
                account: AccountId(r.u32("account")?),
                asset: AssetId(r.u16("asset")?),
                amount: Quanta(r.uint("amount")?),
            },
            10 => Self::Withdrawn {
                index: r.uint("withdrawal index")?,
                account: AccountId(r.u32("account")?),
                owner: Address(r.array("owner")?),
                asset: AssetId(r.u16("asset")?),
                amount: Quanta(r.uint("amount")?),
            },
            11 => Self::SessionRegistered {
                account: AccountId(r.u32("account")?),
                key: SessionKey(r.array("session key")?),
                expires: Timestamp(r.uint("expiry")?),
            },
            12 => Self::AssetListed { asset: AssetId(r.u16("asset")?) },
            13 => Self::MarketCreated { market: MarketId(r.u16("market")?) },
            14 => Self::MarketChanged { market: MarketId(r.u16("market")?) },
            15 => Self::PhaseChanged {
                market: MarketId(r.u16("market")?),
                phase: if r.bool("phase")? {
                    Phase::Halted { until: Timestamp(r.uint("halt end")?) }
                } else {
                    Phase::Open
                },
                cause: match r.byte("phase cause")? {
                    0 => PhaseCause::Operator,
                    1 => PhaseCause::Breaker,
                    2 => PhaseCause::Time,
                    tag => return Err(DecodeError::UnknownTag { what: "phase cause", tag }),
                },
            },
            16 => Self::AccountSuspended {
                account: AccountId(r.u32("account")?),
                suspended: r.bool("suspended")?,
            },
            17 => {
                Self::LimitsSet { account: AccountId(r.u32("account")?), market: MarketId(r.u16("market")?) }
            }
            18 => Self::ExchangeHalted { halted: r.bool("halted")? },
            tag => return Err(DecodeError::UnknownTag { what: "event", tag }),
        })
    }
}

impl CancelReason {
    fn from_code(code: u8) -> Option<Self> {
        const ALL: [CancelReason; 9] = [
            CancelReason::Requested,
            CancelReason::Mass,
            CancelReason::Expired,
            CancelReason::Immediate,
            CancelReason::SelfTrade,
            CancelReason::Funds,
            CancelReason::Collar,
            CancelReason::Halted,
            CancelReason::TriggerRefused,
        ];
        ALL.get(usize::from(code)).copied()
    }
}

fn encode_order(order: OrderId, market: MarketId, account: AccountId, out: &mut Vec<u8>) {
    out.uint(order.0);
    out.uint(market.0.into());
    out.uint(account.0.into());
}

fn decode_order(r: &mut Reader<'_>) -> Result<(OrderId, MarketId, AccountId), DecodeError> {
    Ok((OrderId(r.uint("order id")?), MarketId(r.u16("market")?), AccountId(r.u32("account")?)))
}
