//! The node's side of the protocol.

use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use verifier::Proof;

use super::auth::{AuthError, Gate, Signed};
use super::messages::{Failed, Hello};
use crate::Cancellation;
use crate::job::{JobId, LeaseId, Millis, WorkerId};
use crate::manager::{Manager, WorkerFault};

/// Bodies that are not proofs are at most so many bytes.
const MESSAGE_BYTES: usize = 1 << 20;
/// Proofs in memory at a time, each of at most [`Proof::MAX_BYTES`].
const PROOFS: usize = 4;
/// How long a proof waits until it may be sent.
const TURN: Duration = Duration::from_secs(30);
/// How long a proof may take to arrive.
const UPLOAD: Duration = Duration::from_secs(120);

struct Node {
    manager: Arc<Manager>,
    gate: Arc<Mutex<Gate>>,
    proofs: Semaphore,
}

/// Serves workers until `stop`. The gate may be changed meanwhile.
///
/// # Errors
/// When the server fails.
pub fn serve(
    manager: Arc<Manager>,
    gate: Arc<Mutex<Gate>>,
    listener: TcpListener,
    stop: &Cancellation,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let served = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let ticking = Arc::clone(&manager);
        let ticks = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(200)).await;
                let manager = Arc::clone(&ticking);
                // A tick that fails is followed by another.
                let _ = spawn_blocking(move || manager.tick()).await;
            }
        });
        let stop = stop.clone();
        let stopped = async move {
            while !stop.is_cancelled() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let server = axum::serve(listener, routes(manager, gate)).with_graceful_shutdown(stopped);
        let served = server.await;
        ticks.abort();
        served
    });
    // Requests in flight have had their time.
    runtime.shutdown_timeout(Duration::from_secs(5));
    served
}

fn routes(manager: Arc<Manager>, gate: Arc<Mutex<Gate>>) -> Router {
    Router::new()
        .route("/v1/worker", put(hello))
        .route("/v1/leases", post(lease))
        .route("/v1/leases/{lease}", post(renew))
        .route("/v1/leases/{lease}/input", get(input))
        .route("/v1/leases/{lease}/failure", post(failure))
        .route("/v1/jobs/{job}/proof", put(proof))
        .route("/v1/status", get(status))
        .with_state(Arc::new(Node { manager, gate, proofs: Semaphore::new(PROOFS) }))
}

/// What a request is refused with.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        let status = match error {
            AuthError::Headers | AuthError::Body => StatusCode::BAD_REQUEST,
            AuthError::Repeated | AuthError::JustStarted => StatusCode::TOO_EARLY,
            AuthError::NotAllowed => StatusCode::FORBIDDEN,
            AuthError::Time { .. } | AuthError::Signature => StatusCode::UNAUTHORIZED,
            AuthError::TooMany => StatusCode::TOO_MANY_REQUESTS,
        };
        Self(status, error.to_string())
    }
}

impl From<WorkerFault> for Refusal {
    fn from(fault: WorkerFault) -> Self {
        let status = match fault {
            WorkerFault::Unknown => StatusCode::CONFLICT,
            WorkerFault::NoLease | WorkerFault::NoJob => StatusCode::NOT_FOUND,
            WorkerFault::Over => StatusCode::GONE,
            WorkerFault::Hello { .. } | WorkerFault::Proof(_) | WorkerFault::OtherClaims => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            WorkerFault::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self(status, fault.to_string())
    }
}

impl Node {
    /// Who asks, and the body: read only when the signature is good.
    async fn admit(&self, request: Request, limit: usize) -> Result<(WorkerId, Bytes), Refusal> {
        let (parts, body) = request.into_parts();
        let signed = self.signed(&parts)?;
        Ok((signed.worker, read(&signed, body, limit).await?))
    }

    /// What a worker says, once its signature was found good.
    fn signed<'a>(&self, parts: &'a Parts) -> Result<Signed<'a>, Refusal> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let signed = Signed::read(parts.method.as_str(), path, header)?;
        self.gate.lock().unwrap_or_else(PoisonError::into_inner).admit(&signed, Millis::now())?;
        Ok(signed)
    }

    /// Work that reads disks or checks proofs, away from the threads that talk.
    async fn manage<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Manager) -> Result<T, WorkerFault> + Send + 'static,
    ) -> Result<T, Refusal> {
        let manager = Arc::clone(&self.manager);
        match spawn_blocking(move || work(&manager)).await {
            Ok(done) => Ok(done?),
            Err(_) => Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, "the node failed".into())),
        }
    }
}

/// The body, which must be the one that was signed.
async fn read(signed: &Signed<'_>, body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let body = to_bytes(body, limit)
        .await
        .map_err(|_| Refusal(StatusCode::PAYLOAD_TOO_LARGE, format!("a body has at most {limit} bytes")))?;
    signed.has_body(&body)?;
    Ok(body)
}

fn message<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal(StatusCode::BAD_REQUEST, format!("the message cannot be read: {error}")))
}

fn id<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, Refusal> {
    text.parse().map_err(|_| Refusal(StatusCode::BAD_REQUEST, format!("{text} is not the id of a {what}")))
}

async fn hello(State(node): State<Arc<Node>>, request: Request) -> Result<StatusCode, Refusal> {
    let (worker, body) = node.admit(request, MESSAGE_BYTES).await?;
    let hello: Hello = message(&body)?;
    node.manage(move |manager| manager.hello(worker, hello)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn lease(State(node): State<Arc<Node>>, request: Request) -> Result<Response, Refusal> {
    let (worker, _) = node.admit(request, 0).await?;
    Ok(match node.manage(move |manager| manager.lease(worker)).await? {
        Some(offer) => Json(offer).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn renew(
    State(node): State<Arc<Node>>,
    Path(lease): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (worker, _) = node.admit(request, 0).await?;
    let lease: LeaseId = id(&lease, "lease")?;
    let pulse = node.manage(move |manager| manager.renew(worker, lease)).await?;
    Ok(Json(pulse).into_response())
}

async fn input(
    State(node): State<Arc<Node>>,
    Path(lease): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (worker, _) = node.admit(request, 0).await?;
    let lease: LeaseId = id(&lease, "lease")?;
    let input = node.manage(move |manager| manager.input(worker, lease)).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], Body::from(input)).into_response())
}

async fn failure(
    State(node): State<Arc<Node>>,
    Path(lease): Path<String>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let (worker, body) = node.admit(request, MESSAGE_BYTES).await?;
    let lease: LeaseId = id(&lease, "lease")?;
    let failed: Failed = message(&body)?;
    node.manage(move |manager| manager.failed(worker, lease, &failed)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What comes with a proof.
#[derive(Deserialize)]
struct Delivery {
    lease: String,
    cycles: u64,
}

async fn proof(
    State(node): State<Arc<Node>>,
    Path(job): Path<String>,
    Query(Delivery { lease, cycles }): Query<Delivery>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let (parts, body) = request.into_parts();
    let signed = node.signed(&parts)?;
    let worker = signed.worker;
    let (job, lease): (JobId, LeaseId) = (id(&job, "job")?, id(&lease, "lease")?);
    // The body may be large: it is read of who may bring it, and of few at a time.
    node.manage(move |manager| manager.may_deliver(worker, job, lease)).await?;
    let Ok(Ok(_turn)) = timeout(TURN, node.proofs.acquire()).await else {
        let why = "too many proofs arrive at once: try again later";
        return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, why.into()));
    };
    let Ok(file) = timeout(UPLOAD, read(&signed, body, Proof::MAX_BYTES)).await else {
        let why = format!("the proof did not arrive in {} s", UPLOAD.as_secs());
        return Err(Refusal(StatusCode::REQUEST_TIMEOUT, why));
    };
    let file = file?;
    node.manage(move |manager| manager.deliver(worker, job, lease, cycles, &file)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn status(State(node): State<Arc<Node>>) -> Result<Response, Refusal> {
    let status = node.manage(|manager| Ok(manager.status())).await?;
    Ok(Json(status).into_response())
}
