//! Market data: snapshots, and what changed since, of books and trades.
//!
//! A subscription remembers what it has told, and compares it with the view at each tick. So a session that cannot keep up
//! gets fewer and larger changes, never a wrong book, and nothing piles up for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ::fix::{Body, Message, Utc, tags as session};
use types::{Price, Quantity, Side};

use super::requests::Problem;
use super::tags::{self, kind};
use crate::limits;
use crate::view::{Market, Range, Trade, View};

/// Levels of a side when all are asked for (MarketDepth 0), and at most.
const DEPTH: usize = 1_000;
/// Changes in one message at most.
const CHANGES: usize = 500;
/// Characters of MDReqID at most.
const REQUEST_ID: usize = 64;

/// Reasons of tag 281 (MDReqRejReason).
mod reason {
    pub const UNKNOWN_SYMBOL: u8 = b'0';
    pub const DUPLICATE: u8 = b'1';
    pub const NO_BANDWIDTH: u8 = b'2';
    pub const SUBSCRIPTION_TYPE: u8 = b'4';
    pub const DEPTH: u8 = b'5';
    pub const UPDATE_TYPE: u8 = b'6';
    pub const ENTRY_TYPE: u8 = b'8';
}

/// The subscriptions of a session.
#[derive(Default)]
pub(super) struct Subscriptions {
    list: HashMap<String, Vec<Followed>>,
}

/// What of a market is told.
#[derive(Clone, Copy)]
struct Wanted {
    depth: usize,
    bids: bool,
    asks: bool,
    trades: bool,
    /// Whole books again instead of changes.
    snapshots: bool,
}

/// A market in a subscription, and what was told of it.
struct Followed {
    market: Arc<Market>,
    wanted: Wanted,
    update: u64,
    bids: BTreeMap<Price, Quantity>,
    asks: BTreeMap<Price, Quantity>,
    last_trade: u64,
}

impl Subscriptions {
    /// Ends all.
    pub fn clear(&mut self) {
        self.list.clear();
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Answers a MarketDataRequest.
    pub fn request(&mut self, message: &Message, view: &View, limit: usize) -> Result<Vec<Body>, Problem> {
        let id = message.text(tags::MD_REQ_ID)?;
        if id.len() > REQUEST_ID {
            return Err(refused(reason::DUPLICATE, "MDReqID has more than 64 characters"));
        }
        let subscribes = match message.text(tags::SUBSCRIPTION_REQUEST_TYPE)? {
            "0" => false,
            "1" => true,
            "2" => {
                self.list.remove(id);
                return Ok(Vec::new());
            }
            _ => return Err(refused(reason::SUBSCRIPTION_TYPE, "SubscriptionRequestType must be 0, 1 or 2")),
        };
        if self.list.contains_key(id) {
            return Err(refused(reason::DUPLICATE, "there is a subscription with this MDReqID"));
        }
        let wanted = Wanted::read(message)?;
        let symbols = message.group(tags::NO_RELATED_SYM, &[tags::SYMBOL])?;
        let mut followed = Vec::with_capacity(symbols.len());
        for symbol in &symbols {
            let symbol = symbol.text(tags::SYMBOL)?;
            let market = view.market(symbol);
            let market = market
                .ok_or_else(|| refused(reason::UNKNOWN_SYMBOL, &format!("there is no market {symbol}")))?;
            if followed.iter().any(|followed: &Followed| followed.market.id == market.id) {
                return Err(refused(reason::DUPLICATE, &format!("{symbol} is named twice")));
            }
            followed.push(Followed::new(market, wanted));
        }
        if followed.is_empty() {
            return Err(refused(reason::UNKNOWN_SYMBOL, "no market is named"));
        }
        let held: usize = self.list.values().map(Vec::len).sum();
        if subscribes && held + followed.len() > limit {
            return Err(refused(
                reason::NO_BANDWIDTH,
                &format!("no more than {limit} markets can be subscribed to"),
            ));
        }
        let answers = followed.iter_mut().map(|followed| followed.snapshot(id, view)).collect();
        if subscribes {
            self.list.insert(id.to_owned(), followed);
        }
        Ok(answers)
    }

    /// What has changed.
    pub fn tick(&mut self, view: &View) -> Vec<Body> {
        let mut list = Vec::new();
        for (id, followed) in &mut self.list {
            for followed in followed {
                followed.changes(id, view, &mut list);
            }
        }
        list
    }
}

/// A MarketDataRequestReject.
pub(super) fn reject(message: &Message, (reason, why): (u8, &str)) -> Body {
    let id = message.text(tags::MD_REQ_ID).unwrap_or("NONE");
    Body::new(kind::MARKET_DATA_REQUEST_REJECT)
        .with(tags::MD_REQ_ID, id)
        .with(tags::MD_REQ_REJ_REASON, char::from(reason))
        .with(session::TEXT, why)
}

/// The request weight of a MarketDataRequest: for each market as much as the same depth by REST.
pub(super) fn weight(message: &Message) -> u32 {
    if message.text(tags::SUBSCRIPTION_REQUEST_TYPE) == Ok("2") {
        return 1;
    }
    let one = match message.number(tags::MARKET_DEPTH).unwrap_or(1) {
        // All that there is, or more than there is.
        depth if !(1..=DEPTH as u64).contains(&depth) => limits::depth_weight(DEPTH as u64),
        depth => limits::depth_weight(depth),
    };
    let markets = message.group(tags::NO_RELATED_SYM, &[tags::SYMBOL]).map_or(1, |group| group.len().max(1));
    u32::try_from(markets).unwrap_or(u32::MAX).saturating_mul(one)
}

/// When the address has asked for too much.
pub(super) fn too_much(why: &str) -> Problem {
    refused(reason::NO_BANDWIDTH, why)
}

fn refused(reason: u8, why: &str) -> Problem {
    Problem::Refused(reason, why.to_owned())
}

impl Wanted {
    fn read(message: &Message) -> Result<Self, Problem> {
        let depth = match message.number(tags::MARKET_DEPTH)? {
            0 => DEPTH,
            depth => usize::try_from(depth)
                .ok()
                .filter(|depth| *depth <= DEPTH)
                .ok_or_else(|| refused(reason::DEPTH, "MarketDepth must be from 0 to 1000"))?,
        };
        let snapshots = match message.optional_text(tags::MD_UPDATE_TYPE)? {
            Some("0") => true,
            None | Some("1") => false,
            Some(_) => return Err(refused(reason::UPDATE_TYPE, "MDUpdateType must be 0 or 1")),
        };
        let mut wanted = Self { depth, bids: false, asks: false, trades: false, snapshots };
        for entry in message.group(tags::NO_MD_ENTRY_TYPES, &[tags::MD_ENTRY_TYPE])? {
            match entry.text(tags::MD_ENTRY_TYPE)? {
                "0" => wanted.bids = true,
                "1" => wanted.asks = true,
                "2" => wanted.trades = true,
                _ => return Err(refused(reason::ENTRY_TYPE, "MDEntryType must be 0, 1 or 2")),
            }
        }
        if !(wanted.bids || wanted.asks || wanted.trades) {
            return Err(refused(reason::ENTRY_TYPE, "no MDEntryType is named"));
        }
        Ok(wanted)
    }
}

impl Followed {
    fn new(market: Arc<Market>, wanted: Wanted) -> Self {
        Self { market, wanted, update: 0, bids: BTreeMap::new(), asks: BTreeMap::new(), last_trade: 0 }
    }

    /// Takes the book as it is now, as far as it is wanted.
    fn look(&mut self, view: &View) -> (BTreeMap<Price, Quantity>, BTreeMap<Price, Quantity>) {
        let depth = view.depth(self.market.id, self.wanted.depth);
        self.update = depth.update;
        let side = |wanted: bool, levels: Vec<(Price, Quantity)>| {
            if wanted { levels.into_iter().collect() } else { BTreeMap::new() }
        };
        (side(self.wanted.bids, depth.bids), side(self.wanted.asks, depth.asks))
    }

    fn snapshot(&mut self, id: &str, view: &View) -> Body {
        (self.bids, self.asks) = self.look(view);
        let mut entries = Vec::new();
        let bids = self.bids.iter().rev().map(|level| (Side::Buy, level));
        for (side, (price, quantity)) in bids.chain(self.asks.iter().map(|level| (Side::Sell, level))) {
            entries.push((entry_type(side), *price, *quantity, None));
        }
        if self.wanted.trades {
            let last = view.trades(self.market.id, Range { limit: 1, ..Range::default() });
            if let Some(trade) = last.last() {
                self.last_trade = self.last_trade.max(trade.id);
                entries.push(('2', trade.price, trade.quantity, Some(*trade)));
            }
        }
        let mut body = Body::new(kind::MARKET_DATA_SNAPSHOT)
            .with(tags::MD_REQ_ID, id)
            .with(tags::SYMBOL, &self.market.symbol)
            .with(tags::BOOK_UPDATE, self.update)
            .with(tags::NO_MD_ENTRIES, entries.len());
        for (kind, price, quantity, trade) in entries {
            body.push(tags::MD_ENTRY_TYPE, kind);
            self.push_level(&mut body, price, quantity);
            if let Some(trade) = trade {
                push_trade(&mut body, &trade);
            }
        }
        body
    }

    fn changes(&mut self, id: &str, view: &View, list: &mut Vec<Body>) {
        let trades = self.new_trades(view);
        if self.wanted.snapshots {
            // Cheap to ask for, and says whether anything changed.
            let moved = view.depth(self.market.id, 1).update != self.update;
            if moved && (self.wanted.bids || self.wanted.asks) || !trades.is_empty() {
                list.push(self.snapshot(id, view));
            }
            return;
        }
        let mut entries: Vec<Entry> = Vec::new();
        let told = std::mem::take(&mut self.bids);
        let before = (told, std::mem::take(&mut self.asks));
        (self.bids, self.asks) = self.look(view);
        compare(Side::Buy, &before.0, &self.bids, &mut entries);
        compare(Side::Sell, &before.1, &self.asks, &mut entries);
        entries.extend(trades.into_iter().map(Entry::Trade));
        for entries in entries.chunks(CHANGES) {
            let mut body = Body::new(kind::MARKET_DATA_INCREMENTAL)
                .with(tags::MD_REQ_ID, id)
                .with(tags::BOOK_UPDATE, self.update)
                .with(tags::NO_MD_ENTRIES, entries.len());
            for entry in entries {
                self.push_entry(&mut body, entry);
            }
            list.push(body);
        }
    }

    fn new_trades(&mut self, view: &View) -> Vec<Trade> {
        if !self.wanted.trades {
            return Vec::new();
        }
        let range = Range { from: Some(self.last_trade + 1), limit: CHANGES, ..Range::default() };
        let trades = view.trades(self.market.id, range);
        if let (Some(trade), false) = (trades.last(), self.wanted.snapshots) {
            self.last_trade = trade.id;
        }
        trades
    }

    /// In the order of the standard's group: the action comes first.
    fn push_entry(&self, body: &mut Body, entry: &Entry) {
        let symbol = &self.market.symbol;
        match entry {
            Entry::Level { action, side, price, quantity } => {
                let text = self.market.price.format(price.0.into());
                body.push(tags::MD_UPDATE_ACTION, action);
                body.push(tags::MD_ENTRY_TYPE, entry_type(*side));
                body.push(
                    tags::MD_ENTRY_ID,
                    format_args!("{}{text}", if *side == Side::Buy { 'B' } else { 'S' }),
                );
                body.push(tags::SYMBOL, symbol);
                self.push_level(body, *price, *quantity);
            }
            Entry::Trade(trade) => {
                body.push(tags::MD_UPDATE_ACTION, 0);
                body.push(tags::MD_ENTRY_TYPE, '2');
                body.push(tags::MD_ENTRY_ID, trade.id);
                body.push(tags::SYMBOL, symbol);
                self.push_level(body, trade.price, trade.quantity);
                push_trade(body, trade);
            }
        }
    }

    fn push_level(&self, body: &mut Body, price: Price, quantity: Quantity) {
        body.push(tags::MD_ENTRY_PX, self.market.price.format(price.0.into()));
        body.push(tags::MD_ENTRY_SIZE, self.market.quantity.format(quantity.0.into()));
    }
}

/// One thing that changed.
enum Entry {
    Level { action: char, side: Side, price: Price, quantity: Quantity },
    Trade(Trade),
}

/// 0 is new, 1 change, 2 delete.
fn compare(
    side: Side,
    before: &BTreeMap<Price, Quantity>,
    now: &BTreeMap<Price, Quantity>,
    entries: &mut Vec<Entry>,
) {
    for (price, quantity) in before {
        if !now.contains_key(price) {
            entries.push(Entry::Level { action: '2', side, price: *price, quantity: *quantity });
        }
    }
    for (price, quantity) in now {
        let action = match before.get(price) {
            None => '0',
            Some(told) if told != quantity => '1',
            Some(_) => continue,
        };
        entries.push(Entry::Level { action, side, price: *price, quantity: *quantity });
    }
}

fn entry_type(side: Side) -> char {
    match side {
        Side::Buy => '0',
        Side::Sell => '1',
    }
}

fn push_trade(body: &mut Body, trade: &Trade) {
    let time = Utc(trade.time.0).to_string();
    if let Some((date, time)) = time.split_once('-') {
        body.push(tags::MD_ENTRY_DATE, date);
        body.push(tags::MD_ENTRY_TIME, time);
    }
    let taker = if trade.taker_side == Side::Buy { "buy" } else { "sell" };
    body.push(session::TEXT, format_args!("taker={taker} trade={} sequence={}", trade.id, trade.sequence));
}
