//! Placing, testing, asking for, cancelling, replacing and amending orders.

use std::str::FromStr;

use exchange::Acknowledgement;
use serde::Serialize;
use serde_json::value::RawValue;
use types::{Command, OrderId, OrderRef, Outcome, Quantity, Reject};

use super::account::Commissions;
use super::calls::{Answer, Asked};
use super::failure::Failure;
use super::new_order::{NewOrder, Response};
use super::order_shapes::{Cancelled, Placed, Queried};
use super::params::all_markets;
use crate::client_ids;
use crate::limits::OrderCounts;
use crate::view::{Market, Order, OrderStatus, Range};

pub(super) async fn place(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let order = NewOrder::read(asked.params, &asked.gateway.view)?;
    let counts = count(asked)?;
    let acknowledgement =
        asked.gateway.desk.place(asked.caller()?.account, vec![command(asked, &order)?]).await?;
    let placed = placed(asked, &order, &acknowledgement, 0)?;
    Ok(Answer { orders: Some(counts), ..Answer::of(&placed)? })
}

fn count(asked: &Asked<'_>) -> Result<OrderCounts, Failure> {
    let taken = asked.gateway.limiter.take_orders(asked.caller()?.account, 1, asked.now);
    taken.map_err(|refusal| Failure::refused(refusal, asked.now))
}

/// The command that places an order; what the caller calls it is remembered.
fn command(asked: &Asked<'_>, order: &NewOrder) -> Result<Command, Failure> {
    if let Some(text) = &order.client_id {
        asked.gateway.client_ids.remember(asked.caller()?.account, text);
    }
    Ok(Command::Place(order.place))
}

/// The answer to the submission's command at `place`, an order.
fn placed(
    asked: &Asked<'_>,
    order: &NewOrder,
    acknowledgement: &Acknowledgement,
    place: usize,
) -> Result<Placed, Failure> {
    let account = asked.caller()?.account;
    let id = match acknowledgement.outcomes.get(place) {
        Some(Outcome::Accepted(id)) => *id,
        Some(Outcome::Rejected(reject)) => return Err(Failure::order_rejected(*reject)),
        Some(Outcome::Done) | None => return Err(unknown()),
    };
    let view = &asked.gateway.view;
    let sequence = acknowledgement.first_sequence + place as u64;
    let known = view.order_by_id(id).ok_or_else(unknown)?;
    let range = Range { limit: 1_000, ..Range::default() };
    let mut fills = match order.response {
        Response::Ack => Vec::new(),
        _ => view.account_trades(account, order.market.id, Some(id), range),
    };
    // What traded later, while it rested, is not of this answer.
    fills.retain(|trade| trade.sequence == sequence);
    let client_id = order.client_id.clone().unwrap_or_else(|| order.number().to_string());
    let known = as_placed(known, sequence, &fills);
    Ok(Placed::new(&order.market, &known, client_id, acknowledgement.timestamp, order.response, &fills))
}

/// The order as the command that placed it left it, though it may have traded again by now.
fn as_placed(order: Order, sequence: u64, fills: &[crate::view::Trade]) -> Order {
    if order.updated_sequence == sequence {
        return order;
    }
    let executed = fills.iter().map(|trade| trade.quantity.0).sum();
    let status = if executed == 0 { OrderStatus::New } else { OrderStatus::PartiallyFilled };
    let executed_notional = fills.iter().map(|trade| trade.notional).sum();
    Order { executed: Quantity(executed), executed_notional, status, ..order }
}

/// It is durable, but the view does not show it in time.
fn unknown() -> Failure {
    Failure::new(
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    )
}

/// Checks what can be said of an order by itself: neither funds nor the last price are looked at.
pub(super) fn test(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let order = NewOrder::read(asked.params, &asked.gateway.view)?;
    // Limits of the account's own hold instead of the market's; those are for the rules to say.
    let account = asked.gateway.view.account(asked.caller()?.account);
    let has_own = account.is_none_or(|account| account.state.custom_limits != 0);
    order.check(!has_own).map_err(Failure::order_rejected)?;
    if asked.params.boolean("computeCommissionRates")? == Some(true) {
        return Answer::of(&Commissions::of_order(&order.market));
    }
    Answer::of(&serde_json::json!({}))
}

/// Whether an order that is meant by its number has the client order id that is sent, too, if one is.
fn is_called_so(asked: &Asked<'_>, market: &Market, order: OrderRef, name: &str) -> Result<bool, Failure> {
    let (OrderRef::Id(_), Some(text)) = (order, asked.params.client_id(name)?) else { return Ok(true) };
    let known = asked.gateway.view.order(asked.caller()?.account, market.id, order);
    Ok(known.is_some_and(|known| known.client_id == client_ids::number(text)))
}

pub(super) fn query(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let market = asked.params.market(&asked.gateway.view)?;
    let order = asked.params.order("orderId", "origClientOrderId")?;
    if !is_called_so(asked, &market, order, "origClientOrderId")? {
        return Err(Failure::no_such_order());
    }
    let found = asked.gateway.view.order(asked.caller()?.account, market.id, order);
    let found = found.ok_or_else(Failure::no_such_order)?;
    Answer::of(&Queried::new(&market, &found, &asked.gateway.client_ids))
}

pub(super) fn open(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let view = &asked.gateway.view;
    let market = asked.params.optional_market(view)?;
    let orders = view.open_orders(asked.caller()?.account, market.map(|market| market.id));
    show_all(asked, &orders)
}

pub(super) fn all(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let market = asked.params.market(&asked.gateway.view)?;
    let range = asked.params.range(Some("orderId"), 500, 1_000)?;
    let orders = asked.gateway.view.orders(asked.caller()?.account, market.id, range);
    show_all(asked, &orders)
}

fn show_all(asked: &Asked<'_>, orders: &[Order]) -> Result<Answer, Failure> {
    let markets = all_markets(&asked.gateway.view);
    let shown = orders.iter().filter_map(|order| {
        let market = markets.get(&order.market)?;
        Some(Queried::new(market, order, &asked.gateway.client_ids))
    });
    Answer::of(&shown.collect::<Vec<_>>())
}

pub(super) async fn cancel(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let market = asked.params.market(&asked.gateway.view)?;
    let order = asked.params.order("orderId", "origClientOrderId")?;
    let restriction = asked.params.choice("cancelRestrictions", -1145, "Invalid cancelRestrictions")?;
    let command = cancellation(asked, &market, order, "origClientOrderId", restriction)?;
    let acknowledgement = asked.gateway.desk.place(asked.caller()?.account, vec![command]).await?;
    Answer::of(&cancelled(asked, &market, order, &acknowledgement)?)
}

/// Which orders are cancelled only.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Restriction {
    New,
    PartiallyFilled,
}

impl FromStr for Restriction {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "ONLY_NEW" => Ok(Self::New),
            "ONLY_PARTIALLY_FILLED" => Ok(Self::PartiallyFilled),
            _ => Err(()),
        }
    }
}

fn cancellation(
    asked: &Asked<'_>,
    market: &Market,
    order: OrderRef,
    name: &str,
    restriction: Option<Restriction>,
) -> Result<Command, Failure> {
    if !is_called_so(asked, market, order, name)? {
        return Err(Failure::cancel_rejected(Reject::UnknownOrder));
    }
    if let Some(restriction) = restriction {
        let known = asked.gateway.view.order(asked.caller()?.account, market.id, order);
        let fits = match known.map(|order| order.status) {
            Some(OrderStatus::New) => restriction == Restriction::New,
            Some(OrderStatus::PartiallyFilled) => restriction == Restriction::PartiallyFilled,
            // The exchange says what is wrong.
            _ => true,
        };
        if !fits {
            return Err(Failure::new(-2011, "Order was not canceled due to cancel restrictions."));
        }
    }
    Ok(Command::Cancel { market: market.id, order })
}

/// The answer to the submission's first command, a cancellation.
fn cancelled(
    asked: &Asked<'_>,
    market: &Market,
    order: OrderRef,
    acknowledgement: &Acknowledgement,
) -> Result<Cancelled, Failure> {
    if let Some(Outcome::Rejected(reject)) = acknowledgement.outcomes.first() {
        return Err(Failure::cancel_rejected(*reject));
    }
    // Its name may be another order's by now: that of the one that replaces it, say.
    let (account, sequence) = (asked.caller()?.account, acknowledgement.first_sequence);
    let known = asked.gateway.view.order_ended_by(account, market.id, order, sequence).ok_or_else(unknown)?;
    let ids = &asked.gateway.client_ids;
    let cancel_id = cancel_id(asked)?;
    Ok(Cancelled::new(market, &known, ids, cancel_id, acknowledgement.timestamp))
}

/// What the caller calls the cancellation.
fn cancel_id<'a>(asked: &Asked<'a>) -> Result<Option<&'a str>, Failure> {
    let name = if asked.params.has("cancelNewClientOrderId") {
        "cancelNewClientOrderId"
    } else {
        "newClientOrderId"
    };
    // In a replacement, `newClientOrderId` is the new order's.
    if name == "newClientOrderId" && asked.params.has("cancelReplaceMode") {
        return Ok(None);
    }
    asked.params.client_id(name)
}

pub(super) async fn cancel_all(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let view = &asked.gateway.view;
    let market = asked.params.market(view)?;
    let account = asked.caller()?.account;
    let before = view.open_orders(account, Some(market.id));
    if before.is_empty() {
        return Err(Failure::cancel_rejected(Reject::UnknownOrder));
    }
    let command = Command::MassCancel { market: Some(market.id), side: None };
    let acknowledgement = asked.gateway.desk.place(account, vec![command]).await?;
    if let Some(Outcome::Rejected(reject)) = acknowledgement.outcomes.first() {
        return Err(Failure::cancel_rejected(*reject));
    }
    let ids = &asked.gateway.client_ids;
    let ended = before.iter().filter_map(|order| view.order_by_id(order.id));
    let shown = ended
        .filter(|order| order.status == OrderStatus::Canceled)
        .map(|order| Cancelled::new(&market, &order, ids, None, acknowledgement.timestamp));
    Answer::of(&shown.collect::<Vec<_>>())
}

/// What becomes of the new order when the old one cannot be cancelled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    StopOnFailure,
    AllowFailure,
}

impl FromStr for Mode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "STOP_ON_FAILURE" => Ok(Self::StopOnFailure),
            "ALLOW_FAILURE" => Ok(Self::AllowFailure),
            _ => Err(()),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replaced {
    cancel_result: &'static str,
    new_order_result: &'static str,
    cancel_response: Box<RawValue>,
    new_order_response: Option<Box<RawValue>>,
}

/// With `ALLOW_FAILURE` both go to the exchange in one submission, nothing in between. With `STOP_ON_FAILURE` the new order
/// follows once the cancellation is known, for a submission cannot depend on itself.
pub(super) async fn cancel_replace(asked: &Asked<'_>) -> Result<Answer, Failure> {
    asked.params.required("cancelReplaceMode")?;
    let invalid = "Data sent for parameter 'cancelReplaceMode' is not valid.";
    let mode = asked.params.choice("cancelReplaceMode", -1130, invalid)?;
    let mode: Mode = mode.ok_or_else(|| Failure::missing("cancelReplaceMode"))?;
    let new = NewOrder::read(asked.params, &asked.gateway.view)?;
    let old = asked.params.order("cancelOrderId", "cancelOrigClientOrderId")?;
    let restriction = asked.params.choice("cancelRestrictions", -1145, "Invalid cancelRestrictions")?;
    let account = asked.caller()?.account;
    let desk = &asked.gateway.desk;
    let market = &new.market;
    let cancellation = cancellation(asked, market, old, "cancelOrigClientOrderId", restriction);
    let counts = count(asked)?;
    let (cancel, place) = match (mode, cancellation) {
        (Mode::AllowFailure, Ok(cancellation)) => {
            let together = desk.place(account, vec![cancellation, command(asked, &new)?]).await?;
            (cancelled(asked, market, old, &together), Some(placed(asked, &new, &together, 1)))
        }
        (Mode::StopOnFailure, Ok(cancellation)) => {
            let first = desk.place(account, vec![cancellation]).await?;
            match cancelled(asked, market, old, &first) {
                Err(failure) => (Err(failure), None),
                Ok(cancelled) => {
                    let second = desk.place(account, vec![command(asked, &new)?]).await;
                    let placed = match second {
                        Ok(second) => placed(asked, &new, &second, 0),
                        Err(error) => Err(error.into()),
                    };
                    (Ok(cancelled), Some(placed))
                }
            }
        }
        (Mode::AllowFailure, Err(failure)) => {
            let alone = desk.place(account, vec![command(asked, &new)?]).await?;
            (Err(failure), Some(placed(asked, &new, &alone, 0)))
        }
        (Mode::StopOnFailure, Err(failure)) => (Err(failure), None),
    };
    let both = cancel.is_ok() && place.as_ref().is_some_and(Result::is_ok);
    let partly = cancel.is_ok() || place.as_ref().is_some_and(Result::is_ok);
    let result = Replaced {
        cancel_result: if cancel.is_ok() { "SUCCESS" } else { "FAILURE" },
        new_order_result: match &place {
            None => "NOT_ATTEMPTED",
            Some(Ok(_)) => "SUCCESS",
            Some(Err(_)) => "FAILURE",
        },
        cancel_response: response(cancel)?,
        new_order_response: place.map(response).transpose()?,
    };
    let answer = Answer { orders: Some(counts), ..Answer::of(&result)? };
    if both {
        return Ok(answer);
    }
    let failure = if partly {
        let conflict = axum::http::StatusCode::CONFLICT;
        Failure { status: conflict, ..Failure::new(-2021, "Order cancel-replace partially failed.") }
    } else {
        Failure::new(-2022, "Order cancel-replace failed.")
    };
    Err(Failure { data: Some(answer.json), ..failure })
}

fn response<T: Serialize>(result: Result<T, Failure>) -> Result<Box<RawValue>, Failure> {
    let json = match result {
        Ok(value) => Answer::of(&value)?.json,
        Err(failure) => failure.body(),
    };
    RawValue::from_string(json).map_err(|_| unknown())
}

/// Takes quantity from an order without losing its place.
pub(super) async fn amend(asked: &Asked<'_>) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Amended {
        transact_time: u64,
        execution_id: u64,
        amended_order: Queried,
    }
    let view = &asked.gateway.view;
    let market = asked.params.market(view)?;
    let reference = asked.params.order("orderId", "origClientOrderId")?;
    asked.params.required("newQty")?;
    let wanted = asked.params.units("newQty", market.quantity, market.base.scale, "LOT_SIZE")?.unwrap_or(0);
    let account = asked.caller()?.account;
    let _turn = asked.gateway.desk.turn_to_amend(account).await;
    let order = view.order(account, market.id, reference).ok_or_else(Failure::no_such_order)?;
    if !is_called_so(asked, &market, reference, "origClientOrderId")? {
        return Err(Failure::no_such_order());
    }
    if !matches!(order.status, OrderStatus::New | OrderStatus::PartiallyFilled) || order.waiting {
        return Err(Failure::amend_rejected(Reject::UnknownOrder));
    }
    // What is left afterwards; never more than now, or the order would lose its place. What trades until the command is executed,
    // the rules take off.
    let gone = order.executed.0 + order.prevented.0;
    let left = wanted.checked_sub(gone).filter(|left| *left > 0 && wanted < order.quantity.0);
    let quantity = left.ok_or_else(|| {
        Failure::new(-2038, "The new quantity must be less than the order's and more than what has traded.")
    })?;
    let command = Command::Replace {
        market: market.id,
        order: OrderRef::Id(OrderId(order.id.0)),
        price: order.price,
        quantity: Quantity(quantity),
        left: Some(Quantity(order.quantity.0.saturating_sub(gone))),
    };
    let acknowledgement = asked.gateway.desk.place(account, vec![command]).await?;
    if let Some(Outcome::Rejected(reject)) = acknowledgement.outcomes.first() {
        return Err(Failure::amend_rejected(*reject));
    }
    let now = view.order_by_id(order.id).ok_or_else(unknown)?;
    Answer::of(&Amended {
        transact_time: super::market_data::millis(acknowledgement.timestamp),
        execution_id: acknowledgement.first_sequence,
        amended_order: Queried::new(&market, &now, &asked.gateway.client_ids),
    })
}
