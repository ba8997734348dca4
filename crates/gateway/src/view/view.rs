//! The view itself: what can be asked.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use exchange::Exchange;
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use rules::Genesis;
use state::{FullTree, Sha256Hash};
use tokio::sync::{broadcast, watch};
use types::{AccountId, Address, MarketId, OrderId, OrderRef, Timestamp};

use super::fault::ViewError;
use super::follower::Follower;
use super::interval::Interval;
use super::options::ViewOptions;
use super::selection::{self, Numbered};
use super::state::{MarketState, State};
use super::{
    Account, AggregateTrade, Asset, Best, Candle, Day, Depth, History, Market, Order, Range, Trade, Unlisted,
    Updates,
};

/// What the gateway shows of an exchange. It follows until it is dropped or the exchange ends.
pub struct View {
    shared: Arc<Shared>,
}

/// What the follower writes and questions read.
pub(super) struct Shared {
    state: RwLock<State>,
    pub updates: broadcast::Sender<Arc<Updates>>,
    pub reached: watch::Sender<Reached>,
    pub up_to_date: AtomicBool,
    fault: Mutex<Option<String>>,
}

/// How far a view is.
#[derive(Clone, Copy, Default)]
pub(super) struct Reached {
    /// The last command that is in the view and told.
    pub sequence: u64,
    /// Whether nothing more will come.
    pub over: bool,
}

impl Shared {
    pub fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write()
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read()
    }

    pub fn sequence(&self) -> u64 {
        self.reached.borrow().sequence
    }

    /// Nothing more is followed.
    pub fn end(&self, fault: Option<String>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
        self.up_to_date.store(false, Ordering::Release);
        self.reached.send_modify(|reached| reached.over = true);
    }
}

impl View {
    /// Follows an exchange in a thread of its own: first its sealed batches, which are in the folder `batches`, from the first
    /// one on, then its tape.
    ///
    /// # Errors
    /// When the genesis is none, or there can be no thread.
    pub fn follow(
        exchange: Arc<Exchange>,
        genesis: &Genesis,
        batches: PathBuf,
        options: ViewOptions,
    ) -> Result<Arc<Self>, ViewError> {
        let genesis_root = transition::genesis(&mut FullTree::<Sha256Hash>::new(), genesis)?;
        let shared = Arc::new(Shared {
            state: RwLock::new(State::new(genesis, &options)),
            updates: broadcast::Sender::new(options.updates.max(1)),
            reached: watch::Sender::new(Reached::default()),
            up_to_date: AtomicBool::new(false),
            fault: Mutex::default(),
        });
        let follower = Follower {
            shared: Arc::downgrade(&shared),
            exchange: Arc::downgrade(&exchange),
            identity: (genesis.chain_id, genesis.exchange),
            genesis_root,
            batches,
            next_batch: 1,
            last_claim: None,
            tape: options.tape,
        };
        let spawned = thread::Builder::new().name("view".into()).spawn(move || follower.run());
        spawned.map_err(ViewError::Thread)?;
        Ok(Arc::new(Self { shared }))
    }

    /// The markets that can be shown, by number.
    #[must_use]
    pub fn markets(&self) -> Vec<Arc<Market>> {
        let state = self.shared.read();
        state.markets.iter().filter_map(|market| market.listed.as_ref().ok().cloned()).collect()
    }

    /// The markets that cannot be shown, and why.
    #[must_use]
    pub fn unlisted(&self) -> Vec<Unlisted> {
        let state = self.shared.read();
        state.markets.iter().filter_map(|market| market.listed.as_ref().err().cloned()).collect()
    }

    /// The market of this name.
    #[must_use]
    pub fn market(&self, symbol: &str) -> Option<Arc<Market>> {
        let state = self.shared.read();
        let mut listed = state.markets.iter().filter_map(|market| market.listed.as_ref().ok());
        listed.find(|market| market.symbol == symbol).cloned()
    }

    /// The market with this number.
    #[must_use]
    pub fn market_by_id(&self, id: MarketId) -> Option<Arc<Market>> {
        self.of(id, |market| market.listed.as_ref().ok().cloned()).flatten()
    }

    /// The assets, by number, but for those that cannot be shown.
    #[must_use]
    pub fn assets(&self) -> Vec<Arc<Asset>> {
        self.shared.read().assets.iter().filter_map(|asset| asset.as_ref().ok().cloned()).collect()
    }

    /// The best levels of a book, so many of each side.
    #[must_use]
    pub fn depth(&self, market: MarketId, limit: usize) -> Depth {
        self.of(market, |market| market.levels.depth(limit)).unwrap_or_default()
    }

    /// The best prices of a market.
    #[must_use]
    pub fn best(&self, market: MarketId) -> Best {
        self.of(market, |market| market.levels.best).unwrap_or_default()
    }

    /// Trades of a market, by number.
    #[must_use]
    pub fn trades(&self, market: MarketId, range: Range) -> Vec<Trade> {
        self.of(market, |market| market.trades.select(range)).unwrap_or_default()
    }

    /// Aggregate trades of a market, by number.
    #[must_use]
    pub fn aggregate_trades(&self, market: MarketId, range: Range) -> Vec<AggregateTrade> {
        self.of(market, |market| market.trades.select_aggregates(range)).unwrap_or_default()
    }

    /// Candles of a market, without gaps.
    #[must_use]
    pub fn candles(&self, market: MarketId, interval: Interval, range: Range) -> Vec<Candle> {
        let state = self.shared.read();
        state.market(market).map(|known| known.candles.list(interval, range, state.time)).unwrap_or_default()
    }

    /// The last 24 hours of a market.
    #[must_use]
    pub fn day(&self, market: MarketId) -> Day {
        let state = self.shared.read();
        let Some(known) = state.market(market) else { return Day::default() };
        let mut day = known.candles.day(state.time);
        day.last_quantity = known.trades.last().map(|trade| trade.quantity).unwrap_or_default();
        day.best = known.levels.best;
        day
    }

    /// What an account has.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<Account> {
        let state = self.shared.read();
        let account = *state.book.accounts().get(id.0 as usize)?;
        let assets = (0..state.book.assets().len() as u16).map(types::AssetId);
        Some(Account {
            id,
            state: account,
            balances: assets.map(|asset| state.book.balance_of(id, asset)).collect(),
        })
    }

    /// The account of an owner.
    #[must_use]
    pub fn account_of(&self, owner: Address) -> Option<AccountId> {
        self.shared.read().owners.get(&owner).copied()
    }

    /// An account's order in a market: by number, or the newest with the trader's number.
    #[must_use]
    pub fn order(&self, account: AccountId, market: MarketId, order: OrderRef) -> Option<Order> {
        self.shared.read().orders.find(account, market, order)
    }

    /// The order that this command ended, when it is the one that is meant. Its name may be another's since.
    #[must_use]
    pub fn order_ended_by(
        &self,
        account: AccountId,
        market: MarketId,
        order: OrderRef,
        sequence: u64,
    ) -> Option<Order> {
        let state = self.shared.read();
        let newest = state.orders.find(account, market, order)?;
        let OrderRef::Client(client_id) = order else { return Some(newest) };
        if newest.updated_sequence == sequence {
            return Some(newest);
        }
        let ended = |order: &Order| {
            order.market == market && order.client_id == client_id && order.updated_sequence == sequence
        };
        state.orders.closed_of(account).find(ended)
    }

    /// An order by its number.
    #[must_use]
    pub fn order_by_id(&self, id: OrderId) -> Option<Order> {
        self.shared.read().orders.by_id(id)
    }

    /// The open orders of an account, by number.
    #[must_use]
    pub fn open_orders(&self, account: AccountId, market: Option<MarketId>) -> Vec<Order> {
        let state = self.shared.read();
        let open = state.orders.open_of(account);
        open.filter(|order| market.is_none_or(|market| order.market == market)).collect()
    }

    /// Open and closed orders of an account in a market, by number.
    #[must_use]
    pub fn orders(&self, account: AccountId, market: MarketId, range: Range) -> Vec<Order> {
        let state = self.shared.read();
        selection::of_any(state.orders.all_of(account).filter(|order| order.market == market), range)
    }

    /// All that is known of an account's orders, as of one command.
    #[must_use]
    pub fn history(&self, account: AccountId) -> History {
        let state = self.shared.read();
        let mut orders: Vec<Order> = state.orders.all_of(account).collect();
        orders.sort_unstable_by_key(|order| order.id);
        History {
            sequence: state.sequence,
            orders,
            trades: state.account_trades.of(account).copied().collect(),
            forgotten: state.orders.forgotten(account),
        }
    }

    /// Trades of an account in a market, or of one of its orders, by number.
    #[must_use]
    pub fn account_trades(
        &self,
        account: AccountId,
        market: MarketId,
        order: Option<OrderId>,
        range: Range,
    ) -> Vec<Trade> {
        let state = self.shared.read();
        let of = |trade: &&Trade| {
            trade.market == market && order.is_none_or(|id| trade.maker.0 == id || trade.taker.0 == id)
        };
        selection::of_any(state.account_trades.of(account).filter(of).copied(), range)
    }

    /// What every command changes from now on, in order. Whoever is too far behind is told how many he has missed.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Updates>> {
        self.shared.updates.subscribe()
    }

    /// Returns once the view has this command; not at all when the view stops before, so say how long you wait.
    pub async fn reached(&self, sequence: u64) {
        if !self.reached_or_stopped(sequence).await {
            std::future::pending::<()>().await;
        }
    }

    /// Returns once the view has this command, with true, or when it has stopped before, with false.
    pub async fn reached_or_stopped(&self, sequence: u64) -> bool {
        let mut reached = self.shared.reached.subscribe();
        let enough = reached.wait_for(|reached| reached.over || reached.sequence >= sequence).await;
        // The sender lives as long as `self`.
        enough.is_ok_and(|reached| reached.sequence >= sequence)
    }

    /// The last command that is in the view.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.shared.sequence()
    }

    /// Its time.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.shared.read().time
    }

    /// Whether the exchange's kill switch is on: no new orders anywhere.
    #[must_use]
    pub fn is_halted(&self) -> bool {
        self.shared.read().book.counters().halted
    }

    /// Whether the view follows the tape: what is acknowledged is in it within moments.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        self.shared.up_to_date.load(Ordering::Acquire)
    }

    /// What has stopped the view, if anything has. It is a bug, or a damaged file.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn of<T>(&self, id: MarketId, ask: impl FnOnce(&MarketState) -> T) -> Option<T> {
        self.shared.read().market(id).map(ask)
    }
}

impl Numbered for Order {
    fn number(&self) -> u64 {
        self.id.0
    }

    fn time(&self) -> Timestamp {
        self.time
    }
}
