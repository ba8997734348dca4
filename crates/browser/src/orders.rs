//! Commands from JSON, in the form in which [`crate::words`] writes them.

use serde_json::{Value, json};
use types::{
    AssetId, ClientOrderId, Command, MarketId, OrderId, OrderRef, OrderType, Place, Price, Quanta, Quantity,
    Reader, SelfTrade, SessionKey, Side, TimeInForce, Timestamp, Trigger, TriggerKind,
};

use crate::json::{bytes_of, hex, small, u64_of};
use crate::{Refused, words};

/// The canonical encoding.
pub(crate) fn encode(command: &[u8]) -> Result<Value, Refused> {
    let command = parse(&serde_json::from_slice(command).map_err(Refused::request)?)?;
    Ok(json!({ "command": hex(bytes(&command)) }))
}

/// The command that these bytes encode.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value, Refused> {
    let mut reader = Reader::new(bytes);
    let command = Command::decode(&mut reader).map_err(Refused::request)?;
    if reader.left() > 0 {
        return Err(Refused::request("there are bytes after the command"));
    }
    Ok(words::command(&command))
}

pub(crate) fn bytes(command: &Command) -> Vec<u8> {
    let mut bytes = Vec::new();
    command.encode(&mut bytes);
    bytes
}

/// What a trader may ask for.
pub(crate) fn parse(command: &Value) -> Result<Command, Refused> {
    let market = || small(command, "market").map(MarketId);
    Ok(match command["kind"].as_str().unwrap_or_default() {
        "place" => Command::Place(place(command)?),
        "cancel" => Command::Cancel { market: market()?, order: order_ref(&command["order"])? },
        "replace" => Command::Replace {
            market: market()?,
            order: order_ref(&command["order"])?,
            price: Price(small(command, "price")?),
            quantity: Quantity(u64_of(command, "quantity")?),
            left: match command["left"] {
                Value::Null => None,
                _ => Some(Quantity(u64_of(command, "left")?)),
            },
        },
        "massCancel" => Command::MassCancel {
            market: match command["market"] {
                Value::Null => None,
                _ => Some(market()?),
            },
            side: match command["side"] {
                Value::Null => None,
                _ => Some(side(command)?),
            },
        },
        "withdraw" => Command::Withdraw {
            asset: AssetId(small(command, "asset")?),
            amount: Quanta(u64_of(command, "amount")?),
        },
        "registerSession" => Command::RegisterSession {
            key: SessionKey(bytes_of(command, "key")?),
            expires: Timestamp(u64_of(command, "expires")?),
        },
        other => {
            return Err(Refused::request(format!("no command that a trader may send is called {other:?}")));
        }
    })
}

fn side(command: &Value) -> Result<Side, Refused> {
    match command["side"].as_str() {
        Some("buy") => Ok(Side::Buy),
        Some("sell") => Ok(Side::Sell),
        _ => Err(Refused::request("side is buy or sell")),
    }
}

fn order_ref(order: &Value) -> Result<OrderRef, Refused> {
    match order["clientId"] {
        Value::Null => u64_of(order, "id").map(|id| OrderRef::Id(OrderId(id))),
        _ => u64_of(order, "clientId").map(|id| OrderRef::Client(ClientOrderId(id))),
    }
}

fn place(order: &Value) -> Result<Place, Refused> {
    let quantity = || u64_of(order, "quantity").map(Quantity);
    let order_type = match order["type"].as_str() {
        Some("limit") => OrderType::Limit { price: Price(small(order, "price")?), quantity: quantity()? },
        Some("market") => OrderType::Market { quantity: quantity()? },
        Some("budget") => OrderType::MarketBudget { budget: Quanta(u64_of(order, "budget")?) },
        _ => return Err(Refused::request("type is limit, market or budget")),
    };
    let time_in_force = match order["timeInForce"].as_str() {
        Some("gtc") => TimeInForce::Gtc,
        Some("ioc") => TimeInForce::Ioc,
        Some("fok") => TimeInForce::Fok,
        Some("gtd") => TimeInForce::Gtd(Timestamp(u64_of(order, "expires")?)),
        _ => return Err(Refused::request("timeInForce is gtc, ioc, fok or gtd")),
    };
    let self_trade = match order["selfTrade"].as_str() {
        None | Some("expireTaker") => SelfTrade::ExpireTaker,
        Some("expireMaker") => SelfTrade::ExpireMaker,
        Some("expireBoth") => SelfTrade::ExpireBoth,
        Some("decrement") => SelfTrade::Decrement,
        _ => return Err(Refused::request("selfTrade is expireTaker, expireMaker, expireBoth or decrement")),
    };
    let trigger = match &order["trigger"] {
        Value::Null => None,
        trigger => Some(Trigger {
            kind: match trigger["kind"].as_str() {
                Some("stopLoss") => TriggerKind::StopLoss,
                Some("takeProfit") => TriggerKind::TakeProfit,
                _ => return Err(Refused::request("a trigger is a stopLoss or a takeProfit")),
            },
            price: Price(small(trigger, "price")?),
        }),
    };
    let client_id = match order["clientId"] {
        Value::Null => ClientOrderId::NONE,
        _ => ClientOrderId(u64_of(order, "clientId")?),
    };
    Ok(Place {
        market: MarketId(small(order, "market")?),
        side: side(order)?,
        order_type,
        time_in_force,
        post_only: order["postOnly"].as_bool().unwrap_or(false),
        self_trade,
        trigger,
        client_id,
    })
}
