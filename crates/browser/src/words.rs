//! Claims, commands, outcomes and events as JSON, with words where a page would have to make them up.

use serde_json::{Value, json};
use transition::{Claim, Crypto as _, Native};
use types::{
    CancelReason, Command, Event, OperatorCommand, OrderRef, OrderType, Origin, Outcome, Phase, PhaseCause,
    Place, Reject, SelfTrade, Sequenced, Side, TimeInForce, TriggerKind,
};

use crate::json::{hex, number};

/// A claim: its words by name, and a list of them with their meaning.
pub(crate) fn claim(claim: &Claim) -> Value {
    let zero = [0; 32];
    let count = claim.last_sequence.saturating_sub(claim.first_sequence).saturating_add(1);
    let words = [
        ("chain id", number(claim.chain_id), "the Ethereum chain that this exchange settles on".to_string()),
        ("exchange", hex(claim.exchange.0), "the exchange's contract there".to_string()),
        ("batch", number(claim.batch), "counts from one, without gaps".to_string()),
        (
            "first sequence",
            number(claim.first_sequence),
            "the batch's first command in the one order of all commands".to_string(),
        ),
        ("last sequence", number(claim.last_sequence), format!("its last command: {count} in all")),
        ("previous root", hex(claim.previous_root), "all balances, orders and markets before it".to_string()),
        ("state root", hex(claim.state_root), "all of them after it".to_string()),
        ("commands root", hex(claim.commands_root), "binds the commands that were published".to_string()),
        (
            "events root",
            hex(claim.events_root),
            "binds what each command did; a receipt is a path to it".to_string(),
        ),
        (
            "L1 position",
            number(claim.l1_position),
            "deposits and forced operations taken from Ethereum since the beginning".to_string(),
        ),
        ("L1 hash", hex(claim.l1_hash), "binds them, in their order; the contract compares it".to_string()),
        (
            "withdrawals root",
            hex(claim.withdrawals_root),
            match claim.withdrawals_root == zero {
                true => "no withdrawals in this batch",
                false => "binds the batch's withdrawals, which the contract pays",
            }
            .to_string(),
        ),
        ("timestamp", number(claim.timestamp.0), "time of the last command, µs since 1970".to_string()),
    ];
    let words: Vec<Value> = words
        .into_iter()
        .map(|(name, value, meaning)| json!({ "name": name, "value": value, "meaning": meaning }))
        .collect();
    json!({
        "encoded": hex(claim.encode()),
        // What the contract keeps of a committed batch.
        "digest": hex(Native::keccak256(&claim.encode())),
        "chainId": number(claim.chain_id),
        "exchange": hex(claim.exchange.0),
        "batch": number(claim.batch),
        "firstSequence": number(claim.first_sequence),
        "lastSequence": number(claim.last_sequence),
        "previousRoot": hex(claim.previous_root),
        "stateRoot": hex(claim.state_root),
        "commandsRoot": hex(claim.commands_root),
        "eventsRoot": hex(claim.events_root),
        "l1Position": number(claim.l1_position),
        "l1Hash": hex(claim.l1_hash),
        "withdrawalsRoot": hex(claim.withdrawals_root),
        "timestamp": number(claim.timestamp.0),
        "words": words,
    })
}

pub(crate) fn sequenced(sequenced: &Sequenced) -> Value {
    json!({
        "sequence": number(sequenced.sequence),
        "timestamp": number(sequenced.timestamp.0),
        "account": sequenced.account.0,
        "origin": origin(sequenced.origin),
        "command": command(&sequenced.command),
    })
}

pub(crate) fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Session => "session",
        Origin::Owner => "owner",
        Origin::L1(_) => "l1",
    }
}

/// What kind of command it is, in a word.
pub(crate) fn kind(command: &Command) -> &'static str {
    match command {
        Command::Place(_) => "place",
        Command::Cancel { .. } => "cancel",
        Command::Replace { .. } => "replace",
        Command::MassCancel { .. } => "massCancel",
        Command::Withdraw { .. } => "withdraw",
        Command::RegisterSession { .. } => "registerSession",
        Command::Deposit { .. } => "deposit",
        Command::Operator(_) => "operator",
    }
}

pub(crate) fn command(command: &Command) -> Value {
    let kind = kind(command);
    match command {
        Command::Place(order) => place(order),
        Command::Cancel { market, order } => {
            json!({ "kind": kind, "market": market.0, "order": order_ref(*order) })
        }
        Command::Replace { market, order, price, quantity, left } => json!({
            "kind": kind, "market": market.0, "order": order_ref(*order),
            "price": price.0, "quantity": number(quantity.0), "left": left.map(|left| number(left.0)),
        }),
        Command::MassCancel { market, side } => json!({
            "kind": kind, "market": market.map(|market| market.0), "side": side.map(side_name),
        }),
        Command::Withdraw { asset, amount } => {
            json!({ "kind": kind, "asset": asset.0, "amount": number(amount.0) })
        }
        Command::RegisterSession { key, expires } => {
            json!({ "kind": kind, "key": hex(key.0), "expires": number(expires.0) })
        }
        Command::Deposit { owner, asset, amount } => json!({
            "kind": kind, "owner": hex(owner.0), "asset": asset.0, "amount": number(amount.0),
        }),
        Command::Operator(act) => json!({ "kind": kind, "act": operator(act) }),
    }
}

fn operator(act: &OperatorCommand) -> &'static str {
    match act {
        OperatorCommand::ListAsset(_) => "list an asset",
        OperatorCommand::CreateMarket(_) => "create a market",
        OperatorCommand::ChangeMarket { .. } => "change a market",
        OperatorCommand::HaltMarket { .. } => "halt a market",
        OperatorCommand::ResumeMarket { .. } => "open a market",
        OperatorCommand::SuspendAccount { .. } => "suspend an account, or lift that",
        OperatorCommand::SetLimits { .. } => "set an account's limits",
        OperatorCommand::MassCancel { .. } => "cancel an account's orders",
        OperatorCommand::HaltExchange { .. } => "halt the exchange, or lift that",
        OperatorCommand::AdvanceTime => "let time pass",
    }
}

fn place(order: &Place) -> Value {
    let (kind, price, quantity, budget) = match order.order_type {
        OrderType::Limit { price, quantity } => ("limit", Some(price.0), Some(quantity.0), None),
        OrderType::Market { quantity } => ("market", None, Some(quantity.0), None),
        OrderType::MarketBudget { budget } => ("budget", None, None, Some(budget.0)),
    };
    let (life, expires) = match order.time_in_force {
        TimeInForce::Gtc => ("gtc", None),
        TimeInForce::Ioc => ("ioc", None),
        TimeInForce::Fok => ("fok", None),
        TimeInForce::Gtd(expires) => ("gtd", Some(expires.0)),
    };
    json!({
        "kind": "place",
        "market": order.market.0,
        "side": side_name(order.side),
        "type": kind,
        "price": price,
        "quantity": quantity.map(number),
        "budget": budget.map(number),
        "timeInForce": life,
        "expires": expires.map(number),
        "postOnly": order.post_only,
        "selfTrade": match order.self_trade {
            SelfTrade::ExpireTaker => "expireTaker",
            SelfTrade::ExpireMaker => "expireMaker",
            SelfTrade::ExpireBoth => "expireBoth",
            SelfTrade::Decrement => "decrement",
        },
        "trigger": order.trigger.map(|trigger| json!({
            "kind": match trigger.kind {
                TriggerKind::StopLoss => "stopLoss",
                TriggerKind::TakeProfit => "takeProfit",
            },
            "price": trigger.price.0,
        })),
        "clientId": number(order.client_id.0),
    })
}

fn order_ref(order: OrderRef) -> Value {
    match order {
        OrderRef::Id(id) => json!({ "id": number(id.0) }),
        OrderRef::Client(id) => json!({ "clientId": number(id.0) }),
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

pub(crate) fn outcome(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Done => json!({ "kind": "done" }),
        Outcome::Accepted(order) => json!({ "kind": "accepted", "order": number(order.0) }),
        Outcome::Rejected(reason) => reject(reason),
    }
}

fn reject(reason: Reject) -> Value {
    json!({ "kind": "rejected", "code": reason.code(), "reason": reason.sentence() })
}

pub(crate) fn event(event: &Event) -> Value {
    match *event {
        Event::Fill(fill) => json!({
            "kind": "fill", "market": fill.market.0, "takerSide": side_name(fill.taker_side),
            "maker": number(fill.maker.0), "taker": number(fill.taker.0),
            "makerAccount": fill.maker_account.0, "takerAccount": fill.taker_account.0,
            "price": fill.price.0, "quantity": number(fill.quantity.0),
            "makerFee": fill.maker_fee.to_string(), "takerFee": number(fill.taker_fee.0),
        }),
        Event::Rested { order, market, account, side, price, quantity } => json!({
            "kind": "rested", "order": number(order.0), "market": market.0, "account": account.0,
            "side": side_name(side), "price": price.0, "quantity": number(quantity.0),
        }),
        Event::Waiting { order, market, account, side, trigger } => json!({
            "kind": "waiting", "order": number(order.0), "market": market.0, "account": account.0,
            "side": side_name(side), "trigger": trigger.0,
        }),
        Event::Triggered { order, market, account } => json!({
            "kind": "triggered", "order": number(order.0), "market": market.0, "account": account.0,
        }),
        Event::Replaced { order, market, account, old_price, old_quantity, price, quantity, kept_place } => {
            json!({
                "kind": "replaced", "order": number(order.0), "market": market.0, "account": account.0,
                "oldPrice": old_price.0, "oldQuantity": number(old_quantity.0),
                "price": price.0, "quantity": number(quantity.0), "keptPlace": kept_place,
            })
        }
        Event::Cancelled { order, market, account, side, price, quantity, remaining, resting, reason } => {
            json!({
                "kind": "cancelled", "order": number(order.0), "market": market.0, "account": account.0,
                "side": side_name(side), "price": price.0, "quantity": number(quantity.0),
                "remaining": number(remaining.0), "resting": resting, "reason": cancel_reason(reason),
            })
        }
        Event::AccountOpened { account, owner } => {
            json!({ "kind": "accountOpened", "account": account.0, "owner": hex(owner.0) })
        }
        Event::Deposited { account, asset, amount } => json!({
            "kind": "deposited", "account": account.0, "asset": asset.0, "amount": number(amount.0),
        }),
        Event::Withdrawn { index, account, owner, asset, amount } => json!({
            "kind": "withdrawn", "index": number(index), "account": account.0, "owner": hex(owner.0),
            "asset": asset.0, "amount": number(amount.0),
        }),
        Event::SessionRegistered { account, key, expires } => json!({
            "kind": "sessionRegistered", "account": account.0, "key": hex(key.0), "expires": number(expires.0),
        }),
        Event::AssetListed { asset } => json!({ "kind": "assetListed", "asset": asset.0 }),
        Event::MarketCreated { market } => json!({ "kind": "marketCreated", "market": market.0 }),
        Event::MarketChanged { market } => json!({ "kind": "marketChanged", "market": market.0 }),
        Event::PhaseChanged { market, phase, cause } => json!({
            "kind": "phaseChanged", "market": market.0,
            "phase": match phase { Phase::Open => "open", Phase::Halted { .. } => "halted" },
            "cause": match cause {
                PhaseCause::Operator => "the operator",
                PhaseCause::Breaker => "the circuit breaker",
                PhaseCause::Time => "the end of a timed halt",
            },
        }),
        Event::AccountSuspended { account, suspended } => {
            json!({ "kind": "accountSuspended", "account": account.0, "suspended": suspended })
        }
        Event::LimitsSet { account, market } => {
            json!({ "kind": "limitsSet", "account": account.0, "market": market.0 })
        }
        Event::ExchangeHalted { halted } => json!({ "kind": "exchangeHalted", "halted": halted }),
    }
}

fn cancel_reason(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Requested => "the trader asked",
        CancelReason::Mass => "a mass cancellation",
        CancelReason::Expired => "its time came",
        CancelReason::Immediate => "immediate or cancel: this did not trade",
        CancelReason::SelfTrade => "self-trade prevention",
        CancelReason::Funds => "the balance or budget does not cover another lot",
        CancelReason::Collar => "the next price is beyond the collar",
        CancelReason::Halted => "the circuit breaker halted the market",
        CancelReason::TriggerRefused => "it was triggered, but the checks no longer pass",
    }
}
