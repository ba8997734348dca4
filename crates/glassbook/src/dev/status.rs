//! What a running exchange tells others over HTTP: where each batch and command is, transitions as they happen, figures for
//! Prometheus.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use exchange::{Exchange, batch_path};
use futures_util::stream;
use proving::Millis;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use settlement::{Action, BlockRef, Event, Record, Records as _, Store, Summary};
use telemetry::{Figures, figures};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use transition::Claim;

use super::custody::Checked;
use super::telling::Telling;

/// Transitions that are kept for whoever asks for them later.
const KEPT: usize = 4_096;
/// Batches in one answer at most.
const LISTED: usize = 1_000;
/// Where a sealed batch's file has its claim.
const CLAIM_AT: usize = 8;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// Answers that read files are made one after another: nobody's requests keep the node from its work.
    reading: Semaphore,
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
        let (telling, reading) = (Telling::default(), Semaphore::new(1));
        Self { store, batches, proofs, exchange, telling, latest, news, since, reading }
    }

    /// Tells traces what becomes of batches, and serves the node's health.
    #[must_use]
    pub fn with(self, telling: &Telling) -> Self {
        Self { telling: telling.clone(), ..self }
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
    fn proofs(&self, record: &Record) -> Option<&str> {
        let proved = record.blocks.contains_key(&Action::Prove);
        let here =
            record.entered.get(settlement::State::Confirmed.name()).is_some_and(|at| *at >= self.since);
        match (proved, here) {
            (false, _) => None,
            (true, true) => Some(&self.proofs),
            (true, false) => Some("attested, before this start"),
        }
    }

    /// A transition, for the world.
    fn event(&self, number: u64, event: &Event) -> Value {
        json!({
            "run": self.since,
            "number": number,
            "batch": event.batch,
            "from": event.from.as_ref().map(settlement::State::name),
            "to": event.to.name(),
            "why": match &event.to {
                settlement::State::Failed { why, .. } => Some(why),
                _ => None,
            },
            "block": event.block.map(block),
            "at": event.at,
        })
    }

    /// A batch, for the world.
    fn batch(&self, record: &Record) -> Value {
        let claim = self.claim(record.batch.number);
        let mut l1 = Map::new();
        for (action, at) in &record.blocks {
            let receipt = record.receipts.get(action);
            let done = json!({
                "block": block(*at),
                "transaction": receipt.map(|receipt| &receipt.transaction),
                "gas": receipt.map(|receipt| receipt.gas),
            });
            l1.insert(name(*action).to_string(), done);
        }
        json!({
            "batch": record.batch.number,
            "state": record.state.name(),
            "claim_digest": hex(&record.batch.digest),
            "commands": claim.as_ref().map(|claim| [claim.first_sequence, claim.last_sequence]),
            "state_root": claim.as_ref().map(|claim| hex(&claim.state_root)),
            "proofs": self.proofs(record),
            "proof": record.proof.map(|(first, last)| [first, last]),
            "l1": l1,
            "entered": record.entered,
            "trouble": record.trouble,
        })
    }

    fn records(&self, from: u64, limit: usize) -> Result<Vec<Record>, StatusCode> {
        self.store.list(from, limit).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The batch that holds a command.
    fn holds(&self, sequence: u64) -> Option<u64> {
        let (mut low, mut high) = (1, self.latest().summary.as_ref()?.last_sealed);
        while low <= high {
            let middle = low + (high - low) / 2;
            let claim = self.claim(middle)?;
            if sequence < claim.first_sequence {
                high = middle - 1;
            } else if sequence > claim.last_sequence {
                low = middle + 1;
            } else {
                return Some(middle);
            }
        }
        None
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

fn block(block: BlockRef) -> Value {
    json!({ "number": block.number, "hash": hex(&block.hash) })
}

fn hex(bytes: &[u8]) -> String {
    let mut text = "0x".to_string();
    for byte in bytes {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn name(action: Action) -> &'static str {
    match action {
        Action::Commit => "commit",
        Action::Prove => "prove",
        Action::Finalise => "finalise",
    }
}

/// The server. It ends when this is dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Takes an address.
///
/// # Errors
/// When it cannot be used.
pub fn bind(address: SocketAddr, runtime: &Handle) -> Result<TcpListener> {
    runtime.block_on(TcpListener::bind(address)).with_context(|| {
        format!("cannot serve at {address}; choose another --port, or 0 for any")
    })
}

/// Serves a board.
///
/// # Errors
/// When the address is not known.
pub fn serve(board: Arc<Board>, listener: TcpListener, runtime: &Handle) -> Result<Server> {
    let address = listener.local_addr()?;
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .route("/batches", get(batches))
        .route("/batches/{batch}", get(batch))
        .route("/commands/{sequence}", get(command))
        .route("/events", get(events))
        .with_state(Arc::clone(&board))
        .merge(board.telling.health.routes());
    let task = runtime.spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            eprintln!("status is not served any more: {error}");
        }
    });
    Ok(Server { address, task })
}

/// Files are read on threads that may wait.
async fn reading<T: Send + 'static>(
    board: Arc<Board>,
    read: impl FnOnce(&Board) -> Result<T, StatusCode> + Send + 'static,
) -> Result<T, StatusCode> {
    let answer = async {
        let _turn = board.reading.acquire().await;
        let board = Arc::clone(&board);
        spawn_blocking(move || read(&board)).await.unwrap_or(Err(StatusCode::INTERNAL_SERVER_ERROR))
    };
    timeout(PATIENCE, answer).await.unwrap_or(Err(StatusCode::SERVICE_UNAVAILABLE))
}

async fn metrics(State(board): State<Arc<Board>>) -> Response {
    match board.figures() {
        Ok(text) => ([(header::CONTENT_TYPE, figures::CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[derive(Deserialize)]
struct Range {
    #[serde(default = "one")]
    from: u64,
    limit: Option<usize>,
}

fn one() -> u64 {
    1
}

async fn batches(
    State(board): State<Arc<Board>>,
    Query(range): Query<Range>,
) -> Result<Json<Value>, StatusCode> {
    let limit = range.limit.unwrap_or(100).min(LISTED);
    let found = move |board: &Board| {
        let records = board.records(range.from, limit)?;
        Ok(records.iter().map(|record| board.batch(record)).collect::<Vec<_>>())
    };
    Ok(Json(Value::Array(reading(board, found).await?)))
}

async fn batch(State(board): State<Arc<Board>>, Path(number): Path<u64>) -> Result<Json<Value>, StatusCode> {
    let found = move |board: &Board| {
        let records = board.records(number, 1)?;
        let record = records.first().filter(|record| record.batch.number == number);
        record.map(|record| board.batch(record)).ok_or(StatusCode::NOT_FOUND)
    };
    Ok(Json(reading(board, found).await?))
}

async fn command(
    State(board): State<Arc<Board>>,
    Path(sequence): Path<u64>,
) -> Result<Json<Value>, StatusCode> {
    let found = move |board: &Board| {
        let number = board.holds(sequence).ok_or(StatusCode::NOT_FOUND)?;
        let records = board.records(number, 1)?;
        let record = records.first().filter(|record| record.batch.number == number);
        let batch = record.map(|record| board.batch(record)).ok_or(StatusCode::NOT_FOUND)?;
        Ok(json!({ "sequence": sequence, "batch": batch }))
    };
    Ok(Json(reading(board, found).await?))
}

#[derive(Deserialize)]
struct After {
    after: Option<u64>,
}

/// Transitions as they happen, and those before that are kept: after a number, or after the last that was received.
async fn events(
    State(board): State<Arc<Board>>,
    Query(After { after }): Query<After>,
    headers: HeaderMap,
) -> impl IntoResponse {
    // The number after the start that it is of: numbers begin again at each.
    let received =
        headers.get("last-event-id").and_then(|id| id.to_str().ok()?.split_once('-')).map(|(run, number)| {
            match run.parse() == Ok(board.since) {
                true => number.parse().unwrap_or(0),
                false => 0,
            }
        });
    let mut news = board.news.subscribe();
    let last = *news.borrow_and_update();
    let known = received.or(after).unwrap_or(last);
    let told = stream::unfold((board, news, known), |(board, mut news, known)| async move {
        loop {
            let next = {
                let latest = board.latest();
                let next = latest.events.iter().find(|(number, _)| *number > known);
                match latest.events.front() {
                    Some((first, _)) if *first > known.saturating_add(1) => {
                        let missed = json!({ "from": known.saturating_add(1), "to": first - 1 });
                        Some((first - 1, "missed", missed))
                    }
                    _ => next.map(|(number, event)| (*number, "batch", board.event(*number, event))),
                }
            };
            if let Some((number, kind, data)) = next {
                let id = format!("{}-{number}", board.since);
                let message = Message::default().id(id).event(kind).data(data.to_string());
                return Some((Ok::<_, Infallible>(message), (board, news, number)));
            }
            news.changed().await.ok()?;
        }
    });
    Sse::new(told).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}
