//! What the API answers, as JSON.
//!
//! Bytes are hexadecimal digits after `0x`. Prices are ticks, quantities lots, amounts quanta; those that may pass 2^53 are
//! decimal strings. Times of commands are microseconds since 1970, of everything else milliseconds.

use serde::Serialize;
use types::{ClientOrderId, OrderType, Phase, TimeInForce, TriggerKind};
use utoipa::ToSchema;

use super::Stage;
use super::batch_answers::StepBody;
use super::results::{CancelReasonBody, EventBody, OutcomeBody, SideBody, time};
use crate::view::{Asset, Market, Order, OrderStatus};

/// What exchange it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExchangeBody {
    /// The L1 chain.
    pub chain_id: u64,
    /// The exchange's contract there.
    pub contract: String,
    /// A node of that chain that anybody may ask.
    pub l1_url: Option<String>,
    /// The identity of the program that is proved.
    pub program: Option<String>,
    /// The kind of the proofs: `executed` where nothing is proved.
    pub proofs: String,
    /// What stands behind "proved".
    pub proof_statement: String,
    /// Where the batches' data can be sampled.
    pub data_availability: Option<DataAvailabilityBody>,
    /// What can be held.
    pub assets: Vec<AssetBody>,
    /// What can be traded.
    pub markets: Vec<MarketBody>,
    /// Whether the operator has halted the whole exchange: no new orders in any market.
    pub halted: bool,
    /// How far batches are.
    pub batch: BatchNumbersBody,
    /// The last command that these words know.
    pub sequence: u64,
    /// Its time, in microseconds since 1970.
    pub time: u64,
}

/// Where the batches' data can be sampled.
#[derive(Serialize, ToSchema)]
pub(crate) struct DataAvailabilityBody {
    /// The server of the shards.
    pub url: String,
}

/// How far batches are; zero where there are none.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchNumbersBody {
    /// The last sealed one.
    pub last_sealed: u64,
    /// The last final one.
    pub last_final: u64,
}

/// An asset.
#[derive(Serialize, ToSchema)]
pub(crate) struct AssetBody {
    /// Its number.
    pub asset: u16,
    /// Its name.
    pub symbol: String,
    /// Its token's contract on L1; zero is the chain's own coin.
    pub token: String,
    /// The token's smallest units in one quantum.
    pub quantum: String,
    /// One quantum is worth `step` × 10^-`decimals` as shown.
    pub step: u64,
    /// Digits after the point.
    pub decimals: u32,
}

impl From<&Asset> for AssetBody {
    fn from(asset: &Asset) -> Self {
        Self {
            asset: asset.id.0,
            symbol: asset.symbol.clone(),
            token: asset.params.token.to_string(),
            quantum: asset.params.quantum.to_string(),
            step: asset.scale.step,
            decimals: asset.scale.decimals,
        }
    }
}

/// A market.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MarketBody {
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
    /// Base quanta in a lot.
    pub lot: String,
    /// Quote quanta that one tick is worth for one lot.
    pub tick: String,
    /// The highest price, in ticks.
    pub max_price: u32,
    /// In millionths of the notional; negative is a rebate.
    pub maker_fee: i32,
    /// In millionths of the notional.
    pub taker_fee: i32,
    /// `open` or `halted`: the market alone. The exchange's `halted` halts all.
    pub phase: &'static str,
}

impl From<&Market> for MarketBody {
    fn from(market: &Market) -> Self {
        let params = &market.params;
        Self {
            market: market.id.0,
            symbol: market.symbol.clone(),
            base: params.base.0,
            quote: params.quote.0,
            tick_size: market.price.format(1),
            lot_size: market.quantity.format(1),
            lot: params.lot.to_string(),
            tick: params.tick.to_string(),
            max_price: params.max_price.0,
            maker_fee: params.maker_fee.0,
            taker_fee: params.taker_fee.0,
            phase: if market.phase == Phase::Open { "open" } else { "halted" },
        }
    }
}

/// How far an order is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderStatusBody {
    /// The order. Not before the command that placed it is in a sealed batch, which everybody may read.
    pub order: Option<OrderBody>,
    /// The command that placed it.
    pub sequence: u64,
    /// That command's batch, once it is sealed.
    pub batch: Option<u64>,
    /// The last stage that the command has reached.
    pub state: Stage,
    /// All stages that it has reached.
    pub steps: Vec<StepBody>,
    /// The command that changed the order last: what it has traded is as final as this one's batch.
    pub updated: Option<UpdatedBody>,
}

/// The command that changed an order last.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpdatedBody {
    /// The command.
    pub sequence: u64,
    /// Its batch, once it is sealed.
    pub batch: Option<u64>,
    /// The last stage that it has reached.
    pub state: Stage,
}

/// An order.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderBody {
    /// Its number.
    pub order: u64,
    /// The trader's number, if he gave one.
    pub client_order: Option<String>,
    /// Where.
    pub market: u16,
    /// Whose.
    pub account: u32,
    /// Buy or sell.
    pub side: SideBody,
    /// `limit`, `market`, `marketBudget`.
    pub kind: &'static str,
    /// `gtc`, `ioc`, `fok`, `gtd`.
    pub time_in_force: &'static str,
    /// When it ends by itself.
    pub expires: Option<u64>,
    /// Never takes.
    pub post_only: bool,
    /// `stopLoss` or `takeProfit`, of an order with a trigger.
    pub trigger: Option<&'static str>,
    /// The last price that wakes it.
    pub trigger_price: Option<u32>,
    /// Its limit now, in ticks; zero for a market order.
    pub price: u32,
    /// Lots asked for in all; zero for a budget.
    pub quantity: String,
    /// Lots traded.
    pub executed: String,
    /// Lots that self-trade prevention took out.
    pub prevented: String,
    /// Quote quanta traded.
    pub executed_notional: String,
    /// Quote quanta paid in fees; negative is a rebate.
    pub fees: String,
    /// Now.
    pub status: OrderStatusName,
    /// Why it ended without trading all.
    pub reason: Option<CancelReasonBody>,
    /// Whether it waits for its trigger.
    pub waiting: bool,
    /// When it was placed, in microseconds since 1970.
    pub time: u64,
    /// When it changed last.
    pub updated: u64,
}

/// What has become of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum OrderStatusName {
    New,
    PartiallyFilled,
    Filled,
    Canceled,
    Expired,
    ExpiredInMatch,
}

impl From<&Order> for OrderBody {
    fn from(order: &Order) -> Self {
        let terms = &order.terms;
        let (time_in_force, expires) = match terms.time_in_force {
            TimeInForce::Gtc => ("gtc", None),
            TimeInForce::Ioc => ("ioc", None),
            TimeInForce::Fok => ("fok", None),
            TimeInForce::Gtd(expires) => ("gtd", time(expires)),
        };
        Self {
            order: order.id.0,
            client_order: (order.client_id != ClientOrderId::NONE).then(|| order.client_id.to_string()),
            market: order.market.0,
            account: order.account.0,
            side: order.side.into(),
            kind: match terms.order_type {
                OrderType::Limit { .. } => "limit",
                OrderType::Market { .. } => "market",
                OrderType::MarketBudget { .. } => "marketBudget",
            },
            time_in_force,
            expires,
            post_only: terms.post_only,
            trigger: terms.trigger.map(|trigger| match trigger.kind {
                TriggerKind::StopLoss => "stopLoss",
                TriggerKind::TakeProfit => "takeProfit",
            }),
            trigger_price: terms.trigger.map(|trigger| trigger.price.0),
            price: order.price.0,
            quantity: order.quantity.to_string(),
            executed: order.executed.to_string(),
            prevented: order.prevented.to_string(),
            executed_notional: order.executed_notional.to_string(),
            fees: order.fees.to_string(),
            status: match order.status {
                OrderStatus::New => OrderStatusName::New,
                OrderStatus::PartiallyFilled => OrderStatusName::PartiallyFilled,
                OrderStatus::Filled => OrderStatusName::Filled,
                OrderStatus::Canceled => OrderStatusName::Canceled,
                OrderStatus::Expired => OrderStatusName::Expired,
                OrderStatus::ExpiredInMatch => OrderStatusName::ExpiredInMatch,
            },
            reason: order.reason.map(CancelReasonBody::from),
            waiting: order.waiting,
            time: order.time.0,
            updated: order.updated.0,
        }
    }
}

/// Proof of what one command did.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReceiptBody {
    /// The command.
    pub sequence: u64,
    /// Its batch.
    pub batch: u64,
    /// Commands in the batch.
    pub count: u64,
    /// What the batch claims, 416 bytes: check it against a proof, or the contract.
    pub claim: String,
    /// Outcome and events, canonically encoded: with the sequence number, what the leaf hashes.
    pub content: String,
    /// From the leaf to the top of the tree under the claim's events root.
    pub path: PathBody,
    /// What the content says.
    pub outcome: OutcomeBody,
    /// What the content says.
    pub events: Vec<EventBody>,
}

/// A path in a Merkle tree.
#[derive(Serialize, ToSchema)]
pub(crate) struct PathBody {
    /// The leaf's place, from zero.
    pub index: u64,
    /// From the leaf up.
    pub siblings: Vec<String>,
}

/// An account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountBody {
    /// Its number.
    pub account: u32,
    /// Its owner's address.
    pub owner: String,
    /// The key that signs its stream; none when it never had one.
    pub session_key: Option<String>,
    /// When its session ends by itself.
    pub session_expires: Option<u64>,
    /// How often it has registered a session.
    pub session: u64,
    /// Where its stream is: sign from here on.
    pub stream: StreamBody,
    /// Of the owner's next command.
    pub nonce: u64,
    /// Whether its session is delegated: this gateway holds the session key.
    pub delegated: bool,
    /// Whether its kill switch is on.
    pub suspended: bool,
}

/// Where a stream is.
#[derive(Serialize, ToSchema)]
pub(crate) struct StreamBody {
    /// Commands in it.
    pub position: u64,
    /// The digest after them.
    pub digest: String,
}

/// An owner's account.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnerBody {
    /// The owner's address.
    pub owner: String,
    /// The account.
    pub account: u32,
}

/// Proof of what an account has after a batch.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BalanceProofBody {
    /// Whose.
    pub account: u32,
    /// After which batch.
    pub batch: u64,
    /// What the batch claims, 416 bytes: check it against a proof, or the contract.
    pub claim: String,
    /// Its state root, to which the proofs lead.
    pub state_root: String,
    /// Every listed asset; a proof of absence is a proof of zero.
    pub balances: Vec<BalanceBody>,
}

/// Proof of one balance.
#[derive(Serialize, ToSchema)]
pub(crate) struct BalanceBody {
    /// The asset.
    pub asset: u16,
    /// Its name.
    pub symbol: String,
    /// Quanta free, as the proof says.
    pub free: String,
    /// Quanta set aside for orders, as the proof says.
    pub locked: String,
    /// A state proof (the book: The state tree).
    pub proof: String,
}

/// What became of a submission.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AcknowledgementBody {
    /// The number of its first command; the others follow.
    pub first_sequence: u64,
    /// The batch that it is or will be sealed in.
    pub batch: u64,
    /// The time of its last command, in microseconds since 1970.
    pub timestamp: u64,
    /// The outcome of each command.
    pub outcomes: Vec<OutcomeBody>,
}

impl From<exchange::Acknowledgement> for AcknowledgementBody {
    fn from(acknowledgement: exchange::Acknowledgement) -> Self {
        Self {
            first_sequence: acknowledgement.first_sequence,
            batch: acknowledgement.batch,
            timestamp: acknowledgement.timestamp.0,
            outcomes: acknowledgement.outcomes.into_iter().map(OutcomeBody::from).collect(),
        }
    }
}
