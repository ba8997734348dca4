//! Commands signed by session keys and by owners, on their way in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use exchange::{Acknowledgement, Refused, Submission};
use serde::Deserialize;
use tokio::sync::oneshot;
use tokio::time::timeout;
use types::{AccountId, Command, Reader};
use utoipa::ToSchema;

use super::answers::AcknowledgementBody;
use super::api::Turn;
use super::error::Refusals;
use super::extract::Body;
use super::hexadecimal::{read, read_array};
use super::limits::charge;
use super::number;
use super::{ApiError, Native};
use crate::clock;
use crate::limits::{Exceeded, Refusal};
use crate::server::ClientAddress;

/// Submissions with more signatures are checked on threads that may take long.
const QUICK: usize = 4;
/// How long the view may take to show what was acknowledged.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many commands of a submission weigh one more.
const COMMANDS_A_WEIGHT: usize = 100;

/// Commands of sessions' streams, with one signature for each account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamsRequest {
    /// In order; executed without anything in between.
    #[schema(min_items = 1, max_items = 10000)]
    pub commands: Vec<SignedCommand>,
    /// One for each account in it, over its stream's digest after its last command here.
    #[schema(min_items = 1, max_items = 10000)]
    pub signatures: Vec<StreamSignature>,
}

/// A command of a session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedCommand {
    /// Whose.
    #[serde(deserialize_with = "number::account")]
    #[schema(maximum = 4294967295.0)]
    pub account: u32,
    /// Canonically encoded, as hexadecimal digits.
    #[schema(max_length = 322, pattern = "^(0x)?([0-9a-fA-F]{2}){1,160}$", examples("0100040080f403052a"))]
    pub command: String,
}

/// A signature of a session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamSignature {
    /// Whose.
    #[serde(deserialize_with = "number::account")]
    #[schema(maximum = 4294967295.0)]
    pub account: u32,
    /// Ed25519, 64 bytes as hexadecimal digits.
    #[schema(max_length = 130, pattern = "^(0x)?[0-9a-fA-F]{128}$")]
    pub signature: String,
}

/// A command that the account's owner has signed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnerRequest {
    /// Whose.
    #[serde(deserialize_with = "number::account")]
    #[schema(maximum = 4294967295.0)]
    pub account: u32,
    /// Canonically encoded, as hexadecimal digits.
    #[schema(max_length = 322, pattern = "^(0x)?([0-9a-fA-F]{2}){1,160}$", examples("02010005"))]
    pub command: String,
    /// secp256k1 over EIP-712 data with the account's nonce: `r ‖ s ‖ v`, 65 bytes as hexadecimal digits.
    #[schema(max_length = 132, pattern = "^(0x)?[0-9a-fA-F]{130}$")]
    pub signature: String,
}

/// Reads one command and nothing else.
pub(crate) fn read_command(text: &str, what: &str) -> Result<Command, ApiError> {
    let bytes = read(text, what, Command::MAX_BYTES)?;
    let mut reader = Reader::new(&bytes);
    let command = Command::decode(&mut reader).and_then(|command| reader.finish().map(|()| command));
    command.map_err(|error| {
        let remedy = "see the book, Encodings: every command has exactly one";
        ApiError::bad("bad_command", format!("{what}: {error}"), remedy)
    })
}

impl StreamsRequest {
    pub fn submission(self) -> Result<Submission, ApiError> {
        let commands = self.commands.iter().enumerate().map(|(place, command)| {
            let read = read_command(&command.command, &format!("commands[{place}].command"))?;
            Ok((AccountId(command.account), read))
        });
        let commands = commands.collect::<Result<_, ApiError>>()?;
        let signatures = self.signatures.iter().enumerate().map(|(place, signature)| {
            let bytes = read_array(&signature.signature, &format!("signatures[{place}].signature"))?;
            Ok((AccountId(signature.account), bytes))
        });
        let signatures = signatures.collect::<Result<_, ApiError>>()?;
        Ok(Submission::Streams { commands, signatures, timestamps: Vec::new() })
    }
}

impl OwnerRequest {
    pub fn submission(self) -> Result<Submission, ApiError> {
        Ok(Submission::Owner {
            account: AccountId(self.account),
            command: read_command(&self.command, "command")?,
            signature: read_array(&self.signature, "signature")?,
            timestamps: Vec::new(),
        })
    }
}

/// How many orders a submission places or replaces, by account.
fn orders(submission: &Submission) -> BTreeMap<AccountId, u32> {
    let mut orders = BTreeMap::new();
    let mut count = |account: AccountId, command: &Command| {
        if matches!(command, Command::Place(_) | Command::Replace { .. }) {
            let count: &mut u32 = orders.entry(account).or_default();
            *count = count.saturating_add(1);
        }
    };
    match submission {
        Submission::Streams { commands, .. } => {
            commands.iter().for_each(|(account, command)| count(*account, command));
        }
        Submission::Owner { account, command, .. } => count(*account, command),
        _ => {}
    }
    orders
}

fn too_many_orders(account: AccountId, refusal: Refusal, now: u64) -> ApiError {
    let when = match refusal.what {
        Exceeded::OrdersInADay => "today",
        _ => "in these ten seconds",
    };
    let seconds = refusal.retry_after(now);
    let message = format!("account {account} would place more orders {when} than an account may");
    let remedy = format!("wait {seconds} s; cancelling is always possible");
    let mut error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_orders", message, remedy);
    error.retry_after = Some(seconds);
    error
}

/// What is known of a submission once it is durable and executed.
pub(crate) type Promise = oneshot::Receiver<Result<Acknowledgement, Refused>>;

impl Native {
    /// Hands a submission in. What is handed in before this returns stays before what is handed in later.
    ///
    /// `address` is whose weight a large one takes. Orders count for their account only once its signature was found right, or
    /// anybody could use up what an account may place.
    pub(crate) async fn hand_in(
        self: &Arc<Self>,
        submission: Submission,
        address: Option<IpAddr>,
    ) -> Result<Promise, ApiError> {
        let orders = orders(&submission);
        if let (Some(address), Submission::Streams { commands, .. }) = (address, &submission) {
            charge(self, address, u32::try_from(commands.len() / COMMANDS_A_WEIGHT).unwrap_or(u32::MAX))?;
        }
        let (limiter, now) = (&self.gateway.limiter, clock::millis());
        for (account, count) in &orders {
            limiter
                .may_place(*account, *count, now)
                .map_err(|refusal| too_many_orders(*account, refusal, now))?;
        }
        let (answer, promise) = oneshot::channel();
        // Whoever no longer waits does not mind.
        let answer = move |result| drop(answer.send(result));
        let quick = match &submission {
            Submission::Streams { signatures, .. } => signatures.len() <= QUICK,
            _ => true,
        };
        if quick {
            self.gateway.exchange.submit_then(submission, answer)?;
        } else {
            let hand_in = move |native: &Self| Ok(native.gateway.exchange.submit_then(submission, answer)?);
            self.blocking(Turn::Read, hand_in).await?;
        }
        for (account, count) in orders {
            limiter.count_orders(account, count, now);
        }
        Ok(promise)
    }

    /// Waits until a submission is durable and executed, and shown.
    pub(crate) async fn acknowledged(&self, promise: Promise) -> Result<Acknowledgement, ApiError> {
        let unanswered = || {
            let message = "the exchange stopped before it answered";
            let remedy = "whether the commands count is known when it starts again: look at the stream";
            ApiError::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "stopped", message, remedy)
        };
        let mut trace = telemetry::current::take();
        if let Some(trace) = &mut trace {
            trace.handed_over();
        }
        let acknowledgement = match promise.await {
            // It was taken: what stopped the exchange did so before or after the commands were durable.
            Ok(Err(Refused::Stopped(_) | Refused::ShuttingDown)) | Err(_) => return Err(unanswered()),
            Ok(Ok(acknowledgement)) => acknowledgement,
            Ok(Err(refused)) => {
                if let Some(trace) = trace {
                    trace.refused(&refused.to_string());
                }
                return Err(refused.into());
            }
        };
        if let Some(trace) = trace {
            crate::desk::tell(trace, &acknowledgement);
        }
        let last = acknowledgement.first_sequence + acknowledgement.outcomes.len() as u64 - 1;
        if timeout(PATIENCE, self.gateway.view.reached(last)).await.is_err() {
            tracing::warn!(sequence = last, "the view does not follow");
        }
        Ok(acknowledgement)
    }
}

/// Hands in stream-signed commands
///
/// Taken whole or not at all, executed in order without anything in between. The answer comes when they are durable and executed;
/// whether each did anything is for its outcome to say. The key stays with the trader (the book: Signing a stream).
#[utoipa::path(
    post, path = "/streams", tag = "orders", request_body = StreamsRequest,
    responses((status = 200, description = "Durable and executed", body = AcknowledgementBody), Refusals)
)]
pub(crate) async fn streams(
    State(native): State<Arc<Native>>,
    client: Option<Extension<ClientAddress>>,
    Body(request): Body<StreamsRequest>,
) -> Result<Json<AcknowledgementBody>, ApiError> {
    let address = client.map(|client| client.address);
    let promise = native.hand_in(request.submission()?, address).await?;
    Ok(Json(native.acknowledged(promise).await?.into()))
}

/// Hands in a command that the owner has signed
///
/// EIP-712 typed data with the account's nonce (the book: The owner's signature). Owners register session keys with this.
#[utoipa::path(
    post, path = "/owner-commands", tag = "orders", request_body = OwnerRequest,
    responses((status = 200, description = "Durable and executed", body = AcknowledgementBody), Refusals)
)]
pub(crate) async fn owner_command(
    State(native): State<Arc<Native>>,
    Body(request): Body<OwnerRequest>,
) -> Result<Json<AcknowledgementBody>, ApiError> {
    let promise = native.hand_in(request.submission()?, None).await?;
    Ok(Json(native.acknowledged(promise).await?.into()))
}
