//! Outcomes and events of commands, as JSON. Amounts that may pass 2^53 are decimal strings.

use serde::Serialize;
use types::{CancelReason, Event, Fill, Outcome, Phase, PhaseCause, Side, Timestamp};
use utoipa::ToSchema;

use super::hexadecimal::show;

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "result", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum OutcomeBody {
    /// It was carried out.
    Done,
    /// The order was accepted under this number; the events say what it did.
    Accepted {
        /// The order's number.
        order: u64,
    },
    /// It did nothing.
    Rejected {
        /// The rejection's number (the book: Rejections).
        code: u16,
        /// The rejection in a sentence.
        reason: &'static str,
    },
}

impl From<Outcome> for OutcomeBody {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Accepted(order) => Self::Accepted { order: order.0 },
            Outcome::Rejected(reject) => Self::Rejected { code: reject.code(), reason: reject.sentence() },
        }
    }
}

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SideBody {
    /// Wants base, pays quote.
    Buy,
    /// Wants quote, pays base.
    Sell,
}

impl From<Side> for SideBody {
    fn from(side: Side) -> Self {
        match side {
            Side::Buy => Self::Buy,
            Side::Sell => Self::Sell,
        }
    }
}

/// Why (part of) an order left without trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum CancelReasonBody {
    /// The trader asked.
    Requested,
    /// A mass cancellation.
    Mass,
    /// Its time came.
    Expired,
    /// What an immediate-or-cancel order did not trade.
    Immediate,
    /// Self-trade prevention.
    SelfTrade,
    /// The balance or budget does not cover another lot.
    Funds,
    /// The next price is beyond the collar.
    Collar,
    /// The circuit breaker halted the market.
    Halted,
    /// It was triggered, but the checks no longer pass.
    TriggerRefused,
}

impl From<CancelReason> for CancelReasonBody {
    fn from(reason: CancelReason) -> Self {
        match reason {
            CancelReason::Requested => Self::Requested,
            CancelReason::Mass => Self::Mass,
            CancelReason::Expired => Self::Expired,
            CancelReason::Immediate => Self::Immediate,
            CancelReason::SelfTrade => Self::SelfTrade,
            CancelReason::Funds => Self::Funds,
            CancelReason::Collar => Self::Collar,
            CancelReason::Halted => Self::Halted,
            CancelReason::TriggerRefused => Self::TriggerRefused,
        }
    }
}

/// What set a market's phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PhaseCauseBody {
    /// The operator.
    Operator,
    /// The circuit breaker.
    Breaker,
    /// The end of a timed halt.
    Time,
}

/// One thing that a command did. Prices are ticks, quantities lots, amounts and fees quanta, times microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum EventBody {
    /// A trade, at the maker's price.
    Fill {
        market: u16,
        taker_side: SideBody,
        maker: u64,
        taker: u64,
        maker_account: u32,
        taker_account: u32,
        price: u32,
        quantity: String,
        /// Negative is a rebate.
        maker_fee: String,
        taker_fee: String,
    },
    /// An order now rests on the book.
    Rested { order: u64, market: u16, account: u32, side: SideBody, price: u32, quantity: String },
    /// An order waits for its trigger.
    Waiting { order: u64, market: u16, account: u32, side: SideBody, trigger: u32 },
    /// The last price woke a waiting order.
    Triggered { order: u64, market: u16, account: u32 },
    /// A resting order has new terms.
    Replaced {
        order: u64,
        market: u16,
        account: u32,
        old_price: u32,
        old_quantity: String,
        price: u32,
        quantity: String,
        kept_place: bool,
    },
    /// An order, or a part of it, left without trading.
    Cancelled {
        order: u64,
        market: u16,
        account: u32,
        side: SideBody,
        price: u32,
        quantity: String,
        remaining: String,
        resting: bool,
        reason: CancelReasonBody,
    },
    /// An account was opened.
    AccountOpened { account: u32, owner: String },
    /// A deposit was credited.
    Deposited { account: u32, asset: u16, amount: String },
    /// Money leaves the exchange.
    Withdrawn {
        /// Counts all withdrawals of the exchange.
        index: u64,
        account: u32,
        owner: String,
        asset: u16,
        amount: String,
    },
    /// An account has a new session key.
    SessionRegistered {
        account: u32,
        key: String,
        /// Never, where there is none.
        expires: Option<u64>,
    },
    /// An asset was listed.
    AssetListed { asset: u16 },
    /// A market was created.
    MarketCreated { market: u16 },
    /// A market's parameters changed.
    MarketChanged { market: u16 },
    /// A market halted or opened.
    PhaseChanged {
        market: u16,
        halted: bool,
        /// When it opens by itself; of a halt without it, only by the operator.
        until: Option<u64>,
        cause: PhaseCauseBody,
    },
    /// An account's kill switch moved.
    AccountSuspended { account: u32, suspended: bool },
    /// An account's limits in a market were set or lifted.
    LimitsSet { account: u32, market: u16 },
    /// The exchange's kill switch moved.
    ExchangeHalted { halted: bool },
}

/// None is never.
pub(crate) fn time(time: Timestamp) -> Option<u64> {
    (time != Timestamp::NEVER).then_some(time.0)
}

impl From<&Event> for EventBody {
    fn from(event: &Event) -> Self {
        match *event {
            Event::Fill(fill) => Self::from(fill),
            Event::Rested { order, market, account, side, price, quantity } => Self::Rested {
                order: order.0,
                market: market.0,
                account: account.0,
                side: side.into(),
                price: price.0,
                quantity: quantity.to_string(),
            },
            Event::Waiting { order, market, account, side, trigger } => Self::Waiting {
                order: order.0,
                market: market.0,
                account: account.0,
                side: side.into(),
                trigger: trigger.0,
            },
            Event::Triggered { order, market, account } => {
                Self::Triggered { order: order.0, market: market.0, account: account.0 }
            }
            Event::Replaced {
                order,
                market,
                account,
                old_price,
                old_quantity,
                price,
                quantity,
                kept_place,
            } => Self::Replaced {
                order: order.0,
                market: market.0,
                account: account.0,
                old_price: old_price.0,
                old_quantity: old_quantity.to_string(),
                price: price.0,
                quantity: quantity.to_string(),
                kept_place,
            },
            Event::Cancelled {
                order,
                market,
                account,
                side,
                price,
                quantity,
                remaining,
                resting,
                reason,
            } => Self::Cancelled {
                order: order.0,
                market: market.0,
                account: account.0,
                side: side.into(),
                price: price.0,
                quantity: quantity.to_string(),
                remaining: remaining.to_string(),
                resting,
                reason: reason.into(),
            },
            Event::AccountOpened { account, owner } => {
                Self::AccountOpened { account: account.0, owner: owner.to_string() }
            }
            Event::Deposited { account, asset, amount } => {
                Self::Deposited { account: account.0, asset: asset.0, amount: amount.to_string() }
            }
            Event::Withdrawn { index, account, owner, asset, amount } => Self::Withdrawn {
                index,
                account: account.0,
                owner: owner.to_string(),
                asset: asset.0,
                amount: amount.to_string(),
            },
            Event::SessionRegistered { account, key, expires } => {
                Self::SessionRegistered { account: account.0, key: show(key.0), expires: time(expires) }
            }
            Event::AssetListed { asset } => Self::AssetListed { asset: asset.0 },
            Event::MarketCreated { market } => Self::MarketCreated { market: market.0 },
            Event::MarketChanged { market } => Self::MarketChanged { market: market.0 },
            Event::PhaseChanged { market, phase, cause } => {
                let (halted, until) = match phase {
                    Phase::Open => (false, None),
                    Phase::Halted { until } => (true, time(until)),
                };
                let cause = match cause {
                    PhaseCause::Operator => PhaseCauseBody::Operator,
                    PhaseCause::Breaker => PhaseCauseBody::Breaker,
                    PhaseCause::Time => PhaseCauseBody::Time,
                };
                Self::PhaseChanged { market: market.0, halted, until, cause }
            }
            Event::AccountSuspended { account, suspended } => {
                Self::AccountSuspended { account: account.0, suspended }
            }
            Event::LimitsSet { account, market } => Self::LimitsSet { account: account.0, market: market.0 },
            Event::ExchangeHalted { halted } => Self::ExchangeHalted { halted },
        }
    }
}

impl From<Fill> for EventBody {
    fn from(fill: Fill) -> Self {
        Self::Fill {
            market: fill.market.0,
            taker_side: fill.taker_side.into(),
            maker: fill.maker.0,
            taker: fill.taker.0,
            maker_account: fill.maker_account.0,
            taker_account: fill.taker_account.0,
            price: fill.price.0,
            quantity: fill.quantity.to_string(),
            maker_fee: fill.maker_fee.to_string(),
            taker_fee: fill.taker_fee.to_string(),
        }
    }
}
