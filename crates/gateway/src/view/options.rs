//! How much of the past is kept, and how tokens count.

use std::collections::BTreeMap;

use types::AssetId;

/// The most trades, orders or candles that one question is answered with.
pub const MAX_ANSWER: usize = 10_000;

/// Settings of a view. Every limit is one of memory: what is beyond is forgotten, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewOptions {
    /// Decimals of an asset's token: one whole token is 10^this of the token's smallest units. 18 where nothing is said.
    pub decimals: BTreeMap<AssetId, u32>,
    /// Trades kept of a market (about 150 bytes each).
    pub trades: usize,
    /// Trades kept of an account (about 150 bytes each).
    pub account_trades: usize,
    /// Trades kept of all accounts together.
    pub all_account_trades: usize,
    /// Closed orders kept of an account (about 300 bytes each). Open ones are always known.
    pub closed_orders: usize,
    /// Closed orders kept of all accounts together.
    pub all_closed_orders: usize,
    /// Candles of a second kept of a market (about 130 bytes each); only those with trades.
    pub seconds: usize,
    /// Candles of a minute; those up to half an hour are made of them.
    pub minutes: usize,
    /// Candles of an hour; all longer ones are made of them.
    pub hours: usize,
    /// Commands that may wait for the view. When more come, it reads them from the sealed batches.
    pub tape: usize,
    /// Commands that a subscriber may be behind.
    pub updates: usize,
}

impl Default for ViewOptions {
    fn default() -> Self {
        Self {
            decimals: BTreeMap::new(),
            trades: 100_000,
            account_trades: 1_000,
            all_account_trades: 400_000,
            closed_orders: 1_000,
            all_closed_orders: 400_000,
            seconds: 3_600,
            // A hundred days.
            minutes: 144_000,
            // Ten years.
            hours: 87_600,
            tape: 1 << 18,
            updates: 65_536,
        }
    }
}

impl ViewOptions {
    pub(super) fn decimals(&self, asset: AssetId) -> u32 {
        self.decimals.get(&asset).copied().unwrap_or(18)
    }
}
