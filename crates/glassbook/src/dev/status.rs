//! What is known of a running node: what settlement and the check of custody say; figures for Prometheus.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use exchange::{Exchange, batch_path};
use proving::Millis;
use settlement::{Action, Event, Record, Records as _, Store, StoreError, Summary};
use telemetry::{Figures, figures};
use tokio::sync::watch;
use transition::Claim;

use super::custody::Checked;
use super::lifecycle::name;
use super::telling::Telling;

/// Transitions that are kept for whoever asks for them later.
const KEPT: usize = 4_096;
/// Where a sealed batch's file has its claim.
const CLAIM_AT: usize = 8;

/// What is told. Written by settlement and by the check of custody, read by requests.
pub struct Board {
    store: Store,
    batches: PathBuf,
    /// What stands behind "proved" in this run.
    proofs: String,
    exchange: Weak<Exchange>,
    telling: Telling,
    latest: Mutex<Latest>,
    /// The number of the last transition.
    news: watch::Sender<u64>,
    /// When it began, in milliseconds since 1970.
    since: u64,
}

/// Transitions, as far as they are kept.
pub struct Told {
    /// The first and the last of those that are not kept any more.
    pub missed: Option<(u64, u64)>,
    /// With their numbers.
    pub list: Vec<(u64, Event)>,
}

#[derive(Default)]
struct Latest {
    summary: Option<Summary>,
    /// The last final batch that the exchange was told of.
    taken: Option<u64>,
    custody: Option<Checked>,
    checks: u64,
    disagreements: u64,
    not_checked: u64,
    /// With their numbers, which count from 1 at each start.
    events: VecDeque<(u64, Event)>,
}

impl Board {
    /// Of an exchange whose sealed batches are in a folder.
    pub fn new(store: Store, batches: PathBuf, proofs: String, exchange: &Arc<Exchange>) -> Self {
        let (news, latest) = (watch::Sender::new(0), Mutex::default());
        let (exchange, since) = (Arc::downgrade(exchange), Millis::now().0);
        let telling = Telling::default();
        Self { store, batches, proofs, exchange, telling, latest, news, since }
    }

    /// Tells traces what becomes of batches, and serves the node's health.
    #[must_use]
    pub fn with(self, telling: &Telling) -> Self {
        Self { telling: telling.clone(), ..self }
    }

    /// Where the node tells of itself.
    pub fn telling(&self) -> &Telling {
        &self.telling
    }

    /// Takes over what settlement has done.
    pub fn settled(&self, summary: Summary, events: Vec<Event>) {
        for event in &events {
            self.telling.moved(event);
        }
        let last_final = summary.last_final;
        let mut latest = self.latest();
        latest.summary = Some(summary);
        if latest.taken.is_none_or(|taken| taken != last_final) {
            latest.taken = Some(last_final);
            // What is final does not keep the exchange waiting any more (`max_downstream_lag`).
            let last = self.claim(last_final).map_or(0, |claim| claim.last_sequence);
            if let Some(exchange) = self.exchange.upgrade() {
                exchange.taken_downstream(last);
            }
        }
        let mut number = *self.news.borrow();
        for event in events {
            number += 1;
            if latest.events.len() == KEPT {
                latest.events.pop_front();
            }
            latest.events.push_back((number, event));
        }
        drop(latest);
        self.news.send_if_modified(|known| std::mem::replace(known, number) != number);
    }

    /// Takes over what the contract was found to hold.
    pub fn checked(&self, checked: Checked) {
        let mut latest = self.latest();
        latest.checks += 1;
        latest.disagreements += u64::from(checked.disagreement().is_some());
        latest.custody = Some(checked);
    }

    /// Custody could not be compared.
    pub fn not_checked(&self) {
        self.latest().not_checked += 1;
    }

    /// What settlement last said of itself, and how custody last was.
    pub fn known(&self) -> (Option<Summary>, Option<Checked>) {
        let latest = self.latest();
        (latest.summary.clone(), latest.custody.clone())
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a batch claims, as its file says.
    fn claim(&self, batch: u64) -> Option<Claim> {
        let mut beginning = [0; CLAIM_AT + Claim::BYTES];
        File::open(batch_path(&self.batches, batch)).ok()?.read_exact(&mut beginning).ok()?;
        Claim::decode(&beginning[CLAIM_AT..]).ok()
    }

    /// What stands behind a batch's proof, once the chain has one.
    pub fn proofs(&self, record: &Record) -> Option<&str> {
        let proved = record.blocks.contains_key(&Action::Prove);
        let here =
            record.entered.get(settlement::State::Confirmed.name()).is_some_and(|at| *at >= self.since);
        match (proved, here) {
            (false, _) => None,
            (true, true) => Some(&self.proofs),
            (true, false) => Some("attested, before this start"),
        }
    }

    /// Settlement's records from a batch on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn records(&self, from: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.store.list(from, limit)
    }

    /// The last final batch, once settlement has looked.
    pub fn last_final(&self) -> Option<u64> {
        self.latest().summary.as_ref().map(|summary| summary.last_final)
    }

    /// When it began, in milliseconds since 1970: transitions are numbered from there.
    pub fn since(&self) -> u64 {
        self.since
    }

    /// The number of the last transition, and when there is another.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Transitions after one, so many at most.
    pub fn events(&self, after: u64, limit: usize) -> Told {
        let latest = self.latest();
        let first = latest.events.front().map(|(number, _)| *number);
        let missed =
            first.filter(|first| *first > after.saturating_add(1)).map(|first| (after + 1, first - 1));
        let list = latest.events.iter().filter(|(number, _)| *number > after).take(limit).cloned();
        Told { missed, list: list.collect() }
    }

    /// All figures, in Prometheus' text format.
    fn figures(&self) -> Result<String, std::fmt::Error> {
        let mut figures = Figures::default();
        if let Some(exchange) = self.exchange.upgrade() {
            let stats = exchange.stats();
            figures.count("commands_executed", "Commands executed since the start", stats.executed);
            figures.count(
                "commands_durable",
                "Commands durable and acknowledged since the start",
                stats.durable,
            );
            figures.count("commands_sealed", "Commands in sealed batches since the start", stats.sealed);
            figures.count(
                "journal_bytes",
                "Bytes written to the journal since the start",
                stats.journal_bytes,
            );
            figures.now(
                "exchange_stopped",
                "1 when the exchange has stopped by a fault",
                exchange.fault().is_some(),
            );
        }
        let latest = self.latest();
        if let Some(summary) = &latest.summary {
            let Summary { states, gas, .. } = summary;
            let batches = states.iter().map(|(state, count)| ([("state", *state)], *count));
            figures.each_now("settlement_batches", "Batches in each state", batches);
            let spent = gas.iter().map(|(action, gas)| ([("action", name(*action))], *gas));
            figures.each_count("settlement_gas", "Gas of our transactions that were carried out", spent);
            figures.now("settlement_last_sealed", "The last sealed batch", summary.last_sealed);
            figures.now("settlement_last_final", "The last final batch", summary.last_final);
            figures.now("settlement_lag_batches", "Batches sealed and not final", summary.lag);
            let oldest = summary.oldest_open.unwrap_or(0) / 1_000;
            figures.now(
                "settlement_oldest_open_seconds",
                "Age of the oldest batch that is not final",
                oldest,
            );
            figures.count("settlement_retries", "Tries that came to nothing", summary.retries);
            let help = "Transitions that a reorg or the operator took back since the start";
            figures.count("settlement_taken_back", help, summary.taken_back);
            let help = "Final batches compared with the chain since the start";
            figures.count("settlement_audited", help, summary.audited);
            figures.count("settlement_events_lost", "Transitions nobody was told of", summary.events_lost);
            let help = "Batches that need somebody to look at them";
            figures.now("settlement_failed", help, summary.failures.len() as u64);
            figures.now(
                "settlement_waiting",
                "1 while the chain or the batches cannot be read",
                summary.trouble.is_some(),
            );
            figures.now(
                "settlement_halted",
                "1 when records and chain contradict each other",
                summary.halted.is_some(),
            );
        }
        figures.count("custody_checks", "Blocks at which custody was compared", latest.checks);
        let help = "Comparisons that could not be made";
        figures.count("custody_not_checked", help, latest.not_checked);
        figures.count(
            "custody_disagreements",
            "Comparisons that found less or more than is owed",
            latest.disagreements,
        );
        if let Some(custody) = &latest.custody {
            figures.now(
                "custody_block",
                "The last block at which custody was compared",
                custody.block.number,
            );
        }
        drop(latest);
        self.telling.traces.figures().add_to(&mut figures);
        figures.text()
    }
}

/// Figures and health.
pub fn routes(board: &Arc<Board>) -> Router {
    let health = board.telling.health.routes();
    Router::new().route("/metrics", get(metrics)).with_state(Arc::clone(board)).merge(health)
}

async fn metrics(State(board): State<Arc<Board>>) -> Response {
    match board.figures() {
        Ok(text) => ([(header::CONTENT_TYPE, figures::CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
