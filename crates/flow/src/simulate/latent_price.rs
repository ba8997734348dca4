//! Where a market's price would be if everybody agreed, and how wide it is quoted.

use types::{Price, Side};

use super::random::Random;
use super::world::Traits;

/// The drift of a run, in multiples of the volatility.
const RUN: f64 = 0.07;

/// A wandering price: short steps around an anchor that wanders slowly, with runs during bursts, and a spread
/// that widens with what moves and comes back.
pub(super) struct LatentPrice {
    value: f64,
    anchor: f64,
    half_spread: f64,
    usual: f64,
    volatility: f64,
    /// Sizes are in multiples of this.
    pub size: f64,
    lowest: f64,
    highest: f64,
    /// How far it has moved since the market makers last pulled out.
    pub moved: f64,
    /// The direction of a burst under way.
    pub run: Option<bool>,
}

impl LatentPrice {
    pub fn new(traits: &Traits) -> Self {
        Self {
            value: traits.price,
            anchor: traits.price,
            half_spread: traits.half_spread,
            usual: traits.half_spread,
            volatility: traits.volatility,
            size: traits.size,
            lowest: traits.price * 0.6,
            highest: traits.price * 1.4,
            moved: 0.0,
            run: None,
        }
    }

    /// One more command arrived in the market.
    #[inline]
    pub fn advance(&mut self, run: Option<bool>, random: &mut Random) {
        self.run = run;
        let step = self.volatility * random.normal();
        let drift = match run {
            Some(true) => self.volatility * RUN,
            Some(false) => -self.volatility * RUN,
            None => (self.anchor - self.value) * 0.001,
        };
        self.anchor += self.volatility * 0.8 * random.normal();
        if run.is_some() {
            self.anchor += drift * 0.8;
        }
        self.value = (self.value + step + drift).clamp(self.lowest, self.highest);
        self.anchor = self.anchor.clamp(self.lowest, self.highest);
        self.moved += step + drift;
        let pull = (self.usual - self.half_spread) * 0.01;
        let widening = if run.is_some() { self.usual * 0.02 } else { 0.0 };
        self.half_spread = (self.half_spread + pull + widening + self.usual * 0.01 * random.normal())
            .clamp(self.usual * 0.3, self.usual * 4.0);
    }

    /// The price `ticks` behind the best that makes sense on a side; negative ticks reach across.
    #[inline]
    pub fn quote(&self, side: Side, ticks: f64) -> Price {
        let distance = self.half_spread + ticks;
        let price = match side {
            Side::Buy => self.value - distance,
            Side::Sell => self.value + distance + 1.0,
        };
        Price(price.max(1.0) as u32)
    }

    /// A price that an order to take on a side would accept.
    #[inline]
    pub fn take(&self, side: Side, ticks: f64) -> Price {
        self.quote(side.opposite(), ticks)
    }

    /// This share of the price, in ticks.
    #[inline]
    pub fn share(&self, share: f64) -> f64 {
        self.value * share
    }
}
