//! What streams are called.

use types::{AccountId, MarketId};

use super::listen_keys::ListenKeys;
use crate::view::{Interval, View};

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stream {
    /// Every trade.
    Trades(MarketId),
    /// Every aggregate trade.
    AggregateTrades(MarketId),
    /// Changes of the book.
    Depth(MarketId, Pace),
    /// The best levels.
    PartialDepth(MarketId, Levels, Pace),
    /// The best prices.
    Best(MarketId),
    /// The best prices of all markets.
    AllBest,
    /// A candle.
    Candle(MarketId, Interval),
    /// The last 24 hours, in short.
    Mini(MarketId),
    /// Likewise of all markets that changed.
    AllMini,
    /// The last 24 hours.
    Day(MarketId),
    /// Likewise of all markets that changed.
    AllDay,
    /// The average price.
    Average(MarketId),
    /// What happens to an account.
    User(AccountId),
}

/// How often changes of a book are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pace {
    /// Every 100 ms.
    Fast,
    /// Every second.
    Slow,
}

/// How many levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Levels {
    Five,
    Ten,
    Twenty,
}

impl Levels {
    pub const ALL: [Self; 3] = [Self::Five, Self::Ten, Self::Twenty];

    pub fn count(self) -> usize {
        match self {
            Self::Five => 5,
            Self::Ten => 10,
            Self::Twenty => 20,
        }
    }
}

impl Stream {
    /// The stream with this name, if there is one. User data streams are called by their listen key.
    pub fn parse(name: &str, view: &View, keys: &ListenKeys, now: u64) -> Option<Self> {
        if let Some(stream) = Self::of_all_markets(name) {
            return Some(stream);
        }
        let Some((symbol, kind)) = name.split_once('@') else {
            return keys.account(name, now).map(Self::User);
        };
        // Binance writes symbols in lower case here.
        if symbol.len() > 20 || symbol.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let market = view.market(&symbol.to_ascii_uppercase())?.id;
        Self::of_market(market, kind)
    }

    /// With a pace, too, as `python-binance` asks for them; Binance tells these each second whatever stands there.
    fn of_all_markets(name: &str) -> Option<Self> {
        let plain = ["@1000ms", "@3000ms"].iter().find_map(|pace| name.strip_suffix(pace)).unwrap_or(name);
        let stream = match plain {
            "!miniTicker@arr" => Self::AllMini,
            "!ticker@arr" => Self::AllDay,
            _ if name == "!bookTicker" => Self::AllBest,
            _ => return None,
        };
        Some(stream)
    }

    fn of_market(market: MarketId, kind: &str) -> Option<Self> {
        let (what, pace) = match kind.split_once('@') {
            None => (kind, Pace::Slow),
            Some((what, "100ms")) => (what, Pace::Fast),
            Some((what, "1000ms")) => (what, Pace::Slow),
            Some(_) => return None,
        };
        let paced = match what {
            "depth" => Self::Depth(market, pace),
            "depth5" => Self::PartialDepth(market, Levels::Five, pace),
            "depth10" => Self::PartialDepth(market, Levels::Ten, pace),
            "depth20" => Self::PartialDepth(market, Levels::Twenty, pace),
            _ if what != kind => return None,
            "trade" => Self::Trades(market),
            "aggTrade" => Self::AggregateTrades(market),
            "bookTicker" => Self::Best(market),
            "miniTicker" => Self::Mini(market),
            "ticker" => Self::Day(market),
            "avgPrice" => Self::Average(market),
            _ => Self::Candle(market, what.strip_prefix("kline_")?.parse().ok()?),
        };
        Some(paced)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MARKET: MarketId = MarketId(2);

    #[test]
    fn names_are_binances() {
        let cases = [
            ("trade", Stream::Trades(MARKET)),
            ("aggTrade", Stream::AggregateTrades(MARKET)),
            ("depth", Stream::Depth(MARKET, Pace::Slow)),
            ("depth@100ms", Stream::Depth(MARKET, Pace::Fast)),
            ("depth@1000ms", Stream::Depth(MARKET, Pace::Slow)),
            ("depth5", Stream::PartialDepth(MARKET, Levels::Five, Pace::Slow)),
            ("depth20@100ms", Stream::PartialDepth(MARKET, Levels::Twenty, Pace::Fast)),
            ("bookTicker", Stream::Best(MARKET)),
            ("kline_1M", Stream::Candle(MARKET, Interval::Month1)),
            ("kline_1m", Stream::Candle(MARKET, Interval::Minute1)),
            ("avgPrice", Stream::Average(MARKET)),
        ];
        for (name, stream) in cases {
            assert_eq!(Stream::of_market(MARKET, name), Some(stream), "{name}");
        }
        for name in [
            "",
            "trades",
            "depth@10ms",
            "depth7",
            "trade@100ms",
            "kline_",
            "kline_2m",
            "kline_1m@+08:00",
            "depth@",
        ] {
            assert_eq!(Stream::of_market(MARKET, name), None, "{name}");
        }
    }

    #[test]
    fn tickers_of_all_markets_may_have_a_pace() {
        for (name, stream) in [
            ("!bookTicker", Some(Stream::AllBest)),
            ("!miniTicker@arr", Some(Stream::AllMini)),
            ("!miniTicker@arr@1000ms", Some(Stream::AllMini)),
            ("!ticker@arr@3000ms", Some(Stream::AllDay)),
            ("!bookTicker@1000ms", None),
            ("!ticker", None),
            ("!ticker@arr@5ms", None),
        ] {
            assert_eq!(Stream::of_all_markets(name), stream, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_name_breaks_the_reader(name in ".*") {
            let _ = Stream::of_market(MARKET, &name);
        }
    }
}
