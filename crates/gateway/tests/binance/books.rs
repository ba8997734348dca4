//! The documented way to keep a local order book, and market data.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::kit::*;

/// Prices and quantities as strings, by price in ticks.
#[derive(Default, Debug, PartialEq)]
struct Book {
    update: u64,
    bids: BTreeMap<u64, String>,
    asks: BTreeMap<u64, String>,
}

impl Book {
    fn apply(&mut self, bids: &Value, asks: &Value) {
        for (side, levels) in [(&mut self.bids, bids), (&mut self.asks, asks)] {
            for level in levels.as_array().unwrap() {
                let (price, quantity) = (number(&level[0]) as u64, level[1].as_str().unwrap());
                // Binance's text for an empty level.
                if quantity == "0.00000000" {
                    side.remove(&price);
                } else {
                    side.insert(price, quantity.to_owned());
                }
            }
        }
    }

    async fn snapshot(site: &Site) -> Self {
        let depth = site.get("/api/v3/depth?symbol=BTCUSD&limit=5000").await.json();
        let mut book = Self { update: depth["lastUpdateId"].as_u64().unwrap(), ..Self::default() };
        book.apply(&depth["bids"], &depth["asks"]);
        book
    }
}

/// Binance's documentation, "How to manage a local order book correctly".
async fn keep_a_book(stream: &str, time: Duration) {
    let mut site = site_with(3_000, |_| {}).await;
    let mut socket = site.listen(&format!("/ws/{stream}")).await;
    let first = socket.next().await.unwrap();
    let mut buffered = vec![first];
    let mut book = Book::snapshot(&site).await;
    while book.update < buffered[0]["U"].as_u64().unwrap() - 1 {
        book = Book::snapshot(&site).await;
    }
    let began = Instant::now();
    let (mut applied, mut last) = (0, None::<u64>);
    loop {
        for event in std::mem::take(&mut buffered) {
            let (first, update) = (event["U"].as_u64().unwrap(), event["u"].as_u64().unwrap());
            assert_eq!(event["e"], "depthUpdate");
            if let Some(last) = last {
                assert_eq!(first, last + 1, "each event follows the one before");
            }
            last = Some(update);
            if update <= book.update {
                continue;
            }
            assert!(first <= book.update + 1, "nothing is missing between snapshot and events");
            book.apply(&event["b"], &event["a"]);
            book.update = update;
            applied += 1;
            let (bid, ask) = (book.bids.last_key_value().unwrap(), book.asks.first_key_value().unwrap());
            assert!(bid.0 < ask.0, "the book is not crossed");
        }
        if began.elapsed() > time {
            site.world.stop();
            // What came after the last event is quiet now: one snapshot tells whether the book is right.
            let truth = Book::snapshot(&site).await;
            if book.update == truth.update {
                assert_eq!(book, truth);
                break;
            }
        }
        buffered.push(socket.next().await.unwrap());
    }
    assert!(applied > 2, "{applied}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_kept_from_the_fast_stream_is_the_book() {
    keep_a_book("btcusd@depth@100ms", Duration::from_secs(3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_kept_from_the_slow_stream_is_the_book() {
    keep_a_book("btcusd@depth", Duration::from_secs(4)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn market_data_agrees_with_itself() {
    let mut site = site_with(4_000, |_| {}).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    site.world.stop();
    let get = async |target: &str| {
        let answer = site.get(target).await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.body);
        answer.json()
    };
    let trades = get("/api/v3/historicalTrades?symbol=BTCUSD&fromId=1&limit=1000").await;
    let trades = trades.as_array().unwrap();
    assert!(trades.len() > 20);
    assert!(trades.iter().zip(1..).all(|(trade, id)| trade["id"] == id));
    let traded: f64 = trades.iter().map(|trade| number(&trade["qty"])).sum();
    let aggregates = get("/api/v3/aggTrades?symbol=BTCUSD&fromId=1&limit=1000").await;
    let of_aggregates: f64 = aggregates
        .as_array()
        .unwrap()
        .iter()
        .filter(|aggregate| aggregate["l"].as_u64() <= trades.last().unwrap()["id"].as_u64())
        .map(|aggregate| number(&aggregate["q"]))
        .sum();
    if trades.len() < 1_000 {
        assert!((traded - of_aggregates).abs() < 1e-6, "{traded} {of_aggregates}");
        for target in ["klines?symbol=BTCUSD&interval=1d", "klines?symbol=BTCUSD&interval=1m"] {
            let candles = get(&format!("/api/v3/{target}")).await;
            let volume: f64 = candles.as_array().unwrap().iter().map(|candle| number(&candle[5])).sum();
            assert!((traded - volume).abs() < 1e-6, "{target}");
        }
        let day = get("/api/v3/ticker/24hr?symbol=BTCUSD").await;
        assert!((number(&day["volume"]) - traded).abs() < 1e-6);
        assert_eq!(day["count"], trades.len());
        let rolling = get("/api/v3/ticker?symbol=BTCUSD&windowSize=1h").await;
        assert_eq!(rolling["volume"], day["volume"]);
    }
    let last = get("/api/v3/ticker/price?symbol=BTCUSD").await;
    let book = get("/api/v3/depth?symbol=BTCUSD&limit=1").await;
    let best = get("/api/v3/ticker/bookTicker?symbol=BTCUSD").await;
    assert_eq!((&best["bidPrice"], &best["askQty"]), (&book["bids"][0][0], &book["asks"][0][1]));
    assert!(number(&last["price"]) > 0.0);
    let average = get("/api/v3/avgPrice?symbol=BTCUSD").await;
    assert!((number(&average["price"]) / number(&last["price"]) - 1.0).abs() < 0.05);
    let info = get("/api/v3/exchangeInfo").await;
    assert_eq!(info["symbols"].as_array().unwrap().len(), 3);
    let filters = info["symbols"][0]["filters"].as_array().unwrap();
    let filter = |kind: &str| filters.iter().find(|filter| filter["filterType"] == kind).unwrap();
    assert_eq!(filter("PRICE_FILTER")["tickSize"], "1.00000000");
    assert_eq!(filter("LOT_SIZE")["stepSize"], "0.00100000");
    assert_eq!(filter("PERCENT_PRICE_BY_SIDE")["bidMultiplierUp"], "1.10000000");
    for (target, code) in [
        ("depth?symbol=NOSUCH", -1121),
        ("depth?symbol=btcusd", -1100),
        ("depth", -1102),
        ("depth?symbol=BTCUSD&limit=x", -1100),
        ("klines?symbol=BTCUSD&interval=2m", -1120),
        ("klines?symbol=BTCUSD", -1102),
        ("klines?symbol=BTCUSD&interval=1m&startTime=2&endTime=1", -1127),
        ("ticker/24hr?symbol=BTCUSD&symbols=%5B%5D", -1128),
        ("ticker/24hr?symbols=BTCUSD", -1100),
        ("ticker?windowSize=1h", -1128),
        ("ticker?symbol=BTCUSD&windowSize=61m", -1130),
        ("account", -2014),
    ] {
        let answer = site.get(&format!("/api/v3/{target}")).await;
        assert_eq!((answer.code(), answer.status / 100), (code, 4), "{target}: {}", answer.body);
    }
}
