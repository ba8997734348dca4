//! Asks a node over HTTP.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use thiserror::Error;
use ureq::http::Response;

use super::reading::{Answer, Figures, Market, Reading, markets_of};

/// How long a node may take for one answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest answer that is read.
const ANSWER: u64 = 4 << 20;
/// Price levels of each side.
const LEVELS: usize = 20;
/// Markets that are asked for.
const MARKETS: usize = 9;
/// Batches that are asked for.
pub const BATCHES: u64 = 30;
/// What hardly changes is asked for every so many readings.
const SELDOM: u64 = 10;
/// How long nothing is asked that counts, when the node does not say after it was asked too often.
const REST: Duration = Duration::from_secs(10);

/// The longest rest: bans may last for days, and may be lifted.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// Why there is nothing to read.
#[derive(Debug, Error)]
pub enum Away {
    /// Nobody answers.
    #[error("{0}")]
    Silent(String),
    /// Somebody answers, who is no node.
    #[error("something else answers there: {0}")]
    Stranger(String),
}

/// A node.
pub struct Node {
    url: String,
    agent: ureq::Agent,
    readings: u64,
    markets: Answer<Vec<Market>>,
    exchange: Answer<serde_json::Value>,
    /// Asked too often: until then nothing is asked that counts. Whoever goes on asking is banned.
    rest: Cell<Option<(Instant, u16)>>,
}

impl Node {
    pub fn new(url: &str) -> Result<Self> {
        let url = url.trim_end_matches('/');
        let url = if url.contains("://") { url.to_string() } else { format!("http://{url}") };
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            bail!("a node's address begins with http:// or https://: {url}");
        }
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
        let unasked = || Err("not asked yet".to_string());
        Ok(Self {
            url,
            agent: config.build().into(),
            readings: 0,
            markets: Ok(Vec::new()),
            exchange: unasked(),
            rest: Cell::new(None),
        })
    }

    pub fn name(&self) -> &str {
        &self.url
    }

    /// Everything that is shown. What the node does not answer is said in its place; only when it answers nothing is it away.
    pub fn read(&mut self) -> Result<Reading, Away> {
        // Also tells whether anybody is there.
        let figures = match self.get("/metrics") {
            Ok(text) => Figures::parse(&text),
            Err(Refusal::Silent(why)) => return Err(Away::Silent(why)),
            Err(Refusal::Status(status)) => Err(said(status)),
        };
        if self.readings.is_multiple_of(SELDOM) || self.exchange.is_err() {
            self.markets = self.ask("/api/v3/exchangeInfo").and_then(|text| markets_of(&text));
            self.exchange = self.ask("/api/glassbook/v1/exchange").and_then(|text| json(&text));
        }
        self.readings += 1;
        if let (Err(why), Err(_), Err(_)) = (&figures, &self.markets, &self.exchange) {
            return Err(Away::Stranger(why.clone()));
        }
        let markets = self.markets.clone().map(|markets| {
            let read = |market: &Market| {
                let symbol = &market.symbol;
                let depth = self.ask(&format!("/api/v3/depth?symbol={symbol}&limit={LEVELS}"));
                let day = self.ask(&format!("/api/v3/ticker/24hr?symbol={symbol}"));
                (market.clone(), depth.and_then(|text| json(&text)), day.and_then(|text| json(&text)))
            };
            markets.iter().take(MARKETS).map(read).collect()
        });
        let last =
            figures.as_ref().ok().and_then(|figures| figures.get("settlement_last_sealed")).unwrap_or(0);
        let from = last.saturating_sub(BATCHES).max(1);
        let batches = self.ask(&format!("/api/glassbook/v1/batches?from={from}&limit={}", BATCHES + 1));
        let health = match self.get_any("/readyz") {
            Ok((_, text)) => json(&text),
            Err(why) => Err(why),
        };
        let batches = batches.and_then(|text| json(&text));
        Ok(Reading { figures, exchange: self.exchange.clone(), markets, batches, health })
    }

    /// Asks for something that counts against the limits of this address.
    fn ask(&self, path: &str) -> Answer<String> {
        let now = Instant::now();
        if let Some((until, status)) = self.rest.get()
            && until > now
        {
            return Err(too_often(status, until - now));
        }
        self.rest.set(None);
        let mut answer = self.call(path)?;
        let status = answer.status().as_u16();
        if matches!(status, 418 | 429) {
            let said =
                answer.headers().get("retry-after").and_then(|seconds| seconds.to_str().ok()?.parse().ok());
            let rest = said.map_or(REST, Duration::from_secs).min(LONGEST_REST);
            self.rest.set(Some((now + rest, status)));
            return Err(too_often(status, rest));
        }
        let text = read(&mut answer)?;
        if status == 200 { Ok(text) } else { Err(said(status)) }
    }

    fn get(&self, path: &str) -> Result<String, Refusal> {
        match self.get_any(path).map_err(Refusal::Silent)? {
            (200, text) => Ok(text),
            (status, _) => Err(Refusal::Status(status)),
        }
    }

    fn get_any(&self, path: &str) -> Answer<(u16, String)> {
        let mut answer = self.call(path)?;
        Ok((answer.status().as_u16(), read(&mut answer)?))
    }

    fn call(&self, path: &str) -> Answer<Response<ureq::Body>> {
        self.agent.get(format!("{}{path}", self.url)).call().map_err(|error| plain(&error))
    }
}

fn read(answer: &mut Response<ureq::Body>) -> Answer<String> {
    answer.body_mut().with_config().limit(ANSWER).read_to_string().map_err(|error| plain(&error))
}

enum Refusal {
    Silent(String),
    Status(u16),
}

/// What an operator makes of a status.
fn said(status: u16) -> String {
    match status {
        404 => "this node does not serve it (404)".to_string(),
        401 | 403 => format!("this node does not let everybody see it ({status})"),
        503 => "the node is too busy, or starting (503)".to_string(),
        status => format!("the node answers {status}"),
    }
}

/// What an operator makes of a limit.
fn too_often(status: u16, rest: Duration) -> String {
    let seconds = rest.as_secs_f64().ceil();
    format!("asked too often ({status}); asked again in {seconds} s; press - to ask less often")
}

/// Without the library's name before it.
fn plain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::Timeout(_) => format!("no answer within {} s", PATIENCE.as_secs()),
        ureq::Error::HostNotFound => "there is no such host".to_string(),
        error => error.to_string(),
    }
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("not understood: {error}"))
}
