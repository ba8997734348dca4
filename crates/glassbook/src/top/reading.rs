//! What a node answers, as far as it is shown.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

/// An answer, or why there is none.
pub type Answer<T> = Result<T, String>;

/// A market, its book and its day.
pub type MarketAnswers = (Market, Answer<Depth>, Answer<Day>);

/// All answers of one round.
#[derive(Clone, Debug)]
pub struct Reading {
    /// `/metrics`
    pub figures: Answer<Figures>,
    /// `/api/glassbook/v1/exchange`
    pub exchange: Answer<serde_json::Value>,
    /// Of `/api/v3/exchangeInfo`, `/api/v3/depth`, `/api/v3/ticker/24hr`
    pub markets: Answer<Vec<MarketAnswers>>,
    /// `/api/glassbook/v1/batches`
    pub batches: Answer<Vec<Batch>>,
    /// `/readyz`
    pub health: Answer<Health>,
}

/// Figures by name without `glassbook_`, with labels as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures(HashMap<String, u64>);

impl Figures {
    /// Reads the text format, and fails when nothing in it is of a node.
    pub fn parse(text: &str) -> Answer<Self> {
        let figure = |line: &str| {
            let (name, value) = line.strip_prefix("glassbook_")?.rsplit_once(' ')?;
            Some((name.to_string(), value.parse().ok()?))
        };
        let figures: HashMap<_, _> = text.lines().filter_map(figure).collect();
        if figures.is_empty() { Err("no figures of a node".to_string()) } else { Ok(Self(figures)) }
    }

    /// A figure.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }
}

/// A market, as `/api/v3/exchangeInfo` has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Market {
    pub symbol: String,
    /// What is traded.
    pub base: String,
    /// It takes no orders.
    pub halted: bool,
    /// Digits behind the point that a price needs; all that are written when it is not said.
    pub price_digits: Option<usize>,
    /// The same of a quantity.
    pub quantity_digits: Option<usize>,
}

/// The markets of `/api/v3/exchangeInfo`.
pub fn markets_of(text: &str) -> Answer<Vec<Market>> {
    #[derive(Deserialize)]
    struct Info {
        symbols: Vec<Symbol>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Symbol {
        symbol: String,
        #[serde(default)]
        base_asset: String,
        #[serde(default)]
        status: String,
        #[serde(default)]
        filters: Vec<serde_json::Value>,
    }
    let info: Info = serde_json::from_str(text).map_err(|error| format!("not understood: {error}"))?;
    // They go into a URL.
    let is_symbol =
        |symbol: &str| symbol.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let known = info.symbols.into_iter().filter(|of| is_symbol(&of.symbol));
    let market = |Symbol { symbol, base_asset: base, status, filters }| {
        let step = |kind, key| {
            let filter = filters.iter().find(|filter| filter["filterType"] == kind)?;
            let step = filter[key].as_str()?;
            Some(short(step, Some(0)).split_once('.').map_or(0, |(_, digits)| digits.len()))
        };
        Market {
            price_digits: step("PRICE_FILTER", "tickSize"),
            quantity_digits: step("LOT_SIZE", "stepSize"),
            halted: !matches!(status.as_str(), "" | "TRADING"),
            symbol,
            base,
        }
    };
    Ok(known.map(market).collect())
}

/// A decimal without the zeros at its end that say nothing. What says something stays.
pub fn short(decimal: &str, digits: Option<usize>) -> &str {
    let (Some(digits), Some((whole, part))) = (digits, decimal.split_once('.')) else { return decimal };
    let kept = part.trim_end_matches('0').len().max(digits.min(part.len()));
    if kept == 0 { whole } else { &decimal[..whole.len() + 1 + kept] }
}

/// As much of a text as there is room for.
pub fn fitting(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_string();
    }
    if room == 0 { String::new() } else { text.chars().take(room - 1).chain(['…']).collect() }
}

/// Price and quantity as written.
pub type Level = (String, String);

/// A book.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Depth {
    /// Highest first.
    pub bids: Vec<Level>,
    /// Lowest first.
    pub asks: Vec<Level>,
}

/// The last 24 hours.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Day {
    pub last_price: String,
    pub price_change_percent: String,
    pub high_price: String,
    pub low_price: String,
    pub volume: String,
    pub count: u64,
}

/// A batch.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Batch {
    pub batch: u64,
    pub state: String,
    #[serde(default)]
    pub commands: Option<(u64, u64)>,
    #[serde(default)]
    pub proofs: Option<String>,
    /// When it entered each state, in milliseconds since 1970.
    #[serde(default)]
    pub entered: BTreeMap<String, u64>,
    #[serde(default)]
    pub l1: BTreeMap<String, Done>,
    #[serde(default)]
    pub trouble: Option<String>,
}

/// Something that L1 has done.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Done {
    pub block: Block,
}

/// Where.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Block {
    pub number: u64,
}

/// Whether it can serve.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Health {
    pub status: String,
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Check {
    pub name: String,
    pub status: String,
    #[serde(default)]
    pub detail: String,
    #[serde(default)]
    pub why: String,
    #[serde(default)]
    pub remedy: String,
}

/// A decimal as an integer, digits behind the point included: for comparing numbers that are written with as many of them.
pub fn digits(decimal: &str) -> u128 {
    decimal
        .bytes()
        .filter(u8::is_ascii_digit)
        .fold(0, |sum: u128, digit| sum.saturating_mul(10).saturating_add((digit - b'0').into()))
}

/// A number with thousands apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The time of day, in UTC.
pub fn clock(millis: u64) -> String {
    let seconds = millis / 1_000 % 86_400;
    format!("{:02}:{:02}:{:02} UTC", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// A time as people say it.
pub fn ago(millis: u64) -> String {
    match millis / 1_000 {
        0 => format!("{:.1}s", millis as f64 / 1e3),
        seconds @ 1..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        seconds @ 3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        seconds => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_with_their_labels_and_a_strangers_page_is_not_one() {
        let text = "# HELP glassbook_lag Lag.\nglassbook_lag 7\nglassbook_batches{state=\"final\"} 3\nother 1\n# EOF\n";
        let figures = Figures::parse(text).expect("figures");
        assert_eq!(figures.get("lag"), Some(7));
        assert_eq!(figures.get("batches{state=\"final\"}"), Some(3));
        assert_eq!(figures.get("other"), None);
        assert!(Figures::parse("<html>").is_err());
    }

    #[test]
    fn a_symbol_that_is_no_symbol_does_not_get_into_an_address() {
        let text = r#"{"symbols":[{"symbol":"BTCUSD"},{"symbol":"A&limit=9"},{"symbol":"../x"}]}"#;
        let known = markets_of(text).expect("markets");
        assert_eq!(known.iter().map(|market| &*market.symbol).collect::<Vec<_>>(), ["BTCUSD"]);
    }

    #[test]
    fn numbers_have_the_digits_that_say_something() {
        let text = r#"{"symbols":[{"symbol":"BTCUSD","status":"HALT","filters":[
            {"filterType":"PRICE_FILTER","tickSize":"1.00000000"},{"filterType":"LOT_SIZE","stepSize":"0.00100000"}]}]}"#;
        let market = &markets_of(text).expect("markets")[0];
        assert_eq!((market.price_digits, market.quantity_digits, market.halted), (Some(0), Some(3), true));
        for (decimal, digits, shown) in [
            ("64240.00000000", Some(0), "64240"),
            ("0.10000000", Some(3), "0.100"),
            ("0.10000001", Some(3), "0.10000001"),
            ("0.10", None, "0.10"),
            ("5", Some(3), "5"),
            ("5.", Some(3), "5"),
        ] {
            assert_eq!(short(decimal, digits), shown, "{decimal}");
        }
        assert_eq!(
            (fitting("abcdef", 4), fitting("abc", 3), fitting("abc", 0)),
            ("abc…".into(), "abc".into(), String::new())
        );
    }

    #[test]
    fn times_and_numbers_are_short() {
        for (millis, text) in
            [(300, "0.3s"), (59_999, "59s"), (61_000, "1m01s"), (3_700_000, "1h01m"), (90_000_000, "1d01h")]
        {
            assert_eq!(ago(millis), text);
        }
        assert_eq!(clock(1_764_421_200_000), "13:00:00 UTC");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert!(digits("0.10") < digits("0.11") && digits("9.99") < digits("10.00"));
    }
}
