//! Reading what traders ask for: which fields go with which order, and what they mean to the rules.

use std::sync::Arc;

use ::fix::{FieldError, Message, RejectReason};
use types::{
    AccountId, ClientOrderId, OrderId, OrderRef, OrderType, Place, Price, Quanta, Quantity, SelfTrade, Side,
    TimeInForce, Timestamp, Trigger, TriggerKind,
};

use super::tags;
use crate::client_ids;
use crate::view::{Market, Scale, View};

/// Characters of the ids that cancellations, replacements and status requests have.
const REQUEST_ID: usize = 64;

/// Why a request is not carried out, before anything was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// The message itself: answered with a Reject (35=3).
    Field(FieldError),
    /// What is asked for: answered with what rejects such a request, with a reason of its own (tag 102, 103 or 532).
    Refused(u8, String),
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        Self::Field(error)
    }
}

/// Reasons of tag 103 (OrdRejReason).
pub(super) mod order_reason {
    pub const BROKER: u8 = 0;
    pub const UNKNOWN_SYMBOL: u8 = 1;
    pub const EXCHANGE_CLOSED: u8 = 2;
    pub const EXCEEDS_LIMIT: u8 = 3;
    pub const UNKNOWN_ORDER: u8 = 5;
    pub const DUPLICATE: u8 = 6;
    pub const UNSUPPORTED: u8 = 11;
    pub const INCORRECT_QUANTITY: u8 = 13;
    pub const UNKNOWN_ACCOUNT: u8 = 15;
    pub const OTHER: u8 = 99;
}

/// A new order.
#[derive(Clone, Debug)]
pub(super) struct NewOrder {
    pub market: Arc<Market>,
    pub place: Place,
    pub cl_ord_id: String,
}

impl NewOrder {
    pub fn read(message: &Message, view: &View, account: AccountId) -> Result<Self, Problem> {
        let cl_ord_id = message.text(tags::CL_ORD_ID)?;
        if !client_ids::is_client_id(cl_ord_id) {
            let why = "ClOrdID must have 1 to 36 letters, digits or any of .:/_-";
            return Err(Problem::Refused(order_reason::OTHER, why.into()));
        }
        check_account(message, account)?;
        let market = market(message, view, order_reason::UNKNOWN_SYMBOL)?;
        let side = side(message)?.ok_or(missing(tags::SIDE))?;
        let terms = Terms::read(message, &market, side)?;
        let place = Place {
            market: market.id,
            side,
            order_type: terms.order_type,
            time_in_force: terms.time_in_force,
            post_only: post_only(message)?,
            self_trade: self_trade(message)?,
            trigger: terms.trigger,
            client_id: client_ids::number(cl_ord_id),
        };
        Ok(Self { market, place, cl_ord_id: cl_ord_id.to_owned() })
    }
}

/// Type, price, quantity and life of a new order.
struct Terms {
    order_type: OrderType,
    time_in_force: TimeInForce,
    trigger: Option<Trigger>,
}

impl Terms {
    fn read(message: &Message, market: &Market, side: Side) -> Result<Self, Problem> {
        let kind = message.text(tags::ORD_TYPE)?;
        let (limit, trigger) = match kind {
            "1" => (false, None),
            "2" => (true, None),
            "3" => (false, Some(TriggerKind::StopLoss)),
            "4" => (true, Some(TriggerKind::StopLoss)),
            // Market if touched.
            "J" => (false, Some(TriggerKind::TakeProfit)),
            _ => return Err(unsupported("OrdType must be 1, 2, 3, 4 or J")),
        };
        let trigger = match trigger {
            Some(kind) => Some(Trigger { kind, price: price(message, tags::STOP_PX, market)? }),
            None => absent(message, tags::STOP_PX, "StopPx goes with stop orders only").map(|()| None)?,
        };
        let quantity = units(message, tags::ORDER_QTY, market.quantity)?.map(Quantity);
        let budget = units(message, tags::CASH_ORDER_QTY, market.quote.scale)?.map(Quanta);
        let order_type = match (limit, quantity, budget) {
            (true, Some(quantity), None) => {
                OrderType::Limit { price: price(message, tags::PRICE, market)?, quantity }
            }
            (false, Some(quantity), None) => OrderType::Market { quantity },
            (false, None, Some(budget)) if side == Side::Buy => OrderType::MarketBudget { budget },
            (_, None, None) => return Err(missing(tags::ORDER_QTY).into()),
            _ => return Err(unsupported("CashOrderQty goes with market buys only, and instead of OrderQty")),
        };
        if !limit {
            absent(message, tags::PRICE, "Price goes with limit orders only")?;
        }
        let time_in_force = time_in_force(message, limit)?;
        Ok(Self { order_type, time_in_force, trigger })
    }
}

fn time_in_force(message: &Message, limit: bool) -> Result<TimeInForce, Problem> {
    let life = match message.optional_text(tags::TIME_IN_FORCE)? {
        // The standard says "day" here. Without days to end, it is until cancelled, and at once for market orders.
        None if limit => TimeInForce::Gtc,
        None => TimeInForce::Ioc,
        Some("1") => TimeInForce::Gtc,
        Some("3") => TimeInForce::Ioc,
        Some("4") => TimeInForce::Fok,
        Some("6") => TimeInForce::Gtd(Timestamp(message.time(tags::EXPIRE_TIME)?.0)),
        Some("0") => {
            return Err(unsupported("there are no trading days here: TimeInForce must be 1, 3, 4 or 6"));
        }
        Some(_) => return Err(unsupported("TimeInForce must be 1, 3, 4 or 6")),
    };
    if !matches!(life, TimeInForce::Gtd(_)) {
        absent(message, tags::EXPIRE_TIME, "ExpireTime goes with TimeInForce 6 only")?;
    }
    Ok(life)
}

/// A list of instructions, of which one is known: 6, "participate don't initiate".
fn post_only(message: &Message) -> Result<bool, Problem> {
    match message.optional_text(tags::EXEC_INST)? {
        None => Ok(false),
        Some(list) if list.split(' ').all(|instruction| instruction == "6") => Ok(true),
        Some(_) => Err(unsupported("ExecInst must be 6 (post only)")),
    }
}

fn self_trade(message: &Message) -> Result<SelfTrade, Problem> {
    Ok(match message.optional_text(tags::SELF_TRADE_PREVENTION_MODE)? {
        None => SelfTrade::default(),
        Some("2") => SelfTrade::ExpireTaker,
        Some("3") => SelfTrade::ExpireMaker,
        Some("4") => SelfTrade::ExpireBoth,
        Some("5") => SelfTrade::Decrement,
        Some(_) => return Err(unsupported("tag 25001 must be 2, 3, 4 or 5")),
    })
}

/// Which order a cancellation, replacement or status request means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// By OrderID (37).
    Id(OrderId),
    /// By its ClOrdID.
    Name(String),
}

impl Named {
    /// OrderID counts before the name in `name`.
    pub fn read(message: &Message, name: u32) -> Result<Self, FieldError> {
        match message.get(tags::ORDER_ID) {
            None | Some(b"NONE") => Ok(Self::Name(message.text(name)?.to_owned())),
            Some(_) => message.number(tags::ORDER_ID).map(|id| Self::Id(OrderId(id))),
        }
    }

    /// As the exchange's state knows it.
    pub fn reference(&self) -> OrderRef {
        match self {
            Self::Id(id) => OrderRef::Id(*id),
            Self::Name(name) => OrderRef::Client(number_of(name)),
        }
    }
}

fn number_of(name: &str) -> ClientOrderId {
    client_ids::number(name)
}

/// The id that a cancellation, replacement, mass cancellation or status request has itself.
pub(super) fn request_id(message: &Message, tag: u32) -> Result<&str, FieldError> {
    let id = message.text(tag)?;
    if id.len() > REQUEST_ID {
        return Err(FieldError { tag, reason: RejectReason::ValueIncorrect });
    }
    Ok(id)
}

/// What a replacement asks for: the price, and the quantity in all, what traded included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub price: Price,
    pub quantity: Quantity,
}

impl Change {
    pub fn read(message: &Message, market: &Market) -> Result<Self, Problem> {
        if message.optional_text(tags::ORD_TYPE)?.is_some_and(|kind| kind != "2") {
            return Err(Problem::Refused(2, "only limit orders (OrdType 2) can be replaced".into()));
        }
        let quantity = units(message, tags::ORDER_QTY, market.quantity)?.map(Quantity);
        let quantity = quantity.ok_or(missing(tags::ORDER_QTY))?;
        Ok(Self { price: price(message, tags::PRICE, market)?, quantity })
    }
}

/// Market and side of a mass cancellation.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub market: Option<Arc<Market>>,
    pub side: Option<Side>,
}

impl Scope {
    pub fn read(message: &Message, view: &View) -> Result<Self, Problem> {
        let market = match message.text(tags::MASS_CANCEL_REQUEST_TYPE)? {
            "1" => Some(market(message, view, 1)?),
            "7" => None,
            _ => return Err(Problem::Refused(0, "MassCancelRequestType must be 1 or 7".into())),
        };
        Ok(Self { market, side: side(message)? })
    }
}

/// The market of tag 55; `reason` is what a request that names another is refused with.
pub(super) fn market(message: &Message, view: &View, reason: u8) -> Result<Arc<Market>, Problem> {
    let symbol = message.text(tags::SYMBOL)?;
    view.market(symbol).ok_or_else(|| Problem::Refused(reason, format!("there is no market {symbol}")))
}

/// An account that is named must be the one that is logged on.
pub(super) fn check_account(message: &Message, account: AccountId) -> Result<(), Problem> {
    let named = message.optional_text(tags::ACCOUNT)?;
    if named.is_none_or(|named| named == account.to_string()) {
        return Ok(());
    }
    Err(Problem::Refused(
        order_reason::UNKNOWN_ACCOUNT,
        format!("the account that is logged on is {account}"),
    ))
}

fn side(message: &Message) -> Result<Option<Side>, FieldError> {
    match message.get(tags::SIDE) {
        None => Ok(None),
        Some(b"1") => Ok(Some(Side::Buy)),
        Some(b"2") => Ok(Some(Side::Sell)),
        Some(_) => Err(FieldError { tag: tags::SIDE, reason: RejectReason::ValueIncorrect }),
    }
}

fn price(message: &Message, tag: u32, market: &Market) -> Result<Price, Problem> {
    let ticks = units(message, tag, market.price)?.ok_or(missing(tag))?;
    u32::try_from(ticks)
        .map(Price)
        .map_err(|_| Problem::Refused(order_reason::OTHER, format!("tag {tag}: too large")))
}

/// A decimal as units of a scale.
fn units(message: &Message, tag: u32, scale: Scale) -> Result<Option<u64>, Problem> {
    use crate::view::DecimalError;
    let Some(text) = message.optional_text(tag)? else { return Ok(None) };
    let step = scale.format(1);
    match scale.parse(text) {
        Ok(units) => Ok(Some(units)),
        Err(DecimalError::Malformed) => {
            Err(FieldError { tag, reason: RejectReason::IncorrectDataFormat }.into())
        }
        Err(error) => {
            let reason =
                if tag == tags::ORDER_QTY { order_reason::INCORRECT_QUANTITY } else { order_reason::OTHER };
            Err(Problem::Refused(reason, format!("tag {tag}: {error}, the step is {step}")))
        }
    }
}

fn absent(message: &Message, tag: u32, why: &str) -> Result<(), Problem> {
    if message.get(tag).is_none() { Ok(()) } else { Err(unsupported(why)) }
}

fn missing(tag: u32) -> FieldError {
    FieldError { tag, reason: RejectReason::RequiredTagMissing }
}

fn unsupported(why: &str) -> Problem {
    Problem::Refused(order_reason::UNSUPPORTED, why.to_owned())
}
