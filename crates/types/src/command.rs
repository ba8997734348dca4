//! Commands: what somebody asks for.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::{
    AccountId, Address, AssetId, AssetParams, ClientOrderId, DecodeError, Limits, MarketId, MarketParams,
    OrderId, Price, Quanta, Quantity, Reader, SessionKey, Timestamp, Writer,
};

/// Buy or sell. FIX tag 54.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Wants base, pays quote.
    Buy,
    /// Wants quote, pays base.
    Sell,
}

impl Side {
    /// Both sides, buyers first.
    pub const BOTH: [Self; 2] = [Self::Buy, Self::Sell];

    /// The other side.
    #[must_use]
    #[inline]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(if r.bool("side")? { Self::Sell } else { Self::Buy })
    }
}

/// How an order is priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderType {
    /// At `price` or better.
    Limit {
        /// The worst acceptable price.
        price: Price,
        /// How much.
        quantity: Quantity,
    },
    /// At whatever the book offers within the collar.
    Market {
        /// How much.
        quantity: Quantity,
    },
    /// A market buy that spends at most `budget`, fees included.
    MarketBudget {
        /// Quote quanta to spend at most.
        budget: Quanta,
    },
}

/// How long an order lives. FIX tag 59.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeInForce {
    /// Good till cancelled: what does not trade at once rests.
    Gtc,
    /// Immediate or cancel: what does not trade at once is cancelled.
    Ioc,
    /// Fill or kill: all of it trades at once, or none.
    Fok,
    /// Good till date: as `Gtc`, and expires at the first command sequenced at or after this time.
    Gtd(Timestamp),
}

/// What happens when an order would trade with another order of the same account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelfTrade {
    /// What is left of the incoming order is cancelled.
    #[default]
    ExpireTaker,
    /// The resting order is cancelled, matching goes on.
    ExpireMaker,
    /// Both are cancelled.
    ExpireBoth,
    /// Both shrink by what would have traded.
    Decrement,
}

/// When a waiting order wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerKind {
    /// A buy when the last price has risen to the trigger, a sell when it has fallen to it.
    StopLoss,
    /// A buy when the last price has fallen to the trigger, a sell when it has risen to it.
    TakeProfit,
}

/// The condition of a stop-loss or take-profit order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// In which direction the last price must cross.
    pub kind: TriggerKind,
    /// The last trade price that wakes the order.
    pub price: Price,
}

/// A new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where.
    pub market: MarketId,
    /// Buy or sell.
    pub side: Side,
    /// Price and quantity.
    pub order_type: OrderType,
    /// How long it lives; market orders are `Ioc` or `Fok`.
    pub time_in_force: TimeInForce,
    /// Refuse the order if it would trade at once.
    pub post_only: bool,
    /// Self-trade prevention while this order is the taker.
    pub self_trade: SelfTrade,
    /// Wait for this first.
    pub trigger: Option<Trigger>,
    /// The trader's own number for it.
    pub client_id: ClientOrderId,
}

impl Place {
    /// A good-till-cancelled limit order with nothing special about it.
    #[must_use]
    pub fn limit(market: MarketId, side: Side, price: Price, quantity: Quantity) -> Self {
        Self {
            market,
            side,
            order_type: OrderType::Limit { price, quantity },
            time_in_force: TimeInForce::Gtc,
            post_only: false,
            self_trade: SelfTrade::ExpireTaker,
            trigger: None,
            client_id: ClientOrderId::NONE,
        }
    }

    /// A market order: immediate or cancel.
    #[must_use]
    pub fn market(market: MarketId, side: Side, quantity: Quantity) -> Self {
        Self {
            order_type: OrderType::Market { quantity },
            time_in_force: TimeInForce::Ioc,
            ..Self::limit(market, side, Price(0), quantity)
        }
    }
}

/// Which of the account's open orders is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderRef {
    /// By the exchange's number.
    Id(OrderId),
    /// By the trader's number.
    Client(ClientOrderId),
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A new order.
    Place(Place),
    /// Cancel one order.
    Cancel {
        /// Where it is.
        market: MarketId,
        /// Which.
        order: OrderRef,
    },
    /// Change a resting limit order's price and what is left of its quantity. It keeps its place in the
    /// queue only when the price stays and the quantity shrinks.
    Replace {
        /// Where it is.
        market: MarketId,
        /// Which.
        order: OrderRef,
        /// The new limit.
        price: Price,
        /// The new remaining quantity.
        quantity: Quantity,
        /// What was left of the order when the quantity was chosen. What has gone since then is taken off the
        /// quantity, so that an order that trades meanwhile trades no more in all than was meant; where nothing
        /// remains, the order is cancelled. `None` takes the quantity as it stands.
        left: Option<Quantity>,
    },
    /// Cancel all of the account's orders that match.
    MassCancel {
        /// Only in this market.
        market: Option<MarketId>,
        /// Only on this side.
        side: Option<Side>,
    },
    /// Take a free balance out, to the account's owner on L1. From the L1 queue (a forced withdrawal) it
    /// takes what is free, up to `amount`.
    Withdraw {
        /// What.
        asset: AssetId,
        /// How much.
        amount: Quanta,
    },
    /// Replace the account's session key. Comes from the owner or the L1 queue.
    RegisterSession {
        /// The Ed25519 key that will sign the account's stream.
        key: SessionKey,
        /// When the session ends by itself.
        expires: Timestamp,
    },
    /// Money that arrived on L1. Comes from the L1 queue; opens the account when it is the next new one.
    Deposit {
        /// The account's owner.
        owner: Address,
        /// What.
        asset: AssetId,
        /// How much.
        amount: Quanta,
    },
    /// An act of the operator, sequenced and proved like all others.
    Operator(Box<OperatorCommand>),
}

/// What only the operator's account may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorCommand {
    /// List the next asset.
    ListAsset(AssetParams),
    /// Create the next market.
    CreateMarket(MarketParams),
    /// Change fees, limits, collar or breaker. Resting orders keep the maker fee they were placed under.
    ChangeMarket {
        /// Which.
        market: MarketId,
        /// All its parameters; the fixed ones must be as they were.
        params: MarketParams,
    },
    /// Halt a market, until a time or until further notice.
    HaltMarket {
        /// Which.
        market: MarketId,
        /// When it opens by itself; [`Timestamp::NEVER`] for not at all.
        until: Timestamp,
    },
    /// Open a halted market.
    ResumeMarket {
        /// Which.
        market: MarketId,
    },
    /// The kill switch of one account: no new orders while suspended.
    SuspendAccount {
        /// Whose.
        account: AccountId,
        /// On or off.
        suspended: bool,
    },
    /// Limits for one account in one market, instead of the market's; `None` goes back to those.
    SetLimits {
        /// Whose.
        account: AccountId,
        /// Where.
        market: MarketId,
        /// The limits.
        limits: Option<Limits>,
    },
    /// Cancel another account's orders.
    MassCancel {
        /// Whose.
        account: AccountId,
        /// Only in this market.
        market: Option<MarketId>,
        /// Only on this side.
        side: Option<Side>,
    },
    /// The kill switch of the exchange: no new orders anywhere while halted.
    HaltExchange {
        /// On or off.
        halted: bool,
    },
    /// Nothing but the passing of time: lets orders expire when no other command comes.
    AdvanceTime,
}

/// The first byte of a command's encoding.
mod tag {
    pub const PLACE: u8 = 1;
    pub const CANCEL: u8 = 2;
    pub const REPLACE: u8 = 3;
    pub const MASS_CANCEL: u8 = 4;
    pub const WITHDRAW: u8 = 5;
    pub const REGISTER_SESSION: u8 = 6;
    pub const DEPOSIT: u8 = 7;
    pub const REPLACE_LEFT: u8 = 8;
    pub const LIST_ASSET: u8 = 16;
    pub const CREATE_MARKET: u8 = 17;
    pub const CHANGE_MARKET: u8 = 18;
    pub const HALT_MARKET: u8 = 19;
    pub const RESUME_MARKET: u8 = 20;
    pub const SUSPEND_ACCOUNT: u8 = 21;
    pub const SET_LIMITS: u8 = 22;
    pub const OPERATOR_MASS_CANCEL: u8 = 23;
    pub const HALT_EXCHANGE: u8 = 24;
    pub const ADVANCE_TIME: u8 = 25;
}

impl Command {
    /// No command's encoding is longer.
    pub const MAX_BYTES: usize = 160;

    /// Appends the canonical encoding.
    #[inline]
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Place(place) => place.encode(out),
            Self::Cancel { market, order } => {
                out.byte(tag::CANCEL);
                out.uint(market.0.into());
                order.encode(out);
            }
            Self::Replace { market, order, price, quantity, left } => {
                out.byte(if left.is_some() { tag::REPLACE_LEFT } else { tag::REPLACE });
                out.uint(market.0.into());
                order.encode(out);
                out.uint(price.0.into());
                out.uint(quantity.0);
                if let Some(left) = left {
                    out.uint(left.0);
                }
            }
            Self::MassCancel { market, side } => {
                out.byte(tag::MASS_CANCEL);
                encode_scope(*market, *side, out);
            }
            Self::Withdraw { asset, amount } => {
                out.byte(tag::WITHDRAW);
                out.uint(asset.0.into());
                out.uint(amount.0);
            }
            Self::RegisterSession { key, expires } => {
                out.byte(tag::REGISTER_SESSION);
                out.raw(&key.0);
                out.uint(expires.0);
            }
            Self::Deposit { owner, asset, amount } => {
                out.byte(tag::DEPOSIT);
                out.raw(&owner.0);
                out.uint(asset.0.into());
                out.uint(amount.0);
            }
            Self::Operator(command) => command.encode(out),
        }
    }

    /// Reads one command.
    ///
    /// # Errors
    /// When the bytes do not begin with a canonical encoding.
    #[inline]
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match r.byte("command")? {
            tag::PLACE => Self::Place(Place::decode(r)?),
            tag::CANCEL => Self::Cancel { market: MarketId(r.u16("market")?), order: OrderRef::decode(r)? },
            tag @ (tag::REPLACE | tag::REPLACE_LEFT) => Self::Replace {
                market: MarketId(r.u16("market")?),
                order: OrderRef::decode(r)?,
                price: Price(r.u32("price")?),
                quantity: Quantity(r.uint("quantity")?),
                left: match tag {
                    tag::REPLACE => None,
                    _ => Some(Quantity(r.uint("quantity left")?)),
                },
            },
            tag::MASS_CANCEL => {
                let (market, side) = decode_scope(r)?;
                Self::MassCancel { market, side }
            }
            tag::WITHDRAW => {
                Self::Withdraw { asset: AssetId(r.u16("asset")?), amount: Quanta(r.uint("amount")?) }
            }
            tag::REGISTER_SESSION => Self::RegisterSession {
                key: SessionKey(r.array("session key")?),
                expires: Timestamp(r.uint("expiry")?),
            },
            tag::DEPOSIT => Self::Deposit {
                owner: Address(r.array("owner")?),
                asset: AssetId(r.u16("asset")?),
                amount: Quanta(r.uint("amount")?),
            },
            tag => Self::Operator(Box::new(OperatorCommand::decode(tag, r)?)),
        })
    }
}

impl Place {
    // flags: side | order type << 1 | time in force << 3 | post only << 5 | self trade << 6
    // more:  trigger << 0 (0 none, 1 stop-loss, 2 take-profit) | has client id << 2
    fn encode(&self, out: &mut Vec<u8>) {
        let (kind, price, amount) = match self.order_type {
            OrderType::Limit { price, quantity } => (0, Some(price), quantity.0),
            OrderType::Market { quantity } => (1, None, quantity.0),
            OrderType::MarketBudget { budget } => (2, None, budget.0),
        };
        let (life, expires) = match self.time_in_force {
            TimeInForce::Gtc => (0, None),
            TimeInForce::Ioc => (1, None),
            TimeInForce::Fok => (2, None),
            TimeInForce::Gtd(expires) => (3, Some(expires)),
        };
        let trigger = match self.trigger {
            None => 0,
            Some(Trigger { kind: TriggerKind::StopLoss, .. }) => 1,
            Some(Trigger { kind: TriggerKind::TakeProfit, .. }) => 2,
        };
        let has_client_id = self.client_id != ClientOrderId::NONE;
        out.byte(tag::PLACE);
        out.byte(
            u8::from(self.side == Side::Sell)
                | kind << 1
                | life << 3
                | u8::from(self.post_only) << 5
                | (self.self_trade as u8) << 6,
        );
        out.byte(trigger | u8::from(has_client_id) << 2);
        out.uint(self.market.0.into());
        if let Some(price) = price {
            out.uint(price.0.into());
        }
        out.uint(amount);
        if let Some(expires) = expires {
            out.uint(expires.0);
        }
        if let Some(trigger) = self.trigger {
            out.uint(trigger.price.0.into());
        }
        if has_client_id {
            out.uint(self.client_id.0);
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let flags = r.byte("order flags")?;
        let more = r.byte("order flags")?;
        let unknown = |tag| DecodeError::UnknownTag { what: "order flags", tag };
        let market = MarketId(r.u16("market")?);
        let order_type = match flags >> 1 & 3 {
            0 => OrderType::Limit { price: Price(r.u32("price")?), quantity: Quantity(r.uint("quantity")?) },
            1 => OrderType::Market { quantity: Quantity(r.uint("quantity")?) },
            2 => OrderType::MarketBudget { budget: Quanta(r.uint("budget")?) },
            _ => return Err(unknown(flags)),
        };
        let time_in_force = match flags >> 3 & 3 {
            0 => TimeInForce::Gtc,
            1 => TimeInForce::Ioc,
            2 => TimeInForce::Fok,
            _ => TimeInForce::Gtd(Timestamp(r.uint("expiry")?)),
        };
        let self_trade = match flags >> 6 {
            0 => SelfTrade::ExpireTaker,
            1 => SelfTrade::ExpireMaker,
            2 => SelfTrade::ExpireBoth,
            _ => SelfTrade::Decrement,
        };
        let kind = match more & 3 {
            0 => None,
            1 => Some(TriggerKind::StopLoss),
            2 => Some(TriggerKind::TakeProfit),
            _ => return Err(unknown(more)),
        };
        let trigger = match kind {
            None => None,
            Some(kind) => Some(Trigger { kind, price: Price(r.u32("trigger price")?) }),
        };
        let client_id = match more >> 2 {
            0 => ClientOrderId::NONE,
            1 => match r.uint("client order id")? {
                0 => return Err(DecodeError::BadInteger { what: "client order id" }),
                id => ClientOrderId(id),
            },
            _ => return Err(unknown(more)),
        };
        Ok(Self {
            market,
            side: if flags & 1 == 0 { Side::Buy } else { Side::Sell },
            order_type,
            time_in_force,
            post_only: flags >> 5 & 1 == 1,
            self_trade,
            trigger,
            client_id,
        })
    }
}

impl OrderRef {
    fn encode(self, out: &mut Vec<u8>) {
        let (tag, id) = match self {
            Self::Id(id) => (0, id.0),
            Self::Client(id) => (1, id.0),
        };
        out.byte(tag);
        out.uint(id);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(if r.bool("order reference")? {
            Self::Client(ClientOrderId(r.uint("client order id")?))
        } else {
            Self::Id(OrderId(r.uint("order id")?))
        })
    }
}

/// Market and side of a mass cancellation: a flag byte (market present, side present, sell), then the market.
fn encode_scope(market: Option<MarketId>, side: Option<Side>, out: &mut Vec<u8>) {
    out.byte(
        u8::from(market.is_some()) | u8::from(side.is_some()) << 1 | u8::from(side == Some(Side::Sell)) << 2,
    );
    if let Some(market) = market {
        out.uint(market.0.into());
    }
}

fn decode_scope(r: &mut Reader<'_>) -> Result<(Option<MarketId>, Option<Side>), DecodeError> {
    let flags = r.byte("scope")?;
    let side = match flags >> 1 {
        0 => None,
        1 => Some(Side::Buy),
        3 => Some(Side::Sell),
        _ => return Err(DecodeError::UnknownTag { what: "scope", tag: flags }),
    };
    let market = if flags & 1 == 1 { Some(MarketId(r.u16("market")?)) } else { None };
    Ok((market, side))
}

impl OperatorCommand {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::ListAsset(params) => {
                out.byte(tag::LIST_ASSET);
                params.encode(out);
            }
            Self::CreateMarket(params) => {
                out.byte(tag::CREATE_MARKET);
                params.encode(out);
            }
            Self::ChangeMarket { market, params } => {
                out.byte(tag::CHANGE_MARKET);
                out.uint(market.0.into());
                params.encode(out);
            }
            Self::HaltMarket { market, until } => {
                out.byte(tag::HALT_MARKET);
                out.uint(market.0.into());
                out.uint(until.0);
            }
            Self::ResumeMarket { market } => {
                out.byte(tag::RESUME_MARKET);
                out.uint(market.0.into());
            }
            Self::SuspendAccount { account, suspended } => {
                out.byte(tag::SUSPEND_ACCOUNT);
                out.uint(account.0.into());
                out.byte((*suspended).into());
            }
            Self::SetLimits { account, market, limits } => {
                out.byte(tag::SET_LIMITS);
                out.uint(account.0.into());
                out.uint(market.0.into());
                out.byte(limits.is_some().into());
                if let Some(limits) = limits {
                    limits.encode(out);
                }
            }
            Self::MassCancel { account, market, side } => {
                out.byte(tag::OPERATOR_MASS_CANCEL);
                out.uint(account.0.into());
                encode_scope(*market, *side, out);
            }
            Self::HaltExchange { halted } => {
                out.byte(tag::HALT_EXCHANGE);
                out.byte((*halted).into());
            }
            Self::AdvanceTime => out.byte(tag::ADVANCE_TIME),
        }
    }

    fn decode(tag: u8, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match tag {
            tag::LIST_ASSET => Self::ListAsset(AssetParams::decode(r)?),
            tag::CREATE_MARKET => Self::CreateMarket(MarketParams::decode(r)?),
            tag::CHANGE_MARKET => {
                Self::ChangeMarket { market: MarketId(r.u16("market")?), params: MarketParams::decode(r)? }
            }
            tag::HALT_MARKET => {
                Self::HaltMarket { market: MarketId(r.u16("market")?), until: Timestamp(r.uint("halt end")?) }
            }
            tag::RESUME_MARKET => Self::ResumeMarket { market: MarketId(r.u16("market")?) },
            tag::SUSPEND_ACCOUNT => Self::SuspendAccount {
                account: AccountId(r.u32("account")?),
                suspended: r.bool("suspended")?,
            },
            tag::SET_LIMITS => Self::SetLimits {
                account: AccountId(r.u32("account")?),
                market: MarketId(r.u16("market")?),
                limits: if r.bool("limits")? { Some(Limits::decode(r)?) } else { None },
            },
            tag::OPERATOR_MASS_CANCEL => {
                let account = AccountId(r.u32("account")?);
                let (market, side) = decode_scope(r)?;
                Self::MassCancel { account, market, side }
            }
            tag::HALT_EXCHANGE => Self::HaltExchange { halted: r.bool("halted")? },
            tag::ADVANCE_TIME => Self::AdvanceTime,
            tag => return Err(DecodeError::UnknownTag { what: "command", tag }),
        })
    }
}
