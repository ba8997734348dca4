//! The simulation: arrivals, prices and traders put together.

use rules::Genesis;
use types::{AccountId, Command, MarketId, Timestamp};

use super::arrivals::Arrivals;
use super::latent_price::LatentPrice;
use super::market_makers::MarketMakers;
use super::noise_traders::NoiseTraders;
use super::random::Random;
use super::world::{self, MARKETS};
use crate::{FlowError, FlowItem, FlowOrigin, Setup};

/// What to simulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimulationOptions {
    /// Everything follows from it.
    pub seed: u64,
    /// Commands after the setup.
    pub commands: u64,
    /// Markets, 1 to [`Simulation::MAX_MARKETS`].
    pub markets: u16,
    /// Accounts that trade, market makers included; at most [`Simulation::MAX_ACCOUNTS`].
    pub accounts: u32,
    /// How many of them are market makers; at least one, and fewer than all.
    pub makers: u32,
    /// When the setup happens.
    pub start: Timestamp,
}

impl Default for SimulationOptions {
    /// A million commands in 5 markets by 8 market makers and 2,400 others, from 2026-01-05 14:30 UTC.
    fn default() -> Self {
        Self {
            seed: 1,
            commands: 1_000_000,
            markets: 5,
            accounts: 2_408,
            makers: 8,
            start: Timestamp(1_767_623_400_000_000),
        }
    }
}

/// A simulated flow, the setup first.
pub struct Simulation {
    setup: Setup,
    genesis: Genesis,
    done: u64,
    total: u64,
    left: u64,
    now: Timestamp,
    random: Random,
    arrivals: Arrivals,
    prices: Vec<LatentPrice>,
    makers: MarketMakers,
    traders: NoiseTraders,
}

/// In how many of a thousand commands a market maker speaks.
const MAKERS_PER_MILLE: u32 = 790;

impl Simulation {
    /// Markets there are to simulate.
    pub const MAX_MARKETS: u16 = MARKETS as u16;
    /// The most accounts: each deposits every asset, and all deposits together must fit.
    pub const MAX_ACCOUNTS: u32 = 16_000;

    /// Prepares a simulation.
    ///
    /// # Errors
    /// When an option is out of range.
    pub fn new(options: SimulationOptions) -> Result<Self, FlowError> {
        let SimulationOptions { markets, accounts, makers, .. } = options;
        check("markets", markets.into(), 1, Self::MAX_MARKETS.into())?;
        check("accounts", accounts.into(), 2, Self::MAX_ACCOUNTS.into())?;
        check("market makers", makers.into(), 1, u64::from(accounts) - 1)?;
        let setup = world::setup(options.start, markets, accounts);
        let mut random = Random::new(options.seed);
        Ok(Self {
            genesis: world::genesis(markets, accounts),
            done: 0,
            total: setup.total().saturating_add(options.commands),
            left: options.commands,
            setup,
            now: options.start,
            arrivals: Arrivals::new(markets),
            prices: world::TRAITS[..usize::from(markets)].iter().map(LatentPrice::new).collect(),
            makers: MarketMakers::new(makers, markets, &mut random),
            traders: NoiseTraders::new(makers, accounts - makers, world::assets(markets)),
            random,
        })
    }

    /// What the exchange begins with.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Commands so far, and all there will be, setup included.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.done, self.total)
    }

    /// The number of a market maker's account is at most this; the others' follow.
    #[must_use]
    pub fn last_maker(&self) -> AccountId {
        self.makers.last_account()
    }

    fn command(&mut self) -> FlowItem {
        let step = self.arrivals.next(&mut self.random);
        self.now.0 += step.micros;
        let market = self.arrivals.market(&mut self.random);
        let price = &mut self.prices[usize::from(market.0)];
        price.advance(step.regime.is_burst_of(market), &mut self.random);
        let (origin, account, command) = if self.random.chance(MAKERS_PER_MILLE) {
            let (account, command) = self.makers.command(market, price, &mut self.random);
            (FlowOrigin::Session, account, command)
        } else {
            self.traders.command(self.now, market, price, &mut self.random)
        };
        FlowItem { timestamp: self.now, account, origin, command }
    }
}

impl Iterator for Simulation {
    type Item = FlowItem;

    #[inline]
    fn next(&mut self) -> Option<FlowItem> {
        let item = match self.setup.next() {
            Some(item) => item,
            None => {
                self.left = self.left.checked_sub(1)?;
                self.command()
            }
        };
        self.done += 1;
        Some(item)
    }
}

fn check(what: &'static str, found: u64, least: u64, most: u64) -> Result<(), FlowError> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(FlowError::OutOfRange { what, found, least, most })
}

/// An order that its owner believes to be open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Believed {
    pub account: AccountId,
    pub market: MarketId,
    pub client_id: u64,
}

impl Believed {
    pub fn cancel(self) -> Command {
        Command::Cancel {
            market: self.market,
            order: types::OrderRef::Client(types::ClientOrderId(self.client_id)),
        }
    }
}
