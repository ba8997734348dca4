//! What the exchange answers, as it comes: JSON. Nothing here is checked; [`crate::verified`] checks.

use std::collections::BTreeMap;

use serde::Deserialize;
use types::{OrderId, Outcome, Reject, Timestamp};

use crate::ClientError;

/// What exchange it is. `GET /exchange`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeAnswer {
    /// The L1 chain.
    pub chain_id: u64,
    /// The contract there.
    pub contract: String,
    /// A node of that chain.
    pub l1_url: Option<String>,
    /// The program that is proved.
    pub program: Option<String>,
    /// The kind of the proofs: `executed` where there are none.
    pub proofs: String,
    /// What stands behind "proved".
    pub proof_statement: String,
    /// Where the batches' data can be sampled.
    pub data_availability: Option<DataAvailability>,
    /// What can be held.
    pub assets: Vec<AssetAnswer>,
    /// What can be traded.
    pub markets: Vec<MarketAnswer>,
    /// How far batches are.
    pub batch: BatchNumbers,
    /// The last command that the answer knows.
    pub sequence: u64,
    /// Its time, in microseconds since 1970.
    pub time: u64,
}

/// Where the batches' data can be sampled.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DataAvailability {
    /// The server of the shards.
    pub url: String,
}

/// How far batches are; zero where there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchNumbers {
    /// The last sealed one.
    pub last_sealed: u64,
    /// The last final one.
    pub last_final: u64,
}

/// An asset.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AssetAnswer {
    /// Its number.
    pub asset: u16,
    /// Its name.
    pub symbol: String,
    /// Its token's contract on L1.
    pub token: String,
    /// The token's smallest units in one quantum, as a decimal number.
    pub quantum: String,
    /// Digits after the point of one quantum, as it is shown.
    pub decimals: u32,
}

/// A market.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarketAnswer {
    /// Its number.
    pub market: u16,
    /// Its name.
    pub symbol: String,
    /// What is traded.
    pub base: u16,
    /// What it is paid with.
    pub quote: u16,
    /// One tick of price, as a decimal number.
    pub tick_size: String,
    /// One lot, as a decimal number.
    pub lot_size: String,
    /// The highest price, in ticks.
    pub max_price: u32,
    /// In millionths of the notional; negative is a rebate.
    pub maker_fee: i32,
    /// In millionths of the notional.
    pub taker_fee: i32,
    /// `open` or `halted`.
    pub phase: String,
}

/// The best levels of a book. `GET /api/v3/depth`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DepthAnswer {
    /// The last update in it.
    pub last_update_id: u64,
    /// Highest first.
    pub bids: Vec<Level>,
    /// Lowest first.
    pub asks: Vec<Level>,
}

/// Price and quantity, as decimal numbers.
pub type Level = (String, String);

/// A trade. `GET /api/v3/trades`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TradeAnswer {
    /// Counts the market's trades.
    pub id: u64,
    /// A decimal number.
    pub price: String,
    /// A decimal number.
    pub qty: String,
    /// Milliseconds since 1970.
    pub time: u64,
    /// Whether the buyer rested.
    pub is_buyer_maker: bool,
}

/// An account. `GET /accounts/{account}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountAnswer {
    /// Its number.
    pub account: u32,
    /// Its owner's address.
    pub owner: String,
    /// The key that signs its stream.
    pub session_key: Option<String>,
    /// How often it has registered one.
    pub session: u64,
    /// Where its stream is.
    pub stream: StreamAnswer,
    /// Of the owner's next command.
    pub nonce: u64,
    /// Whether the gateway holds its session key.
    pub delegated: bool,
}

/// Where a stream is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StreamAnswer {
    /// Commands in it.
    pub position: u64,
    /// The digest after them.
    pub digest: String,
}

/// What became of a submission. `POST /streams`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The number of its first command.
    pub first_sequence: u64,
    /// The batch that it will be sealed in.
    pub batch: u64,
    /// The time of its last command.
    pub timestamp: Timestamp,
    /// The outcome of each command.
    pub outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AcknowledgementAnswer {
    first_sequence: u64,
    batch: u64,
    timestamp: u64,
    outcomes: Vec<OutcomeAnswer>,
}

impl TryFrom<AcknowledgementAnswer> for Acknowledgement {
    type Error = ClientError;

    fn try_from(answer: AcknowledgementAnswer) -> Result<Self, ClientError> {
        let AcknowledgementAnswer { first_sequence, batch, timestamp, outcomes } = answer;
        let outcomes = outcomes.into_iter().map(Outcome::try_from).collect::<Result<_, _>>()?;
        Ok(Self { first_sequence, batch, timestamp: Timestamp(timestamp), outcomes })
    }
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "result", rename_all = "camelCase")]
pub enum OutcomeAnswer {
    /// It was carried out.
    Done,
    /// The order was accepted.
    Accepted {
        /// Under this number.
        order: u64,
    },
    /// It did nothing.
    Rejected {
        /// For this reason.
        code: u16,
    },
}

impl TryFrom<OutcomeAnswer> for Outcome {
    type Error = ClientError;

    fn try_from(answer: OutcomeAnswer) -> Result<Self, ClientError> {
        Ok(match answer {
            OutcomeAnswer::Done => Self::Done,
            OutcomeAnswer::Accepted { order } => Self::Accepted(OrderId(order)),
            OutcomeAnswer::Rejected { code } => Self::Rejected(
                Reject::from_code(code)
                    .ok_or_else(|| ClientError::answer(format!("rejection {code} is not known here")))?,
            ),
        })
    }
}

/// How far an order is. `GET /orders/{order}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderAnswer {
    /// The order; not before its batch is sealed.
    pub order: Option<OrderDetail>,
    /// The command that placed it.
    pub sequence: u64,
    /// That command's batch, once it is sealed.
    pub batch: Option<u64>,
    /// `accepted`, `sealed`, `available`, `committed`, `proved`, `final`.
    pub state: String,
    /// What that command's batch has gone through.
    pub steps: Vec<Step>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderDetail {
    /// Its number.
    pub order: u64,
    /// The trader's number.
    pub client_order: Option<String>,
    /// Where.
    pub market: u16,
    /// Whose.
    pub account: u32,
    /// `buy` or `sell`.
    pub side: String,
    /// Ticks; zero for a market order.
    pub price: u32,
    /// Lots, as a decimal number.
    pub quantity: String,
    /// Lots traded, as a decimal number.
    pub executed: String,
    /// `new`, `partiallyFilled`, `filled`, `canceled`, `expired`, `expiredInMatch`.
    pub status: String,
}

/// A step in a batch's life.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// `accepted`, `sealed`, `available`, `committed`, `proved`, `final`.
    pub state: String,
    /// Milliseconds since 1970.
    pub time: Option<u64>,
    /// The L1 block that did it.
    pub l1_block: Option<Block>,
    /// The L1 transaction that did it.
    pub tx: Option<String>,
}

/// An L1 block.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: String,
}

/// How far a command is. `GET /commands/{sequence}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Command {
    /// The command.
    pub sequence: u64,
    /// Its batch.
    pub batch: BatchAnswer,
}

/// How far a batch is. `GET /batches/{batch}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// Its number.
    pub batch: u64,
    /// Where it is, in the words of whoever settles it.
    pub state: String,
    /// The last of [`Self::steps`] that it has gone through.
    pub stage: String,
    /// Its first and last command.
    pub commands: Option<(u64, u64)>,
    /// The state after it.
    pub state_root: Option<String>,
    /// What it has gone through.
    pub steps: Vec<Step>,
    /// When it last entered each state, in milliseconds since 1970.
    pub entered: BTreeMap<String, u64>,
    /// What keeps it, if anything does.
    pub trouble: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct ReceiptAnswer {
    pub sequence: u64,
    pub count: u64,
    pub claim: String,
    pub content: String,
    pub path: PathAnswer,
}

#[derive(Deserialize)]
pub(crate) struct PathAnswer {
    pub index: u64,
    pub siblings: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct BalanceProofAnswer {
    pub account: u32,
    pub claim: String,
    pub balances: Vec<BalanceEntry>,
}

#[derive(Deserialize)]
pub(crate) struct BalanceEntry {
    pub asset: u16,
    pub proof: String,
}

#[derive(Deserialize)]
pub(crate) struct OwnerAnswer {
    pub account: u32,
}

#[derive(Deserialize)]
pub(crate) struct Refusal {
    pub code: serde_json::Value,
    #[serde(alias = "msg")]
    pub message: String,
    #[serde(default)]
    pub remedy: String,
}
