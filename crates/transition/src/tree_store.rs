//! The rules' store over a state tree, for one batch.
//!
//! Everything is read from the tree once, when first asked for, and kept decoded; all changes go to the tree together
//! at the end, as the difference between what was read and what is there now. An order that comes and goes within
//! the batch never reaches the tree.
//!
//! Ordered walks (the book, waiting orders, expiries) read the tree's chain from the front only as far as they are
//! asked to: up to their *frontier* every entry of the tree is known, so the first known entry up to there is the first
//! of all. Beyond it, orders may be known by name.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use hashbrown::HashMap;
use rules::{Account, Asset, Balance, Direction, Globals, Market, Order, Position, Store};
use state::{Change, Key, StateTree, Value};
use types::{AccountId, AssetId, ClientOrderId, Limits, MarketId, OrderId, Quantity, Side, Timestamp};

use crate::book_side::{BookSide, Step};
use crate::keys;
use crate::open_index::OpenIndex;
use crate::order_slots::OrderSlots;
use crate::record_table::{Cell, Id, RecordTable};
use crate::records::{self, Record};
use crate::{Anchor, Stream, TransitionError};

#[cfg(feature = "std")]
pub(crate) type Seeds = foldhash::fast::RandomState;
#[cfg(not(feature = "std"))]
pub(crate) type Seeds = foldhash::fast::FixedState;

/// The store of one batch.
pub(crate) struct TreeStore<'t, T> {
    tree: &'t mut T,
    globals: Cell<Globals>,
    assets: RecordTable<AssetId, Asset>,
    markets: RecordTable<MarketId, Market>,
    accounts: RecordTable<AccountId, Account>,
    balances: RecordTable<(AccountId, AssetId), Balance>,
    positions: RecordTable<(AccountId, MarketId), Position>,
    limits: RecordTable<(AccountId, MarketId), Limits>,
    orders: OrderSlots,
    books: BTreeMap<(MarketId, Side2), BookSide>,
    waiting: BTreeMap<(MarketId, Side2), Walk>,
    expiries: Walk,
    open: OpenIndex,
    /// The orders that were read from the tree, by their key; those that left since included.
    adopted: HashMap<Key, u32, Seeds>,
    /// The slots that an account's open orders in a market were given, the ones that left since included.
    owned: HashMap<(AccountId, MarketId), Vec<u32>, Seeds>,
    /// Whose open orders are known completely.
    walked: BTreeSet<(AccountId, MarketId)>,
    /// The walk in progress: the account's open orders, by number.
    walk: Vec<u32>,
    at: usize,
    /// Orders by the numbers that their owners gave them.
    clients: HashMap<Key, Option<u32>, Seeds>,
}

/// A side of a book or a direction of triggers, as a number that sorts.
type Side2 = u8;

/// An ordered run of the tree's entries, known from the front.
struct Walk {
    known: BTreeMap<Key, u32>,
    /// Entries of the tree that the batch removed.
    gone: BTreeSet<Key>,
    /// Every entry of the tree up to this key has been read.
    frontier: Key,
    /// No entry of the run lies beyond the frontier.
    done: bool,
}

impl Walk {
    fn new(before: Key) -> Self {
        Self { known: BTreeMap::new(), gone: BTreeSet::new(), frontier: before, done: false }
    }

    fn remove(&mut self, key: Key, was_in_tree: bool) {
        self.known.remove(&key);
        if was_in_tree {
            self.gone.insert(key);
        }
    }
}

fn corrupt(key: Key) -> TransitionError {
    TransitionError::CorruptEntry { key }
}

#[inline]
fn cell<'c, T: StateTree, K: Id, R: Record>(
    tree: &mut T,
    table: &'c mut RecordTable<K, R>,
    id: K,
    key: impl FnOnce() -> Key,
) -> Result<&'c mut Cell<R>, TransitionError> {
    table.get(id, || {
        let key = key();
        let bytes = tree.get(key)?;
        bytes.map(|bytes| records::decode(bytes).map_err(|_| corrupt(key))).transpose()
    })
}

impl<'t, T: StateTree> TreeStore<'t, T> {
    /// Opens the store on an existing state, for about this many commands. Traders choose numbers that a table finds by
    /// these `seeds`, so they must not know them before.
    pub fn open(tree: &'t mut T, commands: usize, seeds: Seeds) -> Result<Self, TransitionError> {
        let bytes = tree.get(keys::GLOBALS)?.ok_or(corrupt(keys::GLOBALS))?;
        let globals: Globals = records::decode(bytes).map_err(|_| corrupt(keys::GLOBALS))?;
        let mut store = Self::with(tree, Cell { base: Some(globals), now: Some(globals) }, commands, seeds);
        // Most commands name one order.
        store.orders.reserve(commands);
        Ok(store)
    }

    /// Opens the store on an empty tree.
    pub fn create(tree: &'t mut T, globals: Globals) -> Self {
        Self::with(tree, Cell { base: None, now: Some(globals) }, 0, Seeds::default())
    }

    fn with(tree: &'t mut T, globals: Cell<Globals>, commands: usize, seeds: Seeds) -> Self {
        let last = globals.now.map_or(0, |globals| globals.orders);
        Self {
            tree,
            globals,
            assets: RecordTable::new(),
            markets: RecordTable::new(),
            accounts: RecordTable::new(),
            balances: RecordTable::new(),
            positions: RecordTable::new(),
            limits: RecordTable::new(),
            orders: OrderSlots::default(),
            books: BTreeMap::new(),
            waiting: BTreeMap::new(),
            expiries: Walk::new(keys::expiries_until(Timestamp(0)).0),
            open: OpenIndex::new(last, commands),
            adopted: HashMap::default(),
            owned: HashMap::default(),
            walked: BTreeSet::new(),
            walk: Vec::new(),
            at: 0,
            clients: HashMap::with_hasher(seeds),
        }
    }

    /// The anchor entry.
    pub fn anchor(&mut self) -> Result<Anchor, TransitionError> {
        let bytes = self.tree.get(keys::ANCHOR)?.ok_or(corrupt(keys::ANCHOR))?;
        Anchor::decode(bytes).map_err(|_| corrupt(keys::ANCHOR))
    }

    /// The stream entry of an account; `None` when its session has sent nothing yet.
    pub fn stream(&mut self, account: AccountId) -> Result<Option<Stream>, TransitionError> {
        let key = keys::stream(account);
        match self.tree.get(key)? {
            Some(bytes) => Stream::decode(bytes).map(Some).map_err(|_| corrupt(key)),
            None => Ok(None),
        }
    }

    /// An account as it is now.
    pub fn account_now(&mut self, id: AccountId) -> Result<Option<Account>, TransitionError> {
        Ok(self.account(id)?.copied())
    }

    /// Writes the batch's changes, with the entries that the rules know nothing of.
    pub fn commit(self, own: Vec<Change>) -> Result<(), TransitionError> {
        let mut changes = Changes { list: own, scratch: Vec::new() };
        changes.record(keys::GLOBALS, &self.globals);
        changes.table(&self.assets, keys::asset);
        changes.table(&self.markets, keys::market);
        changes.table(&self.accounts, keys::account_key);
        changes.table(&self.balances, |(account, asset)| keys::balance_key(account, asset));
        changes.table(&self.positions, |(account, market)| keys::position(account, market));
        changes.table(&self.limits, |(account, market)| keys::limits(account, market));
        changes.orders(&self.orders);
        self.tree.apply(&changes.sorted())?;
        Ok(())
    }

    /// Reads an order's entry, unless it is known.
    fn load(&mut self, key: Key) -> Result<u32, TransitionError> {
        if let Some(slot) = self.adopted.get(&key) {
            return Ok(*slot);
        }
        let bytes = self.tree.get(key)?.ok_or(corrupt(key))?;
        let order = records::decode_order(key, bytes).ok_or(corrupt(key))?;
        Ok(self.adopt(key, order))
    }

    /// Takes in an order that was read from the tree.
    fn adopt(&mut self, key: Key, order: Order) -> u32 {
        let slot = self.orders.add(order, true);
        self.adopted.insert(key, slot);
        if order.is_waiting() {
            self.triggers(order.market, order.direction).known.insert(key, slot);
        }
        self.index(&order, slot);
        slot
    }

    /// Makes an order known by its numbers.
    fn index(&mut self, order: &Order, slot: u32) {
        self.open.opened(order.account, order.market, order.id, slot);
        self.owned.entry((order.account, order.market)).or_default().push(slot);
        if order.client_id != ClientOrderId::NONE {
            self.clients.insert(keys::client(order.account, order.client_id), Some(slot));
        }
        if order.expires != Timestamp::NEVER {
            self.expiries.known.insert(keys::expiry(order.expires, order.id), slot);
        }
    }

    fn triggers(&mut self, market: MarketId, direction: Direction) -> &mut Walk {
        self.waiting
            .entry((market, direction as Side2))
            .or_insert_with(|| Walk::new(keys::waiting_side(market, direction).0))
    }

    /// The best order on a side of a book, or the one after `order`.
    fn next_in_book(
        &mut self,
        market: MarketId,
        side: Side,
        order: Option<u32>,
    ) -> Result<Option<u32>, TransitionError> {
        loop {
            match book(&mut self.books, market, side).step(&self.orders, order) {
                Step::Found(slot) => return Ok(Some(slot)),
                Step::End => return Ok(None),
                Step::Read(frontier) => self.read_on(market, side, frontier)?,
            }
        }
    }

    /// Reads a side's next order from the tree.
    #[cold]
    fn read_on(&mut self, market: MarketId, side: Side, frontier: Key) -> Result<(), TransitionError> {
        let found = self.next_entry(frontier, keys::book_side(market, side).1)?;
        let Some((key, order)) = found else {
            book(&mut self.books, market, side).end();
            return Ok(());
        };
        book(&mut self.books, market, side).advance(key);
        let slot = match self.adopted.get(&key) {
            // Left already, before it was in the queue.
            Some(slot) if !self.orders.cell(*slot).open => return Ok(()),
            Some(slot) => *slot,
            None => self.adopt(key, order.ok_or(corrupt(key))?),
        };
        book(&mut self.books, market, side).read(&mut self.orders, slot);
        Ok(())
    }

    /// The tree's next entry up to `last`, as an order.
    fn next_entry(
        &mut self,
        frontier: Key,
        last: Key,
    ) -> Result<Option<(Key, Option<Order>)>, TransitionError> {
        Ok(self
            .tree
            .next(frontier)?
            .filter(|(key, _)| *key <= last)
            .map(|(key, bytes)| (key, records::decode_order(key, bytes))))
    }
}

fn book(books: &mut BTreeMap<(MarketId, Side2), BookSide>, market: MarketId, side: Side) -> &mut BookSide {
    books.entry((market, side as Side2)).or_insert_with(|| BookSide::new(keys::book_side(market, side).0))
}

impl Walk {
    /// The first known entry if nothing unread can lie before it; else where to read on.
    fn step(&self) -> Step {
        match self.known.first_key_value() {
            Some((at, slot)) if self.done || *at <= self.frontier => Step::Found(*slot),
            None if self.done => Step::End,
            _ => Step::Read(self.frontier),
        }
    }

    /// Moves the frontier to the entry that was read; gives it back if it is new.
    fn advance<V>(&mut self, found: Option<(Key, V)>) -> Option<(Key, V)> {
        match found {
            None => {
                self.done = true;
                None
            }
            Some((key, value)) => {
                self.frontier = key;
                (!self.known.contains_key(&key) && !self.gone.contains(&key)).then_some((key, value))
            }
        }
    }
}

impl<T: StateTree> Store for TreeStore<'_, T> {
    type Error = TransitionError;
    type Handle = u32;

    fn globals(&mut self) -> &mut Globals {
        let base = self.globals.base;
        // Always there: `open` and `create` put it.
        self.globals.now.get_or_insert_with(|| base.unwrap_or(EMPTY))
    }

    fn asset(&mut self, id: AssetId) -> Result<Option<&mut Asset>, TransitionError> {
        Ok(cell(self.tree, &mut self.assets, id, || keys::asset(id))?.now.as_mut())
    }

    fn add_asset(&mut self, id: AssetId, asset: Asset) -> Result<(), TransitionError> {
        cell(self.tree, &mut self.assets, id, || keys::asset(id))?.now = Some(asset);
        Ok(())
    }

    fn market(&mut self, id: MarketId) -> Result<Option<&mut Market>, TransitionError> {
        Ok(cell(self.tree, &mut self.markets, id, || keys::market(id))?.now.as_mut())
    }

    fn add_market(&mut self, id: MarketId, market: Market) -> Result<(), TransitionError> {
        cell(self.tree, &mut self.markets, id, || keys::market(id))?.now = Some(market);
        Ok(())
    }

    fn account(&mut self, id: AccountId) -> Result<Option<&mut Account>, TransitionError> {
        Ok(cell(self.tree, &mut self.accounts, id, || keys::account_key(id))?.now.as_mut())
    }

    fn add_account(&mut self, id: AccountId, account: Account) -> Result<(), TransitionError> {
        cell(self.tree, &mut self.accounts, id, || keys::account_key(id))?.now = Some(account);
        Ok(())
    }

    fn limits(&mut self, account: AccountId, market: MarketId) -> Result<Option<Limits>, TransitionError> {
        let key = || keys::limits(account, market);
        Ok(cell(self.tree, &mut self.limits, (account, market), key)?.now)
    }

    fn set_limits(
        &mut self,
        account: AccountId,
        market: MarketId,
        limits: Option<Limits>,
    ) -> Result<(), TransitionError> {
        let key = || keys::limits(account, market);
        cell(self.tree, &mut self.limits, (account, market), key)?.now = limits;
        Ok(())
    }

    fn balance(&mut self, account: AccountId, asset: AssetId) -> Result<&mut Balance, TransitionError> {
        let key = || keys::balance_key(account, asset);
        let cell = cell(self.tree, &mut self.balances, (account, asset), key)?;
        Ok(cell.now.get_or_insert_default())
    }

    fn position(&mut self, account: AccountId, market: MarketId) -> Result<&mut Position, TransitionError> {
        let key = || keys::position(account, market);
        let cell = cell(self.tree, &mut self.positions, (account, market), key)?;
        Ok(cell.now.get_or_insert_default())
    }

    fn best(&mut self, market: MarketId, side: Side) -> Result<Option<u32>, TransitionError> {
        self.next_in_book(market, side, None)
    }

    fn next_best(&mut self, slot: u32) -> Result<Option<u32>, TransitionError> {
        let Order { market, side, .. } = *self.orders.get(slot);
        self.next_in_book(market, side, Some(slot))
    }

    fn order(&mut self, slot: u32) -> Result<&Order, TransitionError> {
        Ok(self.orders.get(slot))
    }

    fn set_quantity(&mut self, slot: u32, quantity: Quantity) -> Result<(), TransitionError> {
        self.orders.cell_mut(slot).order.quantity = quantity;
        Ok(())
    }

    fn insert(&mut self, order: Order) -> Result<(), TransitionError> {
        let slot = self.orders.add(order, false);
        if order.is_waiting() {
            self.triggers(order.market, order.direction).known.insert(keys::order(&order), slot);
        } else {
            book(&mut self.books, order.market, order.side).insert(&mut self.orders, slot);
        }
        self.index(&order, slot);
        Ok(())
    }

    fn remove(&mut self, slot: u32) -> Result<Order, TransitionError> {
        let Order { market, side, .. } = *self.orders.get(slot);
        if !self.orders.get(slot).is_waiting() {
            book(&mut self.books, market, side).remove(&mut self.orders, slot);
        }
        let (order, was_in_tree) = self.orders.close(slot);
        if order.is_waiting() {
            self.triggers(market, order.direction).remove(keys::order(&order), was_in_tree);
        }
        self.open.closed(order.account, market, order.id);
        if order.client_id != ClientOrderId::NONE {
            self.clients.insert(keys::client(order.account, order.client_id), None);
        }
        if order.expires != Timestamp::NEVER {
            self.expiries.remove(keys::expiry(order.expires, order.id), was_in_tree);
        }
        Ok(order)
    }

    fn find(
        &mut self,
        account: AccountId,
        market: MarketId,
        id: OrderId,
    ) -> Result<Option<u32>, TransitionError> {
        if let Some(known) = self.open.get(account, market, id) {
            return Ok(known);
        }
        let key = keys::open(account, market, id);
        let pointer = match self.tree.get(key)? {
            Some(bytes) => Some(records::decode_pointer(bytes).ok_or(corrupt(key))?),
            None => None,
        };
        match pointer {
            Some(order) => self.load(order).map(Some),
            None => {
                self.open.absent(key);
                Ok(None)
            }
        }
    }

    fn find_client(&mut self, account: AccountId, id: ClientOrderId) -> Result<Option<u32>, TransitionError> {
        let key = keys::client(account, id);
        if let Some(known) = self.clients.get(&key) {
            return Ok(*known);
        }
        let pointer = match self.tree.get(key)? {
            Some(bytes) => Some(records::decode_pointer(bytes).ok_or(corrupt(key))?),
            None => None,
        };
        let found = match pointer {
            Some(order) => Some(self.load(order)?),
            None => None,
        };
        self.clients.insert(key, found);
        Ok(found)
    }

    fn first_open(&mut self, account: AccountId, market: MarketId) -> Result<Option<u32>, TransitionError> {
        let (before, last) = keys::open_orders(account, market);
        if !self.walked.contains(&(account, market)) {
            let mut at = before;
            while let Some((key, bytes)) = self.tree.next(at)?.filter(|(key, _)| *key <= last) {
                let pointer = records::decode_pointer(bytes).ok_or(corrupt(key))?;
                if self.open.get(account, market, OrderId(key as u64)).is_none() {
                    self.load(pointer)?;
                }
                at = key;
            }
            self.walked.insert((account, market));
        }
        let slots = self.owned.entry((account, market)).or_default();
        // Slots whose order left are used again, by anybody and even by the same account.
        let orders = &self.orders;
        slots.sort_unstable_by_key(|slot| (orders.get(*slot).id, *slot));
        slots.dedup();
        slots.retain(|slot| {
            let cell = orders.cell(*slot);
            cell.open && cell.order.account == account && cell.order.market == market
        });
        self.walk.clone_from(slots);
        self.at = 0;
        Ok(self.walk.first().copied())
    }

    fn next_open(&mut self, slot: u32) -> Result<Option<u32>, TransitionError> {
        debug_assert_eq!(self.walk.get(self.at), Some(&slot), "a walk goes on where it was");
        self.at += 1;
        Ok(self.walk.get(self.at).copied())
    }

    fn first_waiting(
        &mut self,
        market: MarketId,
        direction: Direction,
    ) -> Result<Option<u32>, TransitionError> {
        let last = keys::waiting_side(market, direction).1;
        loop {
            match self.triggers(market, direction).step() {
                Step::Found(slot) => return Ok(Some(slot)),
                Step::End => return Ok(None),
                Step::Read(frontier) => {
                    let found = self.next_entry(frontier, last)?;
                    if let Some((key, order)) = self.triggers(market, direction).advance(found) {
                        self.adopt(key, order.ok_or(corrupt(key))?);
                    }
                }
            }
        }
    }

    fn first_expired(&mut self, now: Timestamp) -> Result<Option<u32>, TransitionError> {
        let (_, last) = keys::expiries_until(now);
        loop {
            // Only what has expired is of interest, so the walk stops at the first entry beyond.
            match self.expiries.step() {
                Step::Found(slot) => {
                    return Ok(self.orders.get(slot).is_expired(now).then_some(slot));
                }
                Step::End => return Ok(None),
                Step::Read(frontier) if frontier >= last => return Ok(None),
                Step::Read(frontier) => {
                    let entry = match self.tree.next(frontier)? {
                        Some((key, bytes)) if key <= keys::expiries_until(Timestamp::NEVER).1 => {
                            Some((key, records::decode_pointer(bytes).ok_or(corrupt(key))?))
                        }
                        _ => None,
                    };
                    if let Some((_, pointer)) = self.expiries.advance(entry) {
                        self.load(pointer)?;
                    }
                }
            }
        }
    }
}

/// Stands in for globals that are always there.
const EMPTY: Globals =
    Globals::new(rules::Capacity { accounts: 0, open_orders: 0, assets: 0, markets: 0, price_levels: 0 });

/// The batch's changes to the tree.
struct Changes {
    list: Vec<Change>,
    scratch: Vec<u8>,
}

impl Changes {
    /// All changes by key. Where one order left an entry and another took it over, the one that stays wins.
    fn sorted(mut self) -> Vec<Change> {
        // The keys alone are sorted: the values are large.
        let mut order: Vec<(Key, bool, u32)> =
            self.list.iter().zip(0..).map(|((key, value), at)| (*key, value.is_some(), at)).collect();
        order.sort_unstable();
        let mut sorted: Vec<Change> = Vec::with_capacity(order.len());
        for (key, _, at) in order {
            let value = self.list[at as usize].1.take();
            match sorted.last_mut() {
                Some(last) if last.0 == key => last.1 = value,
                _ => sorted.push((key, value)),
            }
        }
        sorted
    }

    fn table<K: Id, R: Record>(&mut self, table: &RecordTable<K, R>, key: impl Fn(K) -> Key) {
        for (id, cell) in table.iter() {
            self.record(key(*id), cell);
        }
    }

    fn record<R: Record>(&mut self, key: Key, cell: &Cell<R>) {
        let base = cell.base.filter(|record| !record.is_nothing());
        let now = cell.now.filter(|record| !record.is_nothing());
        if base != now {
            let value = now.map(|record| records::value(&record, &mut self.scratch));
            self.list.push((key, value));
        }
    }

    fn orders(&mut self, orders: &OrderSlots) {
        for cell in orders.iter() {
            match (&cell.base, cell.open) {
                (None, true) => self.order(&cell.order, true),
                (Some(_), false) => self.order(&cell.order, false),
                (Some(base), true) if *base != cell.order.quantity => {
                    let value = records::order_value(&cell.order, &mut self.scratch);
                    self.list.push((keys::order(&cell.order), Some(value)));
                }
                _ => {}
            }
        }
    }

    /// All entries of an order, to put or to remove.
    fn order(&mut self, order: &Order, put: bool) {
        let key = keys::order(order);
        let value = put.then(|| records::order_value(order, &mut self.scratch));
        let pointer: Option<Value> = put.then(|| records::pointer(key));
        self.list.push((key, value));
        self.list.push((keys::open(order.account, order.market, order.id), pointer.clone()));
        if order.client_id != ClientOrderId::NONE {
            self.list.push((keys::client(order.account, order.client_id), pointer.clone()));
        }
        if order.expires != Timestamp::NEVER {
            self.list.push((keys::expiry(order.expires, order.id), pointer));
        }
    }
}
