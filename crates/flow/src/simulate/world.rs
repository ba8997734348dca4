//! The simulated exchange: assets, markets, deposits.

use rules::{Capacity, Genesis, OPERATOR};
use types::{
    Address, AssetId, AssetParams, Breaker, Limits, MarketParams, Price, Quanta, Quantity, Rate, Timestamp,
};

use crate::Setup;
use crate::dev_keys::dev_genesis;

pub(super) const MARKETS: usize = 5;

/// How often each market is chosen, relative to the others.
pub(super) const POPULARITY: [u32; MARKETS] = [42, 26, 16, 9, 7];

/// What distinguishes a market's prices.
pub(super) struct Traits {
    /// Where the price begins, in ticks.
    pub price: f64,
    /// Half of the usual spread, in ticks.
    pub half_spread: f64,
    /// How far the price moves with each command in the market, in ticks.
    pub volatility: f64,
    /// The scale of sizes, in lots.
    pub size: f64,
}

pub(super) const TRAITS: [Traits; MARKETS] = [
    Traits { price: 64_250.0, half_spread: 4.0, volatility: 0.22, size: 14.0 },
    Traits { price: 34_125.0, half_spread: 3.0, volatility: 0.16, size: 12.0 },
    Traits { price: 15_120.0, half_spread: 2.0, volatility: 0.10, size: 20.0 },
    Traits { price: 23_847.0, half_spread: 2.5, volatility: 0.08, size: 6.0 },
    Traits { price: 53_112.0, half_spread: 6.0, volatility: 0.25, size: 9.0 },
];

const MAX_PRICE: Price = Price(1 << 17);

struct Listing {
    base: u16,
    quote: u16,
    lot: u64,
    tick: u64,
    maker_fee: i32,
    taker_fee: i32,
}

/// BTC, ETH, SOL and gold in dollars, ETH in BTC.
const LISTINGS: [Listing; MARKETS] = [
    // 0.001 BTC at $1 a BTC.
    Listing { base: 1, quote: 0, lot: 100_000, tick: 1_000, maker_fee: -20, taker_fee: 200 },
    // 0.01 ETH at $0.10 an ETH.
    Listing { base: 2, quote: 0, lot: 1_000_000, tick: 1_000, maker_fee: 0, taker_fee: 250 },
    // 0.1 SOL at $0.01 a SOL.
    Listing { base: 3, quote: 0, lot: 100_000, tick: 1_000, maker_fee: 50, taker_fee: 400 },
    // 0.01 ounces at $0.10 an ounce.
    Listing { base: 4, quote: 0, lot: 10_000, tick: 1_000, maker_fee: -10, taker_fee: 150 },
    // 0.01 ETH at 0.000001 BTC an ETH.
    Listing { base: 2, quote: 1, lot: 1_000_000, tick: 1, maker_fee: 0, taker_fee: 300 },
];

/// Symbol, wei in a quantum, quanta that each account deposits.
const LISTED: [(&[u8; 8], u64, u64); 5] = [
    (b"USD\0\0\0\0\0", 1_000_000_000_000, 1 << 50),
    (b"BTC\0\0\0\0\0", 10_000_000_000, 1 << 41),
    (b"ETH\0\0\0\0\0", 10_000_000_000, 1 << 45),
    (b"SOL\0\0\0\0\0", 1_000_000_000_000, 1 << 43),
    (b"XAU\0\0\0\0\0", 1_000_000_000_000, 1 << 40),
];

/// How many assets the first `markets` trade.
pub(super) fn assets(markets: u16) -> u16 {
    let listings = LISTINGS[..usize::from(markets)].iter();
    listings.map(|listing| listing.base.max(listing.quote) + 1).max().unwrap_or(0)
}

pub(super) fn genesis(markets: u16, accounts: u32) -> Genesis {
    dev_genesis(Capacity {
        accounts: accounts + 1,
        open_orders: 1 << 18,
        assets: assets(markets),
        markets,
        price_levels: MAX_PRICE.0 * u32::from(markets),
    })
}

pub(super) fn setup(start: Timestamp, markets: u16, accounts: u32) -> Setup {
    let assets =
        LISTED[..usize::from(assets(markets))].iter().zip(1..).map(|((symbol, quantum, deposit), number)| {
            let mut token = Address::default();
            token.0[19] = number;
            (AssetParams { token, quantum: *quantum, symbol: **symbol }, Quanta(*deposit))
        });
    let markets =
        LISTINGS[..usize::from(markets)].iter().zip(&TRAITS).map(|(listing, traits)| MarketParams {
            base: AssetId(listing.base),
            quote: AssetId(listing.quote),
            lot: listing.lot,
            tick: listing.tick,
            max_price: MAX_PRICE,
            maker_fee: Rate(listing.maker_fee),
            taker_fee: Rate(listing.taker_fee),
            fee_account: OPERATOR,
            limits: Limits {
                max_quantity: Quantity(50_000),
                max_notional: Quanta(1 << 48),
                max_open_orders: 4_096,
                max_position: Quantity(1 << 32),
            },
            collar: 100_000,
            breaker: Breaker { band: 80_000, window: 60_000_000, halt: 2_000_000 },
            reference_price: Price(traits.price as u32),
        });
    Setup::new(start, assets.collect(), markets.collect(), accounts)
}
