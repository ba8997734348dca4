//! What a report is made from: plain figures, so that text and page say the same.

use flow::{Agreement, MarketHistory};
use types::{AssetParams, MarketParams, Price};

/// Everything that a report shows.
#[derive(Clone, Debug)]
pub struct ReplayReport {
    /// What was replayed.
    pub source: String,
    /// What the reader should know first, in sentences.
    pub notes: Vec<String>,
    /// What it ran on.
    pub machine: String,
    /// Until the last command was acknowledged.
    pub played_seconds: f64,
    /// Until the last batch was sealed.
    pub sealed_seconds: f64,
    /// What became of commands, by kind.
    pub outcomes: Vec<OutcomeRow>,
    /// Why commands were rejected, most frequent first.
    pub rejects: Vec<RejectRow>,
    /// The markets, by number.
    pub markets: Vec<MarketReport>,
    /// How far a reconstruction agrees with its recording.
    pub agreement: Option<Agreement>,
    /// The batches sealed, in order.
    pub batches: Vec<BatchRow>,
    /// The stages of the pipeline, and how long each was at work.
    pub stages: Vec<StageRow>,
    /// From an order to its trades, in the engine.
    pub latency: Latency,
}

/// What became of the commands of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeRow {
    /// The kind.
    pub kind: String,
    /// Carried out or accepted.
    pub accepted: u64,
    /// Rejected.
    pub rejected: u64,
}

/// Commands rejected for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectRow {
    /// The stable number.
    pub code: u16,
    /// The reason in a sentence.
    pub sentence: &'static str,
    /// How many.
    pub count: u64,
    /// Of which kinds.
    pub kinds: Vec<String>,
}

/// A market.
#[derive(Clone, Debug)]
pub struct MarketReport {
    /// Base and quote, as in `BTC/USD`.
    pub name: String,
    /// The symbol of what is traded.
    pub base: String,
    /// The symbol of what it is paid with.
    pub quote: String,
    /// How its numbers are shown.
    pub scale: MarketScale,
    /// What happened.
    pub history: MarketHistory,
}

/// How a market's ticks and lots are shown to people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarketScale {
    /// Quote units for one base unit that a tick is worth.
    pub tick: f64,
    /// Decimals of a price.
    pub decimals: usize,
    /// Base units in a lot.
    pub lot: f64,
}

/// A sealed batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchRow {
    /// Its number.
    pub number: u64,
    /// Its first command.
    pub first: u64,
    /// Its last command.
    pub last: u64,
    /// Commands in it.
    pub commands: u64,
    /// The state after it.
    pub state_root: [u8; 32],
    /// Binds what its commands did.
    pub events_root: [u8; 32],
    /// Bytes of its witness.
    pub witness_bytes: u64,
    /// Tree hashes to make its state root.
    pub tree_hashes: u64,
    /// Signatures in it.
    pub signatures: u64,
    /// How long the shadow worked on it.
    pub shadow_millis: f64,
}

/// A stage of the pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct StageRow {
    /// What it is called.
    pub name: &'static str,
    /// How long it was at work.
    pub seconds: f64,
}

/// A distribution of nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Samples.
    pub count: u64,
    /// Half are at most this.
    pub p50: u64,
    /// 99 % are at most this.
    pub p99: u64,
    /// 99.9 % are at most this.
    pub p999: u64,
    /// The longest.
    pub max: u64,
    /// Samples by upper bound.
    pub buckets: Vec<(u64, u64)>,
}

impl ReplayReport {
    /// Commands in all.
    pub fn commands(&self) -> u64 {
        self.outcomes.iter().map(|row| row.accepted + row.rejected).sum()
    }

    /// Commands rejected.
    pub fn rejected(&self) -> u64 {
        self.outcomes.iter().map(|row| row.rejected).sum()
    }

    /// Trades in all markets.
    pub fn trades(&self) -> u64 {
        self.markets.iter().map(|market| market.history.trades).sum()
    }

    /// Commands a second until the last was acknowledged.
    pub fn commands_per_second(&self) -> f64 {
        self.commands() as f64 / self.played_seconds.max(1e-9)
    }

    /// The market with the most trades.
    pub fn busiest(&self) -> Option<&MarketReport> {
        // The first of equals.
        self.markets.iter().rev().max_by_key(|market| market.history.trades)
    }
}

impl MarketScale {
    /// Tokens are taken to have 18 decimals, as the chain's own coin does.
    pub fn of(params: &MarketParams, base: &AssetParams, quote: &AssetParams) -> Self {
        let units = |quanta: u64, asset: &AssetParams| quanta as f64 * asset.quantum as f64 / 1e18;
        let lot = units(params.lot, base);
        let tick = units(params.tick, quote) / lot;
        let whole = |decimals: usize| {
            let scaled = tick * 10f64.powi(decimals as i32);
            (scaled - scaled.round()).abs() < 1e-6 * scaled
        };
        let decimals = (0..12).find(|decimals| whole(*decimals)).unwrap_or(6);
        Self { tick, decimals, lot }
    }

    /// A price in quote units for one base unit.
    pub fn price(&self, price: Price) -> String {
        self.price_of(f64::from(price.0))
    }

    /// The same of a fractional number of ticks.
    pub fn price_of(&self, ticks: f64) -> String {
        super::figures::grouped(ticks * self.tick, self.decimals)
    }

    /// Lots in base units.
    pub fn volume(&self, lots: u128) -> f64 {
        lots as f64 * self.lot
    }

    /// Ticks times lots in quote units.
    pub fn notional(&self, ticks_lots: u128) -> f64 {
        ticks_lots as f64 * self.tick * self.lot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{Address, AssetId};

    fn asset(quantum: u64) -> AssetParams {
        AssetParams { token: Address::default(), quantum, symbol: [0; 8] }
    }

    #[test]
    fn ticks_and_lots_are_shown_in_whole_tokens() {
        let mut params = MarketParams {
            base: AssetId(0),
            quote: AssetId(1),
            lot: 1,
            tick: 100,
            max_price: Price(1),
            maker_fee: types::Rate(0),
            taker_fee: types::Rate(0),
            fee_account: types::AccountId(0),
            limits: types::Limits::NONE,
            collar: 0,
            breaker: types::Breaker { band: 0, window: 0, halt: 0 },
            reference_price: Price(0),
        };
        // A share in cents, the dollar counted in ten-thousandths.
        let scale = MarketScale::of(&params, &asset(1_000_000_000_000_000_000), &asset(100_000_000_000_000));
        assert_eq!(scale.price(Price(22_367)), "223.67");
        assert_eq!(scale.volume(300), 300.0);
        assert_eq!(scale.notional(22_367 * 100), 22_367.0);
        // A hundredth of an ETH in millionths of a BTC.
        (params.lot, params.tick) = (1_000_000, 1);
        let scale = MarketScale::of(&params, &asset(10_000_000_000), &asset(10_000_000_000));
        assert_eq!(scale.price(Price(53_112)), "0.053112");
    }
}
