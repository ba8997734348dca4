//! Everybody else: market orders, limit orders of all kinds, stops, second thoughts, money in and out.

use types::{
    AccountId, AssetId, ClientOrderId, Command, MarketId, OrderType, Place, Quanta, Quantity, SelfTrade,
    Side, TimeInForce, Timestamp, Trigger, TriggerKind,
};

use super::latent_price::LatentPrice;
use super::random::Random;
use super::simulation::Believed;
use crate::{FlowOrigin, dev_owner};

/// When the traders believe to have this many orders open, every command is a cancel.
const MAX_OPEN: usize = 1 << 15;

/// Accounts after the market makers'.
pub(super) struct NoiseTraders {
    first: u32,
    count: u32,
    assets: u16,
    open: Vec<Believed>,
    next_client_id: u64,
}

impl NoiseTraders {
    pub fn new(makers: u32, count: u32, assets: u16) -> Self {
        Self { first: makers + 1, count, assets, open: Vec::new(), next_client_id: 1 }
    }

    /// What some trader asks for now.
    #[inline]
    pub fn command(
        &mut self,
        now: Timestamp,
        market: MarketId,
        price: &LatentPrice,
        random: &mut Random,
    ) -> (FlowOrigin, AccountId, Command) {
        let account = AccountId(self.first + random.low_index(self.count));
        // The longer the list, the more second thoughts: about a thousand orders stay open.
        let second_thoughts = 250 + (self.open.len() / 8).min(450) as u32;
        if self.open.len() >= MAX_OPEN || (random.chance(second_thoughts) && !self.open.is_empty()) {
            let at = random.below(self.open.len() as u32) as usize;
            let order = self.open.swap_remove(at);
            return (FlowOrigin::Session, order.account, order.cancel());
        }
        if random.below(1_000) < 12 {
            return self.money(account, random);
        }
        let side = match price.run {
            // A run pulls others along.
            Some(up) => {
                if random.chance(if up { 750 } else { 250 }) {
                    Side::Buy
                } else {
                    Side::Sell
                }
            }
            None if random.chance(500) => Side::Buy,
            None => Side::Sell,
        };
        let place = if random.chance(if price.run.is_some() { 480 } else { 220 }) {
            taking(market, side, price, random)
        } else {
            self.resting(account, now, market, side, price, random)
        };
        (FlowOrigin::Session, account, Command::Place(place))
    }

    fn resting(
        &mut self,
        account: AccountId,
        now: Timestamp,
        market: MarketId,
        side: Side,
        price: &LatentPrice,
        random: &mut Random,
    ) -> Place {
        let client_id = self.next_client_id;
        self.next_client_id += 1;
        self.open.push(Believed { account, market, client_id });
        let quantity = Quantity(random.size(price.size));
        // Most are placed near the best price, a few far away.
        let depth = random.exponential() * random.exponential() * 6.0 + 0.5;
        let place = Place {
            client_id: ClientOrderId(client_id),
            self_trade: SelfTrade::Decrement,
            ..Place::limit(market, side, price.quote(side, depth), quantity)
        };
        match random.below(100) {
            0..55 => place,
            55..72 => {
                let seconds = 1 + random.below(120);
                let expires = Timestamp(now.0 + u64::from(seconds) * 1_000_000);
                Place { time_in_force: TimeInForce::Gtd(expires), ..place }
            }
            72..88 => Place { post_only: true, ..place },
            dice => {
                let kind = if dice < 95 { TriggerKind::StopLoss } else { TriggerKind::TakeProfit };
                waiting(place, kind, price, random)
            }
        }
    }

    fn money(&self, account: AccountId, random: &mut Random) -> (FlowOrigin, AccountId, Command) {
        let asset = AssetId(random.low_index(self.assets.into()) as u16);
        let amount = Quanta(random.size(1_000.0) * 10_000);
        if random.chance(450) {
            return (FlowOrigin::Session, account, Command::Withdraw { asset, amount });
        }
        (FlowOrigin::L1, account, Command::Deposit { owner: dev_owner(account), asset, amount })
    }
}

/// An order that wants to trade at once.
fn taking(market: MarketId, side: Side, price: &LatentPrice, random: &mut Random) -> Place {
    let quantity = Quantity(random.size(price.size * 0.8));
    let limit = |reach: f64| Place {
        self_trade: SelfTrade::ExpireTaker,
        ..Place::limit(market, side, price.take(side, reach), quantity)
    };
    match random.below(100) {
        0..32 => Place::market(market, side, quantity),
        32..40 if side == Side::Buy => Place {
            order_type: OrderType::MarketBudget { budget: Quanta(random.size(price.size) * 20_000_000) },
            ..Place::market(market, side, quantity)
        },
        32..82 => Place { time_in_force: TimeInForce::Ioc, ..limit(random.unit() * 4.0) },
        _ => Place { time_in_force: TimeInForce::Fok, ..limit(random.unit() * 6.0) },
    }
}

/// An order that waits for the price to move by a thousandth or so.
fn waiting(place: Place, kind: TriggerKind, price: &LatentPrice, random: &mut Random) -> Place {
    let distance = price.share(0.000_6) * (1.0 + random.exponential() * 2.0);
    let side = place.side;
    let trigger = match kind {
        // Beyond the other side's quotes: a buy above, a sell below.
        TriggerKind::StopLoss => price.quote(side.opposite(), distance),
        TriggerKind::TakeProfit => price.quote(side, distance),
    };
    let place = Place { trigger: Some(Trigger { kind, price: trigger }), ..place };
    if kind == TriggerKind::StopLoss
        && side == Side::Sell
        && random.chance(500)
        && let OrderType::Limit { quantity, .. } = place.order_type
    {
        return Place {
            order_type: OrderType::Market { quantity },
            time_in_force: TimeInForce::Ioc,
            ..place
        };
    }
    let price = match side {
        Side::Buy => price.quote(Side::Sell, distance * 1.2),
        Side::Sell => price.quote(Side::Buy, distance * 1.2),
    };
    match place.order_type {
        OrderType::Limit { quantity, .. } => {
            Place { order_type: OrderType::Limit { price, quantity }, ..place }
        }
        _ => place,
    }
}
