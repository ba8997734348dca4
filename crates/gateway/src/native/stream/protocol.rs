//! Messages of the stream, as JSON.

use rules::Balance;
use serde::{Deserialize, Serialize};
use types::{AccountId, AssetId, MarketId, Price, Quantity};
use utoipa::ToSchema;

use crate::native::answers::{AcknowledgementBody, OrderBody};
use crate::native::batch_answers::TransitionBody;
use crate::native::error::ErrorBody;
use crate::native::results::{EventBody, OutcomeBody, SideBody};
use crate::native::submissions::StreamsRequest;
use crate::view::{Execution, Order, Trade, Update};

/// What a client asks for. The answer has the same `id`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// The client's number for it.
    pub id: u64,
    /// What, with its `params`.
    #[serde(flatten)]
    pub method: Method,
}

/// What a client can ask for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "method", content = "params", rename_all = "camelCase")]
pub(crate) enum Method {
    /// Follow a channel.
    Subscribe(ChannelParams),
    /// Follow it no more.
    Unsubscribe(ChannelParams),
    /// Say whose executions may be followed.
    Authenticate(AuthenticateParams),
    /// Hand in stream-signed commands: as `POST /streams`.
    Submit(StreamsRequest),
    /// Nothing but an answer.
    Ping,
}

/// A channel.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(tag = "channel", rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum ChannelParams {
    /// What happens to an account's orders and balances; after `authenticate`.
    Executions {
        /// The account's number.
        account: u32,
    },
    /// Transitions of batches.
    // With braces, so that other fields are refused: serde passes over those of a variant without.
    Batches {},
    /// Trades of a market.
    Trades {
        /// The market's name.
        market: String,
    },
    /// The book of a market: a snapshot, then changes.
    Depth {
        /// The market's name.
        market: String,
    },
    /// Every durable command, in order.
    Commands {},
}

/// Who says so: an API key's signature over `apiKey=…&timestamp=…`, or the session key's over the login digest (the book:
/// Native API).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum AuthenticateParams {
    /// By an API key of any role.
    #[serde(rename_all = "camelCase")]
    ApiKey {
        /// The key.
        api_key: String,
        /// Milliseconds since 1970.
        timestamp: u64,
        /// In hex for HMAC, in base64 for Ed25519.
        signature: String,
    },
    /// By the account's session key.
    Session {
        /// The account's number.
        account: u32,
        /// Milliseconds since 1970.
        timestamp: u64,
        /// Ed25519, 64 bytes as hexadecimal digits.
        signature: String,
    },
}

/// The answer to a request.
#[derive(Serialize, ToSchema)]
pub(crate) struct Response {
    /// The request's number; none where it could not be read.
    pub id: Option<u64>,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ResultBody>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// What a request was answered with.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ResultBody {
    /// Of `submit`.
    Acknowledgement(AcknowledgementBody),
    /// Of `authenticate`.
    Authenticated {
        /// Whose executions may be followed.
        account: u32,
    },
    /// Of `subscribe`, `unsubscribe` and `ping`.
    Done {
        /// The last command that is shown.
        sequence: u64,
    },
}

/// What is followed, inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Channel {
    Executions(AccountId),
    Batches,
    Trades(MarketId),
    Depth(MarketId),
    Commands,
}

/// What is told of a channel.
#[derive(Serialize, ToSchema)]
#[serde(tag = "channel", rename_all = "camelCase")]
pub(crate) enum Told<'a> {
    /// What a command did to an account.
    Executions {
        account: u32,
        /// Counts the channel's messages without gaps.
        number: u64,
        /// The command.
        sequence: u64,
        /// Its time, in microseconds since 1970.
        time: u64,
        data: ExecutionsBody,
    },
    /// A batch went from one state to another.
    Batches {
        /// Counts from one at each start of the exchange.
        number: u64,
        data: TransitionBody,
    },
    /// A trade.
    Trades {
        market: &'a str,
        /// Counts the market's trades.
        number: u64,
        /// The taker's command.
        sequence: u64,
        /// Its time, in microseconds since 1970.
        time: u64,
        data: TradeBody,
    },
    /// A book, or what has changed in it.
    Depth {
        market: &'a str,
        /// Counts the changes of the book without gaps. A snapshot's is that of the last change in it.
        number: u64,
        /// The command; of a snapshot none.
        sequence: Option<u64>,
        /// Its time, in microseconds since 1970.
        time: Option<u64>,
        data: DepthBody,
    },
    /// A command.
    Commands {
        /// The command's sequence number.
        number: u64,
        /// Its time, in microseconds since 1970.
        time: u64,
        data: CommandBody,
    },
}

/// Messages are missing: the reader was too slow. Of `depth` a snapshot follows; everything else is in the batches.
#[derive(Serialize, ToSchema)]
pub(crate) struct Gap {
    /// The channel.
    pub channel: &'static str,
    /// Its account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<u32>,
    /// Its market.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<String>,
    /// How many.
    pub missed: u64,
}

/// What a command did to an account.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct ExecutionsBody {
    /// Its orders that changed, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<ExecutionBody>,
    /// Its balances that changed, as they are now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub balances: Vec<BalanceBody>,
    /// Its command was rejected, for this reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected: Option<RejectedBody>,
}

/// An order that changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExecutionBody {
    /// `new`, `trade`, `replaced`, `triggered`, `prevented`, `canceled`, `expired`.
    pub execution: &'static str,
    /// The order, after it.
    pub order: OrderBody,
    /// The trade, of `trade`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trade: Option<OwnTradeBody>,
    /// Lots that self-trade prevention took out, of `prevented`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prevented: Option<String>,
}

/// A trade of an own order.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnTradeBody {
    /// Counts the market's trades.
    pub trade: u64,
    /// Whether the own order rested.
    pub maker: bool,
    /// Ticks.
    pub price: u32,
    /// Lots.
    pub quantity: String,
    /// Quote quanta.
    pub notional: String,
    /// Quote quanta paid; negative is a rebate.
    pub fee: String,
}

/// A balance, in quanta.
#[derive(Serialize, ToSchema)]
pub(crate) struct BalanceBody {
    /// Of which asset.
    pub asset: u16,
    /// What can be used.
    pub free: String,
    /// What orders have set aside.
    pub locked: String,
}

impl BalanceBody {
    pub fn new(asset: AssetId, balance: Balance) -> Self {
        Self { asset: asset.0, free: balance.free.to_string(), locked: balance.locked.to_string() }
    }
}

/// A rejection.
#[derive(Serialize, ToSchema)]
pub(crate) struct RejectedBody {
    /// Its number (the book: Rejections).
    pub code: u16,
    /// Its sentence.
    pub reason: &'static str,
}

/// A trade.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TradeBody {
    /// Ticks.
    pub price: u32,
    /// Lots.
    pub quantity: String,
    /// The incoming order's side.
    pub taker_side: SideBody,
    /// The resting order.
    pub maker_order: u64,
    /// The incoming order.
    pub taker_order: u64,
}

impl From<&Trade> for TradeBody {
    fn from(trade: &Trade) -> Self {
        Self {
            price: trade.price.0,
            quantity: trade.quantity.to_string(),
            taker_side: trade.taker_side.into(),
            maker_order: trade.maker.0.0,
            taker_order: trade.taker.0.0,
        }
    }
}

/// Levels of a book: all of a snapshot; of a change those that are others now, with quantity zero when they are gone.
#[derive(Serialize, ToSchema)]
pub(crate) struct DepthBody {
    /// Whether it is the whole book, as far as it is shown.
    pub snapshot: bool,
    /// Price in ticks, quantity in lots.
    pub bids: Vec<(u32, String)>,
    /// Price in ticks, quantity in lots.
    pub asks: Vec<(u32, String)>,
}

impl DepthBody {
    pub fn new(snapshot: bool, bids: &[(Price, Quantity)], asks: &[(Price, Quantity)]) -> Self {
        let levels = |levels: &[(Price, Quantity)]| {
            levels.iter().map(|(price, quantity)| (price.0, quantity.to_string())).collect()
        };
        Self { snapshot, bids: levels(bids), asks: levels(asks) }
    }
}

/// A durable command and what became of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct CommandBody {
    /// Whose.
    pub account: u32,
    /// `session`, `owner`, `l1`.
    pub origin: &'static str,
    /// Of what kind.
    pub kind: &'static str,
    /// Canonically encoded. Left away of an order with a trigger, which nobody else sees before its batch is sealed.
    pub command: Option<String>,
    /// The batch that it will be sealed in.
    pub batch: u64,
    /// What became of it.
    pub outcome: OutcomeBody,
    /// What it did; without other orders that wait for their trigger.
    pub events: Vec<EventBody>,
}

impl ExecutionsBody {
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty() && self.balances.is_empty() && self.rejected.is_none()
    }

    /// Adds one update, which is of the account.
    pub fn add(&mut self, update: &Update) {
        match update {
            Update::Order(order, execution) => self.orders.push(executed(order, execution)),
            Update::Rejected(_, reject) => {
                self.rejected = Some(RejectedBody { code: reject.code(), reason: reject.sentence() });
            }
            Update::Balances(_, balances) => self
                .balances
                .extend(balances.iter().map(|(asset, balance)| BalanceBody::new(*asset, *balance))),
            Update::Trade(_) | Update::Depth(_) | Update::Best(..) | Update::Market(_) => {}
        }
    }
}

fn executed(order: &Order, execution: &Execution) -> ExecutionBody {
    let (name, trade, prevented) = match execution {
        Execution::New => ("new", None, None),
        Execution::Trade(trade, maker) => ("trade", Some(own(trade, *maker)), None),
        Execution::Replaced => ("replaced", None, None),
        Execution::Triggered => ("triggered", None, None),
        Execution::Prevented(quantity) => ("prevented", None, Some(quantity.to_string())),
        Execution::Canceled => ("canceled", None, None),
        Execution::Expired => ("expired", None, None),
    };
    ExecutionBody { execution: name, order: OrderBody::from(order), trade, prevented }
}

fn own(trade: &Trade, maker: bool) -> OwnTradeBody {
    let fee = if maker { i128::from(trade.maker_fee) } else { i128::from(trade.taker_fee.0) };
    OwnTradeBody {
        trade: trade.id,
        maker,
        price: trade.price.0,
        quantity: trade.quantity.to_string(),
        notional: trade.notional.to_string(),
        fee: fee.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_channel_has_fields_that_mean_nothing() {
        for channel in [
            r#""batches""#,
            r#""commands""#,
            r#""trades","market":"BTCUSD""#,
            r#""depth","market":"BTCUSD""#,
            r#""executions","account":7"#,
        ] {
            let read = |more: &str| {
                let params = format!(r#"{{"channel":{channel}{more}}}"#);
                let text = format!(r#"{{"id":1,"method":"subscribe","params":{params}}}"#);
                serde_json::from_str::<Request>(&text)
            };
            assert!(read("").is_ok(), "{channel}");
            assert!(read(r#","markets":"ETHUSD""#).is_err(), "{channel}");
        }
    }
}
