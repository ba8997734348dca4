//! All that a view knows, and how a command changes it.

use std::sync::Arc;

use book::Book;
use hashbrown::HashMap;
use rules::{Balance, Genesis, execute};
use types::{AccountId, Address, AssetId, Event, MarketId, Outcome, Sequenced, Timestamp};

use super::candles::Candles;
use super::fault::Disagreement;
use super::kept::Kept;
use super::levels::Levels;
use super::listing;
use super::options::ViewOptions;
use super::orders::{Now, Orders};
use super::told::Told;
use super::trades::Trades;
use super::{Asset, DepthChange, Market, ScaleError, Trade, Unlisted, Update, Updates};

/// All that a view knows.
pub(super) struct State {
    pub book: Book,
    pub orders: Orders,
    pub assets: Vec<Result<Arc<Asset>, ScaleError>>,
    pub markets: Vec<MarketState>,
    pub account_trades: Kept<Trade>,
    pub owners: HashMap<Address, AccountId>,
    /// The last command, and its time.
    pub sequence: u64,
    pub time: Timestamp,
    options: ViewOptions,
    /// Balances as they were told last.
    balances: HashMap<(AccountId, AssetId), Balance>,
    events: Vec<Event>,
    touched: Vec<AccountId>,
}

/// What is known of a market.
pub(super) struct MarketState {
    pub listed: Result<Arc<Market>, Unlisted>,
    pub levels: Levels,
    pub trades: Trades,
    pub candles: Candles,
}

impl State {
    pub fn new(genesis: &Genesis, options: &ViewOptions) -> Self {
        let mut book = Book::new(genesis.capacity);
        let Ok(()) = rules::open(&mut book, genesis);
        let owners = [(genesis.operator, rules::OPERATOR)].into_iter().collect();
        Self {
            book,
            orders: Orders::new(options),
            assets: Vec::new(),
            markets: Vec::new(),
            account_trades: Kept::new(options.account_trades, options.all_account_trades),
            owners,
            sequence: 0,
            time: Timestamp(0),
            options: options.clone(),
            balances: HashMap::new(),
            events: Vec::new(),
            touched: Vec::new(),
        }
    }

    pub fn market(&self, id: MarketId) -> Option<&MarketState> {
        self.markets.get(usize::from(id.0))
    }

    /// Executes the next command again. It must do what it did (`expected`, where that is known). What it changed is told if
    /// somebody listens.
    pub fn command(
        &mut self,
        sequenced: &Sequenced,
        batch: u64,
        expected: Option<(Outcome, &[Event])>,
        heard: bool,
    ) -> Result<Option<Updates>, Disagreement> {
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        let Ok(again) = execute(&mut self.book, sequenced, &mut |event| events.push(event));
        if let Some((tape, expected)) = expected {
            if again != tape {
                return Err(Disagreement::Outcome { tape, again });
            }
            if events != expected {
                let at = events.iter().zip(expected).take_while(|(ours, theirs)| ours == theirs).count();
                return Err(Disagreement::Events { at });
            }
        }
        let mut told = Told { heard, ..Told::default() };
        let now = Now { sequence: sequenced.sequence, time: sequenced.timestamp };
        self.orders.begin(sequenced, again);
        self.touched.push(sequenced.account);
        for (at, event) in events.iter().enumerate() {
            self.event(event, &events[at + 1..], now, &mut told)?;
        }
        told.hidden = false;
        self.orders.end()?;
        if let Outcome::Rejected(reject) = again {
            told.say(|| Update::Rejected(sequenced.account, reject));
        }
        self.end_command(&mut told);
        self.events = events;
        (self.sequence, self.time) = (now.sequence, now.time);
        Ok(heard.then_some(Updates {
            sequence: now.sequence,
            batch,
            time: now.time,
            account: sequenced.account,
            list: told.list,
        }))
    }

    fn event(
        &mut self,
        event: &Event,
        later: &[Event],
        now: Now,
        told: &mut Told,
    ) -> Result<(), Disagreement> {
        told.hidden = event_market(event).is_some_and(|id| self.market(id).is_none_or(|m| m.listed.is_err()));
        match *event {
            Event::Fill(fill) => {
                let market = market(&mut self.markets, fill.market)?;
                let row = self.book.markets().nth(usize::from(fill.market.0));
                let params = row.ok_or(Disagreement::UnknownMarket { market: fill.market })?.params;
                if !market.levels.take(fill.taker_side.opposite(), fill.price, fill.quantity.0) {
                    return Err(Disagreement::Level { market: fill.market });
                }
                let trade = market.trades.add(&fill, params.tick, now);
                market.candles.add(&trade);
                self.account_trades.push(fill.maker_account, trade, |_, _| ());
                if fill.taker_account != fill.maker_account {
                    self.account_trades.push(fill.taker_account, trade, |_, _| ());
                }
                told.say(|| Update::Trade(trade));
                self.touched.extend([fill.maker_account, fill.taker_account, params.fee_account]);
                self.orders.traded(&trade, later, told)?;
            }
            Event::Rested { order, market: id, account, side, price, quantity } => {
                market(&mut self.markets, id)?.levels.add(side, price, quantity.0);
                self.touched.push(account);
                self.orders.rested(order, quantity, told)?;
            }
            Event::Waiting { order, account, .. } => {
                self.touched.push(account);
                self.orders.waits(order, told)?;
            }
            Event::Triggered { order, account, .. } => {
                self.touched.push(account);
                self.orders.woken(order, now, told)?;
            }
            Event::Replaced {
                order,
                market: id,
                account,
                old_price,
                old_quantity,
                price,
                quantity,
                kept_place,
            } => {
                self.touched.push(account);
                let side = self.orders.replaced(order, price, quantity, now, told)?;
                // An order that lost its place comes back with events of its own.
                let gone =
                    if kept_place { old_quantity.0.checked_sub(quantity.0) } else { Some(old_quantity.0) };
                let levels = &mut market(&mut self.markets, id)?.levels;
                if !gone.is_some_and(|gone| levels.take(side, old_price, gone)) {
                    return Err(Disagreement::Level { market: id });
                }
            }
            Event::Cancelled {
                order,
                market: id,
                account,
                side,
                price,
                quantity,
                remaining,
                resting,
                reason,
            } => {
                self.touched.push(account);
                if resting && !market(&mut self.markets, id)?.levels.take(side, price, quantity.0) {
                    return Err(Disagreement::Level { market: id });
                }
                self.orders.cancelled(order, quantity, remaining, reason, later, now, told)?;
            }
            Event::AccountOpened { account, owner } => {
                self.owners.insert(owner, account);
            }
            Event::Deposited { account, .. } | Event::Withdrawn { account, .. } => self.touched.push(account),
            Event::AssetListed { asset } => {
                if let Some(state) = self.book.assets().get(usize::from(asset.0)) {
                    let shown = listing::asset(asset, state, &self.assets, &self.options).map(Arc::new);
                    if let Err(why) = &shown {
                        tracing::error!(asset = asset.0, %why, "an asset cannot be shown");
                    }
                    self.assets.push(shown);
                }
            }
            Event::MarketCreated { market } => {
                if let Some(listed) = self.list(market) {
                    if let Err(Unlisted { why, .. }) = &listed {
                        tracing::error!(market = market.0, %why, "a market cannot be shown");
                    }
                    self.markets.push(MarketState {
                        listed,
                        levels: Levels::default(),
                        trades: Trades::new(&self.options),
                        candles: Candles::new(&self.options),
                    });
                }
                self.tell_market(market, told);
            }
            Event::MarketChanged { market } | Event::PhaseChanged { market, .. } => {
                if let Some(listed) = self.list(market)
                    && let Some(state) = self.markets.get_mut(usize::from(market.0))
                {
                    state.listed = listed;
                }
                self.tell_market(market, told);
            }
            Event::SessionRegistered { .. }
            | Event::AccountSuspended { .. }
            | Event::LimitsSet { .. }
            | Event::ExchangeHalted { .. } => {}
        }
        Ok(())
    }

    fn list(&self, id: MarketId) -> Option<Result<Arc<Market>, Unlisted>> {
        let state = self.book.markets().nth(usize::from(id.0))?;
        let named = |name: &str| {
            let mut listed = self.markets.iter().flat_map(|market| &market.listed);
            listed.find(|market| market.symbol == name).map(|market| market.id)
        };
        Some(listing::market(id, state, named, &self.assets, &self.options))
    }

    fn tell_market(&self, id: MarketId, told: &mut Told) {
        told.hidden = false;
        if let Some(Ok(listed)) = self.market(id).map(|market| &market.listed) {
            told.say(|| Update::Market(Arc::clone(listed)));
        }
    }

    /// What books and balances are now.
    fn end_command(&mut self, told: &mut Told) {
        for (id, market) in (0..).zip(&mut self.markets) {
            if !market.levels.is_touched() {
                continue;
            }
            let changed = market.levels.end_command();
            told.hidden = market.listed.is_err();
            if !changed.is_nothing() {
                let update = market.levels.update;
                let (bids, asks) = (changed.bids, changed.asks);
                told.say(|| Update::Depth(DepthChange { market: MarketId(id), update, bids, asks }));
            }
            if changed.best {
                told.say(|| Update::Best(MarketId(id), market.levels.best));
            }
        }
        told.hidden = false;
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        let accounts = self.book.accounts().len();
        for account in touched.drain(..).filter(|account| (account.0 as usize) < accounts) {
            let mut list = Vec::new();
            for asset in (0..self.book.assets().len() as u16).map(AssetId) {
                let balance = self.book.balance_of(account, asset);
                let before = self.balances.entry((account, asset)).or_default();
                if *before != balance {
                    *before = balance;
                    list.push((asset, balance));
                }
            }
            if !list.is_empty() {
                told.say(|| Update::Balances(account, list));
            }
        }
        self.touched = touched;
    }
}

fn market(markets: &mut [MarketState], id: MarketId) -> Result<&mut MarketState, Disagreement> {
    markets.get_mut(usize::from(id.0)).ok_or(Disagreement::UnknownMarket { market: id })
}

/// The market whose book or orders an event is about.
fn event_market(event: &Event) -> Option<MarketId> {
    match *event {
        Event::Fill(fill) => Some(fill.market),
        Event::Rested { market, .. }
        | Event::Cancelled { market, .. }
        | Event::Replaced { market, .. }
        | Event::Waiting { market, .. }
        | Event::Triggered { market, .. } => Some(market),
        _ => None,
    }
}
