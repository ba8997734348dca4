//! When the next command arrives, and in which market.

use types::MarketId;

use super::random::Random;
use super::world::POPULARITY;

/// Arrivals a second in the normal regime without self-excitement.
const BASE_RATE: f64 = 600.0;
/// How many further arrivals each arrival causes on average.
const BRANCHING: f64 = 0.65;
/// How fast that dies away, a second.
const DECAY: f64 = 20.0;

/// What kind of time it is. Changes as a Markov chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Regime {
    Calm,
    Normal,
    Busy,
    /// One market runs in one direction.
    Burst {
        market: MarketId,
        up: bool,
    },
}

impl Regime {
    fn intensity(self) -> f64 {
        match self {
            Self::Calm => 0.35,
            Self::Normal => 1.0,
            Self::Busy => 3.0,
            Self::Burst { .. } => 9.0,
        }
    }

    /// Mean length in seconds.
    fn length(self) -> f64 {
        match self {
            Self::Calm => 8.0,
            Self::Normal => 6.0,
            Self::Busy => 2.0,
            Self::Burst { .. } => 0.4,
        }
    }

    /// The direction in which a market runs, if it does.
    pub fn is_burst_of(self, market: MarketId) -> Option<bool> {
        match self {
            Self::Burst { market: hot, up } if hot == market => Some(up),
            _ => None,
        }
    }
}

/// One arrival.
pub(super) struct Step {
    /// Since the last one.
    pub micros: u64,
    pub regime: Regime,
}

/// The arrival process: a Hawkes process with an exponential kernel, under a base rate that depends on the
/// regime.
pub(super) struct Arrivals {
    regime: Regime,
    /// Seconds until the regime changes.
    left: f64,
    /// Additional arrivals a second that earlier arrivals have caused.
    excited: f64,
    /// Part of a microsecond carried over.
    rest: f64,
    /// How often each market is chosen, relative to the others.
    popularity: &'static [u32],
}

impl Arrivals {
    pub fn new(markets: u16) -> Self {
        Self {
            regime: Regime::Normal,
            left: Regime::Normal.length(),
            excited: 0.0,
            rest: 0.0,
            popularity: &POPULARITY[..usize::from(markets)],
        }
    }

    #[inline]
    pub fn next(&mut self, random: &mut Random) -> Step {
        let rate = BASE_RATE * self.regime.intensity() + self.excited;
        let seconds = random.exponential() / rate;
        // 1 / (1 + x) stands in for exp(-x): steps are short against the decay.
        self.excited = self.excited / (1.0 + DECAY * seconds) + BRANCHING * DECAY;
        self.left -= seconds;
        if self.left <= 0.0 {
            self.regime = self.follow(random);
            self.left = self.regime.length() * random.exponential();
        }
        let micros = seconds * 1e6 + self.rest;
        let whole = micros as u64;
        self.rest = micros - whole as f64;
        Step { micros: whole, regime: self.regime }
    }

    /// The market of the arrival: by popularity, and mostly the hot one in a burst.
    #[inline]
    pub fn market(&self, random: &mut Random) -> MarketId {
        if let Regime::Burst { market, .. } = self.regime
            && random.chance(700)
        {
            return market;
        }
        self.popular(random)
    }

    fn follow(&self, random: &mut Random) -> Regime {
        let dice = random.below(100);
        match (self.regime, dice) {
            (Regime::Calm, 0..80) | (Regime::Busy, 0..55) | (Regime::Burst { .. }, 0..40) => Regime::Normal,
            (Regime::Normal, 0..45) | (Regime::Busy, 55..60) => Regime::Calm,
            (Regime::Calm, 80..98) | (Regime::Normal, 45..90) | (Regime::Burst { .. }, _) => Regime::Busy,
            _ => Regime::Burst { market: self.popular(random), up: random.chance(500) },
        }
    }

    #[inline]
    fn popular(&self, random: &mut Random) -> MarketId {
        let mut dice = random.below(self.popularity.iter().sum());
        for (market, share) in self.popularity.iter().enumerate() {
            match dice.checked_sub(*share) {
                None => return MarketId(market as u16),
                Some(rest) => dice = rest,
            }
        }
        MarketId(0)
    }
}
