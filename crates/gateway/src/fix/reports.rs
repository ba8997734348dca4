//! What traders are told: ExecutionReports, and what rejects their requests.

use ::fix::{Body, FieldError, Message, Utc, tags as session};
use types::{OrderType, Price, Reject, Side, TimeInForce, Timestamp, TriggerKind};

use super::requests::order_reason;
use super::tags::{self, kind};
use crate::view::{Execution, Market, Order, OrderStatus, Scale, Trade};

/// Digits of an average price beyond those of a price.
const AVERAGE_DIGITS: u32 = 6;

/// An order, and under what names it is told of.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub market: &'a Market,
    pub order: &'a Order,
    /// The trader's name for it, or for the request that is answered.
    pub cl_ord_id: &'a str,
    /// The name it had before, when a request is answered.
    pub orig_cl_ord_id: Option<&'a str>,
    /// The command that did it.
    pub sequence: u64,
    /// The command's batch, where it is known.
    pub batch: Option<u64>,
    pub time: Timestamp,
}

/// An ExecutionReport of what happened to an order.
pub(super) fn execution(facts: &Facts<'_>, execution: &Execution) -> Body {
    let id = format!("{}.{}", facts.sequence, facts.order.id);
    match execution {
        Execution::New => base(facts, '0', format!("{id}.N")),
        Execution::Trade(trade, is_maker) => trade_report(facts, trade, *is_maker),
        Execution::Replaced => base(facts, '5', format!("{id}.R")),
        Execution::Triggered => base(facts, 'L', format!("{id}.L")),
        // Partial decline of OrderQty.
        Execution::Prevented(_) => base(facts, 'D', format!("{id}.P"))
            .with(tags::EXEC_RESTATEMENT_REASON, 5)
            .with(session::TEXT, "self-trade prevention took some of the quantity out"),
        Execution::Canceled => base(facts, '4', format!("{id}.C")),
        Execution::Expired => {
            let reason = facts.order.reason.map(|reason| format!("{reason:?}"));
            base(facts, 'C', format!("{id}.E")).with_some(session::TEXT, reason)
        }
    }
}

fn trade_report(facts: &Facts<'_>, trade: &Trade, is_maker: bool) -> Body {
    let Facts { market, order, .. } = facts;
    let fee = if is_maker { trade.maker_fee.into() } else { i128::from(trade.taker_fee.0) };
    // The trade's number is of the market, and both sides have it.
    base(facts, 'F', format!("T{}.{}.{}", market.id, trade.id, order.id))
        .with(tags::SECONDARY_EXEC_ID, trade.id)
        .with(tags::LAST_QTY, market.quantity.format(trade.quantity.0.into()))
        .with(tags::LAST_PX, market.price.format(trade.price.0.into()))
        .with(tags::LAST_LIQUIDITY_IND, if is_maker { 1 } else { 2 })
        .with(tags::COMMISSION, market.quote.scale.format_signed(fee))
        .with(tags::COMM_TYPE, 3)
        .with(tags::COMM_CURRENCY, &market.quote.symbol)
}

/// An ExecutionReport of how an order is, for whoever asks.
pub(super) fn status(facts: &Facts<'_>, request: Option<&str>) -> Body {
    base(facts, 'I', format!("{}.{}.I", facts.order.updated_sequence, facts.order.id))
        .with_some(tags::ORD_STATUS_REQ_ID, request)
}

/// An ExecutionReport of how an order is, when the trades that made it so are not known any more.
pub(super) fn without_trades(facts: &Facts<'_>) -> Body {
    base(facts, 'I', format!("{}.{}.G", facts.sequence, facts.order.id))
        .with(session::TEXT, "some of CumQty traded without a report, and the trades are not kept any more")
}

/// A BusinessMessageReject that answers nothing: reports that there should be, and are not. `order` is the order's name.
pub(super) fn notice(order: Option<&str>, why: &str) -> Body {
    Body::new(session::kind::BUSINESS_MESSAGE_REJECT)
        .with(session::REF_MSG_TYPE, kind::EXECUTION_REPORT)
        .with_some(tags::BUSINESS_REJECT_REF_ID, order.filter(|order| !order.is_empty()))
        .with(tags::BUSINESS_REJECT_REASON, 0)
        .with(session::TEXT, why)
}

fn base(facts: &Facts<'_>, exec_type: char, exec_id: String) -> Body {
    let Facts { market, order, cl_ord_id, orig_cl_ord_id, sequence, batch, time } = facts;
    let lots = |lots: u64| market.quantity.format(lots.into());
    let price = |price: Price| market.price.format(price.0.into());
    let name = Some(*cl_ord_id).filter(|name| !name.is_empty());
    let (quantity, budget) = match order.terms.order_type {
        OrderType::MarketBudget { budget } => (None, Some(market.quote.scale.format(budget.0.into()))),
        _ => (Some(lots(order.quantity.0)), None),
    };
    let limit = matches!(order.terms.order_type, OrderType::Limit { .. }).then(|| price(order.price));
    let expires = match order.terms.time_in_force {
        TimeInForce::Gtd(time) => Some(Utc(time.0)),
        _ => None,
    };
    Body::new(kind::EXECUTION_REPORT)
        .with(tags::ORDER_ID, order.id)
        .with_some(tags::CL_ORD_ID, name)
        .with_some(tags::ORIG_CL_ORD_ID, *orig_cl_ord_id)
        .with(tags::EXEC_ID, exec_id)
        .with(tags::EXEC_TYPE, exec_type)
        .with(tags::ORD_STATUS, ord_status(order.status))
        .with(tags::ACCOUNT, order.account)
        .with(tags::SYMBOL, &market.symbol)
        .with(tags::SIDE, side(order.side))
        .with_some(tags::ORDER_QTY, quantity)
        .with_some(tags::CASH_ORDER_QTY, budget)
        .with(tags::ORD_TYPE, ord_type(order))
        .with_some(tags::PRICE, limit)
        .with_some(tags::STOP_PX, order.terms.trigger.map(|trigger| price(trigger.price)))
        .with(tags::TIME_IN_FORCE, time_in_force(order.terms.time_in_force))
        .with_some(tags::EXPIRE_TIME, expires)
        .with_some(tags::EXEC_INST, order.terms.post_only.then_some('6'))
        .with(tags::LEAVES_QTY, lots(leaves(order)))
        .with(tags::CUM_QTY, lots(order.executed.0))
        .with(tags::AVG_PX, average(market, order))
        .with(tags::TRANSACT_TIME, Utc(time.0))
        .with(tags::TOTAL_FEES, market.quote.scale.format_signed(order.fees))
        .with(tags::SEQUENCE, sequence)
        .with_some(tags::BATCH, *batch)
}

/// An ExecutionReport that an order was not taken.
pub(super) fn rejected(message: &Message, (reason, why): (u8, &str), done: Option<Refusal>) -> Body {
    let mut body = Body::new(kind::EXECUTION_REPORT).with(tags::ORDER_ID, "NONE");
    let id = done.map_or_else(|| "NONE".to_owned(), |done| format!("{}.X", done.sequence));
    echo(&mut body, message, &[tags::CL_ORD_ID]);
    body.push(tags::EXEC_ID, id);
    body.push(tags::EXEC_TYPE, '8');
    body.push(tags::ORD_STATUS, '8');
    echo(
        &mut body,
        message,
        &[
            tags::SYMBOL,
            tags::SIDE,
            tags::ORDER_QTY,
            tags::CASH_ORDER_QTY,
            tags::ORD_TYPE,
            tags::PRICE,
            tags::STOP_PX,
            tags::TIME_IN_FORCE,
        ],
    );
    let body = body
        .with(tags::ORD_REJ_REASON, reason)
        .with(session::TEXT, why)
        .with(tags::LEAVES_QTY, 0)
        .with(tags::CUM_QTY, 0)
        .with(tags::AVG_PX, 0);
    stamp(body, done)
}

/// A command that the exchange took, and rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub sequence: u64,
    pub batch: u64,
    pub reject: Option<Reject>,
}

fn stamp(body: Body, done: Option<Refusal>) -> Body {
    body.with(tags::TRANSACT_TIME, Utc::now())
        .with_some(tags::REJECT_CODE, done.and_then(|done| done.reject).map(Reject::code))
        .with_some(tags::SEQUENCE, done.map(|done| done.sequence))
        .with_some(tags::BATCH, done.map(|done| done.batch))
}

/// An OrderCancelReject: of a cancellation, or of a replacement.
pub(super) fn cancel_reject(
    message: &Message,
    order: Option<&Order>,
    (reason, why): (u8, &str),
    done: Option<Refusal>,
) -> Body {
    let replaces = message.kind() == kind::ORDER_CANCEL_REPLACE_REQUEST;
    let id = order.map_or_else(|| "NONE".to_owned(), |order| order.id.to_string());
    let mut body = Body::new(kind::ORDER_CANCEL_REJECT).with(tags::ORDER_ID, id);
    echo(&mut body, message, &[tags::CL_ORD_ID, tags::ORIG_CL_ORD_ID]);
    let body = body
        .with(tags::ORD_STATUS, order.map_or('8', |order| ord_status(order.status)))
        .with(tags::CXL_REJ_RESPONSE_TO, if replaces { 2 } else { 1 })
        .with(tags::CXL_REJ_REASON, reason)
        .with(session::TEXT, why);
    stamp(body, done)
}

/// An OrderMassCancelReport.
pub(super) fn mass_cancel(
    message: &Message,
    result: Result<Option<usize>, (u8, &str)>,
    done: Option<Refusal>,
) -> Body {
    let id = done.map_or_else(|| "NONE".to_owned(), |done| done.sequence.to_string());
    let mut body = Body::new(kind::ORDER_MASS_CANCEL_REPORT).with(tags::ORDER_ID, id);
    echo(&mut body, message, &[tags::CL_ORD_ID, tags::MASS_CANCEL_REQUEST_TYPE, tags::SYMBOL, tags::SIDE]);
    let requested = message.text(tags::MASS_CANCEL_REQUEST_TYPE).unwrap_or("7");
    let body = match result {
        Ok(count) => {
            body.with(tags::MASS_CANCEL_RESPONSE, requested).with_some(tags::TOTAL_AFFECTED_ORDERS, count)
        }
        Err((reason, why)) => body
            .with(tags::MASS_CANCEL_RESPONSE, 0)
            .with(tags::MASS_CANCEL_REJECT_REASON, reason)
            .with(session::TEXT, why),
    };
    stamp(body, done)
}

/// An answer to a status request for an order that there is not.
pub(super) fn unknown_order(message: &Message, why: &str) -> Body {
    let mut body = Body::new(kind::EXECUTION_REPORT).with(tags::ORDER_ID, "NONE");
    echo(&mut body, message, &[tags::CL_ORD_ID, tags::SYMBOL, tags::SIDE, tags::ORD_STATUS_REQ_ID]);
    body.with(tags::EXEC_ID, "NONE")
        .with(tags::EXEC_TYPE, 'I')
        .with(tags::ORD_STATUS, '8')
        .with(tags::ORD_REJ_REASON, order_reason::UNKNOWN_ORDER)
        .with(session::TEXT, why)
        .with(tags::LEAVES_QTY, 0)
        .with(tags::CUM_QTY, 0)
        .with(tags::AVG_PX, 0)
}

/// A BusinessMessageReject; `reason` is tag 380.
pub(super) fn business_reject(message: &Message, reason: u8, why: &str) -> Body {
    let reference = message.optional_text(tags::CL_ORD_ID).ok().flatten();
    Body::new(session::kind::BUSINESS_MESSAGE_REJECT)
        .with(session::REF_SEQ_NUM, message.number(session::MSG_SEQ_NUM).unwrap_or(0))
        .with(session::REF_MSG_TYPE, message.kind())
        .with_some(tags::BUSINESS_REJECT_REF_ID, reference)
        .with(tags::BUSINESS_REJECT_REASON, reason)
        .with(session::TEXT, why)
}

/// A Reject: a field is missing or wrong.
pub(super) fn field_reject(message: &Message, error: FieldError) -> Body {
    Body::new(session::kind::REJECT)
        .with(session::REF_SEQ_NUM, message.number(session::MSG_SEQ_NUM).unwrap_or(0))
        .with(session::REF_TAG_ID, error.tag)
        .with(session::REF_MSG_TYPE, message.kind())
        .with(session::SESSION_REJECT_REASON, error.reason as u8)
        .with(session::TEXT, error.reason.sentence())
}

/// OrdRejReason for a reject of the rules.
pub(super) fn order_reason_of(reject: Reject) -> u8 {
    match reject {
        Reject::UnknownMarket => order_reason::UNKNOWN_SYMBOL,
        Reject::ExchangeHalted | Reject::MarketHalted => order_reason::EXCHANGE_CLOSED,
        Reject::InsufficientBalance
        | Reject::QuantityLimit
        | Reject::NotionalLimit
        | Reject::OpenOrderLimit
        | Reject::PositionLimit
        | Reject::PriceCollar => order_reason::EXCEEDS_LIMIT,
        Reject::UnknownOrder => order_reason::UNKNOWN_ORDER,
        Reject::DuplicateClientOrderId => order_reason::DUPLICATE,
        Reject::ZeroQuantity => order_reason::INCORRECT_QUANTITY,
        Reject::BadTimeInForce
        | Reject::PostOnlyNotAllowed
        | Reject::BudgetNotAllowed
        | Reject::BudgetRequired => order_reason::UNSUPPORTED,
        _ => order_reason::OTHER,
    }
}

/// What is left of an order's quantity.
fn leaves(order: &Order) -> u64 {
    match order.status {
        OrderStatus::New | OrderStatus::PartiallyFilled => {
            order.quantity.0.saturating_sub(order.executed.0).saturating_sub(order.prevented.0)
        }
        _ => 0,
    }
}

/// What a whole unit of base cost on average.
fn average(market: &Market, order: &Order) -> String {
    let worth = u128::from(order.executed.0) * u128::from(market.params.tick);
    if worth == 0 {
        return "0".into();
    }
    let fine = order.executed_notional * u128::from(market.price.step) * 10_u128.pow(AVERAGE_DIGITS) / worth;
    let text = Scale { step: 1, decimals: market.price.decimals + AVERAGE_DIGITS }.format(fine);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn echo(body: &mut Body, message: &Message, list: &[u32]) {
    for tag in list {
        if let Ok(Some(value)) = message.optional_text(*tag) {
            body.push(*tag, value);
        }
    }
}

pub(super) fn side(side: Side) -> char {
    match side {
        Side::Buy => '1',
        Side::Sell => '2',
    }
}

fn ord_status(status: OrderStatus) -> char {
    match status {
        OrderStatus::New => '0',
        OrderStatus::PartiallyFilled => '1',
        OrderStatus::Filled => '2',
        OrderStatus::Canceled => '4',
        OrderStatus::Expired | OrderStatus::ExpiredInMatch => 'C',
    }
}

fn ord_type(order: &Order) -> char {
    let limit = matches!(order.terms.order_type, OrderType::Limit { .. });
    match order.terms.trigger.map(|trigger| trigger.kind) {
        None if limit => '2',
        None => '1',
        Some(TriggerKind::StopLoss) if limit => '4',
        Some(TriggerKind::StopLoss) => '3',
        // There is none for "limit if touched"; the price says that it is one.
        Some(TriggerKind::TakeProfit) => 'J',
    }
}

fn time_in_force(life: TimeInForce) -> char {
    match life {
        TimeInForce::Gtc => '1',
        TimeInForce::Ioc => '3',
        TimeInForce::Fok => '4',
        TimeInForce::Gtd(_) => '6',
    }
}
