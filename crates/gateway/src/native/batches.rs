//! Batches: how far they are, and their files.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, http::HeaderValue};
use exchange::batch_path;
use futures_util::{Stream, stream};
use serde::Deserialize;
use serde_json::json;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;
use utoipa::IntoParams;

use super::api::Turn;
use super::batch_answers::{AvailabilityBody, BatchBody, CommandBody, TransitionBody};
use super::error::Refusals;
use super::extract::{Path, Query};
use super::number::Number;
use super::{ApiError, Native, Stage};
use crate::server::ClientAddress;

/// Batches in one answer at most.
const LISTED: usize = 1_000;
/// How long the sending of a file may take.
const SENDING: Duration = Duration::from_secs(600);
/// Bytes of a file that are read at a time.
const CHUNK: usize = 64 << 10;
/// Sealed batches never change.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Which batches.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BatchRange {
    /// The first [default: 1].
    #[serde(default = "one")]
    #[param(inline)]
    from: Number,
    /// So many at most, and at most 1,000 [default: 100].
    #[param(inline)]
    limit: Option<Number>,
}

fn one() -> Number {
    Number(1)
}

/// How far batches are
///
/// In order, from a number on.
#[utoipa::path(
    get, path = "/batches", tag = "batches", params(BatchRange),
    responses((status = 200, description = "The batches", body = Vec<BatchBody>), Refusals)
)]
pub(crate) async fn list(
    State(native): State<Arc<Native>>,
    Query(range): Query<BatchRange>,
) -> Result<Json<Vec<BatchBody>>, ApiError> {
    let limit = range.limit.map_or(100, |Number(limit)| usize::try_from(limit).unwrap_or(LISTED)).min(LISTED);
    let found = move |native: &Native| {
        let records = native.lifecycle.batches(range.from.0, limit)?;
        let bodies = records.iter().map(|record| {
            let claim = native.index.claim(record.number);
            BatchBody::new(record, claim.as_ref())
        });
        Ok(bodies.collect())
    };
    Ok(Json(native.blocking(Turn::Read, found).await?))
}

impl Native {
    /// How far a batch is.
    pub(crate) fn batch(&self, number: u64) -> Result<BatchBody, ApiError> {
        let record = self.lifecycle.batch(number)?.ok_or_else(|| unknown_batch(number))?;
        Ok(BatchBody::new(&record, self.index.claim(number).as_ref()))
    }
}

pub(crate) fn unknown_batch(number: u64) -> ApiError {
    let remedy = "GET /exchange says which batch is the last sealed one; an old one may have been removed";
    ApiError::not_found("unknown_batch", format!("batch {number} is not here"), remedy)
}

/// How far a batch is
#[utoipa::path(
    get, path = "/batches/{batch}", tag = "batches",
    params(("batch" = inline(Number), Path, description = "Its number")),
    responses((status = 200, description = "The batch", body = BatchBody), Refusals)
)]
pub(crate) async fn one_batch(
    State(native): State<Arc<Native>>,
    Path(Number(number)): Path<Number>,
) -> Result<Json<BatchBody>, ApiError> {
    Ok(Json(native.blocking(Turn::Read, move |native| native.batch(number)).await?))
}

/// A sealed batch
///
/// The file: claim, commands, signatures and witness, with which anybody executes the batch again (the book: The sealed batch,
/// byte by byte).
#[utoipa::path(
    get, path = "/batches/{batch}/sealed", tag = "batches",
    params(("batch" = inline(Number), Path, description = "Its number")),
    responses((status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"), Refusals)
)]
pub(crate) async fn sealed(
    State(native): State<Arc<Native>>,
    Path(Number(number)): Path<Number>,
) -> Result<Response, ApiError> {
    let turn = Arc::clone(&native.downloads).try_acquire_owned();
    let turn = turn.map_err(|_| ApiError::later("busy", "too many files are being sent", 1))?;
    let path = batch_path(native.index.dir(), number);
    let file = File::open(&path).await.map_err(|_| unknown_batch(number))?;
    let length = file.metadata().await.map_err(|_| unknown_batch(number))?.len();
    let end = Instant::now() + SENDING;
    // The turn ends when the file is sent, the reader is gone, or it has taken too long.
    let chunks = stream::unfold((file, turn), move |(mut file, turn)| async move {
        if Instant::now() > end {
            return Some((Err(std::io::Error::from(std::io::ErrorKind::TimedOut)), (file, turn)));
        }
        let mut chunk = vec![0; CHUNK];
        match file.read(&mut chunk).await {
            Ok(0) => None,
            Ok(read) => {
                chunk.truncate(read);
                Some((Ok(Bytes::from(chunk)), (file, turn)))
            }
            Err(error) => Some((Err(error), (file, turn))),
        }
    });
    let name = format!("attachment; filename=\"{number:012}.batch\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
        (header::CONTENT_DISPOSITION, HeaderValue::try_from(name).unwrap_or(IMMUTABLE)),
        (header::CACHE_CONTROL, IMMUTABLE),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// The proof that covers a batch
///
/// The file (the book: Proofs). The headers `Glassbook-Proof-Kind`, `-Statement` and `-Batches` say what it is.
#[utoipa::path(
    get, path = "/batches/{batch}/proof", tag = "batches",
    params(("batch" = inline(Number), Path, description = "Its number")),
    responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream",
            headers(
                ("glassbook-proof-kind" = String, description = "The kind, as the file says"),
                ("glassbook-proof-statement" = String, description = "What it shows, in a sentence"),
                ("glassbook-proof-batches" = String, description = "The first and the last batch that it covers"),
            )),
        Refusals
    )
)]
pub(crate) async fn proof(
    State(native): State<Arc<Native>>,
    Path(Number(number)): Path<Number>,
) -> Result<Response, ApiError> {
    let found = move |native: &Native| {
        native.lifecycle.batch(number)?.ok_or_else(|| unknown_batch(number))?;
        native.lifecycle.proof(number)?.ok_or_else(|| {
            let message = format!("no proof covers batch {number}");
            let remedy = match native.lifecycle.facts().proofs.as_str() {
                "executed" => "nothing is proved here: execute the batch again, /batches/{batch}/sealed",
                _ => "a proof may take minutes: /batches/{batch} says how far it is",
            };
            ApiError::not_found("no_proof", message, remedy)
        })
    };
    let file = native.blocking(Turn::Read, found).await?;
    let text = |text: String| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("unknown"));
    let mut response = (
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))],
        Body::from(file.bytes),
    )
        .into_response();
    let headers = response.headers_mut();
    headers.insert("glassbook-proof-kind", text(file.kind));
    headers.insert("glassbook-proof-statement", text(file.statement));
    headers.insert("glassbook-proof-batches", text(format!("{} {}", file.batches.0, file.batches.1)));
    Ok(response)
}

/// How a batch's data was published
///
/// And the samples that were taken here. Take your own: `glassbook da sample`.
#[utoipa::path(
    get, path = "/batches/{batch}/availability", tag = "batches",
    params(("batch" = inline(Number), Path, description = "Its number")),
    responses((status = 200, description = "How", body = AvailabilityBody), Refusals)
)]
pub(crate) async fn availability(
    State(native): State<Arc<Native>>,
    Path(Number(number)): Path<Number>,
) -> Result<Json<AvailabilityBody>, ApiError> {
    let found = move |native: &Native| {
        native.lifecycle.batch(number)?.ok_or_else(|| unknown_batch(number))?;
        let found = native.lifecycle.availability(number)?.ok_or_else(|| {
            let message = format!("the data of batch {number} is not published");
            ApiError::not_found("not_published", message, "get the batch's file: /batches/{batch}/sealed")
        })?;
        Ok(AvailabilityBody::new(number, native.lifecycle.facts().shards_url, found))
    };
    Ok(Json(native.blocking(Turn::Read, found).await?))
}

/// How far a command is
///
/// Any command, also one that was rejected. `not_sealed` while its batch is open.
#[utoipa::path(
    get, path = "/commands/{sequence}", tag = "orders",
    params(("sequence" = inline(Number), Path, description = "Its number")),
    responses((status = 200, description = "The command's batch", body = CommandBody), Refusals)
)]
pub(crate) async fn command(
    State(native): State<Arc<Native>>,
    Path(Number(sequence)): Path<Number>,
) -> Result<Json<CommandBody>, ApiError> {
    let found = move |native: &Native| {
        let claim = native.index.holding(sequence).ok_or_else(|| native.not_sealed(sequence))?;
        let batch = native.batch_or_sealed(claim.batch)?;
        let state = batch.stage;
        Ok(CommandBody { sequence, state, batch })
    };
    Ok(Json(native.blocking(Turn::Read, found).await?))
}

impl Native {
    /// How far a batch is whose file is here: sealed, where the lifecycle does not know it yet.
    pub(crate) fn batch_or_sealed(&self, number: u64) -> Result<BatchBody, ApiError> {
        let record = match self.lifecycle.batch(number)? {
            Some(record) => record,
            None => super::BatchRecord {
                number,
                state: "sealed".to_string(),
                claim_digest: None,
                stages: vec![super::StageReached {
                    stage: Stage::Sealed,
                    time: None,
                    block: None,
                    transaction: None,
                }],
                proofs: None,
                proof: None,
                l1: Default::default(),
                entered: Default::default(),
                trouble: None,
            },
        };
        Ok(BatchBody::new(&record, self.index.claim(number).as_ref()))
    }

    /// Why there is no sealed batch with a command.
    pub(crate) fn not_sealed(&self, sequence: u64) -> ApiError {
        if (1..=self.gateway.view.sequence()).contains(&sequence) {
            let message = format!("command {sequence} is in no sealed batch");
            let remedy = "try again: batches are sealed every moment; an old one may have been removed";
            return ApiError::not_found("not_sealed", message, remedy);
        }
        let message = format!("there is no command {sequence}");
        ApiError::not_found("unknown_command", message, "commands count from 1; GET /exchange says the last")
    }
}

/// After which transition.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// The number of the last transition that is known; without, only those from now on.
    #[param(inline)]
    after: Option<Number>,
}

/// Batches' transitions as they happen
///
/// Server-sent events: `batch` with a transition, `missed` with the numbers of those that are not kept any more. A client that
/// comes again with `Last-Event-ID` gets what it missed.
#[utoipa::path(
    get, path = "/events", tag = "batches", params(After),
    responses((status = 200, description = "Transitions", body = TransitionBody, content_type = "text/event-stream"), Refusals)
)]
pub(crate) async fn events(
    State(native): State<Arc<Native>>,
    Query(After { after }): Query<After>,
    who: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, ApiError> {
    let mut news = native.lifecycle.news();
    let last = *news.borrow_and_update();
    let run =
        native.blocking(Turn::Read, move |native| Ok(native.lifecycle.transitions(last, 1).run)).await?;
    // The number after the start that it is of: numbers begin again at each.
    let received = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.split_once('-'));
    let received = received.map(|(of, number)| match of.parse() == Ok(run) {
        true => number.parse().unwrap_or(0),
        false => 0,
    });
    let known = received.or(after.map(|Number(after)| after)).unwrap_or(last);
    // The caller's places are kept for as long as he listens.
    let told = stream::unfold((native, news, known, who), |(native, mut news, known, who)| async move {
        loop {
            let transitions = native.lifecycle.transitions(known, 1);
            let id = |number: u64| format!("{}-{number}", transitions.run);
            if let Some((from, to)) = transitions.missed {
                let data = json!({ "from": from, "to": to }).to_string();
                let message = Message::default().id(id(to)).event("missed").data(data);
                return Some((Ok(message), (native, news, to, who)));
            }
            if let Some(next) = transitions.list.first() {
                let body = TransitionBody::new(transitions.run, next);
                let data = serde_json::to_string(&body).unwrap_or_default();
                let message = Message::default().id(id(next.number)).event("batch").data(data);
                return Some((Ok(message), (native, news, next.number, who)));
            }
            tokio::select! {
                changed = news.changed() => changed.ok()?,
                () = native.gateway.stopped() => return None,
            }
        }
    });
    Ok(Sse::new(told).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}
