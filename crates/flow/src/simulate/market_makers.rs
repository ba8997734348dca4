//! Market makers: a ladder of quotes on both sides of every market, moved with the price.

use types::{
    AccountId, ClientOrderId, Command, MarketId, OrderRef, Place, Price, Quantity, SelfTrade, Side,
    TimeInForce,
};

use super::latent_price::LatentPrice;
use super::random::Random;
use super::simulation::Believed;

/// Quotes on each side.
const DEPTH: usize = 5;
const SLOTS: usize = 2 * DEPTH;
/// Makers pull all quotes of a market when its price has moved this many half spreads in one go.
const PULL: f64 = 3.0;

/// Accounts from one on.
pub(super) struct MarketMakers {
    /// By market, then maker.
    books: Vec<Quotes>,
    makers: u32,
    next_client_id: u64,
}

/// What one maker believes to have open in one market: the slots of the bids, then of the asks.
#[derive(Clone)]
struct Quotes {
    slots: [Option<Quote>; SLOTS],
    /// How keen it is: the distance of its first quote from the best that makes sense, in ticks.
    edge: f64,
}

#[derive(Clone, Copy)]
struct Quote {
    client_id: u64,
    price: Price,
    quantity: u64,
}

impl MarketMakers {
    pub fn new(makers: u32, markets: u16, random: &mut Random) -> Self {
        let books = (0..makers as usize * usize::from(markets))
            .map(|_| Quotes { slots: [None; SLOTS], edge: random.unit() * 2.0 })
            .collect();
        Self { books, makers, next_client_id: 1 }
    }

    pub fn last_account(&self) -> AccountId {
        AccountId(self.makers)
    }

    /// What some maker asks for in a market now.
    #[inline]
    pub fn command(
        &mut self,
        market: MarketId,
        price: &mut LatentPrice,
        random: &mut Random,
    ) -> (AccountId, Command) {
        let maker = random.low_index(self.makers);
        let account = AccountId(maker + 1);
        let quotes = &mut self.books[usize::from(market.0) * self.makers as usize + maker as usize];
        if price.run.is_some() && price.moved.abs() > PULL * price.share(0.000_1).max(2.0) {
            return (account, quotes.pull(market, price));
        }
        // The worse placed of two slots, so that what is stale is moved first.
        let slots = [random.below(SLOTS as u32) as usize, random.below(SLOTS as u32) as usize];
        let targets = slots.map(|slot| quotes.target(slot, price));
        let stale = [0, 1].map(|at| quotes.staleness(slots[at], targets[at]));
        let worse = usize::from(stale[1] > stale[0]);
        let (slot, target, stale) = (slots[worse], targets[worse], stale[worse]);
        let side = if slot < DEPTH { Side::Buy } else { Side::Sell };
        let command = match quotes.slots[slot] {
            None => {
                let quantity = random.size(price.size * 4.0);
                let client_id = self.next_client_id;
                self.next_client_id += 1;
                quotes.slots[slot] = Some(Quote { client_id, price: target, quantity });
                Command::Place(Place {
                    client_id: ClientOrderId(client_id),
                    post_only: random.chance(600),
                    self_trade: SelfTrade::ExpireMaker,
                    time_in_force: TimeInForce::Gtc,
                    ..Place::limit(market, side, target, Quantity(quantity))
                })
            }
            Some(quote) if stale > 1 && random.chance(300) => {
                quotes.slots[slot] = Some(Quote { price: target, ..quote });
                replace(market, quote, target, quote.quantity)
            }
            Some(quote) if stale <= 1 && quote.quantity > 2 && random.chance(120) => {
                let quantity = quote.quantity - 1 - u64::from(random.below(quote.quantity as u32 / 2));
                quotes.slots[slot] = Some(Quote { quantity, ..quote });
                replace(market, quote, quote.price, quantity)
            }
            Some(quote) => {
                quotes.slots[slot] = None;
                Believed { account, market, client_id: quote.client_id }.cancel()
            }
        };
        (account, command)
    }
}

impl Quotes {
    /// Where the quote of a slot belongs.
    fn target(&self, slot: usize, price: &LatentPrice) -> Price {
        let (side, level) = if slot < DEPTH { (Side::Buy, slot) } else { (Side::Sell, slot - DEPTH) };
        // Levels are further apart the deeper they are: 0, 2, 6, 12, 20 ticks.
        price.quote(side, self.edge + (level * (level + 1)) as f64)
    }

    /// How many ticks the quote of a slot is off; an empty slot is somewhat stale.
    fn staleness(&self, slot: usize, target: Price) -> u32 {
        self.slots[slot].map_or(2, |quote| quote.price.0.abs_diff(target.0))
    }

    /// Takes everything out of a market, or the side that the price runs into.
    fn pull(&mut self, market: MarketId, price: &mut LatentPrice) -> Command {
        let side = match price.run {
            Some(true) => Some(Side::Sell),
            Some(false) => Some(Side::Buy),
            None => None,
        };
        // The others soon follow.
        price.moved *= 0.75;
        let bids = side != Some(Side::Sell);
        let asks = side != Some(Side::Buy);
        for (at, slot) in self.slots.iter_mut().enumerate() {
            if (at < DEPTH && bids) || (at >= DEPTH && asks) {
                *slot = None;
            }
        }
        Command::MassCancel { market: Some(market), side }
    }
}

fn replace(market: MarketId, quote: Quote, price: Price, quantity: u64) -> Command {
    Command::Replace {
        market,
        order: OrderRef::Client(ClientOrderId(quote.client_id)),
        price,
        quantity: Quantity(quantity),
        left: None,
    }
}
