//! From a recording to commands: what the traders must have asked for.
//!
//! The recording shows only what touched the best price. A submission becomes a limit order under its recorded
//! number, a cancellation a cancel or a smaller replacement, an execution an immediate-or-cancel order of the
//! other side at the recorded price and quantity. The real book runs along under the real rules, and after each
//! message both of its best quotes are made to agree with the recorded ones by inferred commands:
//!
//! - Orders of ours at a better price than the recorded best left unseen: cancelled.
//! - A smaller recorded quantity means orders that left or shrank unseen: first those that no later message
//!   names, an exact match before others, else the newest first.
//! - A larger recorded quantity means orders that entered unseen: anonymous ones, behind all others, since
//!   whatever no message names was never executed in sight.
//!
//! **Who is first in the queue.** Two passes are made. The first notes every order that some message names but
//! whose submission was not recorded: its side, its price, and the least it must hold. The second places such
//! an order where its number says that it entered: the recording exchange numbers submissions in time, so an
//! order older than the next recorded submission exists by then. It enters as soon as its price is behind the
//! recorded best (at the best it would have been seen), or when the best quantity has room for it. Nothing is
//! ever moved to the front because it is about to trade; whether a maker agrees is decided by the rules.
//!
//! Agreement is measured while this happens, by the same rules that the replay runs.

use std::collections::{BTreeMap, HashMap};

use rules::{Capacity, Genesis, OPERATOR, Order};
use types::{
    AccountId, Address, AssetId, AssetParams, Breaker, ClientOrderId, Command, Limits, MarketParams,
    OrderRef, Place, Price, Quanta, Quantity, Rate, Side, TimeInForce, Timestamp,
};

use crate::dev_keys::dev_genesis;
use crate::mirror::{MARKET, Mirror};
use crate::recording::Mentions;
use crate::{
    Agreement, Deviation, DeviationKind, FlowItem, FlowOrigin, Message, MessageKind, Recording, Setup,
};

/// Accounts of a reconstruction: what is inferred and what is recorded never mix.
mod accounts {
    /// Orders that no message names.
    pub const ANONYMOUS: u32 = 1;
    /// Orders that messages name but whose submission was not recorded.
    pub const UNSEEN: std::ops::Range<u32> = 2..6;
    /// Orders whose submission was recorded.
    pub const MAKERS: std::ops::Range<u32> = 6..14;
    /// Orders that execute recorded makers.
    pub const TAKERS: std::ops::Range<u32> = 14..18;
    pub const TRADERS: u32 = 17;
}

/// The commands of a recording, in order, with the setup first.
pub struct Reconstruction {
    recording: Recording,
    genesis: Genesis,
    mirror: Mirror,
    mentions: HashMap<u64, Mentions>,
    /// Orders without a recorded submission, by number.
    unseen: Vec<u64>,
    /// How many of them exist by now.
    existing: usize,
    /// Those that exist and do not rest here yet, by side and price.
    waiting: BTreeMap<(bool, Price), Vec<u64>>,
    /// The next message.
    at: usize,
    /// The first submission at or after the next message.
    submission: usize,
    /// The highest recorded number so far.
    newest: u64,
    anonymous: u64,
    agreement: Agreement,
}

impl Reconstruction {
    /// Prepares the reconstruction of a recording.
    #[must_use]
    pub fn new(recording: Recording) -> Self {
        let max_price = recording.highest().0.saturating_mul(2).clamp(1, MarketParams::MAX_TICKS);
        let orders = recording.messages().len().saturating_mul(2).next_power_of_two().clamp(1 << 12, 1 << 26);
        let genesis = dev_genesis(Capacity {
            accounts: accounts::TRADERS + 1,
            open_orders: orders as u32,
            assets: 2,
            markets: 1,
            price_levels: max_price,
        });
        let mentions = recording.mentions();
        let mut unseen: Vec<u64> =
            mentions.iter().filter(|(_, mentions)| !mentions.submitted).map(|(order, _)| *order).collect();
        unseen.sort_unstable();
        let mut mirror = Mirror::new(&genesis);
        for item in setup(&recording, Price(max_price)) {
            mirror.send(item);
        }
        Self {
            recording,
            genesis,
            mirror,
            mentions,
            unseen,
            existing: 0,
            waiting: BTreeMap::new(),
            at: 0,
            submission: 0,
            newest: 0,
            anonymous: 0,
            agreement: Agreement::default(),
        }
    }

    /// What the exchange begins with.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// How far the commands so far agree with the recording.
    #[must_use]
    pub fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// Messages read so far, and all there are.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.at as u64, self.recording.messages().len() as u64)
    }

    fn replay_message(&mut self, message: &Message) {
        self.agreement.messages += 1;
        match message.kind {
            MessageKind::Submission => self.submission(message),
            MessageKind::Reduction | MessageKind::Deletion => self.cancellation(message),
            MessageKind::Execution => self.execution(message),
            MessageKind::HiddenExecution => self.agreement.hidden_executions += 1,
            MessageKind::Other => self.agreement.other += 1,
        }
        let names_order = !matches!(message.kind, MessageKind::HiddenExecution | MessageKind::Other);
        if let Some(mentions) = self.mentions.get_mut(&message.order).filter(|_| names_order)
            && message.kind != MessageKind::Submission
        {
            mentions.ahead.0 = mentions.ahead.0.saturating_sub(message.quantity.0);
        }
        self.agreement.quotes_at_once += u64::from(self.quotes_agree(message));
        self.reconcile(message);
        self.agreement.quotes_in_the_end += u64::from(self.quotes_agree(message));
        self.agreement.rejected = self.mirror.rejected();
    }

    fn submission(&mut self, message: &Message) {
        self.agreement.submissions += 1;
        self.newest = self.newest.max(message.order);
        let place = Place {
            client_id: ClientOrderId(message.order),
            ..Place::limit(MARKET, message.side, self.recording.price(message.price), message.quantity)
        };
        self.send(message.timestamp, self.account_of(message.order), Command::Place(place));
        self.agreement.unexpected_fills += self.mirror.fills().len() as u64;
    }

    fn cancellation(&mut self, message: &Message) {
        let whole = message.kind == MessageKind::Deletion;
        *(if whole { &mut self.agreement.deletions } else { &mut self.agreement.reductions }) += 1;
        let account = self.account_of(message.order);
        match self.mirror.find(account, ClientOrderId(message.order)) {
            None => self.agreement.unknown_cancels += 1,
            Some(order) if whole => self.cancel(message.timestamp, &order),
            Some(order) => self.shrink(message.timestamp, &order, message.quantity.0),
        }
    }

    fn execution(&mut self, message: &Message) {
        self.agreement.executions += 1;
        let (price, quantity) = (self.recording.price(message.price), message.quantity);
        let maker = self.mirror.find(self.account_of(message.order), ClientOrderId(message.order));
        let level = self.mirror.level(message.side, price);
        let place = Place {
            time_in_force: TimeInForce::Ioc,
            ..Place::limit(MARKET, message.side.opposite(), price, quantity)
        };
        self.send(message.timestamp, pick(accounts::TAKERS, message.order), Command::Place(place));

        let fills = self.mirror.fills();
        let traded = fills.iter().filter(|fill| fill.price == price).map(|fill| fill.quantity.0).sum();
        let terms = traded == quantity.0;
        let same = terms && maker.is_some_and(|maker| fills.iter().all(|fill| fill.maker == maker.id));
        self.agreement.executions_of_unseen += u64::from(self.is_unseen(message.order));
        self.agreement.executions_at_terms += u64::from(terms);
        self.agreement.executions_with_maker += u64::from(same);
        if !same && self.agreement.deviations.len() < Agreement::MAX_DEVIATIONS {
            let other = fills.iter().find(|fill| maker.is_none_or(|maker| fill.maker != maker.id));
            let other = other.and_then(|fill| level.iter().find(|order| order.id == fill.maker));
            let named = other.filter(|order| order.account.0 != accounts::ANONYMOUS);
            self.agreement.deviations.push(Deviation {
                line: message.line,
                maker: message.order,
                price,
                quantity: quantity.0,
                kind: if terms {
                    DeviationKind::Maker { instead: named.map(|order| order.client_id.0) }
                } else {
                    DeviationKind::Terms { traded }
                },
            });
        }
    }

    fn quotes_agree(&self, message: &Message) -> bool {
        Side::BOTH.into_iter().all(|side| {
            let ours = self.mirror.best(side).map(|best| {
                let level = self.mirror.orders(side).take_while(|order| order.price == best.price);
                (best.price, level.map(|order| order.quantity.0).sum::<u64>())
            });
            let recorded =
                message.quote(side).map(|quote| (self.recording.price(quote.price), quote.quantity.0));
            ours == recorded
        })
    }

    /// Infers what happened unseen until both best quotes are as recorded.
    fn reconcile(&mut self, message: &Message) {
        self.note_existing();
        // Both sides first lose what is too good, so that nothing inferred afterwards can trade.
        for side in Side::BOTH {
            self.cancel_better(message, side);
        }
        for side in Side::BOTH {
            self.complete_best(message, side);
            self.place_behind(message, side);
        }
    }

    /// Notes the unseen orders that exist by now: those older than the next recorded submission.
    fn note_existing(&mut self) {
        let messages = self.recording.messages();
        while self.submission <= self.at
            || messages.get(self.submission).is_some_and(|message| message.kind != MessageKind::Submission)
        {
            self.submission += 1;
        }
        let next = messages.get(self.submission).map_or(u64::MAX, |message| message.order);
        while let Some(order) = self.unseen.get(self.existing).copied().filter(|order| *order < next) {
            self.existing += 1;
            self.wait(order);
        }
    }

    fn wait(&mut self, order: u64) {
        if let Some(mentions) = self.mentions.get(&order).filter(|mentions| mentions.ahead.0 != 0) {
            let key = (mentions.side == Side::Sell, self.recording.price(mentions.price));
            let orders = self.waiting.entry(key).or_default();
            let at = orders.partition_point(|other| *other < order);
            orders.insert(at, order);
        }
    }

    fn cancel_better(&mut self, message: &Message, side: Side) {
        let recorded = message.quote(side).map(|quote| self.recording.price(quote.price));
        while let Some(order) = self.mirror.best(side) {
            if recorded.is_some_and(|recorded| !better(side, order.price, recorded)) {
                return;
            }
            self.infer_cancel(message.timestamp, &order);
        }
    }

    /// Brings the best level to the recorded quantity.
    fn complete_best(&mut self, message: &Message, side: Side) {
        let Some(quote) = message.quote(side) else { return };
        let price = self.recording.price(quote.price);
        let mut quantity: u64 = self.mirror.level(side, price).iter().map(|order| order.quantity.0).sum();
        let key = (side == Side::Sell, price);
        for order in self.waiting.remove(&key).unwrap_or_default() {
            let ahead = self.ahead(order);
            if ahead == 0 {
                continue;
            }
            // Older than the newest submission, it rests there now, whatever else does. Else it may.
            let excess = (quantity + ahead).saturating_sub(quote.quantity.0);
            if excess != 0 && order < self.newest {
                quantity -= excess - self.cut_unneeded(message.timestamp, side, price, excess);
            }
            if quantity + ahead <= quote.quantity.0 {
                self.place_named(message.timestamp, order);
                quantity += ahead;
            } else {
                self.wait(order);
            }
        }
        match quote.quantity.0.checked_sub(quantity) {
            Some(0) => {}
            Some(missing) => self.place_anonymous(message.timestamp, side, price, missing),
            None => {
                let excess = quantity - quote.quantity.0;
                let excess = self.cut_unneeded(message.timestamp, side, price, excess);
                self.cut_newest(message.timestamp, side, price, excess);
            }
        }
    }

    /// Places the unseen orders whose price is behind the recorded best: that is why they were not seen.
    fn place_behind(&mut self, message: &Message, side: Side) {
        let Some(quote) = message.quote(side) else { return };
        let best = self.recording.price(quote.price);
        let behind: Vec<(bool, Price)> = self
            .waiting
            .keys()
            .filter(|(sell, price)| *sell == (side == Side::Sell) && better(side, best, *price))
            .copied()
            .collect();
        for key in behind {
            for order in self.waiting.remove(&key).unwrap_or_default() {
                self.place_named(message.timestamp, order);
            }
        }
    }

    /// Takes `excess` lots from the best level without touching what later messages need; what is left over.
    fn cut_unneeded(&mut self, now: Timestamp, side: Side, price: Price, mut excess: u64) -> u64 {
        let level = self.mirror.level(side, price);
        let unnamed = || level.iter().rev().filter(|order| self.needed(order) == 0).copied();
        let mut leaving: Vec<Order> = unnamed().filter(|order| order.quantity.0 == excess).take(1).collect();
        if leaving.is_empty() {
            leaving = unnamed().collect();
        }
        for order in leaving {
            excess -= self.infer_cut(now, &order, order.quantity.0.min(excess));
        }
        for order in level.iter().rev() {
            let needed = self.needed(order);
            if needed != 0 {
                excess -= self.infer_cut(now, order, order.quantity.0.saturating_sub(needed).min(excess));
            }
        }
        excess
    }

    /// Takes `excess` lots from the best level, newest order first.
    fn cut_newest(&mut self, now: Timestamp, side: Side, price: Price, mut excess: u64) {
        for order in self.mirror.level(side, price).iter().rev() {
            excess -= self.infer_cut(now, order, order.quantity.0.min(excess));
        }
    }

    /// Takes this much from an order; how much that was.
    fn infer_cut(&mut self, now: Timestamp, order: &Order, quantity: u64) -> u64 {
        if quantity == order.quantity.0 {
            self.infer_cancel(now, order);
        } else if quantity != 0 {
            self.agreement.inferred.reductions += 1;
            self.shrink(now, order, quantity);
        }
        quantity
    }

    fn infer_cancel(&mut self, now: Timestamp, order: &Order) {
        self.agreement.inferred.cancels += 1;
        self.cancel(now, order);
        if order.account.0 != accounts::ANONYMOUS {
            self.wait(order.client_id.0);
        }
    }

    fn place_named(&mut self, now: Timestamp, order: u64) {
        let Some(mentions) = self.mentions.get(&order).filter(|mentions| mentions.ahead.0 != 0) else {
            return;
        };
        let price = self.recording.price(mentions.price);
        let place = Place {
            client_id: ClientOrderId(order),
            ..Place::limit(MARKET, mentions.side, price, mentions.ahead)
        };
        self.agreement.inferred.named_orders += 1;
        self.send(now, self.account_of(order), Command::Place(place));
        self.agreement.unexpected_fills += self.mirror.fills().len() as u64;
    }

    fn place_anonymous(&mut self, now: Timestamp, side: Side, price: Price, quantity: u64) {
        self.anonymous += 1;
        let place = Place {
            client_id: ClientOrderId(self.anonymous),
            ..Place::limit(MARKET, side, price, Quantity(quantity))
        };
        self.agreement.inferred.anonymous_orders += 1;
        self.send(now, AccountId(accounts::ANONYMOUS), Command::Place(place));
        self.agreement.unexpected_fills += self.mirror.fills().len() as u64;
    }

    fn cancel(&mut self, now: Timestamp, order: &Order) {
        let command = Command::Cancel { market: MARKET, order: OrderRef::Client(order.client_id) };
        self.send(now, order.account, command);
    }

    /// Takes less than all from an order, which keeps its place; all of it becomes a cancel.
    fn shrink(&mut self, now: Timestamp, order: &Order, quantity: u64) {
        match order.quantity.0.checked_sub(quantity) {
            None | Some(0) => self.cancel(now, order),
            Some(left) => {
                let command = Command::Replace {
                    market: MARKET,
                    order: OrderRef::Client(order.client_id),
                    price: order.price,
                    quantity: Quantity(left),
                    left: None,
                };
                self.send(now, order.account, command);
            }
        }
    }

    fn send(&mut self, timestamp: Timestamp, account: AccountId, command: Command) {
        self.mirror.send(FlowItem { timestamp, account, origin: FlowOrigin::Session, command });
    }

    /// Lots of a recorded order that later messages cancel or trade.
    fn ahead(&self, order: u64) -> u64 {
        self.mentions.get(&order).map_or(0, |mentions| mentions.ahead.0)
    }

    /// Lots of one of our orders that later messages cancel or trade.
    fn needed(&self, order: &Order) -> u64 {
        if order.account.0 == accounts::ANONYMOUS { 0 } else { self.ahead(order.client_id.0) }
    }

    /// Whether a recorded order entered without a recorded submission.
    fn is_unseen(&self, order: u64) -> bool {
        self.mentions.get(&order).is_some_and(|mentions| !mentions.submitted)
    }

    /// Whose a recorded order is here.
    fn account_of(&self, order: u64) -> AccountId {
        pick(if self.is_unseen(order) { accounts::UNSEEN } else { accounts::MAKERS }, order)
    }
}

impl Iterator for Reconstruction {
    type Item = FlowItem;

    fn next(&mut self) -> Option<FlowItem> {
        loop {
            if let Some(item) = self.mirror.take() {
                return Some(item);
            }
            let message = *self.recording.messages().get(self.at)?;
            self.replay_message(&message);
            self.at += 1;
        }
    }
}

fn pick(accounts: std::ops::Range<u32>, order: u64) -> AccountId {
    AccountId(accounts.start + (order % u64::from(accounts.end - accounts.start)) as u32)
}

fn better(side: Side, price: Price, than: Price) -> bool {
    match side {
        Side::Buy => price > than,
        Side::Sell => price < than,
    }
}

/// A share and the dollar, in ten-thousandths; one market with a rebate for makers; collar, breaker and limits
/// on, but far from anything that a trading day does, since the recording has already happened.
fn setup(recording: &Recording, max_price: Price) -> Setup {
    let token = |last: u8| {
        let mut token = Address::default();
        token.0[19] = last;
        token
    };
    let share = AssetParams { token: token(1), quantum: 1_000_000_000_000_000_000, symbol: *b"SHARE\0\0\0" };
    let dollar = AssetParams { token: token(2), quantum: 100_000_000_000_000, symbol: *b"USD\0\0\0\0\0" };
    let first = recording.messages().first();
    let opening = first.and_then(|message| message.bid.or(message.ask)).map(|quote| quote.price);
    let market = MarketParams {
        base: AssetId(0),
        quote: AssetId(1),
        lot: 1,
        tick: recording.tick().into(),
        max_price,
        maker_fee: Rate(-10),
        taker_fee: Rate(30),
        fee_account: OPERATOR,
        limits: Limits {
            max_quantity: Quantity(u64::from(u32::MAX)),
            max_notional: Quanta(1 << 56),
            max_open_orders: 1 << 24,
            max_position: Quantity(1 << 40),
        },
        collar: 500_000,
        breaker: Breaker { band: 500_000, window: 300_000_000, halt: 300_000_000 },
        reference_price: opening.map_or(Price(0), |price| recording.price(price)),
    };
    let timestamp = first.map_or(Timestamp(0), |message| message.timestamp);
    let deposits = vec![(share, Quanta(1 << 42)), (dollar, Quanta(1 << 58))];
    Setup::new(timestamp, deposits, vec![market], accounts::TRADERS)
}
